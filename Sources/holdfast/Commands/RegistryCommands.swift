import ArgumentParser
import Daemons
import MesosAPI

struct RegistryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "registry", abstract: "Copy the master's registry, or put a copy back.",
        subcommands: [RegistryBackup.self, RegistryRestore.self])
}

struct RegistryBackup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy the registry while the master runs, into its work directory.")
    @OptionGroup var options: ClientOptions

    func run() async throws {
        let answer = try await withClient(options.master) { try await $0.ask(.backupRegistry) }
        let backup = answer.backupRegistry
        if options.json {
            print(jsonText(["path": backup.path, "bytes": backup.bytes]))
        } else {
            print(
                "\(backup.path) (\(sizeText(bytes: Double(backup.bytes)))), on the master's machine"
            )
        }
    }
}

struct RegistryRestore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Put a backup in the place of the registry of a master that does not run.",
        discussion: """
            The old registry is kept beside it. What happened since the backup is told by the \
            agents when they register: their books are taken over, volumes that the backup does \
            not know are listed as unclaimed, and those that it knows and they have no more as lost.
            Lifecycle policies and leases are left out and listed: what they would erase or give \
            back may have been undeleted, protected or renewed since. Volumes that the backup has \
            in the trash stay there until they are undeleted or erased.
            """)
    @Option(help: "The master's work directory.")
    var workDir: String
    @Flag(help: "Print JSON for programs.")
    var json = false
    @Argument(help: "The backup's file.")
    var backup: String

    func run() async throws {
        let restored: RestoredRegistry
        do {
            restored = try MasterDaemon.restoreRegistry(backup, workDirectory: workDir)
        } catch {
            throw CommandFailure("restore: \(error)")
        }
        guard !json else {
            var answer: [String: Any] = [
                "restored": backup, "policies_left_out": restored.policies,
                "leases_left_out": restored.leases,
            ]
            if let kept = restored.kept { answer["kept"] = kept }
            return print(jsonText(answer))
        }
        print("restored \(backup)" + (restored.kept.map { "; the old registry is \($0)" } ?? ""))
        if !restored.policies.isEmpty {
            print(
                "left out: the lifecycle policies of \(restored.policies.joined(separator: ", ")); "
                    + "look at 'holdfast volumes' before you set them again")
        }
        if !restored.leases.isEmpty {
            print("left out: the leases of \(restored.leases.count) reservations")
        }
    }
}
