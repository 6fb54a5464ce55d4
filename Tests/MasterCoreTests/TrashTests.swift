import MachineCore
import Model
import Testing

@testable import MasterCore

/// Volumes that are destroyed where a policy keeps them, and what undoes that.
@Suite struct TrashTests {
    let cluster = Cluster()
    let agent: FakeAgent
    let id: AgentID
    let volume = disk(64).volume("v")

    init() throws {
        agent = try cluster.addAgent("cpus:8;mem:8192;disk:10240;disk(db):512")
        id = try #require(agent.id)
    }

    private func operate(_ kind: OfferOperation.Kind) -> Answer? {
        cluster.operate(kind, on: id)
    }

    @discardableResult
    private func tell(_ call: LifecycleCall) -> Answer? { cluster.call(.lifecycle(call)) }

    private func keep(
        _ role: String = "db", seconds: Int64 = 60, isProtecting: Bool = false,
        _ mode: EraseMode = .delete
    ) {
        let policy = LifecyclePolicy(
            role: role, trashNanoseconds: seconds * 1_000_000_000, isProtecting: isProtecting,
            erasure: EraseOrder(mode))
        #expect(tell(.setPolicy(policy)) == .done)
    }

    private func make(_ volume: Resource? = nil) throws -> VolumeUUID {
        let volume = volume ?? self.volume
        #expect(operate(.reserve([disk(64)], source: [])) == .accepted)
        #expect(operate(.create([volume])) == .accepted)
        return try #require(cluster.master.ledger.volumes.keys.max())
    }

    private func stage(_ uuid: VolumeUUID) -> VolumeLifecycle.Stage? {
        cluster.master.ledger.volumes[uuid]?.lifecycle.stage
    }

    private func actions(_ prefix: String = "VOLUME_") -> [AuditAction] {
        cluster.records.compactMap { record in
            guard case .audited(let entry) = record, entry.action.rawValue.hasPrefix(prefix)
            else { return nil }
            return entry.action
        }
    }

    /// The books have it still, and nothing else would ever give its disk back.
    @Test func oneThatIsLostInTheTrashCanBeGivenUp() throws {
        keep()
        let uuid = try make()
        #expect(operate(.destroy([volume])) == .accepted)
        #expect(stage(uuid) == .trash)
        cluster.disconnect(agent)
        agent.volumes = []
        cluster.connect(agent)
        #expect(cluster.master.ledger.volumes[uuid]?.standing == .lost)
        #expect(tell(.erase(uuid, nil)) == .done)
        #expect(cluster.master.ledger.volumes[uuid] == nil)
        #expect(operate(.unreserve([disk(64)])) == .accepted)
        #expect(agent.total == agent.base)
    }

    /// Its agent was killed between the removal of the data and the record of the end.
    @Test func oneThatIsBeingDestroyedIsNotLost() throws {
        let uuid = try make()
        agent.isSilent = true
        _ = operate(.destroy([volume]))
        cluster.disconnect(agent)
        agent.isSilent = false
        agent.volumes = []
        cluster.connect(agent)
        #expect(cluster.master.ledger.volumes[uuid] == nil)
        #expect(!actions().contains(.volumeLost))
    }

    @Test func oneThatCouldNotBeDestroyedAndIsNotThereIsLost() throws {
        let uuid = try make()
        agent.isSilent = true
        _ = operate(.destroy([volume]))
        cluster.disconnect(agent)
        agent.isSilent = false
        agent.volumes = []
        agent.failures[.destroy] = "no"
        cluster.connect(agent)
        #expect(cluster.master.ledger.volumes[uuid]?.standing == .lost)
        #expect(actions().contains(.volumeLost))
    }

    @Test func aFailedErasureIsTriedAgainByTheNextMasterWithoutAPolicy() throws {
        let uuid = try make()
        keep(seconds: 100_000)
        #expect(operate(.destroy([volume])) == .accepted)
        #expect(tell(.removePolicy(role: "db")) == .done)
        agent.failures[.destroy] = "no"
        #expect(tell(.erase(uuid, nil)) == .done)
        #expect(stage(uuid) == .erasing)
        agent.failures = [:]
        cluster.restartMaster()
        cluster.connect(agent)
        cluster.pass(seconds: 700)
        #expect(stage(uuid) == nil)
    }

