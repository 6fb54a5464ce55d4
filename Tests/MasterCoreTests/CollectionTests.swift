import MachineCore
import Model
import Testing

@testable import MasterCore

/// What policies make of volumes that nobody wants, in time.
@Suite struct CollectionTests {
    let cluster = Cluster()
    let agent: FakeAgent
    let id: AgentID
    let volume = disk(64).volume("v")

    init() throws {
        agent = try cluster.addAgent()
        id = try #require(agent.id)
        #expect(cluster.operate(.reserve([disk(512)], source: []), on: id) == .accepted)
    }

    private func set(
        _ orphans: LifecyclePolicy.Orphans, retention: Int64? = 20, trash: Int64 = 30
    ) {
        let policy = LifecyclePolicy(
            role: "db", orphans: orphans,
            retentionNanoseconds: retention.map { $0 * 1_000_000_000 },
            trashNanoseconds: trash * 1_000_000_000)
        #expect(cluster.call(.lifecycle(.setPolicy(policy))) == .done)
    }

    /// A framework's volume.
    private func make(by scheduler: FakeScheduler) throws -> VolumeUUID {
        try scheduler.accept([OfferOperation(.create([volume]))])
        return try #require(cluster.master.ledger.volumes.keys.min())
    }

    private func state(_ uuid: VolumeUUID) -> String? {
        cluster.master.ledger.volumes[uuid]?.state
    }

