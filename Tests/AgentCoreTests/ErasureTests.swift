import Model
import Testing

@testable import AgentCore

/// What the agent decides when the master wants a volume's data erased before its DESTROY.
@Suite struct ErasureTests {
    private let uuid = VolumeUUID("v")
    private let order = EraseOrder(.overwrite, mebibytesPerSecond: 8)

    @Test func anUnusedVolumeIsErasedAndItsEndTold() {
        var harness = Harness()
        _ = harness.makeVolume("v")
        #expect(harness.hear(.eraseVolume(uuid, order)) == [.eraseVolume(uuid, order)])
        #expect(
            harness.send(.volumeErased(uuid, failure: nil)) == [
                .send(.volumeErased(uuid, failure: nil))
            ])
    }

    @Test func whatIsErasedIsLaunchedOnNoMore() {
        var harness = Harness()
        let volume = harness.makeVolume("v")
        harness.hear(.eraseVolume(uuid, order))
        #expect(harness.agent.volumeProblem(of: [volume])?.contains("being erased") == true)
        let destroy = harness.apply(
            .destroy, .init(volume, Resource.disk(100).reserved), [.destroy(uuid)])
        harness.hear(.applyOperation(destroy))
        harness.send(.volumesChanged(destroy.uuid, failure: nil))
        #expect(harness.agent.erasing.isEmpty)
    }

    @Test func anUnknownVolumeIsAFailure() {
        var harness = Harness()
        let answer = harness.hear(.eraseVolume(uuid, order))
        #expect(
            answer == [
                .send(.volumeErased(uuid, failure: "this agent has no such volume"))
            ])
    }

    @Test func withoutAMasterTheEndIsNotToldAndTheMasterAsksAgain() {
        var harness = Harness()
        _ = harness.makeVolume("v")
        harness.hear(.eraseVolume(uuid, order))
        harness.send(.masterDisconnected)
        #expect(harness.send(.volumeErased(uuid, failure: nil)).isEmpty)
        harness.register()
        #expect(harness.hear(.eraseVolume(uuid, order)) == [.eraseVolume(uuid, order)])
    }
}
