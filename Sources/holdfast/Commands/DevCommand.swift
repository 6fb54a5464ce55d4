import ArgumentParser
import Foundation
import Synchronization

struct DevCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev",
        abstract: "Run a master, an agent and the service scheduler on this machine.",
        discussion: "They are processes of their own, started again when they die. SIGTERM ends "
            + "all tasks with grace, unmounts all volumes and ends them.")
    @OptionGroup var common: DaemonOptions
    @OptionGroup var masterFlags: MasterFlags
    @OptionGroup var agentFlags: AgentFlags
    @Option(help: "The master's port.")
    var port = 5050
    @Option(help: "The agent's port.")
    var agentPort = 5051
    @Option(help: "One directory for everything.")
    var workDir =
        geteuid() == 0
        ? "/var/lib/holdfast-dev" : NSHomeDirectory() + "/.local/share/holdfast-dev"

    func validate() throws {
        try checkPort(port, "--port")
        try checkPort(agentPort, "--agent-port")
    }

    func run() async throws {
        let directory = try madeDirectory(workDir)
        // An agent that can't start would be started again for ever.
        _ = try agentFlags.agentResources(workDirectory: madeDirectory("\(directory)/agent"))
        try agentFlags.paths.check(switchesUser: agentFlags.switchUser)
        let shared =
            ["--ip=\(common.ip)", "--hostname=\(common.hostname)"]
            + ["--logging-level=\(common.loggingLevel)"]
            + (common.checkInvariants ? ["--check-invariants"] : [])
        let address = "\(common.ip):\(port)"
        let master =
            ["master", "--port=\(port)", "--work-dir=\(directory)/master"]
            + shared + masterFlags.arguments
        let agent =
            ["agent", "--master=\(address)", "--port=\(agentPort)"]
            + ["--work-dir=\(directory)/agent"] + shared + agentFlags.arguments
        let scheduler =
            ["scheduler", "--master=\(address)"]
            + ["--work-dir=\(directory)/scheduler"] + shared
        let children = [
            Child("master", master), Child("agent", agent), Child("scheduler", scheduler),
        ]
        progress(
            "holdfast dev: master on \(address), agent on \(common.ip):\(agentPort), "
                + "everything in \(directory)")
        for child in children { try child.start() }
        _ = await firstSignal([SIGTERM, SIGINT])
        progress("holdfast dev: ending tasks and releasing volumes")
        await children[2].end(SIGTERM, withinSeconds: 2)
        await children[1].end(SIGUSR1, withinSeconds: 7)
        await children[0].end(SIGTERM, withinSeconds: 2)
    }
}

/// A daemon of `dev`: started again whenever it dies, until it is told to end.
final class Child: Sendable {
    private struct State {
        var process: Process?
        var isEnding = false
        var startedAt = ContinuousClock.now
        var quickDeaths = 0
    }

    private let name: String
    private let arguments: [String]
    private let state = Mutex(State())

    init(_ name: String, _ arguments: [String]) {
        self.name = name
        self.arguments = arguments
    }

    func start() throws {
        let process = Process()
        process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = arguments
        process.terminationHandler = { [self] ended in died(ended.terminationStatus) }
        try process.run()
        state.withLock { state in
            state.process = process
            state.startedAt = .now
        }
    }

    private func died(_ status: Int32) {
        let wait: Int? = state.withLock { state in
            if state.isEnding { return nil }
            let isQuick = ContinuousClock.now - state.startedAt < .seconds(2)
            state.quickDeaths = isQuick ? state.quickDeaths + 1 : 0
            return state.quickDeaths == 0 ? 0 : min(5_000, 100 << min(state.quickDeaths, 6))
        }
        guard let wait else { return }
        progress("holdfast dev: \(name) ended with status \(status), starting it again")
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(wait)) { [self] in
            if !state.withLock({ $0.isEnding }) { try? start() }
        }
    }

    /// Signals it and waits for its end; kills it when that takes too long.
    func end(_ signal: Int32, withinSeconds seconds: Int) async {
        let process = state.withLock { state in
            state.isEnding = true
            return state.process
        }
        guard let process, process.isRunning else { return }
        kill(process.processIdentifier, signal)
        let end = ContinuousClock.now + .seconds(seconds)
        while process.isRunning, ContinuousClock.now < end {
            try? await Task.sleep(for: .milliseconds(20))
        }
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }
}
