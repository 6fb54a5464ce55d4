import MachineCore
import Model
import Testing

@testable import AllocatorCore

@Suite struct FilterTests {
    let id = FrameworkID("f1")

    func oneOffer(_ resources: Resources = Make.resources(cpus: 2, mem: 1024)) -> (
        Cluster, [Allocation]
    ) {
        var cluster = Cluster()
        cluster.framework("f1", "r1")
        cluster.agent("a1", resources)
        let allocations = cluster.allocate()
        return (cluster, allocations)
    }

    /// Scenario: hierarchical_allocator_tests HierarchicalAllocatorTest.OfferFilter
    @Test("OfferFilter: what was refused comes back when the time is over, not before")
    func filterRunsOut() {
        var (cluster, offers) = oneOffer()
        cluster.recover(offers[0], refuseSeconds: 5)
        #expect(cluster.offers() == [])
        #expect(cluster.allocator.deadline == cluster.now + .seconds(5))
        cluster.advance(milliseconds: 4999)
        #expect(cluster.offers() == [])
        cluster.advance(milliseconds: 1)
        #expect(cluster.offers() == ["f1 a1 cpus:2 mem:1024"])
        #expect(cluster.allocator.deadline == nil)
    }

    /// Scenario: hierarchical_allocator_tests HierarchicalAllocatorTest.SmallOfferFilterTimeout
    @Test("SmallOfferFilterTimeout: a time below any interval is kept")
    func shortFilter() {
        var (cluster, offers) = oneOffer()
        cluster.recover(offers[0], refuseSeconds: 0.003)
        #expect(cluster.offers() == [])
        #expect(cluster.allocator.deadline == cluster.now + .milliseconds(3))
        cluster.advance(milliseconds: 3)
        #expect(cluster.offers() == ["f1 a1 cpus:2 mem:1024"])
    }

    /// Scenario: hierarchical_allocator_tests HierarchicalAllocatorTest.OfferFilter
    @Test("OfferFilter: more than was refused is offered, less is not")
    func filterBlocksPartsOnly() {
        var (cluster, offers) = oneOffer()
        let part = Make.resources(cpus: 1, mem: 512).allocated(to: "r1")
        cluster.allocator.recover(
            id, agent: AgentID("a1"), resources: part, filter: .seconds(60), at: cluster.now)
        #expect(cluster.offers() == [])
        cluster.allocator.recover(
            id, agent: AgentID("a1"), resources: part, filter: nil, at: cluster.now)
        #expect(cluster.offers() == ["f1 a1 cpus:2 mem:1024"])
        #expect(offers[0].resources == part + part)
    }

    @Test func aFilterIsOfOneFrameworkRoleAndAgent() {
        var (cluster, offers) = oneOffer()
        cluster.recover(offers[0], refuseSeconds: 60)
        #expect(cluster.offers() == [])
        cluster.agent("a2", Make.resources(cpus: 2, mem: 1024))
        #expect(cluster.offers() == ["f1 a2 cpus:2 mem:1024"])
        cluster.framework("f1", "r1", "r2")
        let other = cluster.allocate()
        #expect(other.map(\.role) == ["r2"])
        cluster.recover(other[0], refuseSeconds: 60)
        cluster.framework("f2", "r1")
        #expect(cluster.offers() == ["f2 a1 cpus:2 mem:1024"])
    }

    /// Scenario: hierarchical_allocator_tests HierarchicalAllocatorTest.RemoveFilters
    @Test("RemoveFilters: REVIVE clears filters, in the named roles only")
    func reviveClears() {
        var cluster = Cluster()
        cluster.framework("f1", "r1", "r2")
        cluster.agent("a1", Make.resources(cpus: 2, mem: 1024))
        for _ in 0..<2 { cluster.recover(cluster.allocate()[0], refuseSeconds: 60) }
        #expect(cluster.offers() == [])
        cluster.allocator.revive(id, roles: ["r2"])
        let again = cluster.allocate()
        #expect(again.map(\.role) == ["r2"])
        cluster.recover(again[0], refuseSeconds: 60)
        cluster.allocator.revive(id, roles: [])
        #expect(cluster.allocate().count == 1)
    }

    @Test func filtersOfAnAgentGoWithIt() {
        var (cluster, offers) = oneOffer()
        cluster.recover(offers[0], refuseSeconds: 60)
        cluster.allocator.removeAgent(AgentID("a1"))
        #expect(cluster.allocator.deadline == nil)
        cluster.agent("a1", Make.resources(cpus: 2, mem: 1024))
        #expect(cluster.allocate().count == 1)
    }

    @Test func filtersOfAFrameworkGoWithItsConnection() {
        var (cluster, offers) = oneOffer()
        cluster.recover(offers[0], refuseSeconds: 60)
        cluster.allocator.setFrameworkActive(id, false)
        #expect(cluster.offers() == [])
        cluster.allocator.setFrameworkActive(id, true)
        #expect(cluster.allocate().count == 1)
    }

    @Test func aLargerFilterReplacesASmallerOne() {
        var (cluster, offers) = oneOffer()
        let part = Make.resources(cpus: 1).allocated(to: "r1")
        for _ in 0..<2 {
            cluster.allocator.recover(
                id, agent: AgentID("a1"), resources: part, filter: .seconds(60), at: cluster.now)
        }
        let whole = cluster.allocate()
        #expect(whole.map(\.text) == ["f1 a1 cpus:2"])
        cluster.recover(whole[0], refuseSeconds: 60)
        #expect(cluster.allocator.filterCount == 1)
        #expect(offers.count == 1)
    }

    @Test func filtersAreBounded() {
        var cluster = Cluster { $0.filtersPerFramework = 3 }
        cluster.framework("f1", "r1")
        for index in 0..<5 { cluster.agent("a\(index)", Make.resources(cpus: 1, mem: 64)) }
        for (index, offer) in cluster.allocate().enumerated() {
            cluster.recover(offer, refuseSeconds: Double(60 + index))
        }
        #expect(cluster.allocator.filterCount == 3)
        #expect(cluster.offers() == [], "more filters than it may have: nothing until one ends")
        cluster.advance(milliseconds: 60_000)
        #expect(cluster.offers().count == 3, "the first filter's agent and the two without one")
    }

    @Test func timersOfClearedFiltersDoNotPileUp() {
        var (cluster, offers) = oneOffer()
        for _ in 0..<5000 {
            cluster.recover(offers[0], refuseSeconds: 86_400)
            cluster.allocator.revive(id, roles: [])
            offers = cluster.allocator.allocate(at: cluster.now)
        }
        #expect(offers.count == 1)
        #expect(cluster.allocator.timers.count < 200)
    }

    @Test func timersLeaveInOrder() {
        var generator = SeededGenerator(seed: 5)
        var timers = FilterTimers()
        for sequence in 0..<500 {
            timers.insert(
                FilterTimers.Timer(
                    expiry: Instant(nanoseconds: Int64(generator.below(100))),
                    sequence: UInt64(sequence), client: 0, agent: 0))
        }
        timers.keep { $0.sequence % 2 == 0 }
        var last = FilterTimers.Timer(
            expiry: Instant(nanoseconds: -1), sequence: 0, client: 0, agent: 0)
        var count = 0
        while let timer = timers.first {
            #expect(last.precedes(timer))
            last = timer
            timers.removeFirst()
            count += 1
        }
        #expect(count == 250)
    }
}
