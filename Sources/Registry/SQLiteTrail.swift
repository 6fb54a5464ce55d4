import Foundation
import GRDB

/// The trail's table: appended to in the registry's transactions, and cut at its old end. The
/// newest entry is never cut, so a number (SQLite's: one more than the newest) comes once.
struct SQLiteTrail {
    private let bytesLimit: Int
    /// About what the entries take.
    private var bytes: Int

    init(_ database: Database, bytesLimit: Int) throws {
        self.bytesLimit = max(1, bytesLimit)
        bytes =
            try Int.fetchOne(
                database,
                sql: "SELECT sum(length(value) + length(subjects) + 16) FROM trail") ?? 0
    }

    /// Part of a transaction. Beyond the limit the oldest eighth goes.
    mutating func append(_ entries: [TrailEntry], _ database: Database) throws {
        guard !entries.isEmpty else { return }
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
        if bytes > bytesLimit { try cut(database) }
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

    private mutating func cut(_ database: Database) throws {
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT number, length(value) + length(subjects) + 16 FROM trail
                WHERE number < (SELECT max(number) FROM trail) ORDER BY number
                """)
        var last: Int64?
        var freed = 0
        while freed < max(bytes - bytesLimit, bytesLimit / 8), let row = try rows.next() {
            last = row[0]
            let size: Int = row[1]
            freed += size
        }
        guard let last else { return }
        try database.execute(sql: "DELETE FROM trail WHERE number <= ?", arguments: [last])
        bytes -= freed
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
            let value: Data = row[3]
            let entry = TrailEntry(
                nanoseconds: nanoseconds, subjects: subjects.map(String.init),
                value: [UInt8](value))
            page.entries.append(TrailPage.Numbered(number: number, entry: entry))
        }
        return page
    }
}
