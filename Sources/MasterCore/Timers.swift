import MachineCore
import Model

/// What the master waits for.
enum Timer: Hashable, Sendable {
    case heartbeat(FrameworkID, StreamID)
    case failover(FrameworkID)
    case ending(FrameworkID)
    case ping(AgentID)
    case operation(OperationUUID)
    case transaction(OperationUUID, RequestID)
    case feedback(FrameworkID, OperationUUID)
    case offer(OfferID)
    case reregistration
    case lease(ReservationUUID)
    case leaseReview(AgentID)
    case subscribersHeartbeat
    case collection
}

/// A heap of due times. An entry is never removed early: whoever takes it out compares its time
/// with the one that counts by then.
struct Timers: Sendable {
    private struct Entry: Sendable {
        let due: Instant
        let number: UInt64
        let timer: Timer

        func isBefore(_ other: Entry) -> Bool {
            due == other.due ? number < other.number : due < other.due
        }
    }

    private var heap: [Entry] = []
    private var added: UInt64 = 0
    /// How many entries there may be before those that count no more are looked for.
    private var bound = leastBound
    private static let leastBound = 1_024

    /// Whether `prune` would be worth its time.
    var isLarge: Bool { heap.count > bound }
    var count: Int { heap.count }

    /// Drops the entries that count no more.
    mutating func prune(_ counts: (Timer, Instant) -> Bool) {
        heap.removeAll { !counts($0.timer, $0.due) }
        // Sorted is a heap, too.
        heap.sort { $0.isBefore($1) }
        bound = max(Self.leastBound, 2 * heap.count)
    }

    /// The earliest due time.
    var next: Instant? { heap.first?.due }

    mutating func add(_ timer: Timer, at due: Instant) {
        added += 1
        heap.append(Entry(due: due, number: added, timer: timer))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].isBefore(heap[parent]) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes out the first entry that is due by `now`, in the order of the due times.
    mutating func pop(until now: Instant) -> (Timer, due: Instant)? {
        guard let first = heap.first, first.due <= now else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            sink()
        }
        return (first.timer, first.due)
    }

    private mutating func sink() {
        var parent = 0
        while true {
            let left = 2 * parent + 1
            guard left < heap.count else { return }
            let right = left + 1
            let child = right < heap.count && heap[right].isBefore(heap[left]) ? right : left
            guard heap[child].isBefore(heap[parent]) else { return }
            heap.swapAt(child, parent)
            parent = child
        }
    }
}
