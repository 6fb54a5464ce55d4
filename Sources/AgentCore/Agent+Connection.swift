import MachineCore
import Model

extension Agent {
    enum Connection: Hashable, Sendable { case disconnected, registering, registered }

    /// Whether the master has taken this agent since the last connect.
    package var isRegistered: Bool { connection == .registered }

    mutating func connect(at now: Instant, into outbox: inout Outbox<Action>) {
        guard farewell == nil else { return }
        disconnect()
        connection = .registering
        offeredRules = []
        timers.set(.register, at: now + nextRegistration())
        registeredSequence = state.lastSequence
        outbox.append(.send(.register(registration())))
        nextRegistrationNumber += 1
    }

    mutating func disconnect() {
        connection = .disconnected
        timers.cancel(.register)
        timers.cancel(.ping)
    }

    mutating func reconnect(_ reason: String, into outbox: inout Outbox<Action>) {
        disconnect()
        outbox.append(.reconnect(reason))
    }

    /// Asks for a new connection a while later, so that a mistake that repeats is no storm.
    mutating func reconnectLater(at now: Instant) {
        guard !timers.contains(.register) else { return }
        timers.set(.register, at: now + nextRegistration())
    }

    private mutating func nextRegistration() -> Span {
        max(registrationBackoff.next(&generator), Self.shortest)
    }

    mutating func hear(
        _ message: MasterMessage, at now: Instant, into outbox: inout Outbox<Action>
    ) {
        switch message {
        case .registered(let id, let pingTimeoutMilliseconds):
            registered(id, pingTimeoutMilliseconds, at: now, into: &outbox)
        case .refused(let text, let isFinal):
            refused(text, isFinal: isFinal, at: now, into: &outbox)
        case .ping(let number):
            outbox.append(.send(.pong(number)))
            expectPing(at: now)
        case .diskRules(let rules):
            if isRegistered { diskRules = rules } else { offeredRules = rules }
        case .applyOperation, .acknowledgeResult, .launch, .kill, .acknowledge, .frameworkMessage,
            .shutdownExecutor, .shutdownFramework, .eraseVolume:
            guard isRegistered else {
                return outbox.append(.drop(.notRegistered, "the master speaks too early"))
            }
            obey(message, at: now, into: &outbox)
        }
    }

    private mutating func obey(
        _ message: MasterMessage, at now: Instant, into outbox: inout Outbox<Action>
    ) {
        switch message {
        case .registered, .refused, .ping, .diskRules: break
        case .applyOperation(let operation): receive(operation, at: now, into: &outbox)
        case .acknowledgeResult(let uuid):
            guard state.results[uuid] != nil else { return }
            store(.resultAcknowledged(uuid), into: &outbox)
        case .launch(let launch): take(launch, at: now, into: &outbox)
        case .kill(let framework, let task, let grace):
            kill(TaskKey(framework, task), graceMilliseconds: grace, at: now, into: &outbox)
        case .acknowledge(let framework, let task, let uuid):
            acknowledge(TaskKey(framework, task), uuid, at: now, into: &outbox)
        case .frameworkMessage(let framework, let executor, let payload):
            let key = ExecutorKey(framework, executor)
            guard let stream = run(of: key)?.stream else {
                return outbox.append(.drop(.executorNotSubscribed, "\(executor)"))
            }
            outbox.append(.sendExecutorEvent(stream, .message(payload)))
        case .shutdownExecutor(let framework, let executor):
            shutdownExecutor(ExecutorKey(framework, executor), at: now, into: &outbox)
        case .shutdownFramework(let framework):
            shutdownFramework(framework, at: now, into: &outbox)
        case .eraseVolume(let uuid, let order): erase(uuid, order, into: &outbox)
        }
    }

    private mutating func registered(
        _ id: AgentID, _ pingTimeoutMilliseconds: Int64, at now: Instant,
        into outbox: inout Outbox<Action>
    ) {
        guard connection != .disconnected, farewell == nil else { return }
        if let mine = state.id, mine != id {
            return exit(
                "the master calls this agent \(id), but its journal says \(mine); "
                    + "a work directory belongs to one agent of one cluster", into: &outbox)
        }
        if state.id == nil { store(.identified(id), into: &outbox) }
        connection = .registered
        diskRules = offeredRules
        hasBeenRegistered = true
        registrationBackoff.reset()
        timers.cancel(.register)
        pingTimeout = .milliseconds(max(0, min(pingTimeoutMilliseconds, 86_400_000)))
        expectPing(at: now)
        // What ended meanwhile goes before what ends from now on: results come in order.
        for ended in state.sortedResults where ended.result.sequence > registeredSequence {
            outbox.append(.send(.operationResult(ended.result)))
        }
        for task in state.tasks.keys.sorted() where state.tasks[task]?.pending.isEmpty == false {
            retries[task] = nil
            forward(task, at: now, into: &outbox)
        }
        tellVolumes(into: &outbox)
        tellAlarms(into: &outbox)
    }

    private mutating func expectPing(at now: Instant) {
        guard isRegistered, pingTimeout > .zero else { return }
        timers.set(.ping, at: now + pingTimeout)
    }

    private mutating func refused(
        _ text: String, isFinal: Bool, at now: Instant, into outbox: inout Outbox<Action>
    ) {
        guard isFinal else {
            connection = .disconnected
            timers.cancel(.ping)
            return reconnectLater(at: now)
        }
        farewell = "the master does not want this agent any more: \(text)"
        disconnect()
        waiting.removeAll()
        for key in state.executors.keys.sorted() { shutdownExecutor(key, at: now, into: &outbox) }
        exitIfDone(into: &outbox)
    }

    /// Ends the process of an agent that the master has sent away, once its last container ended.
    mutating func exitIfDone(into outbox: inout Outbox<Action>) {
        guard let farewell, runs.isEmpty, !hasExited else { return }
        exit(farewell, into: &outbox)
    }
}
