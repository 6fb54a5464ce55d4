internal import Foundation
internal import Linux
internal import Synchronization

/// Learns of the ends of all containers, on one thread.
///
///     supervised --supervisor ends, exit stored--> told
///     supervised --supervisor killed, first process lives--> orphaned --it ends--> told
package final class ContainerWatch: Sendable {
    /// Makes a container's exit of its wait status (nil: unknown): looks for memory kills, kills
    /// what
    /// is left.
    package typealias Conclusion = @Sendable (_ id: String, _ waitStatus: Int32?) -> ContainerExit

    private let core: WatchCore

    package init(
        _ supervision: Supervision,
        concluding: @escaping Conclusion = { ContainerExit(waitStatus: $1) }
    ) throws(ContainerError) {
        do throws(SystemError) {
            core = try WatchCore(supervision, concluding)
        } catch {
            throw ContainerError("watching containers: \(error)")
        }
        let core = core
        let thread = Thread { core.run() }
        thread.name = "containers"
        thread.start()
    }

    deinit { core.stop() }

    /// Calls `ended` once, from the watch's thread.
    package func watch(_ id: String, _ ended: @escaping @Sendable (ContainerExit) -> Void) {
        core.begin(Watched(id: id, ended: ended))
    }
}

private struct Watched: Sendable {
    let id: String
    let ended: @Sendable (ContainerExit) -> Void
}

/// What the thread works on; it keeps it alive until it is told to stop.
private final class WatchCore: Sendable {
    /// What a container waits for; owns the descriptor, so that closing it ends the wait.
    private enum Wait: Sendable {
        case supervisor(Watched, DescriptorBox)
        case firstProcess(Watched, PidFDBox)
    }

    private struct State: Sendable {
        var isStopped = false
        var lastWord: UInt64 = 0
        var arrived: [Watched] = []
        var waits: [UInt64: Wait] = [:]
    }

    private let supervision: Supervision
    private let conclude: ContainerWatch.Conclusion
    private let queue: EventQueue
    private let state = Mutex(State())

    init(
        _ supervision: Supervision, _ conclude: @escaping ContainerWatch.Conclusion
    ) throws(SystemError) {
        self.supervision = supervision
        self.conclude = conclude
        queue = try EventQueue.make()
    }

    func begin(_ watched: Watched) {
        state.withLock { $0.arrived.append(watched) }
        queue.wake()
    }

    func stop() {
        state.withLock { $0.isStopped = true }
        queue.wake()
    }

    func run() {
        while true {
            let words = queue.wait()
            let (isStopped, arrived, waits) = state.withLock { state in
                let arrived = state.arrived
                state.arrived = []
                return (
                    state.isStopped, arrived,
                    words.compactMap { state.waits.removeValue(forKey: $0) }
                )
            }
            if isStopped { return }
            for watched in arrived { awaitSupervisor(watched) }
            for wait in waits {
                switch wait {
                case .supervisor(let watched, _): awaitFirstProcess(watched)
                case .firstProcess(let watched, _): tell(watched)
                }
            }
        }
    }

    private func awaitSupervisor(_ watched: Watched) {
        let path = "\(supervision.state(watched.id))/alive"
        guard let reader = try? Fifo.openReader(path), Fifo.hasWriter(reader) else {
            return awaitFirstProcess(watched)
        }
        let box = DescriptorBox(reader)
        add(.supervisor(watched, box), box.descriptor) { awaitFirstProcess(watched) }
    }

    /// The supervisor has gone: normally with a stored exit, after the first process.
    private func awaitFirstProcess(_ watched: Watched) {
        guard supervision.waitStatus(watched.id) == nil,
            let first = supervision.firstProcess(watched.id)?.hold()
        else { return tell(watched) }
        add(.firstProcess(watched, first), first.process.descriptor) { tell(watched) }
    }

    private func add(
        _ wait: Wait, _ descriptor: borrowing Descriptor, otherwise: () -> Void
    ) {
        let word = state.withLock { state in
            state.lastWord += 1
            state.waits[state.lastWord] = wait
            return state.lastWord
        }
        do {
            try queue.add(descriptor, word: word)
        } catch {
            // The kernel's limit of watches: told as it stands now rather than never.
            state.withLock { _ = $0.waits.removeValue(forKey: word) }
            otherwise()
        }
    }

    private func tell(_ watched: Watched) {
        watched.ended(conclude(watched.id, supervision.waitStatus(watched.id)))
    }
}

/// A shared reference to an open descriptor.
private final class DescriptorBox: Sendable {
    let descriptor: Descriptor
    init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
}
