import ArgumentParser
import Simulator

struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Run whole clusters in one thread, with faults, and check that nothing breaks.")
    @Option(help: "Which seeds, as FIRST..<END.")
    var seeds = "0..<100"
    @Flag(help: "Print JSON for programs.")
    var json = false

    func run() throws {
        let parts = seeds.split(separator: ".", omittingEmptySubsequences: true)
        guard parts.count == 2, let first = UInt64(parts[0]),
            let end = UInt64(parts[1].drop { $0 == "<" }), first < end
        else { throw CommandFailure("--seeds \(seeds): write it like 0..<1000", status: 2) }
        let summary = Simulator.run(seeds: first..<end)
        for report in summary.failed {
            progress("seed \(report.seed): \(report.violations.joined(separator: "; "))")
        }
        var table = Table([("what", "WHAT"), ("count", "HOW OFTEN")])
        for occurrence in Occurrence.allCases {
            table.add([.text(occurrence.name), .number(Double(summary.counts[occurrence]))])
        }
        table.print(asJSON: json)
        let digest = String(summary.digest, radix: 16)
        progress(
            "\(summary.simulations) simulations, \(summary.events) events, digest \(digest), "
                + "\(summary.failed.count) with violations")
        if !summary.failed.isEmpty { throw ExitCode(1) }
    }
}
