import Foundation
import Glibc
import Linux
import Synchronization

/// What was repaired on this agent, and who asked: `audit.log` in the work directory, a JSON object
/// a line, each durable before anyone hears of it. A log that is full becomes `audit.log.1`, that
/// one `audit.log.2`, and so on; the oldest goes.
final class RepairLog: Sendable {
    private struct Entry: Encodable {
        let time: String
        let code: String
        let subject: String
        let result: String
        let message: String
        /// In their own words; nil: they did not say.
        let requester: String?
    }

    private let path: String
    private let bytesLimit: Int
    private let olderLogs: Int
    private let turn = Mutex(())

    /// `olderLogs`: how many full ones are kept.
    init(workDirectory: String, bytesLimit: Int = 4 << 20, olderLogs: Int = 8) {
        path = workDirectory + "/audit.log"
        self.bytesLimit = bytesLimit
        self.olderLogs = max(1, olderLogs)
    }

    /// Adds a line; without it nothing may be repaired.
    func append(
        code: String, subject: String, result: String, message: String, requester: String?
    ) throws(SystemError) {
        let entry = Entry(
            time: CalendarTime.text(), code: code, subject: subject, result: result,
            message: message, requester: requester.map { String($0.prefix(Self.longestName)) })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let line = try? encoder.encode(entry) else {
            throw SystemError("encode", path, errno: EINVAL)
        }
        try turn.withLock { _ throws(SystemError) in
            if let size = try FileStatus.ifPresent(path)?.size, size >= bytesLimit {
                try rotate()
            }
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

    private static let longestName = 255

    /// Moves each log one place on, the oldest first: after a crash in between one place is empty
    /// and nothing is overwritten but the oldest.
    private func rotate() throws(SystemError) {
        let places = [path] + (1...olderLogs).map { "\(path).\($0)" }
        var free = places.count - 1
        for index in places.indices.dropLast() where !FileStatus.exists(places[index + 1]) {
            free = index + 1
            break
        }
        for index in stride(from: free, to: 0, by: -1) {
            try Files.rename(places[index - 1], to: places[index])
        }
        try Files.syncDirectory(Files.parent(of: path))
    }
}
