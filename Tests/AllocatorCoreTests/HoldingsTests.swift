import MachineCore
import Model
import Testing

@testable import AllocatorCore

@Suite struct HoldingsTests {
    let agent = AgentID("a1")
    let framework = FrameworkID("f1")

    func allAllocated(_ total: Resources) -> Cluster {
        var cluster = Cluster()
        cluster.framework("f1", "r1")
        cluster.agent("a1", total)
        #expect(cluster.allocate().count == 1)
        return cluster
    }

    /// Scenario: hierarchical_allocator_tests HierarchicalAllocatorTest.RecoverResources
    @Test("RecoverResources: reserved and unreserved parts come back apart")
    func recovery() {
        let reserved = Make.resources(cpus: 1, disk: 128, role: "r1")
        let unreserved = Make.resources(cpus: 1, mem: 512)
        var cluster = allAllocated(reserved + unreserved)
        #expect(cluster.allocator.available(agent).isEmpty)
        for part in [reserved, unreserved] {
            cluster.allocator.recover(
                framework, agent: agent, resources: part.allocated(to: "r1"), filter: nil,
                at: cluster.now)
            #expect(cluster.allocator.available(agent) == part)
            #expect(cluster.allocate().map { $0.resources.allocated(to: nil) } == [part])
        }
    }

    @Test func whatItDoesNotHoldIsNotRecovered() {
        var cluster = allAllocated(Make.resources(cpus: 1, mem: 64))
        let more = Make.resources(cpus: 2).allocated(to: "r1")
        cluster.allocator.recover(
            framework, agent: agent, resources: more, filter: nil, at: cluster.now)
        #expect(cluster.offers() == [])
        #expect(cluster.allocator.available(agent).isEmpty)
    }

    /// Scenario: hierarchical_allocator_tests HierarchicalAllocatorTest.UpdateAllocation
    @Test("UpdateAllocation: RESERVE and CREATE of an ACCEPT, then the volume is offered")
    func convertAllocated() throws {
        var cluster = allAllocated(Make.resources(cpus: 1, mem: 64, disk: 100))
        let volume = Make.volume("v1", disk: 60, role: "r1")
        let reservation = Make.reservation(Make.resources(disk: 60), role: "r1")
        for conversion in [reservation, Make.creation(volume)] {
            try cluster.allocator.convertAllocated(
                agent, framework: framework, conversion: conversion.allocated(to: "r1"))
        }
        #expect(cluster.offers() == [])
        let all = cluster.allocator.allocated(agent, framework)
        cluster.allocator.recover(
            framework, agent: agent, resources: all, filter: nil, at: cluster.now)
        #expect(cluster.offers() == ["f1 a1 cpus:1 disk(r1)[v1:data]:60 disk:40 mem:64"])
    }

    /// Scenario: hierarchical_allocator_tests HierarchicalAllocatorTest.UpdateAllocationRemoveResources
    @Test("UpdateAllocationRemoveResources: a conversion may take resources away")
    func conversionThatRemoves() throws {
        var cluster = allAllocated(Make.resources(cpus: 1, mem: 64, disk: 100))
        try cluster.allocator.convertAllocated(
            agent, framework: framework,
            conversion: ResourceConversion(
                consumed: Make.resources(disk: 100).allocated(to: "r1"), converted: Resources()))
        let all = cluster.allocator.allocated(agent, framework)
        #expect(all == Make.resources(cpus: 1, mem: 64).allocated(to: "r1"))
        cluster.allocator.recover(
            framework, agent: agent, resources: all, filter: nil, at: cluster.now)
        #expect(cluster.offers() == ["f1 a1 cpus:1 mem:64"])
    }

