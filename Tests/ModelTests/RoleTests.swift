import Model
import Testing

@Suite struct RoleTests {
    @Test(arguments: ["*", "a", "eng/db", "a.b", "a*b", "ä", "x/y/z", "..."])
    func accepts(role: String) {
        #expect(throws: Never.self) { try Role.validate(role) }
    }

    @Test(arguments: [
        ("", "Empty role name is invalid"),
        ("a b", "Role component 'a b' is invalid because it contains backspace or whitespace"),
        (
            "a\u{8}",
            "Role component 'a\u{8}' is invalid because it contains backspace or whitespace"
        ),
        ("-a", "Role component '-a' is invalid because it starts with a dash"),
        ("a/-b", "Role component '-b' is invalid because it starts with a dash"),
        ("a//b", "Role 'a//b' is invalid because it has an empty component"),
        ("/a", "Role '/a' is invalid because it has an empty component"),
        ("a/", "Role 'a/' is invalid because it has an empty component"),
        ("a/..", "Role component '..' is invalid because it is reserved"),
        (".", "Role component '.' is invalid because it is reserved"),
        ("a/*", "Role component '*' is invalid because it is reserved"),
        (String(repeating: "a", count: 1025), "A role name must not be longer than 1024 bytes"),
    ])
    func refuses(role: String, text: String) {
        #expect(throws: Refusal(.invalid, text)) { try Role.validate(role) }
    }

    @Test func subrolesAreStrict() {
        #expect(Role.isStrictSubrole("eng/db", of: "eng"))
        #expect(Role.isStrictSubrole("eng/db/x", of: "eng"))
        #expect(!Role.isStrictSubrole("eng", of: "eng"))
        #expect(!Role.isStrictSubrole("engine", of: "eng"))
        #expect(!Role.isStrictSubrole("eng", of: "eng/db"))
        #expect(Role.lineage(of: "a/b/c") == ["a", "a/b", "a/b/c"])
        #expect(Role.mayUse("a/b", reservedFor: "a") && !Role.mayUse("a", reservedFor: "a/b"))
    }
}
