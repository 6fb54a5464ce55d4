import MachineCore
import Model
import Testing

@testable import AllocatorCore

@Suite struct SorterTests {
    static let roles = ["a", "a/b", "a/b/c", "a/d", "e", "e/f/g", "*"]

    /// A sorter with random leaves, some of them eligible, each with random holdings.
    func random(_ generator: inout SeededGenerator) -> (Sorter, leaves: [Int]) {
        var sorter = Sorter(weights: ["a": Amount(thousandths: 2500), "e/f": Amount.zero])
        sorter.changeTotals(
            adding: ResourceQuantities([
                ("cpus", Amount(thousandths: 64_000)), ("mem", Amount(thousandths: 65_536)),
            ]), removing: ResourceQuantities())
        var leaves: [Int] = []
        for client in 0..<20 {
            let role = SorterTests.roles[generator.below(SorterTests.roles.count)]
            let leaf = sorter.insert(client: client, name: "f\(client)", role: role)
            leaves.append(leaf)
            sorter.setEligible(leaf, !generator.oneIn(4))
            if generator.oneIn(5) { sorter.refresh() }
            let held = ResourceQuantities([
                ("cpus", Amount(thousandths: Int64(generator.below(4) * 1000))),
                ("mem", Amount(thousandths: Int64(generator.below(4) * 1000))),
            ])
            sorter.changeHolding(
                of: leaf, adding: held, removing: ResourceQuantities(),
                isServed: generator.oneIn(2))
        }
        sorter.refresh()
        return (sorter, leaves)
    }

    @Test(arguments: 0..<50)
    func theWalkIsTheOrderOfAllEligibleLeaves(seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed))
        let (sorter, leaves) = random(&generator)
        var walk = Sorter.Walk(sorter)
        var walked: [Int] = []
        while let client = walk.next(in: sorter) { walked.append(leaves[client]) }
        let eligible = leaves.filter { sorter.nodes[$0].eligible == 1 }
        #expect(walked == eligible.sorted { sorter.precedes($0, $1) })
        #expect(sorter.checkInvariants() == [])
    }

    @Test(arguments: 0..<20)
    func emptyRolesVanish(seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed))
        var (sorter, leaves) = random(&generator)
        leaves.shuffle(using: &generator)
        for leaf in leaves {
            sorter.changeHolding(
                of: leaf, adding: ResourceQuantities(), removing: sorter.nodes[leaf].allocated,
                isServed: false)
            sorter.remove(leaf)
            #expect(sorter.checkInvariants() == [])
        }
        #expect(sorter.nodes.count == 1)
    }

    @Test func theDominantShareIsTheLargestOne() {
        var sorter = Sorter(weights: ["b": Amount(thousandths: 2000)])
        sorter.changeTotals(
            adding: ResourceQuantities([
                ("cpus", Amount(thousandths: 8000)), ("mem", Amount(thousandths: 1_024_000)),
            ]), removing: ResourceQuantities())
        for (client, role) in ["a", "b"].enumerated() {
            let leaf = sorter.insert(client: client, name: "f", role: role)
            sorter.changeHolding(
                of: leaf,
                adding: ResourceQuantities([
                    ("cpus", Amount(thousandths: 2000)), ("mem", Amount(thousandths: 512_000)),
                ]), removing: ResourceQuantities(), isServed: true)
        }
        sorter.refresh()
        let shares = sorter.nodes[Sorter.root].children.map { sorter.nodes[$0].share }
        #expect(shares == [1 << 38, 1 << 39], "half of mem: a quarter for the role of weight 2")
    }

    @Test func theDeepestRoleIsServed() {
        var cluster = Cluster()
        cluster.framework("f", Array(repeating: "a", count: 512).joined(separator: "/"))
        cluster.agent("a1", Make.resources(cpus: 1, mem: 64) + Make.resources(mem: 9, role: "a/a"))
        #expect(cluster.offers() == ["f a1 cpus:1 mem(a/a):9 mem:64"])
    }

    @Test func bitsListTheirMembersInOrder() {
        var bits = IndexBits()
        for index in [200, 3, 64, 63, 0, 3] { bits.set(index, true) }
        bits.set(63, false)
        bits.set(1000, false)
        #expect(bits.members == [0, 3, 64, 200])
        #expect(bits.contains(64) && !bits.contains(63) && !bits.contains(5000))
    }
}
