import Model
import Testing

@testable import MasterCore

/// A framework's persistent volumes, made, used, resized and destroyed in answer to offers.
@Suite struct VolumeTests {
    let cluster = Cluster()
    let agent: FakeAgent
    let id: AgentID
    let scheduler: FakeScheduler
    let volume = disk(64).volume("v")
    let shared = disk(16).volume("s", isShared: true)
    let cpu = Resource.scalar("cpus", 1)

    init() throws {
        agent = try cluster.addAgent()
        id = try #require(agent.id)
        scheduler = cluster.subscribe(.test())
        try scheduler.acceptAll([OfferOperation(.reserve([disk(256)], source: []))])
    }

    private func create(_ volume: Resource) -> OfferOperation {
        OfferOperation(.create([volume]))
    }

    private func task(_ name: String, _ resources: Resource...) -> TaskDescription {
        .test(name, on: id, [cpu] + resources)
    }

    /// Scenario: persistent_volume_tests PersistentVolumeTest.GrowVolume
    @Test func aGrownVolumeIsOfferedAndUsed() throws {
        try scheduler.acceptAll([create(volume)])
        try scheduler.acceptAll([OfferOperation(.grow(volume: volume, addition: disk(32)))])
        let grown = disk(96).volume("v")
        let offered = scheduler.offered()
        #expect(offered.contains(grown) && offered.contains(disk(160)))
        #expect(!offered.contains(disk(161)))
        try scheduler.acceptAll([.launch(task("t", grown))])
        #expect(scheduler.updates.map(\.state) == [.running])
        #expect(agent.volumes.map(\.resource) == [grown])
    }

    /// Scenario: persistent_volume_tests PersistentVolumeTest.ShrinkVolume
    @Test func aShrunkVolumeIsOfferedAndUsed() throws {
        try scheduler.acceptAll([create(volume)])
        let less = try #require(Amount(24))
        try scheduler.acceptAll([OfferOperation(.shrink(volume: volume, subtract: less))])
        let shrunk = disk(40).volume("v")
        let offered = scheduler.offered()
        #expect(offered.contains(shrunk) && offered.contains(disk(216)))
        try scheduler.acceptAll([.launch(task("t", shrunk))])
        #expect(scheduler.updates.map(\.state) == [.running])
        #expect(agent.volumes.map(\.resource) == [shrunk])
    }

    /// Scenario: persistent_volume_tests PersistentVolumeTest.NonSpeculativeGrowAndLaunch
    /// Scenario: persistent_volume_tests PersistentVolumeTest.NonSpeculativeShrinkAndLaunch
    @Test(arguments: [96, 40] as [Int64])
    func aResizedVolumeIsNotUsedInTheSameAccept(_ size: Int64) throws {
        let resized = disk(size).volume("v")
        let less = try #require(Amount(24))
        let resize: OfferOperation.Kind =
            size > 64
            ? .grow(volume: volume, addition: disk(32)) : .shrink(volume: volume, subtract: less)
        try scheduler.acceptAll([
            create(volume), OfferOperation(resize),
            .launch(task("new", resized), task("old", volume)), .launch(task("none")),
        ])
        #expect(scheduler.updates.map(\.state) == [.error, .error, .running])
        let offered = scheduler.offered()
        #expect(offered.contains(resized))
        #expect(offered.total(of: "disk") == agent.total.total(of: "disk"))
        try scheduler.acceptAll([.launch(task("then", resized))])
        #expect(scheduler.updates.last?.state == .running)
    }

    /// Scenario: persistent_volume_tests PersistentVolumeTest.MasterFailover
    @Test func anotherMasterOffersTheVolume() throws {
        try scheduler.acceptAll([create(volume)])
        cluster.restartMaster()
        #expect(cluster.master.volumeRows.map(\.standing) == [.active])
        cluster.connect(agent)
        let back = cluster.subscribe(.test(id: try scheduler.id))
        #expect(back.offered().contains(volume))
        try back.acceptAll([.launch(task("t", volume))])
        #expect(back.updates.map(\.state) == [.running])
    }

