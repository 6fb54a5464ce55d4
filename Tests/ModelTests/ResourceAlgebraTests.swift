import Model
import Testing

/// Sums, rests and containment, case by case; `ResourcesLawTests` has the laws. Mesos's subtraction
/// removes what it finds; ours removes all or refuses, so that no difference is lost unseen.
@Suite struct ResourceAlgebraTests {
    /// Scenario: resources_tests ResourcesTest.InitializedIsEmpty ResourcesTest.EmptyUnequal
    @Test func nothingIsEmpty() throws {
        #expect(Resources().isEmpty)
        #expect(try resources("") == Resources())
        #expect(try resources("") != resources("cpus:2"))
        #expect(try resources("cpus:2") != Resources())
    }

    /// Mesos drops a nameless one silently; here it is refused.
    ///
    /// Scenario: resources_tests ResourcesTest.BadResourcesNotAllocatable
    @Test func theNamelessAndNothingAreNotThere() {
        let nameless = Resource("", .scalar(Amount(thousandths: 1000)))
        #expect(throws: Refusal.self) { try nameless.validate() }
        #expect(throws: Refusal.self) { try Resources.ofAgent([nameless]) }
        #expect(Resources([Resource("cpus", .scalar(.zero))]).isEmpty)
    }

    /// Scenario: resources_tests ResourcesTest.Resources
    @Test func totalsAreByName() throws {
        let all = try resources("cpus:45.55;mem:1024;ports:[10000-20000, 30000-50000];disk:512")
        #expect(all.total(of: "cpus").value == 45.55)
        #expect(all.total(of: "mem").value == 1024 && all.total(of: "disk").value == 512)
        let ports = all.filter { $0.name == "ports" }
        #expect(ports.text == "ports:[10000-20000, 30000-50000]")
        let some = try resources("cpus:45.55;disk:512")
        #expect(some.total(of: "mem") == .zero && some.total(of: "ports") == .zero)
        #expect(some.sortedNames == ["cpus", "disk"])
    }

    /// Scenario: resources_tests ResourcesTest.MoveConstruction
    @Test func aCopyIsEqualAndItsOwn() throws {
        let all = try resources("cpus:45.55;mem:1024;ports:[10000-20000, 30000-50000];disk:512")
        #expect(Resources(Array(all)) == all)
        var copy = all
        copy.subtract(try resources("mem:1024"))
        #expect(copy != all && all.total(of: "mem").value == 1024)
        copy.add(try resources("mem:1024"))
        #expect(copy == all)
    }

    /// Scenario: resources_tests ResourcesTest.ScalarEquals ResourcesTest.SetEquals
    @Test func equalityKnowsNoOrder() throws {
        #expect(try resources("cpus:3;mem:3072") == resources("mem:3072;cpus:3"))
        #expect(try resources("cpus(role1):3") != resources("cpus(role2):3"))
        #expect(try resources("disks:{sda1}") == resources("disks:{sda1}"))
        #expect(try resources("disks:{a,b}") == resources("disks:{b,a}"))
    }

    /// Scenario: resources_tests ResourcesTest.RangesEquals
    @Test func rangesAreEqualHoweverTheyAreWritten() throws {
        #expect(try resources("ports:[20-40]") == resources("ports:[20-30, 31-39, 40-40]"))
    }

    /// Each part and whether it is in the whole, and the whole in it.
    ///
    /// Scenario: resources_tests ResourcesTest.ScalarSubset ResourcesTest.ScalarSubset2
    /// Scenario: resources_tests ResourcesTest.RangesSubset ResourcesTest.SetSubset
    @Test(arguments: [
        ("cpus:1;mem:3072", "cpus:1;mem:4096", true, false),
        ("cpus(role1):1", "cpus(role2):1", false, false),
        ("cpus(role1):1", "cpus(role1):3", true, false),
        ("cpus(role2):1", "cpus(role1):3", false, false),
        ("ports:[2-2, 4-5]", "ports:[1-10]", true, false),
        ("ports:[2-2, 4-5]", "ports:[2-3]", false, false),
        ("ports:[2-3]", "ports:[1-10]", true, false),
        ("ports:[2-2, 4-5]", "ports:[1-2, 4-6]", true, false),
        ("ports:[1-2, 4-6]", "ports:[1-10]", true, false),
        ("ports:[2-2, 4-5]", "ports:[1-4, 5-5]", true, false),
        ("disks:{sda1,sda2}", "disks:{sda1,sda3,sda4,sda2}", true, false),
        ("disks:{b,a}", "disks:{a,b}", true, true),
    ])
    func containment(part: String, whole: String, isIn: Bool, isAround: Bool) throws {
        #expect(try resources(whole).contains(resources(part)) == isIn)
        #expect(try resources(part).contains(resources(whole)) == isAround)
    }

    /// Scenario: resources_tests ResourcesTest.ScalarAddition ResourcesTest.ScalarAddition2
    /// Scenario: resources_tests ResourcesTest.RangesAddition ResourcesTest.RangesAddition2
    /// Scenario: resources_tests ResourcesTest.RangesAddition3 ResourcesTest.RangesAddition4
    /// Scenario: resources_tests ResourcesTest.SetAddition
    @Test(arguments: [
        ("cpus:1;mem:5", "cpus:2;mem:10", "cpus:3;mem:15"),
        ("cpus(role1):1;cpus(role2):3", "cpus(role1):5", "cpus(role1):6;cpus(role2):3"),
        ("ports:[20000-40000]", "ports:[30000-50000, 10000-20000]", "ports:[10000-50000]"),
        ("ports:[1-10, 5-30, 50-60]", "ports:[1-65, 70-80]", "ports:[1-65, 70-80]"),
        ("ports:[1-2]", "ports:[3-4]", "ports:[1-4]"),
        ("ports:[7-8]", "ports:[5-6]", "ports:[5-8]"),
        ("ports:[5-8]", "ports:[1-4]", "ports:[1-8]"),
        ("ports:[1-4, 9-10, 20-22, 26-30]", "ports:[5-8, 23-25]", "ports:[1-10, 20-30]"),
        ("d:{a,b,c}", "d:{a,b,c,e}", "d:{a,b,c,e}"),
    ])
    func addition(left: String, right: String, sum: String) throws {
        let result = try resources(left) + resources(right)
        #expect(result == (try resources(sum)))
        #expect(try resources(right) + resources(left) == result)
        #expect(result.count == (try resources(sum).count))
        #expect(result.checkInvariants() == [])
    }

