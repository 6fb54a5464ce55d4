import MachineCore
import Model
import Testing

@testable import AllocatorCore

@Suite struct VisibilityTests {
    /// Scenario: hierarchical_allocator_tests HierarchicalAllocatorTest.Allocatable
    @Test("Allocatable: little cpus alone and little mem alone are enough; disk is not")
    func minimum() {
        var cluster = Cluster()
        cluster.framework("f1", "r1")
        cluster.agent("a1", Make.resources(mem: 31, disk: 100))
        cluster.agent("a2", Make.resources(mem: 32))
        cluster.agent("a3", Resources([Resource("cpus", .scalar(Amount(thousandths: 9)))]))
        cluster.agent("a4", Resources([Resource("cpus", .scalar(Amount(thousandths: 10)))]))
        cluster.agent("a5", Make.resources(disk: 100, ports: 1...9))
        #expect(cluster.offers() == ["f1 a2 mem:32", "f1 a4 cpus:0.01"])
    }

    /// Scenario: hierarchical_allocator_tests HierarchicalAllocatorTest.FrameworkEmptyMinAllocatable
    @Test("FrameworkEmptyMinAllocatable: without a minimum everything is offered")
    func noMinimum() {
        var cluster = Cluster { $0.minAllocatable = [] }
        cluster.framework("f1", "r1")
        cluster.agent("a1", Make.resources(disk: 1))
        #expect(cluster.offers() == ["f1 a1 disk:1"])
    }

    @Test func allAmountsOfOneMinimumMustBeThere() {
        var cluster = Cluster {
            $0.minAllocatable = [
                ResourceQuantities([
                    ("mem", Amount(thousandths: 32_000)), ("cpus", Amount(thousandths: 1000)),
                ])
            ]
        }
        cluster.framework("f1", "r1")
        cluster.agent("a1", Make.resources(cpus: 8, mem: 31))
        cluster.agent("a2", Make.resources(cpus: 1, mem: 32))
        #expect(cluster.offers() == ["f1 a2 cpus:1 mem:32"])
    }

    @Test("Idle volumes are not hidden by the minimum allocatable resources")
    func anIdleVolumeIsSeenWhenCpusAndMemAreExhausted() {
        var cluster = Cluster()
        cluster.framework("f1", "r1")
        let used = Make.resources(cpus: 4, mem: 1024)
        cluster.allocator.addAgent(
            AgentID("a1"),
            total: used + Make.resources(disk: 50)
                + Make.volume("v1", disk: 10, role: "r1"),
            used: [(FrameworkID("f2"), used.allocated(to: "r2"))])
        #expect(
            cluster.offers() == ["f1 a1 disk(r1)[v1:data]:10"],
            "the volume, but not unreserved disk without cpus and mem")
    }

    @Test func reservedCpusMakeUnreservedDiskWorthOffering() {
        var cluster = Cluster()
        cluster.framework("f1", "r1")
        cluster.agent("a1", Make.resources(cpus: 1, role: "r1") + Make.resources(disk: 50))
        #expect(cluster.offers() == ["f1 a1 cpus(r1):1 disk:50"])
    }

    /// Scenario: hierarchical_allocator_tests HierarchicalAllocatorTest.OversubscribedNotAllocated
    @Test("OversubscribedNotAllocated: revocable resources only to who can use them")
    func revocable() {
        var cluster = Cluster()
        let spare = Resource("cpus", .scalar(Amount(thousandths: 5000)), isRevocable: true)
        cluster.agent("a1", Make.resources(cpus: 1, mem: 64) + spare)
        cluster.framework("plain", "r1", capabilities: [])
        #expect(cluster.offers() == ["plain a1 cpus:1 mem:64"])
        cluster.framework("able", "r2", capabilities: [.revocableResources])
        #expect(cluster.offers() == ["able a1 cpus:5"])
    }

    @Test func refinedReservationsOnlyToWhoKnowsThem() {
        var cluster = Cluster()
        let refined = Resource(
            "cpus", .scalar(Amount(thousandths: 2000)),
            reservations: [Reservation(.fixed, role: "a"), Reservation(role: "a/b")])
        cluster.agent("a1", Make.resources(cpus: 1, role: "a/b") + refined)
        cluster.framework("old", "a/b", capabilities: [])
        #expect(cluster.offers() == ["old a1 cpus(a/b):1"])
        cluster.allocator.updateFramework(
            FrameworkID("old"), roles: ["a/b"], suppressed: [],
            capabilities: [.reservationRefinement])
        #expect(cluster.offers() == ["old a1 cpus(a/b):2"])
    }

    @Test func agentsWithGPUsAreForWhoCanUseThem() {
        var cluster = Cluster()
        cluster.agent("a1", Make.resources(cpus: 1, mem: 64, gpus: 2))
        cluster.framework("plain", "r1", capabilities: [])
        #expect(cluster.offers() == [])
        cluster.framework("able", "r2", capabilities: [.gpuResources])
        #expect(cluster.offers() == ["able a1 cpus:1 gpus:2 mem:64"])
    }

    @Test func volumesOnAnAgentWithGPUsStayVisible() {
        var cluster = Cluster()
        cluster.agent(
            "a1",
            Make.resources(cpus: 1, mem: 64, gpus: 2) + Make.resources(gpus: 1, role: "r1")
                + Make.volume("v1", disk: 10, role: "r1"))
        cluster.framework("plain", "r1", capabilities: [])
        #expect(cluster.offers() == ["plain a1 disk(r1)[v1:data]:10"])
    }
}