    /// Scenario: persistent_volume_tests PersistentVolumeTest.SharedPersistentVolumeRescindOnDestroy
    @Test func destroyingASharedVolumeRescindsItsOtherOffers() throws {
        try scheduler.acceptAll([create(shared)])
        try scheduler.acceptAll([.launch(task("t", shared))])
        let other = cluster.subscribe(.test())
        try scheduler.call(
            .decline(offers: scheduler.offers.map(\.id), refuseSeconds: 0.5))
        cluster.pass(seconds: 0.1)
        let held = try #require(other.offers.first { $0.resources.contains { $0.isShared } })
        cluster.pass(seconds: 1)
        try scheduler.end("t", on: agent)
        cluster.pass(seconds: 0.1)
        let mine = try #require(
            scheduler.offers.first { $0.resources.contains { $0.isShared } })
        try scheduler.call(
            .accept(
                offers: [mine.id],
                operations: [OfferOperation(id: OperationID("op"), .destroy([shared]))],
                refuseSeconds: 0))
        #expect(scheduler.statuses.map(\.state) == [.finished])
        #expect(other.events.contains(.rescind(held.id)))
        #expect(agent.volumes.isEmpty)
        #expect(scheduler.offered().adding(other.offered()) == agent.total)
    }

    /// Scenario: persistent_volume_tests PersistentVolumeTest.SharedPersistentVolumeMultipleFrameworks
    @Test func frameworksOfARoleUseOneSharedVolumeAtOnce() throws {
        try scheduler.acceptAll([create(shared)])
        try scheduler.acceptAll([.launch(task("one", shared))])
        let other = cluster.subscribe(.test())
        try scheduler.call(.suppress(roles: []))
        try scheduler.call(.decline(offers: scheduler.offers.map(\.id), refuseSeconds: 0))
        #expect(other.offered().contains(shared))
        try other.acceptAll([.launch(task("two", shared))])
        #expect(scheduler.updates.map(\.state) == [.running])
        #expect(other.updates.map(\.state) == [.running])
        let used = try #require(cluster.master.agentView(id)?.allocated)
        #expect(used.total(of: "cpus") == Amount(2))
        #expect(used.total(of: "disk") == shared.amount, "it counts once")
    }

    /// Scenario: persistent_volume_tests PersistentVolumeTest.SharedPersistentVolumeMasterFailover
    @Test func anotherMasterOffersASharedVolumeThatIsInUse() throws {
        try scheduler.acceptAll([create(shared)])
        try scheduler.acceptAll([.launch(task("one", shared), task("two", shared))])
        cluster.restartMaster()
        cluster.connect(agent)
        let back = cluster.subscribe(.test(id: try scheduler.id))
        #expect(cluster.master.framework(try back.id)?.tasks.count == 2)
        #expect(back.offered().contains(shared))
        try back.acceptAll([.launch(task("three", shared))])
        #expect(back.updates.last?.state == .running)
    }

    /// Scenario: persistent_volume_tests PersistentVolumeTest.DestroyPersistentVolumeMultipleTasks
    @Test("MESOS-6444: a volume is destroyed while tasks use a shared one beside it")
    func destroyBesideASharedVolumeInUse() throws {
        try scheduler.acceptAll([create(volume), create(shared)])
        try scheduler.acceptAll([.launch(task("one", shared), task("two", shared))])
        try scheduler.acceptAll([
            OfferOperation(id: OperationID("own"), .destroy([volume])),
            OfferOperation(id: OperationID("shared"), .destroy([shared])),
        ])
        #expect(Set(scheduler.statuses.map(\.state)) == [.finished, .error])
        #expect(agent.volumes.map(\.resource) == [shared])
        #expect(scheduler.updates.map(\.state) == [.running, .running])
    }

    /// Scenario: persistent_volume_tests PersistentVolumeTest.SharedPersistentVolumeMultipleIterations
    @Test func volumesAreMadeAndUsedInOneAcceptAfterAnother() throws {
        for number in 1...3 {
            let fresh = disk(16).volume("s\(number)", isShared: true)
            try scheduler.acceptAll([
                create(fresh), .launch(task("a\(number)", fresh), task("b\(number)", fresh)),
            ])
        }
        #expect(scheduler.updates.map(\.state) == Array(repeating: .running, count: 6))
        let all = (1...3).map { disk(16).volume("s\($0)", isShared: true) }
        let offered = scheduler.offered()
        #expect(all.allSatisfy { offered.contains($0) })
        try scheduler.acceptAll([.launch(task("c", all[0], all[1], all[2]))])
        #expect(scheduler.updates.last?.state == .running)
    }

    @Test func aVolumeOfAnAgentThatIsAwayIsListedAndComesBack() throws {
        try scheduler.acceptAll([create(volume)])
        cluster.disconnect(agent)
        cluster.pass(seconds: 91)
        #expect(cluster.master.volumeRows.map(\.standing) == [.active])
        cluster.connect(agent)
        #expect(scheduler.offered().contains(volume))
    }
}
