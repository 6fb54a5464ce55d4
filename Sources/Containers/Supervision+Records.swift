internal import Glibc
internal import Linux

/// A process as its state file names it: boot and start time tell it from a later one of its pid.
struct RecordedProcess: Equatable {
    let pid: Int32
    private let startTime: UInt64
    private let bootID: String

    init?(file: String) {
        guard let bytes = try? DurableFile.read(file, limit: 256) else { return nil }
        let words = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard words.count == 3, let pid = Int32(words[0]), pid > 1, let start = UInt64(words[1])
        else { return nil }
        self.pid = pid
        startTime = start
        bootID = String(words[2])
    }

    /// Whether this very process is there and not yet dead.
    var isRunning: Bool {
        guard bootID == Processes.bootID(), let status = Processes.status(pid) else { return false }
        return status.startTime == startTime && !status.isZombie
    }

    /// Whether the pid was given in this boot, so that its session can still have members.
    var isOfThisBoot: Bool { bootID == Processes.bootID() }

    /// The process held by descriptor; nil: it has ended.
    func hold() -> PidFDBox? {
        guard let process = PidFD(pid), isRunning else { return nil }
        return PidFDBox(process)
    }
}

/// A shared reference to a held process.
final class PidFDBox: Sendable {
    let process: PidFD
    init(_ process: consuming PidFD) { self.process = process }
}

/// What a restarted agent must know of a container: where it is and whose.
struct ContainerIdentity: Equatable {
    var sandbox: String
    var user: UserIdentity

    /// Fields ended by zero bytes, which neither paths nor names can hold.
    func write(to path: String) throws(SystemError) {
        let groups = user.groups.map(String.init).joined(separator: ",")
        let fields = [sandbox, user.name, "\(user.uid)", "\(user.gid)", groups, user.home]
        try DurableFile.write(fields.flatMap { Array($0.utf8) + [0] }, to: path)
    }
}

extension ContainerIdentity {
    /// Nil: there is none, or it is not whole.
    init?(file: String) {
        guard let bytes = try? DurableFile.read(file) else { return nil }
        let fields = bytes.split(separator: 0, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard fields.count == 7, let uid = UInt32(fields[2]), let gid = UInt32(fields[3])
        else { return nil }
        sandbox = fields[0]
        user = UserIdentity(
            name: fields[1], uid: uid, gid: gid,
            groups: fields[4].split(separator: ",").compactMap { UInt32($0) }, home: fields[5])
    }
}

extension UserIdentity {
    /// The supervisor's options that name this user.
    var arguments: [String] {
        var words = ["--uid", "\(uid)", "--gid", "\(gid)"]
        if !groups.isEmpty {
            words += ["--groups", groups.prefix(256).map(String.init).joined(separator: ",")]
        }
        return words
    }
}

extension Supervision {
    /// The sandbox and the user of a container, as stored at its launch.
    package func sandboxAndUser(_ id: String) -> (sandbox: String, user: UserIdentity)? {
        ContainerIdentity(file: "\(state(id))/identity").map { ($0.sandbox, $0.user) }
    }

    /// The first process's pid; nil: not started, or ended.
    package func pid(_ id: String) -> Int32? {
        firstProcess(id).flatMap { $0.isRunning ? $0.pid : nil }
    }

    func firstProcess(_ id: String) -> RecordedProcess? {
        RecordedProcess(file: "\(state(id))/pid")
    }

    /// The stored wait status; nil: none is.
    package func waitStatus(_ id: String) -> Int32? {
        guard let bytes = try? DurableFile.read("\(state(id))/exit", limit: 256) else { return nil }
        return String(decoding: bytes, as: UTF8.self).split(separator: " ").first
            .flatMap { Int32($0) }
    }

    /// Whether the container's supervisor lives.
    package func isSupervised(_ id: String) -> Bool {
        guard let reader = try? Fifo.openReader("\(state(id))/alive") else { return false }
        return Fifo.hasWriter(reader)
    }

    /// Signals the first process, and nothing else that may have its pid by now.
    package func signal(_ id: String, _ signal: Int32) {
        firstProcess(id)?.hold()?.process.signal(signal)
    }

    /// The ids of all state directories, sorted.
    package func containers() throws(ContainerError) -> [String] {
        do throws(SystemError) {
            guard try FileStatus.ifPresent(directory) != nil else { return [] }
            return try Files.list(directory)
        } catch {
            throw ContainerError("containers of a former life: \(error)")
        }
    }

    /// Whether nothing of the container runs any more: neither supervisor nor first process.
    package func hasEnded(_ id: String) -> Bool { !isSupervised(id) && pid(id) == nil }

    /// Removes the state directory of an ended container.
    package func remove(_ id: String) {
        // Steps of bounded size; what an error leaves is found, and removed, after a restart.
        while (try? DirectoryRemoval.advance(state(id), entries: 10_000)) == false {}
    }
}
