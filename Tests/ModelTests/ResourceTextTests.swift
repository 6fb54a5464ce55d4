import Model
import Testing

@Suite struct ResourceTextTests {
    /// Scenario: resources_tests ResourcesTest.Parsing
    @Test func readsWhatMesosReads() throws {
        let resources = try Resources.parse(
            text: " cpus:4 ; mem : 1024;disk(db/x):1000;ports:[31000-32000, 1-2];"
                + "zones(*):{b, a};gpus:0;;disk:0.5")
        #expect(
            resources
                == Resources([
                    Resource("cpus", .scalar(Amount(thousandths: 4_000))),
                    Resource("mem", .scalar(Amount(thousandths: 1_024_000))),
                    Resource(
                        "disk", .scalar(Amount(thousandths: 1_000_000)),
                        reservations: [Reservation(.fixed, role: "db/x")]),
                    Resource("ports", .ranges(Ranges(1...2) + Ranges(31000...32000))),
                    Resource("zones", .set(["a", "b"])),
                    Resource("disk", .scalar(Amount(thousandths: 500))),
                ]))
    }

    /// Scenario: resources_tests ResourcesTest.ParsingWithRoles
    @Test func rolesAreStaticReservations() throws {
        let roles = try Resources.parse(text: "cpus(role1):2.5;ports(role2):[0-100]")
        let pieces = [
            Resource(
                "ports", .ranges(Ranges(0...100)), reservations: [.init(.fixed, role: "role2")]),
            Resource(
                "cpus", .scalar(Amount(thousandths: 2500)),
                reservations: [.init(.fixed, role: "role1")]),
        ]
        #expect(roles == Resources(pieces))
        let defaulted = try Resources.parse(
            text: "cpus:2.5;ports(role2):[0-100]", defaultRole: "role1")
        #expect(defaulted == roles)
    }

    @Test func theDefaultRoleIsForThoseWithoutOne() throws {
        let resources = try Resources.parse(text: "cpus:4;mem(*):8;disk(b):1", defaultRole: "a")
        #expect(resources.sortedRoles == ["a", "b"])
        #expect(resources.unreserved.sortedNames == ["mem"])
    }

    @Test func equalPiecesAdd() throws {
        let resources = try Resources.parse(text: "cpus:1;cpus:2.5")
        #expect(resources.map(\.text) == ["cpus:3.5"])
    }

    /// Scenario: resources_tests ResourcesTest.ParseError
    @Test(arguments: [
        "cpus(role1)", "cpus(role1:1", "cpus)(role1:1", "foo(role1):1;foo(role2):[0-1]",
        "cpus", "cpus:", ":4", "cpus:abc", "cpus:-1", "cpus:nan", "cpus:inf", "cpus:1e300",
        "cpus:0x10", "cpus(:1", "cpus(a:1", "cpus():1", "cpus(a)b:1", "cpus(-a):1", "cpus(a b):1",
        "cpus:1;cpus:[1-2]", "ports:5", "ports:[", "ports:[]", "ports:[1]", "ports:[3-1]",
        "ports:[1-2,]", "ports:[a-b]", "ports:[+1-2]", "ports:[1-5];ports:[5-6]",
        "ports:[1-5];ports(a):[5-6]", "s:{a,a}", "s:{}", "s:{a", "s:{a};s(b):{a}", "cpus:{a}",
        "gpus:0.5", "cpus:1:2", "[]:1", "ports:[0-18446744073709551616]",
    ])
    func refuses(text: String) {
        let refusal = #expect(throws: Refusal.self) { try Resources.parse(text: text) }
        #expect(refusal?.kind == .invalid)
        #expect(refusal?.message.isEmpty == false)
    }

    @Test(arguments: 0..<100 as Range<UInt64>) func textParsesBack(seed: UInt64) throws {
        var draw = Draw(seed)
        var resources = Resources()
        for name in ["cpus", "mem", "disk", "custom"] {
            for role in ["*", "a", "eng/db"] where draw.oneIn(2) {
                let stack = role == "*" ? [] : [Reservation(.fixed, role: role)]
                resources.add(Resource(name, .scalar(draw.amount()), reservations: stack))
            }
        }
        resources.add(Resource("ports", .ranges(draw.ranges())))
        resources.add(Resource("zones", .set(draw.set())))
        #expect(try Resources.parse(text: resources.text) == resources)
    }

    /// Mesos puts a space after each `;`; without it the text is what `--resources` reads.
    ///
    /// Scenario: resources_tests ResourcesTest.Printing
    @Test func textIsInTheOrderOfThePieces() throws {
        let text = "cpus:45.55;ports:[10000-20000, 30000-50000];disks:{sda1}"
        #expect(try Resources.parse(text: text).text == text)
    }

    /// Labels are in their order here, in Mesos in the caller's.
    ///
    /// Scenario: resources_tests ResourcesTest.PrintingExtendedAttributes
    @Test func detailsComeOneByOne() {
        var shown = Resource("disk", .scalar(Amount(thousandths: 1000)))
        func expect(_ text: String, at place: SourceLocation = #_sourceLocation) {
            #expect(shown.detailedText == "disk\(text):1", sourceLocation: place)
        }
        expect("")
        shown.reservations = [.init(.fixed, role: "alice")]
        expect("(reservations: [(STATIC,alice)])")
        shown.allocationRole = "role"
        expect("(allocated: role)(reservations: [(STATIC,alice)])")
        shown.allocationRole = nil
        shown.isRevocable = true
        expect("(reservations: [(STATIC,alice)]){REV}")
        shown.disk = Disk(persistence: .init(id: "hadoop"), volume: .init(containerPath: "/data"))
        expect("(reservations: [(STATIC,alice)])[hadoop:/data]{REV}")
        shown.isRevocable = false
        expect("(reservations: [(STATIC,alice)])[hadoop:/data]")
        shown.disk?.volume?.hostPath = "/hdfs"
        expect("(reservations: [(STATIC,alice)])[hadoop:/hdfs:/data:rw]")
        for (kind, text) in [(DiskSource.Kind.mount, "MOUNT"), (.path, "PATH")] {
            shown.disk?.source = DiskSource(kind, root: "/mnt")
            expect("(reservations: [(STATIC,alice)])[\(text):/mnt,hadoop:/hdfs:/data:rw]")
        }
        shown.disk = nil
        shown.reservations.append(.init(role: "alice/refined", principal: "hdfs-p"))
        expect("(reservations: [(STATIC,alice),(DYNAMIC,alice/refined,hdfs-p)])")
        shown.reservations[1].labels = Labels([.init("foo", "bar"), .init("foo", nil)])
        expect("(reservations: [(STATIC,alice),(DYNAMIC,alice/refined,hdfs-p,{foo, foo: bar})])")
    }

    @Test func anAgentsOwnAreNeitherVolumesNorDynamicNorAllocated() {
        let cpus = Resource("cpus", .scalar(Amount(thousandths: 1)))
        var revocable = cpus
        revocable.isRevocable = true
        let mount = Resource(
            "disk", .scalar(Amount(thousandths: 9)), disk: Disk(source: .init(.mount, root: "/m")))
        let wrong = [
            [volume("v")], [reserved("cpus", 1, "a")], [revocable],
            [cpus.with(allocationRole: "a")], [mount, mount], [cpus.with(isShared: true)],
            [mount, mount.with(amount: Amount(thousandths: 1))],
            [cpus.with(amount: Amount(thousandths: -1))],
            [cpus.with(disk: Disk(source: .init(.path, root: "/p")))],
            [mount.with(disk: Disk(source: .init(.mount)))],
            [mount.with(disk: Disk(source: .init(.path, root: "")))],
        ]
        for pieces in wrong {
            #expect(throws: Refusal.self) { try Resources.ofAgent(pieces) }
        }
        #expect(throws: Never.self) { try Resources.ofAgent([cpus, mount]) }
    }

    @Test func detailsAreThoseOfMesos() {
        let stack = [
            Reservation(.fixed, role: "ora"),
            Reservation(role: "ora/c", principal: "p", labels: Labels([.init("k", "v")])),
        ]
        let disk = Resource(
            "disk", .scalar(Amount(thousandths: 64_500)), reservations: stack,
            disk: Disk(
                persistence: .init(id: "v1"), volume: .init(containerPath: "data"),
                source: .init(.path, root: "/srv/p")), allocationRole: "ora", isShared: true)
        #expect(
            disk.detailedText
                == "disk(allocated: ora)(reservations: [(STATIC,ora),(DYNAMIC,ora/c,p,{k: v})])"
                + "[PATH:/srv/p,v1:data]<SHARED>:64.5")
        #expect(disk.text == "disk(ora/c)[v1:data]:64.5")
    }
}
