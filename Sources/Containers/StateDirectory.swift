internal import Foundation
package import Linux

/// The directory that a container's supervisor and any later agent share.
///
///     container.json  what the agent must know of it after a restart
///     lock            held (flock) by the agent that starts the supervisor, then by that one
///     alive           FIFO; a writer holds it until the exit is stored, or nobody will store it
///     supervisor      PID START-TIME BOOT-ID of the supervisor
///     pid             the same of the container's first process
///     exit            how it ended; durable
///     links.json      the plain launcher's links for volumes of later tasks
///     config.json, runtime.pid, runtime.log   runc's
package struct StateDirectory: Sendable {
    /// What is kept of the spec.
    package struct Record: Codable, Equatable, Sendable {
        package var sandbox: String
        package var workingDirectory: String
        package var uid: UInt32
        package var gid: UInt32
        package var groups: [UInt32]
        /// `NAME=VALUE`.
        package var environment: [String]
        /// Below the sandbox: where volumes were from the start. Nil: nobody has noted it.
        package var places: [[String]]?
        /// What it may do on the sandbox's disk whatever its share; nil: nothing was said.
        package var diskCeiling: DeviceRates?
    }

    package let id: String
    package let path: String

    package init(parent: String, id: String) {
        self.id = id
        path = "\(parent)/\(id)"
    }

    package func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Makes it with its FIFO; refuses an id that is in use.
    package func make(_ record: Record) throws(ContainerError) {
        do throws(SystemError) {
            try Files.makeDirectories(Files.parent(of: path), mode: 0o700)
            guard try Files.makeDirectory(path, mode: 0o700) else {
                throw SystemError("mkdir", path, errno: EEXIST)
            }
            try SystemError.check("mkfifo", path) { mkfifo(file("alive"), 0o600) }
        } catch {
            throw ContainerError("container \(id): \(error)")
        }
        try write("container.json", record)
    }

    /// Writes JSON; not durable: after a reboot nothing of it is true any more.
    package func write(_ name: String, _ value: some Encodable) throws(ContainerError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        do {
            try encoder.encode(value).write(to: URL(filePath: file(name)), options: .atomic)
        } catch {
            throw ContainerError("container \(id): \(name) can't be written: \(error)")
        }
    }

    package func record() -> Record? {
        guard let data = FileManager.default.contents(atPath: file("container.json")) else {
            return nil
        }
        return try? JSONDecoder().decode(Record.self, from: data)
    }

    static let linksFile = "links.json"

    func links() -> [LaunchPlan.Link] {
        guard let data = FileManager.default.contents(atPath: file(Self.linksFile)) else {
            return []
        }
        return (try? JSONDecoder().decode([LaunchPlan.Link].self, from: data)) ?? []
    }

    package func process(_ name: String) -> ProcessRecord? {
        guard let text = try? KernelText.read(file(name), limit: 4096) else { return nil }
        return ProcessRecord(text: text)
    }

    /// Nil while it is not stored.
    package func exit() -> ContainerExit? {
        guard let text = try? KernelText.read(file("exit"), limit: 4096) else { return nil }
        return Self.exit(text)
    }

    /// Reads the lines `status`, `ended`, `oom`, `dropped`, of which the last three may be absent.
    package static func exit(_ text: String) -> ContainerExit? {
        var isFound = false
        var exit = ContainerExit(waitStatus: nil)
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 2 else { return nil }
            switch words[0] {
            case "status":
                isFound = true
                exit.waitStatus = Int32(words[1])
            case "oom": exit.isOutOfMemory = Int64(words[1]) ?? 0 > 0
            default: continue
            }
        }
        return isFound ? exit : nil
    }

    /// Opens the lock file, taking the lock; nil: a supervisor, or an agent starting it, has it.
    package func lock() throws(SystemError) -> OpenFile? {
        let file = try OpenFile(path: file("lock"), flags: O_RDWR | O_CREAT)
        return try file.lock() ? file : nil
    }

    /// Whether a supervisor lives, or may yet come to life.
    package var isSupervised: Bool {
        guard FileStatus.exists(path) else { return false }
        guard let lock = try? lock() else { return true }
        return withExtendedLifetime(lock) { false }
    }

    /// Removes it with everything in it.
    package func remove() { try? FileManager.default.removeItem(atPath: path) }
}
