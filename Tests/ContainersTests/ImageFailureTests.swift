import Containers
import Foundation
import Glibc
import Linux
import Testing

@Suite(.enabled(if: ImageBench.isAvailable, "no images here"), .timeLimit(.minutes(5)))
struct ImageFailureTests {
    /// A registry that takes connections and never answers.
    private final class SilentRegistry: Sendable {
        let port: UInt16
        private let socket: Int32

        init() throws {
            socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let number = socket
            let result = withUnsafeMutablePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(number, $0, size) == 0 && listen(number, 64) == 0
                        && getsockname(number, $0, &size) == 0
                }
            }
            try #require(result)
            port = UInt16(bigEndian: address.sin_port)
        }

        deinit { close(socket) }

        var image: ImageName { .registry("127.0.0.1:\(port)/a:b", isSecure: false) }
    }

    @Test func aRegistryThatIsNotThereIsTold() async throws {
        let bench = try ImageBench()
        let text = try await bench.store().failureText(
            .registry("127.0.0.1:1/a:b", isSecure: false))
        #expect(text.hasPrefix("image 127.0.0.1:1/a:b: skopeo: "))
        #expect(text.contains("connection refused"))
        #expect(!text.contains("level=fatal"))
    }

    @Test func aRegistryThatNeverAnswersIsLeftAfterATime() async throws {
        let bench = try ImageBench()
        let registry = try SilentRegistry()
        let store = try bench.store { $0.limits.timeoutMilliseconds = 1_000 }
        #expect(await store.failureText(registry.image).contains("time limit of 1 s"))
        await bench.awaitErasing()
    }

    @Test func whoWaitsCanBeKilled() async throws {
        let bench = try ImageBench()
        let registry = try SilentRegistry()
        let store = try bench.store()
        #expect(!store.cancel("nobody"))
        async let first = store.failure(bench.request(registry.image), "first")
        async let second = store.failure(bench.request(registry.image), "second")
        while bench.fetches == 0 { await Task.yield() }
        while !store.cancel("first") { await Task.yield() }
        #expect(await first == "killed while its image was fetched")
        while !store.cancel("second") { await Task.yield() }
        #expect(await second == "killed while its image was fetched")
        // Nobody waits: the pull itself ends, and its traces go.
        await bench.awaitErasing()
        _ = try await store.prepared(bench.request(), "other")
        store.removeRoots()
    }

    @Test func whatIsTooLargeIsNotFetched() async throws {
        let bench = try ImageBench()
        let small = try bench.store { $0.limits.fileBytes = 100_000 }
        let text = await small.failureText(bench.name)
        #expect(text.contains("File too large") || text.contains("signal 25"), "\(text)")
        let full = try bench.store { $0.limits.spareBytes = .max }
        #expect(await full.failureText(bench.name).contains("are left on the disk"))
        #expect(bench.names("roots").isEmpty && bench.names("names").isEmpty)
    }

    @Test func aLocalImageIsReadWithTheUsersRights() async throws {
        let bench = try ImageBench()
        let store = try bench.store()
        // umoci makes layouts that only their owner can read.
        _ = try await store.prepared(bench.request(), "roots")
        var request = bench.request()
        request.user = try UserIdentity.lookup("nobody")
        #expect(await store.failure(request).hasPrefix("user nobody may not read the image"))
        try ImageBench.run(["chmod", "-R", "a+rX", bench.layout])
        request.isCached = false
        _ = try await store.prepared(request, "nobodys")
        store.removeRoots()
    }

    @Test func whatIsNoImageIsToldAndLeavesNothing() async throws {
        let bench = try ImageBench()
        let store = try bench.store()
        let file = "\(bench.runc.root)/noise.tar"
        try String(repeating: "noise", count: 10_000).write(
            toFile: file, atomically: false, encoding: .utf8)
        for name in [
            ImageName.archive(file), .saved(file), .layout(bench.layout, tag: "missing"),
            .layout("\(bench.runc.root)/files", tag: "x"), .archive("/dev/zero"),
        ] {
            let text = await store.failureText(name)
            #expect(!text.hasPrefix("a root"), "\(text)")
        }
        #expect(bench.names("roots").isEmpty && bench.names("containers").isEmpty)
        await bench.awaitErasing()
    }
}

extension ImageStore {
    fileprivate func failureText(_ name: ImageName) async -> String {
        let user = UserIdentity(name: "root", uid: 0, gid: 0, groups: [], home: "/root")
        return await failure(ImageRequest(name, user: user))
    }
}
