import AgentCore
import MachineCore
import MasterCore
import Model
import OrderedCollections

/// What the simulation itself knows of volumes' lives, to judge the master by.
struct LifecycleBook {
    /// When each stage was stored, by this simulation's clock.
    var entered: [VolumeUUID: Instant] = [:]
    /// An operator has asked for their erasure.
    var erasedByOperator: Set<VolumeUUID> = []
    /// An operator has destroyed them past the trash.
    var destroyedNow: Set<VolumeUUID> = []
    /// What frameworks destroyed into the trash, by their ids of the operations.
    var destroyed: [FrameworkID: Set<OperationID>] = [:]
    var destroyedByOperators = 0
}

// Policies, the trash and the collection. Nothing may be erased but by a DESTROY that no policy
// keeps, or past its window under a policy, or by an operator's word.

extension Simulation {
    /// An operator's call about volumes' lives.
    mutating func lifecycleStep() {
        let rows = master.ledger.volumes.keys.sorted().compactMap { master.ledger.volumes[$0] }
        let trash = rows.filter { $0.lifecycle.stage == .trash }
        switch chance.below(14) {
        case 0..<3: setPolicy()
        case 3 where chance.oneIn(2):
            guard let role = master.policies.first?.role else { return }
            lifecycleCall(.operatorPolicy, .removePolicy(role: role))
        case 4..<6:
            guard let row = pick(trash) else { return }
            lifecycleCall(.operatorUndelete, .undelete(row.volume.uuid))
        case 6..<8:
            guard let row = pick(rows) else { return }
            lifecycleCall(
                .operatorProtect, .protect(row.volume.uuid, chance.oneIn(3)))
        case 8..<11:
            guard let row = pick(trash) else { return }
            lifecycle.erasedByOperator.insert(row.volume.uuid)
            let mode = chance.oneIn(2) ? EraseMode.allCases[chance.below(3)] : nil
            lifecycleCall(.operatorErase, .erase(row.volume.uuid, mode))
        case 11: destroyNow(rows)
        case _: lifecycleCall(.operatorCollect, .collect)
        }
    }

    private mutating func pick(_ rows: [VolumeRow]) -> VolumeRow? {
        rows.isEmpty ? nil : rows[chance.below(rows.count)]
    }

    private mutating func lifecycleCall(_ occurrence: Occurrence, _ call: LifecycleCall) {
        count(occurrence)
        tell(.operatorCalled(RequestID(number()), .lifecycle(call), principal: nil))
    }

    private mutating func destroyNow(_ rows: [VolumeRow]) {
        guard let row = pick(rows) else { return }
        lifecycle.destroyedNow.insert(row.volume.uuid)
        count(.operatorDestroyNow)
        let request = RequestID(number())
        operatorCalls.insert(request)
        let call = LifecycleCall.destroyNow([row.volume.resource], row.agent)
        tell(.operatorCalled(request, .lifecycle(call), principal: nil))
    }

    private mutating func setPolicy() {
        func span(_ seconds: Int) -> Int64 {
            Int64(chance.below(seconds + 1)) * 1_000_000_000
        }
        let orphans: LifecyclePolicy.Orphans =
            switch chance.below(3) {
            case 0: .never
            case 1: .ownerGone
            case _: .unused(nanoseconds: 1 + span(8))
            }
        let retention = orphans == .never || chance.oneIn(4) ? nil : span(4)
        let policy = LifecyclePolicy(
            role: schedulers[chance.below(schedulers.count)].role, orphans: orphans,
            retentionNanoseconds: retention, trashNanoseconds: chance.oneIn(5) ? 0 : span(8),
            isProtecting: chance.oneIn(8),
            erasure: EraseOrder(EraseMode.allCases[chance.below(3)]), atLimit: limitAction())
        lifecycleCall(.operatorPolicy, .setPolicy(policy))
    }

    // MARK: the agents' disks

    mutating func wipe(_ uuid: VolumeUUID, on index: Int) {
        add(.wipe(agent: index, life: agents[index].life, uuid), within: 2_000)
    }

    mutating func finishWipe(_ index: Int, life: Int, _ uuid: VolumeUUID) {
        guard agents[index].isUp, agents[index].life == life, agents[index].disk[uuid] != nil
        else { return }
        guard !(isFaulty && chance.oneIn(3)) else {
            count(.wipeFailed)
            return tell(index, .volumeErased(uuid, failure: "a bad block"))
        }
        for container in agents[index].containers.values where container.state == .running {
            if container.launch.volumes.contains(where: { $0.volume == uuid }) {
                violate("volume \(uuid) of agent \(index) is erased under a container")
            }
        }
        count(.volumeWiped)
        agents[index].wiped.insert(uuid)
        tell(index, .volumeErased(uuid, failure: nil))
    }

