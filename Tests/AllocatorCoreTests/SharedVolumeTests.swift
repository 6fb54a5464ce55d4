import MachineCore
import Model
import Testing

@testable import AllocatorCore

@Suite struct SharedVolumeTests {
    let volume = Make.volume("v1", disk: 10, role: "r1", isShared: true)
    let agent = AgentID("a1")

    /// Scenario: hierarchical_allocator_tests HierarchicalAllocatorTest.SharedResourcesCapability
    @Test("SharedResourcesCapability: only to who can share")
    func capability() {
        var cluster = Cluster()
        cluster.agent("a1", Make.resources(cpus: 1, mem: 64) + volume)
        cluster.framework("plain", "r1", capabilities: [])
        #expect(cluster.offers() == ["plain a1 cpus:1 mem:64"])
        cluster.framework("able", "r1", capabilities: [.sharedResources])
        #expect(cluster.offers() == ["able a1 disk(r1)[v1:data]:10"])
    }

    /// Scenario: hierarchical_allocator_tests HierarchicalAllocatorTestWithParam.AllocateSharedResources
    @Test("AllocateSharedResources: offered again while in use, with what else there is")
    func offeredWhileInUse() {
        var cluster = Cluster()
        cluster.agent("a1", Make.resources(cpus: 4, mem: 256) + volume)
        cluster.framework("f1", "r1")
        let first = cluster.allocate()
        #expect(first.map(\.text) == ["f1 a1 cpus:4 disk(r1)[v1:data]:10 mem:256"])
        let half = Make.resources(cpus: 2, mem: 128).allocated(to: "r1")
        cluster.allocator.recover(
            FrameworkID("f1"), agent: agent, resources: half, filter: nil, at: cluster.now)
        #expect(cluster.offers() == ["f1 a1 cpus:2 disk(r1)[v1:data]:10 mem:128"])
        let copies = cluster.allocator.allocated(agent, FrameworkID("f1"))
            .entry(ResourceKey(volume.with(allocationRole: "r1")))?.copies
        #expect(copies == 2)
    }

    @Test func inUseItIsNotOfferedAlone() {
        var cluster = Cluster()
        cluster.agent("a1", Resources([volume]))
        cluster.framework("f1", "r1")
        let first = cluster.allocate()
        #expect(first.count == 1)
        cluster.framework("f2", "r1")
        for _ in 0..<3 { #expect(cluster.offers() == []) }
        cluster.recover(first[0], refuseSeconds: 60)
        #expect(cluster.offers() == ["f2 a1 disk(r1)[v1:data]:10"])
    }

    @Test func itIsInOneOfferOfAPassOnly() {
        var cluster = Cluster()
        cluster.framework("f1", "r1")
        cluster.framework("f2", "r1/sub")
        cluster.agent(
            "a1",
            Make.resources(cpus: 1, mem: 64) + Make.resources(cpus: 2, role: "r1/sub") + volume)
        let offers = cluster.allocate()
        let withVolume = offers.filter { $0.resources.contains { $0.isShared } }
        #expect(withVolume.count == 1)
        #expect(offers.count == 2)
    }

    @Test func itIsInTwoOffersOfAPassWhereNothingElseIsNewToTheSecond() {
        var cluster = Cluster()
        cluster.framework("f2", "r1/sub")
        cluster.agent("a1", Make.resources(cpus: 2, role: "r1/sub"))
        let own = cluster.allocate()
        #expect(own.count == 1)
        cluster.recover(own[0], refuseSeconds: 60)
        #expect(cluster.offers() == [])
        cluster.framework("f1", "r1")
        cluster.allocator.setTotal(
            agent,
            total: Make.resources(cpus: 2, role: "r1/sub")
                + Make.resources(cpus: 1, mem: 64, role: "r1") + volume)
        #expect(
            cluster.offers() == [
                "f1 a1 cpus(r1):1 disk(r1)[v1:data]:10 mem(r1):64",
                "f2 a1 cpus(r1/sub):2 disk(r1)[v1:data]:10",
            ])
        #expect(cluster.offers() == [])
    }

    /// Scenario: hierarchical_allocator_tests HierarchicalAllocatorTest.UpdateAllocationSharedPersistentVolume
    @Test(
        "UpdateAllocationSharedPersistentVolume: made shared by an ACCEPT, then offered to others")
    func creation() throws {
        var cluster = Cluster()
        cluster.agent(
            "a1", Make.resources(cpus: 4, mem: 256) + Make.resources(disk: 10, role: "r1"))
        cluster.framework("f1", "r1")
        _ = cluster.allocate()
        try cluster.allocator.convertAllocated(
            agent, framework: FrameworkID("f1"),
            conversion: Make.creation(volume).allocated(to: "r1"))
        #expect(cluster.offers() == [])
        cluster.framework("f2", "r1")
        let half = Make.resources(cpus: 2, mem: 128).allocated(to: "r1")
        cluster.allocator.recover(
            FrameworkID("f1"), agent: agent, resources: half, filter: .seconds(60),
            at: cluster.now)
        #expect(cluster.offers() == ["f2 a1 cpus:2 disk(r1)[v1:data]:10 mem:128"])
    }

    @Test func itIsDestroyedOnlyByItsLastHolder() throws {
        var cluster = Cluster()
        cluster.agent("a1", Make.resources(cpus: 4, mem: 256) + volume)
        cluster.framework("f1", "r1")
        _ = cluster.allocate()
        cluster.framework("f2", "r1")
        let half = Make.resources(cpus: 2, mem: 128).allocated(to: "r1")
        cluster.allocator.recover(
            FrameworkID("f1"), agent: agent, resources: half, filter: .seconds(60),
            at: cluster.now)
        let second = try #require(cluster.allocate().first)
        #expect(second.framework.value == "f2")
        let destruction = Make.creation(volume).reversed
        #expect(throws: Refusal.self) {
            try cluster.allocator.convertAllocated(
                agent, framework: FrameworkID("f1"), conversion: destruction.allocated(to: "r1"))
        }
        #expect(throws: Refusal.self) {
            try cluster.allocator.convertAvailable(agent, conversion: destruction)
        }
        cluster.recover(second, refuseSeconds: 60)
        try cluster.allocator.convertAllocated(
            agent, framework: FrameworkID("f1"), conversion: destruction.allocated(to: "r1"))
        #expect(cluster.offers() == [])
    }

    @Test func itsSizeCountsOnceInAShare() {
        var cluster = Cluster()
        cluster.agent("a1", Make.resources(cpus: 4, mem: 256) + volume)
        cluster.framework("f1", "r1")
        _ = cluster.allocate()
        for _ in 0..<3 {
            let some = Make.resources(cpus: 1, mem: 64).allocated(to: "r1")
            cluster.allocator.recover(
                FrameworkID("f1"), agent: agent, resources: some, filter: nil, at: cluster.now)
            #expect(cluster.allocate().count == 1)
        }
        let held = cluster.allocator.sorter.nodes[Sorter.root].allocated
        #expect(held["disk"] == Amount(thousandths: 10_000))
    }
}