    private func verdict(_ uuid: VolumeUUID) throws -> LifecycleVerdict {
        cluster.master.verdict(try #require(cluster.master.ledger.volumes[uuid]))
    }

    @Test func anOrphanStaysOneOverTheMastersRestart() throws {
        set(.unused(nanoseconds: 50_000_000_000), retention: 1000)
        #expect(cluster.operate(.create([volume]), on: id) == .accepted)
        let uuid = try #require(cluster.master.ledger.volumes.keys.min())
        cluster.pass(seconds: 60)
        #expect(state(uuid) == "orphaned")
        let since = cluster.master.ledger.volumes[uuid]?.lifecycle.sinceNanoseconds
        cluster.restartMaster()
        cluster.connect(agent)
        cluster.pass(seconds: 5)
        #expect(state(uuid) == "orphaned")
        #expect(cluster.master.ledger.volumes[uuid]?.lifecycle.sinceNanoseconds == since)
    }

    @Test func withoutAPolicyARemovedFrameworksVolumeStaysForEver() throws {
        let scheduler = cluster.subscribe(.test())
        let uuid = try make(by: scheduler)
        try scheduler.call(.teardown)
        cluster.pass(seconds: 100_000)
        #expect(state(uuid) == "active")
        #expect(try verdict(uuid).step == nil)
        #expect(try verdict(uuid).reason.contains("no policy"))
    }

    @Test func aRemovedFrameworksVolumeGoesStepByStep() throws {
        set(.ownerGone)
        let scheduler = cluster.subscribe(.test())
        let uuid = try make(by: scheduler)
        cluster.pass(seconds: 1000)
        #expect(state(uuid) == "active")
        #expect(try verdict(uuid).reason.contains("is not removed"))
        try scheduler.call(.teardown)
        cluster.pass(seconds: 2)
        #expect(state(uuid) == "orphaned")
        #expect(try verdict(uuid).step == .trash)
        cluster.pass(seconds: 15)
        #expect(state(uuid) == "orphaned")
        cluster.pass(seconds: 8)
        #expect(state(uuid) == "trash" && agent.volumes.count == 1)
        #expect(try verdict(uuid).step == .erase)
        cluster.pass(seconds: 32)
        #expect(state(uuid) == nil && agent.volumes.isEmpty)
        #expect(agent.total.total(of: "disk") == agent.base.total(of: "disk"))
    }

    @Test func aPolicyThatComesLaterCountsFromItsComing() throws {
        let scheduler = cluster.subscribe(.test())
        let uuid = try make(by: scheduler)
        try scheduler.call(.teardown)
        cluster.pass(seconds: 1000)
        set(.ownerGone)
        cluster.pass(seconds: 15)
        #expect(state(uuid) == "orphaned")
        cluster.pass(seconds: 10)
        #expect(state(uuid) == "trash")
    }

    @Test func anOperatorsVolumeHasNoOwnerThatCouldGo() throws {
        set(.ownerGone, retention: 0, trash: 0)
        #expect(cluster.operate(.create([volume]), on: id) == .accepted)
        let uuid = try #require(cluster.master.ledger.volumes.keys.min())
        cluster.pass(seconds: 1000)
        #expect(state(uuid) == "active")
        #expect(try verdict(uuid).reason.contains("operator"))
    }

    @Test func anotherFrameworksUseKeepsItFromBeingAnOrphan() throws {
        set(.ownerGone, retention: 0, trash: 0)
        let maker = cluster.subscribe(.test())
        let uuid = try make(by: maker)
        cluster.pass(seconds: 1)
        for offer in maker.offers {
            try maker.call(.decline(offers: [offer.id], refuseSeconds: 100_000))
        }
        let user = cluster.subscribe(.test())
        try user.acceptAll([
            .launch(.test("t", on: id, [.scalar("cpus", 1), volume]))
        ])
        #expect(cluster.master.ledger.volumes[uuid]?.lastUse != nil)
        try maker.call(.teardown)
        cluster.pass(seconds: 100)
        #expect(state(uuid) == "active")
        #expect(try verdict(uuid).reason.contains("task 't'"))
        try user.end("t", on: agent)
        try user.acknowledgeAll()
        cluster.pass(seconds: 100)
        #expect(state(uuid) == "active")
        try user.call(.teardown)
        cluster.pass(seconds: 5)
        #expect(state(uuid) == nil)
    }

    @Test func whatNobodyUsesIsAnOrphanUntilItIsUsedAgain() throws {
        set(.unused(nanoseconds: 50_000_000_000), retention: 1000)
        #expect(cluster.operate(.create([volume]), on: id) == .accepted)
        let uuid = try #require(cluster.master.ledger.volumes.keys.min())
        cluster.pass(seconds: 45)
        #expect(state(uuid) == "active")
        cluster.pass(seconds: 7)
        #expect(state(uuid) == "orphaned")
        let scheduler = cluster.subscribe(.test())
        try scheduler.acceptAll([
            .launch(.test("t", on: id, [.scalar("cpus", 1), volume]))
        ])
        #expect(state(uuid) == "active")
        cluster.pass(seconds: 500)
        #expect(state(uuid) == "active")
        try scheduler.end("t", on: agent)
        try scheduler.acknowledgeAll()
        // What lies in an offer is not unused.
        try scheduler.call(.suppress(roles: []))
        try scheduler.call(.decline(offers: scheduler.offers.map(\.id), refuseSeconds: 0))
        cluster.pass(seconds: 45)
        #expect(state(uuid) == "active")
        cluster.pass(seconds: 20)
        #expect(state(uuid) == "orphaned")
    }

    @Test func anOrphanInAnOfferIsTakenBackFromIt() throws {
        set(.unused(nanoseconds: 5_000_000_000), retention: 30, trash: 1000)
        #expect(cluster.operate(.create([volume]), on: id) == .accepted)
        let uuid = try #require(cluster.master.ledger.volumes.keys.min())
        cluster.pass(seconds: 8)
        #expect(state(uuid) == "orphaned")
        let scheduler = cluster.subscribe(.test())
        #expect(scheduler.offered().contains(volume))
        cluster.pass(seconds: 40)
        #expect(state(uuid) == "trash")
        #expect(!scheduler.offered().contains(volume))
    }

    @Test func aPolicyThatIsTakenBackMakesNoOrphansAnyMore() throws {
        set(.unused(nanoseconds: 5_000_000_000), retention: 30)
        #expect(cluster.operate(.create([volume]), on: id) == .accepted)
        let uuid = try #require(cluster.master.ledger.volumes.keys.min())
        cluster.pass(seconds: 8)
        #expect(state(uuid) == "orphaned")
        #expect(cluster.call(.lifecycle(.removePolicy(role: "db"))) == .done)
        cluster.pass(seconds: 1000)
        #expect(state(uuid) == "active")
    }

    @Test func aProtectedOrphanAndOneOfAnAbsentAgentStay() throws {
        set(.unused(nanoseconds: 5_000_000_000), retention: 10, trash: 0)
        #expect(cluster.operate(.create([volume]), on: id) == .accepted)
        let uuid = try #require(cluster.master.ledger.volumes.keys.min())
        #expect(cluster.call(.lifecycle(.protect(uuid, true))) == .done)
        cluster.pass(seconds: 100)
        #expect(state(uuid) == "active")
        #expect(try verdict(uuid).reason.contains("protected"))
        cluster.disconnect(agent)
        #expect(cluster.call(.lifecycle(.protect(uuid, false))) == .done)
        cluster.pass(seconds: 20)
        #expect(try verdict(uuid).step == nil)
        #expect(try verdict(uuid).reason.contains("its agent is disconnected"))
        #expect(state(uuid) == "active" && agent.volumes.count == 1)
        cluster.connect(agent)
        cluster.pass(seconds: 15)
        #expect(state(uuid) == nil)
    }

    @Test func aForgottenFrameworkIsStillKnownToBeGone() throws {
        var options = MasterOptions()
        options.limits.completedFrameworks = 1
        let cluster = Cluster(options: options)
        let agent = try cluster.addAgent()
        let id = try #require(agent.id)
        #expect(cluster.operate(.reserve([disk(512)], source: []), on: id) == .accepted)
        let scheduler = cluster.subscribe(.test())
        try scheduler.accept([OfferOperation(.create([volume]))])
        #expect(agent.volumes.count == 1)
        try scheduler.call(.teardown)
        for _ in 0..<2 { try cluster.subscribe(.test()).call(.teardown) }
        let gone = try scheduler.id
        #expect(!cluster.master.ledger.frameworkRows.contains { $0.description.id == gone })
        let policy = LifecyclePolicy(
            role: "db", orphans: .ownerGone, retentionNanoseconds: 0, trashNanoseconds: 0)
        #expect(cluster.call(.lifecycle(.setPolicy(policy))) == .done)
        cluster.pass(seconds: 5)
        #expect(agent.volumes.isEmpty)
    }

    @Test func collectingByHandDoesOnlyWhatIsDue() throws {
        set(.unused(nanoseconds: 5_000_000_000), retention: 10, trash: 10)
        #expect(cluster.operate(.create([volume]), on: id) == .accepted)
        let uuid = try #require(cluster.master.ledger.volumes.keys.min())
        #expect(cluster.call(.lifecycle(.collect)) == .done)
        #expect(state(uuid) == "active")
        cluster.now = cluster.now + .seconds(6)
        #expect(cluster.call(.lifecycle(.collect)) == .done)
        #expect(state(uuid) == "orphaned")
    }
}
