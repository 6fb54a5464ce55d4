import MachineCore
import Model
import Testing

@testable import AllocatorCore

@Suite struct SuppressionTests {
    let id = FrameworkID("f1")

    /// Scenario: hierarchical_allocator_tests HierarchicalAllocatorTest.SuppressAndReviveOffers
    @Test("SuppressAndReviveOffers: nothing until revived, then at once")
    func suppressAndRevive() {
        var cluster = Cluster()
        cluster.framework("f1", "r1")
        cluster.agent("a1", Make.resources(cpus: 2, mem: 1024))
        cluster.recover(cluster.allocate()[0])
        cluster.allocator.suppress(id, roles: [])
        #expect(cluster.offers() == [])
        cluster.agent("a2", Make.resources(cpus: 1, mem: 64))
        #expect(cluster.offers() == [])
        cluster.allocator.revive(id, roles: [])
        #expect(cluster.offers() == ["f1 a1 cpus:2 mem:1024", "f1 a2 cpus:1 mem:64"])
    }

    /// Scenario: hierarchical_allocator_tests HierarchicalAllocatorTest.SuppressAndReviveOffersWithMultiRole
    @Test("SuppressAndReviveOffersWithMultiRole: role by role")
    func roleByRole() {
        var cluster = Cluster()
        cluster.framework("f1", "r1", "r2", suppressed: ["r1"])
        cluster.agent("a1", Make.resources(cpus: 1, mem: 64))
        #expect(cluster.allocate().map(\.role) == ["r2"])
        cluster.allocator.suppress(id, roles: ["r2"])
        cluster.agent("a2", Make.resources(cpus: 1, mem: 64))
        #expect(cluster.offers() == [])
        cluster.allocator.revive(id, roles: ["r1", "unknown"])
        #expect(cluster.allocate().map(\.role) == ["r1"])
    }

    /// Scenario: hierarchical_allocator_tests HierarchicalAllocatorTest.DeactivateAndReactivateFramework
    @Test("DeactivateAndReactivateFramework: a suppressed role stays suppressed")
    func reactivation() {
        var cluster = Cluster()
        cluster.framework("f1", "r1", "r2", suppressed: ["r1"])
        cluster.allocator.setFrameworkActive(id, false)
        cluster.agent("a1", Make.resources(cpus: 1, mem: 64))
        #expect(cluster.offers() == [])
        cluster.allocator.setFrameworkActive(id, true)
        let offers = cluster.allocate()
        #expect(offers.map(\.role) == ["r2"])
        cluster.allocator.suppress(id, roles: ["r2"])
        cluster.recover(offers[0])
        cluster.allocator.setFrameworkActive(id, false)
        cluster.allocator.setFrameworkActive(id, true)
        #expect(cluster.offers() == [])
    }

    /// Scenario: hierarchical_allocator_tests HierarchicalAllocatorTest.ReviveOffers
    @Test("ReviveOffers: revive of a framework that has offers brings no second ones")
    func reviveWithOffers() {
        var cluster = Cluster()
        cluster.framework("f1", "r1")
        cluster.agent("a1", Make.resources(cpus: 1, mem: 64))
        #expect(cluster.allocate().count == 1)
        for _ in 0..<3 { cluster.allocator.revive(id, roles: []) }
        #expect(cluster.offers() == [])
    }

    @Test func anUpdateReplacesRolesAndSuppression() {
        var cluster = Cluster()
        cluster.framework("f1", "r1", "r2")
        cluster.agent("a1", Make.resources(cpus: 1, mem: 64))
        let offers = cluster.allocate()
        #expect(offers.map(\.role) == ["r1"])
        cluster.allocator.updateFramework(
            id, roles: ["r2", "r3"], suppressed: ["r2"], capabilities: Cluster.everything)
        #expect(
            cluster.allocator.allocated(AgentID("a1"), id) == offers[0].resources,
            "what it holds in a role it left stays its own")
        cluster.recover(offers[0], refuseSeconds: 60)
        #expect(cluster.allocate().map(\.role) == ["r3"])
    }

    @Test func anInactiveAgentIsOfferedToNoOne() {
        var cluster = Cluster()
        cluster.framework("f1", "r1")
        cluster.agent("a1", Make.resources(cpus: 1, mem: 64))
        cluster.allocator.setAgentActive(AgentID("a1"), false)
        #expect(cluster.offers() == [])
        cluster.framework("f2", "r2")
        #expect(cluster.offers() == [])
        cluster.allocator.setAgentActive(AgentID("a1"), true)
        #expect(cluster.allocate().count == 1)
    }

    @Test func callsForUnknownNamesChangeNothing() {
        var cluster = Cluster()
        let nobody = FrameworkID("nobody")
        cluster.allocator.revive(nobody, roles: [])
        cluster.allocator.suppress(nobody, roles: ["r"])
        cluster.allocator.setFrameworkActive(nobody, true)
        cluster.allocator.updateFramework(nobody, roles: ["r"], suppressed: [], capabilities: [])
        cluster.allocator.removeFramework(nobody)
        cluster.allocator.removeAgent(AgentID("nowhere"))
        cluster.allocator.setAgentActive(AgentID("nowhere"), true)
        cluster.allocator.recover(
            nobody, agent: AgentID("nowhere"), resources: Make.resources(cpus: 1), filter: nil,
            at: cluster.now)
        #expect(cluster.offers() == [])
        #expect(cluster.allocator.frameworks.count == 0)
    }
}
