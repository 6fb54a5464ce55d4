import Model
import Testing

@testable import MasterCore

@Suite struct ReservationInventoryTests {
    let cluster = Cluster()
    let agent: FakeAgent
    let id: AgentID

    init() throws {
        agent = try cluster.addAgent("cpus:8;mem:8192;disk:10240;disk(fixed):100")
        id = try #require(agent.id)
    }

    private func view(_ role: String) -> ReservationView? {
        cluster.master.reservationViews.first { $0.row.stack.last?.role == role }
    }

    @Test func aReservationKeepsItsUUIDFromItsFirstResourceToItsLast() throws {
        #expect(cluster.operate(.reserve([disk(10)], source: []), on: id) == .accepted)
        let uuid = try #require(view("db")?.row.uuid)
        cluster.pass(seconds: 60)
        let cpus = Resource.scalar("cpus", 1).reserved(for: "db")
        #expect(cluster.operate(.reserve([disk(20), cpus], source: []), on: id) == .accepted)
        #expect(cluster.operate(.create([disk(30).volume("v")]), on: id) == .accepted)
        #expect(view("db")?.row.uuid == uuid)
        #expect(view("db")?.resources == Resources([disk(30).volume("v"), cpus]))
        cluster.restartMaster()
        #expect(view("db")?.row.uuid == uuid, "known before any agent is back")
        cluster.connect(agent)
        #expect(view("db")?.row.uuid == uuid)
        #expect(cluster.operate(.destroy([disk(30).volume("v")]), on: id) == .accepted)
        #expect(cluster.operate(.unreserve([disk(30)]), on: id) == .accepted)
        #expect(view("db")?.row.uuid == uuid)
        #expect(cluster.operate(.unreserve([cpus]), on: id) == .accepted)
        #expect(view("db") == nil)
        #expect(cluster.operate(.reserve([cpus], source: []), on: id) == .accepted)
        #expect(view("db")?.row.uuid != uuid, "another reservation")
    }

    @Test func staticReservationsAndThoseOfFrameworksAreListed() throws {
        #expect(view("fixed")?.row.stack.first?.kind == .fixed)
        #expect(view("fixed")?.row.framework == nil)
        let scheduler = cluster.subscribe(.test())
        try scheduler.accept([OfferOperation(.reserve([disk(10)], source: []))])
        let framework = try scheduler.id
        #expect(view("db")?.row.framework == framework)
        #expect(cluster.master.reservationViews.count == 2)
    }

    @Test func labelsAndPrincipalsMakeReservationsDiffer() {
        for principal in ["a", "b"] {
            let mine = Resource.scalar("disk", 5).reserved(for: "db", principal: principal)
            #expect(
                cluster.operate(.reserve([mine], source: []), on: id, principal: principal)
                    == .accepted)
        }
        let uuids = cluster.master.reservationViews.filter { $0.row.stack.last?.role == "db" }
            .map(\.row.uuid)
        #expect(Set(uuids).count == 2)
    }

    /// A registry of a version without these rows: its reservations get theirs at the start.
    @Test func reservationsOfAnEarlierRegistryAreListed() throws {
        cluster.operate(.reserve([disk(10)], source: []), on: id)
        cluster.records.removeAll { record in
            switch record {
            case .reservationStored, .reservationRemoved: true
            case .clusterCreated, .agentStored, .agentRemoved, .piecesStored, .volumeStored,
                .volumeRemoved, .operationStored, .operationRemoved, .frameworkStored,
                .frameworkRemoved, .audited, .transactionStored, .transactionRemoved,
                .policyStored, .policyRemoved:
                false
            }
        }
        cluster.restartMaster()
        #expect(view("db") != nil)
        #expect(view("fixed") != nil)
        #expect(cluster.master.violations().isEmpty)
    }
}
