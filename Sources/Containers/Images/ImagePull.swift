internal import Glibc
internal import Linux

/// Fetches one image and unpacks it, in a directory of its own in which nothing counts until the
/// unpacked root has been renamed out of it.
///
///     source (a local image's copy, made with the rights of the task's user)
///       -skopeo-> layout -umoci-> image/root, image/config.json -sync, rename-> roots/DIGEST
struct ImagePull {
    let name: ImageName
    /// Whose rights count for a local image.
    let user: UserIdentity
    let supervisor: String
    let tool: ImageTool
    /// Empty; the caller removes it.
    let directory: String
    /// Where complete images are, a directory each.
    let roots: String

    /// Returns the image's digest once its root is there, durable.
    func run() throws(ContainerError) -> String {
        try tool.run(try fetching(), in: directory)
        let layout = try ImageLayout("\(directory)/layout")
        let target = "\(roots)/\(layout.digest)"
        guard !FileStatus.exists(target) else { return layout.digest }
        tool.progress("unpacking sha256:\(layout.digest), layers: \(layout.layerCount)")
        let image = "\(directory)/image"
        do throws(SystemError) {
            try Files.makeDirectory(image, mode: 0o700)
            try DurableFile.write(layout.configuration, to: "\(image)/config.json")
        } catch {
            throw ContainerError("the image can't be stored: \(error)")
        }
        try tool.run(
            ["umoci", "raw", "unpack", "--image", "layout:image", "image/root"], in: directory)
        _ = try ImageConfiguration(json: layout.configuration)
        // All of it is on the disk before its place says that it is complete.
        try tool.run(["sync", "-f", image])
        do throws(SystemError) {
            try Self.publish(image, as: target)
            try Files.syncDirectory(roots)
        } catch {
            throw ContainerError("the image can't be stored: \(error)")
        }
        return layout.digest
    }

    private static func publish(_ image: String, as target: String) throws(SystemError) {
        do throws(SystemError) {
            try Files.renameExclusively(image, to: target)
        } catch {
            // The same image under another name was unpacked meanwhile.
            guard error.isOccupied else { throw error }
        }
    }

    /// skopeo's words; a colon in an absolute path would mislead it. It checks all digests on the
    /// way and writes what umoci can read.
    private func fetching() throws(ContainerError) -> [String] {
        var words = ["skopeo", "--tmpdir", "."]
        // Without a policy of the host skopeo would refuse everything.
        if !FileStatus.exists("/etc/containers/policy.json") { words.append("--insecure-policy") }
        words.append("copy")
        switch name {
        case .registry(let reference, let isSecure):
            if !isSecure { words.append("--src-tls-verify=false") }
            words.append("docker://\(reference)")
        case .saved(let path):
            // skopeo would take what comes after a colon in the path for a reference.
            do throws(SystemError) {
                try Files.makeLink("source", in: Descriptor.openDirectory(directory), target: path)
            } catch {
                throw ContainerError("the archive \(path): \(error)")
            }
            words.append("docker-archive:source")
        case .archive(let path):
            try copy(["cat", "--", path])
            words.append("docker-archive:source")
        case .layout(let path, let tag):
            try copy([
                "tar", "-ch", "-C", path, "-f", "-", "index.json", "oci-layout", "blobs",
            ])
            try unpackSource()
            words.append("oci:local:\(tag)")
        }
        return words + ["oci:layout:image"]
    }

    /// Reads a local image as the task's user: one that it may not read is none.
    private func copy(_ words: [String]) throws(ContainerError) {
        let file: OpenFile
        do throws(SystemError) {
            file = try OpenFile(
                path: "\(directory)/source", flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW)
        } catch {
            throw ContainerError("the image can't be copied: \(error)")
        }
        try tool.run(words, as: .init(supervisor: supervisor, user: user), output: file)
    }

    private func unpackSource() throws(ContainerError) {
        do throws(SystemError) {
            try Files.makeDirectory("\(directory)/local", mode: 0o700)
        } catch {
            throw ContainerError("the image can't be copied: \(error)")
        }
        try tool.run(
            ["tar", "-x", "--no-same-owner", "-C", "local", "-f", "source"], in: directory)
    }
}
