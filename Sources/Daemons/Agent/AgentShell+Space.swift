import AgentCore
import Linux
import Model

// What an agent does on a full disk. Nothing new starts when little is left; what must be stored,
// first of all the ends of tasks, has the space that the journal has reserved ahead.

extension AgentShell {
    /// Below this nothing new starts: a sandbox and a journal's next piece would not fit.
    private static let leastBytes: Int64 = 4 << 20

    func isSpaceLow() -> Bool {
        // Without records an append only looks for space; what else fails will fail again.
        if journal.isSpaceLow { return true }
        guard let space = try? DiskSpace.of(workDirectory) else { return false }
        return space.availableBytes < Self.leastBytes
    }

    func refuse(_ event: Agent.Event, because reason: String) -> RefusedEvent {
        let refusal = Refusal(
            .unavailable, "the disk of the agent's work directory is full: nothing was changed")
        switch event {
        case .masterSaid:
            // At the next registration the master says again what has not been acknowledged.
            perform(.reconnect("the journal's disk is full"))
            return .told
        case .executorSubscribed(let stream, _, _, _, _):
            perform(.refuseExecutorStream(stream, refusal))
            return .told
        case .executorCalled(let request, _, _, _):
            perform(.answer(request, refusal))
            return .told
        case .volumeReported, .diskLimitReached:
            // They are told again with the next count.
            return .told
        case .volumesChanged, .volumeErased, .containerStarted, .containerFailed, .containerEnded,
            .containerUpdated, .usageAlarmed,
            .checkChanged, .executorStreamClosed, .masterConnected, .masterDisconnected,
            .storageLow, .ticked:
            return .later
        case .started: return .fatal
        }
    }
}
