internal import Glibc
internal import Linux

/// Where names without a place of their own are looked for: `--docker-registry`.
package enum ImageRegistry: Equatable, Sendable {
    /// As skopeo does it: docker.io.
    case usual
    /// HOST[:PORT][/PREFIX].
    case server(String, isSecure: Bool)
    /// A directory of `docker save` archives, named NAME:TAG.tar.
    case directory(String)

    /// Reads the option; nil for what is neither a directory's absolute path nor an http URL.
    package init?(option text: String) {
        for (scheme, isSecure) in [("https://", true), ("http://", false)]
        where text.hasPrefix(scheme) {
            var rest = text.dropFirst(scheme.count)
            while rest.hasSuffix("/") { rest = rest.dropLast() }
            guard ImageName.isReference(String(rest)) else { return nil }
            // Mesos's default names the server of docker.io.
            self =
                rest == "registry-1.docker.io"
                ? .usual : .server(String(rest), isSecure: isSecure)
            return
        }
        guard text.hasPrefix("/") else { return nil }
        self = .directory(text)
    }
}

/// What an image's name means on this agent.
package enum ImageName: Equatable, Sendable {
    /// What skopeo takes after `docker://`.
    case registry(String, isSecure: Bool)
    /// An archive in the registry's directory, which the operator has put there.
    case saved(String)
    /// An OCI layout's directory and a tag in it.
    case layout(String, tag: String)
    /// A `docker save` archive.
    case archive(String)

    package static let lengthLimit = 1024

    /// Reads `oci:/PATH[:TAG]`, `docker-archive:/PATH`, `[docker://]REFERENCE`.
    package init(_ text: String, _ registry: ImageRegistry) throws(ContainerError) {
        guard (1...Self.lengthLimit).contains(text.utf8.count),
            !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
        else {
            throw ContainerError(
                "an image's name must have 1 to \(Self.lengthLimit) bytes and no control characters"
            )
        }
        if let rest = Self.rest(text, "oci:") {
            self = try Self.layout(rest, text)
        } else if let rest = Self.rest(text, "docker-archive:") {
            guard Self.isPlainPath(rest) else { throw Self.malformed(text) }
            self = .archive(rest)
        } else {
            self = try Self.reference(Self.rest(text, "docker://") ?? text, registry)
        }
    }

    private static func rest(_ text: String, _ prefix: String) -> String? {
        text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : nil
    }

    private static func layout(_ rest: String, _ text: String) throws(ContainerError) -> ImageName {
        var path = rest
        var tag = "latest"
        if let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("/") {
            path = String(rest[..<colon])
            tag = String(rest[rest.index(after: colon)...])
        }
        let isTag =
            (1...128).contains(tag.utf8.count) && isReference(tag) && !tag.contains("@")
        guard isPlainPath(path), isTag else { throw malformed(text) }
        return .layout(path, tag: tag)
    }

    private static func reference(
        _ text: String, _ registry: ImageRegistry
    ) throws(ContainerError) -> ImageName {
        guard isReference(text) else { throw malformed(text) }
        switch registry {
        case .directory(let directory): return .saved(archive(text, in: directory))
        case .usual: return .registry(text, isSecure: isSecure(text))
        case .server(let server, let isSecure):
            if hasHost(text) { return .registry(text, isSecure: Self.isSecure(text)) }
            return .registry("\(server)/\(text)", isSecure: isSecure)
        }
    }

    /// NAME:TAG.tar; without a tag `latest`, or NAME.tar where only that is there.
    private static func archive(_ text: String, in directory: String) -> String {
        let last = text.split(separator: "/").last ?? ""
        let isTagged = last.contains(":") || last.contains("@")
        let plain = "\(directory)/\(text).tar"
        let tagged = "\(directory)/\(text):latest.tar"
        return isTagged || (!FileStatus.exists(tagged) && FileStatus.exists(plain))
            ? plain : tagged
    }

    /// As Docker does it, a registry on this machine needs no TLS.
    private static func isSecure(_ text: String) -> Bool {
        let host = text.prefix { $0 != "/" }.prefix { $0 != ":" }
        return !(hasHost(text) && (host == "localhost" || host.hasPrefix("127.")))
    }

    private static func hasHost(_ text: String) -> Bool {
        guard let slash = text.firstIndex(of: "/") else { return false }
        let first = text[..<slash]
        return first == "localhost" || first.contains(".") || first.contains(":")
    }

    /// The characters of references and tags, no empty component and none that climbs.
    static func isReference(_ text: String) -> Bool {
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "."), UInt8(ascii: ":"), UInt8(ascii: "/"), UInt8(ascii: "@"):
                true
            default: false
            }
        }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        return isPlain && parts.allSatisfy { !$0.isEmpty && !$0.hasPrefix(".") }
            && !text.hasPrefix("-")
    }

    private static func isPlainPath(_ path: String) -> Bool {
        path.hasPrefix("/") && path.utf8.count > 1 && !path.split(separator: "/").contains("..")
    }

    private static func malformed(_ text: String) -> ContainerError {
        ContainerError(
            "'\(text)' names no image: use REGISTRY/NAME:TAG, oci:/LAYOUT:TAG or "
                + "docker-archive:/FILE.tar")
    }
}

extension ImageName {
    /// Names it in the store: a local file that has changed is another image.
    func key() throws(ContainerError) -> String {
        switch self {
        case .registry(let reference, _): return "docker://\(reference)"
        case .saved(let path), .archive(let path):
            return "docker-archive:\(path) \(try Self.version(path))"
        case .layout(let path, let tag):
            return "oci:\(path):\(tag) \(try Self.version("\(path)/index.json"))"
        }
    }

    private static func version(_ path: String) throws(ContainerError) -> String {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw ContainerError(
                "there is no image: \(path): \(String(cString: strerror(errno)))")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw ContainerError("there is no image: \(path) is not a file")
        }
        let time = status.st_mtim
        return "\(status.st_dev):\(status.st_ino):\(status.st_size):\(time.tv_sec).\(time.tv_nsec)"
    }

    /// The file that a task's user must be able to read; nil where that does not matter.
    var guardedFile: String? {
        switch self {
        case .registry, .saved: nil
        case .archive(let path): path
        case .layout(let path, _): "\(path)/index.json"
        }
    }

    /// For people.
    var title: String {
        switch self {
        case .registry(let reference, _): reference
        case .saved(let path), .archive(let path): path
        case .layout(let path, let tag): "\(path):\(tag)"
        }
    }
}
