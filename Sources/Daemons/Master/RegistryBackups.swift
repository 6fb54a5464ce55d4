import Linux
import MesosAPI
import Model
import Registry
import Wire

/// Answers BACKUP_REGISTRY: copies of the registry in a directory of the master's, which are for
/// the operator to take away. None is ever removed here.
struct RegistryBackups: Sendable {
    let registry: SQLiteRegistry
    let directory: String
    private let threads = BlockingThreads("backup", limit: 1)

    init(registry: SQLiteRegistry, directory: String) {
        self.registry = registry
        self.directory = directory
    }

    /// More of them would fill the registry's disk.
    static let limit = 32

    func make(
        _ finish: @escaping @Sendable (Result<Mesos_V1_Master_Response, ErrorForm>) -> Void
    ) {
        threads.run { [self] in
            do throws(Refusal) {
                finish(.success(try make()))
            } catch {
                finish(.failure(ErrorForm(error)))
            }
        }
    }

    private func make() throws(Refusal) -> Mesos_V1_Master_Response {
        let path = try freePath()
        let bytes: Int
        do throws(RegistryError) {
            bytes = try registry.backUp(to: path)
        } catch {
            throw Refusal(.unavailable, "no backup: \(error)")
        }
        var response = Mesos_V1_Master_Response()
        response.type = .backupRegistry
        response.backupRegistry.path = path
        response.backupRegistry.bytes = UInt64(bytes)
        return response
    }

    private func freePath() throws(Refusal) -> String {
        let names: [String]
        do throws(SystemError) {
            try Files.makeDirectories(directory, mode: 0o700)
            names = try Files.list(directory).filter { $0.hasSuffix(".sqlite") }
        } catch {
            throw Refusal(.unavailable, "no backup: \(error)")
        }
        guard names.count < Self.limit else {
            throw Refusal(
                .conflict,
                "there are \(names.count) backups in \(directory) already: remove some")
        }
        let time = CalendarTime.text()
        let taken = Set(names)
        let number = (1...).first { !taken.contains("registry-\(time)-\($0).sqlite") } ?? 1
        return "\(directory)/registry-\(time)-\(number).sqlite"
    }
}
