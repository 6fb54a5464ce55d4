package import Model

extension AgentState {
    /// The records that rebuild this state from nothing.
    package func snapshot() -> [AgentRecord] {
        var records: [AgentRecord] = []
        if let id { records.append(.identified(id)) }
        if !bootID.isEmpty { records.append(.started(bootID: bootID, resources: resources)) }
        records.append(
            .snapshot(
                lastSequence: lastSequence, total: total, volumes: sortedVolumes,
                unprepared: unprepared.sorted()))
        if let begun { records.append(.transactionBegun(begun)) }
        for uuid in doomed.keys.sorted() {
            records.append(.volumesDoomed(uuid, doomed[uuid] ?? []))
        }
        // Their numbers are not above the snapshot's: they only leave their results.
        for ended in sortedResults {
            records.append(.operationEnded(ended.operation, ended.result))
        }
        for id in frameworks.keys.sorted() {
            if let framework = frameworks[id] { records.append(.frameworkStored(framework)) }
        }
        for key in executors.keys.sorted() {
            guard let entry = executors[key] else { continue }
            records.append(.executorStored(entry.row))
            for task in entry.tasks { append(TaskKey(key.framework, task), to: &records) }
        }
        for key in tasks.keys.sorted() where tasks[key]?.isHolding == false {
            append(key, to: &records)
        }
        return records
    }

    package var sortedVolumes: [VolumeDescription] {
        volumes.values.sorted { $0.uuid < $1.uuid }
    }

    package var sortedResults: [EndedOperation] {
        results.values.sorted { $0.result.sequence < $1.result.sequence }
    }

    private func append(_ key: TaskKey, to records: inout [AgentRecord]) {
        guard let entry = tasks[key] else { return }
        records.append(.taskStored(entry.row))
        for update in entry.acknowledged {
            records.append(.updateStored(update))
            if let uuid = update.uuid { records.append(.updateAcknowledged(key, uuid)) }
        }
        for update in entry.pending { records.append(.updateStored(update)) }
    }
}
