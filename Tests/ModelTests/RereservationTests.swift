import Model
import Testing

/// RESERVE with source: one step from one stack to another.
@Suite struct RereservationTests {
    private func refusal(
        _ source: [Resource], _ resources: [Resource],
        by caller: OperationCaller = .operator(principal: nil)
    ) -> String? {
        do {
            try OfferOperation.Kind.reserve(resources, source: source).validate(by: caller)
            return nil
        } catch {
            return error.message
        }
    }

    @Test func betweenRolesAndLevels() {
        #expect(refusal([reserved("cpus", 1, "a")], [reserved("cpus", 1, "b")]) == nil)
        #expect(refusal([reserved("cpus", 1, "a", "a/x")], [reserved("cpus", 1, "a")]) == nil)
        #expect(refusal([reserved("cpus", 1)], [reserved("cpus", 1, "a", "a/x")]) == nil)
        #expect(
            refusal(
                [reserved("cpus", 1, "a"), reserved("mem", 2, "a")],
                [reserved("mem", 2, "b"), reserved("cpus", 1, "b")]) == nil)
    }

    @Test func oneStackOnEachSideAndTheSameQuantities() {
        let (a, b) = (reserved("cpus", 1, "a"), reserved("cpus", 1, "b"))
        #expect(
            refusal([a, b], [reserved("cpus", 2, "c")])
                == "The 'source' resources must all have the same reservations")
        #expect(
            refusal([reserved("cpus", 2, "c")], [a, b])
                == "The resources must all have the same reservations")
        #expect(
            refusal([a], [reserved("cpus", 2, "b")])
                == "'source' and the resources must have the same quantities")
        #expect(refusal([a], [a]) == "'source' and the resources have the same reservations")
    }

    @Test func staticReservationsStay() {
        let fixed = reserved("cpus", 1).with(reservations: [Reservation(.fixed, role: "a")])
        let refined = fixed.with(reservations: fixed.reservations + [Reservation(role: "a/x")])
        let other = fixed.with(reservations: fixed.reservations + [Reservation(role: "a/y")])
        #expect(refusal([refined], [other]) == nil)
        #expect(refusal([refined], [fixed]) == nil)
        for (source, result) in [(fixed, reserved("cpus", 1, "b")), (reserved("cpus", 1), fixed)] {
            #expect(
                refusal([source], [result])
                    == "A STATIC reservation can be neither made nor taken away")
        }
    }

    @Test func volumesAndFrameworksAreOut() {
        let moved = refusal([volume("v")], [volume("v", role: "b")])
        #expect(moved?.hasSuffix("cannot be reserved again") == true)
        let framework = OperationCaller.framework(
            roles: ["b"], allocationRole: "b", principal: nil, capabilities: [])
        #expect(
            refusal([reserved("cpus", 1, "a")], [reserved("cpus", 1, "b")], by: framework)
                == "'source' of RESERVE is for operators only")
    }

    @Test func whatIsPushedBelongsToTheCaller() {
        let ops = OperationCaller.operator(principal: "ops")
        let source = [reserved("cpus", 1, "a", principal: "alice")]
        let mine = reserved("cpus", 1, "b", principal: "ops")
        #expect(refusal(source, [mine], by: ops) == nil)
        #expect(refusal(source, [reserved("cpus", 1, "b")], by: ops) != nil)
    }
}
