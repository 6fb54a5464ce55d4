import Model
import Testing

@Suite struct AttributeTests {
    let text = "cpus:45.55;ports:[10000-20000, 30000-50000];rack:rack1,rack2"

    /// Scenario: attributes_tests AttributesTest.Parsing
    @Test func readsNumbersRangesAndTexts() throws {
        #expect(
            try Attributes(parsing: text).list == [
                Attribute("cpus", .scalar(45.55)),
                Attribute("ports", .ranges(try ranges("10000-20000, 30000-50000"))),
                Attribute("rack", .text("rack1,rack2")),
            ])
        #expect(
            try Attributes(parsing: " attr1 : foo:bar\nattr2:baz:qux:;;").list == [
                Attribute("attr1", .text("foo:bar")), Attribute("attr2", .text("baz:qux:")),
            ])
    }

    /// Mesos itself dies of these.
    @Test(arguments: ["rack", "rack:", ":r1", "a:1;b", "disks:{sda}", "ports:[2-1]", "ports:[1-2"])
    func refuses(text: String) {
        #expect(throws: Refusal.self) { try Attributes(parsing: text) }
    }

    /// Scenario: attributes_tests AttributesTest.Equality
    @Test func areAMultiset() throws {
        func read(_ text: String) throws -> Attributes { try Attributes(parsing: text) }
        #expect(
            try read(text)
                == read("cpus:45.55;ports:[10000-20000,30000-50000];rack:rack1,rack2"))
        #expect(try read("") == read(""))
        #expect(try read(text) != read(""))
        #expect(try read("") != read(text))
        #expect(try read(text) != read("cpus:45.55;ports:45.55;rack:45.55"))
        #expect(
            try read("rack:rack1;dedicated:customer1;dedicated:customer2")
                == read("dedicated:customer2;dedicated:customer1;rack:rack1"))
        #expect(try read("a:1;a:1;a:2") != read("a:1;a:2;a:2"))
    }
}
