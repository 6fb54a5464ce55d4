import Model
import Testing

@Suite struct ResourceQuantitiesTests {
    private func draw(_ draw: inout Draw) -> ResourceQuantities {
        var pairs: [(String, Amount)] = []
        for name in ["cpus", "mem", "disk", "gpus", "x"] where draw.oneIn(2) {
            pairs.append((name, draw.amount()))
        }
        return ResourceQuantities(pairs)
    }

    @Test(arguments: 0..<100 as Range<UInt64>) func laws(seed: UInt64) throws {
        var source = Draw(seed)
        let (a, b, c) = (draw(&source), draw(&source), draw(&source))
        #expect(a + b == b + a)
        #expect((a + b) + c == a + (b + c))
        #expect((a + b) - b == a)
        #expect((a + b).contains(a) && (a + b).contains(b))
        #expect(a.contains(b) == (b - a).isEmpty)
        #expect(try ResourceQuantities(parsing: a.text) == a)
        #expect(a.items.map(\.name) == a.items.map(\.name).sorted())
        var built = ResourceQuantities()
        for item in a.items.reversed() { built[item.name] = item.amount }
        #expect(built == a)
        for item in a.items { built[item.name] = .zero }
        #expect(built.isEmpty)
    }

    @Test func theRestIsNeverBelowNothing() throws {
        let (a, b) = (
            try ResourceQuantities(parsing: "cpus:1;mem:5"),
            try ResourceQuantities(parsing: "cpus:2")
        )
        #expect((a - b).text == "mem:5")
        #expect((b - a)["cpus"] == Amount(thousandths: 1000) && (b - a)["mem"] == .zero)
    }

    @Test func alternativesAsInMinAllocatableResources() throws {
        let alternatives = try ResourceQuantities.alternatives(parsing: "cpus:0.01|mem:32;disk:1")
        #expect(alternatives.map(\.text) == ["cpus:0.01", "disk:1;mem:32"])
        #expect(try ResourceQuantities.alternatives(parsing: "") == [])
    }

    @Test(arguments: ["cpus", "cpus:x", "cpus:-1", "cpus:1;cpus:2", ":1", "cpus:1:2", "cpus:nan"])
    func refuses(text: String) {
        #expect(throws: Refusal.self) { try ResourceQuantities(parsing: text) }
    }
}
