package import Model
import Yams

/// Reads a service's YAML file; unknown keys and wrong kinds are refused with the line they are on.
package enum ServiceFile {
    package static func parse(_ text: String) throws(Refusal) -> ServiceSpec {
        let node: Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch {
            throw Refusal(.invalid, "the service file is not YAML: \(error)")
        }
        guard let node else { throw Refusal(.invalid, "the service file is empty") }
        let top = try YAMLMapping(
            node, "a service",
            keys: [
                "name", "role", "command", "image", "user", "env", "resources", "volumes", "ports",
                "health", "kill_grace",
            ])
        let resources = try top.mapping("resources", keys: ["cpus", "mem"])
        var spec = ServiceSpec(
            name: try top.required("name"), role: try top.text("role") ?? "services",
            command: try top.text("command") ?? "", image: try top.text("image"),
            user: try top.text("user"), cpus: try amount(resources, "cpus", "0.5"),
            memory: try megabytes(resources, "mem", "256MiB"))
        spec.environment = try top.pairs("env").map { .init(name: $0, value: $1) }
        for item in try top.list("volumes", keys: ["name", "path", "size", "limits"]) {
            let name = try item.required("name")
            spec.volumes.append(
                ServiceSpec.Volume(
                    name: name, path: try item.text("path") ?? name,
                    size: try megabytes(item, "size", nil), limits: try limits(item)))
        }
        for item in try top.list("ports", keys: ["name", "port"]) {
            let text = try item.text("port")
            let number = text.flatMap { UInt64($0) }
            guard text == nil || number != nil else {
                throw Refusal(.invalid, "port '\(text ?? "")' is not a number")
            }
            spec.ports.append(.init(name: try item.required("name"), number: number))
        }
        if let grace = try top.text("kill_grace") {
            spec.killGraceMilliseconds = try milliseconds(grace)
        }
        spec.health = try health(top)
        return spec
    }

    private static func health(_ top: YAMLMapping) throws(Refusal) -> ServiceSpec.Health? {
        guard
            let item = try top.mapping(
                "health",
                keys: [
                    "command", "tcp", "http", "path", "interval", "timeout", "grace", "failures",
                ])
        else { return nil }
        let probe: ServiceSpec.Health.Probe
        if let command = try item.text("command") {
            probe = .command(command)
        } else if let port = try item.text("tcp") {
            probe = .tcp(port: port)
        } else if let port = try item.text("http") {
            probe = .http(port: port, path: try item.text("path") ?? "/")
        } else {
            throw Refusal(.invalid, "health needs one of: command, tcp, http")
        }
        var health = ServiceSpec.Health(probe: probe)
        if let text = try item.text("interval") {
            health.intervalMilliseconds = try milliseconds(text)
        }
        if let text = try item.text("timeout") {
            health.timeoutMilliseconds = try milliseconds(text)
        }
        if let text = try item.text("grace") { health.graceMilliseconds = try milliseconds(text) }
        if let text = try item.text("failures") {
            guard let count = Int(text), count > 0 else {
                throw Refusal(.invalid, "health.failures must be a number above zero")
            }
            health.failures = count
        }
        return health
    }

    private static func limits(_ volume: YAMLMapping) throws(Refusal) -> VolumeLimits? {
        guard let item = try volume.mapping("limits", keys: LimitText.keys) else { return nil }
        var limits = VolumeLimits()
        for key in LimitText.keys {
            if let text = try item.text(key) { try LimitText.set(key, text, in: &limits) }
        }
        return limits.isEmpty ? nil : limits
    }

    private static func amount(
        _ mapping: YAMLMapping?, _ key: String, _ fallback: String
    ) throws(Refusal) -> Amount {
        let text = try mapping?.text(key) ?? fallback
        guard let value = Double(text), let amount = Amount(value) else {
            throw Refusal(.invalid, "\(key) '\(text)' is not an amount like 0.5")
        }
        return amount
    }

    private static func megabytes(
        _ mapping: YAMLMapping?, _ key: String, _ fallback: String?
    ) throws(Refusal) -> Amount {
        guard let text = try mapping?.text(key) ?? fallback else {
            throw Refusal(.invalid, "a volume needs a \(key), like 1GiB")
        }
        return try megabytes(text)
    }

    /// An amount in MiB out of `1GiB`, `512MiB`, `64` (MiB) or `2TiB`.
    package static func megabytes(_ text: String) throws(Refusal) -> Amount {
        let units: [(String, Double)] = [
            ("TiB", 1_048_576), ("GiB", 1024), ("MiB", 1), ("KiB", 1.0 / 1024), ("", 1),
        ]
        for (unit, factor) in units where text.hasSuffix(unit) {
            if let value = Double(text.dropLast(unit.count)), let amount = Amount(value * factor) {
                return amount
            }
            break
        }
        throw Refusal(.invalid, "'\(text)' is not a size like 512MiB, 1GiB or 64 (MiB)")
    }

    /// Milliseconds out of `500ms`, `30s`, `5m`, `1h` or `10` (seconds).
    package static func milliseconds(_ text: String) throws(Refusal) -> Int64 {
        let units: [(String, Double)] = [
            ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("", 1000),
        ]
        for (unit, factor) in units where text.hasSuffix(unit) {
            if let value = Double(text.dropLast(unit.count)), value >= 0, value < 1e9 {
                return Int64(value * factor)
            }
            break
        }
        throw Refusal(.invalid, "'\(text)' is not a time like 500ms, 30s, 5m or 1h")
    }
}

