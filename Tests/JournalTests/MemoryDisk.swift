import Journal
import Linux
import Synchronization

/// A disk that remembers what was made durable and what was not, and can lose the latter.
///
/// Every call that changes something counts as one step; a plan says at which step the machine
/// stops or the disk refuses.
final class MemoryDisk: JournalDisk {
    enum Fault: Hashable, Sendable {
        /// The step may happen in part, nothing after it does.
        case crash
        case refusal(errno: Int32)
    }

    enum Change: Sendable {
        case write(offset: Int, [UInt8])
        case length(Int)
    }

    struct Contents: Sendable {
        var durable: [UInt8] = []
        var current: [UInt8] = []
        var pending: [Change] = []
    }

    struct State: Sendable {
        var files: [Contents] = []
        var names: [String: Int] = [:]
        var durableNames: [String: Int] = [:]
        /// What `names` was after each change since the names were made durable.
        var nameHistory: [[String: Int]] = []
        var steps = 0
        var plan: (step: Int, fault: Fault)?
        var isCrashed = false
    }

    let state: Mutex<State>

    init(_ state: State = State()) { self.state = Mutex(state) }

    var steps: Int { state.withLock(\.steps) }

    func plan(_ fault: Fault, at step: Int) { state.withLock { $0.plan = (step, fault) } }

    func names() throws(SystemError) -> [String] { state.withLock { $0.names.keys.sorted() } }

    func create(_ name: String) throws(SystemError) -> any JournalFile {
        try change("create") { state in
            state.files.append(Contents())
            state.names[name] = state.files.count - 1
        }
        return try open(name)
    }

    func open(_ name: String) throws(SystemError) -> any JournalFile {
        guard let index = state.withLock({ $0.names[name] }) else {
            throw SystemError("open", name, errno: 2)
        }
        return MemoryFile(disk: self, index: index)
    }

    func rename(_ name: String, to target: String) throws(SystemError) {
        try change("rename") { $0.names[target] = $0.names.removeValue(forKey: name) }
    }

    func remove(_ name: String) throws(SystemError) {
        try change("remove") { $0.names[name] = nil }
    }

    func synchronizeNames() throws(SystemError) {
        try change("fsync") { state in
            state.durableNames = state.names
            state.nameHistory = []
        }
    }

    /// One step; a refused one changes nothing, a crash lets it happen and stops everything after.
    func change(_ call: String, _ body: (inout State) -> Void) throws(SystemError) {
        try state.withLock { (state) throws(SystemError) in
            if state.isCrashed { throw SystemError(call, "crashed", errno: 5) }
            defer { state.steps += 1 }
            var isLast = false
            if let plan = state.plan, plan.step == state.steps {
                switch plan.fault {
                case .crash: isLast = true
                case .refusal(let errno):
                    throw SystemError(call, "planned", errno: errno)
                }
            }
            // A crash during fsync: it has not happened, as far as anyone knows.
            if !(isLast && call == "fsync") {
                let names = state.names
                body(&state)
                if names != state.names { state.nameHistory.append(state.names) }
            }
            if isLast {
                state.isCrashed = true
                throw SystemError(call, "crash", errno: 5)
            }
        }
    }
}

struct MemoryFile: JournalFile {
    let disk: MemoryDisk
    let index: Int

    func readAll() throws(SystemError) -> [UInt8] {
        disk.state.withLock { $0.files[index].current }
    }

    func write(_ bytes: [UInt8], at offset: Int) throws(WriteFailure) {
        do {
            try apply(.write(offset: offset, bytes), "pwrite")
        } catch {
            throw WriteFailure(cause: error, bytesWritten: 0)
        }
    }

    func synchronizeData() throws(SystemError) {
        try disk.change("fsync") { state in
            state.files[index].durable = state.files[index].current
            state.files[index].pending = []
        }
    }

    func allocate(offset: Int, length: Int) throws(SystemError) {
        let size = disk.state.withLock { $0.files[index].current.count }
        try apply(.length(max(size, offset + length)), "posix_fallocate")
    }

    func truncate(to length: Int) throws(SystemError) { try apply(.length(length), "ftruncate") }

    private func apply(_ change: MemoryDisk.Change, _ call: String) throws(SystemError) {
        try disk.change(call) { state in
            state.files[index].current.apply(change)
            state.files[index].pending.append(change)
        }
    }
}

extension [UInt8] {
    mutating func apply(_ change: MemoryDisk.Change) {
        switch change {
        case .length(let length): resize(length)
        case .write(let offset, let bytes):
            resize(Swift.max(count, offset + bytes.count))
            replaceSubrange(offset..<offset + bytes.count, with: bytes)
        }
    }

    private mutating func resize(_ length: Int) {
        if length < count { removeLast(count - length) }
        append(contentsOf: repeatElement(0, count: length - count))
    }
}
