import Foundation
import Glibc
package import Linux

/// What has left the trail: files of JSON lines in a directory beside the registry, each named by
/// the number of its first line. A file is whole and on disk before its lines leave the registry;
/// where a crash came between, the lines are in both, and the file is written again or removed.
package struct TrailArchive: Sendable {
    package let directory: String
    /// The oldest files go beyond so many bytes.
    let bytesLimit: Int

    package init(directory: String, bytesLimit: Int = .max) {
        self.directory = directory
        self.bytesLimit = bytesLimit
    }

    /// A line as it is stored: what it is about can be read by anyone, the whole by `AuditEntry`.
    private struct Line: Codable {
        let number: Int64
        let nanoseconds: Int64
        let subjects: [String]
        let entry: Data
    }

    private static let prefix = "audit-"
    private static let suffix = ".jsonl"
    /// A file holds an eighth of the trail; more is no archive.
    private static let largestFile = 1 << 30

    /// The archive's files, the oldest first.
    package func files() throws(SystemError) -> [String] {
        guard FileStatus.exists(directory) else { return [] }
        return try Files.list(directory).filter { Self.firstNumber($0) != nil }.sorted()
            .map { "\(directory)/\($0)" }
    }

    private static func firstNumber(_ name: String) -> Int64? {
        guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { return nil }
        return Int64(name.dropFirst(prefix.count).dropLast(suffix.count))
    }

    private func path(of number: Int64) -> String {
        let digits = "\(number)"
        let zeros = String(repeating: "0", count: max(0, 19 - digits.count))
        return "\(directory)/\(Self.prefix)\(zeros)\(digits)\(Self.suffix)"
    }

    /// Writes a file, or the one that begins with the same line anew; durable on return.
    func write(_ lines: [TrailPage.Numbered]) throws(SystemError) {
        guard let first = lines.first else { return }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var bytes: [UInt8] = []
        for line in lines {
            let stored = Line(
                number: line.number, nanoseconds: line.entry.nanoseconds,
                subjects: line.entry.subjects, entry: Data(line.entry.value))
            guard let text = try? encoder.encode(stored) else {
                throw SystemError("encode", directory, errno: EINVAL)
            }
            bytes += text + [UInt8(ascii: "\n")]
        }
        if !FileStatus.exists(directory) {
            try Files.makeDirectories(directory, mode: 0o700)
            try Files.syncDirectory(Files.parent(of: directory))
        }
        try DurableFile.write(bytes, to: path(of: first.number))
    }

    /// Removes the oldest files beyond the limit; never the newest one.
    func dropOldest() throws(SystemError) {
        var total = 0
        for path in try files().reversed() {
            let isNewest = total == 0
            total += Int(try FileStatus.of(path).size)
            if total > bytesLimit, !isNewest { try Files.remove(path) }
        }
    }

    /// Removes files whose lines are in the registry still, from its oldest line on: a crash came
    /// before they left it. A file that is another registry's is kept under another name.
    func settle(
        oldest: Int64, isStored: (TrailPage.Numbered) throws -> Bool
    ) throws {
        for path in try files() {
            guard let first = Self.firstNumber(Files.name(of: path)), first >= oldest else {
                continue
            }
            if try lines(of: path).allSatisfy(isStored) {
                try Files.remove(path)
            } else {
                try Files.rename(path, to: path + ".other-" + CalendarTime.text())
            }
            try Files.syncDirectory(directory)
        }
    }

    /// The newest lines of a file that are asked for, the newest first. Throws EBADMSG where the
    /// file is none of an archive.
    package static func entries(
        of path: String, _ query: TrailQuery
    ) throws(SystemError) -> [TrailPage.Numbered] {
        let lines = try TrailArchive(directory: Files.parent(of: path)).lines(of: path)
        let found = lines.reversed().filter { line in
            query.matches(
                nanoseconds: line.entry.nanoseconds,
                subjects: line.entry.subjects.map { $0[...] })
        }
        return Array(found.prefix(query.limit))
    }

    private func lines(of path: String) throws(SystemError) -> [TrailPage.Numbered] {
        let file = try OpenFile(path: path, flags: O_RDONLY)
        guard try file.size() <= Self.largestFile else {
            throw SystemError("read", path, errno: EFBIG)
        }
        let bytes = try file.readAll()
        let decoder = JSONDecoder()
        var lines: [TrailPage.Numbered] = []
        for text in bytes.split(separator: UInt8(ascii: "\n")) {
            guard let line = try? decoder.decode(Line.self, from: Data(text)) else {
                throw SystemError("read", path, errno: EBADMSG)
            }
            lines.append(
                TrailPage.Numbered(
                    number: line.number,
                    entry: TrailEntry(
                        nanoseconds: line.nanoseconds, subjects: line.subjects,
                        value: [UInt8](line.entry))))
        }
        return lines
    }
}
