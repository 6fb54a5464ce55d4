import MachineCore
import MasterCore
import Model
import OrderedCollections

// What schedulers do of their own accord.

extension Simulation {
    mutating func schedulerStep(_ index: Int) {
        add(.schedulerStep(index), after: 10 + Int64(chance.below(isFaulty ? 120 : 600)))
        guard schedulers[index].isSubscribed else { return }
        guard isFaulty else { return healingStep(index) }
        switch chance.below(32) {
        case 0..<16: useOffer(index)
        case 16..<18: decline(index)
        case 18..<21: kill(index)
        case 21..<24: call(index, .revive(roles: []))
        case 24: call(index, .suppress(roles: []))
        case 25: reconcile(index)
        case 26: reconcileOperations(index)
        case 27 where chance.oneIn(12): tearDown(index)
        case 28 where chance.oneIn(3): failOver(index)
        case 29 where chance.oneIn(3): breakStream(index)
        case 30: renewLeases(index)
        case _: break
        }
    }

    /// No new work: asks until it agrees with the master, and ends its tasks when it is to.
    private mutating func healingStep(_ index: Int) {
        decline(index)
        reconcile(index)
        guard isDraining else { return }
        for (task, known) in schedulers[index].tasks where !known.state.isTerminal {
            call(index, .kill(task, agent: known.agent, graceMilliseconds: nil))
        }
    }

    private mutating func decline(_ index: Int) {
        let offers = Array(schedulers[index].offers.keys)
        guard !offers.isEmpty else { return }
        schedulers[index].offers = [:]
        call(index, .decline(offers: offers, refuseSeconds: isFaulty ? 0.2 : 3_600))
    }

    private mutating func kill(_ index: Int) {
        let tasks = schedulers[index].tasks
        guard !tasks.isEmpty else { return }
        let (task, known) = tasks.elements[chance.below(tasks.count)]
        call(
            index,
            .kill(
                task, agent: chance.oneIn(2) ? known.agent : nil,
                graceMilliseconds: chance.oneIn(2) ? 0 : 500))
    }

    private mutating func reconcileOperations(_ index: Int) {
        let queries = schedulers[index].told.keys.suffix(3).map { OperationQuery(operation: $0) }
        call(index, .reconcileOperations(chance.oneIn(2) ? [] : Array(queries)))
    }

    private mutating func tearDown(_ index: Int) {
        call(index, .teardown)
    }

    /// A second scheduler process takes the framework over while the first one's stream is open.
    private mutating func failOver(_ index: Int) {
        count(.schedulerFailover)
        let old = schedulers[index].stream
        schedulers[index].stream = nil
        if let old { streams[old]?.isOpenAtScheduler = false }
        subscribe(index)
        if let old { add(.streamClosed(old), within: 3_000) }
    }

    private mutating func breakStream(_ index: Int) {
        count(.streamBroken)
        closeAtScheduler(index)
        add(.subscribe(framework: index), within: chance.oneIn(12) ? 25_000 : 1_000)
    }

    // MARK: accepting

    private mutating func useOffer(_ index: Int) {
        let offers = schedulers[index].offers
        guard !offers.isEmpty else { return }
        let (id, offer) = offers.elements[chance.below(offers.count)]
        schedulers[index].offers[id] = nil
        var script = AcceptScript(offer: offer, resources: offer.resources)
        for _ in 0..<(1 + chance.below(3)) { extend(&script, index) }
        for task in script.tasks {
            schedulers[index].tasks[task] = .init(agent: offer.agent, state: .staging)
        }
        if !script.operations.isEmpty, chance.oneIn(4) {
            return transact([id], script.operations, index)
        }
        call(
            index,
            .accept(
                offers: [id], operations: script.operations,
                refuseSeconds: chance.oneIn(2) ? 0 : 0.1))
    }

    private mutating func extend(_ script: inout AcceptScript, _ index: Int) {
        let names = (
            schedulers[index].fresh("task"), schedulers[index].fresh("volume"),
            schedulers[index].fresh("operation")
        )
        let draw = OperationDraw(role: script.offer.role, pool: script.resources)
        guard !chance.oneIn(3), let kind = draw.kind(&chance, volume: names.1) else {
            guard let task = draw.task(names.0, on: script.offer.agent, &chance) else { return }
            let hasVolume = task.resources.contains(where: \.isPersistentVolume)
            count(hasVolume ? .launchOnVolume : .launch)
            if task.executor != nil { count(.launchInExecutor) }
            if task.resources.contains(where: \.isRevocable) { count(.launchOnLent) }
            let isOwn = task.resources.contains { $0.name == "cpus" && !$0.reservations.isEmpty }
            if isOwn { count(.launchOnReserved) }
            script.tasks.append(task.id)
            script.operations.append(OfferOperation(.launch([task])))
            for resource in task.resources + (task.executor?.resources ?? []) {
                script.resources.subtract(resource.with(allocationRole: script.offer.role))
            }
            return
        }
        count(draw.occurrence(kind, isOperator: false))
        let (chosen, lease) = leased(kind)
        script.operations.append(
            OfferOperation(
                id: chance.oneIn(2) ? OperationID(names.2) : nil, chosen,
                leaseMilliseconds: lease))
        // What does not fit here is refused by the master, too.
        let plain = script.resources.allocated(to: nil)
        if let conversion = try? chosen.resolved(in: plain).conversion() {
            try? script.resources.apply(conversion.allocated(to: script.offer.role))
        }
    }
}

/// The steps of one accept, and what is left of its offer.
struct AcceptScript {
    let offer: Offer
    var resources: Resources
    var operations: [OfferOperation] = []
    var tasks: [TaskID] = []
}
