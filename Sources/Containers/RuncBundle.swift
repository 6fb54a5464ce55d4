/// The parts of an OCI runtime's config.json that containers here use; names are the format's own.
/// https://github.com/opencontainers/runtime-spec/blob/main/config.md
struct RuncBundle: Encodable {
    struct User: Encodable {
        var uid: UInt32
        var gid: UInt32
        var additionalGids: [UInt32]
    }

    struct Capabilities: Encodable {
        var bounding: [String]
        var effective: [String]
        var permitted: [String]
    }

    struct Process: Encodable {
        var terminal = false
        var user: User
        var args: [String]
        var env: [String]
        var cwd: String
        var capabilities: Capabilities
        var noNewPrivileges = true
    }

    struct Root: Encodable {
        var path: String
        var readonly: Bool
    }

    struct Mount: Encodable, Equatable {
        var destination: String
        var type: String
        var source: String
        var options: [String]
    }

    struct Namespace: Encodable {
        var type: String
    }

    struct DeviceRule: Encodable {
        var allow: Bool
        var access: String
    }

    struct Memory: Encodable {
        var limit: Int64
        /// Memory and swap together.
        var swap: Int64?
    }

    struct CPU: Encodable {
        var shares: UInt64
        var quota: Int64?
        var period: UInt64?
    }

    struct Pids: Encodable {
        var limit: Int64
    }

    struct Resources: Encodable {
        var devices: [DeviceRule]
        var memory: Memory?
        var cpu: CPU
        var pids: Pids?
    }

    struct Linux: Encodable {
        var namespaces: [Namespace]
        var cgroupsPath: String
        var resources: Resources
        var rootfsPropagation: String
        var maskedPaths: [String]
        var readonlyPaths: [String]
    }

    var ociVersion = "1.0.2"
    var process: Process
    var root: Root
    var hostname: String
    var mounts: [Mount]
    var linux: Linux
}
