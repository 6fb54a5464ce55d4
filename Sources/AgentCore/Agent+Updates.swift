import MachineCore
import Model

/// What the agent itself says of a task.
struct Report: Equatable {
    var state: TaskState
    var source: StatusSource
    var reason: StatusReason?
    var message: String?
    var isHealthy: Bool?
    var payload: Payload

    init(
        _ state: TaskState, _ source: StatusSource, reason: StatusReason? = nil,
        message: String? = nil, isHealthy: Bool? = nil, payload: Payload = Payload()
    ) {
        self.state = state
        self.source = source
        self.reason = reason
        self.message = message
        self.isHealthy = isHealthy
        self.payload = payload
    }
}

// A task's updates are a stream: stored before they are sent, sent in order, the next one when the
// framework has acknowledged the one before, each again with growing pauses until then.

extension Agent {
    /// Makes an update of a report and puts it into the task's stream.
    mutating func report(
        _ key: TaskKey, _ report: Report, at now: Instant, into outbox: inout Outbox<Action>
    ) {
        guard let entry = state.tasks[key] else { return }
        let update = StatusUpdate(
            uuid: UpdateUUID(generator.uuid()), framework: key.framework, task: key.task,
            executor: entry.row.executor, agent: state.id, state: report.state,
            source: report.source, reason: report.reason, message: report.message,
            isHealthy: report.isHealthy, timestampNanoseconds: now.nanoseconds,
            payload: report.payload)
        accept(update, at: now, into: &outbox)
    }

    /// Whether a task's stream takes another update: it ends with a terminal one, and only that one
    /// is taken by a stream that is full.
    func takes(_ update: StatusUpdate) -> Bool {
        guard let entry = state.tasks[update.key], !entry.state.isTerminal else { return false }
        return update.state.isTerminal
            || entry.pending.count < options.limits.unacknowledgedUpdatesPerTask
    }

    /// Puts an update into its task's stream.
    mutating func accept(
        _ update: StatusUpdate, at now: Instant, into outbox: inout Outbox<Action>
    ) {
        guard takes(update) else {
            return outbox.append(.drop(.updatesTooMany, "task \(update.task)"))
        }
        let container = container(of: update.key)
        store(.updateStored(update), into: &outbox)
        if state.tasks[update.key]?.pending.count == 1 {
            forward(update.key, at: now, into: &outbox)
        }
        guard update.state.isTerminal else { return }
        timers.cancel(.completion(update.key))
        if let container { taskEnded(update.key, in: container, at: now, into: &outbox) }
    }

    /// Sends the update whose turn it is, and arranges for the next time.
    mutating func forward(
        _ key: TaskKey, at now: Instant, into outbox: inout Outbox<Action>
    ) {
        guard isRegistered, let entry = state.tasks[key], let update = entry.pending.first else {
            return
        }
        outbox.append(.send(.statusUpdate(update, latestState: entry.state)))
        var backoff =
            retries[key]
            ?? Backoff(first: options.updateRetryFirst, longest: options.updateRetryLongest)
        timers.set(.update(key), at: now + max(backoff.next(&generator), Self.shortest))
        retries[key] = backoff
    }

    mutating func acknowledge(
        _ key: TaskKey, _ uuid: UpdateUUID, at now: Instant, into outbox: inout Outbox<Action>
    ) {
        guard let first = state.tasks[key]?.pending.first, first.uuid == uuid else {
            return outbox.append(.drop(.updateUnknown, "update \(uuid) of task \(key.task)"))
        }
        timers.cancel(.update(key))
        retries[key] = nil
        store(.updateAcknowledged(key, uuid), into: &outbox)
        if first.state.isTerminal {
            forget(key, into: &outbox)
            removeIfIdle(key.framework, into: &outbox)
        } else {
            forward(key, at: now, into: &outbox)
        }
    }

    /// Removes a task that has ended, with nothing left to tell.
    mutating func forget(_ key: TaskKey, into outbox: inout Outbox<Action>) {
        guard let entry = state.tasks[key] else { return }
        timers.cancel(.update(key))
        retries[key] = nil
        if let framework = state.frameworks[key.framework] {
            history.add(entry, framework: framework)
        }
        store(.taskRemoved(key), into: &outbox)
    }
}
