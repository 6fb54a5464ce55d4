import Model
import Testing

/// Random operations on one agent's books, right and wrong ones: what is let through keeps the sum,
/// can be taken back and leaves the books sound.
@Suite struct OperationWalkTests {
    typealias Kind = OfferOperation.Kind

    private func operation(_ draw: inout Draw, _ books: Resources) -> Kind {
        let pieces = Array(books)
        func some(_ isWanted: (Resource) -> Bool) -> Resource {
            let wanted = pieces.filter(isWanted)
            return wanted.isEmpty ? draw.resource() : draw.pick(wanted)
        }
        switch draw.below(7) {
        case 0, 1:
            let base = some { $0.disk?.persistence == nil }
            let stack = base.reservations + draw.reservations(most: 1)
            return .reserve([part(of: base, &draw).with(reservations: stack)], source: [])
        case 2: return .unreserve([part(of: some { $0.isDynamicallyReserved }, &draw)])
        case 3:
            let base = some { $0.name == "disk" && !$0.reservations.isEmpty }
            let disk = Disk(
                persistence: .init(id: "v\(draw.below(5))"), volume: .init(containerPath: "data"),
                source: base.disk?.source)
            return .create([part(of: base, &draw).with(disk: disk).with(isShared: draw.oneIn(4))])
        case 4: return .destroy([some(\.isPersistentVolume)])
        case 5:
            let volume = some(\.isPersistentVolume)
            return .grow(volume: volume, addition: volume.withoutVolume.with(amount: draw.amount()))
        default: return .shrink(volume: some(\.isPersistentVolume), subtract: draw.amount())
        }
    }

    private func part(of resource: Resource, _ draw: inout Draw) -> Resource {
        guard case .scalar(let amount) = resource.value, draw.oneIn(2), amount > .zero else {
            return resource
        }
        let thousandths = 1 + draw.below(Int(amount.thousandths))
        return resource.with(amount: Amount(thousandths: Int64(thousandths)))
    }

    @Test(arguments: 0..<40 as Range<UInt64>) func keepsTheSumAndTheBooks(seed: UInt64) throws {
        var draw = Draw(seed)
        let fresh = Resources(
            Array(
                try Resources.parse(text: "cpus:8;mem(a):8192;disk:10240;disk(b):500;ports:[1-99]"))
                + [
                    Resource(
                        "disk", .scalar(Amount(thousandths: 700)),
                        disk: Disk(source: .init(.mount, root: "/m")))
                ])
        var books = fresh
        var applied = 0
        for _ in 0..<80 {
            let kind = operation(&draw, books)
            do {
                try kind.validate(by: .operator(principal: nil))
                try kind.check(against: books)
            } catch {
                continue
            }
            applied += 1
            let conversion = try kind.conversion()
            let before = books
            #expect(conversion.isConserving)
            try books.apply(conversion)
            #expect(books.bare == fresh.bare)
            #expect(books.checkAgentInvariants() == [])
            var back = books
            try back.apply(conversion.reversed)
            #expect(back == before)
        }
        #expect(applied > 5)
    }

    @Test func aRefusalQuotesNoMegabytes() {
        let role = String(repeating: "a b", count: 1_000_000)
        let refusal = #expect(throws: Refusal.self) {
            try Kind.reserve([reserved("disk", 1, role)], source: []).validate(
                by: .operator(principal: nil))
        }
        #expect((refusal?.message.utf8.count ?? .max) < 5000)
    }
}
