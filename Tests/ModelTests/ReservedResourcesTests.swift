import Model
import Testing

/// What reservation, provider, allocation and revocability keep apart.
@Suite struct ReservedResourcesTests {
    static let foo = Labels([.init("foo", "bar")])
    static let baz = Labels([.init("foo", "baz")])

    private func cpus(_ amount: Int, _ reservation: Reservation? = nil) throws -> Resources {
        let plain = try resources("cpus:\(amount)")
        return reservation.map { plain.reserved($0) } ?? plain
    }

    private func dynamic(_ principal: String = "p", _ labels: Labels = Labels()) -> Reservation {
        Reservation(role: "role", principal: principal, labels: labels)
    }

    /// Scenario: resources_tests ReservedResourcesTest.Validation
    @Test func everyKindOfReservationIsValid() throws {
        for reservation in [nil, .init(.fixed, role: "role"), dynamic(), dynamic("p", Self.foo)] {
            for resource in try cpus(8, reservation) {
                #expect(throws: Never.self) { try resource.validate() }
            }
        }
    }

    /// Scenario: resources_tests ReservedResourcesTest.Equals
    @Test func anyDifferenceOfAReservationTells() throws {
        var unique = [try cpus(8)]
        for role in ["role1", "role2"] {
            unique.append(try cpus(8, .init(.fixed, role: role)))
            for principal in ["principal1", "principal2"] {
                unique.append(try cpus(8, .init(role: role, principal: principal)))
            }
        }
        unique.append(try cpus(8, .init(role: "role1", principal: "principal2", labels: Self.foo)))
        unique.append(try cpus(8, .init(role: "role1", principal: "principal2", labels: Self.baz)))
        for (i, left) in unique.enumerated() {
            for (j, right) in unique.enumerated() { #expect((left == right) == (i == j)) }
        }
    }

    /// Scenario: resources_tests ReservedResourcesTest.AdditionStaticallyReserved
    /// Scenario: resources_tests ReservedResourcesTest.AdditionDynamicallyReservedWithoutLabels
    /// Scenario: resources_tests ReservedResourcesTest.AdditionDynamicallyReservedWithSameLabels
    @Test func equalReservationsAdd() throws {
        for reservation in [.init(.fixed, role: "role"), dynamic(), dynamic("p", Self.foo)] {
            let sum = try cpus(8, reservation) + cpus(4, reservation)
            #expect(sum == (try cpus(12, reservation)))
            #expect(sum.count == 1)
        }
    }

    /// Scenario: resources ReservedResourcesTest.AdditionDynamicallyReservedWithDistinctLabels
    @Test func otherLabelsKeepApart() throws {
        let (r1, r2) = (try cpus(6, dynamic("p", Self.foo)), try cpus(6, dynamic("p", Self.baz)))
        #expect((r1 + r2).count == 2)
        #expect(r1 + r2 != r1 + r1 && r1 + r2 != r2 + r2)
        #expect(r1 + r2 == r2 + r1)
    }

    /// Scenario: resources_tests ReservedResourcesTest.Subtraction
    @Test func onlyTheSameReservationIsTakenAway() throws {
        let fixed = Reservation(.fixed, role: "role")
        let (r1, r2) = (try cpus(8, fixed), try cpus(8, dynamic("p", Self.foo)))
        #expect(r1.subtracting(r1) == Resources() && r2.subtracting(r2) == Resources())
        #expect(r1.subtracting(r2) == nil && r2.subtracting(r1) == nil)
        #expect(try r2.subtracting(cpus(8, dynamic("p", Self.baz))) == nil)
        let rest = try (r1 + r2).subtracting(cpus(2, fixed))?
            .subtracting(cpus(4, dynamic("p", Self.foo)))
        #expect(try rest == cpus(6, fixed) + cpus(4, dynamic("p", Self.foo)))
    }

    /// Scenario: resources_tests ReservedResourcesTest.Contains
    @Test func containsWhatIsReservedAlike() throws {
        let (r1, r2) = (try cpus(8, .init(.fixed, role: "role")), try cpus(12, dynamic()))
        #expect(r1.contains(r1) && r2.contains(r2))
        #expect(!r1.contains(r2) && !r2.contains(r1))
        #expect(!r1.contains(r1 + r2) && !r2.contains(r1 + r2))
        #expect((r1 + r2).contains(r1) && (r1 + r2).contains(r2) && (r1 + r2).contains(r1 + r2))
    }

    /// Scenario: resources_tests ResourcesTest.Reservations
    @Test func viewsByRole() throws {
        let unreserved = try resources("cpus:1;mem:2;disk:4")
        let role1 = try resources("cpus(role1):2;mem(role1):4;disk(role1):8")
        let role2 = try resources("cpus(role2):4;mem(role2):8;disk(role2):6")
        let all = unreserved + role1 + role2
        #expect(all.sortedRoles == ["role1", "role2"])
        #expect(all.reserved(for: "role1") == role1 && all.reserved(for: "role2") == role2)
        #expect(!all.isReserved(for: "*"))
        #expect(all.unreserved == unreserved)
        #expect(all.reserved == role1 + role2)
    }

    /// Scenario: resources_tests ResourcesTest.HierarchicalReservations
    @Test func aRoleMayUseWhatItsAncestorsHave() throws {
        let unreserved = try resources("cpus:1;mem:2;disk:4")
        let grandfather = try resources("cpus(a):2;mem(a):4;disk(a):8")
        let father = try resources("cpus(a/bx):4;mem(a/bx):8;disk(a/bx):16")
        let uncle = try resources("cpus(a/b):4;mem(a/b):8;disk(a/b):16")
        let child = try resources("cpus(a/bx/c):8;mem(a/bx/c):16;disk(a/bx/c):32")
        let family = unreserved + grandfather + father + uncle + child
        #expect(family.usable(by: "*") == unreserved)
        #expect(family.usable(by: "a") == grandfather + unreserved)
        #expect(family.usable(by: "a/bx") == grandfather + father + unreserved)
        #expect(family.usable(by: "a/bx/c") == grandfather + father + child + unreserved)
    }

    /// Scenario: resources_tests ResourcesTest.ToUnreserved
    @Test func withoutReservationsAllIsOne() throws {
        let reserved = try resources("cpus(role1):1;cpus(role2):2;mem(role1):5")
        #expect(try reserved.bare == resources("cpus:3;mem:5"))
    }

    /// Scenario: resources_tests ResourceProviderIDTest.Addition ResourceProviderIDTest.Equals
    /// Scenario: resources_tests ResourceProviderIDTest.Subtraction
    /// Scenario: resources_tests ResourceProviderIDTest.Contains
    @Test func providersKeepApart() throws {
        let own = disk(1)
        let provided = own.changed { $0.providerID = "p" }
        let cpus = try resources("cpus:4").changed { $0.providerID = "p" }
        #expect(own != provided && cpus + own != cpus + provided)
        #expect(!own.contains(provided) && !provided.contains(own) && provided.contains(provided))
        let sum = cpus + provided
        #expect(sum.count == 2 && sum.contains(cpus) && sum.contains(provided))
        #expect(!sum.contains(own) && !(cpus + own).contains(provided))
        #expect(sum.total(of: "cpus").value == 4 && sum.total(of: "disk").value == 1)
        let twice = provided + provided
        #expect(twice.count == 1 && twice.total(of: "disk").value == 2)
        #expect((own + provided).count == 2)
        #expect(sum.subtracting(provided) == cpus && sum.subtracting(cpus) == provided)
        #expect((cpus + own).subtracting(own) == cpus && (cpus + own).subtracting(provided) == nil)
        #expect(twice.subtracting(provided) == provided)
    }
}

/// Revocable resources are other resources than the same ones for good.
@Suite struct RevocableResourcesTests {
    private func cpus(_ amount: Int, isRevocable: Bool) throws -> Resources {
        try resources("cpus:\(amount)").changed { $0.isRevocable = isRevocable }
    }

