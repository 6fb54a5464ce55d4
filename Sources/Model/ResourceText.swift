extension Resource {
    /// `disk(db)[data:path]:1024`, for messages and tables.
    package var text: String {
        var text = name
        if let reservation = reservations.last { text += "(\(reservation.role))" }
        if let persistence = disk?.persistence {
            text += "[\(persistence.id):\(disk?.volume?.containerPath ?? "")]"
        }
        return text + ":" + value.text
    }
}

extension ResourceValue {
    /// `1024`, `[1-2, 5-7]` or `{a, b}`.
    package var text: String {
        switch self {
        case .scalar(let amount): amount.text
        case .ranges(let ranges):
            "["
                + ranges.intervals.map { "\($0.lowerBound)-\($0.upperBound)" }
                .joined(separator: ", ") + "]"
        case .set(let items): "{" + items.joined(separator: ", ") + "}"
        }
    }
}

extension Amount {
    /// Without trailing zeros: `4`, `0.5`, `1024.125`.
    package var text: String {
        let whole = thousandths / 1000
        let rest = abs(thousandths % 1000)
        guard rest != 0 else { return "\(whole)" }
        var digits = "\(rest + 1000)".dropFirst()
        while digits.hasSuffix("0") { digits = digits.dropLast() }
        return (thousandths < 0 && whole == 0 ? "-0." : "\(whole).") + digits
    }
}
