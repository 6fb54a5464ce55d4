import AgentCore
import Foundation
import Logging
import Model
import Testing
import Volumes

@testable import Daemons

@Suite struct AgentVolumesTests {
    private let directory =
        FileManager.default.temporaryDirectory.path
        + "/holdfast-agent-volumes-\(UUID().uuidString)"
    private let volume = VolumeDescription(
        uuid: VolumeUUID("7a9b0c1d-2222-4222-8222-222222222222"),
        resource: Resource(
            "disk", .scalar(Amount(thousandths: 1000)),
            reservations: [Reservation(role: "db")],
            disk: Disk(persistence: .init(id: "v"))),
        createdNanoseconds: 0)

    /// An agent's volumes, and the reports that come of them.
    private func volumes() throws -> (AgentVolumes, AsyncStream<VolumeUUID>) {
        let (reports, continuation) = AsyncStream.makeStream(of: VolumeUUID.self)
        let volumes = try AgentVolumes(
            workDirectory: directory, resources: Resources(), preference: .directory,
            logger: Logger(label: "test")
        ) { for report in $0 { continuation.yield(report.uuid) } }
        return (volumes, reports)
    }

    private func change(_ volumes: AgentVolumes, _ change: VolumeChange) async -> String? {
        await withCheckedContinuation { continuation in
            volumes.change([change]) { continuation.resume(returning: $0) }
        }
    }

    /// A machine that loses its power forgets a directory that was never synced.
    @Test(.timeLimit(.minutes(2)))
    func anUnpreparedVolumeThatACrashTookIsMadeAgain() async throws {
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let (first, _) = try volumes()
        #expect(await change(first, .create(volume)) == nil)
        let path = try #require(first.path(volume.uuid))
        try FileManager.default.removeItem(atPath: directory + "/volumes")
        let (second, reports) = try volumes()
        #expect(second.recover([volume]) == [.init(volume.uuid)])
        #expect(try FileManager.default.contentsOfDirectory(atPath: path).isEmpty)
        // It is reported when it is prepared; from then on its owner file tells of it.
        for await uuid in reports {
            #expect(uuid == volume.uuid)
            break
        }
        let (third, _) = try volumes()
        #expect(third.recover([]) == [.init(volume.uuid)])
        // Prepared and gone, it is lost: nothing takes its place.
        try FileManager.default.removeItem(atPath: path)
        let (fourth, _) = try volumes()
        #expect(fourth.recover([volume]).first?.problem != nil)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func whatIsDestroyedUnusedIsGoneAtOnce() async throws {
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let (volumes, _) = try volumes()
        #expect(await change(volumes, .create(volume)) == nil)
        let path = try #require(volumes.path(volume.uuid))
        #expect(FileManager.default.fileExists(atPath: path))
        #expect(await change(volumes, .destroy(volume.uuid)) == nil)
        #expect(!FileManager.default.fileExists(atPath: path))
        #expect(volumes.path(volume.uuid) == nil)
        #expect(await change(volumes, .create(volume)) == nil)
        #expect(FileManager.default.fileExists(atPath: path))
    }
}
