import Model
import Testing

/// The algebra as laws over seeds: small collections, which are searched, and larger ones, which
/// are
/// indexed.
@Suite struct ResourcesLawTests {
    static let seeds: Range<UInt64> = 0..<60

    static func size(_ seed: UInt64) -> Int { seed % 2 == 0 ? 6 : 60 }

    @Test(arguments: seeds) func additionCommutes(seed: UInt64) {
        var draw = Draw(seed)
        let (a, b) = (draw.resources(Self.size(seed)), draw.resources(9))
        #expect(a.adding(b) == b.adding(a))
        #expect(a.adding(b).checkInvariants() == [])
    }

    @Test(arguments: seeds) func additionAssociates(seed: UInt64) {
        var draw = Draw(seed)
        let (a, b, c) = (draw.resources(Self.size(seed)), draw.resources(9), draw.resources(30))
        #expect(a.adding(b).adding(c) == a.adding(b.adding(c)))
        #expect(a.adding(Resources()) == a)
    }

    @Test(arguments: seeds) func subtractingWhatWasAddedRestores(seed: UInt64) {
        var draw = Draw(seed)
        let a = draw.resources(Self.size(seed))
        let b = draw.scalars(30)
        #expect(a.adding(b).contains(b))
        #expect(a.adding(b).contains(a))
        #expect(a.adding(b).subtracting(b) == a)
        #expect(a.adding(b).subtracting(a) == b)
    }

    @Test(arguments: seeds) func aPartAndTheRestAreTheWhole(seed: UInt64) throws {
        var draw = Draw(seed)
        let whole = draw.resources(Self.size(seed))
        let part = draw.part(of: whole)
        #expect(whole.contains(part))
        let rest = try #require(whole.subtracting(part))
        #expect(rest.checkInvariants() == [])
        #expect(rest.adding(part) == whole)
        #expect(part.isEmpty || rest != whole)
    }

    @Test(arguments: seeds) func removingPieceByPieceLeavesNothing(seed: UInt64) {
        var draw = Draw(seed)
        var left = draw.resources(Self.size(seed))
        var entries = left.entries
        while !entries.isEmpty {
            let entry = entries.remove(at: draw.below(entries.count))
            let isRemoved = left.subtract(entry.resource, copies: entry.copies)
            #expect(isRemoved)
            #expect(!left.contains(entry.resource))
            #expect(left.checkInvariants() == [])
        }
        #expect(left.isEmpty)
        #expect(left.sortedNames == [])
    }

    @Test(arguments: seeds) func whatIsNotThereChangesNothing(seed: UInt64) {
        var draw = Draw(seed)
        let whole = draw.resources(Self.size(seed))
        var copy = whole
        let alien = Resource("cpus", .scalar(Amount(thousandths: 1)), allocationRole: "z")
        let wanted = draw.part(of: whole).adding(Resources([alien]))
        let isRemoved = copy.subtract(wanted)
        #expect(!isRemoved)
        #expect(copy == whole)
        #expect(whole.subtracting(wanted) == nil)
    }

    @Test(arguments: seeds) func viewsAreParts(seed: UInt64) {
        var draw = Draw(seed)
        let whole = draw.resources(Self.size(seed))
        var sum = whole.unreserved
        for role in whole.sortedRoles {
            #expect(whole.isReserved(for: role))
            sum.add(whole.reserved(for: role))
        }
        #expect(sum == whole)
        #expect(whole.reserved.adding(whole.unreserved) == whole)
        #expect(!whole.isReserved(for: "nobody"))
        for name in whole.sortedNames {
            #expect(whole.reserved(of: name) == whole.reserved.total(of: name))
            #expect(whole.unreserved(of: name) == whole.unreserved.total(of: name))
        }
        #expect(whole.quantities == whole.reservedQuantities + whole.unreservedQuantities)
        for volume in whole.volumes {
            let found = volume.volumeName.flatMap { whole.volume($0) }
            #expect(found?.volumeName == volume.volumeName)
        }
    }

    @Test(arguments: seeds) func allocationIsAPartOfIdentity(seed: UInt64) {
        var draw = Draw(seed)
        let whole = draw.resources(Self.size(seed))
        let held = whole.allocated(to: "eng")
        #expect(whole.isEmpty || held != whole)
        #expect(held.allocated(to: nil) == whole)
        #expect(held.bare == whole.bare)
    }

    @Test func theSameHistoryIteratesAlike() {
        var (first, second) = (Draw(7), Draw(7))
        var (a, b) = (first.resources(80), second.resources(80))
        for entry in a.entries.prefix(20) {
            a.subtract(entry.resource, copies: entry.copies)
            b.subtract(entry.resource, copies: entry.copies)
        }
        #expect(a.map(\.detailedText) == b.map(\.detailedText))
        #expect(Array(a) == a.entries.map(\.resource))
    }
}
