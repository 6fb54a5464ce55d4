import MachineCore
import Model

/// Random resources from a small world, so that pieces of one stuff meet often.
struct Draw {
    var generator: SeededGenerator

    init(_ seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func below(_ bound: Int) -> Int { generator.below(bound) }

    mutating func oneIn(_ count: Int) -> Bool { generator.oneIn(count) }

    mutating func pick<Element>(_ choices: [Element]) -> Element {
        choices[generator.below(choices.count)]
    }

    mutating func amount() -> Amount {
        Amount(thousandths: Int64(1 + generator.below(generator.oneIn(3) ? 10 : 5_000_000)))
    }

    mutating func ranges() -> Ranges {
        var result = Ranges()
        for _ in 0...generator.below(4) {
            let low = UInt64(generator.below(60))
            result = result + Ranges(low...(low + UInt64(generator.below(6))))
        }
        return result
    }

    mutating func set() -> [String] {
        ["a", "b", "c", "d", "e"].filter { _ in generator.oneIn(2) }
    }

    mutating func reservations(most: Int = 3) -> [Reservation] {
        var stack: [Reservation] = []
        var role = pick(["a", "b", "eng"])
        for level in 0..<generator.below(most + 1) {
            if level > 0 { role += pick(["/x", "/y"]) }
            stack.append(
                Reservation(
                    level == 0 && generator.oneIn(3) ? .fixed : .dynamic, role: role,
                    principal: pick([nil, "p", "q"]),
                    labels: Labels(generator.oneIn(3) ? [.init("k", pick(["1", "2"]))] : [])))
        }
        return stack
    }

    /// Disk of some source, or a persistent volume on it.
    mutating func disk() -> Resource {
        let source: DiskSource? = pick([
            nil, nil, DiskSource(.path, root: "/p"), DiskSource(.mount, root: "/m"),
        ])
        var disk = Resource(
            "disk", .scalar(amount()), reservations: reservations(),
            disk: source.map { Disk(source: $0) })
        if !disk.reservations.isEmpty, generator.oneIn(2) {
            disk.disk = Disk(
                persistence: .init(id: "v\(generator.below(8))"),
                volume: .init(containerPath: pick(["data", "other"])), source: source)
            disk.isShared = generator.oneIn(3)
        }
        return disk
    }

    mutating func resource() -> Resource {
        switch generator.below(6) {
        case 0: Resource("cpus", .scalar(amount()), reservations: reservations())
        case 1: Resource("mem", .scalar(amount()), reservations: reservations())
        case 2: Resource("ports", .ranges(ranges()), reservations: reservations(most: 1))
        case 3: Resource("zones", .set(set()), reservations: reservations(most: 1))
        default: disk()
        }
    }

    mutating func resources(_ count: Int) -> Resources {
        var result = Resources()
        for _ in 0..<count { result.add(resource()) }
        return result
    }

    /// Without ranges and sets, of which a union forgets what both sides had.
    mutating func scalars(_ count: Int) -> Resources {
        resources(count).filter { $0.value.kind == .scalar }
    }

    /// Part of what is there, by pieces.
    mutating func part(of resources: Resources) -> Resources {
        var result = Resources()
        for entry in resources.entries where generator.oneIn(2) {
            let resource = entry.resource
            switch resource.value {
            case .scalar(let amount) where resource.isDivisible:
                let thousandths = 1 + generator.below(Int(amount.thousandths))
                result.add(resource.with(amount: Amount(thousandths: Int64(thousandths))))
            case .scalar:
                result.add(resource, copies: 1 + generator.below(entry.copies))
            case .ranges(let ranges):
                if let interval = ranges.intervals.first {
                    result.add(resource.with(.ranges(Ranges(interval))))
                }
            case .set(let items):
                result.add(resource.with(.set(Array(items.prefix(1)))))
            }
        }
        return result
    }
}

func reserved(
    _ name: String = "disk", _ amount: Int64 = 100, _ roles: String..., principal: String? = nil,
    labels: [Labels.Label] = []
) -> Resource {
    Resource(
        name, .scalar(Amount(thousandths: amount * 1000)),
        reservations: roles.map {
            Reservation(role: $0, principal: principal, labels: Labels(labels))
        })
}

func volume(
    _ id: String, _ amount: Int64 = 100, role: String = "db", path: String = "data",
    principal: String? = nil, source: DiskSource? = nil
) -> Resource {
    reserved("disk", amount, role).with(
        disk: Disk(
            persistence: .init(id: id, principal: principal), volume: .init(containerPath: path),
            source: source))
}
