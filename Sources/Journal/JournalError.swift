package import Linux

/// Why a journal did not do what it was asked.
package enum JournalError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The disk is full; nothing of the batch was stored and the journal goes on.
    case noSpace(SystemError)
    /// The batch is larger than a journal takes; nothing of it was stored.
    case tooLarge(bytes: Int, limit: Int)
    /// What was stored cannot be trusted: bytes before the tail are not what was written.
    case corrupt(segment: String, offset: Int, reason: String)
    /// An earlier failure left it unknown what is on disk; nothing more is taken.
    case poisoned(reason: String)
    /// The operating system refused; before anything of the batch was stored.
    case system(SystemError)

    package var description: String {
        switch self {
        case .noSpace(let cause):
            "no space for the journal: \(cause)"
        case .tooLarge(let bytes, let limit):
            "a batch of \(bytes) bytes is larger than the journal's limit of \(limit)"
        case .corrupt(let segment, let offset, let reason):
            "journal segment \(segment) is corrupt at byte \(offset): \(reason)"
        case .poisoned(let reason):
            "the journal failed earlier: \(reason)"
        case .system(let cause):
            "\(cause)"
        }
    }
}

/// Runs a system call before which nothing of a batch was stored.
func refusing<Result>(
    _ call: () throws(SystemError) -> Result
) throws(JournalError) -> Result {
    do {
        return try call()
    } catch {
        throw error.isNoSpace ? .noSpace(error) : .system(error)
    }
}
