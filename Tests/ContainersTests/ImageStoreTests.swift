import Containers
import Foundation
import Linux
import Testing

@Suite(.enabled(if: ImageBench.isAvailable, "no images here"), .timeLimit(.minutes(5)))
struct ImageStoreTests {
    @Test func aContainerRunsWhatItsImageSays() async throws {
        let bench = try ImageBench()
        let (store, launcher) = try (bench.store(), bench.runc.launcher())
        let image = try await store.prepared(bench.request(), "says")
        #expect(
            try await bench.runc.output(bench.spec("says", image), launcher)
                == "/made/here\nsaid\n")
        #expect(bench.runc.text("says", "stderr") == "")
        launcher.remove("says")
        store.remove("says")
        #expect(bench.names("containers").isEmpty)
        #expect(try MountTable.current().below(bench.directory).isEmpty)
        try launcher.release()
    }

    /// Both write to their roots; neither the image nor the other has it. Volumes have theirs.
    @Test(arguments: [true, false])
    func rootsAreEachContainersOwn(_ usesOverlay: Bool) async throws {
        let bench = try ImageBench()
        let launcher = try bench.runc.launcher()
        let store = try bench.store { $0.usesOverlay = usesOverlay }
        let data = try bench.runc.volume("data")
        let script = """
            cat /etc/motd; echo changed > /etc/motd; echo x >> /var/data/f
            echo $(ls /mnt/mesos/sandbox); touch /mnt/mesos/sandbox/mine
            """
        for id in ["one", "two"] {
            let image = try await store.prepared(bench.request(), id)
            let volume = ContainerSpec.Volume(
                hostPath: data, containerPath: "/var/data", isReadOnly: false)
            let spec = try bench.spec(id, image, volumes: [volume], shell: script)
            let said = try await bench.runc.output(spec, launcher)
            #expect(said.hasPrefix("of the image"), "\(said) \(bench.runc.text(id, "stderr"))")
            #expect(FileManager.default.fileExists(atPath: bench.runc.sandbox(id) + "/mine"))
        }
        #expect(try String(contentsOfFile: "\(data)/f", encoding: .utf8) == "x\nx\n")
        #expect(bench.fetches == 1)
        let changed = "\(store.upperDirectory("one"))/etc/motd"
        #expect(FileManager.default.fileExists(atPath: changed) == usesOverlay)
        for id in ["one", "two"] {
            launcher.remove(id)
            store.remove(id)
        }
        #expect(bench.names("containers").isEmpty)
    }

    @Test func manyWaitForOnePull() async throws {
        let bench = try ImageBench()
        let store = try bench.store()
        let roots = try await withThrowingTaskGroup(of: String.self) { group in
            for number in 0..<8 {
                group.addTask {
                    try await store.prepared(bench.request(), "c\(number)").directory
                }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(roots.count == 8)
        #expect(bench.names("roots").count == 1)
        #expect(bench.fetches == 1)
        #expect(bench.said("unpacking sha256:") == 1)
        store.removeRoots(keeping: ["c3"])
        #expect(bench.names("containers") == ["c3"])
        store.removeRoots()
    }

    /// What an agent that died has left is not taken for an image, and goes.
    @Test func onlyWhatIsCompleteCounts() async throws {
        let bench = try ImageBench()
        let first = try bench.store()
        _ = try await first.prepared(bench.request(), "first")
        #expect(bench.fetches == 1)
        for left in ["staging/77/image/root", "staging/1"] {
            try FileManager.default.createDirectory(
                atPath: "\(bench.directory)/\(left)", withIntermediateDirectories: true)
        }
        let second = try bench.store()
        second.removeRoots()
        _ = try await second.prepared(bench.request(), "second")
        #expect(bench.fetches == 1)
        second.removeRoots()
        // Its name without its root, as an operator may leave it.
        let digest = try #require(bench.names("roots").first)
        try FileManager.default.removeItem(atPath: "\(bench.directory)/roots/\(digest)")
        _ = try await second.prepared(bench.request(), "third")
        #expect(bench.fetches == 2)
        #expect(bench.names("roots") == [digest])
        second.removeRoots()
        await bench.awaitErasing()
        _ = try await second.prepared(bench.request(isCached: false), "fourth")
        #expect(bench.fetches == 3)
        #expect(bench.names("roots") == [digest])
        second.removeRoots()
    }

    @Test func aLayoutThatHasChangedIsAnotherImage() async throws {
        let bench = try ImageBench()
        let store = try bench.store()
        _ = try await store.prepared(bench.request(), "old")
        try ImageBench.run(
            ["umoci", "config", "--image", "\(bench.layout):bb", "--config.env=WORD=other"])
        let new = try await store.prepared(bench.request(), "new")
        #expect(new.configuration.environment.contains(.init("WORD", "other")))
        #expect(bench.names("roots").count == 2)
        store.removeRoots()
    }

    @Test func savedArchivesAreImages() async throws {
        let bench = try ImageBench()
        let store = try bench.store()
        let saved = "\(bench.runc.root)/saved"
        try FileManager.default.createDirectory(
            atPath: saved, withIntermediateDirectories: true)
        try ImageBench.run([
            "skopeo", "copy", "oci:\(bench.layout):bb", "docker-archive:\(saved)/plain:bb:1",
        ])
        try FileManager.default.moveItem(atPath: "\(saved)/plain", toPath: "\(saved)/bb:1.tar")
        let registry = try #require(ImageRegistry(option: saved))
        let names = try [
            ImageName("bb:1", registry), ImageName("docker-archive:\(saved)/bb:1.tar", .usual),
        ]
        for (number, name) in names.enumerated() {
            let image = try await store.prepared(bench.request(name), "saved\(number)")
            #expect(image.configuration.entrypoint == ["sh", "-c"])
        }
        #expect(bench.names("roots").count == 1)
        let missing = await store.failure(bench.request(try ImageName("bb:2", registry)))
        #expect(missing.contains("\(saved)/bb:2.tar: No such file"))
        store.removeRoots()
    }
}
