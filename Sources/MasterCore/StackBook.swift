import Model

/// The stacks of reservations in one agent's confirmed books, and their rows in the registry.
struct StackBook: Equatable, Sendable {
    private struct Entry: Equatable {
        var pieces = 0
        var row: ReservationRow?

        var isEmpty: Bool { pieces == 0 && row == nil }
    }

    private var entries: [[Reservation]: Entry] = [:]
    private var stacks: [ReservationUUID: [Reservation]] = [:]

    var sortedRows: [ReservationRow] {
        entries.values.compactMap(\.row).sorted {
            ($0.createdNanoseconds, $0.uuid) < ($1.createdNanoseconds, $1.uuid)
        }
    }

    func row(of stack: [Reservation]) -> ReservationRow? { entries[stack]?.row }

    func row(_ uuid: ReservationUUID) -> ReservationRow? {
        stacks[uuid].flatMap { entries[$0]?.row }
    }

    func holds(_ stack: [Reservation]) -> Bool { (entries[stack]?.pieces ?? 0) > 0 }

    /// A piece came under the stack.
    mutating func add(_ stack: [Reservation]) {
        guard !stack.isEmpty else { return }
        entries[stack, default: Entry()].pieces += 1
    }

    /// A piece under the stack went.
    mutating func drop(_ stack: [Reservation]) {
        entries[stack]?.pieces -= 1
        tidy(stack)
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