    @Test func aConversionOfWhatItDoesNotHoldIsAConflict() {
        var cluster = allAllocated(Make.resources(cpus: 1, mem: 64))
        let conversion = Make.reservation(Make.resources(cpus: 2), role: "r1")
        let before = cluster.allocator.allocated(agent, framework)
        #expect {
            try cluster.allocator.convertAllocated(
                agent, framework: framework, conversion: conversion.allocated(to: "r1"))
        } throws: { ($0 as? Refusal)?.kind == .conflict }
        #expect {
            try cluster.allocator.convertAllocated(
                AgentID("a9"), framework: framework, conversion: conversion.allocated(to: "r1"))
        } throws: { ($0 as? Refusal)?.kind == .notFound }
        #expect(cluster.allocator.allocated(agent, framework) == before)
        #expect(cluster.offers() == [])
    }

    /// Scenario: hierarchical_allocator_tests HierarchicalAllocatorTest.UpdateAvailableSuccess
    @Test("UpdateAvailableSuccess: an operator's RESERVE reaches the role")
    func convertAvailable() throws {
        var cluster = Cluster()
        cluster.agent("a1", Make.resources(cpus: 4, mem: 64))
        let conversion = Make.reservation(Make.resources(cpus: 3), role: "r2")
        try cluster.allocator.convertAvailable(agent, conversion: conversion)
        cluster.framework("f1", "r1")
        cluster.framework("f2", "r2")
        let offers = cluster.offers().sorted()
        #expect(offers == ["f1 a1 cpus:1 mem:64", "f2 a1 cpus(r2):3"])
    }

    /// Scenario: hierarchical_allocator_tests HierarchicalAllocatorTest.UpdateAvailableFail
    @Test("UpdateAvailableFail: not what is offered or in use")
    func convertWhatIsAllocated() throws {
        var cluster = allAllocated(Make.resources(cpus: 4, mem: 64))
        let conversion = Make.reservation(Make.resources(cpus: 1), role: "r2")
        #expect {
            try cluster.allocator.convertAvailable(agent, conversion: conversion)
        } throws: {
            guard let refusal = $0 as? Refusal else { return false }
            return refusal.kind == .conflict && refusal.message.contains("cpus:1")
        }
        #expect(cluster.offers() == [])
    }

    /// Scenario: hierarchical_allocator_tests HierarchicalAllocatorTest.UpdateSlaveTotalResources
    @Test("UpdateSlaveTotalResources: more is offered, less is owed")
    func newTotal() {
        var cluster = allAllocated(Make.resources(cpus: 2, mem: 64))
        cluster.allocator.setTotal(agent, total: Make.resources(cpus: 5, mem: 64))
        #expect(cluster.offers() == ["f1 a1 cpus:3"])
        cluster.allocator.setTotal(agent, total: Make.resources(cpus: 4, mem: 64))
        #expect(cluster.offers() == [])
        let two = Make.resources(cpus: 2).allocated(to: "r1")
        cluster.allocator.recover(
            framework, agent: agent, resources: two, filter: nil, at: cluster.now)
        #expect(cluster.offers() == ["f1 a1 cpus:1"], "one of the two is gone")
    }

    /// Scenario: hierarchical_allocator_tests HierarchicalAllocatorTest.RemoveSlaveRecoverResources
    @Test("RemoveSlaveRecoverResources: recovering from an agent that is gone")
    func goneAgent() {
        var cluster = allAllocated(Make.resources(cpus: 2, mem: 64))
        let all = cluster.allocator.allocated(agent, framework)
        cluster.allocator.removeAgent(agent)
        cluster.allocator.recover(
            framework, agent: agent, resources: all, filter: .seconds(5), at: cluster.now)
        #expect(cluster.offers() == [])
        #expect(cluster.allocator.sorter.totals.isEmpty)
        cluster.agent("a1", Make.resources(cpus: 2, mem: 64))
        #expect(cluster.allocate().count == 1)
    }

    @Test func anAgentThatComesBackWithTasksOffersTheRest() {
        var cluster = Cluster()
        cluster.framework("f1", "r1")
        let volume = Make.volume("v1", disk: 10, role: "r1")
        let used = Make.resources(cpus: 1, mem: 64) + volume
        let total = Make.resources(cpus: 4, mem: 64) + volume
        cluster.allocator.addAgent(
            agent, total: total, used: [(framework, used.allocated(to: "r1"))])
        #expect(cluster.offers() == ["f1 a1 cpus:3"])
        cluster.allocator.addAgent(
            agent, total: total, used: [(framework, used.allocated(to: "r1"))])
        #expect(cluster.offers() == ["f1 a1 cpus:3"], "registered again: the offer is void")
    }

    @Test func tasksFoundLaterAreTakenFromTheRest() {
        var cluster = Cluster()
        cluster.agent("a1", Make.resources(cpus: 4, mem: 64))
        let used = Make.resources(cpus: 3).allocated(to: "r2")
        cluster.allocator.allocateUsed(agent, FrameworkID("f2"), used)
        cluster.framework("f1", "r1")
        #expect(cluster.offers() == ["f1 a1 cpus:1 mem:64"])
        cluster.allocator.recover(
            FrameworkID("f2"), agent: agent, resources: used, filter: nil, at: cluster.now)
        #expect(cluster.offers() == ["f1 a1 cpus:3"])
        #expect(cluster.allocator.frameworks.count == 1, "f2 never came and is forgotten")
    }

    @Test func frameworksThatHoldNothingAreNotRemembered() {
        var cluster = Cluster()
        cluster.allocator.addAgent(
            agent, total: Make.resources(cpus: 4, mem: 64),
            used: [(FrameworkID("f2"), Resources())])
        #expect(cluster.allocator.frameworks.count == 0)
        cluster.framework("f3")
        cluster.allocator.removeFramework(FrameworkID("f3"))
        #expect(cluster.allocator.frameworks.count == 0)
        #expect(cluster.offers() == [])
    }

    @Test func aRemovedFrameworkHoldsItsTasksUntilTheyEnd() {
        var cluster = allAllocated(Make.resources(cpus: 2, mem: 64))
        let all = cluster.allocator.allocated(agent, framework)
        cluster.allocator.removeFramework(framework)
        cluster.framework("f2", "r2")
        #expect(cluster.offers() == [])
        cluster.allocator.recover(
            framework, agent: agent, resources: all, filter: .seconds(60), at: cluster.now)
        #expect(cluster.offers() == ["f2 a1 cpus:2 mem:64"])
        #expect(cluster.allocator.deadline == nil)
    }
}
