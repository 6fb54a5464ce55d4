/// A kind of record in the registry; the raw values are the names of its tables.
package enum RegistryBucket: String, CaseIterable, Hashable, Sendable {
    case meta, agents, frameworks, roles, maintenance, resources, reservations, volumes, operations,
        services, transactions, policies
}

/// One record written (`value`) or removed (nil).
package struct RegistryChange: Hashable, Sendable {
    package let bucket: RegistryBucket
    package let key: String
    package let value: [UInt8]?

    package init(bucket: RegistryBucket, key: String, value: [UInt8]?) {
        self.bucket = bucket
        self.key = key
        self.value = value
    }
}

package struct RegistryEntry: Hashable, Sendable {
    package let key: String
    package let value: [UInt8]

    package init(key: String, value: [UInt8]) {
        self.key = key
        self.value = value
    }
}

/// All records of a bucket, in ascending order of their keys' bytes.
package struct RegistryBucketContents: Hashable, Sendable {
    package let bucket: RegistryBucket
    package var entries: [RegistryEntry]

    package init(bucket: RegistryBucket, entries: [RegistryEntry]) {
        self.bucket = bucket
        self.entries = entries
    }
}

/// The master's durable records.
package protocol RegistryStore: Sendable {
    /// Every bucket, also those without records, in the order of `RegistryBucket`.
    func load() throws(RegistryError) -> [RegistryBucketContents]

    /// Makes all changes in their order and appends the entries to the trail, or does none of it;
    /// durable on return.
    func commit(_ changes: [RegistryChange], trail: [TrailEntry]) throws(RegistryError)

    /// A part of the trail, the newest entries first.
    func trail(_ query: TrailQuery) throws(RegistryError) -> TrailPage

    /// Looks whether the disk is nearly full. After a `noSpace` what must be stored has some space
    /// that was held back; this is true until it can be held back again.
    func isSpaceLow() -> Bool
}

extension RegistryStore {
    package func commit(_ changes: [RegistryChange]) throws(RegistryError) {
        try commit(changes, trail: [])
    }
}

/// Why a registry did not do what it was asked.
package enum RegistryError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The disk is full or the registry at its limit; nothing was changed and it goes on.
    case noSpace(reason: String)
    /// Another process has it open.
    case inUse(path: String)
    /// The file was written by a later Holdfast.
    case unsupportedVersion(path: String, found: Int, newest: Int)
    /// The file is another program's.
    case foreign(path: String)
    /// An earlier failure left it unknown what is stored; nothing more is taken.
    case poisoned(reason: String)
    /// It could not be opened or read.
    case failed(reason: String)

    package var description: String {
        switch self {
        case .noSpace(let reason): "no space for the registry: \(reason)"
        case .inUse(let path): "the registry \(path) is in use by another process"
        case .unsupportedVersion(let path, let found, let newest):
            "the registry \(path) has version \(found), this Holdfast knows up to \(newest)"
        case .foreign(let path): "\(path) is not a registry of Holdfast"
        case .poisoned(let reason): "the registry failed earlier: \(reason)"
        case .failed(let reason): "registry: \(reason)"
        }
    }
}
