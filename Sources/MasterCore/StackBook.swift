import Model

/// The stacks of reservations in one agent's confirmed books, and their rows in the registry.
struct StackBook: Equatable, Sendable {
    private struct Entry: Equatable {
        var pieces = 0
        /// Pieces under stacks that begin with this one.
        var refined = 0
        var row: ReservationRow?

        var isEmpty: Bool { pieces == 0 && refined == 0 && row == nil }
    }

    private var entries: [[Reservation]: Entry] = [:]
    private var stacks: [ReservationUUID: [Reservation]] = [:]

    var sortedRows: [ReservationRow] {
        entries.values.compactMap(\.row).sorted {
            ($0.createdNanoseconds, $0.uuid) < ($1.createdNanoseconds, $1.uuid)
        }
    }

    func row(of stack: [Reservation]) -> ReservationRow? { entries[stack]?.row }

    func row(_ uuid: ReservationUUID) -> ReservationRow? { stacks[uuid].flatMap { row(of: $0) } }

    func holds(_ stack: [Reservation]) -> Bool { (entries[stack]?.pieces ?? 0) > 0 }

    /// Whether there are pieces under stacks that begin with this one.
    func isRefined(_ stack: [Reservation]) -> Bool { (entries[stack]?.refined ?? 0) > 0 }

    /// A piece came under the stack.
    mutating func add(_ stack: [Reservation]) {
        guard !stack.isEmpty else { return }
        entries[stack, default: Entry()].pieces += 1
        for depth in 1..<stack.count {
            entries[Array(stack.prefix(depth)), default: Entry()].refined += 1
        }
    }

    /// A piece under the stack went.
    mutating func drop(_ stack: [Reservation]) {
        guard !stack.isEmpty else { return }
        entries[stack]?.pieces -= 1
        tidy(stack)
        for depth in 1..<stack.count {
            let lower = Array(stack.prefix(depth))
            entries[lower]?.refined -= 1
            tidy(lower)
        }
    }

    mutating func set(_ row: ReservationRow) {
        entries[row.stack, default: Entry()].row = row
        stacks[row.uuid] = row.stack
    }

    mutating func remove(_ uuid: ReservationUUID) {
        guard let stack = stacks.removeValue(forKey: uuid) else { return }
        entries[stack]?.row = nil
        tidy(stack)
    }

    private mutating func tidy(_ stack: [Reservation]) {
        if entries[stack]?.isEmpty == true { entries[stack] = nil }
    }
}
