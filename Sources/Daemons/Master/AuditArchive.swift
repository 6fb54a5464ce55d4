import Linux
package import MesosAPI
import Model
import Registry
import Wire

/// Reads what has left the audit trail, where no master need run.
package enum AuditArchive {
    /// Why an archive could not be read.
    package struct Failure: Error {
        package let message: String
    }

    /// The newest lines that are asked for, as LIST_AUDIT gives them, the oldest first.
    ///
    /// - Parameter path: one file, or the directory `audit` of a master's work directory.
    package static func read(
        _ path: String, _ call: Mesos_V1_Master_Call.ListAudit
    ) throws(Failure) -> [Mesos_V1_Master_Response.ListAudit.Entry] {
        do {
            var query = TrailQuery()
            query.subjects = try AuditQueries.subjects(call)
            if call.hasFrom { query.from = call.from.nanoseconds }
            if call.hasTo { query.to = call.to.nanoseconds }
            query.limit = Int(call.limit)
            var found: [Mesos_V1_Master_Response.ListAudit.Entry] = []
            for file in try files(path).reversed() where query.limit > 0 {
                let lines = try TrailArchive.entries(of: file, query)
                query.limit -= lines.count
                for line in lines {
                    guard let entry = try? AuditEntry(decoding: line.entry.value) else { continue }
                    found.append(.init(entry, number: line.number))
                }
            }
            return found.reversed()
        } catch let form as ErrorForm {
            throw Failure(message: form.text)
        } catch {
            throw Failure(message: "\(error)")
        }
    }

    private static func files(_ path: String) throws -> [String] {
        guard try FileStatus.of(path).kind == .directory else { return [path] }
        return try TrailArchive(directory: path).files()
    }
}