    // MARK: laws

    func registryPolicy(_ role: String) -> LifecyclePolicy? {
        var name = role
        while true {
            if let policy = registry.policies[name] { return policy }
            guard let slash = name.lastIndex(of: "/") else { return nil }
            name = String(name[..<slash])
        }
    }

    /// Before a volume's row is stored: each step of its life has a reason.
    mutating func checkLife(_ row: VolumeRow) {
        let uuid = row.volume.uuid
        let old = registry.volumes[uuid]
        let from = old?.lifecycle.stage ?? .active
        let to = row.lifecycle.stage
        guard from != to else { return }
        defer { lifecycle.entered[uuid] = now }
        let policy = registryPolicy(row.volume.resource.role)
        let isProtected = old?.lifecycle.isProtected ?? policy?.isProtecting ?? false
        let entered = lifecycle.entered[uuid] ?? now
        if to == .trash || to == .erasing, isProtected {
            violate("volume \(uuid) is protected and goes from \(from) to \(to)")
        }
        if to != .active, row.lastUse?.untilNanoseconds == nil, row.lastUse != nil {
            violate("volume \(uuid) is in use and goes from \(from) to \(to)")
        }
        switch (from, to) {
        case (.active, .orphaned):
            if policy == nil || policy?.orphans == .never {
                violate("volume \(uuid) is orphaned without a policy")
            }
        case (.orphaned, .trash):
            // A DESTROY of an orphan needs no retention; the collection does.
            let retention = policy?.retentionNanoseconds.map { Span(nanoseconds: $0) }
            let isDue = retention.map { entered + $0 <= now } ?? false
            if !isDue, policy?.keepsDestroyed != true {
                violate("orphan \(uuid) goes to the trash too early")
            }
        case (.active, .trash):
            if policy?.keepsDestroyed != true {
                violate("volume \(uuid) goes to the trash without a policy")
            }
        case (.trash, .erasing):
            if lifecycle.erasedByOperator.contains(uuid) { return }
            guard let policy else { return violate("volume \(uuid) is erased without a policy") }
            if entered + Span(nanoseconds: policy.trashNanoseconds) > now {
                violate("volume \(uuid) is erased before its window is over")
            }
        case (.orphaned, .active), (.trash, .active): break
        case (.active, _), (.orphaned, _), (.trash, _), (.erasing, _):
            violate("volume \(uuid) goes from \(from) to \(to)")
        }
    }

    /// Before an operation is stored: what it destroys is no policy's to keep.
    mutating func checkDestroys(_ row: OperationRow) {
        guard registry.operation(row.operation.uuid) == nil else { return }
        for case .destroy(let uuid) in row.operation.volumeChanges {
            guard let volume = registry.volumes[uuid], volume.standing != .lost else { continue }
            let policy = registryPolicy(volume.volume.resource.role)
            switch volume.lifecycle.stage {
            case .erasing: break
            case .trash: violate("volume \(uuid) is destroyed out of the trash")
            case .active, .orphaned:
                let isProtected = volume.lifecycle.isProtected ?? policy?.isProtecting ?? false
                if isProtected { violate("protected volume \(uuid) is destroyed") }
                if policy?.keepsDestroyed == true, !lifecycle.destroyedNow.contains(uuid) {
                    violate("volume \(uuid) is destroyed past the trash")
                }
            }
        }
    }

    mutating func noteLife(_ entry: AuditEntry) {
        switch entry.action {
        case .volumeOrphaned: count(.volumeOrphaned)
        case .volumeReclaimed: count(.volumeReclaimed)
        case .volumeUndeleted: count(.volumeUndeleted)
        case .volumeErased: count(.volumeErased)
        case .volumeTrashed:
            count(.volumeTrashed)
            if let framework = entry.framework {
                guard let id = entry.operationID else { return }
                lifecycle.destroyed[framework, default: []].insert(id)
            } else if entry.message == "destroyed" {
                lifecycle.destroyedByOperators += 1
            }
        case .reserve, .unreserve, .create, .destroy, .grow, .shrink, .launch, .taskEnded,
            .killTask, .teardown, .frameworkRemoved, .agentUnreachable, .agentGone, .volumeLost,
            .volumeFound, .volumeUnclaimed, .volumeMoved, .volumeProtected, .volumeUnprotected,
            .volumeErasing, .policySet, .policyRemoved, .renewLease, .volumeForgotten, .transact:
            break
        }
    }
}
