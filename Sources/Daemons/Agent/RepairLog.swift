import Foundation
import Glibc
import Linux
import Synchronization

/// What was repaired on this agent: `audit.log` in the work directory, a JSON object a line, each
/// durable before anyone hears of it.
final class RepairLog: Sendable {
    private struct Entry: Encodable {
        let time: String
        let code: String
        let subject: String
        let result: String
        let message: String
    }

    private let path: String
    private let turn = Mutex(())

    init(workDirectory: String) { path = workDirectory + "/audit.log" }

    /// Adds a line; without it nothing may be repaired.
    func append(
        code: String, subject: String, result: String, message: String
    ) throws(SystemError) {
        let entry = Entry(
            time: CalendarTime.text(), code: code, subject: subject, result: result,
            message: message)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let line = try? encoder.encode(entry) else {
            throw SystemError("encode", path, errno: EINVAL)
        }
        try turn.withLock { _ throws(SystemError) in
            let isNew = !FileStatus.exists(path)
            let file = try OpenFile(path: path, flags: O_RDWR | O_CREAT, mode: 0o600)
            let end = try file.size()
            do throws(WriteFailure) {
                try file.write([UInt8](line) + [UInt8(ascii: "\n")], at: end)
            } catch {
                // A part of a line would spoil the next one.
                try file.truncate(to: end)
                throw error.cause
            }
            try file.synchronize()
            if isNew { try Files.syncDirectory(Files.parent(of: path)) }
        }
    }
}
