import Containers
import Foundation
import Linux
import Testing

@Suite struct SandboxCollectorTests {
    private let directory: String
    private let outside: String

    init() throws {
        let root = FileManager.default.temporaryDirectory.path + "/collector-\(UUID().uuidString)"
        (directory, outside) = (root + "/slaves", root + "/outside")
        for path in [directory, outside] {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
        }
    }

    private func sandbox(
        _ container: String, executor: String = "e", framework: String = "f", agent: String = "a"
    ) throws -> String {
        let runs = "\(directory)/\(agent)/frameworks/\(framework)/executors/\(executor)/runs"
        let path = "\(runs)/\(container)"
        try FileManager.default.createDirectory(
            atPath: path + "/deep/down", withIntermediateDirectories: true)
        try Data("x".utf8).write(to: URL(filePath: path + "/deep/down/stdout"))
        try Files.replaceLink(runs + "/latest", target: container)
        return path
    }

    private func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    private func collector(
        delay: Double = 100, headroom: Double = 0
    ) -> SandboxCollector {
        SandboxCollector(
            directory: directory, policy: .init(delaySeconds: delay, headroom: headroom))
    }

    /// A round at a time, on a disk that stays as full as it is.
    private func deleted(
        _ collector: inout SandboxCollector, living: Set<String> = [], at now: Double,
        wallClock: Double = Date().timeIntervalSince1970, usage: Double = 0
    ) -> [String] {
        collector.collect(
            collector.sandboxes(), living: living, now: now, wallClock: wallClock,
            usage: { usage }
        ).filter { $0.outcome == .deleted }.map(\.path)
    }

    /// Scenario: gc_tests GarbageCollectorTest.Schedule
    /// Scenario: gc_tests GarbageCollectorIntegrationTest.ExitedExecutor
    @Test func keptForTheDelayAfterTheContainersEnd() throws {
        let (first, second) = (try sandbox("1"), try sandbox("2"))
        var collector = collector()
        #expect(deleted(&collector, living: ["1", "2"], at: 1_000) == [])
        #expect(deleted(&collector, living: ["2"], at: 2_000) == [])
        #expect(deleted(&collector, at: 2_099) == [])
        #expect(deleted(&collector, at: 2_100) == [first])
        #expect(!exists(first) && exists(second))
        #expect(deleted(&collector, at: 2_199) == [second])
    }

    /// A container that lives is never collected, however long it does and however full the disk.
    /// Scenario: gc_tests GarbageCollectorTest.Unschedule
    /// Scenario: gc_tests GarbageCollectorIntegrationTest.Unschedule
    /// Scenario: gc_tests GarbageCollectorIntegrationTest.LongLivedDefaultExecutor
    @Test func livingOnesStay() throws {
        let path = try sandbox("1")
        var collector = collector()
        for now in stride(from: 0.0, to: 10_000, by: 500) {
            #expect(deleted(&collector, living: ["1"], at: now, usage: 1) == [])
        }
        #expect(exists(path + "/deep/down/stdout"))
    }

    /// Scenario: gc_tests GarbageCollectorTest.Prune
    /// Scenario: gc_tests GarbageCollectorIntegrationTest.DiskUsage
    @Test func theFullerTheDiskTheShorter() throws {
        let policy = SandboxCollector.Policy(delaySeconds: 1_000, headroom: 0.1)
        #expect(policy.keptSeconds(usage: 0) == 900)
        #expect(abs(policy.keptSeconds(usage: 0.5) - 400) < 1e-9)
        #expect(policy.keptSeconds(usage: 0.9) == 0)
        #expect(policy.keptSeconds(usage: 1) == 0)
        let path = try sandbox("1")
        var collector = SandboxCollector(directory: directory, policy: policy)
        #expect(deleted(&collector, living: ["1"], at: 0) == [])
        #expect(deleted(&collector, at: 10) == [])
        #expect(deleted(&collector, at: 400, usage: 0.5) == [])
        #expect(deleted(&collector, at: 400, usage: 0.55) == [path])
    }

