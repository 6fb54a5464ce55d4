import Model
import Testing

/// A shared volume counts its holders and takes its disk once.
@Suite struct SharedResourcesTests {
    let volume = disk(50, "role1", id: "1", path: "path", isShared: true)

    private func count(_ sum: Resources, _ piece: Resources) -> Int {
        piece.first.flatMap { sum.entry(ResourceKey($0))?.copies } ?? 0
    }

    /// Mesos appends the number of holders, `<2>`; here it is the entry's and not the piece's.
    ///
    /// Scenario: resources_tests SharedResourcesTest.Printing
    @Test func textSaysShared() {
        let volume = disk(64, "role1", id: "id1", path: "path1", isShared: true)
        #expect(
            (volume + volume).map(\.detailedText)
                == ["disk(reservations: [(STATIC,role1)])[id1:path1]<SHARED>:64"])
        #expect(count(volume, volume) == 1 && count(volume + volume, volume) == 2)
    }

    /// Scenario: resources_tests SharedResourcesTest.ScalarAdditionShared
    @Test func addingCountsAHolder() throws {
        let (r1, r2) = (
            try resources("cpus:1;mem:5") + volume, try resources("cpus:2;mem:10") + volume
        )
        let sum = r1 + r2
        #expect(sum.count == 3 && count(r1, volume) == 1 && count(sum, volume) == 2)
        #expect(["cpus", "mem", "disk"].map { sum.total(of: $0).value } == [3, 15, 50])
        #expect(sum == r2 + r1)
    }

    /// Scenario: resources_tests SharedResourcesTest.ScalarSubtractionShared
    @Test func theLastHolderTakesItAway() throws {
        let r1 = try resources("cpus:40;mem:4096") + volume + volume
        let r2 = try resources("cpus:5;mem:512") + volume
        let rest = try #require(r1.subtracting(r2))
        #expect(["cpus", "mem", "disk"].map { rest.total(of: $0).value } == [35, 3584, 50])
        #expect(rest.count == 3 && count(rest, volume) == 1 && rest.contains(volume))
        let gone = try #require(rest.subtracting(r2))
        #expect(count(gone, volume) == 0 && !gone.contains(volume))
        #expect(gone.total(of: "disk") == .zero)
        #expect(r2.subtracting(r1) == nil)
    }

    /// Scenario: resources_tests SharedResourcesTest.ScalarSharedCompoundExpressions
    @Test func sumsAndRestsOfHolders() throws {
        let plain = try resources("cpus:2;mem:10")
        let three = plain + volume + volume + volume
        let four = three + volume
        #expect(count(four, volume) == 4 && count(three, volume) == 3)
        #expect((four + four).subtracting(four) == four)
        #expect((four + three).subtracting(four) == three)
        #expect((three + four).subtracting(three) == four)
        #expect(four.subtracting(three)?.adding(three) == four)
        #expect(four.subtracting(three) == volume)
        #expect(three.subtracting(four) == nil)
    }

    /// Scenario: resources_tests SharedResourcesTest.ScalarNonEqualSharedOperations
    @Test func otherVolumesAreLeftAlone() {
        let other = disk(100, "role1", id: "2", path: "path2", isShared: true)
        let both = volume + other
        #expect(count(both, volume) == 1 && count(both, other) == 1)
        #expect(both.subtracting(volume) == other)
        #expect(volume.subtracting(other) == nil)
    }

    /// Scenario: resources_tests SharedResourcesTest.ScalarSharedAndNonSharedOperations
    @Test func sharedAndUnsharedAreTwo() throws {
        let unshared = disk(50, "role1", id: "1", path: "path")
        let plain = try resources("cpus:1;mem:5")
        #expect(!(plain + volume).contains(plain + unshared))
        #expect(!(plain + unshared).contains(plain + volume))
        let sum = volume + volume + unshared
        #expect(sum.count == 2 && sum.total(of: "disk").value == 100)
        #expect(count(sum, volume) == 2 && count(sum, unshared) == 1)
        #expect(unshared.subtracting(volume) == nil)
    }

    /// Scenario: resources_tests SharedResourcesTest.Filter
    @Test func areFilteredOut() throws {
        let unshared = try resources("cpus:1;mem:512;disk:1000") + disk(20, "role2")
        #expect(volume.filter(\.isShared) == volume && unshared.filter(\.isShared).isEmpty)
        #expect((volume + unshared).filter(\.isShared) == volume)
        #expect((volume + unshared).filter { !$0.isShared } == unshared)
    }
}
