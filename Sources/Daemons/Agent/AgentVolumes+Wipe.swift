import Linux
import Logging
import MesosAPI
import Model
import Synchronization
import Volumes

/// Erases one volume's data after the other, when nobody else wants the disk.
final class WipeThread: Sendable {
    private let thread = BlockingThreads("volumes-erasing", limit: 1)
    private let volumes = Mutex<Set<VolumeUUID>>([])

    /// Runs `body`, unless one for the volume waits or runs already.
    func run(_ uuid: VolumeUUID, _ body: @escaping @Sendable () -> Void) {
        guard volumes.withLock({ $0.insert(uuid).inserted }) else { return }
        thread.run {
            try? DiskPriority.setIdle()
            body()
        }
    }

    /// From now on it may be asked for again.
    func end(_ uuid: VolumeUUID) { volumes.withLock { _ = $0.remove(uuid) } }
}

extension AgentVolumes {
    /// Discards or overwrites a volume; `finished` gets nil or why not. One that is at it already
    /// tells its end once.
    func wipe(
        _ uuid: VolumeUUID, _ order: EraseOrder, _ finished: @escaping @Sendable (String?) -> Void
    ) {
        wiping.run(uuid) { [self] in
            var failure: String?
            do throws(VolumeError) {
                guard let store = store(of: uuid) else { throw .notFound(uuid) }
                if order.mode == .discard, !store.discards(uuid) {
                    logger.notice(
                        "this backend can't discard: the data is deleted",
                        metadata: ["uuid": "\(uuid)"])
                }
                try store.wipe(uuid, order)
            } catch {
                failure = "\(error)"
            }
            wiping.end(uuid)
            finished(failure)
        }
    }

    /// What LIST_ERASURES answers.
    func erasures() -> Mesos_V1_Agent_Response {
        var response = Mesos_V1_Agent_Response()
        response.type = .listErasures
        response.listErasures = .init()
        for (_, store) in named {
            for progress in store.wipeProgress() {
                var erasure = Mesos_V1_Agent_Response.ListErasures.Erasure()
                erasure.uuid = progress.uuid.value
                erasure.mode = progress.order.mode.rawValue
                erasure.doneBytes = progress.doneBytes
                erasure.totalBytes = progress.totalBytes
                if let rate = progress.order.mebibytesPerSecond {
                    erasure.mibPerSecond = Int64(rate)
                }
                erasure.finished = progress.isFinished
                response.listErasures.erasures.append(erasure)
            }
        }
        return response
    }
}
