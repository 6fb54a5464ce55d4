package import AllocatorCore
package import MachineCore

/// What the master's subcommand settles once; all times are milliseconds.
package struct MasterOptions: Sendable {
    /// `--agent-ping-timeout`: how long an agent may take to answer one ping.
    package var agentPingTimeoutMilliseconds: Int64 = 15_000
    /// `--max-agent-ping-timeouts`: after so many silent ones an agent is unreachable.
    package var maxAgentPingTimeouts = 5
    /// `--agent-reregister-timeout`: how long agents may take to come back to a restarted master.
    package var agentReregisterTimeoutMilliseconds: Int64 = 600_000
    /// Between two HEARTBEAT events of a scheduler's stream.
    package var heartbeatMilliseconds: Int64 = 15_000
    /// `--offer-timeout`: an offer that is held longer is rescinded; nil: never.
    package var offerTimeoutMilliseconds: Int64?
    /// How long an operator's call waits for the agent before it is answered as pending.
    package var operationTimeoutMilliseconds: Int64 = 10_000
    /// The filter of a declined offer when the call names none.
    package var defaultRefuseMilliseconds: Int64 = 5_000
    /// `--max-operator-event-stream-subscribers`: beyond it the oldest subscriber is closed.
    package var subscribersAtMost = 1_000
    /// How long a task on lent resources that has no kill policy has to end when these are needed.
    package var recallGraceMilliseconds: Int64 = 5_000
    /// The longest that a task on lent resources may take by its own kill policy.
    package var longestRecallGraceMilliseconds: Int64 = 30_000
    package var limits = Limits()
    package var allocator = AllocatorOptions()

    /// `--lend-idle`: idle reserved cpus and memory are lent as revocable resources.
    package var lendsIdle: Bool {
        get { allocator.lendsIdle }
        set { allocator.lendsIdle = newValue }
    }

    package init() {}
}
