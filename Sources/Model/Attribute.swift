/// What an agent says of itself, for frameworks to choose by: `rack:r1`, `disks:4`, `ports:[1-5]`.
package struct Attribute: Hashable, Sendable {
    package enum Value: Hashable, Sendable {
        /// Not in thousandths: nothing is ever taken from it.
        case scalar(Double)
        case ranges(Ranges)
        case text(String)
    }

    package let name: String
    package let value: Value

    package init(_ name: String, _ value: Value) {
        self.name = name
        self.value = value
    }

    fileprivate init(parsing text: Substring) throws(Refusal) {
        let sides = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            .map(\.trimmed)
        guard sides.count == 2, !sides[0].isEmpty, !sides[1].isEmpty else {
            throw Refusal(.invalid, "'\(text)' is not of the form name:value")
        }
        self.init(String(sides[0]), try Value(parsing: sides[1]))
    }
}

extension Attribute.Value {
    /// `[1-2, 5-7]`, a number, or else a text: also what looks like a number and is negative,
    /// infinite or none. Sets are for resources only.
    fileprivate init(parsing text: Substring) throws(Refusal) {
        if text.hasPrefix("[") {
            self = .ranges(try Ranges(parsing: text))
        } else if text.hasPrefix("{") {
            throw Refusal(.invalid, "'\(text)' is a {set}, which an attribute cannot be")
        } else if text.isDecimal, let number = Double(String(text)), number.isFinite {
            guard !number.isSubnormal else {
                throw Refusal(.invalid, "'\(text)' is too near to zero for a number")
            }
            self = number.sign == .minus ? .text(String(text)) : .scalar(number)
        } else {
            self = .text(String(text))
        }
    }
}

/// All attributes of an agent, in the order in which they were given, which makes no difference: a
/// name may be there several times.
package struct Attributes: Equatable, Sendable {
    package let list: [Attribute]

    /// The text form of `--attributes`: `rack:r1;disks:4;ports:[31000-32000]`.
    package init(parsing text: String) throws(Refusal) {
        var list: [Attribute] = []
        for part in text.split(whereSeparator: { $0 == ";" || $0.isNewline })
        where !part.trimmed.isEmpty {
            list.append(try Attribute(parsing: part))
        }
        self.list = list
    }

    package static func == (left: Attributes, right: Attributes) -> Bool {
        left.counted == right.counted
    }

    private var counted: [Attribute: Int] {
        list.reduce(into: [:]) { counts, attribute in counts[attribute, default: 0] += 1 }
    }
}
