import MachineCore
import Model
import Testing

@testable import ServiceCore

@Suite struct RelaunchTests {
    @Test(arguments: [TaskState.finished, .failed, .killed, .error, .dropped, .gone])
    func aCertainEndLeadsToALaunchOnTheSameVolume(_ state: TaskState) {
        var bench = Bench.running()
        let held = bench.held
        let first = bench.service?.row.placement?.task
        bench.report(state)
        bench.wait(milliseconds: 30_000)
        bench.offer(held + Bench.free)
        #expect(bench.kinds == ["launch"])
        #expect(bench.held == held)
        #expect(bench.launched != nil && bench.launched != first)
        #expect(bench.service?.row.launches == 2)
    }

    @Test(arguments: [TaskState.unreachable, .lost, .unknown])
    func aTaskThatMayStillRunIsNeverReplaced(_ state: TaskState) {
        var bench = Bench.running()
        let held = bench.held
        bench.report(state)
        #expect(bench.service?.phase == .unreachable)
        bench.wait(milliseconds: 60_000)
        #expect(bench.actions.contains { if case .reconcile = $0 { true } else { false } })
        bench.offer(held + Bench.free)
        #expect(bench.steps.isEmpty)
        bench.report(.running)
        #expect(bench.service?.phase == .running)
    }

    @Test func aVolumeThatHeldDataIsNeverMadeAnew() {
        var bench = Bench.running()
        bench.report(.failed)
        bench.wait(milliseconds: 30_000)
        bench.offer(Bench.free)
        #expect(bench.steps.isEmpty)
        #expect(bench.service?.message?.contains("is not offered") == true)
        bench.offer(Bench.free, agent: AgentID("a2"))
        #expect(bench.steps.isEmpty)
    }

    @Test(arguments: [TaskState.starting, .finished, .failed, .killed])
    func aTaskThatMayHaveWrittenWithoutARunningReportHeldData(_ state: TaskState) {
        var bench = Bench()
        bench.subscribe()
        bench.request(.deploy(Bench.spec()))
        bench.offer(Bench.free)
        bench.report(state)
        #expect(bench.service?.row.placement?.isEstablished == true)
        #expect(
            bench.actions.contains {
                if case .store(let row) = $0 { row.placement?.isEstablished == true } else { false }
            })
    }

    @Test(arguments: [TaskState.dropped, .error])
    func whatNeverStartedIsMadeAgainOnItsAgent(_ state: TaskState) {
        var bench = Bench()
        bench.subscribe()
        bench.request(.deploy(Bench.spec()))
        bench.offer(Bench.free)
        bench.report(state)
        bench.wait(milliseconds: 30_000)
        bench.offer(Bench.free)
        #expect(bench.kinds == ["reserve", "create", "launch"])
    }

    @Test func nothingIsLaunchedBeforeTheBackoffIsOver() {
        var bench = Bench.running()
        let held = bench.held
        bench.report(.failed)
        bench.offer(held)
        #expect(bench.steps.isEmpty)
        #expect(bench.scheduler.deadline.map { $0 > bench.now } == true)
    }

    @Test func aStrangersUpdateIsAcknowledgedAndChangesNothing() {
        var bench = Bench.running()
        let before = bench.service
        bench.report(.failed, task: TaskID("db.old"))
        #expect(bench.service == before)
        #expect(bench.actions.contains { if case .acknowledge = $0 { true } else { false } })
    }

    @Test func aRestartedSchedulerAsksAboutItsTasks() throws {
        let row = try #require(Bench.running().service?.row)
        var bench = Bench(rows: [row])
        #expect(bench.actions.isEmpty)
        bench.subscribe()
        let task = try #require(row.placement?.task)
        #expect(bench.actions.contains(.reconcile([ServiceTask(task: task, agent: Bench.agent)])))
        bench.offer(row.placement?.resources ?? [])
        #expect(bench.steps.isEmpty, "nothing is launched while the old task may run")
        bench.report(.running)
        #expect(bench.service?.phase == .running)
    }

    @Test func aRestartedSchedulerGoesOnKillingWhatIsToStop() throws {
        var first = Bench.running()
        first.request(.remove("db", destroyVolumes: false))
        let row = try #require(first.service?.row)
        let task = try #require(row.placement?.task)
        var bench = Bench(rows: [row])
        bench.subscribe()
        #expect(bench.actions.contains(.kill(task, Bench.agent)))
        bench.report(.running)
        bench.wait(milliseconds: 15_000)
        #expect(bench.actions.contains(.kill(task, Bench.agent)), "a lost KILL is sent again")
    }
}
