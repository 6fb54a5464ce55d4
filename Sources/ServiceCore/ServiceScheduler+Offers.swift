import MachineCore
import Model
import OrderedCollections

extension ServiceScheduler {
    /// Lets each waiting service take what it needs; what nothing needs goes back.
    mutating func place(
        _ offers: [ServiceOffer], at now: Instant, into outbox: inout Outbox<Action>
    ) {
        var unused: [OfferID] = []
        for offer in offers {
            var pool = Resources(offer.resources)
            var steps: [ServiceStep] = []
            for name in Array(services.keys) {
                guard let service = services[name], service.wantsOffers,
                    service.row.spec.role == offer.role,
                    service.notBefore.map({ $0 <= now }) ?? true
                else { continue }
                steps += advance(name, service, offer, &pool, at: now, into: &outbox)
            }
            if steps.isEmpty {
                unused.append(offer.id)
            } else {
                outbox.append(.accept(offer.id, steps))
            }
        }
        if !unused.isEmpty { outbox.append(.decline(unused, refuseMilliseconds: 5_000)) }
    }

    /// What one service does with an offer.
    private mutating func advance(
        _ name: String, _ service: Service, _ offer: ServiceOffer, _ pool: inout Resources,
        at now: Instant, into outbox: inout Outbox<Action>
    ) -> [ServiceStep] {
        guard let placement = service.row.placement else {
            return placeFirst(name, service, offer, &pool, at: now, into: &outbox)
        }
        guard placement.agent == offer.agent else { return [] }
        switch service.row.goal {
        case .stopped, .removed:
            return release(name, placement, &pool, at: now, into: &outbox)
        case .running: break
        }
        if let resize = service.resize, !resize.isResized, resize.growth == nil {
            return self.resize(name, placement, resize, offer, &pool, at: now, into: &outbox)
        }
        return relaunch(name, placement, offer, &pool, at: now, into: &outbox)
    }

    private mutating func placeFirst(
        _ name: String, _ service: Service, _ offer: ServiceOffer, _ pool: inout Resources,
        at now: Instant, into outbox: inout Outbox<Action>
    ) -> [ServiceStep] {
        let suffix = String(generator.uuid().prefix(8))
        guard
            let (resources, steps) = Placement.fresh(
                service.row.spec, from: &pool, role: offer.role, principal: principal,
                suffix: suffix)
        else {
            services[name]?.message = "waits for an offer that is large enough"
            return []
        }
        let placement = ServicePlacement(
            agent: offer.agent, hostname: offer.hostname, resources: resources)
        return steps + launch(name, placement, offer, at: now, into: &outbox)
    }

    private mutating func relaunch(
        _ name: String, _ placement: ServicePlacement, _ offer: ServiceOffer,
        _ pool: inout Resources, at now: Instant, into outbox: inout Outbox<Action>
    ) -> [ServiceStep] {
        guard let spec = services[name]?.row.spec,
            let placement = Placement.withPorts(placement, spec, principal, from: pool)
        else {
            services[name]?.message = "waits for agent \(placement.hostname): its ports are taken"
            return []
        }
        switch Placement.again(placement, from: &pool, role: offer.role) {
        case .failure(let missing):
            services[name]?.message = "waits for agent \(placement.hostname): \(missing.text)"
            return []
        case .success(let (resources, steps)):
            var placed = placement
            placed.resources = resources
            return giveBack(name, &pool) + steps
                + launch(name, placed, offer, at: now, into: &outbox)
        }
    }

    /// What a failed resize has reserved, if the offer has it.
    private mutating func giveBack(_ name: String, _ pool: inout Resources) -> [ServiceStep] {
        guard let surplus = services[name]?.surplus, pool.subtract(surplus) else { return [] }
        services[name]?.surplus = nil
        return [.unreserve([surplus], id: OperationID(generator.uuid()))]
    }

