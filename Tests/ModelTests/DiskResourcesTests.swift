import Model
import Testing

/// Disks, their sources and the volumes on them, as pieces of a collection.
@Suite struct DiskResourcesTests {
    static let path = DiskSource(.path, root: "mnt")
    static let path2 = DiskSource(.path, root: "mnt2")
    static let mount = DiskSource(.mount, root: "mnt")
    static let mount2 = DiskSource(.mount, root: "mnt2")

    /// What Mesos's resource rules let through and its master refuses, a container path without a
    /// volume, is refused at once.
    ///
    /// Scenario: resources_tests DiskResourcesTest.Validation
    @Test func whatADiskMayBe() throws {
        for source in [nil, Self.path, Self.mount] {
            for resource in disk(10, "role", id: "1", path: "path", source: source) {
                #expect(throws: Never.self) { try resource.validate() }
            }
        }
        let cpus = try #require(disk(2, id: "1", path: "path").changed { $0.name = "cpus" }.first)
        let refusal = #expect(throws: Refusal.self) { try cpus.validate() }
        #expect(refusal?.message.hasSuffix("DiskInfo should not be set for cpus resource") == true)
        for resource in disk(10, path: "path") {
            #expect(throws: Refusal.self) { try resource.validate() }
        }
    }

    /// The container path is no part of what a disk is. In Mesos one without a volume makes a
    /// difference; here it is never valid and makes none.
    ///
    /// Scenario: resources_tests DiskResourcesTest.Equals
    @Test func identityIsRoleAndID() {
        #expect(disk(10, path: "path1") == disk(10, path: "path2"))
        #expect(
            disk(10, "role", id: "1", path: "path1") == disk(10, "role", id: "1", path: "path2"))
        #expect(
            disk(10, "role", id: "1", path: "path2") != disk(10, "role", id: "2", path: "path2"))
        #expect(disk(10, "role", path: "path2") != disk(10, "role", id: "2", path: "path2"))
        #expect(disk(10) != disk(10, "role"))
    }

    /// Scenario: resources_tests DiskResourcesTest.DiskSourceEquals
    @Test func anotherSourceIsAnotherDisk() {
        #expect(disk(10, source: Self.path) == disk(10, path: "path1", source: Self.path))
        #expect(
            disk(10, "role", id: "1", path: "path1", source: Self.path)
                == disk(10, "role", id: "1", path: "path2", source: Self.path))
        #expect(
            disk(10, "role", id: "1", path: "p", source: Self.path)
                != disk(10, "role", id: "2", path: "p", source: Self.path))
        let sources = [nil, Self.path, Self.path2, Self.mount, Self.mount2]
        for (i, left) in sources.enumerated() {
            for (j, right) in sources.enumerated() {
                #expect((disk(10, source: left) == disk(10, source: right)) == (i == j))
            }
        }
    }

    /// Scenario: resources_tests DiskResourcesSourceTest.SourceIdentity
    @Test(
        arguments: [
            (.raw, true, false), (.raw, false, true), (.path, true, true), (.path, false, true),
            (.block, true, false), (.block, false, false), (.mount, true, false),
            (.mount, false, false),
        ] as [(DiskSource.Kind, Bool, Bool)])
    func whatMayBeSplit(kind: DiskSource.Kind, hasID: Bool, isDivisible: Bool) {
        for (vendor, profile) in [(nil, nil), ("v", nil), (nil, "p"), ("v", "p")]
            as [(String?, String?)]
        {
            let source = DiskSource(
                kind, id: hasID ? "id" : nil, vendor: vendor, profile: profile)
            let (one, two) = (disk(1, source: source), disk(2, source: source))
            #expect(one.contains(one))
            #expect(two.contains(one) == isDivisible)
            #expect((one + one == two) == isDivisible)
            #expect((one + one).entries.map(\.copies) == [isDivisible ? 1 : 2])
            #expect((one + one).total(of: "disk") == two.total(of: "disk"))
        }
    }

    /// Scenario: resources_tests DiskResourcesTest.Addition DiskResourcesTest.DiskSourceAddition
    @Test func amountsOfOneSourceAdd() {
        #expect(disk(10, "role") + disk(10, "role") == disk(20, "role"))
        let (v1, v2) = (disk(10, "role", id: "1", path: "p"), disk(10, "role", id: "2", path: "p"))
        #expect((v1 + v2).contains(v1) && (v1 + v2).contains(v2))
        #expect(!(v1 + v2).contains(disk(20, "role")))
        #expect(!(v1 + v2).contains(disk(20, "role", id: "1", path: "p")))
        func on(_ source: DiskSource, _ amount: Int64) -> Resources {
            disk(amount, "role", source: source)
        }
        #expect(on(Self.path, 10) + on(Self.path, 10) == on(Self.path, 20))
        #expect(on(Self.path, 20).contains(on(Self.path, 10)))
        #expect(on(Self.path, 10) + on(Self.path, 10) != on(Self.path2, 20))
        #expect(on(Self.path, 10) + on(Self.path2, 10) != on(Self.path2, 20))
        #expect(on(Self.mount, 10) + on(Self.mount, 10) != on(Self.mount, 20))
        #expect(on(Self.mount, 10) + on(Self.mount2, 10) != on(Self.mount2, 20))
        #expect(!on(Self.mount, 20).contains(on(Self.mount, 10)))
        #expect(on(Self.mount, 20).contains(on(Self.mount, 20)))
        #expect(on(Self.path, 10) + on(Self.mount, 10) != on(Self.path, 20))
    }

    /// Scenario: resources_tests DiskResourcesTest.Subtraction
    /// Scenario: resources_tests DiskResourcesTest.DiskSourceSubtraction
    @Test func onlyTheSameDiskIsTakenAway() {
        let (v1, v2) = (disk(10, "role", id: "1", path: "p"), disk(10, "role", id: "2", path: "p"))
        #expect(v1.subtracting(v1) == Resources() && v1.subtracting(v2) == nil)
        #expect(v2.subtracting(disk(10, "role", id: "2", path: "path2")) == Resources())
        func on(_ source: DiskSource, _ amount: Int64) -> Resources {
            disk(amount, "role", source: source)
        }
        #expect(on(Self.path, 10).subtracting(on(Self.path, 10)) == Resources())
        #expect(on(Self.path, 20).subtracting(on(Self.path, 10)) == on(Self.path, 10))
        #expect(on(Self.path2, 10).subtracting(on(Self.path, 10)) == nil)
        #expect(on(Self.mount, 10).subtracting(on(Self.mount, 10)) == Resources())
        #expect(on(Self.mount, 20).subtracting(on(Self.mount, 10)) == nil)
        #expect(on(Self.mount2, 10).subtracting(on(Self.mount, 10)) == nil)
        #expect(on(Self.mount, 10).subtracting(on(Self.path, 10)) == nil)
    }

    /// Scenario: resources_tests DiskResourcesTest.Contains DiskResourcesTest.SourceContains
    @Test func containsWholePieces() {
        let volume = disk(10, "role", id: "1", path: "path")
        #expect(!volume.contains(volume + volume))
        #expect((volume + volume).contains(volume + volume))
        let other = disk(20, "role", id: "2", path: "path")
        #expect((volume + other).contains(volume) && (volume + other).contains(other))
        for source in [Self.path, Self.mount] {
            let small = disk(10, "role", id: "1", path: "path", source: source)
            let large = disk(20, "role", id: "1", path: "path", source: source)
            #expect(small.contains(small) && large.contains(large))
            #expect(!large.contains(small) && !large.contains(small + small))
            let isDivisible = source == Self.path
            let (part, whole) = (disk(10, "role", source: source), disk(20, "role", source: source))
            #expect(part.contains(part) && whole.contains(whole))
            #expect(whole.contains(part) == isDivisible)
            #expect(whole.contains(part + part) == isDivisible)
        }
    }

    /// Scenario: resources_tests DiskResourcesTest.FilterPersistentVolumes
    @Test func volumesAreFound() throws {
        let volume = disk(10, "role1", id: "1", path: "path")
        let all = try resources("cpus:1;mem:512;disk:1000") + volume + disk(20, "role2")
        #expect(Resources(all.volumes) == volume)
        #expect(all.filter(\.isPersistentVolume) == volume)
    }

    /// Mesos lets a second one of an unshared volume vanish from a sum; here it is counted, so that
    /// sums over agents are right, and an agent's books refuse it.
    ///
    /// Scenario: resources_tests ResourcesTest.Count
    @Test func holdersAreCounted() throws {
        func count(_ sum: Resources, _ piece: Resources) -> Int {
            guard let piece = piece.first, sum.contains(piece) else { return 0 }
            return sum.entry(ResourceKey(piece))?.copies ?? 0
        }
        let shared = disk(100, "role1", id: "1", path: "path1", isShared: true)
        #expect(count(shared, shared) == 1 && count(shared + shared, shared) == 2)
        let own = disk(100, "role1", id: "1", path: "path1")
        #expect(count(own, own) == 1 && count(own + own, own) == 2)
        #expect((own + own).checkAgentInvariants() != [] && own.checkAgentInvariants() == [])
        let cpus = try resources("cpus:1")
        #expect(count(cpus, cpus) == 1 && (cpus + cpus).entries.map(\.copies) == [1])
        #expect(cpus + cpus == (try resources("cpus:2")))
    }
}
