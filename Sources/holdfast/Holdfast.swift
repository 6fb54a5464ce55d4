import ArgumentParser
import Foundation

/// The one executable: daemons and the commands that talk to them.
@main
struct Holdfast: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "holdfast",
        abstract: "A cluster manager for stateful services.",
        subcommands: [
            MasterCommand.self, AgentCommand.self, SchedulerCommand.self, DevCommand.self,
            ServiceCommand.self, AgentsCommand.self, TasksCommand.self, FrameworksCommand.self,
            RolesCommand.self, VolumesCommand.self, ReservationsCommand.self, AuditCommand.self,
            ExplainCommand.self, WhatIfCommand.self, ReserveCommand.self, UnreserveCommand.self,
            VolumeCommand.self, TransactCommand.self, FsckCommand.self, RegistryCommand.self,
            TaskCommand.self,
            SimulateCommand.self,
            VersionCommand.self,
        ])

    /// Mesos spells options with underscores; both spellings are taken.
    static func main() async {
        let arguments = CommandLine.arguments.dropFirst().map { argument -> String in
            guard argument.hasPrefix("--") else { return argument }
            let parts = argument.split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = parts[0].replacing("_", with: "-")
            return parts.count > 1 ? "\(name)=\(parts[1])" : String(name)
        }
        do {
            var command = try parseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let failure as CommandFailure {
            FileHandle.standardError.write(Data("holdfast: \(failure.message)\n".utf8))
            Foundation.exit(failure.status)
        } catch {
            exit(withError: error)
        }
    }
}

/// What a command tells before it ends without success.
struct CommandFailure: Error {
    let message: String
    var status: Int32 = 1

    init(_ message: String, status: Int32 = 1) {
        self.message = message
        self.status = status
    }
}
