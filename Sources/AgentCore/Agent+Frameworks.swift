import MachineCore
import Model

extension Agent {
    /// Ends a framework on this agent: everything of it is killed, then it is forgotten.
    mutating func shutdownFramework(
        _ framework: FrameworkID, at now: Instant, into outbox: inout Outbox<Action>
    ) {
        // Their end is told: the master would wait for it for ever.
        for launch in waiting.launches where launch.key.framework == framework {
            kill(launch.key, graceMilliseconds: nil, at: now, into: &outbox)
        }
        guard state.frameworks[framework] != nil else {
            return outbox.append(.drop(.frameworkUnknown, "shutdown of framework \(framework)"))
        }
        endingFrameworks.insert(framework)
        for key in state.executors.keys.sorted() where key.framework == framework {
            shutdownExecutor(key, at: now, into: &outbox)
        }
        removeIfIdle(framework, into: &outbox)
    }

    /// Removes a framework that has nothing here any more; one that ends leaves no updates behind,
    /// because nobody would acknowledge them.
    mutating func removeIfIdle(_ framework: FrameworkID, into outbox: inout Outbox<Action>) {
        if endingFrameworks.contains(framework), !hasExecutors(framework) {
            for key in state.tasks.keys.sorted() where key.framework == framework {
                // One that waits behind another update is told now or never.
                if isRegistered, let entry = state.tasks[key], entry.pending.count > 1,
                    let last = entry.pending.last
                {
                    outbox.append(.send(.statusUpdate(last, latestState: entry.state)))
                }
                forget(key, into: &outbox)
            }
        }
        guard state.holdings[framework] == nil, let description = state.frameworks[framework],
            !waiting.launches.contains(where: { $0.key.framework == framework })
        else { return }
        endingFrameworks.remove(framework)
        history.end(description)
        store(.frameworkRemoved(framework), into: &outbox)
    }

    private func hasExecutors(_ framework: FrameworkID) -> Bool {
        state.executors.keys.contains { $0.framework == framework }
    }
}
