import Foundation
import MesosAPI
import Model
import Net
import Wire

/// Values of the answers from before the v1 API, whose objects have names as keys.
enum LegacyJSON {
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case text(String)
    case list([LegacyJSON])
    /// In the order in which it is written.
    case object([(String, LegacyJSON)])
    /// A v1 message.
    case message([UInt8])

    var bytes: [UInt8] {
        switch self {
        case .bool(let value): Array((value ? "true" : "false").utf8)
        case .integer(let value): Array("\(value)".utf8)
        case .number(let value): Array("\(value)".utf8)
        case .text(let value): Self.quoted(value)
        case .list(let values):
            [UInt8(ascii: "[")] + values.map(\.bytes).joined(separator: [UInt8(ascii: ",")])
                + [UInt8(ascii: "]")]
        case .object(let pairs):
            [UInt8(ascii: "{")]
                + pairs.map { Self.quoted($0) + [UInt8(ascii: ":")] + $1.bytes }
                .joined(separator: [UInt8(ascii: ",")])
                + [UInt8(ascii: "}")]
        case .message(let bytes): bytes
        }
    }

    private static func quoted(_ text: String) -> [UInt8] {
        guard let data = try? JSONEncoder().encode(text) else { return Array("\"\"".utf8) }
        return Array(data)
    }
}

extension HTTPAnswer {
    init(_ json: LegacyJSON) {
        self.init(
            status: 200, headers: ["Content-Type": MediaType.json.rawValue], body: json.bytes)
    }
}

extension LegacyJSON {
    /// Sums by name; those that every machine has are there even if there is none.
    static func summary(_ resources: Resources) -> LegacyJSON {
        var values: [String: ResourceValue] = [:]
        for resource in resources {
            values[resource.name] =
                values[resource.name]?.adding(resource.value)
                ?? resource.value
        }
        let usual = ["disk", "mem", "gpus", "cpus"]
        let names = usual + values.keys.filter { !usual.contains($0) }.sorted()
        return .object(
            names.map { name in
                switch values[name] {
                case .scalar(let amount): (name, .number(amount.value))
                case .ranges, .set: (name, .text(values[name]?.text ?? ""))
                case nil: (name, .number(0))
                }
            })
    }

    static func full(_ resources: Resources) -> LegacyJSON {
        .list(
            Mesos_V1_Resource.list(resources, form: .endpoint).map {
                .message(MediaType.json.encode($0))
            })
    }

    /// An object with a field for each role that something is reserved for.
    static func byRole(
        _ resources: Resources, _ body: (Resources) -> LegacyJSON
    ) -> LegacyJSON {
        .object(
            resources.reserved.sortedRoles.map { role in
                (role, body(resources.reserved(for: role)))
            })
    }

    /// What both master and agent tell of an agent's resources.
    static func totals(_ total: Resources) -> [(String, LegacyJSON)] {
        [
            ("resources", summary(total)), ("reserved_resources", byRole(total, summary)),
            ("unreserved_resources", summary(total.unreserved)),
            ("reserved_resources_full", byRole(total, full)),
            ("unreserved_resources_full", full(total.unreserved)),
        ]
    }
}
