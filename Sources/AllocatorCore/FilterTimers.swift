internal import MachineCore

/// When filters run out: a binary heap, soonest first. A filter that is cleared early leaves its
/// timer behind; whoever takes it out finds no filter of that sequence number any more.
struct FilterTimers: Sendable {
    struct Timer: Sendable {
        let expiry: Instant
        /// The filter's own number, never used again.
        let sequence: UInt64
        let client: Int
        let agent: Int

        /// Equal times leave in the order in which they came.
        func precedes(_ other: Timer) -> Bool {
            (expiry, sequence) < (other.expiry, other.sequence)
        }
    }

    private var heap: [Timer] = []

    var first: Timer? { heap.first }
    var count: Int { heap.count }

    mutating func insert(_ timer: Timer) {
        heap.append(timer)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].precedes(heap[parent]) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func removeFirst() {
        guard let last = heap.popLast(), !heap.isEmpty else { return }
        heap[0] = last
        sink()
    }

    /// Drops all timers but those of live filters; a sorted array is a heap.
    mutating func keep(where isLive: (Timer) -> Bool) {
        heap = heap.filter(isLive).sorted { $0.precedes($1) }
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && heap[child].precedes(heap[least]) {
                least = child
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
