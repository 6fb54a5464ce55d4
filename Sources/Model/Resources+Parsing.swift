extension Resources {
    /// The text form of `--resources`:
    /// `cpus:4;mem:1024;disk(db/x):1000;ports:[31000-32000, 33000-33000];sets:{a,b}`. A role in
    /// parentheses is a static reservation; without one, `defaultRole` is it. Amounts of zero
    /// vanish.
    package static func parse(
        text: String, defaultRole: String = Role.unreserved
    ) throws(Refusal) -> Resources {
        var pieces: [Resource] = []
        for part in text.split(separator: ";") where !part.trimmed.isEmpty {
            pieces.append(try Resource(parsing: part, defaultRole: defaultRole))
        }
        return try ofAgent(pieces)
    }

    /// The rules of an agent's own resources, from the text or the JSON form: each one valid, none
    /// a volume, dynamically reserved, allocated, shared or revocable; one type per name; ranges
    /// and sets of a name disjoint; each MOUNT disk once.
    package static func ofAgent(_ pieces: [Resource]) throws(Refusal) -> Resources {
        var result = Resources()
        var unions: [String: ResourceValue] = [:]
        var mounts: Set<String> = []
        for piece in pieces where piece.value != .scalar(.zero) {
            try piece.validate()
            try piece.validateIsAgentOwn()
            if let source = piece.disk?.source, source.kind == .mount,
                !mounts.insert(source.root ?? "").inserted
            {
                throw Refusal(.invalid, "\(piece.detailedText) is given twice")
            }
            guard let union = unions[piece.name] else {
                unions[piece.name] = piece.value
                result.add(piece)
                continue
            }
            guard union.kind == piece.value.kind else {
                throw Refusal(.invalid, "resource '\(piece.name)' is given with two types")
            }
            guard !union.intersects(piece.value) else {
                throw Refusal(
                    .invalid, "\(piece.text) overlaps with other resources of its name")
            }
            unions[piece.name] = union.adding(piece.value)
            result.add(piece)
        }
        return result
    }

    /// Piece after piece in the form that `parse` reads, where that form can say it; volumes and
    /// dynamic reservations, which it cannot, as `Resource.text` shows them.
    package var text: String { entries.map(\.resource.text).joined(separator: ";") }
}

extension Resource {
    fileprivate init(parsing text: Substring, defaultRole: String) throws(Refusal) {
        guard let colon = text.firstIndex(of: ":") else {
            throw Refusal(.invalid, "'\(text)' is not of the form name:value or name(role):value")
        }
        var name = text[..<colon].trimmed
        var role = defaultRole
        if let open = name.firstIndex(of: "(") {
            guard name.hasSuffix(")") else {
                throw Refusal(.invalid, "'\(name)' has a '(' and does not end with ')'")
            }
            role = String(name[name.index(after: open)...].dropLast().trimmed)
            name = name[..<open].trimmed
        }
        guard !name.isEmpty, !name.hasBracket else {
            throw Refusal(.invalid, "'\(text)' has no valid name before the ':'")
        }
        try Role.validate(role)
        self.init(
            String(name), try ResourceValue(parsing: text[text.index(after: colon)...]),
            reservations: role == Role.unreserved ? [] : [Reservation(.fixed, role: role)])
    }

    fileprivate func validateIsAgentOwn() throws(Refusal) {
        let offence: String? =
            if isPersistentVolume {
                "a persistent volume"
            } else if let source = disk?.source, source.root?.isEmpty ?? true,
                source.kind == .path || source.kind == .mount
            {
                "without the root of its disk"
            } else if reservations.contains(where: { $0.kind == .dynamic }) {
                "dynamically reserved"
            } else if isRevocable {
                "revocable"
            } else if isShared {
                "shared"
            } else if allocationRole != nil {
                "allocated"
            } else {
                nil
            }
        guard let offence else { return }
        throw Refusal(
            .invalid, "\(detailedText) is \(offence), which an agent's resources cannot be")
    }
}

extension ResourceValue {
    /// `1.5`, `[1-2, 5-7]` or `{a, b}`.
    fileprivate init(parsing raw: Substring) throws(Refusal) {
        let text = raw.trimmed
        if text.hasPrefix("[") {
            self = .ranges(try Ranges(parsing: text))
        } else if text.hasPrefix("{") {
            let items = try text.parts(within: "{", "}").map { String($0) }
            guard let value = ResourceValue(items: items) else {
                throw Refusal(.invalid, "'\(text)' names an item twice")
            }
            self = value
        } else {
            guard let amount = Amount(parsing: text) else {
                throw Refusal(
                    .invalid,
                    "'\(text)' is no amount of 0.001 or more, no [ranges] and no {set}")
            }
            self = .scalar(amount)
        }
    }

    /// Whether ranges or sets have something in common.
    fileprivate func intersects(_ other: ResourceValue) -> Bool {
        switch (self, other) {
        case (.ranges(let mine), .ranges(let theirs)): mine.intersects(theirs)
        case (.set(let mine), .set(let theirs)): !Set(mine).isDisjoint(with: theirs)
        case (.scalar, _), (.ranges, _), (.set, _): false
        }
    }
}

extension Ranges {
    /// `[1-2, 5-7]`; what overlaps is joined, as Mesos does with the text form, and only with it.
    init(parsing text: Substring) throws(Refusal) {
        var intervals: [ClosedRange<UInt64>] = []
        for part in try text.parts(within: "[", "]") {
            let bounds = part.split(separator: "-", omittingEmptySubsequences: false)
            guard bounds.count == 2, let low = UInt64(digits: bounds[0]),
                let high = UInt64(digits: bounds[1])
            else { throw Refusal(.invalid, "'\(part)' is not of the form begin-end") }
            guard low <= high else {
                throw Refusal(.invalid, "Invalid ranges resource: begin > end in '\(part)'")
            }
            intervals.append(low...high)
        }
        self.init(joining: intervals)
    }
}

extension UInt64 {
    fileprivate init?(digits text: Substring) {
        let digits = text.trimmed
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        self.init(digits)
    }
}

extension Substring {
    /// The comma-separated parts between two brackets, trimmed; an empty part or list
    /// and brackets within are refused.
    fileprivate func parts(within open: String, _ close: String) throws(Refusal) -> [Substring] {
        guard hasPrefix(open), hasSuffix(close), count >= 2 else {
            throw Refusal(.invalid, "'\(self)' does not end with '\(close)'")
        }
        let parts = dropFirst().dropLast().split(separator: ",", omittingEmptySubsequences: false)
            .map(\.trimmed)
        guard parts.allSatisfy({ !$0.isEmpty && !$0.hasBracket }) else {
            throw Refusal(.invalid, "'\(self)' has an empty part, or a bracket in one")
        }
        return parts
    }
}

extension StringProtocol {
    var hasBracket: Bool { contains { "()[]{}".contains($0) } }

    /// Whether it has nothing but what decimal numbers are written with.
    var isDecimal: Bool {
        utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || byte == 0x2E || byte == 0x65 || byte == 0x45
                || byte == 0x2B || byte == 0x2D
        }
    }

    /// Without white space at both ends.
    var trimmed: Substring {
        let start = firstIndex { !$0.isWhitespace } ?? endIndex
        let end = lastIndex { !$0.isWhitespace }.map { index(after: $0) } ?? start
        return Substring(self[start..<end])
    }
}
