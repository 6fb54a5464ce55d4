import Containers
import Foundation
import MesosAPI
import Model

/// A volume of ContainerInfo: one that comes with no disk resource.
struct VolumeWish: Equatable, Sendable {
    enum Source: Equatable, Sendable {
        /// An absolute path of the host.
        case host(String)
        /// Below the container's own sandbox.
        case own([String])
        /// Below the sandbox of the executor that runs the task.
        case parent([String])
    }

    /// More than anyone has needed; each is a mount.
    private static let limit = 100

    var source: Source
    /// As the framework gave it.
    var containerPath: String
    var isReadOnly: Bool

    /// All volumes of a container, or why one can't be given to it.
    static func wishes(_ info: Mesos_V1_ContainerInfo) throws(ContainerError) -> [VolumeWish] {
        guard info.volumes.count <= limit else {
            throw ContainerError(
                "ContainerInfo has \(info.volumes.count) volumes; use \(limit) at most")
        }
        var wishes: [VolumeWish] = []
        for volume in info.volumes { wishes.append(try VolumeWish(volume)) }
        return wishes
    }

    /// Those that an executor's task shares with others of its executor. All else is between the
    /// task and its executor, as in Mesos.
    static func shared(_ task: Mesos_V1_TaskInfo) throws(ContainerError) -> [VolumeWish] {
        var info = task.container
        info.volumes = info.volumes.filter {
            $0.source.type == .sandboxPath && $0.source.sandboxPath.type == .parent
        }
        return try wishes(info)
    }

    init(_ volume: Mesos_V1_Volume) throws(ContainerError) {
        containerPath = volume.containerPath
        isReadOnly = volume.mode == .ro
        do throws(ContainerError) {
            _ = try ContainerPath(volume.containerPath)
            source = try Self.source(of: volume)
        } catch {
            throw ContainerError(
                "the volume at '\(volume.containerPath)' of ContainerInfo.volumes: \(error.text)")
        }
    }

    private static func source(of volume: Mesos_V1_Volume) throws(ContainerError) -> Source {
        guard !volume.hasImage else {
            throw ContainerError("an image can't be a volume; it can be a container's root")
        }
        guard volume.hasSource else {
            guard volume.hasHostPath else {
                throw ContainerError(
                    "it has no source; name host_path, or source of type HOST_PATH or SANDBOX_PATH")
            }
            // Mesos's older form: a relative one is in the sandbox.
            return volume.hostPath.hasPrefix("/")
                ? .host(try absolute(volume.hostPath)) : .own(try below(volume.hostPath))
        }
        guard !volume.hasHostPath else {
            throw ContainerError("it has host_path and source: name one of them")
        }
        return try source(volume.source)
    }

    private static func source(_ source: Mesos_V1_Volume.Source) throws(ContainerError) -> Source {
        switch source.type {
        case .hostPath:
            guard source.hasHostPath else {
                throw ContainerError("its source of type HOST_PATH lacks the field host_path")
            }
            // Tasks have no right to mount: of their mounts there is nothing to be told.
            guard source.hostPath.mountPropagation.mode != .bidirectional else {
                throw ContainerError(
                    "mount propagation BIDIRECTIONAL is not supported, as no task may mount "
                        + "anything: use HOST_TO_CONTAINER, or leave it out")
            }
            return .host(try absolute(source.hostPath.path))
        case .sandboxPath:
            let path = try below(source.sandboxPath.path)
            switch source.sandboxPath.type {
            case .self_: return .own(path)
            case .parent: return .parent(path)
            case .unknown:
                throw ContainerError("its sandbox_path has no type: use SELF or PARENT")
            }
        case .dockerVolume, .secret, .csiVolume, .unknown:
            throw ContainerError(
                "sources of type \(name(source.type)) are not supported: use HOST_PATH or "
                    + "SANDBOX_PATH, or a persistent volume of disk resources")
        }
    }

    private static func name(_ type: Mesos_V1_Volume.Source.TypeEnum) -> String {
        switch type {
        case .dockerVolume: "DOCKER_VOLUME"
        case .secret: "SECRET"
        case .csiVolume: "CSI_VOLUME"
        case .hostPath: "HOST_PATH"
        case .sandboxPath: "SANDBOX_PATH"
        case .unknown: "UNKNOWN"
        }
    }

    private static func absolute(_ path: String) throws(ContainerError) -> String {
        guard case .absolute(let components) = try plain(path) else {
            throw ContainerError("the host path '\(path)' is not absolute")
        }
        return "/" + components.joined(separator: "/")
    }

    private static func below(_ path: String) throws(ContainerError) -> [String] {
        guard case .inSandbox(let components) = try plain(path) else {
            throw ContainerError(
                "the sandbox path '\(path)' is absolute: name it as the sandbox has it")
        }
        return components
    }

    /// The rules of container paths, in words of a source.
    private static func plain(_ path: String) throws(ContainerError) -> ContainerPath {
        do throws(ContainerError) { return try ContainerPath(path) } catch {
            throw ContainerError(
                "its path '\(path)' is no plain path: name a file or directory without '..', of at "
                    + "most 4000 bytes")
        }
    }

    /// For a launcher; `sandbox` is the container's.
    func volume(sandbox: String) throws(ContainerError) -> ContainerSpec.Volume {
        switch source {
        case .host(let path):
            return .init(
                hostPath: path, containerPath: containerPath, isReadOnly: isReadOnly,
                source: .host)
        case .own(let path):
            return Self.inSandbox(path, sandbox, self)
        case .parent:
            throw ContainerError(
                "the volume at '\(containerPath)' is of type PARENT, but this container has no "
                    + "parent: use SELF, or run the task by an executor")
        }
    }

    /// The volume of a task in the executor's running container, whose sandbox is meant.
    func volume(ofExecutorIn sandbox: String) -> ContainerSpec.Volume? {
        guard case .parent(let path) = source else { return nil }
        return Self.inSandbox(path, sandbox, self)
    }

    private static func inSandbox(
        _ path: [String], _ sandbox: String, _ wish: VolumeWish
    ) -> ContainerSpec.Volume {
        .init(
            hostPath: "\(sandbox)/\(path.joined(separator: "/"))",
            containerPath: wish.containerPath, isReadOnly: wish.isReadOnly,
            source: .sandbox(path))
    }
}
