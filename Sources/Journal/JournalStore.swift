/// A durable sequence of records: what the writer's thread commits to.
package protocol JournalStore: Sendable {
    /// Stores the records as one batch, all or none, durable on return.
    ///
    /// No records: only looks whether there is space again (`Journal.Options.spaceChanged`).
    func append(_ records: [[UInt8]]) throws(JournalError)

    /// Puts `snapshot` in the place of everything stored so far, durable on return.
    func compact(_ snapshot: [[UInt8]]) throws(JournalError)

    /// Bytes stored since the last snapshot; grows until `compact`.
    var bytesSinceSnapshot: Int { get }

    /// Whether disk space for what comes next could not be reserved.
    var isSpaceLow: Bool { get }
}

/// What opening a journal found.
package struct JournalRecovery: Hashable, Sendable {
    /// Every record stored, the snapshot's first, in order.
    package var records: [[UInt8]] = []
    /// Bytes cut off the end: a batch that was being written when the machine stopped.
    package var bytesCut = 0

    package init() {}
}
