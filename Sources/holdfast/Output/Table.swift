import Foundation

/// Rows for people and for programs: a table on a terminal, an array of objects with `--json`.
struct Table {
    enum Value {
        case text(String)
        case number(Double)
        case flag(Bool)
        case missing

        var cell: String {
            switch self {
            case .text(let text): text
            case .number(let number):
                number == number.rounded() && abs(number) < 1e15
                    ? String(Int64(number)) : String(number)
            case .flag(let flag): flag ? "yes" : "no"
            case .missing: "-"
            }
        }

        var json: Any {
            switch self {
            case .text(let text): text
            case .number(let number):
                number == number.rounded() && abs(number) < 1e15 ? Int64(number) : number
            case .flag(let flag): flag
            case .missing: NSNull()
            }
        }
    }

    /// Key in JSON and heading of the column, in order.
    let columns: [(key: String, heading: String)]
    private(set) var rows: [[Value]] = []

    init(_ columns: [(key: String, heading: String)]) { self.columns = columns }

    mutating func add(_ row: [Value]) { rows.append(row) }

    /// Prints the table, or with `asJSON` one array.
    func print(asJSON: Bool) {
        Swift.print(asJSON ? json : text)
    }

    var json: String { jsonText(objects) }

    /// A dictionary each row, for JSON.
    var objects: [[String: Any]] {
        rows.map { row in
            Dictionary(uniqueKeysWithValues: zip(columns, row).map { ($0.key, $1.json) })
        }
    }

    var text: String {
        guard !rows.isEmpty else { return "(none)" }
        let cells = [columns.map(\.heading)] + rows.map { $0.map(\.cell) }
        let widths = columns.indices.map { column in
            cells.map { $0[column].count }.max() ?? 0
        }
        return cells.map { row in
            zip(row, widths).enumerated().map { index, pair in
                index == row.count - 1
                    ? pair.0 : pair.0.padding(toLength: pair.1, withPad: " ", startingAt: 0)
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}

/// Stable JSON text for programs.
func jsonText(_ value: Any) -> String {
    let options: JSONSerialization.WritingOptions = [
        .sortedKeys, .prettyPrinted, .withoutEscapingSlashes,
    ]
    guard let data = try? JSONSerialization.data(withJSONObject: value, options: options) else {
        return "null"
    }
    return String(decoding: data, as: UTF8.self)
}

/// `1.5 GiB` for people.
func sizeText(bytes: Double) -> String {
    var value = bytes
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1024 { return trimmed(value) + " " + unit }
        value /= 1024
    }
    return trimmed(value) + " TiB"
}

private func trimmed(_ value: Double) -> String {
    let rounded = (value * 10).rounded() / 10
    return rounded == rounded.rounded() ? String(Int64(rounded)) : String(rounded)
}
