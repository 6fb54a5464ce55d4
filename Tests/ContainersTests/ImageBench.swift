import Containers
import Foundation
import Linux
import Synchronization
import Testing

/// An image of busybox as an OCI layout, and a store to make containers' roots of it.
final class ImageBench: Sendable {
    /// Whether images can be used here; the reason is printed where they can't.
    static let isAvailable: Bool = {
        let missing = ["skopeo", "umoci", "busybox"].filter { Command.find($0) == nil }
        if !missing.isEmpty { print("image tests are skipped: no \(missing)") }
        return missing.isEmpty && RuncBench.isAvailable
    }()

    let runc: RuncBench
    /// What the stores have said.
    let lines = Mutex<[String]>([])
    let layout: String
    let name: ImageName

    /// With characters that overlayfs and skopeo take for separators.
    var directory: String { "\(runc.root)/work/images,1:2" }

    init() throws {
        runc = try RuncBench()
        layout = "\(runc.root)/layout"
        name = .layout(layout, tag: "bb")
        try makeImage()
    }

    private func makeImage() throws {
        let files = "\(runc.root)/files"
        for name in ["bin", "etc"] {
            try FileManager.default.createDirectory(
                atPath: "\(files)/\(name)", withIntermediateDirectories: true)
        }
        try FileManager.default.copyItem(
            atPath: try #require(Command.find("busybox")), toPath: "\(files)/bin/busybox")
        for name in ["sh", "cat", "echo", "ls", "pwd", "sleep", "id", "touch"] {
            try FileManager.default.createSymbolicLink(
                atPath: "\(files)/bin/\(name)", withDestinationPath: "busybox")
        }
        try "of the image".write(toFile: "\(files)/etc/motd", atomically: false, encoding: .utf8)
        let image = ["--image", "\(layout):bb"]
        try Self.run(["umoci", "init", "--layout", layout])
        try Self.run(["umoci", "new"] + image)
        try Self.run(["umoci", "insert"] + image + [files, "/"])
        try Self.run(
            ["umoci", "config"] + image + [
                "--config.entrypoint=sh", "--config.entrypoint=-c", "--config.cmd=pwd; echo $WORD",
                "--config.env=WORD=said", "--config.workingdir=/made/here",
            ])
    }

    static func run(_ words: [String]) throws {
        let outcome = try Command(words[0], Array(words.dropFirst())).run()
        try #require(outcome.isSuccess, "\(words): \(outcome.summary)")
    }

    /// A store without memory, as a restarted agent has it.
    func store(_ change: (inout ImageStore.Options) -> Void = { _ in }) throws -> ImageStore {
        var options = ImageStore.Options(directory: directory)
        options.limits.spareBytes = 1
        options.log = { [self] line in lines.withLock { $0.append(line) } }
        change(&options)
        return try ImageStore(options) { call in Thread.detachNewThread(call) }
    }

    func request(_ name: ImageName? = nil, isCached: Bool = true) -> ImageRequest {
        ImageRequest(name ?? self.name, isCached: isCached, user: runc.user)
    }

    /// A container on an image.
    func spec(
        _ id: String, _ image: PreparedImage, volumes: [ContainerSpec.Volume] = [],
        shell text: String? = nil
    ) throws -> ContainerSpec {
        var spec = try runc.spec(id, "", volumes: volumes)
        spec.command = try image.configuration.execution(
            shell: text != nil, value: text, arguments: [])
        spec.environment = image.configuration.environment
        spec.workingDirectory = image.configuration.workingDirectory
        spec.image = .init(directory: image.directory)
        return spec
    }

    /// How often an image was fetched.
    var fetches: Int { said(": fetching") }

    /// How many lines of the stores contain a text.
    func said(_ part: String) -> Int {
        lines.withLock { $0.filter { $0.contains(part) }.count }
    }

    /// Waits until the stores have erased what they began to.
    func awaitErasing() async {
        while !names("staging").isEmpty, said(" stays ") == 0 {
            try? await Task.sleep(for: .milliseconds(5))
        }
        for line in lines.withLock({ $0 }) where line.contains(" stays ") {
            Issue.record("\(line)")
        }
    }

    func names(_ part: String) -> [String] { (try? Files.list("\(directory)/\(part)")) ?? [] }
}

extension ImageStore {
    /// A container's root, awaited.
    func prepared(_ request: ImageRequest, _ id: String) async throws -> PreparedImage {
        try await withCheckedContinuation { continuation in
            prepare(request, for: id) { continuation.resume(returning: $0) }
        }.get()
    }

    /// Why there is none.
    func failure(_ request: ImageRequest, _ id: String = "fails") async -> String {
        do {
            return "a root at \(try await prepared(request, id).directory)"
        } catch {
            return "\(error)"
        }
    }
}
