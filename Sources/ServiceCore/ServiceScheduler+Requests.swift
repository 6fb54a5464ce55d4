import MachineCore
import Model
import OrderedCollections

extension ServiceScheduler {
    mutating func take(
        _ id: ServiceRequestID, _ request: ServiceRequest, at now: Instant,
        into outbox: inout Outbox<Action>
    ) {
        do throws(Refusal) {
            switch request {
            case .deploy(let spec):
                outbox.append(.answer(id, .accepted(try deploy(spec, at: now, into: &outbox))))
            case .restart(let name):
                try restart(name, at: now, into: &outbox)
                outbox.append(.answer(id, .accepted("restarts")))
            case .resize(let name, let volume, let size):
                try resize(id, name, volume: volume, size: size, at: now, into: &outbox)
            case .remove(let name, let destroyVolumes):
                try remove(name, destroyVolumes: destroyVolumes, at: now, into: &outbox)
                outbox.append(.answer(id, .accepted("is being removed")))
            }
        } catch {
            outbox.append(.answer(id, .refused(error)))
        }
    }

    private mutating func deploy(
        _ spec: ServiceSpec, at now: Instant, into outbox: inout Outbox<Action>
    ) throws(Refusal) -> String {
        try spec.validate()
        guard var service = services[spec.name] else {
            guard services.count < limit else {
                throw Refusal(.tooLarge, "there are \(limit) services already")
            }
            let row = ServiceRow(spec: spec)
            services[spec.name] = Service(row: row, phase: .waiting)
            outbox.append(.store(row))
            isSuppressed = nil
            return "is being placed"
        }
        if service.row.spec == spec, service.row.goal == .running { return "is unchanged" }
        guard service.row.spec.hasSameShape(as: spec) else {
            throw Refusal(
                .conflict,
                "service '\(spec.name)' exists with other resources, volumes, ports or role: "
                    + "use 'service resize' for a volume, or remove it first")
        }
        guard service.row.goal != .removed, !service.isReleasing else {
            throw Refusal(.conflict, "service '\(spec.name)' is being removed")
        }
        service.row.spec = spec
        service.row.goal = .running
        if service.phase == .idle {
            let whole = wholeResources(service)
            service.row.placement?.resources = whole
            service.phase = .waiting
        }
        services[spec.name] = service
        outbox.append(.store(service.row))
        if service.row.placement?.task != nil { stop(spec.name, at: now, into: &outbox) }
        return service.row.placement?.task == nil ? "is being placed" : "restarts with the new spec"
    }

    /// A stopped service holds its volumes only; to run again it needs the rest, too. Its ports are
    /// chosen when an offer comes.
    private func wholeResources(_ service: Service) -> [Resource] {
        let volumes = service.row.placement?.resources ?? []
        let reservation = Placement.reservation(service.row.spec, principal: principal)
        let spec = service.row.spec
        let plain = [
            Resource("cpus", .scalar(spec.cpus), reservations: [reservation]),
            Resource("mem", .scalar(spec.memory), reservations: [reservation]),
        ]
        return plain + volumes
    }

    private mutating func restart(
        _ name: String, at now: Instant, into outbox: inout Outbox<Action>
    ) throws(Refusal) {
        let service = try existing(name)
        guard service.row.goal == .running, service.row.placement?.task != nil else {
            throw Refusal(.conflict, "service '\(name)' has no task that could be restarted")
        }
        stop(name, at: now, into: &outbox)
    }

    private mutating func resize(
        _ id: ServiceRequestID, _ name: String, volume named: String?, size: Amount,
        at now: Instant,
        into outbox: inout Outbox<Action>
    ) throws(Refusal) {
        let service = try existing(name)
        let volumes = service.row.spec.volumes
        let only = volumes.count == 1 ? volumes.first?.name : nil
        guard let volume = named ?? only,
            let old = volumes.first(where: { $0.name == volume })
        else {
            let names = volumes.map(\.name).joined(separator: ", ")
            throw Refusal(.notFound, "name a volume of service '\(name)'; it has: \(names)")
        }
        guard size > .zero, size <= .largest else {
            throw Refusal(.invalid, "a volume's size must be above zero")
        }
        guard service.row.goal == .running, service.resize == nil else {
            throw Refusal(.conflict, "service '\(name)' is being resized or removed already")
        }
        guard old.size != size else {
            outbox.append(.answer(id, .resized(downtimeMilliseconds: 0)))
            return
        }
        guard service.row.placement != nil else {
            resizeUnplaced(name, volume, size, into: &outbox)
            outbox.append(.answer(id, .resized(downtimeMilliseconds: 0)))
            return
        }
        services[name]?.resize = Service.Resize(
            volume: volume, size: size, request: id,
            stoppedAt: service.phase == .waiting ? now : nil)
        if canGrowMounted(service, from: old.size, to: size),
            growMounted(volume, of: name, to: size, into: &outbox)
        {
            return
        }
        stopForResize(name, at: now, into: &outbox)
    }

    /// Of a service that is nowhere yet, only the wish changes.
    private mutating func resizeUnplaced(
        _ name: String, _ volume: String, _ size: Amount, into outbox: inout Outbox<Action>
    ) {
        guard var service = services[name],
            let index = service.row.spec.volumes.firstIndex(where: { $0.name == volume })
        else { return }
        service.row.spec.volumes[index].size = size
        services[name] = service
        outbox.append(.store(service.row))
    }

    private mutating func remove(
        _ name: String, destroyVolumes: Bool, at now: Instant, into outbox: inout Outbox<Action>
    ) throws(Refusal) {
        guard try !existing(name).isReleasing else {
            throw Refusal(.conflict, "service '\(name)' is being removed already")
        }
        failResize(name, "service '\(name)' is being removed", into: &outbox)
        var service = try existing(name)
        guard service.row.placement != nil, service.state != .goneByOperator else {
            forget(name, into: &outbox)
            return
        }
        guard service.row.goal != .removed else { return }
        service.row.goal = destroyVolumes ? .removed : .stopped
        service.notBefore = nil
        if service.phase == .idle, destroyVolumes { service.phase = .waiting }
        services[name] = service
        outbox.append(.store(service.row))
        if service.row.placement?.task != nil { stop(name, at: now, into: &outbox) }
    }

    /// Kills the task; what follows its end depends on the goal.
    mutating func stop(
        _ name: String, at now: Instant, into outbox: inout Outbox<Action>
    ) {
        guard let placement = services[name]?.row.placement, let task = placement.task else {
            return
        }
        services[name]?.phase = .stopping
        services[name]?.reconcileAt = now + patience
        outbox.append(.kill(task, placement.agent))
    }

    private func existing(_ name: String) throws(Refusal) -> Service {
        guard let service = services[name] else {
            throw Refusal(.notFound, "there is no service '\(name)'; 'service status' lists all")
        }
        return service
    }
}
