internal import Linux

/// The mounts by which one container's HOST_PATH and SANDBOX_PATH volumes reach the OCI runtime.
///
/// Between the look at a path and the runtime's mount, others may put a link in its place. So what
/// was looked at is held, and mounted at a place that nobody else can change; the runtime gets that
/// place. Once the container runs, or has failed to, its own copies are all that stays.
struct VolumePins: ~Copyable {
    private let places: [String]
    /// The spec with the places as the volumes' paths on the host.
    let spec: ContainerSpec

    /// Makes the places in `directory`, which no other container uses.
    init(
        _ spec: ContainerSpec, _ rules: HostPathRules, in directory: String
    ) throws(ContainerError) {
        var made: [String] = []
        var spec = spec
        do throws(ContainerError) {
            for index in spec.volumes.indices {
                let volume = spec.volumes[index]
                let place = "\(directory)/\(spec.id).\(index)"
                switch volume.source {
                case .persistent: continue
                case .host:
                    let pinned = try rules.pin(volume, user: spec.user)
                    try Self.mount(pinned, at: place, isReadOnly: volume.isReadOnly, &made)
                    spec.volumes[index].isFile = !pinned.isDirectory
                case .sandbox(let path):
                    let pinned = try Sandbox.pin(
                        path, in: spec.sandbox, uid: spec.user.uid, gid: spec.user.gid)
                    try Self.mount(pinned, at: place, isReadOnly: volume.isReadOnly, &made)
                    spec.volumes[index].isFile = !pinned.isDirectory
                }
                spec.volumes[index].hostPath = place
            }
        } catch {
            Self.remove(made)
            throw error
        }
        places = made
        self.spec = spec
    }

    deinit { Self.remove(places) }

    private static func mount(
        _ pinned: borrowing PinnedPath, at place: String, isReadOnly: Bool, _ made: inout [String]
    ) throws(ContainerError) {
        do throws(SystemError) {
            made.append(place)
            if pinned.isDirectory {
                try Files.makeDirectory(place, mode: 0o700)
            } else {
                _ = try Descriptor.open(place, .create)
            }
            let tree = try pinned.mounts(isRecursive: true)
            var attributes: MountTree.Attributes = [.noSetID, .noDevices]
            if isReadOnly { attributes.insert(.readOnly) }
            try tree.set(attributes)
            try tree.attach(at: place)
        } catch {
            throw ContainerError("\(pinned.location) can't be mounted: \(error)")
        }
    }

    private static func remove(_ places: [String]) {
        for place in places {
            _ = try? Mount.detach(place, isLazy: true)
            _ = try? Files.remove(place)
            _ = try? Files.removeDirectory(place)
        }
    }
}

extension Sandbox {
    /// Takes hold of a place below a container's sandbox, which is made as a directory of the
    /// user's where nothing is; through no link that a fetched archive may hold.
    static func pin(
        _ path: [String], in sandbox: String, uid: UInt32, gid: UInt32
    ) throws(ContainerError) -> PinnedPath {
        let text = path.joined(separator: "/")
        do throws(SystemError) {
            let directory = try InsideDirectory(sandbox)
            do throws(SystemError) { return try PinnedPath(text, in: directory) } catch {
                guard error.isNotFound else { throw error }
            }
            _ = try directory.makeDirectories(path, uid: uid, gid: gid)
            return try PinnedPath(text, in: directory)
        } catch {
            throw ContainerError("the path \(text) of a volume in the sandbox: \(error)")
        }
    }
}
