import Testing

@testable import Simulator

@Suite struct SimulationTests {
    @Test func twentySeedsAreSoundAndNotIdle() {
        let summary = Simulator.run(seeds: 0..<20)
        for report in summary.failed {
            let text = "seed \(report.seed): \(report.violations.joined(separator: "; "))"
            Issue.record("\(text)")
        }
        #expect(summary.simulations == 20)
        #expect(summary.events >= 20 * 2_000)
        for occurrence in Occurrence.allCases {
            #expect(summary.counts[occurrence] > 0, "\(occurrence.name)")
        }
    }

    @Test(arguments: [3, 77] as [UInt64]) func theSameSeedGivesTheSameDigest(seed: UInt64) {
        var first = Simulation(seed: seed)
        var second = Simulation(seed: seed)
        let report = first.run()
        #expect(report == second.run())
        var other = Simulation(seed: seed + 1)
        #expect(report.digest != other.run().digest)
    }
}
