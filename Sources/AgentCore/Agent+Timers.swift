import MachineCore
import Model

extension Agent {
    /// What a point in time is for.
    enum Timer: Hashable, Sendable {
        /// The master has not answered, or it has to be asked anew.
        case register
        /// The master has not pinged.
        case ping
        /// An update is to be sent again.
        case update(TaskKey)
        /// A container has not ended by itself.
        case kill(ContainerID)
        /// An executor has not subscribed.
        case subscribe(ContainerID)
        case heartbeat(ContainerID)
        /// A task runs longer than it may.
        case completion(TaskKey)
        /// Volumes that a transaction has left could not be retired.
        case discard(OperationUUID)
    }

    /// How long SIGKILL may take before it is sent again.
    static let killRetry = Span.seconds(10)
    /// The shortest time between two rings of one timer.
    static let shortest = Span.milliseconds(1)

    mutating func tick(at now: Instant, into outbox: inout Outbox<Action>) {
        while !hasExited, let timer = timers.popDue(at: now) {
            ring(timer, at: now, into: &outbox)
        }
    }

    private mutating func ring(
        _ timer: Timer, at now: Instant, into outbox: inout Outbox<Action>
    ) {
        switch timer {
        case .discard(let transaction): discardVolumes(of: transaction, into: &outbox)
        case .register: reconnect("the master does not answer", into: &outbox)
        case .ping: reconnect("the master does not ping", into: &outbox)
        case .update(let task): forward(task, at: now, into: &outbox)
        case .kill(let container):
            guard runs[container] != nil else { return }
            outbox.append(.signalContainer(container, .kill))
            timers.set(.kill(container), at: now + Self.killRetry)
        case .subscribe(let container):
            guard let run = runs[container], run.stream == nil else { return }
            stop(
                container, run.hasWorked ? .reregistrationTimeout : .registrationTimeout,
                grace: .zero, at: now, into: &outbox)
        case .heartbeat(let container):
            guard let stream = runs[container]?.stream else { return }
            outbox.append(.sendExecutorEvent(stream, .heartbeat))
            setHeartbeat(of: container, at: now)
        case .completion(let task):
            guard let container = container(of: task) else { return }
            stop(
                container, .maxCompletionTime, grace: killGrace(of: task, nil), at: now,
                into: &outbox)
        }
    }

    mutating func setHeartbeat(of container: ContainerID, at now: Instant) {
        timers.set(
            .heartbeat(container), at: now + max(options.executorHeartbeatInterval, Self.shortest))
    }
}
