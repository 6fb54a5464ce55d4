import Model
import Testing

@Suite struct OperationConversionTests {
    typealias Kind = OfferOperation.Kind

    @Test func eachKindTakesAndGives() throws {
        let disk = reserved("disk", 100, "db")
        let cases: [(Kind, [Resource], [Resource])] = [
            (.reserve([disk], source: []), [reserved("disk", 100)], [disk]),
            (
                .reserve([reserved("cpus", 1, "a", "a/b")], source: [reserved("cpus", 1, "c")]),
                [reserved("cpus", 1, "c")], [reserved("cpus", 1, "a", "a/b")]
            ),
            (
                .unreserve([reserved("cpus", 1, "a", "a/b")]), [reserved("cpus", 1, "a", "a/b")],
                [reserved("cpus", 1, "a")]
            ),
            (.create([volume("v")]), [disk], [volume("v")]),
            (.destroy([volume("v")]), [volume("v")], [disk]),
            (
                .grow(volume: volume("v", 60), addition: reserved("disk", 40, "db")),
                [volume("v", 60), reserved("disk", 40, "db")], [volume("v", 100)]
            ),
            (
                .shrink(volume: volume("v"), subtract: Amount(thousandths: 40_000)),
                [volume("v")], [volume("v", 60), reserved("disk", 40, "db")]
            ),
        ]
        for (kind, consumed, converted) in cases {
            let conversion = try kind.conversion()
            #expect(conversion.consumed == Resources(consumed))
            #expect(conversion.converted == Resources(converted))
            #expect(conversion.isConserving)
            var books = Resources(consumed)
            try books.apply(conversion)
            #expect(books == Resources(converted))
            try books.apply(conversion.reversed)
            #expect(books == Resources(consumed))
        }
    }

    @Test func volumesKeepTheirSource() throws {
        let path = DiskSource(.path, root: "/p")
        let conversion = try Kind.create([volume("v", source: path)]).conversion()
        #expect(conversion.consumed.map(\.disk) == [Disk(source: path)])
        let shared = volume("v").with(isShared: true)
        #expect(try Kind.destroy([shared]).conversion().converted.map(\.isShared) == [false])
    }

    @Test func anAllocationRoleStays() throws {
        let held = volume("v").with(allocationRole: "db")
        let conversion = try Kind.destroy([held]).conversion()
        #expect(conversion.converted == Resources([held.withoutVolume]))
        #expect(conversion.allocated(to: nil).consumed == Resources([volume("v")]))
    }

    @Test func launchesAndTheUnsupportedConvertNothing() {
        for kind in [.launch([]), .refused(Refusal(.invalid, "no"))] as [Kind] {
            let refusal = #expect(throws: Refusal.self) { try kind.conversion() }
            #expect(refusal?.kind == .invalid)
            #expect(kind.type == nil)
        }
        #expect(throws: Refusal.self) {
            try Kind.reserve([reserved("cpus", 1)], source: []).conversion()
        }
    }

    @Test func aConversionAppliesWholeOrNotAtAll() throws {
        let books = Resources([reserved("cpus", 1), reserved("disk", 50)])
        var copy = books
        let kind = Kind.reserve([reserved("cpus", 1, "a"), reserved("disk", 60, "a")], source: [])
        let refusal = Refusal(.conflict, "disk:50 does not contain disk:60")
        #expect(throws: refusal) { try copy.apply(kind.conversion()) }
        #expect(copy == books)
        #expect(throws: Refusal(.conflict, "no mem does not contain mem:1")) {
            try copy.apply(Kind.reserve([reserved("mem", 1, "a")], source: []).conversion())
        }
    }

    @Test func resolvingTakesPathAndPrincipalFromTheBooks() {
        let own = volume("v", principal: "alice")
        let books = Resources([own])
        let asked = volume("v", path: "other", principal: "mallory")
        #expect(Kind.destroy([asked]).resolved(in: books) == .destroy([own]))
        let held = asked.with(allocationRole: "db")
        #expect(
            Kind.shrink(volume: held, subtract: Amount(thousandths: 1)).resolved(in: books)
                == .shrink(
                    volume: own.with(allocationRole: "db"), subtract: Amount(thousandths: 1)))
        let addition = reserved("disk", 1, "db")
        #expect(
            Kind.grow(volume: asked, addition: addition).resolved(in: books)
                == .grow(volume: own, addition: addition))
        #expect(Kind.destroy([volume("w")]).resolved(in: books) == .destroy([volume("w")]))
    }
}

@Suite struct OperationCheckTests {
    typealias Kind = OfferOperation.Kind

    let books = Resources([
        volume("v", 64), volume("v", 64, role: "other"), reserved("disk", 100, "db"),
        reserved("disk", 500), reserved("cpus", 4),
    ])

    private func expect(
        _ kind: Kind, _ refusal: Refusal.Kind, at place: SourceLocation = #_sourceLocation
    ) {
        let thrown = #expect(throws: Refusal.self, sourceLocation: place) {
            try kind.check(against: books)
        }
        #expect(thrown?.kind == refusal, sourceLocation: place)
    }

    @Test func whatFitsPasses() throws {
        for kind in [
            .reserve([reserved("cpus", 4, "a")], source: []),
            .unreserve([reserved("disk", 10, "db")]), .create([volume("w")]),
            .destroy([volume("v", 64), volume("v", 64, role: "other")]),
            .destroy([volume("v", 64).with(allocationRole: "db")]),
            .grow(volume: volume("v", 64), addition: reserved("disk", 100, "db")),
            .shrink(volume: volume("v", 64), subtract: Amount(thousandths: 1)), .launch([]),
        ] as [Kind] {
            #expect(throws: Never.self) { try kind.check(against: books) }
        }
    }

    @Test func statusesAreThoseOfMesos() {
        expect(.create([volume("v", 10)]), .invalid)
        expect(.create([volume("w", 101)]), .conflict)
        expect(.create([volume("w", 60), volume("x", 60)]), .conflict)
        expect(.destroy([volume("nope")]), .invalid)
        expect(.destroy([volume("v", 63)]), .invalid)
        expect(.destroy([volume("v", 64), volume("v", 64)]), .invalid)
        expect(.reserve([reserved("cpus", 5, "a")], source: []), .conflict)
        expect(.unreserve([reserved("cpus", 1, "a")]), .conflict)
        expect(.grow(volume: volume("v", 63), addition: reserved("disk", 1, "db")), .conflict)
        expect(.grow(volume: volume("v", 64), addition: reserved("disk", 101, "db")), .conflict)
        expect(.shrink(volume: volume("w"), subtract: Amount(thousandths: 1)), .conflict)
    }

    @Test func anIDIsTakenInItsRoleOnly() {
        #expect(throws: Refusal(.invalid, "Persistence ID 'v' is not unique")) {
            try Kind.create([volume("v", 1)]).check(against: books)
        }
        #expect(throws: Never.self) {
            try Kind.create([volume("v", 1, role: "third")]).check(
                against: books.adding(Resources([reserved("disk", 1, "third")])))
        }
    }
}
