import AgentCore
import MachineCore
import MasterCore
import Model
import OrderedCollections

// Volumes that fill under their tasks, and grow by their roles' rules. The simulation's own figures
// say when a growth was called for.

/// What the simulation knows of volumes that grow by a rule.
struct GrowthBook {
    /// The sizes at which each was said to be full.
    var full: [VolumeUUID: OrderedSet<Amount>] = [:]
}

extension Simulation {
    /// A task has filled its volume; now and then this is told late, after the volume has grown.
    mutating func fillVolume() {
        let index = chance.below(agents.count)
        guard agents[index].isUp else { return }
        let mounted = agents[index].disk.keys.filter { agents[index].isMounted($0) }
        guard !mounted.isEmpty else { return }
        let uuid = mounted[chance.below(mounted.count)]
        guard let size = agents[index].disk[uuid] else { return }
        var booked = size
        if let stale = growth.full[uuid]?.first, chance.oneIn(4) { booked = stale }
        growth.full[uuid, default: []].append(booked)
        if chance.oneIn(2) { wantGrowth(of: uuid) }
        count(.volumeFilled)
        let usable = booked.mebibytesInBytes
        let report = VolumeReport(
            uuid: uuid, backend: "fake", enforcement: .kernel,
            growsWhileMounted: AgentHost.growsWhileMounted(uuid), usableBytes: usable,
            usedBytes: usable / 100 * Int64(88 + chance.below(13)), bookedBytes: usable)
        tell(index, .volumeReported([report]))
        if chance.oneIn(4) {
            tell(
                index,
                .usageAlarmed(
                    UsageAlarm(kind: "volume-over", text: "", nanoseconds: now.nanoseconds)))
        }
    }

    /// The role of a volume gets a rule by which it may grow.
    private mutating func wantGrowth(of uuid: VolumeUUID) {
        guard isMasterUp, let role = master.ledger.volumes[uuid]?.volume.resource.role else {
            return
        }
        var policy = master.policy(for: role) ?? LifecyclePolicy(role: role)
        policy.role = role
        policy.atLimit = .grow(GrowthRule(percent: 85, step: Amount(thousandths: 20_000)))
        count(.operatorPolicy)
        let call = OperatorCall.lifecycle(.setPolicy(policy))
        tell(.operatorCalled(RequestID(number()), call, principal: nil))
    }

    /// A role's rule; nil: none.
    mutating func limitAction() -> DiskLimitRule.Action? {
        switch chance.below(4) {
        case 0: nil
        case 1: chance.oneIn(2) ? .fail : .kill
        case _:
            .grow(
                GrowthRule(
                    percent: 80 + chance.below(15),
                    step: Amount(thousandths: Int64(1 + chance.below(4)) * 20_000),
                    cap: chance.oneIn(3)
                        ? nil : Amount(thousandths: Int64(1 + chance.below(8)) * 60_000)))
        }
    }

    /// Before an operation is stored: a growth by a rule was called for at this very size, by one
    /// that allows it, while nobody resizes its volume, and some task uses it.
    mutating func checkGrowth(_ row: OperationRow) {
        let operation = row.operation
        guard registry.operation(operation.uuid) == nil, operation.type == .grow,
            operation.principal == GrowthRule.principal,
            case .resize(let uuid, let size)? = operation.volumeChanges.first
        else { return }
        count(.grownByRule)
        guard let volume = registry.volumes[uuid] else {
            return violate("volume \(uuid) grows by a rule, and there is none")
        }
        let old = volume.volume.resource.amount
        if growth.full[uuid]?.contains(old) != true {
            violate("volume \(uuid) grows by a rule at \(old.text), which was not full")
        }
        if volume.lastUse == nil || volume.lastUse?.untilNanoseconds != nil {
            violate("volume \(uuid) grows by a rule, and nobody uses it")
        }
        if registry.pending(row.agent).contains(where: { other in
            other.operation.volumeChanges.contains { change in
                if case .resize(uuid, to: _) = change { true } else { false }
            }
        }) {
            violate("volume \(uuid) grows by a rule while it is being resized")
        }
        let action = registryPolicy(volume.volume.resource.role)?.atLimit
        guard case .grow(let rule) = action else {
            return violate("volume \(uuid) grows without a rule")
        }
        if size > old + rule.step || rule.cap.map({ size > $0 }) == true {
            violate("volume \(uuid) grows from \(old.text) to \(size.text), past its rule")
        }
    }
}