    @Test func withoutAPolicyDestroyErasesAtOnce() throws {
        let uuid = try make()
        #expect(operate(.destroy([volume])) == .accepted)
        #expect(stage(uuid) == nil)
        #expect(agent.volumes.isEmpty)
    }

    /// A transaction's DESTROY would give no disk back, or take away what is protected.
    @Test func transactionsDestroyNothingIntoTheTrash() throws {
        let uuid = try make()
        let request = TransactionRequest(steps: [OfferOperation(.destroy([volume]))])
        keep()
        var refusal = cluster.call(.transact(request, agent: id))?.refusal
        #expect(refusal?.kind == .conflict)
        #expect(refusal?.message.contains("goes to the trash by its policy") == true)
        keep(seconds: 0)
        #expect(tell(.protect(uuid, true)) == .done)
        refusal = cluster.call(.transact(request, agent: id))?.refusal
        #expect(refusal?.message.contains("is protected") == true)
        #expect(stage(uuid) == .active && agent.volumes.count == 1)
        #expect(tell(.protect(uuid, false)) == .done)
        #expect(cluster.call(.transact(request, agent: id))?.refusal == nil)
        #expect(stage(uuid) == nil && agent.volumes.isEmpty)
    }

    @Test func whatIsInTheTrashIsBookedAndNobodys() throws {
        let uuid = try make()
        keep()
        let scheduler = cluster.subscribe(.test())
        #expect(scheduler.offered().contains(volume))
        #expect(operate(.destroy([volume])) == .accepted)
        #expect(stage(uuid) == .trash)
        #expect(agent.total.contains(volume) && agent.volumes.count == 1)
        cluster.pass(seconds: 10)
        let offered = scheduler.offered()
        #expect(!offered.contains(volume))
        #expect(offered.total(of: "disk") == Amount(thousandths: (10_752 - 64) * 1000))
        #expect(operate(.destroy([volume]))?.refusal?.message.contains("in the trash") == true)
        #expect(operate(.unreserve([disk(512 + 64)]))?.refusal != nil)
        #expect(operate(.create([volume]))?.refusal?.message.contains("in the trash") == true)
    }

    @Test func undeleteBringsTheSameVolumeBack() throws {
        let uuid = try make()
        keep()
        #expect(tell(.undelete(uuid))?.refusal?.kind == .conflict)
        #expect(operate(.destroy([volume])) == .accepted)
        #expect(tell(.undelete(uuid)) == .done)
        #expect(stage(uuid) == .active)
        let scheduler = cluster.subscribe(.test())
        #expect(scheduler.offered().contains(volume))
        cluster.pass(seconds: 600)
        #expect(agent.volumes.map(\.uuid) == [uuid])
        #expect(actions() == [.volumeTrashed, .volumeUndeleted])
    }

    @Test func theWindowsEndErasesIt() throws {
        let uuid = try make()
        keep(seconds: 60)
        #expect(operate(.destroy([volume])) == .accepted)
        cluster.pass(seconds: 59)
        #expect(stage(uuid) == .trash && agent.volumes.count == 1)
        #expect(cluster.master.verdict(try row(uuid)).step == .erase)
        cluster.pass(seconds: 3)
        #expect(stage(uuid) == nil && agent.volumes.isEmpty)
        let scheduler = cluster.subscribe(.test())
        #expect(scheduler.offered().total(of: "disk") == Amount(thousandths: 10_752_000))
        #expect(actions() == [.volumeTrashed, .volumeErasing, .volumeErased])
    }

    private func row(_ uuid: VolumeUUID) throws -> VolumeRow {
        try #require(cluster.master.ledger.volumes[uuid])
    }

