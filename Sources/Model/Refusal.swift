/// The caller is wrong: nothing was changed. `Wire` maps the kind to an HTTP status.
package struct Refusal: Error, Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// 400: the request can never be right.
        case invalid
        /// 403: not now, or not by this caller.
        case forbidden
        /// 404: what it names is not there.
        case notFound
        /// 409: right in form, but the state does not allow it.
        case conflict
        /// 413: larger than a bound in `Limits`.
        case tooLarge
        /// 503: this process can't serve it yet.
        case unavailable
    }

    package let kind: Kind
    /// What was wrong and what would be right. It may quote what a peer sent, and is cut where that
    /// makes it too long for an answer or a log.
    package let message: String

    private static let longest = 4096

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message =
            message.utf8.count <= Refusal.longest
            ? message : String(message.unicodeScalars.prefix(Refusal.longest)) + "..."
    }
}