    /// Scenario: resources_tests ResourcesTest.ScalarSubtraction ResourcesTest.ScalarSubtraction2
    /// Scenario: resources_tests ResourcesTest.RangesSubtraction1
    /// Scenario: resources_tests ResourcesTest.RangesSubtraction2
    /// Scenario: resources_tests ResourcesTest.RangesSubtraction3
    /// Scenario: resources_tests ResourcesTest.RangesSubtraction4
    /// Scenario: resources_tests ResourcesTest.SetSubtraction
    @Test(arguments: [
        ("cpus:50;mem:4096", "cpus:0.5;mem:1024", "cpus:49.5;mem:3072"),
        ("cpus:50;mem:4096", "cpus:50;mem:4096", ""),
        ("cpus(role1):5;cpus(role2):3", "cpus(role1):1", "cpus(role1):4;cpus(role2):3"),
        ("ports:[50000-60000]", "ports:[50000-50001]", "ports:[50002-60000]"),
        ("ports:[50000-60000]", "ports:[50000-50000]", "ports:[50001-60000]"),
        ("ports:[50000-60000]", "", "ports:[50000-60000]"),
        ("ports:[50000-60000]", "ports:[50000-60000]", ""),
        ("disks:{sda1,sda2,sda3,sda4}", "disks:{sda2,sda3,sda4}", "disks:{sda1}"),
    ])
    func subtraction(left: String, right: String, rest: String) throws {
        let result = try resources(left).subtracting(resources(right))
        #expect(result == (try resources(rest)))
        #expect(result?.checkInvariants() == [])
    }

    /// Where Mesos would take away what both have, the values know the rest, and the collection
    /// refuses.
    ///
    /// Scenario: resources_tests ResourcesTest.RangesSubtraction ResourcesTest.RangesSubtraction5
    /// Scenario: resources_tests ResourcesTest.RangesSubtraction6
    @Test(arguments: [
        ("20000-40000", "10000-20000, 30000-50000", "20001-29999"),
        ("1-10, 20-30, 40-50", "2-9, 15-45, 48-50", "1-1, 10-10, 46-47"),
        ("1-10", "11-20", "1-10"),
    ])
    func rangesThatOverlap(left: String, right: String, rest: String) throws {
        let (mine, theirs) = (
            ResourceValue.ranges(try ranges(left)), ResourceValue.ranges(try ranges(right))
        )
        #expect(mine.subtracting(theirs) == .ranges(try ranges(rest)))
        #expect(try resources("p:[\(left)]").subtracting(resources("p:[\(right)]")) == nil)
    }

    /// Scenario: resources_tests ResourcesTest.Get ResourcesTest.Names ResourcesTest.Types
    @Test func namesAndTypes() throws {
        let cpus = try resources("cpus(role1):2;cpus:4")
        let mem = try resources("mem(role1):10;mem:10")
        #expect((cpus + mem).filter { $0.name == "cpus" } == cpus)
        #expect((cpus + mem).filter { $0.name == "mem" } == mem)
        #expect((cpus + mem).sortedNames == ["cpus", "mem"])
        let typed = try cpus + resources("ports:[1-10];ports:[11-20]")
        for resource in typed {
            #expect(resource.value.kind == (resource.name == "cpus" ? .scalar : .ranges))
        }
        #expect(typed.count == 3)
    }

    /// Scenario: resources_tests ResourcesTest.ContainsResourceQuantities
    @Test(arguments: [
        ("", "", true), ("", "cpus:1", false), ("cpus:1", "", true), ("cpus:2", "cpus:1", true),
        ("cpus:1", "cpus:1", true), ("cpus:0.5", "cpus:1", false),
        ("ports:[1-3]", "ports:2", true), ("ports:[1-2]", "ports:2", true),
        ("ports:[1-1]", "ports:2", false), ("f:{a,b,c}", "f:2", true), ("f:{a,b}", "f:2", true),
        ("f:{a}", "f:2", false),
        ("cpus:3;ports:[1-3];f:{a,b,c};mem:10", "cpus:3;ports:3;f:3", true),
        ("cpus:1;ports:[1-3];f:{a,b,c}", "cpus:3;ports:3;f:3", false),
        ("cpus:3;ports:[1-3]", "cpus:3;ports:3;f:3", false),
        ("cpus(role1):2", "cpus:3", false), ("cpus(role1):2;cpus:1", "cpus:3", true),
        ("ports(role):[1-10]", "ports:12", false),
        ("ports(role):[1-10];ports:[20-25]", "ports:12", true),
    ])
    func quantities(text: String, wanted: String, isEnough: Bool) throws {
        let quantities = try ResourceQuantities(parsing: wanted)
        #expect(try resources(text).quantities.contains(quantities) == isEnough)
        let shared = disk(64, "role1", id: "id1", path: "path1", isShared: true)
        let twice = try ResourceQuantities(parsing: "disk:128")
        #expect(!(shared + shared).quantities.contains(twice))
        #expect((shared + disk(64)).quantities.contains(twice))
    }
}
