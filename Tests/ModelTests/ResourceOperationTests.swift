import Model
import Testing

/// What operations make of a collection, and what of it counts as an amount.
@Suite struct ResourceOperationTests {
    typealias Kind = OfferOperation.Kind

    private func apply(_ kind: Kind, to books: Resources) throws -> Resources {
        var copy = books
        try copy.apply(kind.conversion())
        return copy
    }

    private func expectRefused(_ kind: Kind, on books: Resources) {
        let refusal = #expect(throws: Refusal.self) { try apply(kind, to: books) }
        #expect(refusal?.kind == .conflict)
    }

    let dynamic = Reservation(role: "role", principal: "principal")

    /// Scenario: resources_tests ResourcesOperationTest.ReserveResources
    /// Scenario: resources_tests ResourcesOperationTest.FlattenResources
    @Test func reserveTakesWhatIsUnreserved() throws {
        let unreserved = try resources("cpus:1;mem:512")
        let cpus = try resources("cpus:1").reserved(dynamic)
        #expect(
            try apply(.reserve(Array(cpus), source: []), to: unreserved)
                == resources("mem:512") + cpus)
        let more = try resources("cpus:2").reserved(dynamic)
        expectRefused(.reserve(Array(more), source: []), on: unreserved)
    }

    /// Scenario: resources_tests ResourcesOperationTest.UnreserveResources
    @Test func unreserveGivesItBack() throws {
        let reserved = try resources("cpus:1;mem:512").reserved(dynamic)
        let cpus = try resources("cpus:1").reserved(dynamic)
        #expect(
            try apply(.unreserve(Array(cpus)), to: reserved)
                == resources("cpus:1") + resources("mem:512").reserved(dynamic))
        let more = try resources("cpus:2").reserved(dynamic)
        expectRefused(.unreserve(Array(more)), on: reserved)
    }

    /// Scenario: resources_tests ResourcesOperationTest.CreatePersistentVolume
    /// Scenario: resources_tests ResourcesOperationTest.CreateSharedPersistentVolume
    @Test(arguments: [false, true]) func createTakesReservedDisk(isShared: Bool) throws {
        let total = try resources("cpus:1;mem:512;disk(role):1000")
        let volume = disk(200, "role", id: "1", path: "path", isShared: isShared)
        let made = try apply(.create(Array(volume)), to: total)
        #expect(try made == resources("cpus:1;mem:512;disk(role):800") + volume)
        #expect(try apply(.destroy(Array(volume)), to: made) == total)
        let more = disk(2000, "role", id: "1", path: "path", isShared: isShared)
        expectRefused(.create(Array(more)), on: total)
    }

    /// Scenario: resources_tests ResourcesOperationTest.CreatePersistentVolumeFromMount
    @Test func aMountDiskIsTakenWhole() throws {
        let source = DiskSource(.mount, root: "mnt")
        let total = disk(200, "role", source: source)
        let volume = disk(200, "role", id: "1", path: "path", source: source)
        #expect(try apply(.create(Array(volume)), to: total) == volume)
        let part = disk(50, "role", id: "1", path: "path", source: source)
        expectRefused(.create(Array(part)), on: total)
    }

    /// Scenario: resources_tests ResourcesOperationTest.DestroySharedPersistentVolumeMultipleCopies
    @Test func aSharedVolumeIsDestroyedByItsLastHolder() throws {
        let volume = disk(200, "role", id: "1", path: "path", isShared: true)
        let once = try resources("cpus:1;mem:512;disk(role):800") + volume
        expectRefused(.destroy(Array(volume)), on: once + volume)
        #expect(
            try apply(.destroy(Array(volume)), to: once)
                == resources("cpus:1;mem:512;disk(role):1000"))
    }

    /// Where Mesos leaves ports and sets out of its sums, because sums over agents would join them,
    /// here they are counted.
    ///
    /// Scenario: resources_tests ResourcesOperationTest.StrippedResourcesVolume
    /// Scenario: resources_tests ResourcesOperationTest.StrippedResourcesAllocated
    /// Scenario: resources_tests ResourcesOperationTest.StrippedResourcesReserved
    /// Scenario: resources_tests ResourcesOperationTest.StrippedResourcesResourceProvider
    /// Scenario: resources_tests ResourcesOperationTest.StrippedResourcesNonScalar
    /// Scenario: resources_tests ResourceOperationTest.StrippedResourcesRevocable
    @Test func quantitiesAreNamesAndAmounts() throws {
        #expect(disk(200, "role", id: "1", path: "path").quantities.text == "disk:200")
        let plain = try resources("cpus:1;mem:512")
        for other in [
            plain.allocated(to: "role"), plain.reserved(dynamic),
            plain.changed { $0.providerID = "p" }, plain.changed { $0.isRevocable = true },
        ] {
            #expect(other != plain)
            #expect(
                other.quantities == plain.quantities && other.quantities.text == "cpus:1;mem:512")
        }
        let ports = try resources("ports:[10000-20000, 30000-50000];names:{foo,bar}")
        #expect(ports.quantities.text == "names:2;ports:30002")
        #expect((ports + ports).count == 2)
    }

    /// What two stacks have in common stays: only what lies above it is taken off and pushed, and
    /// only that must be the caller's.
    ///
    /// Scenario: resources_tests ResourcesTest.ReservationAncestor
    @Test func aNewStackBeginsAtTheCommonAncestor() throws {
        let caller = OperationCaller.operator(principal: "ops")
        let base = try resources("cpus:2;mem:10")
        let foo = base.reserved(Reservation(role: "foo", principal: "alice"))
        let bar = foo.reserved(Reservation(role: "foo/bar", principal: "alice"))
        let baz = foo.reserved(Reservation(role: "foo/baz", principal: "ops"))
        func isAllowed(_ source: Resources, _ result: Resources) -> Bool {
            let kind = Kind.reserve(Array(result), source: Array(source))
            return (try? kind.validate(by: caller)) != nil
        }
        #expect(isAllowed(bar, baz) && isAllowed(foo, baz) && isAllowed(bar, foo))
        #expect(isAllowed(bar, base) && isAllowed(foo, base))
        // Nothing in common: alice's reservation would be pushed anew.
        #expect(!isAllowed(base, foo) && !isAllowed(base, baz) && !isAllowed(baz, bar))
        #expect(!isAllowed(base, base) && !isAllowed(bar, bar))
        #expect(try apply(.reserve(Array(baz), source: Array(bar)), to: bar) == baz)
    }
}