    /// Each deletion makes room: the oldest go first, and only as many as are in the way.
    @Test func stopsWhenThereIsRoomAgain() throws {
        let (old, young) = (try sandbox("1"), try sandbox("2"))
        var collector = collector()
        #expect(deleted(&collector, living: ["1", "2"], at: 0) == [])
        #expect(deleted(&collector, living: ["2"], at: 10) == [])
        #expect(deleted(&collector, at: 20) == [])
        let found = collector.sandboxes()
        let outcomes = collector.collect(
            found, living: [], now: 30, wallClock: 0, usage: { exists(old) ? 1 : 0.2 })
        #expect(outcomes.map(\.path) == [old])
        #expect(exists(young))
    }

    /// After a restart of the agent a sandbox is as old as the last change in it.
    /// Scenario: gc_tests GarbageCollectorIntegrationTest.Restart
    @Test func agesSurviveARestart() throws {
        let path = try sandbox("1")
        let wall = Date().timeIntervalSince1970
        var collector = collector()
        #expect(deleted(&collector, at: 5, wallClock: wall + 50) == [])
        #expect(deleted(&collector, at: 30, wallClock: wall + 50) == [])
        #expect(deleted(&collector, at: 60, wallClock: wall) == [path])
    }

    /// A wall clock that goes back, or forward after the first look, changes nothing.
    @Test func jumpsOfTheWallClockChangeNothing() throws {
        _ = try sandbox("1")
        var collector = collector()
        let wall = Date().timeIntervalSince1970
        #expect(deleted(&collector, at: 0, wallClock: wall - 1e6) == [])
        #expect(deleted(&collector, at: 50, wallClock: wall + 1e6) == [])
        _ = try sandbox("2")
        #expect(deleted(&collector, at: 60, wallClock: wall + 1e6) == [])
    }

    /// What a framework, an executor and an earlier agent had goes with the last sandbox.
    /// Scenario: gc_tests GarbageCollectorIntegrationTest.ExitedFramework
    @Test func emptyParentsGo() throws {
        _ = try sandbox("1", executor: "gone", framework: "f")
        let other = try sandbox("2", executor: "kept", framework: "f")
        _ = try sandbox("3", framework: "g", agent: "earlier")
        var collector = collector(delay: 0)
        #expect(deleted(&collector, living: ["2"], at: 0).count == 2)
        #expect(exists(other))
        #expect(!exists("\(directory)/a/frameworks/f/executors/gone"))
        #expect(!exists("\(directory)/earlier") && exists(directory))
    }

    /// Links in a sandbox are deleted, what they point to is not: a volume of the plain launcher.
    @Test func linksAreNotFollowed() throws {
        let data = outside + "/data"
        try Data("rows".utf8).write(to: URL(filePath: data))
        let path = try sandbox("1")
        try FileManager.default.createSymbolicLink(
            atPath: path + "/volume", withDestinationPath: outside)
        try FileManager.default.createSymbolicLink(
            atPath: "\(directory)/a/frameworks/f/executors/e/runs/linked",
            withDestinationPath: outside)
        var collector = collector(delay: 0)
        #expect(deleted(&collector, at: 0) == [path])
        #expect(exists(data))
    }

    /// MESOS-8830: a volume that is still mounted in a dead container's sandbox loses no byte.
    /// Scenario: gc_tests GarbageCollectorIntegrationTest.ROOT_DanglingMount
    /// Scenario: gc_tests GarbageCollectorIntegrationTest.ROOT_OrphanContainer
    @Test(.enabled(if: geteuid() == 0, "mounting needs root"))
    func danglingMountsAreUnmountedAndNeverEntered() throws {
        try Data("rows".utf8).write(to: URL(filePath: outside + "/data"))
        let path = try sandbox("1")
        let place = path + "/volume"
        try FileManager.default.createDirectory(
            atPath: place, withIntermediateDirectories: true)
        try Mount.bind(outside, at: place)
        defer { _ = try? Mount.detach(place, isLazy: true) }
        var collector = collector(delay: 0)
        do {
            let busy = try #require(FileHandle(forReadingAtPath: place + "/data"))
            let outcomes = collector.collect(
                collector.sandboxes(), living: [], now: 0, wallClock: 0, usage: { 0 })
            #expect(outcomes.map(\.path) == [path])
            #expect(outcomes.first?.outcome != .deleted)
            #expect(exists(place + "/data") && exists(path + "/deep/down/stdout"))
            try busy.close()
        }
        #expect(deleted(&collector, at: 1) == [path])
        #expect(try Data(contentsOf: URL(filePath: outside + "/data")) == Data("rows".utf8))
    }
}
