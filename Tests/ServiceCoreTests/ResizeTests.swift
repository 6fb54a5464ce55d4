import MachineCore
import Model
import Testing

@testable import ServiceCore

@Suite struct ResizeTests {
    /// A service that was killed for a resize and whose task has ended.
    static func stopped(size: Int64) -> Bench {
        var bench = Bench.running()
        bench.request(.resize("db", volume: nil, size: Bench.mebibytes(size)))
        if let growth = bench.growth { bench.handle(.growthEnded(growth.id, .needsIdleVolume)) }
        bench.report(.killed)
        return bench
    }

    @Test func aGrowthKillsGrowsRelaunchesAndTellsTheDowntime() {
        var bench = Bench.running()
        let held = bench.held
        bench.request(.resize("db", volume: nil, size: Bench.mebibytes(512)))
        #expect(bench.answer == nil)
        if let growth = bench.growth { bench.handle(.growthEnded(growth.id, .needsIdleVolume)) }
        #expect(bench.isKilling)
        #expect(bench.answer == nil)
        bench.report(.killed)
        bench.offer(held + Bench.free)
        #expect(bench.kinds == ["reserve", "grow"])
        bench.finish(bench.operation)
        #expect(bench.service?.row.spec.volumes.first?.size == Bench.mebibytes(512))
        bench.offer(bench.held + Bench.free)
        #expect(bench.kinds == ["launch"])
        bench.now = bench.now + .milliseconds(1_500)
        bench.report(.running)
        #expect(bench.answer == .resized(downtimeMilliseconds: 1_500))
        #expect(bench.service?.resize == nil)
    }

    @Test func aReductionShrinksByTheDifference() {
        var bench = Self.stopped(size: 128)
        bench.offer(bench.held + Bench.free)
        guard case .shrink(_, let freed, _) = bench.steps.first else {
            Issue.record("no shrink: \(bench.kinds)")
            return
        }
        #expect(freed == Bench.mebibytes(128))
    }

    @Test func aFullAgentRefusesAndTheServiceGoesOnAsItWas() {
        var bench = Self.stopped(size: 4096)
        let held = bench.held
        bench.offer(held + Bench.free)
        #expect(bench.reason?.contains("has not 3840 MiB of disk free") == true)
        bench.offer(held + Bench.free)
        #expect(bench.kinds == ["launch"])
        #expect(bench.held == held)
    }

    @Test func aFailedOperationIsToldAndTheOldSizeStays() {
        var bench = Self.stopped(size: 512)
        let held = bench.held
        bench.offer(held + Bench.free)
        bench.finish(bench.operation, .failed)
        #expect(bench.reason == "says the agent")
        #expect(bench.service?.row.spec.volumes.first?.size == Bench.mebibytes(256))
        bench.offer(held + Bench.free)
        #expect(bench.kinds == ["launch"])
    }

    @Test func aGrowthWhoseNewsWasLostIsSeenInTheOffer() {
        var bench = Self.stopped(size: 512)
        let held = bench.held
        bench.offer(held + Bench.free)
        bench.wait(milliseconds: 15_000)
        let grown = held.map { $0.isPersistentVolume ? $0.with(amount: Bench.mebibytes(512)) : $0 }
        bench.offer(grown)
        #expect(bench.kinds == ["launch"])
        #expect(bench.service?.row.spec.volumes.first?.size == Bench.mebibytes(512))
    }

    @Test func refusals() {
        var bench = Bench.running()
        let size = Bench.mebibytes(512)
        bench.request(.resize("none", volume: nil, size: size))
        #expect(bench.reason == "there is no service 'none'; 'service status' lists all")
        bench.request(.resize("db", volume: "logs", size: size))
        #expect(bench.reason == "name a volume of service 'db'; it has: data")
        bench.request(.resize("db", volume: nil, size: .zero))
        #expect(bench.reason == "a volume's size must be above zero")
        bench.request(.resize("db", volume: nil, size: Bench.mebibytes(256)))
        #expect(bench.answer == .resized(downtimeMilliseconds: 0))
        bench.request(.resize("db", volume: nil, size: size))
        bench.request(.resize("db", volume: nil, size: size))
        #expect(bench.reason == "service 'db' is being resized or removed already")
    }

    @Test func aServiceThatIsNowhereYetIsPlacedInItsNewSize() {
        var bench = Bench()
        bench.subscribe()
        bench.request(.deploy(Bench.spec()))
        bench.request(.resize("db", volume: "data", size: Bench.mebibytes(512)))
        #expect(bench.answer == .resized(downtimeMilliseconds: 0))
        bench.offer(Bench.free)
        #expect(bench.held.first(where: \.isPersistentVolume)?.amount == Bench.mebibytes(512))
    }

    @Test func aVolumeThatWasNeverMadeIsMadeInItsNewSize() {
        var bench = Bench()
        bench.subscribe()
        bench.request(.deploy(Bench.spec()))
        bench.offer(Bench.free)
        bench.report(.dropped)
        bench.request(.resize("db", volume: nil, size: Bench.mebibytes(512)))
        bench.wait(milliseconds: 30_000)
        bench.offer(Bench.free)
        #expect(bench.kinds == ["reserve", "create", "launch"])
        bench.report(.running)
        #expect(bench.service?.resize == nil)
    }
}
