import MachineCore
import Model
import Testing

@testable import ServiceCore

/// Resizes that leave the task alone.
@Suite struct GrowthTests {
    private let size = Bench.mebibytes(512)

    /// A running service that was asked to grow.
    private func asked() throws -> (Bench, VolumeGrowth) {
        var bench = Bench.running()
        bench.request(.resize("db", volume: nil, size: size))
        return (bench, try #require(bench.growth))
    }

    @Test func aGrowthUnderTheTaskIsToldWithoutDowntime() throws {
        var (bench, growth) = try asked()
        #expect(growth.agent == Bench.agent)
        #expect(growth.size == size)
        #expect(growth.volume == bench.held.first(where: \.isPersistentVolume))
        #expect(bench.answer == nil && !bench.isKilling)
        bench.handle(.growthEnded(growth.id, .grown))
        #expect(
            bench.answer == .resized(downtimeMilliseconds: 0, isGrownWhileMounted: true))
        #expect(bench.service?.phase == .running)
        #expect(bench.service?.resize == nil)
        #expect(bench.service?.row.spec.volumes.first?.size == size)
        #expect(bench.held.first(where: \.isPersistentVolume)?.amount == size)
        // The row is stored before the answer leaves.
        guard case .store(let row) = bench.actions.first else {
            Issue.record("not stored: \(bench.actions)")
            return
        }
        #expect(row.spec.volumes.first?.size == size)
    }

    @Test func aVolumeThatMustBeIdleEndsTheTask() throws {
        var (bench, growth) = try asked()
        bench.handle(.growthEnded(growth.id, .needsIdleVolume))
        #expect(bench.isKilling)
        bench.report(.killed)
        bench.offer(bench.held + Bench.free)
        #expect(bench.kinds == ["reserve", "grow"])
    }

    @Test func aRefusalLeavesEverythingAsItWas() throws {
        var (bench, growth) = try asked()
        let row = bench.service?.row
        bench.handle(.growthEnded(growth.id, .refused("no disk is free")))
        #expect(bench.reason == "no disk is free")
        #expect(bench.service?.row == row)
        #expect(bench.service?.phase == .running)
        bench.request(.resize("db", volume: nil, size: size))
        #expect(bench.growth != nil)
    }

    @Test func aReductionNeedsAnIdleVolume() {
        var bench = Bench.running()
        bench.request(.resize("db", volume: nil, size: Bench.mebibytes(128)))
        #expect(bench.growth == nil)
        #expect(bench.isKilling)
    }

    /// The task dies while its volume grows, as one does that has no space left.
    @Test func aTaskThatDiesMeanwhileComesBackAtOnce() throws {
        var (bench, growth) = try asked()
        bench.report(.failed)
        #expect(bench.service?.notBefore != nil)
        bench.handle(.growthEnded(growth.id, .grown))
        #expect(bench.service?.notBefore == nil)
        let held = bench.held
        bench.offer(held + Bench.free)
        #expect(bench.kinds == ["launch"])
    }

    @Test func aTaskThatIsRelaunchedMeanwhileRunsOnTheVolumeAsItIs() throws {
        var (bench, growth) = try asked()
        bench.report(.failed)
        let held = bench.held
        bench.wait(milliseconds: 30_000)
        bench.offer(held + Bench.free)
        #expect(bench.kinds == ["launch"])
        bench.report(.running)
        #expect(bench.answer == nil)
        bench.handle(.growthEnded(growth.id, .grown))
        #expect(bench.held.first(where: \.isPersistentVolume)?.amount == size)
    }

    @Test func aRemovalMeanwhileIsToldToWhomWaits() throws {
        var (bench, growth) = try asked()
        bench.request(.remove("db", destroyVolumes: false))
        #expect(
            bench.actions.contains(
                .answer(
                    ServiceRequestID(3),
                    .refused(Refusal(.conflict, "service 'db' is being removed")))))
        bench.handle(.growthEnded(growth.id, .grown))
        #expect(bench.actions.isEmpty)
    }

    @Test func whatAFailedResizeReservedIsGivenBack() {
        var bench = ResizeTests.stopped(size: 512)
        let held = bench.held
        bench.offer(held + Bench.free)
        guard case .reserve(let reserved)? = bench.steps.first, let piece = reserved.first else {
            Issue.record("nothing reserved: \(bench.kinds)")
            return
        }
        bench.finish(bench.operation, .failed)
        bench.offer(held + Bench.free + [piece])
        #expect(bench.kinds == ["unreserve", "launch"])
        guard case .unreserve(let given, _)? = bench.steps.first else { return }
        #expect(given == [piece])
    }
}
