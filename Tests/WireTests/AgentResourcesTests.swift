import MesosAPI
import Model
import Testing
import Wire

/// `--resources` in Mesos's JSON form.
@Suite struct AgentResourcesTests {
    private func value(_ kind: String, _ value: String) -> String {
        #""type": "\#(kind)", "\#(kind.lowercased())": {\#(value)}"#
    }

    private func json(_ name: String, _ rest: String...) -> String {
        #"{"name": "\#(name)", \#(rest.joined(separator: ", "))}"#
    }

    private var cpus: String { json("cpus", value("SCALAR", #""value": 45.55"#)) }
    private var ports: String {
        json(
            "ports",
            value(
                "RANGES",
                #""range": [{"begin": 30000, "end": 50000}, {"begin": 10000, "end": 20000}]"#))
    }
    private var pandas: String {
        json("pandas", value("SET", #""item": ["yang_yang", "lun_lun"]"#))
    }

    /// Scenario: resources_tests ResourcesTest.ParsingFromJSON
    @Test func readsAnArrayOfResources() throws {
        let text = "cpus:45.55;ports:[10000-20000, 30000-50000];pandas:{lun_lun, yang_yang}"
        let expected = try Resources.parse(text: text)
        #expect(try Resources.ofAgent("[\(cpus), \(ports), \(pandas)]") == expected)
        #expect(try Resources.ofAgent(" \n[\n\(cpus),\n\(ports)\n,\(pandas)]\n") == expected)
        #expect(try Resources.ofAgent("[\(cpus)]").map(\.text) == ["cpus:45.55"])
        #expect(try Resources.ofAgent(text) == expected)
        #expect(try Resources.ofAgent("[]").isEmpty && Resources.ofAgent("").isEmpty)
        let written = expected.map { resource in
            String(
                decoding: MesosJSON.encode(Mesos_V1_Resource(resource, form: .endpoint)),
                as: UTF8.self)
        }
        #expect(try Resources.ofAgent("[" + written.joined(separator: ",") + "]") == expected)
    }

    /// Scenario: resources_tests ResourcesTest.ParsingFromJSONWithRoles
    @Test func rolesAreStaticReservationsAndDefaults() throws {
        func fixed(_ role: String) -> String {
            #""reservations": [{"type": "STATIC", "role": "\#(role)"}]"#
        }
        func cpus(_ amount: Double, _ role: String) -> String {
            json("cpus", value("SCALAR", "\"value\": \(amount)"), fixed(role))
        }
        let sum = try Resources.ofAgent(
            "[\(cpus(54.44, "role2")), \(cpus(45.55, "role1")), \(cpus(45.55, "role1"))]")
        #expect(try sum == Resources.parse(text: "cpus(role2):54.44;cpus(role1):91.1"))
        #expect(sum.total(of: "cpus").value == 145.54)
        let old = json("pandas", value("SET", #""item": ["a", "b"]"#), #""role": "liaison""#)
        let free = json("disk", value("SCALAR", #""value": 7"#), #""role": "*""#)
        let all = try Resources.ofAgent(
            "[\(old), \(ports), \(free), \(cpus(1, "a"))]", defaultRole: "role1")
        #expect(
            try all
                == Resources.parse(
                    text: "pandas(liaison):{a,b};ports(role1):[10000-20000, 30000-50000];disk:7;"
                        + "cpus(a):1"))
    }

    @Test func namesDisksOfEverySource() throws {
        func disk(_ type: String, _ rest: String) -> String {
            json(
                "disk", value("SCALAR", #""value": 100"#),
                #""disk": {"source": {"type": "\#(type)"\#(rest)}}"#)
        }
        let all = try Resources.ofAgent(
            """
            [\(disk("PATH", #", "path": {"root": "/p"}"#)),
            \(disk("MOUNT", #", "mount": {"root": "/m"}"#)),
            \(disk("BLOCK", #", "id": "b", "vendor": "v", "profile": "p""#)),
            \(disk("RAW", #", "metadata": {"labels": [{"key": "k", "value": "v"}]}"#))]
            """)
        let labels = Labels([.init("k", "v")])
        #expect(
            all.map { $0.disk?.source } == [
                DiskSource(.path, root: "/p"), DiskSource(.mount, root: "/m"),
                DiskSource(.block, id: "b", vendor: "v", profile: "p"),
                DiskSource(.raw, metadata: labels),
            ])
        for broken in [disk("MOUNT", ""), disk("PATH", ""), disk("UNKNOWN", "")] {
            #expect(throws: Refusal.self) { try Resources.ofAgent("[\(broken)]") }
        }
    }

    /// Scenario: resources_tests ResourcesTest.ParsingFromJSONError
    @Test func refusesWhatIsNoneOrNotAnAgentsOwn() {
        let scalar = value("SCALAR", #""value": 2048"#)
        let volume = #"""
            "disk": {"persistence": {"id": "v"}, "volume": {"container_path": "/d", "mode": "RW"}}
            """#
        let wrong = [
            pandas, "[\(pandas) \(cpus)]", "[\(pandas), \(cpus)", "[[\(pandas), \(cpus)]]",
            "\(pandas), \(cpus)", "[\(pandas)] once upon a time", "[\(pandas),]",
            #"[{"name": "pandas", "type": "SET", "set": {"item": ["a" "b"]}}]"#,
            #"[{"name": "pandas", "type": "SET", "set": {"item": ["a", "b"}}}]"#,
            #"[{"name": "pandas", "set": {"item": ["a", "b"]}}]"#,
            "[\(json("", scalar))]", "[{\(scalar)}]",
            #"[{"name": "pandas", "type": "FLOATINGPOINT", "set": {"item": ["a"]}}]"#,
            "[\(json("x", value("SCALAR", #""value": -1"#)))]",
            "[\(json("x", value("SCALAR", #""value": 0.0004"#)))]",
            "[\(json("x", value("RANGES", #""range": []"#)))]",
            "[\(json("x", value("SET", #""item": []"#)))]",
            "[\(json("x", scalar)), \(json("x", value("SET", #""item": ["a"]"#)))]",
            "[\(json("disk", scalar, #""role": "r""#, volume))]",
            "[\(json("disk", scalar, #""role": "r", "reservation": {"principal": "p"}"#))]",
            "[\(json("cpus", scalar, #""role": "role2", "revocable": {}"#))]",
            "[\(json("cpus", scalar, #""allocation_info": {"role": "r"}"#))]",
        ]
        for text in wrong {
            let refusal = #expect(throws: Refusal.self, "\(text)") { try Resources.ofAgent(text) }
            #expect(refusal?.kind == .invalid)
            #expect(refusal?.message.isEmpty == false)
        }
    }
}
