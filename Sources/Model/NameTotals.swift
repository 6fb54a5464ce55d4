/// The sums of a collection by resource name, over all reservations and reserved only.
struct NameTotals: Sendable {
    struct Item: Sendable {
        let name: String
        var all = Amount.zero
        var reserved = Amount.zero
    }

    /// In the order in which the names first came; a name stays when nothing is left of it.
    private(set) var items: [Item] = []
    /// Where a name is, once there are many of them.
    private var places: [String: Int] = [:]

    private static let most = 16

    init() {}

    subscript(name: String) -> Item? { place(of: name).map { items[$0] } }

    mutating func add(_ name: String, _ difference: Amount, isReserved: Bool) {
        let place = place(of: name) ?? append(name)
        items[place].all += difference
        if isReserved { items[place].reserved += difference }
    }

    private mutating func append(_ name: String) -> Int {
        items.append(Item(name: name))
        if items.count == Self.most + 1 {
            for (place, item) in items.enumerated() { places[item.name] = place }
        } else if items.count > Self.most {
            places[name] = items.count - 1
        }
        return items.count - 1
    }

    private func place(of name: String) -> Int? {
        if items.count > Self.most { return places[name] }
        for place in items.indices where items[place].name == name { return place }
        return nil
    }
}
