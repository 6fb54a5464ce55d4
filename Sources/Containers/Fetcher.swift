internal import Glibc
internal import Linux

/// Brings a command's URIs into its sandbox, with the task's rights: what its user may not read is
/// not fetched, and what an archive contains can't write where that user may not.
package struct Fetcher: Sendable {
    /// CommandInfo.URI.
    package struct Item: Equatable, Sendable {
        package var value: String
        package var isExecutable: Bool
        package var isExtracted: Bool
        /// Relative to the sandbox; nil: the URI's last component.
        package var outputFile: String?

        package init(
            _ value: String, isExecutable: Bool = false, isExtracted: Bool = true,
            outputFile: String? = nil
        ) {
            self.value = value
            self.isExecutable = isExecutable
            self.isExtracted = isExtracted
            self.outputFile = outputFile
        }
    }

    private let supervisor: String
    private let timeoutMilliseconds: Int64

    /// `timeoutMilliseconds`: for each step of each item.
    package init(
        supervisor: String = SupervisedContainers.usualSupervisor,
        timeoutMilliseconds: Int64 = 600_000
    ) {
        self.supervisor = supervisor
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    /// Fetches in order; stops at the first that fails.
    package func fetch(
        _ items: [Item], into sandbox: String, as user: UserIdentity
    ) throws(ContainerError) {
        for item in items {
            let name = try Self.outputName(item)
            try run(Self.transfer(item, to: name), item, sandbox, user)
            if item.isExecutable {
                try run(["chmod", "+x", "--", name], item, sandbox, user)
            } else if item.isExtracted, let command = Self.extraction(name) {
                try run(command, item, sandbox, user)
            }
        }
    }

    /// Where an item goes, relative to the sandbox.
    package static func outputName(_ item: Item) throws(ContainerError) -> String {
        if let output = item.outputFile, !output.isEmpty {
            guard case .inSandbox(let path) = try ContainerPath(output) else {
                throw ContainerError("output file '\(output)' is not below the sandbox")
            }
            return "./" + path.joined(separator: "/")
        }
        let path = item.value.prefix { $0 != "?" && $0 != "#" }
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        let isRemote = item.value.contains("://") && !item.value.hasPrefix("file://")
        let isHostOnly = isRemote && path.split(separator: "/").count < 3
        guard !name.isEmpty, name != ".", name != "..", !isHostOnly, !name.utf8.contains(0) else {
            throw ContainerError("the URI '\(item.value)' has no file name")
        }
        return "./" + name
    }

    /// The command that brings the item itself.
    static func transfer(_ item: Item, to name: String) throws(ContainerError) -> [String] {
        let value = item.value
        if let colon = value.firstRange(of: "://") {
            switch value[..<colon.lowerBound].lowercased() {
            case "file": return copy(String(value[colon.upperBound...]), to: name)
            case "http", "https", "ftp", "ftps":
                return [
                    "curl", "--silent", "--show-error", "--fail", "--location", "--globoff",
                    "--create-dirs", "--output", name, "--", value,
                ]
            default: throw ContainerError("URIs like '\(value)' can't be fetched")
            }
        }
        guard value.hasPrefix("/") else {
            throw ContainerError("the URI '\(value)' is neither absolute nor has a scheme")
        }
        return copy(value, to: name)
    }

    private static func copy(_ source: String, to name: String) -> [String] {
        // `install -D` would make the directories above, but changes the mode.
        let script = "mkdir -p -- \"${2%/*}\" && cp -rL -- \"$1\" \"$2\""
        return ["sh", "-c", script, "sh", source, name]
    }

    /// The command that unpacks an archive of the file names that Mesos knows; nil for others.
    static func extraction(_ name: String) -> [String]? {
        let lowercase = name.lowercased()
        let tar = [
            ".tar", ".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz",
        ]
        if tar.contains(where: { lowercase.hasSuffix($0) }) {
            return ["tar", "-x", "--no-same-owner", "-f", name]
        }
        if lowercase.hasSuffix(".zip") { return ["unzip", "-o", "-q", name, "-d", "."] }
        if lowercase.hasSuffix(".gz") { return ["gzip", "-d", "-k", "-f", "--", name] }
        return nil
    }

    private func run(
        _ command: [String], _ item: Item, _ sandbox: String, _ user: UserIdentity
    ) throws(ContainerError) {
        do throws(SystemError) {
            let outcome = try Command(
                supervisor, ["run-as", user.text, sandbox, command[0]] + command,
                timeoutMilliseconds: timeoutMilliseconds
            ).run()
            if outcome.isSuccess { return }
            throw SystemError(outcome.summary, "", errno: EIO)
        } catch {
            throw ContainerError("fetching \(item.value): \(error.call)")
        }
    }
}
