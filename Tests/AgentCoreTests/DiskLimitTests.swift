import Model
import Testing

@testable import AgentCore

/// Whose rule counts when a disk is full, and what the master hears.
@Suite struct DiskLimitTests {
    private let rules = [RoleDiskRule(role: "db", limit: .kill)]
    private let alarm = UsageAlarm(kind: "volume-over", text: "", nanoseconds: 1)

    @Test func rulesOfAnEarlierMasterEndWithItsConnection() {
        var harness = Harness()
        harness.hear(.diskRules(rules))
        #expect(harness.agent.diskRules == rules)
        // Without a master the last word counts.
        harness.send(.masterDisconnected)
        #expect(harness.agent.diskRules == rules)
        // What the next one says before it takes the agent replaces them at that moment.
        harness.send(.masterConnected)
        let later = [RoleDiskRule(role: "web", limit: .fail)]
        harness.send(.masterSaid(.diskRules(later)))
        #expect(harness.agent.diskRules == rules)
        harness.send(
            .masterSaid(
                .registered(
                    harness.agent.state.id ?? AgentID("a"), pingTimeoutMilliseconds: 75_000)))
        #expect(harness.agent.diskRules == later)
        // One that says nothing has none.
        harness.send(.masterDisconnected)
        harness.register()
        #expect(harness.agent.diskRules.isEmpty)
    }

    @Test func aTasksOwnRuleGoesFirst() {
        var harness = Harness()
        harness.hear(.diskRules(rules))
        let volume = Resource.disk(100).reserved
        var task = TaskDescription(
            id: TaskID("t"), name: "t", agent: AgentID("a"), resources: [volume])
        let role = RoleDiskRule(role: volume.role, limit: .kill)
        harness.hear(.diskRules([role]))
        #expect(harness.agent.limitAction(of: volume, for: task) == .kill)
        task.diskLimits = [DiskLimitRule(.fail)]
        #expect(harness.agent.limitAction(of: volume, for: task) == .fail)
        harness.hear(.diskRules([]))
        #expect(harness.agent.limitAction(of: volume, for: nil) == nil)
    }

    @Test func alarmsWaitForAMaster() {
        var harness = Harness()
        #expect(harness.send(.usageAlarmed(alarm)) == [.send(.usageAlarm(alarm))])
        harness.send(.masterDisconnected)
        for _ in 0..<300 { #expect(harness.send(.usageAlarmed(alarm)).isEmpty) }
        #expect(harness.agent.usageAlarms.count == 256, "the oldest go first")
        harness.register()
        #expect(harness.agent.usageAlarms.isEmpty)
    }
}
