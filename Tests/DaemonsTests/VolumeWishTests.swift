import Containers
import MesosAPI
import Testing

@testable import Daemons

@Suite struct VolumeWishTests {
    private func volume(
        _ path: String = "at", _ change: (inout Mesos_V1_Volume) -> Void
    ) -> Mesos_V1_Volume {
        var volume = Mesos_V1_Volume()
        volume.containerPath = path
        volume.mode = .rw
        change(&volume)
        return volume
    }

    private func host(_ path: String, _ mode: Mesos_V1_MountPropagation.Mode? = nil)
        -> Mesos_V1_Volume
    {
        volume {
            $0.source.type = .hostPath
            $0.source.hostPath.path = path
            if let mode { $0.source.hostPath.mountPropagation.mode = mode }
        }
    }

    private func sandbox(
        _ path: String, _ type: Mesos_V1_Volume.Source.SandboxPath.TypeEnum?
    ) -> Mesos_V1_Volume {
        volume {
            $0.source.type = .sandboxPath
            $0.source.sandboxPath.path = path
            if let type { $0.source.sandboxPath.type = type }
        }
    }

    private func source(_ volume: Mesos_V1_Volume) throws -> VolumeWish.Source {
        try VolumeWish(volume).source
    }

    private func reason(_ volume: Mesos_V1_Volume) -> String {
        do throws(ContainerError) { return "taken: \(try VolumeWish(volume))" } catch {
            return error.text
        }
    }

    @Test func everyFormOfAPathIsRead() throws {
        #expect(try source(host("/a//b/./c")) == .host("/a/b/c"))
        #expect(try source(host("/a", .hostToContainer)) == .host("/a"))
        #expect(try source(volume { $0.hostPath = "/a" }) == .host("/a"))
        // Mesos's older form of a path in the sandbox.
        #expect(try source(volume { $0.hostPath = "a/b" }) == .own(["a", "b"]))
        #expect(try source(sandbox("a/b", .self_)) == .own(["a", "b"]))
        #expect(try source(sandbox("a", .parent)) == .parent(["a"]))
        #expect(try VolumeWish(volume("/x") { $0.hostPath = "/a" }).containerPath == "/x")
        #expect(try !VolumeWish(volume { $0.hostPath = "/a" }).isReadOnly)
        let readOnly = volume {
            $0.hostPath = "/a"
            $0.mode = .ro
        }
        #expect(try VolumeWish(readOnly).isReadOnly)
    }

    @Test func whatCanNotBeGivenIsRefusedWithTheReason() {
        let table: [(Mesos_V1_Volume, String)] = [
            (host("a"), "the host path 'a' is not absolute"),
            (host("/a/../b"), "without '..'"),
            (host("/"), "'/' is no plain path"),
            (host(""), "no plain path"),
            (host("/a", .bidirectional), "BIDIRECTIONAL is not supported"),
            (sandbox("/a", .self_), "absolute"),
            (sandbox("../a", .self_), "without '..'"),
            (sandbox("a", nil), "use SELF or PARENT"),
            (volume { _ in }, "it has no source"),
            (volume { $0.source.type = .hostPath }, "lacks the field host_path"),
            (volume { $0.source.type = .secret }, "type SECRET"),
            (volume { $0.source.type = .csiVolume }, "type CSI_VOLUME"),
            (volume { $0.source.type = .dockerVolume }, "type DOCKER_VOLUME"),
            (volume { $0.source = .init() }, "type UNKNOWN"),
            (volume { $0.image = .init() }, "an image can't be a volume"),
            (volume("../up") { $0.hostPath = "/a" }, "must not contain '..'"),
            (volume("") { $0.hostPath = "/a" }, "names no directory"),
        ]
        for (volume, words) in table {
            let text = reason(volume)
            #expect(text.contains(words), "\(text)")
            #expect(text.contains("the volume at '\(volume.containerPath)'"), "\(text)")
        }
        var both = host("/a")
        both.hostPath = "/a"
        #expect(reason(both).contains("name one of them"))
        var many = Mesos_V1_ContainerInfo()
        many.volumes = Array(repeating: host("/a"), count: 101)
        #expect(throws: ContainerError.self) { try VolumeWish.wishes(many) }
        many.volumes.removeLast()
        #expect(throws: Never.self) { try VolumeWish.wishes(many) }
    }

    /// What a task asks for besides is between it and its executor.
    @Test func ofATaskOfAnExecutorOnlyParentVolumesAreTheAgents() throws {
        var task = Mesos_V1_TaskInfo()
        task.container.volumes = [
            host("a"), sandbox("a", .self_), sandbox("b", .parent), volume { _ in },
        ]
        let shared = try VolumeWish.shared(task)
        #expect(shared.map(\.source) == [.parent(["b"])])
        let given = shared.compactMap { $0.volume(ofExecutorIn: "/s") }
        #expect(given.map(\.hostPath) == ["/s/b"])
        #expect(given.map(\.source) == [.sandbox(["b"])])
        // A container that nobody's executor runs has no parent.
        #expect(throws: ContainerError.self) { try shared.first?.volume(sandbox: "/s") }
        task.container.volumes = [sandbox("../b", .parent)]
        #expect(throws: ContainerError.self) { try VolumeWish.shared(task) }
    }
}
