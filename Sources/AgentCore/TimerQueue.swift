import MachineCore

/// One point in time per key, the earliest first; equal ones in the order in which they were set.
struct TimerQueue<Key: Hashable & Sendable>: Sendable {
    private struct Entry {
        var instant: Instant
        var serial: UInt64
        var key: Key

        static func < (left: Entry, right: Entry) -> Bool {
            left.instant != right.instant
                ? left.instant < right.instant : left.serial < right.serial
        }
    }

    /// A binary heap whose top is never stale.
    private var heap: [Entry] = []
    private var current: [Key: Entry] = [:]
    private var nextSerial: UInt64 = 0

    /// The earliest point in time.
    var first: Instant? { heap.first?.instant }

    func contains(_ key: Key) -> Bool { current[key] != nil }

    func instant(of key: Key) -> Instant? { current[key]?.instant }

    /// Sets the key's time, in place of an earlier setting.
    mutating func set(_ key: Key, at instant: Instant) {
        let entry = Entry(instant: instant, serial: nextSerial, key: key)
        current[key] = entry
        heap.append(entry)
        nextSerial += 1
        siftUp(heap.count - 1)
        if heap.count > 2 * current.count + 64 { rebuild() }
        prune()
    }

    mutating func cancel(_ key: Key) {
        guard current.removeValue(forKey: key) != nil else { return }
        prune()
    }

    /// Takes the earliest key whose time has come.
    mutating func popDue(at now: Instant) -> Key? {
        guard let top = heap.first, top.instant <= now else { return nil }
        current[top.key] = nil
        prune()
        return top.key
    }

    private mutating func prune() {
        while let top = heap.first, current[top.key]?.serial != top.serial { removeTop() }
    }

    private mutating func rebuild() {
        let entries = heap.filter { current[$0.key]?.serial == $0.serial }
        // A sorted array is a heap.
        heap = entries.sorted { $0 < $1 }
    }

    private mutating func removeTop() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        siftDown()
    }

    private mutating func siftUp(_ start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard heap[index] < heap[parent] else { return }
            heap.swapAt(index, parent)
            index = parent
        }
    }

    private mutating func siftDown() {
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2]
            where child < heap.count && heap[child] < heap[least] {
                least = child
            }
            guard least != index else { return }
            heap.swapAt(index, least)
            index = least
        }
    }
}
