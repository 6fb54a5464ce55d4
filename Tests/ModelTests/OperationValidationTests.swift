import Model
import Testing

/// Every stateless rule with its text; where a transcript shows Mesos's text, it is that.
@Suite struct OperationValidationTests {
    typealias Kind = OfferOperation.Kind

    static let anyone = OperationCaller.operator(principal: nil)
    static let ops = OperationCaller.operator(principal: "ops")
    static let framework = OperationCaller.framework(
        roles: ["ora", "orb"], allocationRole: "ora", principal: "prin", capabilities: [])

    private func expect(
        _ kind: Kind, by caller: OperationCaller = anyone, _ text: String,
        _ refusal: Refusal.Kind = .invalid, at place: SourceLocation = #_sourceLocation
    ) {
        #expect(throws: Refusal(refusal, text), sourceLocation: place) {
            try kind.validate(by: caller)
        }
    }

    private func accept(
        _ kind: Kind, by caller: OperationCaller = anyone,
        at place: SourceLocation = #_sourceLocation
    ) {
        #expect(throws: Never.self, sourceLocation: place) { try kind.validate(by: caller) }
    }

    @Test func reserveIsOfDynamicReservations() {
        let plain = reserved("disk", 10)
        expect(.reserve([plain], source: []), "Resource disk:10 is not dynamically reserved")
        let fixed = plain.with(reservations: [Reservation(.fixed, role: "ora")])
        expect(
            .reserve([fixed], source: []),
            "Resource disk(reservations: [(STATIC,ora)]):10 is not dynamically reserved")
        accept(.reserve([reserved("disk", 10, "ora")], source: []))
        accept(.reserve([reserved("disk", 10, "ora"), reserved("mem", 8, "orb")], source: []))
        let refined = fixed.with(reservations: fixed.reservations + [Reservation(role: "ora/sub")])
        accept(.reserve([refined], source: []))
    }

    @Test func nothingIsNoList() {
        for kind in [.reserve([], source: []), .unreserve([]), .create([]), .destroy([])] as [Kind]
        {
            expect(kind, "Invalid resources: no resources are given")
        }
    }

    @Test func amountsOfNothingAreRefused() {
        func text(_ shown: String, _ rule: String) -> String {
            "Resource '\(shown)' is invalid: \(rule)"
        }
        expect(
            .reserve([reserved("disk", 0, "ora")], source: []),
            text("disk(reservations: [(DYNAMIC,ora)]):0", "Invalid scalar resource: value <= 0"))
        expect(
            .unreserve([reserved("disk", -10, "ora")]),
            text("disk(reservations: [(DYNAMIC,ora)]):-10", "Invalid scalar resource: value <= 0"))
        let ports = Resource(
            "ports", .ranges(Ranges()), reservations: [Reservation(role: "ora")])
        expect(
            .reserve([ports], source: []),
            text("ports(reservations: [(DYNAMIC,ora)]):[]", "Invalid ranges resource: no ranges"))
        expect(
            .reserve([Resource("s", .set([]))], source: []),
            text("s:{}", "Invalid set resource: no items"))
        expect(
            .reserve([Resource("s", .set(["a", "a"]))], source: []),
            text("s:{a, a}", "Invalid set resource: duplicated elements"))
        expect(
            .reserve([Resource("x", .scalar(Amount(thousandths: .max)))], source: []),
            text("x:9223372036854775.807", "Invalid scalar resource: value too large"))
        expect(
            .reserve([Resource("gpus", .scalar(Amount(thousandths: 500)))], source: []),
            text("gpus:0.5", "The 'gpus' resource must be an unsigned integer"))
        expect(
            .reserve([Resource("cpus", .set(["a"]))], source: []),
            text("cpus:{a}", "'cpus' must be of type scalar"))
        expect(
            .reserve([Resource("", .set(["a"]))], source: []),
            text(":{a}", "a resource name must have 1 to 255 bytes"))
    }

    @Test func stacksRefineDownwards() {
        func expectStack(_ reservations: [Reservation], _ shown: String, _ rule: String) {
            let resource = reserved("disk", 10).with(reservations: reservations)
            expect(
                .reserve([resource], source: []),
                "Resource 'disk(reservations: [\(shown)]):10' is invalid: \(rule)")
        }
        expectStack(
            [.init(role: "*")], "(DYNAMIC,*)",
            "Invalid reservation: role \"*\" cannot be reserved")
        expectStack(
            [.init(role: "a b")], "(DYNAMIC,a b)",
            "Role component 'a b' is invalid because it contains backspace or whitespace")
        expectStack(
            [.init(role: "a"), .init(role: "b")], "(DYNAMIC,a),(DYNAMIC,b)",
            "Invalid refined reservation: role 'b' is not a refinement of 'a'")
        expectStack(
            [.init(role: "a"), .init(role: "a")], "(DYNAMIC,a),(DYNAMIC,a)",
            "Invalid refined reservation: role 'a' is not a refinement of 'a'")
        expectStack(
            [.init(role: "a"), .init(.fixed, role: "a/b")], "(DYNAMIC,a),(STATIC,a/b)",
            "Invalid refined reservation: a refined reservation must be DYNAMIC")
    }

    @Test func revocableResourcesAreNotReserved() {
        var revocable = reserved("cpus", 1, "ora")
        revocable.isRevocable = true
        let text = "cpus(reservations: [(DYNAMIC,ora)]){REV}:1"
        expect(
            .reserve([revocable], source: []),
            "Resource '\(text)' is invalid: Invalid ReservationInfo: Dynamically reserved resource"
                + " \(text) cannot be created from revocable resources")
    }

    @Test func aReservationBelongsToItsCaller() {
        let mine = reserved("disk", 5, "ora", principal: "ops")
        accept(.reserve([mine], source: []), by: Self.ops)
        expect(
            .reserve([reserved("disk", 5, "ora")], source: []), by: Self.ops,
            "A reserve operation was attempted by principal 'ops', but there is a reserved resource"
                + " in the request with no principal set")
        expect(
            .reserve([reserved("disk", 5, "ora", principal: "bob")], source: []), by: Self.ops,
            "A reserve operation was attempted by authenticated principal 'ops', which does not"
                + " match a reserved resource in the request with principal 'bob'")
        accept(.reserve([reserved("disk", 5, "ora", principal: "alice")], source: []))
    }

    @Test func aFrameworkReservesForTheRoleOfTheOffer() {
        let prefix = "A reserve operation was attempted for a resource with role"
        expect(
            .reserve([reserved("disk", 5, "zzz", principal: "prin")], source: []),
            by: Self.framework,
            "\(prefix) 'zzz', but the resource was allocated to role 'ora'")
        let foreign = OperationCaller.framework(
            roles: ["a"], allocationRole: "ora", principal: nil, capabilities: [])
        expect(
            .reserve([reserved("disk", 5, "ora")], source: []), by: foreign,
            "\(prefix) 'ora', but the framework can only reserve resources with its own roles")
        let deep = OperationCaller.framework(
            roles: ["a/b"], allocationRole: "a/b", principal: nil,
            capabilities: .reservationRefinement)
        let flat = OperationCaller.framework(
            roles: ["a/b"], allocationRole: "a/b", principal: nil, capabilities: [])
        accept(.reserve([reserved("disk", 5, "a", "a/b")], source: []), by: deep)
        expect(
            .reserve([reserved("disk", 5, "a", "a/b")], source: []), by: flat,
            "A reserve operation was attempted for a refined reservation by a framework without the"
                + " RESERVATION_REFINEMENT capability")
    }

    @Test func allocationIsTheOffersOrAbsent() {
        let held = reserved("disk", 5, "ora", principal: "prin")
        accept(.reserve([held], source: []), by: Self.framework)
        accept(.reserve([held.with(allocationRole: "ora")], source: []), by: Self.framework)
        expect(
            .reserve([held.with(allocationRole: "orb")], source: []), by: Self.framework,
            "Invalid resources: disk(allocated: orb)(reservations: [(DYNAMIC,ora,prin)]):5 is not"
                + " allocated to role 'ora'")
        expect(
            .reserve([held.with(allocationRole: "ora")], source: []),
            "Invalid resources: 'allocation_info' is for offered resources only")
    }

    @Test func resourcesAreOfOneProvider() {
        var other = reserved("disk", 5, "ora")
        other.providerID = "p"
        expect(
            .unreserve([reserved("disk", 5, "ora"), other]),
            "Invalid resources: The resources have multiple resource providers")
    }

    @Test func unreserveTakesOffDynamicReservationsOfWhatIsNoVolume() {
        expect(.unreserve([reserved("disk", 10)]), "Resource disk:10 is not dynamically reserved")
        expect(
            .unreserve([volume("v1", 256, role: "ora")]),
            "A dynamically reserved persistent volume disk(reservations: [(DYNAMIC,ora)])"
                + "[v1:data]:256 cannot be unreserved directly. Please destroy the persistent"
                + " volume first then unreserve the resource")
        accept(.unreserve([reserved("cpus", 1, "a", "a/b")]))
    }

    @Test func volumesAreNotReservedAgain() {
        expect(
            .reserve([volume("x", 10, role: "ora")], source: []),
            "A persistent volume disk(reservations: [(DYNAMIC,ora)])[x:data]:10 cannot be reserved"
                + " again", .conflict)
    }

    @Test func launchesAreForFrameworks() {
        expect(.launch([]), "an operator cannot launch tasks")
        accept(.launch([]), by: Self.framework)
        expect(.refused(Refusal(.invalid, "no")), "no")
    }
}
