import Containers
import Foundation
import Linux
import Testing

@Suite(.timeLimit(.minutes(2))) struct FetcherTests {
    @Test func filesAreCopiedUnpackedAndMadeExecutable() throws {
        let bench = try LauncherBench()
        let sandbox = bench.sandbox("fetch")
        try Sandbox.make(sandbox, owner: bench.user)
        try Data("#!/bin/sh\n".utf8).write(to: URL(filePath: "\(bench.root)/run me"))
        try Data("inside".utf8).write(to: URL(filePath: "\(bench.root)/member"))
        let packed = try Command(
            "tar", ["-czf", "\(bench.root)/a.tar.gz", "-C", bench.root, "member"]
        ).run()
        try #require(packed.isSuccess)
        try Fetcher().fetch(
            [
                .init("\(bench.root)/run me", isExecutable: true),
                .init("file://\(bench.root)/a.tar.gz"),
                .init(
                    "\(bench.root)/a.tar.gz", isExtracted: false, outputFile: "deep/kept.tar.gz"),
            ], into: sandbox, as: bench.user)
        #expect(bench.text("fetch", "member") == "inside")
        #expect(try FileStatus.of("\(sandbox)/run me").mode & 0o100 != 0)
        #expect(try FileStatus.of("\(sandbox)/deep/kept.tar.gz").size > 0)
    }

    @Test(arguments: [
        "relative/file", "gopher://host/file", "http://host", "/", "file:///no/such/file",
    ])
    func whatCannotBeFetchedIsAnError(_ uri: String) throws {
        let bench = try LauncherBench()
        try Sandbox.make(bench.sandbox("fetch"), owner: bench.user)
        #expect(throws: ContainerError.self) {
            try Fetcher().fetch([.init(uri)], into: bench.sandbox("fetch"), as: bench.user)
        }
    }

    @Test func nothingGoesOutsideTheSandbox() {
        for output in ["../x", "/etc/x", "a/../../x"] {
            #expect(throws: ContainerError.self) {
                try Fetcher.outputName(.init("/f", outputFile: output))
            }
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root can fetch as another user"))
    func aUserGetsOnlyWhatHeMayRead() throws {
        let bench = try LauncherBench()
        let nobody = try UserIdentity.lookup("nobody")
        try Sandbox.make(bench.sandbox("fetch"), owner: nobody)
        let secret = "\(bench.root)/secret"
        try Data("secret".utf8).write(to: URL(filePath: secret))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: secret)
        #expect(throws: ContainerError.self) {
            try Fetcher().fetch([.init(secret)], into: bench.sandbox("fetch"), as: nobody)
        }
        #expect(bench.text("fetch", "secret") == "")
    }
}
