import Model

/// How a service is laid onto an offer; pure functions over the offer's resources.
enum Placement {
    /// The label that marks a service's reservations.
    static let label = "holdfast-service"

    static func reservation(_ spec: ServiceSpec, principal: String) -> Reservation {
        Reservation(
            .dynamic, role: spec.role, principal: principal,
            labels: Labels([Labels.Label(label, spec.name)]))
    }

    /// What a service needs, taken from unreserved resources, and the operations that make it so;
    /// nil when the offer has not enough. `suffix` makes the volumes' ids unique on the agent.
    static func fresh(
        _ spec: ServiceSpec, from pool: inout Resources, role: String, principal: String,
        suffix: String
    ) -> (resources: [Resource], steps: [ServiceStep])? {
        var rest = pool
        let reservation = reservation(spec, principal: principal)
        guard let plain = plainResources(spec, in: rest) else { return nil }
        let disks = spec.volumes.map { Resource("disk", .scalar($0.size)) }
        let reserved = (plain + disks).map {
            $0.with(reservations: [reservation]).with(allocationRole: role)
        }
        for resource in plain + disks
        where !rest.subtract(resource.with(allocationRole: role)) {
            return nil
        }
        let volumes = spec.volumes.map { volume in
            Resource(
                "disk", .scalar(volume.size), reservations: [reservation],
                disk: Disk(
                    persistence: .init(
                        id: "\(spec.name)-\(volume.name)-\(suffix)", principal: principal),
                    volume: .init(containerPath: volume.path), limits: volume.limits))
        }
        pool = rest
        var steps: [ServiceStep] = [.reserve(merged(reserved))]
        if !volumes.isEmpty {
            steps.append(.create(volumes.map { $0.with(allocationRole: role) }))
        }
        return (plain.map { $0.with(reservations: [reservation]) } + volumes, steps)
    }

    /// Cpus, memory and ports out of the unreserved part; nil when they are not there.
    private static func plainResources(_ spec: ServiceSpec, in pool: Resources) -> [Resource]? {
        var result = [Resource("cpus", .scalar(spec.cpus)), Resource("mem", .scalar(spec.memory))]
        guard !spec.ports.isEmpty else { return result }
        var free = Ranges()
        for resource in pool where resource.name == "ports" && resource.reservations.isEmpty {
            if case .ranges(let ranges) = resource.value { free = free + ranges }
        }
        var taken = Ranges()
        for port in spec.ports.filter({ $0.number != nil })
            + spec.ports.filter({ $0.number == nil })
        {
            guard let number = port.number ?? free.intervals.first?.lowerBound else { return nil }
            let one = Ranges(number...number)
            guard free.contains(one) else { return nil }
            free = free - one
            taken = taken + one
        }
        result.append(Resource("ports", .ranges(taken)))
        return result
    }

    /// The placement with its ports, which a service that was stopped has given back; nil when the
    /// offer has not enough.
    static func withPorts(
        _ placement: ServicePlacement, _ spec: ServiceSpec, _ principal: String,
        from pool: Resources
    ) -> ServicePlacement? {
        guard !spec.ports.isEmpty, !placement.resources.contains(where: { $0.name == "ports" })
        else { return placement }
        guard let ports = plainResources(spec, in: pool)?.last else { return nil }
        var whole = placement
        whole.resources.append(
            ports.with(reservations: [reservation(spec, principal: principal)]))
        return whole
    }

    /// The placed resources as this offer has them, and the steps that make what is missing. A
    /// volume is found by its id, whatever its size is by now; one that has held data is never
    /// made anew: then, or when the offer has not enough, the text says what is missing.
    static func again(
        _ placement: ServicePlacement, from pool: inout Resources, role: String
    ) -> Result<(resources: [Resource], steps: [ServiceStep]), Missing> {
        var rest = pool
        var found: [Resource] = []
        var reserve: [Resource] = []
        var create: [Resource] = []
        for wanted in placement.resources {
            let held = wanted.with(allocationRole: role)
            if let id = wanted.disk?.persistence?.id {
                if let volume = volume(id, wanted, in: rest) {
                    rest.subtract(volume)
                    var own = volume.with(allocationRole: nil)
                    own.disk = wanted.disk
                    found.append(own)
                    continue
                }
                guard !placement.isEstablished else {
                    return .failure(Missing("its volume '\(id)' is not offered"))
                }
                create.append(held)
            } else if rest.subtract(held) {
                found.append(wanted)
                continue
            }
            let reserved = Resource(
                wanted.name, wanted.value, reservations: wanted.reservations,
                allocationRole: role)
            if rest.subtract(reserved) {
                found.append(wanted)
                continue
            }
            guard rest.subtract(reserved.with(reservations: [])) else {
                return .failure(Missing("\(wanted.text) is not offered"))
            }
            reserve.append(reserved)
            found.append(wanted)
        }
        pool = rest
        var steps: [ServiceStep] = []
        if !reserve.isEmpty { steps.append(.reserve(merged(reserve))) }
        if !create.isEmpty { steps.append(.create(create)) }
        return .success((found, steps))
    }

    /// What an offer lacks for a service.
    struct Missing: Error, Equatable {
        let text: String
        init(_ text: String) { self.text = text }
    }

    /// A volume of this id and reservation, of any size.
    static func volume(_ id: String, _ wanted: Resource, in pool: Resources) -> Resource? {
        pool.first {
            $0.disk?.persistence?.id == id && $0.reservations == wanted.reservations
        }
    }

    /// Pieces of one stuff as one piece, so that a call names each only once.
    private static func merged(_ resources: [Resource]) -> [Resource] {
        Array(Resources(resources))
    }
}
