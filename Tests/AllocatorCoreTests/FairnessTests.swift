import MachineCore
import Model
import Testing

@testable import AllocatorCore

@Suite struct FairnessTests {
    /// Scenario: hierarchical_allocator_tests HierarchicalAllocatorTest.UnreservedDRF
    @Test("UnreservedDRF: the role with the least share, in it the framework with the least")
    func unreserved() {
        var cluster = Cluster()
        cluster.framework("f1", "r1")
        cluster.agent("a1", Make.resources(cpus: 2, mem: 1024))
        #expect(cluster.offers() == ["f1 a1 cpus:2 mem:1024"])
        cluster.framework("f2", "r2")
        cluster.agent("a2", Make.resources(cpus: 1, mem: 512))
        #expect(cluster.offers() == ["f2 a2 cpus:1 mem:512"])
        // r1 holds 2 of 6 cpus, r2 1 of 6.
        cluster.agent("a3", Make.resources(cpus: 3, mem: 2048))
        #expect(cluster.offers() == ["f2 a3 cpus:3 mem:2048"])
        // r1 has less; of its frameworks f3 has nothing yet.
        cluster.framework("f3", "r1")
        cluster.agent("a4", Make.resources(cpus: 4, mem: 4096))
        #expect(cluster.offers() == ["f3 a4 cpus:4 mem:4096"])
        // r1 holds 6 of 11 cpus, r2 4 of 11: a newcomer in r1 waits for r2.
        cluster.framework("f4", "r1")
        cluster.agent("a5", Make.resources(cpus: 1, mem: 512))
        #expect(cluster.offers() == ["f2 a5 cpus:1 mem:512"])
        cluster.allocator.removeFramework(FrameworkID("f2"))
        cluster.agent("a6", Make.resources(cpus: 1, mem: 512))
        #expect(cluster.offers() == ["f4 a6 cpus:1 mem:512"])
    }

    /// Scenario: hierarchical_allocator_tests HierarchicalAllocatorTest.ReservedDRF
    @Test("ReservedDRF: what is reserved goes to its role; allocated, it counts in the share")
    func reserved() {
        var cluster = Cluster()
        cluster.agent(
            "a1", Make.resources(cpus: 1, mem: 512) + Make.resources(mem: 512, role: "r1"))
        cluster.framework("f1", "r1")
        #expect(cluster.offers() == ["f1 a1 cpus:1 mem(r1):512 mem:512"])
        cluster.agent("a2", Make.resources(cpus: 2, mem: 512))
        cluster.framework("f2", "r2")
        #expect(cluster.offers() == ["f2 a2 cpus:2 mem:512"])
        // r2 has the larger share, but this is reserved for it.
        cluster.agent("a3", Make.resources(cpus: 3, mem: 512, role: "r2"))
        #expect(cluster.offers() == ["f2 a3 cpus(r2):3 mem(r2):512"])
        cluster.framework("f3", "r1")
        cluster.agent("a4", Make.resources(cpus: 4, mem: 4096))
        #expect(cluster.offers() == ["f3 a4 cpus:4 mem:4096"])
    }

    /// Scenario: hierarchical_allocator_tests HierarchicalAllocatorTest.DRFWithFairnessExclusion
    @Test("DRFWithFairnessExclusion: an excluded name does not count")
    func excludedNames() {
        var cluster = Cluster { $0.excludedResourceNames = ["gpus"] }
        cluster.framework("f1", "r1")
        cluster.agent("a1", Make.resources(cpus: 2, mem: 512, gpus: 8))
        _ = cluster.allocate()
        cluster.framework("f2", "r2")
        cluster.agent("a2", Make.resources(cpus: 4, mem: 1024))
        #expect(cluster.offers() == ["f2 a2 cpus:4 mem:1024"])
        // r1 has all gpus but a third of the rest.
        cluster.agent("a3", Make.resources(cpus: 1, mem: 256))
        #expect(cluster.offers() == ["f1 a3 cpus:1 mem:256"])
    }

    /// Scenario: hierarchical_allocator_tests HierarchicalAllocatorTest.NestedRoleDRF
    @Test("NestedRoleDRF: siblings share what their parent gets")
    func nestedRoles() {
        var cluster = Cluster()
        cluster.framework("ab", "a/b")
        cluster.agent("a1", Make.resources(cpus: 10, mem: 10))
        #expect(cluster.offers() == ["ab a1 cpus:10 mem:10"])
        cluster.framework("ac", "a/c")
        cluster.framework("d", "d")
        // a holds everything.
        cluster.agent("a2", Make.resources(cpus: 5, mem: 5))
        #expect(cluster.offers() == ["d a2 cpus:5 mem:5"])
        // d holds less than a.
        cluster.agent("a3", Make.resources(cpus: 6, mem: 6))
        #expect(cluster.offers() == ["d a3 cpus:6 mem:6"])
        // a holds 10, d 11; in a, c has nothing.
        cluster.agent("a4", Make.resources(cpus: 5, mem: 5))
        #expect(cluster.offers() == ["ac a4 cpus:5 mem:5"])
    }

