/// Header fields in order; names are compared without regard to case.
package struct HTTPFields: Hashable, Sendable, ExpressibleByDictionaryLiteral {
    package struct Field: Hashable, Sendable {
        package let name: String
        package let value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    package private(set) var fields: [Field]

    package init(_ fields: [Field] = []) { self.fields = fields }

    package init(dictionaryLiteral elements: (String, String)...) {
        fields = elements.map { Field(name: $0.0, value: $0.1) }
    }

    /// The first value of that name.
    package subscript(_ name: String) -> String? {
        fields.first { $0.name.utf8.equalsIgnoringCase(name.utf8) }?.value
    }

    package mutating func append(_ name: String, _ value: String) {
        fields.append(Field(name: name, value: value))
    }
}

extension String.UTF8View {
    /// Equality of ASCII text in which `A` is `a`.
    func equalsIgnoringCase(_ other: String.UTF8View) -> Bool {
        func lower(_ byte: UInt8) -> UInt8 { (65...90).contains(byte) ? byte | 32 : byte }
        return elementsEqual(other) { lower($0) == lower($1) }
    }
}

/// A whole request.
package struct HTTPRequest: Hashable, Sendable {
    /// In capitals: `POST`.
    package var method: String
    /// Percent-decoded once, without a `/` at its end: `/slave(1)/api/v1/executor`.
    package var path: String
    /// Decoded names and values; of a name given twice the last value counts.
    package var query: [String: String]
    package var headers: HTTPFields
    package var body: [UInt8]
    /// `address:port` of the client.
    package var remoteAddress: String

    package init(
        method: String, path: String, query: [String: String] = [:], headers: HTTPFields = [:],
        body: [UInt8] = [], remoteAddress: String = ""
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.remoteAddress = remoteAddress
    }
}

/// A whole response; its length is added when it is sent.
package struct HTTPAnswer: Hashable, Sendable {
    package var status: Int
    package var headers: HTTPFields
    package var body: [UInt8]

    package init(status: Int, headers: HTTPFields = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// An answer for people.
    package static func text(_ status: Int, _ text: String) -> HTTPAnswer {
        HTTPAnswer(
            status: status, headers: ["Content-Type": "text/plain; charset=utf-8"],
            body: Array(text.utf8))
    }
}
