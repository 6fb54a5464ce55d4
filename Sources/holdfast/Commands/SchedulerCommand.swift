import ArgumentParser
import Daemons
import Foundation

struct SchedulerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scheduler", abstract: "Run the stateful-service scheduler.")
    @OptionGroup var common: DaemonOptions
    @Option(help: "The master, as HOST:PORT.")
    var master: String
    @Option(help: "The port of its HTTP API; 0: any free one.")
    var port = 0
    @Option(help: "Where its services are kept.")
    var workDir: String

    func validate() throws {
        try checkPort(port, "--port")
    }

    func run() async throws {
        var options = ServiceOptions(workDirectory: try madeDirectory(workDir), master: master)
        options.address = common.ip
        options.port = port
        do {
            let daemon = try ServiceDaemon(options: options, logger: common.logger("scheduler"))
            try await daemon.run { _ = await firstSignal([SIGTERM, SIGINT]) }
        } catch {
            throw CommandFailure("scheduler: \(error)", status: 70)
        }
    }
}
