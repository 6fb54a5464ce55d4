import AgentCore
import MachineCore
import MasterCore
import Model
import OrderedCollections

// An operator who changes books behind the frameworks' backs, and the faults.

extension Simulation {
    mutating func operatorStep() {
        add(.operatorStep, after: 20 + Int64(chance.below(250)))
        guard isFaulty, isMasterUp else { return }
        switch chance.below(60) {
        case 0..<5: operatorKill()
        case 5: operatorTeardown()
        case 6 where chance.oneIn(2): markGone()
        case 7..<20: growInUse()
        case 20..<24: operatorLease()
        case 24..<31: operatorTransact()
        case 31..<38: lifecycleStep()
        case 38..<44: fillVolume()
        case _: operate()
        }
    }

    private mutating func operate() {
        let known = Array(master.agents.values)
        guard !known.isEmpty else { return }
        let agent = known[chance.below(known.count)]
        let role = schedulers[chance.below(schedulers.count)].role
        let draw = OperationDraw(role: role, pool: agent.total)
        guard let kind = draw.kind(&chance, volume: "operators-\(number())") else { return }
        count(draw.occurrence(kind, isOperator: true))
        let (leasedKind, lease) = leased(kind)
        operate(leasedKind, on: agent.id, lease: lease)
    }

    mutating func operate(
        _ kind: OfferOperation.Kind, on agent: AgentID, lease: Int64? = nil
    ) {
        let request = RequestID(number())
        operatorCalls.insert(request)
        tell(
            .operatorCalled(
                request, .apply(kind, agent: agent, leaseMilliseconds: lease), principal: nil))
    }

    private mutating func operatorKill() {
        let scheduler = schedulers[chance.below(schedulers.count)]
        guard let id = scheduler.id, !scheduler.tasks.isEmpty else { return }
        let task = scheduler.tasks.keys[chance.below(scheduler.tasks.count)]
        count(.operatorKill)
        tell(
            .operatorCalled(
                RequestID(number()), .killTask(id, task, graceMilliseconds: nil), principal: nil))
    }

    private mutating func operatorTeardown() {
        guard let id = schedulers[chance.below(schedulers.count)].id else { return }
        count(.operatorTeardown)
        tell(.operatorCalled(RequestID(number()), .teardown(id), principal: nil))
    }

    private mutating func markGone() {
        let known = Array(master.agents.keys)
        guard known.count > 1 else { return }
        count(.agentGone)
        let agent = known[chance.below(known.count)]
        tell(.operatorCalled(RequestID(number()), .markAgentGone(agent), principal: nil))
        forget()
    }

    /// Gives a lost volume up, which leaves nothing else as it was not.
    private mutating func forget() {
        let lost = master.volumeRows.filter { $0.standing == .lost }
        guard isMasterUp, !lost.isEmpty else { return }
        let uuid = lost[chance.below(lost.count)].volume.uuid
        guard let note = try? ForgetNote(requester: "operator", reason: nil) else { return }
        count(.operatorForget)
        tell(
            .operatorCalled(RequestID(number()), .forgetVolume(uuid, note), principal: nil))
    }

    // MARK: faults

    mutating func fault() {
        guard isFaulty else { return }
        add(.fault, after: 50 + Int64(chance.below(900)))
        let index = chance.below(agents.count)
        switch chance.below(12) {
        case 0..<4: breakLink(index)
        case 4..<6: partition(index)
        case 6: if isMasterUp { crashMaster() }
        case 7: crashAgent(index)
        case 8: restartMachine(index)
        case 9: fillStorage(index)
        case _: break
        }
    }

    private mutating func partition(_ index: Int) {
        count(.partition)
        let length = chance.oneIn(2) ? 10_000 : 1_500
        agents[index].partitionEnd = now + .milliseconds(Int64(1 + chance.below(length)))
    }

    private mutating func fillStorage(_ index: Int) {
        guard agents[index].isUp else { return }
        count(.storageLow)
        add(.storageBack(agent: index, life: agents[index].life), within: 2_000)
        tell(index, .storageLow(true))
    }
}
