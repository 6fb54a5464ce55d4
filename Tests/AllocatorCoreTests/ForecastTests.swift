import MachineCore
import Model
import Testing

@testable import AllocatorCore

/// For each reason a state in which it is the one that decides, and the facts that go with it.
@Suite struct ForecastTests {
    let whole = Make.resources(cpus: 2, mem: 1024)

    /// What the next pass has for `f1` in `r1` of `a1`, unless told otherwise; the next pass is
    /// then made, and must do just that.
    func outlook(
        _ cluster: Cluster, _ framework: String = "f1", _ role: String = "r1",
        _ agent: String = "a1", _ location: SourceLocation = #_sourceLocation
    ) -> OfferOutlook {
        let subject = OfferForecast.Subject(framework: FrameworkID(framework), role: role)
        let forecast = OfferForecast(
            cluster.allocator, subjects: [subject], agents: [AgentID(agent)], at: cluster.now)
        let outlook = forecast.outlook(subject, AgentID(agent))
        var copy = cluster
        let made = copy.allocate(location).first {
            $0.framework == subject.framework && $0.role == role && $0.agent == AgentID(agent)
        }
        #expect(made?.resources == outlook.offered, sourceLocation: location)
        return outlook
    }

    @Test func whatIsFreeWouldBeOffered() {
        var cluster = Cluster()
        cluster.framework("f1", "r1")
        cluster.agent("a1", whole)
        let outlook = outlook(cluster)
        #expect(outlook.offered == whole.allocated(to: "r1"))
        #expect(outlook.reasons == [])
        #expect(outlook.decisive == nil)
    }

    @Test func theFrameworkOrItsRole() {
        var cluster = Cluster()
        cluster.framework("f1", "r1")
        cluster.framework("f2", "r1", suppressed: ["r1"])
        cluster.framework("f3", "r1")
        cluster.allocator.setFrameworkActive(FrameworkID("f3"), false)
        cluster.agent("a1", whole)
        #expect(outlook(cluster, "f1", "r2").decisive?.code == .roleNotSubscribed)
        #expect(outlook(cluster, "f9").decisive?.code == .roleNotSubscribed)
        #expect(outlook(cluster, "f2").decisive?.code == .roleSuppressed)
        #expect(outlook(cluster, "f3").decisive?.code == .frameworkDisconnected)
    }

    @Test func anAgentThatIsNotThere() {
        var cluster = Cluster()
        cluster.framework("f1", "r1")
        cluster.agent("a1", whole)
        cluster.allocator.setAgentActive(AgentID("a1"), false)
        #expect(outlook(cluster).decisive?.code == .agentDisconnected)
        #expect(outlook(cluster, "f1", "r1", "a9").decisive?.code == .agentDisconnected)
    }

    @Test func othersHaveEverything() throws {
        var cluster = Cluster()
        cluster.framework("f2", "r2")
        cluster.agent("a1", whole)
        _ = cluster.allocate()
        cluster.framework("f1", "r1")
        let reason = try #require(outlook(cluster).decisive)
        #expect(reason.code == .nothingLeft)
        let holder = OfferReason.Holder(
            framework: FrameworkID("f2"), role: "r2", resources: whole)
        #expect(reason.holders == [holder])
    }

    @Test func whatOthersHaveIsToldBesideWhatIsOffered() {
        var cluster = Cluster()
        cluster.framework("f2", "r2")
        cluster.agent("a1", whole)
        let made = cluster.allocate()[0]
        cluster.allocator.recover(
            made.framework, agent: made.agent,
            resources: Make.resources(cpus: 1).allocated(to: "r2"), filter: .seconds(60),
            at: cluster.now)
        cluster.framework("f1", "r1")
        let outlook = outlook(cluster)
        #expect(outlook.reasons.map(\.code) == [.partlyInUse])
        #expect(outlook.reasons[0].holders[0].resources == Make.resources(cpus: 1, mem: 1024))
        #expect(outlook.offered == Make.resources(cpus: 1).allocated(to: "r1"))
    }

    @Test func reservedForAnotherRole() throws {
        var cluster = Cluster()
        cluster.framework("f1", "r1")
        cluster.agent("a1", Make.resources(disk: 64, role: "r2"))
        let reason = try #require(outlook(cluster).decisive)
        #expect(reason.code == .reservedForOtherRole)
        #expect(reason.resources == Make.resources(disk: 64, role: "r2"))
        // A subrole may use it.
        cluster.framework("f2", "r2/x")
        #expect(outlook(cluster, "f2", "r2/x").offered != nil)
    }

