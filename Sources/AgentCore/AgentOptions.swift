package import MachineCore
package import Model

/// What an agent is told at its start; parsed once by its subcommand.
package struct AgentOptions: Hashable, Sendable {
    package var hostname: String
    /// Where the agent's HTTP API answers.
    package var address: String
    package var port: Int
    package var version: String
    /// The AgentInfo with attributes and domain, serialized, without id and resources.
    package var payload: Payload
    /// An absolute path; sandboxes lie below it.
    package var workDirectory: String
    package var reconfigurationPolicy = ReconfigurationPolicy.compatible

    /// Between SIGTERM and SIGKILL of a command task whose kill policy says nothing.
    package var killGrace = Span.seconds(3)
    /// How long a custom executor may take to end after SHUTDOWN.
    package var executorShutdownGrace = Span.seconds(5)
    /// How long a new executor may take to subscribe.
    package var executorRegistrationTimeout = Span.seconds(60)
    /// How long an executor may take to subscribe again after a restart of the agent or a lost
    /// stream.
    package var executorReregistrationTimeout = Span.seconds(60)
    package var executorHeartbeatInterval = Span.seconds(15)
    /// First and longest waiting time before an unacknowledged status update is sent again.
    package var updateRetryFirst = Span.seconds(10)
    package var updateRetryLongest = Span.seconds(600)
    /// First and longest waiting time for the master's answer to a registration.
    package var registrationRetryFirst = Span.seconds(1)
    package var registrationRetryLongest = Span.seconds(60)
    /// How many records may follow the last compaction of the journal.
    package var compactionThreshold = 20_000
    /// How many tasks may be here, ended ones that are not acknowledged among them.
    package var tasksAtMost = 100_000
    package var limits = Limits()

    package init(
        hostname: String, address: String, port: Int, version: String,
        payload: Payload = Payload(), workDirectory: String
    ) {
        self.hostname = hostname
        self.address = address
        self.port = port
        self.version = version
        self.payload = payload
        self.workDirectory = workDirectory
    }
}
