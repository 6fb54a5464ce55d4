import GRDB

/// The tables and the version that tells which ones there are.
enum RegistrySchema {
    static let newestVersion = 3
    /// "HOLD", in the file's header: tells our files from any other SQLite file.
    static let applicationID = 0x484F_4C44

    /// Makes the tables in a new file; refuses a file that is not ours or is later than ours.
    static func check(_ database: Database, path: String) throws {
        let application = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        let tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema") ?? 0
        if application == 0 && version == 0 && tables == 0 { return try create(database) }
        if try checkVersion(database, path: path) < newestVersion { try migrate(database) }
    }

    /// The version of a file that is ours.
    @discardableResult
    static func checkVersion(_ database: Database, path: String) throws -> Int {
        let application = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        guard application == applicationID, version > 0 else {
            throw RegistryError.foreign(path: path)
        }
        guard version <= newestVersion else {
            throw RegistryError.unsupportedVersion(
                path: path, found: version, newest: newestVersion)
        }
        return version
    }

    /// Makes the tables that later versions brought: 2 the trail and reservations, 3 all others.
    private static func migrate(_ database: Database) throws {
        try database.inTransaction(.immediate) {
            try createMissingTables(database)
            try database.execute(sql: "PRAGMA user_version = \(newestVersion)")
            return .commit
        }
    }

    private static func createMissingTables(_ database: Database) throws {
        for bucket in RegistryBucket.allCases {
            try createTable(bucket, database)
        }
        try createTrail(database)
    }

    private static func createTable(_ bucket: RegistryBucket, _ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE IF NOT EXISTS \(bucket.rawValue) (
                    key TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL
                ) WITHOUT ROWID, STRICT
                """)
    }

    /// Read from its end only, and appended to: no index but its number.
    private static func createTrail(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE IF NOT EXISTS trail (
                    number INTEGER PRIMARY KEY, nanoseconds INTEGER NOT NULL,
                    subjects TEXT NOT NULL, value BLOB NOT NULL
                ) STRICT
                """)
    }

    private static func create(_ database: Database) throws {
        try database.inTransaction(.immediate) {
            try createMissingTables(database)
            // Part of the transaction: a file has its version with its tables or not at all.
            try database.execute(sql: "PRAGMA application_id = \(applicationID)")
            try database.execute(sql: "PRAGMA user_version = \(newestVersion)")
            return .commit
        }
    }
}
