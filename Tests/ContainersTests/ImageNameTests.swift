import Containers
import Testing

@Suite struct ImageNameTests {
    @Test(arguments: [
        ("busybox", ImageName.registry("busybox", isSecure: true)),
        ("docker://library/busybox:1.35", .registry("library/busybox:1.35", isSecure: true)),
        ("localhost/a", .registry("localhost/a", isSecure: false)),
        ("127.0.0.1:5000/a/b:c", .registry("127.0.0.1:5000/a/b:c", isSecure: false)),
        ("oci:/images/db:16", .layout("/images/db", tag: "16")),
        ("oci:/images/db", .layout("/images/db", tag: "latest")),
        ("oci:/images:old/db", .layout("/images:old/db", tag: "latest")),
        ("docker-archive:/images/db:16.tar", .archive("/images/db:16.tar")),
    ])
    func namesAreRead(_ text: String, _ name: ImageName) throws {
        #expect(try ImageName(text, .usual) == name)
    }

    @Test(arguments: [
        "", "-v", "a b", "a//b", "/a", "../a", "a/../b", "a\nb", "oci:relative:tag",
        "oci:/a/../b:c",
        "oci:/a:b c", "docker-archive:a.tar", "docker-archive:/", "docker://", "x;y", "$(id)",
        String(repeating: "a", count: 1025),
    ])
    func otherTextsAreRefused(_ text: String) {
        #expect(throws: ContainerError.self) { try ImageName(text, .usual) }
    }

    @Test func theRegistryOptionCountsForNamesWithoutAHost() throws {
        let server = try #require(ImageRegistry(option: "http://images.example:5000/mirror/"))
        #expect(
            try ImageName("db:1", server)
                == .registry("images.example:5000/mirror/db:1", isSecure: false))
        #expect(try ImageName("quay.io/db:1", server) == .registry("quay.io/db:1", isSecure: true))
        let directory = try #require(ImageRegistry(option: "/no/images"))
        #expect(try ImageName("db", directory) == .saved("/no/images/db:latest.tar"))
        #expect(try ImageName("a/db:1", directory) == .saved("/no/images/a/db:1.tar"))
        #expect(ImageRegistry(option: "https://registry-1.docker.io") == .usual)
        for text in ["images", "ftp://host", "https://", "http://a b"] {
            #expect(ImageRegistry(option: text) == nil, "\(text)")
        }
    }

    /// The table of Mesos's docker/runtime isolator, row by row; nil: an error.
    @Test(
        arguments: [
            (false, nil, [], [nil, ["c", "d"], ["e", "f"], ["e", "f", "c", "d"]]),
            (false, nil, ["x"], [nil, ["c", "x"], ["e", "f", "x"], ["e", "f", "x"]]),
            (false, "v", [], [["v"], ["v"], ["v"], ["v"]]),
            (false, "v", ["v", "x"], [["v", "x"], ["v", "x"], ["v", "x"], ["v", "x"]]),
            (true, nil, [], [nil, nil, nil, nil]),
            (true, nil, ["x"], [nil, nil, nil, nil]),
            (true, "v", ["x"], Array(repeating: ["/bin/sh", "-c", "v"], count: 4)),
        ] as [(Bool, String?, [String], [[String]?])])
    func theCommandIsMesoss(
        _ shell: Bool, _ value: String?, _ arguments: [String], _ expected: [[String]?]
    ) {
        let images: [([String], [String])] = [
            ([], []), ([], ["c", "d"]), (["e", "f"], []), (["e", "f"], ["c", "d"]),
        ]
        for ((entrypoint, command), expected) in zip(images, expected) {
            var image = ImageConfiguration()
            image.entrypoint = entrypoint
            image.command = command
            let made = try? image.execution(shell: shell, value: value, arguments: arguments)
            #expect(made?.arguments == expected)
            #expect(made?.program == expected?.first)
        }
    }

    @Test func aConfigurationIsReadAsFarAsItIsUsed() throws {
        let text = """
            {"os": "linux", "config": {"Entrypoint": ["/e"], "Cmd": null, "User": "1:2",
             "Env": ["A=b=c", "D=", "=x", "none"], "WorkingDir": ""}}
            """
        let read = try ImageConfiguration(json: Array(text.utf8))
        #expect(read.entrypoint == ["/e"] && read.command.isEmpty)
        #expect(read.environment == [.init("A", "b=c"), .init("D", "")])
        #expect(read.workingDirectory == nil)
        #expect(try ImageConfiguration(json: Array("{}".utf8)) == ImageConfiguration())
        let deep = String(repeating: "[", count: 100_000)
        for text in ["", "[]", "{\"config\": {\"Cmd\": \"x\"}}", deep] {
            #expect(throws: ContainerError.self) { try ImageConfiguration(json: Array(text.utf8)) }
        }
    }
}
