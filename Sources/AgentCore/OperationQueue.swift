import Model

/// The operations that were received and have not ended, by their numbers, without a gap.
struct OperationQueue: Sendable {
    enum Phase: Equatable, Sendable {
        case waiting
        /// Its volumes are being changed.
        case working
        /// What a transaction has grown is being taken back, for this reason.
        case undoing(String)
        /// Its volumes are changed, or not for this reason; it waits for its turn to end.
        case worked(failure: String?)
    }

    struct Entry: Sendable {
        var operation: AgentOperation
        var phase = Phase.waiting
    }

    private var entries: [UInt64: Entry] = [:]
    private var sequences: [OperationUUID: UInt64] = [:]
    /// The number of the last one that was received, ended or not.
    private(set) var lastReceived: UInt64

    init(after lastSequence: UInt64) { lastReceived = lastSequence }

    var count: Int { entries.count }
    var isEmpty: Bool { entries.isEmpty }

    /// The one whose turn it is.
    var head: Entry? { self[lastReceived - UInt64(entries.count) + 1] }

    subscript(_ sequence: UInt64) -> Entry? { entries[sequence] }

    func sequence(of uuid: OperationUUID) -> UInt64? { sequences[uuid] }

    /// The first so many, in order.
    func prefix(_ length: Int) -> [Entry] {
        let first = lastReceived - UInt64(entries.count) + 1
        let end = first + UInt64(min(length, entries.count))
        return (first..<end).compactMap { entries[$0] }
    }

    mutating func append(_ operation: AgentOperation) {
        lastReceived = operation.sequence
        entries[operation.sequence] = Entry(operation: operation)
        sequences[operation.uuid] = operation.sequence
    }

    mutating func set(_ phase: Phase, of sequence: UInt64) { entries[sequence]?.phase = phase }

    mutating func removeHead() {
        guard let head else { return }
        entries[head.operation.sequence] = nil
        sequences[head.operation.uuid] = nil
    }
}
