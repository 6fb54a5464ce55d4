internal import Foundation
internal import Linux

extension RuncBundle {
    /// The bundle of a container on the host's files, in namespaces of its own but the network's.
    init(
        _ spec: ContainerSpec, root: HostRoot, group: String, limitsSwap: Bool
    ) throws(ContainerError) {
        process = PrivilegeIsolator.process(
            spec.command, spec.environment, user: spec.user, directory: spec.sandbox)
        self.root = Root(path: root.path, readonly: root.mode == .readOnly)
        // The host's own: in the host's network it is the name that resolves.
        hostname = KernelText.line("/proc/sys/kernel/hostname") ?? "localhost"
        mounts = try FileSystemIsolator.mounts(spec, root: root)
        linux = Linux(
            namespaces: ["pid", "mount", "ipc", "uts"].map { Namespace(type: $0) },
            cgroupsPath: group,
            resources: CgroupIsolator.resources(spec.limits, limitsSwap: limitsSwap),
            rootfsPropagation: "rslave",
            maskedPaths: FileSystemIsolator.masked, readonlyPaths: FileSystemIsolator.readOnly)
    }
}

extension Encodable {
    /// Its JSON, as an OCI runtime reads it.
    func runtimeForm() throws(ContainerError) -> [UInt8] {
        do {
            return Array(try JSONEncoder().encode(self))
        } catch {
            throw ContainerError("config.json: \(error)")
        }
    }
}