/// One mapping of a YAML file, with only the keys that it may have.
private struct YAMLMapping {
    private let mapping: Node.Mapping
    private let what: String

    init(_ node: Node, _ what: String, keys: [String]) throws(Refusal) {
        guard let mapping = node.mapping else {
            throw Refusal(
                .invalid, "line \(node.mark?.line ?? 0): \(what) must be a mapping of keys")
        }
        for (key, _) in mapping {
            guard let name = key.string, keys.contains(name) else {
                throw Refusal(
                    .invalid,
                    "line \(key.mark?.line ?? 0): \(what) has no key '\(key.string ?? "?")'; "
                        + "it may have: \(keys.joined(separator: ", "))")
            }
        }
        self.mapping = mapping
        self.what = what
    }

    func text(_ key: String) throws(Refusal) -> String? {
        guard let node = mapping[key] else { return nil }
        guard let scalar = node.scalar else {
            throw Refusal(
                .invalid, "line \(node.mark?.line ?? 0): \(key) of \(what) must be one value")
        }
        return scalar.string
    }

    func required(_ key: String) throws(Refusal) -> String {
        guard let text = try text(key), !text.isEmpty else {
            throw Refusal(.invalid, "\(what) needs a \(key)")
        }
        return text
    }

    func mapping(_ key: String, keys: [String]) throws(Refusal) -> YAMLMapping? {
        guard let node = mapping[key] else { return nil }
        return try YAMLMapping(node, key, keys: keys)
    }

    func list(_ key: String, keys: [String]) throws(Refusal) -> [YAMLMapping] {
        guard let node = mapping[key] else { return [] }
        guard let items = node.sequence else {
            throw Refusal(.invalid, "line \(node.mark?.line ?? 0): \(key) must be a list")
        }
        var result: [YAMLMapping] = []
        for item in items { result.append(try YAMLMapping(item, "one of \(key)", keys: keys)) }
        return result
    }

    func pairs(_ key: String) throws(Refusal) -> [(String, String)] {
        guard let node = mapping[key] else { return [] }
        guard let items = node.mapping else {
            throw Refusal(.invalid, "line \(node.mark?.line ?? 0): \(key) must be a mapping")
        }
        var result: [(String, String)] = []
        for (name, value) in items {
            guard let name = name.string, let text = value.scalar?.string else {
                throw Refusal(.invalid, "line \(value.mark?.line ?? 0): \(key) must map to texts")
            }
            result.append((name, text))
        }
        return result
    }
}
