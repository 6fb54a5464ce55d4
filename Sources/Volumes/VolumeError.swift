package import Linux
package import Model

/// Why a volume operation did not happen; where nothing else is said, nothing was changed.
package enum VolumeError: Error, Hashable, Sendable, CustomStringConvertible {
    case system(SystemError)
    /// The disk has less than is asked for.
    case noSpace(neededBytes: Int64, availableBytes: Int64?)
    /// A loop device of the volume's image is alive: touching the image would corrupt it.
    case stillAttached(by: [LoopHolder])
    case unsafePath(String)
    case notFound(VolumeUUID)
    /// A volume of this UUID exists and is another one, or in a state that does not allow it.
    case conflict(String)
    /// SHRINK below what is stored.
    case belowUsage(usedBytes: Int64, requestedBytes: Int64)
    /// The backend can't do this at all, and why.
    case unsupported(String)
    /// The backend can't be used on this disk, and why.
    case unavailable(BackendKind, String)
    /// A MOUNT disk holds something that no volume of ours left there.
    case notEmpty(String)
    /// The file system needs a person.
    case damaged(String)
    /// The data is gone from its place.
    case lost(String)

    package var description: String {
        switch self {
        case .system(let error): "\(error)"
        case .noSpace(let needed, let available):
            available.map { "\(needed) bytes are needed and \($0) are free" }
                ?? "no space for \(needed) bytes"
        case .stillAttached(let holders):
            "still attached: " + holders.map(\.description).joined(separator: "; ")
        case .unsafePath(let reason): reason
        case .notFound(let uuid): "no volume \(uuid) here"
        case .conflict(let reason): reason
        case .belowUsage(let used, let requested):
            "\(used) bytes are stored, more than the \(requested) asked for"
        case .unsupported(let reason): reason
        case .unavailable(let kind, let reason): "\(kind.rawValue) can't be used: \(reason)"
        case .notEmpty(let path):
            "\(path) is not empty: move its contents away before a volume is made on it"
        case .damaged(let reason): "damaged: \(reason)"
        case .lost(let path): "the data is not at \(path)"
        }
    }

    /// Runs system calls and turns their errors into ours: a full disk, a device still in use.
    package static func wrap<Result: ~Copyable>(
        _ body: () throws(SystemError) -> Result
    ) throws(VolumeError) -> Result {
        do {
            return try body()
        } catch {
            throw .system(error)
        }
    }

    /// As `LoopDevice.proveDetached`.
    static func proveDetached(
        _ image: String, patienceMilliseconds: Int64 = 5000
    ) throws(VolumeError) {
        do {
            try LoopDevice.proveDetached(image: image, patienceMilliseconds: patienceMilliseconds)
        } catch {
            switch error {
            case .stillAttached(let holders): throw .stillAttached(by: holders)
            case .system(let error): throw .system(error)
            }
        }
    }
}
