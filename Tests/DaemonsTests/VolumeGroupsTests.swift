import AgentCore
import Foundation
import Glibc
import Linux
import Logging
import Model
import Testing
import Volumes

@testable import Daemons

@Suite struct VolumeGroupsTests {
    /// Scenario: volume_gid_manager VolumeGidManagerTest.ROOT_Flag
    @Test func onlyRangesOfGroupNumbersAreTaken() throws {
        #expect(try VolumeGroups(parsing: "[10000-20000]").text == "[10000-20000]")
        #expect(try VolumeGroups(parsing: "[7-7, 1-2]").text == "[1-2,7-7]")
        let wrong = [
            "", "[]", "10000-20000", "[20000-10000]", "[0-5]", "[a-b]", "[1-4294967295]", "[5]",
            "[-1-5]", "[1-5,]", "[1-5,5-9]", "gids:[1-5]", "[1-99999999999]",
        ]
        for text in wrong {
            let refusal = #expect(throws: Refusal.self, "\(text)") {
                try VolumeGroups(parsing: text)
            }
            #expect(refusal?.message.contains("like [10000-20000]") == true)
        }
    }

    @Test func theLowestFreeGroupIsGiven() throws {
        let groups = try VolumeGroups(parsing: "[5-6,9-9]")
        #expect(groups.free(besides: []) == 5)
        #expect(groups.free(besides: [5, 7]) == 6)
        #expect(groups.free(besides: [5, 6]) == 9)
        #expect(groups.free(besides: [5, 6, 9]) == nil)
    }
}

/// On a directory of its own, with volumes that are directories.
@Suite(.enabled(if: geteuid() == 0, "giving files to groups needs root"))
struct VolumeGroupAllotmentTests {
    private let directory =
        FileManager.default.temporaryDirectory.path + "/holdfast-groups-\(UUID().uuidString)"

    private func volumes(_ range: String?) throws -> AgentVolumes {
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        let volumes = try AgentVolumes(
            workDirectory: directory, resources: Resources(), preference: .directory,
            groups: range.map { try VolumeGroups(parsing: $0) }, logger: Logger(label: "test")
        ) { _ in }
        _ = volumes.recover([])
        return volumes
    }

    private func make(_ number: Int, _ volumes: AgentVolumes) throws -> VolumeUUID {
        let uuid = VolumeUUID("7a9b0c1d-2222-4222-8222-00000000000\(number)")
        try volumes.apply(
            .create(
                VolumeDescription(
                    uuid: uuid,
                    resource: Resource(
                        "disk", .scalar(Amount(thousandths: 1000)),
                        reservations: [Reservation(role: "db")],
                        disk: Disk(persistence: .init(id: "v\(number)")), isShared: true),
                    createdNanoseconds: 0)))
        return uuid
    }

    /// Destroys a volume to the end: its owner file is gone.
    private func destroy(_ uuid: VolumeUUID, _ volumes: AgentVolumes) throws {
        let store = try #require(volumes.store(of: uuid))
        try store.retire(uuid)
        while try store.erase(uuid) == .unfinished {}
        volumes.forget(uuid)
    }

    /// Scenario: volume_gid_manager VolumeGidManagerTest.ROOT_UNPRIVILEGED_USER_GidReused
    @Test func aGroupIsFreeAgainWhenItsVolumeIsErased() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let volumes = try volumes("[700000-700001]")
        let (one, two) = try (make(1, volumes), make(2, volumes))
        #expect(try volumes.group(of: one, uid: 1000) == 700_000)
        // Whoever comes next uses the volume by the same group.
        #expect(try volumes.group(of: one, uid: 1001) == 700_000)
        #expect(try volumes.group(of: two, uid: 1000) == 700_001)
        let status = try FileStatus.of(try #require(volumes.path(one)))
        #expect(status.uid == 0 && status.gid == 700_000 && status.mode == 0o2770)
        try destroy(one, volumes)
        #expect(try volumes.group(of: make(3, volumes), uid: 1000) == 700_000)
    }

    /// Scenario: volume_gid_manager VolumeGidManagerTest.ROOT_UNPRIVILEGED_USER_GidRangeExhausted
    @Test func whenNoGroupIsLeftTheReasonIsTold() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let volumes = try volumes("[700000-700000]")
        let (one, two) = try (make(1, volumes), make(2, volumes))
        #expect(try volumes.group(of: one, uid: 1000) == 700_000)
        let error = #expect(throws: VolumeError.self) {
            try volumes.group(of: two, uid: 1000)
        }
        #expect("\(error, default: "none")".contains("--volume-gid-range [700000-700000]"))
        // Root needs none, and those that have one are not touched.
        #expect(try volumes.group(of: two, uid: 0) == nil)
        #expect(try volumes.group(of: one, uid: 1001) == 700_000)
    }

    /// A machine that was started again has nothing but the disk.
    ///
    /// Scenario: volume_gid_manager VolumeGidManagerTest.ROOT_UNPRIVILEGED_USER_SlaveReboot
    @Test func groupsAreKnownAfterTheMachinesRestart() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let first = try volumes("[700000-700009]")
        let one = try make(1, first)
        #expect(try first.group(of: one, uid: 1000) == 700_000)
        first.release()
        let second = try volumes("[700000-700009]")
        #expect(try second.group(of: make(2, second), uid: 1000) == 700_001)
        #expect(try second.group(of: one, uid: 1000) == 700_000)
        // Also with another range, and with none: what is stored in it is the group's.
        #expect(try volumes("[800000-800009]").group(of: one, uid: 1000) == 700_000)
        let last = try volumes(nil)
        #expect(try last.group(of: one, uid: 0) == 700_000)
        #expect(try last.group(of: make(3, last), uid: 1000) == nil)
    }
}
