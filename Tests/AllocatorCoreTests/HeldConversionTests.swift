import MachineCore
import Model
import Testing

@testable import AllocatorCore

/// A volume that a framework holds grows by what nobody holds.
@Suite struct HeldConversionTests {
    let agent = AgentID("a1")
    let framework = FrameworkID("f1")
    let volume = Make.volume("v1", disk: 60, role: "r1")
    let grown = Make.volume("v1", disk: 90, role: "r1")
    let addition = Make.resources(disk: 30, role: "r1")

    /// The framework holds the volume; 40 MiB more are reserved for its role and free.
    private func holding() -> Cluster {
        var cluster = Cluster()
        cluster.framework("f1", "r1", suppressed: ["r1"])
        let rest = Make.resources(cpus: 1, disk: 40, role: "r1")
        cluster.allocator.addAgent(
            agent, total: Resources([volume]).adding(rest),
            used: [(framework, Resources([volume]).allocated(to: "r1"))])
        _ = cluster.allocate()
        return cluster
    }

    private func growth(of role: String = "r1") -> (ResourceConversion, ResourceConversion) {
        let held = ResourceConversion(
            consumed: Resources([volume]), converted: Resources([grown]))
        return (
            held.allocated(to: role),
            ResourceConversion(consumed: addition, converted: Resources())
        )
    }

    @Test func bothPartsChangeAndBack() throws {
        var cluster = holding()
        let before = cluster.allocator.available(agent)
        let (held, rest) = growth()
        try cluster.allocator.convertHeld(agent, framework: framework, held: held, rest: rest)
        _ = cluster.allocate()
        #expect(cluster.allocator.allocated(agent, framework) == held.converted)
        #expect(
            cluster.allocator.available(agent)
                == Make.resources(cpus: 1, disk: 10, role: "r1"))
        try cluster.allocator.convertHeld(
            agent, framework: framework, held: held.reversed, rest: rest.reversed)
        _ = cluster.allocate()
        #expect(cluster.allocator.allocated(agent, framework) == held.consumed)
        #expect(cluster.allocator.available(agent) == before)
    }

    @Test func nothingChangesWithoutBoth() {
        var cluster = holding()
        let (held, _) = growth()
        let tooMuch = ResourceConversion(
            consumed: Make.resources(disk: 50, role: "r1"), converted: Resources())
        let (foreign, rest) = growth(of: "r2")
        for (held, rest) in [(held, tooMuch), (held.reversed, rest), (foreign, rest)] {
            #expect(throws: Refusal.self) {
                try cluster.allocator.convertHeld(
                    agent, framework: framework, held: held, rest: rest)
            }
        }
        #expect(throws: Refusal.self) {
            try cluster.allocator.convertHeld(
                agent, framework: FrameworkID("f2"), held: held, rest: rest)
        }
        _ = cluster.allocate()
        #expect(
            cluster.allocator.allocated(agent, framework)
                == Resources([volume]).allocated(to: "r1"))
        #expect(
            cluster.allocator.available(agent)
                == Make.resources(cpus: 1, disk: 40, role: "r1"))
    }

    @Test func whatIsHeldIsExchangedForWhatANewTotalSays() {
        var cluster = holding()
        let (held, _) = growth()
        cluster.allocator.exchangeHeld(
            agent, framework: framework, held: held.consumed, for: held.converted)
        cluster.allocator.setTotal(
            agent,
            total: Resources([grown]).adding(Make.resources(cpus: 1, disk: 10, role: "r1")))
        _ = cluster.allocate()
        #expect(cluster.allocator.allocated(agent, framework) == held.converted)
        #expect(
            cluster.allocator.available(agent)
                == Make.resources(cpus: 1, disk: 10, role: "r1"))
    }
}