    @Test func frameworksOfARoleCompeteWithItsSubroles() {
        var cluster = Cluster()
        cluster.framework("parent", "eng")
        cluster.framework("child", "eng/db")
        for index in 0..<4 { cluster.agent("a\(index)", Make.resources(cpus: 1, mem: 64)) }
        let served = cluster.allocate().map(\.framework.value)
        #expect(served == ["parent", "child", "parent", "child"])
    }

    /// Scenario: hierarchical_allocator_tests HierarchicalAllocatorTest.CoarseGrained
    @Test("CoarseGrained: a framework alone gets all of several agents")
    func coarseGrained() {
        var cluster = Cluster()
        cluster.agent("a1", Make.resources(cpus: 2, mem: 1024))
        cluster.agent("a2", Make.resources(cpus: 2, mem: 1024))
        cluster.framework("f1", "r1")
        #expect(cluster.offers() == ["f1 a1 cpus:2 mem:1024", "f1 a2 cpus:2 mem:1024"])
    }

    @Test func competingFrameworksGetDifferentAgentsInOnePass() {
        var cluster = Cluster()
        for index in 0..<6 { cluster.agent("a\(index)", Make.resources(cpus: 2, mem: 1024)) }
        for name in ["f1", "f2", "f3"] { cluster.framework(name, "r1") }
        let served = cluster.allocate().map(\.framework.value)
        #expect(served == ["f1", "f2", "f3", "f1", "f2", "f3"])
    }

    /// Scenario: hierarchical_allocator_tests HierarchicalAllocatorTest.SameShareFairness
    @Test("SameShareFairness: equal shares take turns")
    func equalShares() {
        var cluster = Cluster()
        cluster.framework("f1", "r1")
        cluster.framework("f2", "r1")
        cluster.agent("a1", Make.resources(cpus: 2, mem: 1024))
        var served: [String] = []
        for _ in 0..<10 {
            for allocation in cluster.allocate() {
                served.append(allocation.framework.value)
                cluster.recover(allocation)
            }
        }
        #expect(served == Array(repeatElement(["f1", "f2"], count: 5).joined()))
    }

    @Test func aNewcomerTakesOneTurnAndNotAllThatOthersHad() {
        var cluster = Cluster()
        cluster.framework("f1", "r1")
        cluster.agent("a1", Make.resources(cpus: 2, mem: 1024))
        for _ in 0..<5 { for allocation in cluster.allocate() { cluster.recover(allocation) } }
        cluster.framework("f2", "r1")
        var served: [String] = []
        for _ in 0..<4 {
            for allocation in cluster.allocate() {
                served.append(allocation.framework.value)
                cluster.recover(allocation)
            }
        }
        #expect(served == ["f2", "f1", "f2", "f1"])
    }

    /// Scenario: hierarchical_allocator_tests HierarchicalAllocatorTest.UpdateWeight
    @Test("UpdateWeight: a role of weight 2 gets twice as much")
    func weights() {
        var cluster = Cluster { $0.weights = ["r2": Amount(thousandths: 2000)] }
        cluster.framework("f1", "r1")
        cluster.framework("f2", "r2")
        for index in 0..<9 { cluster.agent("a\(index)", Make.resources(cpus: 2, mem: 1024)) }
        let allocations = cluster.allocate()
        #expect(allocations.count { $0.framework.value == "f1" } == 3)
        #expect(allocations.count { $0.framework.value == "f2" } == 6)
    }

    @Test("UpdateWeight: weights apply at every level of the tree")
    func weightsOfSubroles() {
        var cluster = Cluster { $0.weights = ["eng/db": Amount(thousandths: 3000)] }
        cluster.framework("db", "eng/db")
        cluster.framework("web", "eng/web")
        for index in 0..<8 { cluster.agent("a\(index)", Make.resources(cpus: 1, mem: 64)) }
        #expect(cluster.allocate().count { $0.role == "eng/db" } == 6)
    }

    /// Scenario: hierarchical_allocator_tests HierarchicalAllocatorTest.NoDoubleAccounting
    @Test("NoDoubleAccounting: subscribing again and again counts once")
    func noDoubleAccounting() {
        var cluster = Cluster()
        cluster.framework("f1", "r1")
        cluster.agent("a1", Make.resources(cpus: 1, mem: 64))
        cluster.agent("a2", Make.resources(cpus: 1, mem: 64))
        #expect(cluster.allocate().count == 2)
        for _ in 0..<3 { cluster.framework("f1", "r1") }
        #expect(cluster.offers() == [])
        cluster.allocator.removeFramework(FrameworkID("f1"))
        cluster.framework("f1", "r1")
        #expect(cluster.offers() == [])
    }

    @Test("AddAgentWithUnknownFramework: tasks of frameworks that are not back yet count")
    func unknownFramework() {
        var cluster = Cluster()
        let half = Make.resources(cpus: 1, mem: 512)
        cluster.allocator.addAgent(
            AgentID("a1"), total: half + half,
            used: [(FrameworkID("f1"), half.allocated(to: "r1"))])
        cluster.framework("f2", "r2")
        cluster.framework("f3", "r1")
        #expect(cluster.offers() == ["f2 a1 cpus:1 mem:512"])
        cluster.agent("a2", half + half)
        // r1 and r2 hold the same, r1 was never served; in r1, f3 holds less than f1.
        cluster.framework("f1", "r1")
        #expect(cluster.offers() == ["f3 a2 cpus:2 mem:1024"])
    }
}
