// One table a bucket, one transaction a commit, WAL with synchronous=FULL. The write-ahead log's
// index is kept in this process (locking_mode=EXCLUSIVE), which also keeps a second master out.

import Foundation
import GRDB
import Glibc
import Linux
import Synchronization

/// The registry in a SQLite file.
package final class SQLiteRegistry: RegistryStore {
    package struct Options: Sendable {
        /// The file grows up to this many bytes; beyond, commits are refused.
        package var bytesLimit = 4 << 30
        /// Disk space held back, in bytes: what must still be stored on a full disk goes there.
        package var reserveBytes: Int64 = 8 << 20
        /// The trail keeps about this many bytes of its newest entries.
        package var trailBytesLimit = 64 << 20
        /// Where older ones go; nil: they are dropped.
        package var archive: TrailArchive?
        /// Told why nothing could be archived; nothing is lost then, but the trail grows.
        package var noteTrouble: @Sendable (String) -> Void = { _ in }

        package init() {}
    }

    let queue: DatabaseQueue
    private let poison = Mutex<String?>(nil)
    private let reserve: Mutex<SpaceReserve>
    private let trailStore: Mutex<SQLiteTrail>

    /// Opens or makes the file, and returns when everything in it is durable.
    package init(path: String, options: Options = Options()) throws(RegistryError) {
        do {
            try Files.makeDirectories(Files.parent(of: path))
            var reserve = SpaceReserve(path: path + "-reserve", bytes: options.reserveBytes)
            try reserve.take()
            self.reserve = Mutex(reserve)
            var configuration = Configuration()
            configuration.label = "registry"
            configuration.prepareDatabase { database in
                try Self.prepare(database, options)
            }
            queue = try DatabaseQueue(path: path, configuration: configuration)
            let trail = try queue.writeWithoutTransaction { database in
                try RegistrySchema.check(database, path: path)
                try Self.settle(database, path: path)
                return try SQLiteTrail(database, options)
            }
            trailStore = Mutex(trail)
        } catch let error as RegistryError {
            throw error
        } catch let error as DatabaseError {
            throw error.refusal(path: path)
        } catch {
            throw .failed(reason: "\(error)")
        }
    }

    /// Makes what a killed process left in the log durable: it may not have reached the disk yet.
    private static func settle(_ database: Database, path: String) throws {
        do {
            try database.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
            // Without the room the log grows commit by commit.
            try? extendLog(path: path + "-wal")
        } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {
            // No space to copy it into the file: it stays in the log.
            try OpenFile(path: path + "-wal", flags: O_RDWR).synchronize()
        }
    }

    /// Fills the empty log with zeros, which SQLite takes for its end, up to the size at which it
    /// starts anew. A commit that does not make the file longer is synced in two thirds of the
    /// time. On a small or full disk the space is worth more.
    private static func extendLog(path: String) throws {
        let file = try OpenFile(path: path, flags: O_RDWR)
        let available = try DiskSpace.of(Files.parent(of: path)).availableBytes
        guard try file.size() == 0, available >= 16 * Int64(logBytes) else { return }
        do {
            try file.write([UInt8](repeating: 0, count: logBytes), at: 0)
            try file.synchronize()
        } catch {
            try file.truncate(to: 0)
        }
    }

    /// A thousand pages with their headers: SQLite begins at the log's start again then.
    private static let logBytes = 32 + 1_000 * (24 + 4_096)

    private static func prepare(_ database: Database, _ options: Options) throws {
        // A second opener gets an answer at once, not after a wait.
        try database.execute(sql: "PRAGMA busy_timeout = 0")
        try database.execute(sql: "PRAGMA locking_mode = EXCLUSIVE")
        let mode = try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL")
        try database.execute(sql: "PRAGMA synchronous = FULL")
        let synchronous = try Int.fetchOne(database, sql: "PRAGMA synchronous")
        guard mode == "wal", synchronous == 2 else {
            throw RegistryError.failed(reason: "SQLite refuses WAL with synchronous=FULL")
        }
        // In KiB where negative: the whole state is in the master's memory anyway.
        try database.execute(sql: "PRAGMA cache_size = -1024")
        try database.execute(sql: "PRAGMA mmap_size = 0")
        try database.execute(sql: "PRAGMA journal_size_limit = 8388608")
        let pageBytes = try Int.fetchOne(database, sql: "PRAGMA page_size") ?? 4096
        try database.execute(sql: "PRAGMA max_page_count = \(options.bytesLimit / pageBytes)")
    }

    package func load() throws(RegistryError) -> [RegistryBucketContents] {
        do {
            return try queue.read { database in
                try RegistryBucket.allCases.map { bucket in
                    let rows = try Row.fetchCursor(
                        database, sql: "SELECT key, value FROM \(bucket.rawValue) ORDER BY key")
                    var contents = RegistryBucketContents(bucket: bucket, entries: [])
                    while let row = try rows.next() {
                        let value: Data = row[1]
                        contents.entries.append(RegistryEntry(key: row[0], value: [UInt8](value)))
                    }
                    return contents
                }
            }
        } catch {
            throw .failed(reason: "\(error)")
        }
    }

    package func commit(
        _ changes: [RegistryChange], trail: [TrailEntry]
    ) throws(RegistryError) {
        if let reason = poison.withLock({ $0 }) { throw .poisoned(reason: reason) }
        if changes.isEmpty, trail.isEmpty { return }
        let before = trailStore.withLock { $0 }
        do {
            try queue.writeWithoutTransaction { database in
                try database.inTransaction(.immediate) {
                    for change in changes { try Self.apply(change, database) }
                    try trailStore.withLock { try $0.append(trail, database) }
                    return .commit
                }
            }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {
            trailStore.withLock { $0 = before }
            // What can't be refused is to be stored, now that new rows will be.
            try? reserve.withLock { try $0.give() }
            throw .noSpace(reason: "\(error.message ?? "database or disk is full")")
        } catch {
            // An I/O error: the log may or may not hold the transaction.
            let reason = "\(error)"
            poison.withLock { $0 = reason }
            throw .poisoned(reason: reason)
        }
    }

    package func trail(_ query: TrailQuery) throws(RegistryError) -> TrailPage {
        if let reason = poison.withLock({ $0 }) { throw .poisoned(reason: reason) }
        do {
            return try queue.read { database in try SQLiteTrail.page(query, database) }
        } catch {
            throw .failed(reason: "\(error)")
        }
    }

    /// Whether the reserve of disk space is gone; takes it again where there is room.
    package func isSpaceLow() -> Bool {
        reserve.withLock { reserve in
            if !reserve.isHeld { try? reserve.take() }
            return !reserve.isHeld
        }
    }

    private static func apply(_ change: RegistryChange, _ database: Database) throws {
        let table = change.bucket.rawValue
        if let value = change.value {
            // Binding no bytes binds NULL.
            let statement = try database.cachedStatement(
                sql: "INSERT OR REPLACE INTO \(table) VALUES (?, ifnull(?, x''))")
            try statement.execute(arguments: [change.key, Data(value)])
        } else {
            let statement = try database.cachedStatement(sql: "DELETE FROM \(table) WHERE key = ?")
            try statement.execute(arguments: [change.key])
        }
    }

    /// Closes the file; later commits fail.
    package func close() {
        poison.withLock { $0 = $0 ?? "the registry is closed" }
        // Everything committed is durable already: a failure to tidy up loses nothing.
        try? queue.close()
    }
}

extension DatabaseError {
    /// The reason for which a file could not be opened.
    fileprivate func refusal(path: String) -> RegistryError {
        switch resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED: .inUse(path: path)
        case .SQLITE_NOTADB: .foreign(path: path)
        case .SQLITE_FULL: .noSpace(reason: description)
        default: .failed(reason: description)
        }
    }
}
