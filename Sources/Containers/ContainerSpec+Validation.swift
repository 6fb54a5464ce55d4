/// Where a volume appears: below the sandbox, or at an absolute place of the container.
package enum ContainerPath: Equatable, Sendable {
    /// One component or more.
    case inSandbox([String])
    case absolute([String])

    /// Refuses what is empty, climbs out, or could not be a path.
    package init(_ text: String) throws(ContainerError) {
        let components = text.split(separator: "/").map(String.init).filter { $0 != "." }
        guard !components.isEmpty else {
            throw ContainerError("container path '\(text)' names no directory")
        }
        guard !components.contains("..") else {
            throw ContainerError("container path '\(text)' must not contain '..'")
        }
        guard text.utf8.count <= 4000, !text.utf8.contains(0),
            components.allSatisfy({ $0.utf8.count <= 255 })
        else { throw ContainerError("a container path is too long or contains a zero byte") }
        self = text.hasPrefix("/") ? .absolute(components) : .inSandbox(components)
    }

    /// The same, but below the sandbox also where an absolute path leads there.
    package init(_ text: String, sandbox: String) throws(ContainerError) {
        try self.init(text)
        let base = sandbox.split(separator: "/").map(String.init)
        if case .absolute(let path) = self, path.starts(with: base), path.count > base.count {
            self = .inSandbox(Array(path.dropFirst(base.count)))
        }
    }
}

extension ContainerSpec {
    /// Why no launcher could run it, for people; checked before anything is made.
    package func validate() throws(ContainerError) {
        let isPlain = id.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "."):
                true
            default: false
            }
        }
        guard isPlain, !id.isEmpty, id.utf8.count <= 200, !id.hasPrefix(".") else {
            throw ContainerError("container id '\(id)' is not a plain name")
        }
        try Self.validate(path: sandbox, "sandbox")
        if let image { try Self.validate(path: image.directory, "image") }
        if let workingDirectory { try Self.validate(path: workingDirectory, "working directory") }
        let texts = command.arguments + [command.program]
        guard texts.allSatisfy({ !$0.utf8.contains(0) }), !command.program.isEmpty else {
            throw ContainerError("the command is empty or contains a zero byte")
        }
        for variable in environment {
            let name = variable.name.utf8
            guard !name.isEmpty, !name.contains(0), !name.contains(UInt8(ascii: "=")),
                !variable.value.utf8.contains(0)
            else { throw ContainerError("environment variable '\(variable.name)' is malformed") }
        }
        for volume in volumes {
            try Self.validate(path: volume.hostPath, "volume")
            _ = try ContainerPath(volume.containerPath)
        }
        guard logBytes > 0, (0...1000).contains(logFiles) else {
            throw ContainerError("logs need a size of at least 1 byte and at most 1000 old files")
        }
        guard limits.cpus.isFinite, limits.cpus >= 0, limits.cpus <= 1_000_000,
            limits.temporaryBytes > 0, limits.memoryBytes ?? 1 > 0, limits.processes ?? 1 > 0
        else { throw ContainerError("a limit of container \(id) is not a positive number") }
    }

    private static func validate(path: String, _ subject: String) throws(ContainerError) {
        let components = path.split(separator: "/")
        guard path.hasPrefix("/"), !components.contains(".."), !path.utf8.contains(0) else {
            throw ContainerError("the \(subject)'s path '\(path)' is not absolute and plain")
        }
    }
}
