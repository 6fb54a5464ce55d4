internal import Linux

/// Where the volumes of a running container's tasks are to be: below its sandbox, apart from one
/// another and from those that it was launched with.
struct SandboxPlaces {
    private var volumes: [[String]: ContainerSpec.Volume] = [:]

    /// `taken`: places of volumes that stay. Refuses what can't be given to a running container.
    init(
        _ wanted: [ContainerSpec.Volume], taken: [[String]], _ sandbox: String
    ) throws(ContainerError) {
        for volume in wanted {
            guard
                case .inSandbox(let path) = try ContainerPath(
                    volume.containerPath, sandbox: sandbox)
            else {
                throw ContainerError(
                    "the container path \(volume.containerPath) is absolute: a task in a running "
                        + "executor can have volumes below the sandbox only, so use a relative path"
                )
            }
            guard volume.hostPath.hasPrefix("/") else {
                throw ContainerError("the volume's path '\(volume.hostPath)' is not absolute")
            }
            if let other = volumes[path], other.hostPath == volume.hostPath {
                volumes[path]?.isReadOnly = other.isReadOnly && volume.isReadOnly
            } else {
                try refuse(path, besides: taken)
                try refuse(path, besides: Array(volumes.keys))
                volumes[path] = volume
            }
        }
    }

    private func refuse(
        _ path: [String], besides others: [[String]]
    ) throws(ContainerError) {
        guard
            let other = others.first(where: { $0.starts(with: path) || path.starts(with: $0) })
        else { return }
        throw ContainerError(
            "a volume can't be at \(path.joined(separator: "/")): another one of this executor is "
                + "at \(other.joined(separator: "/"))")
    }

    subscript(path: [String]) -> ContainerSpec.Volume? { volumes[path] }

    var sorted: [(path: [String], volume: ContainerSpec.Volume)] {
        volumes.map { ($0.key, $0.value) }.sorted {
            $0.path.lexicographicallyPrecedes($1.path)
        }
    }

    /// Where the volumes are that a container starts with, as far as they are below its sandbox.
    static func launched(_ spec: ContainerSpec) throws(ContainerError) -> [[String]] {
        var places: [[String]] = []
        for volume in spec.volumes {
            guard
                case .inSandbox(let path) = try ContainerPath(
                    volume.containerPath, sandbox: spec.sandboxInside)
            else { continue }
            places.append(path)
        }
        return places
    }

    /// What leads from a sandbox to a place below it.
    static func components(_ place: String, below sandbox: String) -> [String] {
        String(decoding: place.utf8.dropFirst(sandbox.utf8.count), as: UTF8.self)
            .split(separator: "/").map(String.init)
    }
}

extension MountEntry {
    /// Whether the mount shows a volume, as read-only as it should be.
    func shows(_ volume: ContainerSpec.Volume, in table: MountTable) -> Bool {
        guard let path = try? Files.realPath(volume.hostPath),
            let mount = table.containing(path), mount.device == device,
            options.contains("ro") == (volume.isReadOnly || mount.options.contains("ro"))
        else { return false }
        let base = mount.mountPoint == "/" ? 0 : mount.mountPoint.utf8.count
        let rest = String(decoding: path.utf8.dropFirst(base), as: UTF8.self)
        let whole = (mount.root == "/" ? "" : mount.root) + rest
        return root == (whole.isEmpty ? "/" : whole)
    }
}
