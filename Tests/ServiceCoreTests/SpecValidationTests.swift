import Model
import Testing

@testable import ServiceCore

@Suite struct SpecValidationTests {
    /// What a deployment of a changed good spec is answered.
    private func reason(_ change: (inout ServiceSpec) -> Void) -> String? {
        var spec = Bench.spec(ports: [.init(name: "sql", number: 31_000)])
        change(&spec)
        var bench = Bench()
        bench.request(.deploy(spec))
        return bench.reason
    }

    @Test func aGoodSpecIsAccepted() { #expect(reason { _ in } == nil) }

    @Test func textsTellWhatWouldBeRight() {
        #expect(
            reason { $0.name = "a/b" }
                == "service 'a/b': name must be 1 to 63 letters, digits, '-', '_' or '.'")
        #expect(reason { $0.role = "*" }?.hasSuffix("role '*' can't be reserved: name one") == true)
        #expect(reason { $0.command = "" } == "service 'db': needs a command or an image")
        #expect(reason { $0.cpus = .zero } == "service 'db': resources.cpus must be above zero")
        #expect(reason { $0.memory = .zero } == "service 'db': resources.mem must be above zero")
        #expect(
            reason { $0.killGraceMilliseconds = -1 }
                == "service 'db': kill_grace must not be negative")
    }

    @Test(arguments: ["", "/data", "../data", "a//b", "a/.."])
    func aVolumeStaysInsideTheSandbox(_ path: String) {
        #expect(
            reason { $0.volumes[0].path = path }
                == "service 'db': volume 'data': path must be relative and stay inside the sandbox")
    }

    @Test func anImageNeedsNoCommandAndMayHaveAbsolutePaths() {
        let image = { (image: String, path: String) in
            reason {
                $0.command = ""
                $0.image = image
                $0.volumes[0].path = path
            }
        }
        #expect(image("db:1", "/var/lib/db") == nil)
        #expect(image("db:1", "data") == nil)
        for path in ["/", "", "//data", "/a/../b", "../data"] {
            #expect(
                image("db:1", path)
                    == "service 'db': volume 'data': path must not contain '..' or empty names")
        }
        let lengths = "service 'db': image must have 1 to 1024 bytes"
        #expect(image("", "data") == lengths)
        #expect(image(String(repeating: "a", count: 1025), "data") == lengths)
    }

    @Test func nothingStandsTwice() {
        #expect(
            reason { $0.volumes.append($0.volumes[0]) }
                == "service 'db': volume 'data' stands twice")
        #expect(
            reason { $0.volumes.append(.init(name: "b", path: "data", size: $0.volumes[0].size)) }
                == "service 'db': volume path 'data' stands twice")
        #expect(
            reason { $0.ports.append(.init(name: "sql")) }
                == "service 'db': port 'sql' stands twice")
        #expect(
            reason { $0.ports.append(.init(name: "b", number: 31_000)) }
                == "service 'db': port 31000 stands twice")
    }

    @Test func portsAndHealthAreChecked() {
        #expect(reason { $0.ports[0].number = 70_000 } == "service 'db': ports go from 1 to 65535")
        #expect(
            reason { $0.health = .init(probe: .tcp(port: "web")) }
                == "service 'db': health check: no port 'web'")
    }

    @Test func anotherShapeIsRefusedAndTheSameSpecChangesNothing() {
        var bench = Bench.running()
        #expect(bench.request(.deploy(Bench.spec())) == .accepted("is unchanged"))
        bench.request(.deploy(Bench.spec(size: Bench.mebibytes(512))))
        #expect(bench.reason?.contains("use 'service resize'") == true)
        var other = Bench.spec()
        other.command = "run --faster"
        #expect(bench.request(.deploy(other)) == .accepted("restarts with the new spec"))
        #expect(bench.actions.contains { if case .kill = $0 { true } else { false } })
    }
}
