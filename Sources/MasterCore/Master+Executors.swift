import AllocatorCore
import Model
import OrderedCollections

// Executors that frameworks bring themselves. They hold resources from their first task on until
// the agent says that they have ended.

extension Master {
    mutating func executorExited(_ key: ExecutorKey, _ status: Int32?) {
        guard frameworks[key.framework]?.executors[key] != nil else {
            emit(.drop(.executorUnknown, "end of \(key.executor) of \(key.framework)"))
            return
        }
        removeExecutor(key)
        if let stream = frameworks[key.framework]?.stream {
            emit(
                .sendEvent(
                    stream, .failure(agent: key.agent, executor: key.executor, status: status)))
        }
        completeIfEnded(key.framework)
    }

    mutating func removeExecutor(_ key: ExecutorKey) {
        agents[key.agent]?.executors.remove(key)
        touch(key.agent)
        let executor = frameworks[key.framework]?.executors.removeValue(forKey: key)
        guard let booked = executor?.booked, !booked.isEmpty else { return }
        allocator.recover(
            key.framework, agent: key.agent, resources: booked, filter: nil, at: now)
    }
}
