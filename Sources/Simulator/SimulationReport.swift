/// What a simulation was, and what was wrong in it.
package struct SimulationReport: Equatable, Sendable {
    package var seed: UInt64
    /// Handled by any machine, with the healing.
    package var events = 0
    /// Of the trace of all events and actions: the same in every process.
    package var digest: UInt64 = 0
    package var counts = OccurrenceCounts()
    /// Each a sentence; the first ones only.
    package var violations: [String] = []

    package init(seed: UInt64) { self.seed = seed }
}

/// What many simulations were together.
package struct SimulationSummary: Equatable, Sendable {
    package var simulations = 0
    package var events = 0
    /// Over the simulations' digests, in the order of their seeds.
    package var digest: UInt64 = 0
    package var counts = OccurrenceCounts()
    /// The reports of those in which something was wrong.
    package var failed: [SimulationReport] = []

    package init() {}
}

/// Runs simulations of many seeds, one after another.
package enum Simulator {
    package static func run(
        seeds: Range<UInt64>, options: SimulationOptions = SimulationOptions()
    ) -> SimulationSummary {
        var summary = SimulationSummary()
        var digest = TraceDigest()
        for seed in seeds {
            var simulation = Simulation(seed: seed, options: options)
            let report = simulation.run()
            summary.simulations += 1
            summary.events += report.events
            summary.counts.add(report.counts)
            digest.add(report.digest)
            if !report.violations.isEmpty { summary.failed.append(report) }
        }
        summary.digest = digest.value
        return summary
    }
}
