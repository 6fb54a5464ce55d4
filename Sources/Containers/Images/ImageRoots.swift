internal import Glibc
internal import Linux

/// The roots of containers with an image: of each container its own changes over the image's files,
/// which no container can change.
///
///     containers/ID/upper, work   the container's changes (overlayfs)
///     containers/ID/root          where the root is mounted; the copy, where overlayfs can't be
struct ImageRoots: Sendable {
    /// `containers` in the store's directory.
    let directory: String

    func path(_ id: String) -> String { "\(directory)/\(id)" }

    /// What a container has written to its root; nothing limits its size but the disk.
    func upper(_ id: String) -> String { "\(path(id))/upper" }

    /// Mounts a root for a container over an image's; throws where the file system of the work
    /// directory or the kernel does not allow overlayfs. Nothing is durable: after a reboot no
    /// container is left that could want it.
    func mount(_ id: String, over image: String) throws(SystemError) -> String {
        let place = path(id)
        let root = "\(place)/root"
        let lower = try FileStatus.of(image)
        try Files.makeDirectory(place, mode: 0o700)
        for name in ["upper", "work", "root"] {
            try Files.makeDirectory("\(place)/\(name)", mode: 0o700)
        }
        // The upper directory is what the root itself looks like.
        try Files.own(
            directory: upper(id), uid: lower.uid, gid: lower.gid, mode: lower.mode)
        let options = [("lowerdir", image), ("upperdir", upper(id)), ("workdir", "\(place)/work")]
        try Mount.attach(
            "overlay", at: root, fileSystem: "overlay", flags: UInt(MS_NODEV),
            options: options.map { "\($0.0)=\(Self.escaped($0.1))" }.joined(separator: ","))
        return root
    }

    /// Makes a copy of the image's files a container's root; what `mount` has left is used.
    func copy(_ id: String, of image: String, _ tool: ImageTool) throws(ContainerError) -> String {
        let root = "\(path(id))/root"
        do throws(SystemError) {
            try Files.makeDirectory(path(id), mode: 0o700)
            try Files.makeDirectory(root, mode: 0o755)
        } catch {
            throw ContainerError("a root for container \(id): \(error)")
        }
        try tool.run(["cp", "-a", "--reflink=auto", "--", "\(image)/.", root])
        return root
    }

    /// Unmounts a container's root and moves what is left of it to `trash`, to be erased; false if
    /// there is none.
    func retire(_ id: String, to trash: String) throws(SystemError) -> Bool {
        guard FileStatus.exists(path(id)) else { return false }
        while try Mount.detach("\(path(id))/root", isLazy: true) {}
        try Files.rename(path(id), to: trash)
        return true
    }

    func all() throws(SystemError) -> [String] { try Files.list(directory) }

    /// Commas separate options, colons separate lower directories.
    static func escaped(_ path: String) -> String {
        String(path.flatMap { "\\:,".contains($0) ? ["\\", $0] : [$0] })
    }
}
