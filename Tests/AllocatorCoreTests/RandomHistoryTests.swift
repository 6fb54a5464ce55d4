import MachineCore
import Model
import Testing

@testable import AllocatorCore

@Suite struct RandomHistoryTests {
    // With seed 105 a shared volume was not offered twice in a pass where it had to be.
    @Test(arguments: Array(0..<12) + [105])
    func keepsTheBooks(seed: Int) {
        var history = History(seed: UInt64(seed))
        for step in 0..<1200 {
            history.step()
            let problems = history.problems()
            guard problems.isEmpty else {
                Issue.record("seed \(seed), step \(step): \(problems.joined(separator: "; "))")
                return
            }
        }
        #expect(history.counts.allocations > 200)
        #expect(history.counts.conversions > 20)
    }

    @Test func theSameHistoryGivesTheSameAllocations() {
        var digests: [UInt64] = []
        for _ in 0..<2 {
            var history = History(seed: 77)
            for _ in 0..<2000 { history.step() }
            digests.append(history.digest)
        }
        #expect(digests[0] == digests[1])
        // Dictionaries are seeded anew in every process: this number is that of all of them.
        #expect(digests[0] == 13_659_274_212_787_362_625)
    }
}

/// A cluster in which anything happens at any time, with books of its own.
struct History {
    struct Counts {
        var allocations = 0
        var conversions = 0
        /// Why something was not offered, where that was asked.
        var decisive: Set<OfferReason.Code> = []
    }

    struct Refused {
        let allocation: Allocation
        let until: Instant
    }

    var cluster = Cluster { $0.filtersPerFramework = 12 }
    var generator: SeededGenerator
    var counts = Counts()
    var digest: UInt64 = 0xCBF2_9CE4_8422_2325
    /// Allocations that were made and not recovered yet, whole or in part.
    var held: [Allocation] = []
    var refused: [Refused] = []
    var complaints: [String] = []
    var volumes = 0
    /// Asks before each pass what it will do, and compares.
    var checksForecasts = false
    /// Where a pass did something else.
    var mistakes: [String] = []

    static let roles = ["*", "a", "a/b", "a/c", "d"]

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func step() {
        switch generator.below(24) {
        case 0: addAgent()
        case 1: cluster.allocator.removeAgent(anyAgent())
        case 2: cluster.allocator.setAgentActive(anyAgent(), !generator.oneIn(3))
        case 3, 4: addFramework()
        case 5: if generator.oneIn(3) { cluster.allocator.removeFramework(anyFramework()) }
        case 6: setFrameworkActive()
        case 7: revive()
        case 8: cluster.allocator.suppress(anyFramework(), roles: [anyRole()])
        case 9, 10: convertAvailable()
        case 11, 12: convertAllocated()
        case 13: changeTotal()
        case 14: reportTasks()
        case 15: cluster.now = cluster.now + .milliseconds(Int64(generator.below(30)))
        case 16: cluster.now = cluster.now + .seconds(Double(generator.below(8)))
        default: recover()
        }
        if !generator.oneIn(4) { allocate() }
    }

    private mutating func anyAgent() -> AgentID { AgentID("agent\(generator.below(6))") }
    private mutating func anyFramework() -> FrameworkID {
        FrameworkID("framework\(generator.below(5))")
    }
    private mutating func anyRole() -> String { History.roles[generator.below(5)] }

    private mutating func addAgent() {
        let id = anyAgent()
        guard cluster.allocator.available(id).isEmpty else { return }
        held.removeAll { $0.agent == id }
        refused.removeAll { $0.allocation.agent == id }
        var total = Make.resources(
            cpus: Int64(generator.below(8)), mem: Int64(generator.below(256)),
            disk: Int64(generator.below(512)), gpus: generator.oneIn(4) ? 1 : 0,
            ports: 1000...1009)
        if generator.oneIn(2) {
            let role = History.roles[1 + generator.below(4)]
            total.add(Make.resources(cpus: 1, disk: 64, role: role))
        }
        cluster.allocator.addAgent(id, total: total, used: [])
    }

    private mutating func addFramework() {
        let id = anyFramework()
        let capabilities = FrameworkDescription.Capabilities(
            rawValue: generator.oneIn(2) ? 0xFFFF : UInt32(truncatingIfNeeded: generator.next()))
        cluster.allocator.addFramework(
            id, roles: [anyRole(), anyRole()], suppressed: generator.oneIn(4) ? [anyRole()] : [],
            capabilities: capabilities, isActive: true)
        refused.removeAll { $0.allocation.framework == id }
    }

    private mutating func setFrameworkActive() {
        let id = anyFramework()
        cluster.allocator.setFrameworkActive(id, !generator.oneIn(3))
        refused.removeAll { $0.allocation.framework == id }
    }

    private mutating func revive() {
        let id = anyFramework()
        let role = anyRole()
        cluster.allocator.revive(id, roles: [role])
        refused.removeAll { $0.allocation.framework == id && $0.allocation.role == role }
    }

    /// A task ends or an offer is declined, whole or in part.
    private mutating func recover() {
        guard !held.isEmpty else { return }
        let index = generator.below(held.count)
        let allocation = held[index]
        var part = allocation.resources
        if generator.oneIn(2) {
            let pieces = part.sortedPieces
            part = Resources([pieces[generator.below(pieces.count)]])
        }
        let rest = allocation.resources.subtracting(part) ?? Resources()
        if rest.isEmpty {
            held.remove(at: index)
        } else {
            held[index] = Allocation(
                framework: allocation.framework, role: allocation.role, agent: allocation.agent,
                resources: rest)
        }
        let seconds = [nil, 0, 0, 0.004, 1, 5, 60][generator.below(7)]
        let returned = Allocation(
            framework: allocation.framework, role: allocation.role, agent: allocation.agent,
            resources: part)
        let before = cluster.allocator.filterCount
        cluster.recover(returned, refuseSeconds: seconds)
        if let seconds, seconds > 0, cluster.allocator.filterCount > before {
            refused.append(
                Refused(allocation: returned, until: cluster.now + .seconds(seconds)))
        }
    }
}