    @Test func aPolicyOfARoleAboveCountsAndTheNearestWins() throws {
        keep("eng", seconds: 60)
        keep("eng/db", seconds: 5)
        #expect(cluster.master.policy(for: "eng/db/one")?.role == "eng/db")
        #expect(cluster.master.policy(for: "eng/web")?.role == "eng")
        #expect(cluster.master.policy(for: "engine") == nil)
        #expect(tell(.removePolicy(role: "eng/db")) == .done)
        #expect(cluster.master.policy(for: "eng/db/one")?.role == "eng")
        #expect(tell(.removePolicy(role: "eng/db"))?.refusal?.kind == .notFound)
    }

    @Test func whatMeansNothingIsRefused() throws {
        let wrong = [
            LifecyclePolicy(role: "*"), LifecyclePolicy(role: "a//b"), LifecyclePolicy(role: ""),
            LifecyclePolicy(role: "a", retentionNanoseconds: 1),
            LifecyclePolicy(role: "a", trashNanoseconds: -1),
            LifecyclePolicy(role: "a", trashNanoseconds: .max),
            LifecyclePolicy(role: "a", orphans: .unused(nanoseconds: 0)),
            LifecyclePolicy(role: "a", erasure: EraseOrder(.delete, mebibytesPerSecond: 5)),
            LifecyclePolicy(role: "a", erasure: EraseOrder(.overwrite, mebibytesPerSecond: 0)),
        ]
        for policy in wrong { #expect(tell(.setPolicy(policy))?.refusal?.kind == .invalid) }
        #expect(cluster.master.policies.isEmpty)
        let none = VolumeUUID("none")
        for call in [LifecycleCall.undelete(none), .protect(none, true), .erase(none, nil)] {
            #expect(tell(call)?.refusal?.kind == .notFound)
        }
    }

    @Test func aProtectedVolumeIsNeitherDestroyedNorShrunkNorErased() throws {
        let uuid = try make()
        #expect(tell(.protect(uuid, true)) == .done)
        for kind in [
            OfferOperation.Kind.destroy([volume]),
            .shrink(volume: volume, subtract: Amount(thousandths: 1000)),
        ] {
            #expect(operate(kind)?.refusal?.message.contains("is protected") == true)
        }
        #expect(tell(.destroyNow([volume], id))?.refusal?.kind == .conflict)
        #expect(tell(.protect(uuid, false)) == .done)
        keep(seconds: 5)
        #expect(operate(.destroy([volume])) == .accepted)
        #expect(tell(.protect(uuid, true)) == .done)
        #expect(tell(.erase(uuid, nil))?.refusal?.kind == .conflict)
        cluster.pass(seconds: 100)
        #expect(stage(uuid) == .trash)
        #expect(tell(.protect(uuid, false)) == .done)
        cluster.pass(seconds: 3)
        #expect(stage(uuid) == nil)
    }

    @Test func aPolicyProtectsUntilAVolumeIsUnprotectedByItself() throws {
        let uuid = try make()
        keep(isProtecting: true)
        #expect(operate(.destroy([volume]))?.refusal?.message.contains("policy") == true)
        #expect(tell(.protect(uuid, false)) == .done)
        #expect(operate(.destroy([volume])) == .accepted)
        #expect(stage(uuid) == .trash)
    }

    @Test func withoutItsPolicyTheTrashIsKeptUntilAnOperatorErasesIt() throws {
        let uuid = try make()
        keep(seconds: 5)
        #expect(operate(.destroy([volume])) == .accepted)
        #expect(tell(.removePolicy(role: "db")) == .done)
        cluster.pass(seconds: 1000)
        #expect(stage(uuid) == .trash)
        #expect(tell(.erase(uuid, nil)) == .done)
        #expect(stage(uuid) == nil && agent.volumes.isEmpty)
    }

    @Test func aWindowThatIsMadeShorterEndsSooner() throws {
        let uuid = try make()
        keep(seconds: 3600)
        #expect(operate(.destroy([volume])) == .accepted)
        cluster.pass(seconds: 30)
        keep(seconds: 20)
        cluster.pass(seconds: 2)
        #expect(stage(uuid) == nil)
    }

    @Test func anOverwritingPolicyLetsTheAgentOverwriteFirst() throws {
        let uuid = try make()
        keep(seconds: 0, .overwrite)
        agent.eraseFailure = "a bad block"
        #expect(operate(.destroy([volume])) == .accepted)
        cluster.pass(seconds: 2)
        #expect(stage(uuid) == .erasing)
        #expect(cluster.master.ledger.volumes[uuid]?.lifecycle.problem == "a bad block")
        #expect(agent.volumes.count == 1)
        #expect(tell(.undelete(uuid))?.refusal?.kind == .conflict)
        agent.eraseFailure = nil
        cluster.pass(seconds: 700)
        #expect(stage(uuid) == nil && agent.volumes.isEmpty)
        #expect(agent.total.total(of: "disk") == agent.base.total(of: "disk"))
    }

    @Test func aFailedDestroyLeavesItInTheTrashAndIsTriedAgain() throws {
        let uuid = try make()
        keep(seconds: 1)
        #expect(operate(.destroy([volume])) == .accepted)
        agent.failures[.destroy] = "input/output error"
        cluster.pass(seconds: 5)
        #expect(stage(uuid) == .erasing)
        #expect(cluster.master.ledger.volumes[uuid]?.lifecycle.problem == "input/output error")
        let scheduler = cluster.subscribe(.test())
        #expect(!scheduler.offered().contains(volume))
        agent.failures = [:]
        cluster.pass(seconds: 700)
        #expect(stage(uuid) == nil)
    }

    @Test func aMasterThatStartsAnewKeepsTheTrashAndWaitsABit() throws {
        var options = MasterOptions()
        options.agentReregisterTimeoutMilliseconds = 30_000
        let uuid = try make()
        keep(seconds: 60)
        #expect(operate(.destroy([volume])) == .accepted)
        // As if the wall clock had jumped: the window seems to be over at the start.
        cluster.now = cluster.now + .seconds(3600)
        cluster.restartMaster(options: options)
        cluster.connect(agent)
        cluster.pass(seconds: 25)
        #expect(stage(uuid) == .trash)
        #expect(!cluster.subscribe(.test()).offered().contains(volume))
        cluster.pass(seconds: 10)
        #expect(stage(uuid) == nil)
    }

    @Test func aFrameworkHearsThatItsDestroyIsDoneAlsoFromTheNextMaster() throws {
        keep()
        let uuid = try make()
        let scheduler = cluster.subscribe(.test(id: nil))
        let framework = try scheduler.id
        try scheduler.accept([OfferOperation(id: OperationID("gone"), .destroy([volume]))])
        #expect(stage(uuid) == .trash)
        #expect(scheduler.statuses.map(\.state) == [.finished])
        cluster.restartMaster()
        cluster.connect(agent)
        let back = cluster.subscribe(.test(id: framework))
        let status = try #require(back.statuses.first)
        #expect(status.state == .finished && status.operation.value == "gone")
        let acknowledged = try #require(status.uuid)
        try back.call(
            .acknowledgeOperationStatus(OperationID("gone"), agent: id, uuid: acknowledged))
        #expect(cluster.master.ledger.volumes[uuid]?.lifecycle.destroyed == nil)
        cluster.restartMaster()
        cluster.connect(agent)
        #expect(cluster.subscribe(.test(id: framework)).statuses.isEmpty)
    }

    @Test func volumesOfDifferentFatesAreDestroyedApart() throws {
        _ = try make()
        let other = disk(32, for: "web").volume("w")
        #expect(operate(.reserve([disk(32, for: "web")], source: [])) == .accepted)
        #expect(operate(.create([other])) == .accepted)
        keep()
        #expect(operate(.destroy([volume, other]))?.refusal?.message.contains("apart") == true)
        #expect(agent.volumes.count == 2)
    }
}