    /// Stores the placement with its new task, then asks for the launch.
    private mutating func launch(
        _ name: String, _ placement: ServicePlacement, _ offer: ServiceOffer, at now: Instant,
        into outbox: inout Outbox<Action>
    ) -> [ServiceStep] {
        guard var service = services[name] else { return [] }
        let task = TaskID("\(name).\(generator.uuid())")
        service.row.placement = placement
        service.row.placement?.task = task
        service.row.launches += 1
        service.phase = .launching
        service.state = .staging
        service.isHealthy = nil
        service.reconcileAt = now + patience
        services[name] = service
        outbox.append(.store(service.row))
        let held = placement.resources.map { $0.with(allocationRole: offer.role) }
        return [.launch(service.row.spec, task, offer.agent, held)]
    }

    /// Grows or shrinks the idle volume; the relaunch follows with the next offer.
    private mutating func resize(
        _ name: String, _ placement: ServicePlacement, _ resize: Service.Resize,
        _ offer: ServiceOffer, _ pool: inout Resources, at now: Instant,
        into outbox: inout Outbox<Action>
    ) -> [ServiceStep] {
        guard
            let wanted = placement.resources.first(where: {
                $0.disk?.volume?.containerPath == path(of: resize.volume, in: name)
            }),
            let id = wanted.disk?.persistence?.id
        else { return [] }
        guard let volume = Placement.volume(id, wanted, in: pool) else {
            guard !placement.isEstablished else { return [] }
            // It was never made: it is made in its new size.
            finishResize(name, into: &outbox)
            return relaunch(
                name, services[name]?.row.placement ?? placement, offer, &pool, at: now,
                into: &outbox)
        }
        if volume.amount == resize.size {
            finishResize(name, into: &outbox)
            return relaunch(
                name, services[name]?.row.placement ?? placement, offer, &pool, at: now,
                into: &outbox)
        }
        let operation = OperationID(generator.uuid())
        if volume.amount > resize.size {
            let freed = volume.amount - resize.size
            pool.subtract(volume)
            services[name]?.phase = .resizing(operation)
            services[name]?.reconcileAt = now + patience
            return [.shrink(volume: volume, subtract: freed, id: operation)]
        }
        let addition = Resource(
            "disk", .scalar(resize.size - volume.amount), reservations: volume.reservations,
            allocationRole: offer.role)
        var steps: [ServiceStep] = []
        if !pool.subtract(addition) {
            guard pool.subtract(addition.with(reservations: [])) else {
                failResize(
                    name,
                    "agent \(offer.hostname) has not \(addition.amount.text) MiB of disk "
                        + "free", into: &outbox)
                return []
            }
            steps.append(.reserve([addition]))
            services[name]?.resize?.reserved = addition
        }
        pool.subtract(volume)
        services[name]?.phase = .resizing(operation)
        services[name]?.reconcileAt = now + patience
        return steps + [.grow(volume: volume, addition: addition, id: operation)]
    }

    /// Gives back what a stopped service holds; its volumes only when it is to be removed.
    private mutating func release(
        _ name: String, _ placement: ServicePlacement, _ pool: inout Resources,
        at now: Instant, into outbox: inout Outbox<Action>
    ) -> [ServiceStep] {
        guard let spec = services[name]?.row.spec else { return [] }
        let isRemoved = services[name]?.row.goal == .removed
        let own = [Placement.reservation(spec, principal: principal)]
        let mine = pool.filter { $0.reservations == own }
        var volumes: [Resource] = []
        var plain: [Resource] = []
        for resource in mine {
            if !resource.isPersistentVolume { plain.append(resource) }
            if resource.isPersistentVolume, isRemoved {
                volumes.append(resource)
                plain.append(resource.with(disk: nil))
            }
        }
        pool = pool.subtracting(mine) ?? pool
        guard !plain.isEmpty else {
            // Nothing is left of it: an earlier release went through and its news was lost.
            released(name, into: &outbox)
            return []
        }
        let operation = OperationID(generator.uuid())
        services[name]?.phase = .releasing(operation)
        services[name]?.reconcileAt = now + patience
        var steps: [ServiceStep] = []
        if !volumes.isEmpty {
            steps.append(.destroy(volumes, id: OperationID(generator.uuid())))
        }
        steps.append(.unreserve(Array(Resources(plain)), id: operation))
        return steps
    }

    func path(of volume: String, in name: String) -> String? {
        services[name]?.row.spec.volumes.first { $0.name == volume }?.path
    }
}
