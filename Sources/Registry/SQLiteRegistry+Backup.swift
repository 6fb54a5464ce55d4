import Foundation
import GRDB
import Glibc
import Linux

// A registry copied while it is in use, and a copy put back while no master runs.

extension SQLiteRegistry {
    /// Copies the registry into a new file, as it is between two commits, which wait meanwhile.
    /// Durable on return. Throws `failed` where `path` is taken, `noSpace` on a full disk; nothing
    /// is left of a copy that failed.
    ///
    /// - Returns: the copy's size in bytes.
    package func backUp(to path: String) throws(RegistryError) -> Int {
        let aside = path + ".new"
        do {
            try Files.remove(aside)
            try queue.writeWithoutTransaction { database in
                try database.execute(sql: "VACUUM INTO ?", arguments: [aside])
            }
            let file = try OpenFile(path: aside, flags: O_RDWR)
            try file.synchronize()
            let size = try file.size()
            try Files.renameExclusively(aside, to: path)
            try Files.syncDirectory(Files.parent(of: path))
            return size
        } catch {
            _ = try? Files.remove(aside)
            if let error = error as? DatabaseError, error.resultCode == .SQLITE_FULL {
                throw .noSpace(reason: "\(error.message ?? "database or disk is full")")
            }
            throw .failed(reason: "\(error)")
        }
    }

    /// Puts a copy in the registry's place. What was there is kept beside it, with `.before` and
    /// the time in its name. Throws `inUse` while a master runs, `foreign` or `unsupportedVersion`
    /// for what is no registry of ours, `failed` for one that is damaged; nothing is changed then.
    ///
    /// - Returns: where the old registry is now; nil: there was none.
    package static func restore(
        _ backup: String, to path: String,
        preparing prepare: (SQLiteRegistry) throws -> Void = { _ in }
    ) throws(RegistryError) -> String? {
        try check(backup)
        do {
            let isThere = try isFile(path)
            if isThere { try closeCleanly(path) }
            let aside = path + ".restored"
            _ = try? Files.remove(aside)
            try copy(backup, to: aside)
            let copied = try SQLiteRegistry(path: aside)
            do { try prepare(copied) } catch {
                copied.close()
                throw error
            }
            copied.close()
            try closeCleanly(aside)
            var kept: String?
            if isThere {
                // A second name for the old one: at no time is there no registry.
                let name = path + ".before-" + CalendarTime.text()
                try Files.link(path, to: name)
                kept = name
                for suffix in ["-wal", "-shm"] where try isFile(path + suffix) {
                    try Files.rename(path + suffix, to: name + suffix)
                }
            }
            try Files.rename(aside, to: path)
            try Files.syncDirectory(Files.parent(of: path))
            return kept
        } catch let error as RegistryError {
            throw error
        } catch {
            throw .failed(reason: "\(error)")
        }
    }

    /// Reads all of a file to see whether it is a registry that this Holdfast can open.
    private static func check(_ path: String) throws(RegistryError) {
        do {
            guard try isFile(path) else { throw RegistryError.failed(reason: "no file \(path)") }
            var configuration = Configuration()
            configuration.readonly = true
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            try queue.read { database in
                try RegistrySchema.checkVersion(database, path: path)
                let verdict = try String.fetchOne(database, sql: "PRAGMA integrity_check") ?? ""
                guard verdict == "ok" else {
                    throw RegistryError.failed(reason: "\(path) is damaged: \(verdict)")
                }
            }
            try queue.close()
        } catch let error as RegistryError {
            throw error
        } catch let error as DatabaseError where error.resultCode == .SQLITE_NOTADB {
            throw .foreign(path: path)
        } catch {
            throw .failed(reason: "\(error)")
        }
    }

    /// Takes what is in the old registry's log into its file, so that one file is all of it. One
    /// that can't be opened is kept as it is.
    private static func closeCleanly(_ path: String) throws(RegistryError) {
        do throws(RegistryError) {
            try SQLiteRegistry(path: path).close()
        } catch {
            if case .inUse = error { throw error }
        }
    }

    private static func isFile(_ path: String) throws(SystemError) -> Bool {
        try FileStatus.ifPresent(path)?.kind == .file
    }

    private static func copy(_ source: String, to target: String) throws {
        try FileManager.default.copyItem(atPath: source, toPath: target)
        try OpenFile(path: target, flags: O_RDWR).synchronize()
    }
}
