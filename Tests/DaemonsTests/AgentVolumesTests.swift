import AgentCore
import Foundation
import Glibc
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
        let (first, reports) = try volumes()
        #expect(first.recover([volume]) == [.init(volume.uuid)])
        let path = try #require(first.path(volume.uuid))
        #expect(try FileManager.default.contentsOfDirectory(atPath: path).isEmpty)
        // It is reported when it is prepared; from then on its owner file tells of it.
        for await uuid in reports {
            #expect(uuid == volume.uuid)
            break
        }
        let (second, _) = try volumes()
        #expect(second.recover([]) == [.init(volume.uuid)])
        // Prepared and gone, it is lost: nothing takes its place.
        try FileManager.default.removeItem(atPath: path)
        let (third, _) = try volumes()
        #expect(third.recover([volume]).isEmpty)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    /// The agent was killed after CREATE's record and before the image had its file system.
    @Test(.enabled(if: geteuid() == 0, "loop devices need root"))
    func anImageThatWasNotPreparedIsNotLost() throws {
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let spec = VolumeSpec(
            uuid: volume.uuid, role: "db", persistenceID: "v", bytes: 1 << 20, createdBy: "")
        try VolumeStore(.root(workDirectory: directory), preference: .loopExt4).create(spec)
        let (volumes, _) = try volumes()
        // A volume that the journal does not know is left for CREATE to be repeated.
        #expect(volumes.recover([]) == [])
        #expect(volumes.recover([volume]) == [.init(volume.uuid)])
        #expect(
            try volumes.mount(volume.uuid, owner: VolumeOwner(uid: 0, gid: 0, mode: 0o700)) != "")
        volumes.release()
    }

    /// Whether it was prepared by then or not.
    @Test func whatIsDestroyedFreesItsNameAtOnce() async throws {
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let (volumes, _) = try volumes()
        #expect(await change(volumes, .create(volume)) == nil)
        let path = try #require(volumes.path(volume.uuid))
        #expect(FileManager.default.fileExists(atPath: path))
        #expect(await change(volumes, .destroy(volume.uuid)) == nil)
        #expect(!FileManager.default.fileExists(atPath: path))
        let next = VolumeDescription(
            uuid: VolumeUUID("7a9b0c1d-3333-4333-8333-333333333333"), resource: volume.resource,
            createdNanoseconds: 0)
        #expect(await change(volumes, .create(next)) == nil)
        #expect(volumes.path(next.uuid) == path)
        #expect(FileManager.default.fileExists(atPath: path))
    }

    /// A transaction's changes: one that fails takes those before it back.
    @Test(.timeLimit(.minutes(2)))
    func whatCannotAllBeDoneLeavesTheDiskAsItWas() async throws {
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let (volumes, _) = try volumes()
        #expect(await change(volumes, .create(volume)) == nil)
        var other = volume.resource
        other.disk = Disk(persistence: .init(id: "w"))
        var elsewhere = volume.resource
        elsewhere.disk = Disk(
            persistence: .init(id: "x"), source: DiskSource(.path, root: "/nowhere"))
        let made = VolumeDescription(
            uuid: VolumeUUID("7a9b0c1d-3333-4333-8333-333333333333"), resource: other,
            createdNanoseconds: 0)
        let impossible = VolumeDescription(
            uuid: VolumeUUID("7a9b0c1d-4444-4444-8444-444444444444"), resource: elsewhere,
            createdNanoseconds: 0)
        let grown = Amount(thousandths: 2000)
        let failure = await withCheckedContinuation { continuation in
            volumes.change([
                .create(made), .resize(volume.uuid, to: grown), .create(impossible),
            ]) { continuation.resume(returning: $0) }
        }
        #expect(failure?.contains("no disk at '/nowhere'") == true)
        let store = try #require(volumes.store(of: volume.uuid))
        #expect(try store.status(volume.uuid).record.spec.bytes == 1_048_576)
        let state = try? store.status(made.uuid).record.state
        #expect(state == nil || state == .deleting)
        let done = await withCheckedContinuation { continuation in
            volumes.change([.resize(volume.uuid, to: grown)]) {
                continuation.resume(returning: $0)
            }
        }
        #expect(done == nil)
        #expect(try store.status(volume.uuid).record.spec.bytes == 2_097_152)
    }
}
