import MachineCore
import Model
import Testing

@testable import AllocatorCore

/// What the allocator makes of lent resources.
@Suite struct LoanTests {
    private let agent = AgentID("a1")

    private func loan(cpus: Int64) -> Resources {
        Resources([
            Resource("cpus", .scalar(Amount(thousandths: cpus * 1000)), isRevocable: true)
        ])
    }

    private func lender() -> Cluster {
        var cluster = Cluster { $0.lendsIdle = true }
        cluster.agent("a1", Make.resources(cpus: 4, role: "r1"))
        cluster.allocator.setLendable(agent, loan(cpus: 4))
        return cluster
    }

    @Test func itIsOfferedBesideTheReservation() {
        var cluster = lender()
        cluster.framework("f1", "r1")
        cluster.framework("f2", "r2")
        cluster.framework("f3", "r2", capabilities: [])
        #expect(cluster.offers() == ["f1 a1 cpus(r1):4", "f2 a1 cpus:4"])
    }

    @Test func theRoleThatLendsBorrowsNothing() {
        var cluster = lender()
        cluster.framework("f1", "r1/sub")
        #expect(cluster.offers() == ["f1 a1 cpus(r1):4"])
        let forecast = OfferForecast(
            cluster.allocator,
            subjects: [OfferForecast.Subject(framework: FrameworkID("f1"), role: "r1/sub")],
            agents: [agent], at: cluster.now)
        let outlook = forecast.outlook(
            OfferForecast.Subject(framework: FrameworkID("f1"), role: "r1/sub"), agent)
        #expect(outlook.reasons.contains { $0.code == .ownRoleLends })
    }

    @Test func itCountsInNoShare() {
        var cluster = lender()
        cluster.framework("f2", "r2")
        #expect(cluster.allocate().count == 1)
        #expect(cluster.allocator.sorter.totals["cpus"] == Amount(thousandths: 4000))
        #expect(cluster.allocator.sorter.nodes[Sorter.root].allocated["cpus"] == .zero)
    }

    @Test func whatIsNotThereAnyMoreIsOwed() {
        var cluster = lender()
        cluster.framework("f2", "r2")
        let held = cluster.allocate()
        cluster.allocator.setLendable(agent, loan(cpus: 1))
        cluster.framework("f1", "r1")
        #expect(cluster.offers() == ["f1 a1 cpus(r1):4"], "nothing of it is lent twice")
        cluster.recover(held[0])
        #expect(cluster.offers() == ["f2 a1 cpus:1"])
        cluster.allocator.setLendable(agent, Resources())
        #expect(cluster.allocator.available(agent).isEmpty)
    }

    @Test func anAgentsNewTotalLeavesIt() {
        var cluster = lender()
        cluster.allocator.setTotal(agent, total: Make.resources(cpus: 6, role: "r1"))
        cluster.framework("f2", "r2")
        #expect(cluster.offers() == ["f2 a1 cpus:4"])
    }
}
