import MachineCore
import Model

/// Draws operations and tasks that resources may allow.
struct OperationDraw {
    let role: String
    let pool: Resources

    /// Nil: nothing came up that the resources allow.
    func kind(
        _ chance: inout SeededGenerator, volume name: String
    ) -> OfferOperation.Kind? {
        let plain = pool.map { $0.with(allocationRole: nil) }
        let free = plain.filter {
            $0.reservations.isEmpty && $0.name != "ports" && !$0.isRevocable
        }
        let disks = plain.filter { $0.name == "disk" && isMine($0) && !$0.isPersistentVolume }
        let reserved = plain.filter { isMine($0) && !$0.isPersistentVolume }
        let volumes = plain.filter { isMine($0) && $0.isPersistentVolume }
        let size = Amount(thousandths: Int64(1 + chance.below(4)) * 50_000)
        switch chance.below(12) {
        case 0..<4:
            guard let one = pick(free, &chance) else { return nil }
            let amount = one.name == "cpus" ? Amount(thousandths: 500) : size
            guard one.amount >= amount else { return nil }
            return .reserve([reserve(one.with(amount: amount))], source: [])
        case 4..<7:
            guard let one = pick(disks, &chance), one.amount >= size else { return nil }
            let disk = Disk(
                persistence: .init(id: name), volume: .init(containerPath: "data"),
                limits: Self.limits(of: name))
            return .create([
                one.with(amount: size).with(disk: disk).with(isShared: chance.oneIn(4))
            ])
        case 7:
            guard let one = pick(volumes, &chance) else { return nil }
            return .destroy([one])
        case 8:
            guard let one = pick(volumes, &chance), !one.isShared, let disk = pick(disks, &chance)
            else { return nil }
            return .grow(volume: one, addition: disk.with(amount: min(size, disk.amount)))
        case 9:
            guard let one = pick(volumes, &chance), !one.isShared, one.amount > size else {
                return nil
            }
            return .shrink(volume: one, subtract: size)
        case _:
            guard let one = pick(reserved, &chance) else { return nil }
            let half = Amount(thousandths: one.amount.thousandths / 2)
            return .unreserve([chance.oneIn(2) && half > .zero ? one.with(amount: half) : one])
        }
    }

    /// Every third volume has limits, by its name.
    private static func limits(of name: String) -> VolumeLimits? {
        let sum = name.utf8.reduce(0) { $0 + Int64($1) }
        guard sum % 3 == 0 else { return nil }
        return VolumeLimits(
            rates: DiskRates(writtenBytes: DiskRates.leastBytes + sum), inodes: 100 + sum)
    }

    func task(
        _ name: String, on agent: AgentID, _ chance: inout SeededGenerator
    ) -> TaskDescription? {
        guard let wanted = room(&chance) else { return nil }
        let volumes = pool.filter { $0.isPersistentVolume && isMine($0) }
        var resources = wanted
        if let volume = pick(Array(volumes), &chance) {
            // Frameworks do not know of limits.
            var disk = volume.disk
            disk?.limits = nil
            resources.append(volume.with(allocationRole: nil).with(disk: disk))
        }
        let executor = chance.oneIn(2) ? executor(&chance) : nil
        return TaskDescription(
            id: TaskID(name), name: name, agent: agent, resources: resources,
            executor: executor, hasCommand: executor == nil, killGraceMilliseconds: 500,
            payload: Payload([7]))
    }

    /// Processor and memory for a task: lent ones, those of the role, or unreserved ones.
    private func room(_ chance: inout SeededGenerator) -> [Resource]? {
        let plain = pool.map { $0.with(allocationRole: nil) }
        let lent = plain.filter(\.isRevocable)
        if lent.count == 2 { return chance.oneIn(2) ? lent : lent.map { half($0) } }
        let own = ["cpus", "mem"].compactMap { name in
            plain.first { $0.name == name && isMine($0) }
        }
        if own.count == 2, !chance.oneIn(3) { return own }
        let wanted = [
            Resource.amount("cpus", 1), Resource.amount("mem", 32 + Int64(chance.below(64))),
        ].filter { pool.contains($0.with(allocationRole: role)) }
        return wanted.count == 2 ? wanted : nil
    }

    private func half(_ resource: Resource) -> Resource {
        resource.with(amount: Amount(thousandths: max(1, resource.amount.thousandths / 2)))
    }

    /// One of few, so that it runs several tasks.
    private func executor(_ chance: inout SeededGenerator) -> ExecutorDescription? {
        let resources = [Resource.amount("cpus", 1), Resource.amount("mem", 32)]
        guard pool.contains(Resource.amount("cpus", 2).with(allocationRole: role)) else {
            return nil
        }
        return ExecutorDescription(
            id: ExecutorID("executor\(chance.below(2))"), kind: .custom, resources: resources,
            payload: Payload([9]))
    }

    func occurrence(_ kind: OfferOperation.Kind, isOperator: Bool) -> Occurrence {
        switch kind {
        case .reserve: isOperator ? .operatorReserve : .reserve
        case .unreserve: isOperator ? .operatorUnreserve : .unreserve
        case .create: isOperator ? .operatorCreate : .create
        case .destroy: isOperator ? .operatorDestroy : .destroy
        case .grow: isOperator ? .operatorGrow : .grow
        case .shrink: isOperator ? .operatorShrink : .shrink
        case .launch, .launchGroup, .refused: .launch
        }
    }

    private func isMine(_ resource: Resource) -> Bool {
        resource.role == role && resource.isDynamicallyReserved
    }

    private func reserve(_ resource: Resource) -> Resource {
        resource.with(reservations: [Reservation(role: role)])
    }

    private func pick(_ from: [Resource], _ chance: inout SeededGenerator) -> Resource? {
        from.isEmpty ? nil : from[chance.below(from.count)]
    }
}
