extension UsageForecast {
    /// `full in 3 d 4 h, between 2 d and 6 d`, for people.
    package var text: String {
        switch self {
        case .unknown: "not known yet"
        case .notFilling: "not filling"
        case .filling(let filling):
            if filling.fullIn <= 0 {
                "full"
            } else {
                "full in \(Self.text(filling.fullIn)), "
                    + (filling.latest.map {
                        "between \(Self.text(filling.earliest, parts: 1)) and "
                            + Self.text($0, parts: 1)
                    } ?? "in \(Self.text(filling.earliest, parts: 1)) at the earliest")
            }
        }
    }

    /// The two largest units of a time, like `3 d 4 h`.
    private static func text(_ seconds: Double, parts: Int = 2) -> String {
        let units: [(String, Int64)] = [("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)]
        var rest = Int64(min(max(0, seconds), 1e12).rounded())
        guard let first = units.firstIndex(where: { rest >= $0.1 }) else { return "0 s" }
        var words: [String] = []
        for (name, length) in units[first...].prefix(parts) {
            let count = rest / length
            rest -= count * length
            if count > 0 { words.append("\(count) \(name)") }
        }
        return words.joined(separator: " ")
    }
}
