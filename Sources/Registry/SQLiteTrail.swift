import Foundation
import GRDB

/// The trail's table: appended to in the registry's transactions, and cut at its old end, once that
/// is in the archive. The newest entry is never cut, so a number (SQLite's: one more than the
/// newest) comes once.
struct SQLiteTrail {
    private let bytesLimit: Int
    /// Nil: what is cut is dropped.
    private let archive: TrailArchive?
    private let noteTrouble: @Sendable (String) -> Void
    /// About what the entries take.
    private var bytes: Int
    /// An archive that failed is tried again when there is so much.
    private var bytesAtRetry = 0
    private var isSettled = false

    init(_ database: Database, _ options: SQLiteRegistry.Options) throws {
        bytesLimit = max(1, options.trailBytesLimit)
        archive = options.archive
        noteTrouble = options.noteTrouble
        bytes =
            try Int.fetchOne(
                database,
                sql: "SELECT sum(length(value) + length(subjects) + 16) FROM trail") ?? 0
        do { try settle(database) } catch { noteTrouble("\(error)") }
    }

    /// Brings the archive in step with what is stored; nothing is archived before.
    private mutating func settle(_ database: Database) throws {
        guard !isSettled else { return }
        let oldest = try Int64.fetchOne(database, sql: "SELECT min(number) FROM trail") ?? 0
        try archive?.settle(oldest: oldest) { try Self.has($0, database) }
        isSettled = true
    }

    private static func has(_ line: TrailPage.Numbered, _ database: Database) throws -> Bool {
        var query = TrailQuery()
        query.before = line.number &+ 1
        query.limit = 1
        return try page(query, database).entries.first == line
    }

    /// Part of a transaction. Beyond the limit the oldest eighth goes, before the new ones come:
    /// only what is committed is archived.
    mutating func append(_ entries: [TrailEntry], _ database: Database) throws {
        guard !entries.isEmpty else { return }
        if bytes > max(bytesLimit, bytesAtRetry) { try cut(database) }
        let statement = try database.cachedStatement(
            sql: "INSERT INTO trail (nanoseconds, subjects, value) VALUES (?, ?, ifnull(?, x''))")
        for entry in entries {
            if let subject = entry.unlessThere, try Self.tells(of: subject, database) { continue }
            let subjects = entry.subjects.map { $0.replacing("\n", with: " ") }
            try statement.execute(
                arguments: [
                    entry.nanoseconds, subjects.joined(separator: "\n"), Data(entry.value),
                ])
            bytes += entry.size
        }
    }

    private static func tells(of subject: String, _ database: Database) throws -> Bool {
        try Bool.fetchOne(
            database,
            sql: """
                SELECT EXISTS (
                    SELECT 1 FROM (SELECT subjects FROM trail ORDER BY number DESC LIMIT ?)
                    WHERE instr(char(10) || subjects || char(10), char(10) || ? || char(10)) > 0)
                """, arguments: [TrailEntry.lookedBack, subject]) ?? false
    }

    /// Without an archive that took them no entries go, however many there are.
    private mutating func cut(_ database: Database) throws {
        let (lines, freed) = try oldest(database)
        guard let last = lines.last else { return }
        do {
            try settle(database)
            try archive?.write(lines)
            try archive?.dropOldest()
        } catch {
            bytesAtRetry = bytes + bytesLimit / 64 + 1
            return noteTrouble("\(error)")
        }
        try database.execute(sql: "DELETE FROM trail WHERE number <= ?", arguments: [last.number])
        bytes -= freed
        bytesAtRetry = 0
    }

    /// What is to go, and about how many bytes that is.
    private func oldest(_ database: Database) throws -> ([TrailPage.Numbered], freed: Int) {
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT number, nanoseconds, subjects, value FROM trail
                WHERE number < (SELECT max(number) FROM trail) ORDER BY number
                """)
        var lines: [TrailPage.Numbered] = []
        var freed = 0
        while freed < max(bytes - bytesLimit, bytesLimit / 8), let row = try rows.next() {
            let text: String = row[2]
            lines.append(Self.line(row, text.split(separator: "\n")))
            let value: Data = row[3]
            freed += value.count + text.utf8.count + 16
        }
        return (lines, freed)
    }

    private static func line(_ row: Row, _ subjects: [Substring]) -> TrailPage.Numbered {
        let value: Data = row[3]
        return TrailPage.Numbered(
            number: row[0],
            entry: TrailEntry(
                nanoseconds: row[1], subjects: subjects.map(String.init), value: [UInt8](value)))
    }

    static func page(_ query: TrailQuery, _ database: Database) throws -> TrailPage {
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT number, nanoseconds, subjects, value FROM trail WHERE number < ?
                ORDER BY number DESC
                """, arguments: [query.before ?? .max])
        var page = TrailPage()
        var scanned = 0
        while let row = try rows.next() {
            let number: Int64 = row[0]
            guard scanned < query.scanLimit, page.entries.count < query.limit else {
                page.next = number + 1
                break
            }
            scanned += 1
            let nanoseconds: Int64 = row[1]
            let text: String = row[2]
            let subjects = text.split(separator: "\n")
            guard query.matches(nanoseconds: nanoseconds, subjects: subjects) else { continue }
            page.entries.append(line(row, subjects))
        }
        return page
    }
}
