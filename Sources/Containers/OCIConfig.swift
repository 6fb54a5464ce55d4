/// A bundle's config.json, as far as Holdfast uses it (OCI runtime specification 1.0.2).
struct OCIConfig: Encodable {
    struct User: Encodable {
        let uid: UInt32
        let gid: UInt32
        let additionalGids: [UInt32]
    }

    struct Capabilities: Encodable {
        let bounding: [String]
        let effective: [String]
        let permitted: [String]
    }

    struct Process: Encodable {
        let terminal: Bool
        let user: User
        let args: [String]
        let env: [String]
        let cwd: String
        let capabilities: Capabilities
        let noNewPrivileges: Bool
    }

    struct Root: Encodable {
        let path: String
        let readonly: Bool
    }

    struct Mount: Encodable {
        let destination: String
        let type: String
        let source: String
        let options: [String]
    }

    struct Namespace: Encodable {
        let type: String
    }

    struct IDMapping: Encodable {
        let containerID: UInt32
        let hostID: UInt32
        let size: UInt32
    }

    struct Device: Encodable {
        let allow: Bool
        let access: String
    }

    struct Memory: Encodable {
        let limit: Int64
        let swap: Int64?
    }

    struct CPU: Encodable {
        let shares: UInt64
        let quota: Int64?
        let period: UInt64?
    }

    struct Processes: Encodable {
        let limit: Int
    }

    /// A rate of one device a second.
    struct DeviceRate: Encodable {
        let major: UInt32
        let minor: UInt32
        let rate: Int64
    }

    struct BlockIO: Encodable {
        let throttleReadBpsDevice: [DeviceRate]
        let throttleWriteBpsDevice: [DeviceRate]
        let throttleReadIOPSDevice: [DeviceRate]
        let throttleWriteIOPSDevice: [DeviceRate]
    }

    struct Resources: Encodable {
        let blockIO: BlockIO?
        let devices: [Device]
        let memory: Memory?
        let cpu: CPU?
        let pids: Processes?
    }

    struct SystemCall: Encodable {
        struct Argument: Encodable {
            let index: Int
            let value: UInt64
            let valueTwo: UInt64
            let op: String
        }

        let names: [String]
        let action: String
        let args: [Argument]
    }

    struct Seccomp: Encodable {
        let defaultAction: String
        let architectures: [String]
        let syscalls: [SystemCall]
    }

    struct Linux: Encodable {
        let namespaces: [Namespace]
        /// Of a user namespace; nil: the host's.
        let uidMappings: [IDMapping]?
        let gidMappings: [IDMapping]?
        let cgroupsPath: String?
        let resources: Resources
        let rootfsPropagation: String
        let maskedPaths: [String]
        let readonlyPaths: [String]
        let seccomp: Seccomp?
    }

    let ociVersion: String
    let process: Process
    let root: Root
    let mounts: [Mount]
    let linux: Linux
}
