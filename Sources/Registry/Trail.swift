/// What is kept in order and never changed: the newest entries, up to a number of bytes.
package struct TrailEntry: Hashable, Sendable {
    /// Since 1970.
    package let nanoseconds: Int64
    /// What the entry is about, like `volume:UUID`; queries ask for them.
    package let subjects: [String]
    package let value: [UInt8]
    /// The entry is left out if one of the last `lookedBack` is about this subject; not stored.
    package let unlessThere: String?

    /// How many entries are looked at for `unlessThere`.
    package static let lookedBack = 20_000

    package init(
        nanoseconds: Int64, subjects: [String], value: [UInt8], unlessThere: String? = nil
    ) {
        self.unlessThere = unlessThere
        self.nanoseconds = nanoseconds
        self.subjects = subjects
        self.value = value
    }

    /// About what it takes on the disk, in bytes.
    var size: Int { subjects.reduce(value.count + 16) { $0 + $1.utf8.count + 1 } }
}

/// Which entries of a trail are asked for.
package struct TrailQuery: Hashable, Sendable {
    /// An entry has all of them.
    package var subjects: [String] = []
    /// Nanoseconds since 1970, both included.
    package var from: Int64 = .min
    package var to: Int64 = .max
    /// Only entries with smaller numbers; nil: all.
    package var before: Int64?
    /// At most so many entries are returned.
    package var limit = 1_000
    /// At most so many are looked at: a reader waits for a commit, and a commit for a reader.
    package var scanLimit = 5_000

    package init() {}

    func matches(nanoseconds: Int64, subjects entry: some Sequence<Substring>) -> Bool {
        guard nanoseconds >= from, nanoseconds <= to else { return false }
        guard !subjects.isEmpty else { return true }
        let entry = Set(entry)
        return subjects.allSatisfy { entry.contains($0[...]) }
    }
}

/// Entries of a trail, the newest first.
package struct TrailPage: Hashable, Sendable {
    package struct Numbered: Hashable, Sendable {
        /// Ascending by age; no two entries have the same, and none is used again.
        package let number: Int64
        package let entry: TrailEntry
    }

    package var entries: [Numbered] = []
    /// Where to go on: `before` of the next query; nil: that was all.
    package var next: Int64?
}
