import MachineCore
import Model
import Testing

@testable import AllocatorCore

@Suite struct RoleTests {
    /// Scenario: hierarchical_allocator_tests HierarchicalAllocatorTest.Reservations
    @Test("Reservations: to their own role only")
    func reservationsGoToTheirRole() {
        var cluster = Cluster()
        cluster.agent("a1", Make.resources(cpus: 2, mem: 1024, role: "r1"))
        cluster.agent(
            "a2", Make.resources(cpus: 1, mem: 512) + Make.resources(cpus: 1, mem: 512, role: "r2"))
        cluster.framework("f2", "r2")
        #expect(cluster.offers() == ["f2 a2 cpus(r2):1 cpus:1 mem(r2):512 mem:512"])
        cluster.framework("f1", "r1")
        #expect(cluster.offers() == ["f1 a1 cpus(r1):2 mem(r1):1024"])
    }

    /// Scenario: hierarchical_allocator_tests HierarchicalAllocatorTest.OfferAncestorReservationsToDescendantChild
    @Test("OfferAncestorReservationsToDescendantChild")
    func ancestorsReservations() {
        var cluster = Cluster()
        cluster.agent("a1", Make.resources(cpus: 4, mem: 1024, role: "a/b"))
        cluster.framework("above", "a")
        cluster.framework("beside", "a/bc")
        #expect(cluster.offers() == [], "neither the parent nor a role of like name may have it")
        cluster.framework("below", "a/b/c/d")
        #expect(cluster.offers() == ["below a1 cpus(a/b):4 mem(a/b):1024"])
    }

    @Test func aSubroleGetsItsOwnAndItsAncestors() {
        var cluster = Cluster()
        cluster.agent(
            "a1",
            Make.resources(cpus: 1, role: "a") + Make.resources(mem: 2, role: "a/b")
                + Make.resources(disk: 3, role: "b") + Make.resources(cpus: 4))
        cluster.framework("f", "a/b")
        #expect(cluster.offers() == ["f a1 cpus(a):1 cpus:4 mem(a/b):2"])
    }

    @Test func reservationsOfARoleReachItAfterTheRestWasTaken() {
        var cluster = Cluster()
        cluster.framework("poor", "r1")
        cluster.framework("owner", "r2")
        cluster.agent("a1", Make.resources(cpus: 1, mem: 64) + Make.resources(cpus: 2, role: "r2"))
        #expect(cluster.offers() == ["poor a1 cpus:1 mem:64", "owner a1 cpus(r2):2"])
    }

    /// Scenario: hierarchical_allocator_tests HierarchicalAllocatorTest.FrameworkLoopMESOS_9554
    @Test("FrameworkLoopMESOS_9554: one who can't have it does not keep it from the next")
    func oneWhoCanNotHaveIt() {
        var cluster = Cluster()
        // f1 comes first but wants only what is reserved; the rest is below the minimum.
        cluster.framework("f1", "r1")
        cluster.framework("f2", "r2")
        cluster.agent("a1", Make.resources(disk: 100) + Make.resources(cpus: 1, role: "r2"))
        #expect(cluster.offers() == ["f2 a1 cpus(r2):1 disk:100"])
    }

    /// Scenario: hierarchical_allocator_tests HierarchicalAllocatorTest.NonScalarReservationTrackingMESOS_9555
    @Test("NonScalarReservationTrackingMESOS_9555: reserved ports")
    func reservedPorts() throws {
        var cluster = Cluster()
        let ports = Make.resources(ports: 31000...31009, role: "r1")
        cluster.framework("f1", "r1")
        cluster.agent("a1", ports + Make.resources(cpus: 1, mem: 64))
        let offer = try #require(cluster.allocate().first)
        #expect(offer.text == "f1 a1 cpus:1 mem:64 ports(r1):[31000-31009]")
        let some = Make.resources(ports: 31002...31003, role: "r1").allocated(to: "r1")
        cluster.allocator.recover(
            offer.framework, agent: offer.agent, resources: some, filter: nil, at: cluster.now)
        #expect(cluster.offers() == ["f1 a1 ports(r1):[31002-31003]"])
        cluster.allocator.removeAgent(offer.agent)
        #expect(cluster.offers() == [])
    }

    @Test func frameworksOfTheDefaultRoleGetWhatNobodyReserved() {
        var cluster = Cluster()
        cluster.framework("f", "*")
        cluster.agent("a1", Make.resources(cpus: 1, mem: 64) + Make.resources(cpus: 2, role: "r"))
        #expect(cluster.offers() == ["f a1 cpus:1 mem:64"])
    }

    @Test func rolesWithoutFrameworksLeaveTheTree() {
        var cluster = Cluster()
        cluster.framework("f1", "a/b/c")
        cluster.framework("f2", "a")
        cluster.agent("a1", Make.resources(cpus: 1, mem: 64))
        let offers = cluster.allocate()
        cluster.allocator.removeFramework(FrameworkID("f1"))
        cluster.allocator.removeFramework(FrameworkID("f2"))
        for offer in offers { cluster.recover(offer) }
        #expect(cluster.offers() == [])
        #expect(cluster.allocator.sorter.nodes.count == 1)
        #expect(cluster.allocator.clients.count == 0)
        #expect(cluster.allocator.frameworks.count == 0)
    }
}