    @Test func whatNeedsACapability() throws {
        var cluster = Cluster()
        cluster.framework("f1", "r1", capabilities: .multiRole)
        cluster.agent("a1", Make.resources(gpus: 1, role: "r1"))
        cluster.agent("a2", Resources([Make.volume("v", disk: 8, role: "r1", isShared: true)]))
        cluster.agent("a3", whole + Make.resources(gpus: 1))
        let gpus = try #require(outlook(cluster).decisive)
        #expect(gpus.code == .capabilityMissing)
        #expect(gpus.capability == .gpuResources)
        let shared = try #require(outlook(cluster, "f1", "r1", "a2").decisive)
        #expect(shared.code == .capabilityMissing)
        #expect(shared.capability == .sharedResources)
        let rest = try #require(outlook(cluster, "f1", "r1", "a3").decisive)
        #expect(rest.code == .agentHasGPUs)
        #expect(rest.resources == whole + Make.resources(gpus: 1))
    }

    @Test func tooLittleIsNotOfferedButReservedAndVolumesAre() throws {
        var cluster = Cluster()
        cluster.framework("f1", "r1")
        cluster.agent("a1", Make.resources(mem: 8))
        cluster.agent("a2", Make.resources(mem: 8) + Make.volume("v", disk: 1, role: "r1"))
        let reason = try #require(outlook(cluster).decisive)
        #expect(reason.code == .belowMinimum)
        #expect(reason.resources == Make.resources(mem: 8))
        #expect(reason.minimum.map(\.text) == ["cpus:0.01", "mem:32"])
        let other = outlook(cluster, "f1", "r1", "a2")
        #expect(other.reasons.map(\.code) == [.belowMinimum])
        #expect(
            other.offered
                == Resources([Make.volume("v", disk: 1, role: "r1")]).allocated(to: "r1"))
    }

    @Test func aSharedVolumeInUseNeedsCompany() throws {
        var cluster = Cluster()
        let volume = Make.volume("v", disk: 8, role: "r1", isShared: true)
        cluster.framework("f2", "r1")
        cluster.agent("a1", Make.resources(cpus: 1, role: "r2") + volume)
        _ = cluster.allocate()
        cluster.framework("f1", "r1")
        let outlook = outlook(cluster)
        #expect(
            outlook.reasons.map(\.code)
                == [.partlyInUse, .reservedForOtherRole, .sharedVolumeInUse])
        #expect(outlook.decisive?.resources == Resources([volume]))
    }

    @Test func filters() throws {
        var cluster = Cluster()
        cluster.framework("f1", "r1")
        cluster.agent("a1", whole)
        cluster.recover(cluster.allocate()[0], refuseSeconds: 5)
        let reason = try #require(outlook(cluster).decisive)
        #expect(reason.code == .filtered)
        #expect(reason.until == cluster.now + .seconds(5))
        #expect(reason.origin == .decline)
        #expect(reason.refused == whole)
        cluster.advance(milliseconds: 5000)
        // It has run out, though no pass has seen that yet.
        #expect(outlook(cluster).offered == whole.allocated(to: "r1"))
    }

    @Test func reoffersAreLimited() throws {
        var cluster = Cluster()
        cluster.framework("f1", "r1")
        cluster.agent("a1", whole)
        for _ in 0..<2 { cluster.recover(cluster.allocate()[0], refuseSeconds: 0) }
        let reason = try #require(outlook(cluster).decisive)
        #expect(reason.code == .reofferDelayed)
        #expect(reason.until == cluster.now + .milliseconds(20))
    }

    @Test func tooManyFilters() throws {
        var cluster = Cluster { $0.filtersPerFramework = 1 }
        cluster.framework("f1", "r1")
        cluster.agent("a1", whole)
        cluster.recover(cluster.allocate()[0], refuseSeconds: 60)
        cluster.agent("a2", whole)
        let reason = try #require(outlook(cluster, "f1", "r1", "a2").decisive)
        #expect(reason.code == .tooManyFilters)
        #expect(reason.limit == 1)
    }

    @Test func whoHasLessComesFirst() throws {
        var cluster = Cluster()
        cluster.framework("f1", "r1")
        cluster.agent("a0", whole)
        _ = cluster.allocate()
        cluster.framework("f2", "r2")
        cluster.agent("a1", whole)
        let reason = try #require(outlook(cluster).decisive)
        #expect(reason.code == .comesLater)
        let rival = try #require(reason.rivals.first)
        #expect(rival.framework == FrameworkID("f2") && rival.role == "r2")
        #expect(rival.share == 0 && rival.ownShare == 1 << 39)
        #expect(rival.resources == whole)
        #expect(outlook(cluster, "f2", "r2").offered == whole.allocated(to: "r2"))
    }

    @Test func askingChangesNothing() {
        var cluster = Cluster()
        cluster.framework("f1", "r1")
        cluster.agent("a1", whole)
        let before = String(reflecting: cluster.allocator)
        _ = outlook(cluster)
        #expect(String(reflecting: cluster.allocator) == before)
        #expect(cluster.allocate().count == 1)
    }
}
