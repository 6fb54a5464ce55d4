package import Model

/// An answer that is not success: a status, and plain text for a body, as Mesos has it.
package struct ErrorForm: Error, Equatable, Sendable {
    package let status: Int
    package let text: String
    /// Headers beside Content-Type and Content-Length.
    package let headers: [Header]

    /// One line of the head.
    package struct Header: Equatable, Sendable {
        package let name: String
        package let value: String
    }

    /// The Content-Type of every error's body.
    package static let contentType = "text/plain; charset=utf-8"

    package init(status: Int, text: String, headers: [Header] = []) {
        self.status = status
        self.text = text
        self.headers = headers
    }

    package init(_ refusal: Refusal) {
        self.init(status: ErrorForm.status(refusal.kind), text: refusal.message)
    }

    private static func status(_ kind: Refusal.Kind) -> Int {
        switch kind {
        case .invalid: 400
        case .forbidden: 403
        case .notFound: 404
        case .conflict: 409
        case .tooLarge: 413
        case .unavailable: 503
        }
    }

    /// 404 for a path that is not served.
    package static let notFound = ErrorForm(status: 404, text: "404 Not Found.")

    /// 501 for a call that exists and is not served.
    package static let notImplemented = ErrorForm(status: 501, text: "501 Not Implemented.")

    /// 405 for all but POST on the API's paths.
    package static func methodNotAllowed(_ method: String) -> ErrorForm {
        ErrorForm(
            status: 405,
            text: "405 Method Not Allowed. Expecting one of { 'POST' }, but received '\(method)'.",
            headers: [Header(name: "Allow", value: "POST")])
    }

    /// 401 for a caller that must say who it is.
    package static func unauthorized(realm: String) -> ErrorForm {
        ErrorForm(
            status: 401, text: "401 Unauthorized.",
            headers: [Header(name: "WWW-Authenticate", value: "Basic realm=\"\(realm)\"")])
    }
}
