import AllocatorCore
import ArgumentParser
import Daemons
import Foundation
import Logging
import MasterCore
import Model

struct MasterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "master", abstract: "Run a master.")
    @OptionGroup var common: DaemonOptions
    @OptionGroup var options: MasterFlags
    @Option(help: "The port of the HTTP API.")
    var port = 5050
    @Option(help: "Where the registry is kept.")
    var workDir: String

    func validate() throws {
        try checkPort(port, "--port")
    }

    func run() async throws {
        var settings = MasterSettings(
            workDirectory: try madeDirectory(workDir), version: HoldfastVersion.mesos)
        settings.address = common.ip
        settings.port = port
        settings.hostname = common.hostname
        settings.checksInvariants = common.checkInvariants
        settings.auditArchivesBytes = options.auditArchivesBytes
        try options.fill(&settings.options)
        let logger = common.logger("master")
        logger.notice("no authentication: listening on the loopback only")
        do {
            let daemon = try MasterDaemon(settings: settings, logger: logger)
            try await daemon.run { _ = await firstSignal([SIGTERM, SIGINT]) }
        } catch {
            throw CommandFailure("master: \(error)", status: 70)
        }
    }
}

/// The master's own options; `dev` takes them, too.
struct MasterFlags: ParsableArguments {
    @Option(help: "How long an agent may take to answer a ping.")
    var agentPingTimeout = DurationOption(milliseconds: 15_000)
    @Option(help: "After so many silent pings an agent is unreachable.")
    var maxAgentPingTimeouts = 5
    @Option(help: "How long agents may take to come back to a restarted master.")
    var agentReregisterTimeout = DurationOption(milliseconds: 600_000)
    @Option(help: "Offers held longer are rescinded; never when left out.")
    var offerTimeout: DurationOption?
    @Option(help: "At most so many subscribers of the operator API; the oldest has to go.")
    var maxOperatorEventStreamSubscribers = 1_000
    @Option(help: "So many bytes of lines that have left the audit trail are kept in files.")
    var auditArchivesBytes = 1 << 30
    @Option(help: "The least that is offered of unreserved resources.")
    var minAllocatableResources: String?
    @Flag(help: "Lend idle reserved cpus and memory to other roles, as revocable resources.")
    var lendIdle = false

    func fill(_ options: inout MasterOptions) throws {
        guard maxAgentPingTimeouts > 0 else {
            throw CommandFailure("--max-agent-ping-timeouts must be above zero")
        }
        guard auditArchivesBytes >= 0 else {
            throw CommandFailure("--audit-archives-bytes must not be negative")
        }
        guard maxOperatorEventStreamSubscribers > 0 else {
            throw CommandFailure("--max-operator-event-stream-subscribers must be above zero")
        }
        options.subscribersAtMost = maxOperatorEventStreamSubscribers
        options.agentPingTimeoutMilliseconds = max(1, agentPingTimeout.milliseconds)
        options.maxAgentPingTimeouts = maxAgentPingTimeouts
        options.agentReregisterTimeoutMilliseconds = agentReregisterTimeout.milliseconds
        options.offerTimeoutMilliseconds = offerTimeout?.milliseconds
        options.lendsIdle = lendIdle
        if let text = minAllocatableResources {
            do throws(Refusal) {
                options.allocator.minAllocatable = try ResourceQuantities.alternatives(
                    parsing: text)
            } catch {
                throw CommandFailure("--min-allocatable-resources: \(error.message)")
            }
        }
    }

    /// As arguments of a `master` process.
    var arguments: [String] {
        var arguments = [
            "--agent-ping-timeout=\(agentPingTimeout.milliseconds)ms",
            "--max-agent-ping-timeouts=\(maxAgentPingTimeouts)",
            "--agent-reregister-timeout=\(agentReregisterTimeout.milliseconds)ms",
            "--audit-archives-bytes=\(auditArchivesBytes)",
            "--max-operator-event-stream-subscribers=\(maxOperatorEventStreamSubscribers)",
        ]
        if let offerTimeout { arguments.append("--offer-timeout=\(offerTimeout.milliseconds)ms") }
        if let text = minAllocatableResources {
            arguments.append("--min-allocatable-resources=\(text)")
        }
        if lendIdle { arguments.append("--lend-idle") }
        return arguments
    }
}
