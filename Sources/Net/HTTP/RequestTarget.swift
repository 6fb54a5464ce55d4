/// The path and query of a request line, decoded once.
struct RequestTarget: Hashable {
    let path: String
    let query: [String: String]

    /// Takes `/path?query`, also with one `/` too many at the path's end, and
    /// `http://authority/path?query`; nil where an escape is broken or the result is not UTF-8.
    init?(_ uri: String) {
        var rest = uri[...]
        if let scheme = rest.firstRange(of: "://"), !rest[..<scheme.lowerBound].contains("/") {
            let afterScheme = rest[scheme.upperBound...]
            rest = afterScheme.firstIndex(of: "/").map { afterScheme[$0...] } ?? "/"
        }
        if let fragment = rest.firstIndex(of: "#") { rest = rest[..<fragment] }
        let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard var path = Self.decode(parts[0], plusIsSpace: false) else { return nil }
        if path.count > 1, path.hasSuffix("/") { path.removeLast() }
        self.path = path
        var query: [String: String] = [:]
        for item in (parts.count > 1 ? parts[1] : "").split(separator: "&") {
            let pair = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decode(pair[0], plusIsSpace: true),
                let value = Self.decode(pair.count > 1 ? pair[1] : "", plusIsSpace: true)
            else { return nil }
            query[name] = value
        }
        self.query = query
    }

    private static func decode(_ text: Substring, plusIsSpace: Bool) -> String? {
        if !text.utf8.contains(where: { $0 == 37 || ($0 == 43 && plusIsSpace) }) {
            return String(text)
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        var iterator = text.utf8.makeIterator()
        while let byte = iterator.next() {
            if byte == 37 {
                guard let high = digit(iterator.next()), let low = digit(iterator.next()) else {
                    return nil
                }
                bytes.append(high << 4 | low)
            } else {
                bytes.append(byte == 43 && plusIsSpace ? 32 : byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// The value of a hexadecimal digit.
    private static func digit(_ byte: UInt8?) -> UInt8? {
        switch byte {
        case .some(48...57): byte.map { $0 - 48 }
        case .some(65...70): byte.map { $0 - 55 }
        case .some(97...102): byte.map { $0 - 87 }
        default: nil
        }
    }
}
