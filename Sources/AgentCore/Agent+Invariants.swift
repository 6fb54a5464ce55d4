import Model

extension Agent {
    /// What is wrong with this agent; empty, always. For simulations, tests and debug builds.
    package func violations() -> [String] {
        isStarted ? state.violations() + runViolations() + queueViolations() : []
    }

    private func runViolations() -> [String] {
        var found: [String] = []
        let containers = Set(state.executors.values.map(\.row.container))
        if containers != Set(runs.keys) { found.append("executors and containers differ") }
        for (stream, container) in streams.sorted(by: { $0.key.number < $1.key.number })
        where runs[container]?.stream != stream {
            found.append("stream \(stream.number) belongs to no container")
        }
        for container in runs.keys.sorted() {
            guard let run = runs[container] else { continue }
            if let stream = run.stream, streams[stream] != container {
                found.append("container \(container) has a stream that is not open")
            }
            if run.cause != nil, !timers.contains(.kill(container)) {
                found.append("nothing will end container \(container)")
            }
            found += updateViolations(of: container, run)
        }
        for key in state.tasks.keys.sorted() {
            guard let entry = state.tasks[key] else { continue }
            if !entry.state.isTerminal, !entry.isHolding {
                found.append("task \(key.task) has not ended and holds nothing")
            }
            if isRegistered, !entry.pending.isEmpty, !timers.contains(.update(key)) {
                found.append("an update of task \(key.task) will never be sent again")
            }
        }
        return found
    }

    private func updateViolations(of container: ContainerID, _ run: ContainerRun) -> [String] {
        guard run.kind != .command else { return [] }
        var found: [String] = []
        let tasks = Set(state.executors[run.key]?.tasks ?? [])
        if !run.delivered.union(run.prepared).union(run.update ?? []).isSubset(of: tasks) {
            found.append("container \(container) is to hold a task that has ended")
        }
        guard run.update == nil, run.phase == .running, run.cause == nil else { return found }
        if run.needsUpdate { found.append("container \(container) is never updated") }
        if run.stream != nil, !tasks.isSubset(of: run.delivered) {
            found.append("a task of container \(container) waits for nothing")
        }
        return found
    }

    private func queueViolations() -> [String] {
        var found: [String] = []
        if operations.lastReceived != state.lastSequence + UInt64(operations.count) {
            found.append("the operations that wait do not follow those that ended")
        }
        if operations.prefix(operations.count).count != operations.count {
            found.append("the operations that wait have a gap")
        }
        if operations.isEmpty, !waiting.isEmpty {
            found.append("a launch waits for nothing")
        }
        return found + transactionViolations()
    }
}

extension AgentState {
    /// What is wrong with the durable state; empty, always.
    package func violations() -> [String] {
        var found: [String] = []
        if total.bare != resources.bare { found.append("the books make or lose resources") }
        for entry in used.entries
        where !entry.resource.isRevocable && !total.contains(entry.resource) {
            found.append("\(entry.resource.text) is used, but not there")
        }
        if used != sumOfHoldings() { found.append("what is used is not what tasks hold") }
        found += volumeViolations()
        for key in tasks.keys.sorted() {
            if let entry = tasks[key] { found += violations(of: key, entry) }
        }
        for ended in sortedResults where ended.result.sequence > lastSequence {
            found.append("operation \(ended.result.sequence) ended before its turn")
        }
        return found
    }

    private func volumeViolations() -> [String] {
        var found: [String] = []
        for volume in sortedVolumes where !total.contains(volume.resource) {
            found.append("volume \(volume.uuid) is not in the books")
        }
        let booked = total.reduce(0) { $0 + ($1.isPersistentVolume ? 1 : 0) }
        if booked != volumes.count { found.append("the books have a volume without a name") }
        for volume in sortedVolumes
        where volumesByKey[ResourceKey(volume.resource)] != volume.uuid {
            found.append("volume \(volume.uuid) is not found by its resource")
        }
        return found
    }

    private func violations(of key: TaskKey, _ entry: TaskEntry) -> [String] {
        var found: [String] = []
        let executor = executors[ExecutorKey(key.framework, entry.row.executor)]
        if entry.isHolding {
            if entry.state.isTerminal { found.append("task \(key.task) has ended and holds") }
            if executor?.tasks.contains(key.task) != true {
                found.append("task \(key.task) has no executor")
            }
        }
        if frameworks[key.framework] == nil {
            found.append("task \(key.task) has no framework")
        }
        if entry.pending.dropLast().contains(where: \.state.isTerminal) {
            found.append("task \(key.task) has updates after its end")
        }
        if entry.acknowledged.contains(where: \.state.isTerminal) {
            found.append("task \(key.task) should have been removed")
        }
        return found
    }

    private func sumOfHoldings() -> Resources {
        var sum = Resources()
        for key in executors.keys.sorted() {
            for resource in executors[key]?.row.executor.resources ?? [] {
                sum.add(resource.with(allocationRole: nil))
            }
        }
        for key in tasks.keys.sorted() where tasks[key]?.isHolding == true {
            for resource in tasks[key]?.row.task.resources ?? [] {
                sum.add(resource.with(allocationRole: nil))
            }
        }
        return sum
    }
}
