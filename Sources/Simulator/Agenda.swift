import MachineCore

/// What is to happen, by time; of what happens at one time, the first added first.
struct Agenda<Element> {
    private struct Entry {
        let time: Instant
        let number: UInt64
        let element: Element

        func precedes(_ other: Entry) -> Bool {
            (time, number) < (other.time, other.number)
        }
    }

    /// A binary heap.
    private var entries: [Entry] = []
    private var nextNumber: UInt64 = 0

    var nextTime: Instant? { entries.first?.time }

    mutating func add(_ element: Element, at time: Instant) {
        entries.append(Entry(time: time, number: nextNumber, element: element))
        nextNumber += 1
        var place = entries.count - 1
        while place > 0, entries[place].precedes(entries[(place - 1) / 2]) {
            entries.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    mutating func removeFirst() -> Element? {
        guard let first = entries.first, let last = entries.popLast() else { return nil }
        guard !entries.isEmpty else { return first.element }
        entries[0] = last
        sink()
        return first.element
    }

    private mutating func sink() {
        var place = 0
        while true {
            var child = 2 * place + 1
            guard child < entries.count else { return }
            if child + 1 < entries.count, entries[child + 1].precedes(entries[child]) {
                child += 1
            }
            guard entries[child].precedes(entries[place]) else { return }
            entries.swapAt(place, child)
            place = child
        }
    }
}
