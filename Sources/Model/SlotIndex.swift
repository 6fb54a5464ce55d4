/// Which slots of a dense array belong to a key, in the order in which they were inserted.
/// Inserting,
/// removing and renumbering a slot cost the same however many slots a key has.
struct SlotIndex<Key: Hashable & Sendable>: Sendable {
    private struct Ends: Sendable {
        var first: Int
        var last: Int
    }

    private struct Link: Sendable {
        var previous = -1
        var next = -1
    }

    private var ends: [Key: Ends] = [:]
    private var links: [Link] = []

    init() {}

    /// How many distinct keys.
    var count: Int { ends.count }

    /// In no particular order: sort what leaves this process.
    var unorderedKeys: some Collection<Key> { ends.keys }

    func first(_ key: Key) -> Int? { ends[key]?.first }

    func next(after slot: Int) -> Int? {
        let next = links[slot].next
        return next < 0 ? nil : next
    }

    mutating func insert(_ slot: Int, _ key: Key) {
        while links.count <= slot { links.append(Link()) }
        if let last = ends[key]?.last {
            links[last].next = slot
            links[slot] = Link(previous: last)
            ends[key]?.last = slot
        } else {
            links[slot] = Link()
            ends[key] = Ends(first: slot, last: slot)
        }
    }

    /// `slot` must have been inserted under this key.
    mutating func remove(_ slot: Int, _ key: Key) {
        let link = links[slot]
        links[slot] = Link()
        if link.previous < 0 && link.next < 0 {
            ends[key] = nil
            return
        }
        if link.previous < 0 {
            ends[key]?.first = link.next
        } else {
            links[link.previous].next = link.next
        }
        if link.next < 0 {
            ends[key]?.last = link.previous
        } else {
            links[link.next].previous = link.previous
        }
    }

    /// `slot` is called `new` from now on, at the same place in its key's order.
    mutating func renumber(_ slot: Int, _ new: Int, _ key: Key) {
        let link = links[slot]
        links[slot] = Link()
        links[new] = link
        if link.previous < 0 {
            ends[key]?.first = new
        } else {
            links[link.previous].next = new
        }
        if link.next < 0 {
            ends[key]?.last = new
        } else {
            links[link.next].previous = new
        }
    }

    /// The slots of a key, by its order.
    func slots(_ key: Key) -> [Int] {
        var result: [Int] = []
        var slot = first(key)
        while let found = slot {
            result.append(found)
            slot = next(after: found)
        }
        return result
    }
}
