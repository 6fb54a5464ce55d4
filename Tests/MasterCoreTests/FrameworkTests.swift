import MachineCore
import Model
import Testing

@testable import MasterCore

@Suite struct FrameworkTests {
    let cluster = Cluster()

    /// The texts of transcript 07.
    @Test func subscriptionErrors() {
        func error(_ framework: FrameworkDescription, suppressed: [String] = []) -> String? {
            let scheduler = cluster.subscribe(framework, suppressed: suppressed)
            return cluster.refusedSubscriptions[scheduler.stream]
        }
        #expect(
            error(.test(roles: ["a b"]))?.hasPrefix(
                "'FrameworkInfo.roles' contains invalid role: ") == true)
        #expect(
            error(.test(roles: ["ora", "ora"]))
                == "'FrameworkInfo.roles' contains duplicate items: { ora }")
        #expect(
            error(.test(), suppressed: ["zz"])
                == "Suppressed role 'zz' is not contained in the list of roles")
        #expect(error(.test(id: FrameworkID("a/b"))) == "'a/b' contains invalid characters")
        #expect(error(.test(id: FrameworkID("my-own-id"))) == nil)
        #expect(error(.test(failoverSeconds: -5)) == nil)
        #expect(cluster.master.activeFrameworks.count == 2)
    }

    @Test func callsAreCheckedInMesosOrder() throws {
        let scheduler = cluster.subscribe(.test())
        let id = try scheduler.id
        func call(_ framework: FrameworkID, _ stream: String?) -> Answer? {
            let request = RequestID(cluster.number())
            cluster.handle(
                .schedulerCalled(request, framework, .revive(roles: []), stream: stream))
            return cluster.answers[request]
        }
        #expect(
            call(FrameworkID("nope"), nil)
                == .refused(Refusal(.invalid, "Framework cannot be found")))
        #expect(
            call(id, nil)
                == .refused(
                    Refusal(
                        .invalid,
                        "All non-subscribe calls should include the 'Mesos-Stream-Id' header")))
        #expect(
            call(id, "deadbeef")
                == .refused(
                    Refusal(
                        .invalid,
                        "The stream ID 'deadbeef' included in this request didn't match the stream"
                            + " ID currently associated with framework ID \(id)")))
        #expect(call(id, scheduler.uuid) == .accepted)
        scheduler.close()
        #expect(
            call(id, scheduler.uuid)
                == .refused(Refusal(.forbidden, "Framework is not subscribed")))
        #expect(cluster.call(.teardown(id)) == .done)
        #expect(
            call(id, scheduler.uuid)
                == .refused(Refusal(.invalid, "Framework cannot be found")))
        #expect(
            cluster.call(.teardown(id))
                == .refused(Refusal(.invalid, "No framework found with specified ID")))
    }

    /// SchedulerFailover.
    @Test func failoverEndsTheOldStreamAndKeepsTasks() throws {
        let agent = try #require(try cluster.addAgent().id)
        let old = cluster.subscribe(.test())
        try old.accept([.launch(.test("t", on: agent))])
        let new = cluster.subscribe(.test(id: try old.id))
        #expect(old.events.last == .error("Framework failed over"))
        #expect(old.isClosed)
        #expect(try new.id == old.id)
        #expect(new.offers.count == 1)
        #expect(cluster.master.framework(try new.id)?.tasks.count == 1)
        #expect(try old.call(.revive(roles: []))?.refusal?.kind == .invalid)
        cluster.handle(.streamClosed(old.stream))
        #expect(cluster.master.framework(try new.id)?.isConnected == true)
    }

    /// SchedulerReregisterAfterFailoverTimeout.
    @Test func failoverTimeoutKillsTasksAndTheIdIsNeverTakenAgain() throws {
        let agent = try cluster.addAgent()
        let scheduler = cluster.subscribe(.test(failoverSeconds: 100))
        let id = try scheduler.id
        try scheduler.accept([.launch(.test("t", on: try #require(agent.id)))])
        scheduler.close()
        cluster.pass(seconds: 99)
        #expect(cluster.master.framework(id)?.tasks.count == 1)
        cluster.pass(seconds: 2)
        #expect(agent.heard.contains(.shutdownFramework(id)))
        #expect(cluster.master.framework(id) == nil)
        let completed = try #require(cluster.master.removedFrameworks.first)
        #expect(completed.completedTasks.map(\.state) == [.killed])
        #expect(agent.tasks.isEmpty)
        let again = cluster.subscribe(.test(id: id))
        #expect(cluster.refusedSubscriptions[again.stream] == "Framework has been removed")
        cluster.restartMaster()
        let late = cluster.subscribe(.test(id: id))
        #expect(cluster.refusedSubscriptions[late.stream] == "Framework has been removed")
    }

    @Test func comingBackInTimeStopsTheFailoverTimeout() throws {
        let scheduler = cluster.subscribe(.test(failoverSeconds: 100))
        scheduler.close()
        cluster.pass(seconds: 99)
        let back = cluster.subscribe(.test(id: try scheduler.id, failoverSeconds: 100))
        cluster.pass(seconds: 200)
        #expect(cluster.master.framework(try back.id)?.isConnected == true)
    }

    @Test func theFailoverTimeoutOutlivesTheMaster() throws {
        let scheduler = cluster.subscribe(.test(failoverSeconds: 3_600))
        let id = try scheduler.id
        scheduler.close()
        cluster.pass(seconds: 2_000)
        cluster.restartMaster()
        #expect(cluster.master.framework(id)?.isRecovered == true)
        cluster.pass(seconds: 1_500)
        #expect(cluster.master.framework(id) != nil)
        cluster.pass(seconds: 200)
        #expect(cluster.master.framework(id) == nil)
    }

    /// The master's own absence counts against nobody.
    @Test func aRestartedMasterWaitsForFrameworksThatWereConnected() throws {
        let scheduler = cluster.subscribe(.test(failoverSeconds: 0))
        let id = try scheduler.id
        cluster.now = cluster.now + .seconds(86_400)
        cluster.restartMaster()
        cluster.pass(seconds: 599)
        #expect(cluster.master.framework(id)?.isRecovered == true)
        let back = cluster.subscribe(.test(id: id, failoverSeconds: 0))
        #expect(try back.id == id)
        #expect(cluster.master.framework(id)?.isRecovered == false)
        back.close()
        cluster.handle(.ticked)
        #expect(cluster.master.framework(id) == nil)
    }

    @Test func teardownKillsTasksAndLeavesVolumes() throws {
        let agent = try cluster.addAgent()
        let id = try #require(agent.id)
        let scheduler = cluster.subscribe(.test())
        let volume = disk(10).volume("v")
        try scheduler.accept([
            OfferOperation(.reserve([disk(10)], source: [])), OfferOperation(.create([volume])),
            .launch(.test("t", on: id, [.scalar("cpus", 1), volume])),
        ])
        #expect(try scheduler.call(.teardown) == .accepted)
        #expect(scheduler.isClosed)
        #expect(agent.tasks.isEmpty)
        #expect(cluster.master.volumeRows.count == 1)
        #expect(cluster.master.agentView(id)?.allocated.isEmpty == true)
        #expect(cluster.master.activeFrameworks.isEmpty)
    }

    /// A volume must not be given to others while a killed task may still write to it.
    @Test func whatDyingTasksHoldIsNotOffered() throws {
        let agent = try cluster.addAgent("cpus:2;mem:100;disk:100")
        let id = try #require(agent.id)
        let scheduler = cluster.subscribe(.test())
        try scheduler.accept([.launch(.test("t", on: id, [.scalar("cpus", 2)]))])
        agent.isSilent = true
        try scheduler.call(.teardown)
        let other = cluster.subscribe(.test())
        #expect(!other.offers.contains { $0.resources.total(of: "cpus") > .zero })
        #expect(cluster.master.removedFrameworks.count == 1)
        agent.isSilent = false
        let key = try #require(agent.tasks.keys.first)
        for message in agent.end(key, .killed) { cluster.say(agent, message) }
        #expect(other.offers.contains { $0.resources.total(of: "cpus") == Amount(2) })
        #expect(agent.tasks.isEmpty)
    }

    /// The end of a task got lost: the agent's next registration settles it.
    @Test func anAgentThatTellsNoEndIsAskedToRegisterAnew() throws {
        let agent = try cluster.addAgent()
        let id = try #require(agent.id)
        let scheduler = cluster.subscribe(.test())
        try scheduler.accept([.launch(.test("t", on: id))])
        cluster.pass(seconds: 1)
        agent.ignoresShutdown = true
        try scheduler.call(.teardown)
        agent.tasks = [:]
        #expect(cluster.master.agentView(id)?.allocated.isEmpty == false)
        cluster.pass(seconds: 301)
        #expect(agent.connection == nil)
        cluster.connect(agent)
        #expect(cluster.master.agentView(id)?.allocated.isEmpty == true)
        #expect(cluster.master.framework(try scheduler.id) == nil)
    }

    @Test func completedFrameworksAreBounded() throws {
        var options = MasterOptions()
        options.limits.completedFrameworks = 3
        let cluster = Cluster(options: options)
        for _ in 0..<5 { try cluster.subscribe(.test()).call(.teardown) }
        #expect(cluster.master.removedFrameworks.count == 3)
        #expect(cluster.master.ledger.frameworkRows.count == 3)
    }

    @Test func updateFramework() throws {
        try cluster.addAgent()
        let scheduler = cluster.subscribe(.test())
        #expect(scheduler.offers.map(\.role) == ["db"])
        let answer = try scheduler.call(
            .updateFramework(.test(roles: ["web"]), suppressedRoles: []))
        #expect(answer == .done)
        #expect(scheduler.offers.map(\.role) == ["web"])
        var other = FrameworkDescription.test()
        other.user = "nobody"
        #expect(
            try scheduler.call(.updateFramework(other, suppressedRoles: []))
                == .refused(
                    Refusal(
                        .invalid,
                        "FrameworkInfo update is not valid: Updating 'FrameworkInfo.user' is"
                            + " unsupported; attempted to update from 'root' to 'nobody'")))
        #expect(
            try scheduler.call(.updateFramework(.test(), suppressedRoles: ["zz"]))
                == .refused(
                    Refusal(
                        .invalid,
                        "Supplied FrameworkInfo is not valid: Suppressed role 'zz' is not"
                            + " contained in the list of roles")))
    }

    /// ChangePrincipalOnReRegistrationFails.
    @Test func aPrincipalDoesNotChange() throws {
        let scheduler = cluster.subscribe(.test())
        var other = FrameworkDescription.test(id: try scheduler.id)
        other.principal = "mallory"
        let stream = cluster.subscribe(other).stream
        #expect(cluster.refusedSubscriptions[stream]?.contains("principal") == true)
        #expect(!scheduler.isClosed)
    }
}