    /// Scenario: resources_tests RevocableResourceTest.Equals RevocableResourceTest.Addition
    /// Scenario: resources_tests RevocableResourceTest.Subtraction RevocableResourceTest.Contains
    @Test func addAndSubtractAmongThemselves() throws {
        let (lent, kept) = (try cpus(1, isRevocable: true), try cpus(1, isRevocable: false))
        #expect(lent != kept)
        #expect(lent + lent == (try cpus(2, isRevocable: true)))
        #expect(!lent.contains(lent + lent) && (lent + lent).contains(lent))
        let sum = lent + kept
        #expect(sum.contains(lent) && sum.contains(kept) && sum.contains(sum))
        #expect(try !sum.contains(cpus(2, isRevocable: true)))
        #expect(try !sum.contains(cpus(2, isRevocable: false)))
        #expect(lent.subtracting(lent) == Resources())
        #expect(lent.subtracting(kept) == nil && kept.subtracting(lent) == nil)
        #expect(sum.subtracting(kept) == lent)
    }

    /// Scenario: resources_tests RevocableResourceTest.Filter
    @Test func areFilteredOut() throws {
        let (lent, kept) = (try cpus(1, isRevocable: true), try cpus(1, isRevocable: false))
        #expect(lent.filter(\.isRevocable) == lent && kept.filter(\.isRevocable).isEmpty)
        #expect((lent + kept).filter(\.isRevocable) == lent)
        #expect((lent + kept).filter { !$0.isRevocable } == kept)
    }
}

/// The role that resources are held under is a part of what they are.
@Suite struct AllocatedResourcesTests {
    /// Scenario: resources_tests AllocatedResourcesTest.Equality AllocatedResourcesTest.Contains
    /// Scenario: resources_tests AllocatedResourcesTest.Addition
    /// Scenario: resources_tests AllocatedResourcesTest.Subtraction
    @Test func rolesKeepApart() throws {
        let mine = try resources("cpus:1").allocated(to: "role1")
        let theirs = try resources("cpus:1").allocated(to: "role2")
        #expect(mine == mine && mine != theirs)
        #expect((mine + theirs).contains(mine) && (mine + theirs).contains(theirs))
        #expect(try !mine.contains(theirs) && !mine.contains(resources("cpus:1")))
        #expect((mine + theirs).count == 2 && (mine + theirs).total(of: "cpus").value == 2)
        #expect(mine.subtracting(mine) == Resources() && theirs.subtracting(theirs) == Resources())
        #expect(mine.subtracting(theirs) == nil && theirs.subtracting(mine) == nil)
    }

    /// Scenario: resources_tests AllocatedResourcesTest.Allocations
    @Test func areFoundByTheirRole() throws {
        let free = try resources("cpus:1;mem:1024").allocated(to: "*")
        let mine = try resources("cpus:2;mem:2048").allocated(to: "role1")
        let reserved = try resources("cpus(role2):3;mem(role2):3096").allocated(to: "role2")
        let all = free + mine + reserved
        for (role, part) in [("*", free), ("role1", mine), ("role2", reserved)] {
            #expect(all.filter { $0.allocationRole == role } == part)
        }
        #expect(try free.allocated(to: nil) == resources("cpus:1;mem:1024"))
        #expect(free.allocated(to: nil).allSatisfy { $0.allocationRole == nil })
    }
}
