import AgentCore
import MachineCore
import MasterCore
import Model
import OrderedCollections

// The end of a simulation: no more faults, and everything that is pending must come to its end.

extension Simulation {
    mutating func heal() {
        isFaulty = false
        for index in agents.indices {
            agents[index].partitionEnd = nil
            tell(index, .storageLow(false))
        }
        // The status of an operation is told again at a subscription only.
        for index in schedulers.indices where schedulers[index].stream != nil {
            closeAtScheduler(index)
            add(.subscribe(framework: index), within: 1_000)
        }
        settle()
        guard isSound else { return }
        for violation in checkEverything() + checkOutcome() { violate(violation) }
        isDraining = true
        settle()
        for violation in checkEverything() + checkOutcome() { violate(violation) }
    }

    /// Lets things happen until nothing is pending.
    private mutating func settle() {
        let end = report.events + options.healingEventsAtMost
        var steps = 0
        while report.events < end, isSound {
            step()
            steps += 1
            if steps.isMultiple(of: 40), pending().isEmpty { return }
        }
        for text in pending().prefix(4) { violate("still pending after the healing: \(text)") }
    }

    /// What has not come to its end; empty once the cluster is at rest.
    private func pending() -> [String] {
        guard isMasterUp else { return ["the master is down"] }
        var found: [String] = []
        for operation in master.pendingOperations {
            if isReachable(operation.agent) {
                found.append("operation \(operation.operation.uuid) of \(operation.agent)")
            }
        }
        for index in agents.indices { found += pending(of: index) }
        for scheduler in schedulers { found += pending(of: scheduler) }
        found += overdueLeases()
        if !operatorCalls.isEmpty { found.append("\(operatorCalls.count) calls of operators") }
        return found
    }

    private func isReachable(_ id: AgentID) -> Bool {
        agents.contains { $0.agent.state.id == id }
    }

    private func pending(of index: Int) -> [String] {
        let host = agents[index]
        guard host.isUp, host.agent.isRegistered, let id = host.agent.state.id,
            master.agents[id]?.isConnected == true
        else { return ["agent \(index) is not registered"] }
        var found: [String] = []
        if !host.work.isEmpty || !host.agent.pendingOperations.isEmpty {
            found.append("operations on agent \(index)")
        }
        if !host.agent.state.doomed.isEmpty { found.append("volumes given up on agent \(index)") }
        if !host.updates.isEmpty { found.append("updates of containers on agent \(index)") }
        if !host.agent.state.results.isEmpty { found.append("results of agent \(index)") }
        for key in host.agent.state.tasks.keys.sorted() {
            guard let entry = host.agent.state.tasks[key] else { continue }
            if let update = entry.pending.first {
                found.append("update \(update.state) of \(key.task) of \(key.framework)")
            }
            if isDraining { found.append("task \(key.task) on agent \(index)") }
            let known = master.framework(key.framework)?.tasks[key.task]
            if known?.state != entry.state {
                found.append(
                    "task \(key.task) is \(entry.state), for the master "
                        + (known?.state.rawValue ?? "none")
                )
            }
        }
        for key in (master.agents[id]?.tasks ?? []).sorted()
        where host.agent.state.tasks[key] == nil {
            found.append("task \(key.task), which the master believes on agent \(index)")
        }
        if isDraining, !host.containers.isEmpty { found.append("containers of agent \(index)") }
        return found
    }

    private func pending(of scheduler: SchedulerHost) -> [String] {
        guard scheduler.isSubscribed, let id = scheduler.id, let known = master.framework(id),
            known.stream == scheduler.stream
        else { return ["framework \(scheduler.number) is not subscribed"] }
        var found: [String] = []
        for (task, view) in scheduler.tasks where !view.state.isTerminal {
            let state = known.tasks[task]?.toldState
            if state == nil, view.state == .unreachable,
                registry.agents[view.agent]?.standing == .unreachable
            {
                // A machine that died before it knew its id has another one now.
                continue
            }
            if state != view.state {
                found.append(
                    "\(task) is \(view.state) for its framework, for the master "
                        + (state?.rawValue ?? "none")
                )
            } else if isDraining {
                found.append("\(task) has not ended")
            }
        }
        for (task, view) in scheduler.tasks where view.state.isTerminal {
            if let state = known.tasks[task]?.toldState, !state.isTerminal {
                found.append("\(task) is \(view.state) for its framework, \(state) for the master")
            }
        }
        for operation in known.operations.values where operation.statusUUID != nil {
            found.append("status of operation \(operation.id)")
        }
        return found
    }
}
