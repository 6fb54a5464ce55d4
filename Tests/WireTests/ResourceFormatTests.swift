import MesosAPI
import Model
import Testing
import Wire

/// What is a reservation in each of the three forms, and what old frameworks are shown of it.
@Suite struct ResourceFormatTests {
    /// The reservations of `cpus` with these fields; nil when it is refused.
    private func stack(_ fields: String...) -> [String]? {
        let head = #"{"name": "cpus", "type": "SCALAR", "scalar": {"value": 555.5}"#
        let json = ([head] + fields).joined(separator: ", ") + "}"
        do {
            let resource = try Resource(
                MesosJSON.decode(Mesos_V1_Resource.self, from: Array(json.utf8)))
            try resource.validate()
            return resource.reservations.map { "\($0.kind) \($0.role) \($0.principal ?? "-")" }
        } catch {
            return nil
        }
    }

    private func level(_ type: String, _ role: String, _ principal: String = "p") -> String {
        #"{"type": "\#(type)", "role": "\#(role)", "principal": "\#(principal)"}"#
    }

    private func levels(_ levels: String...) -> String {
        "\"reservations\": [" + levels.joined(separator: ", ") + "]"
    }

    /// Scenario: resources_tests ResourceFormatTest.PreReservationRefinement
    @Test func theOldForm() {
        #expect(stack() == [])
        #expect(stack(#""role": "*""#) == [])
        #expect(stack(#""role": "foo""#) == ["fixed foo -"])
        #expect(stack(#""role": "foo", "reservation": {"principal": "p"}"#) == ["dynamic foo p"])
    }

    /// Scenario: resources_tests ResourceFormatTest.PostReservationRefinement
    @Test func theNewForm() {
        #expect(stack(levels()) == [])
        for (type, kind) in [("STATIC", "fixed"), ("DYNAMIC", "dynamic")] {
            #expect(stack(levels(level(type, "foo"))) == ["\(kind) foo p"])
            #expect(
                stack(levels(level(type, "foo"), level("DYNAMIC", "foo/bar", "q")))
                    == ["\(kind) foo p", "dynamic foo/bar q"])
            #expect(stack(levels(level(type, "foo"), level("STATIC", "foo/bar"))) == nil)
        }
    }

    /// Scenario: resources_tests ResourceFormatTest.Endpoint
    @Test func bothFormsMustSayTheSame() {
        let old = #""role": "r1", "reservation": {"principal": "p"}"#
        #expect(stack(old, levels(level("DYNAMIC", "r1"))) == ["dynamic r1 p"])
        #expect(stack(old, levels(level("DYNAMIC", "r2"))) == nil)
        #expect(stack(old, levels(level("STATIC", "r1"))) == nil)
        #expect(stack(old, levels(level("DYNAMIC", "r1", "p2"))) == nil)
        #expect(stack(old, levels(level("DYNAMIC", "r1"), level("DYNAMIC", "r1/r2"))) == nil)
        #expect(stack(levels(level("DYNAMIC", "r1"), level("DYNAMIC", "r1/r2"))) != nil)
    }

    private let executor = ExecutorDescription(
        id: ExecutorID("e"), kind: .custom, framework: FrameworkID("f"))

    private func shown(
        _ stacks: [[Reservation]], _ form: ReservationForm
    ) -> [Mesos_V1_Resource] {
        var copy = executor
        copy.resources = stacks.map {
            Resource("cpus", .scalar(Amount(thousandths: 555_500)), reservations: $0)
        }
        return Mesos_V1_ExecutorInfo(copy, form: form).resources
    }

    /// Scenario: resources_tests ResourceFormatTest.DowngradeWithoutResources
    @Test func withoutResourcesTheFormsAreOne() {
        #expect(
            Mesos_V1_ExecutorInfo(executor, form: .preRefinement)
                == Mesos_V1_ExecutorInfo(executor, form: .postRefinement))
    }

    static let simple: [[Reservation]] = [
        [], [.init(.fixed, role: "foo")], [.init(role: "bar", principal: "principal1")],
    ]

    /// Scenario: resources ResourceFormatTest.DowngradeWithResourcesWithoutRefinedReservations
    @Test func oldFrameworksSeeTheOldForm() {
        let old = shown(Self.simple, .preRefinement)
        #expect(old.map(\.role) == ["*", "foo", "bar"])
        #expect(old.map(\.hasReservation) == [false, false, true])
        #expect(old.last?.reservation.principal == "principal1")
        #expect(old.allSatisfy { $0.reservations.isEmpty && $0.scalar.value == 555.5 })
    }

    /// Mesos's conversion fails and leaves the refined one as it is, for its caller to drop; here
    /// it is dropped at once.
    ///
    /// Scenario: resources ResourceFormatTest.DowngradeWithResourcesWithRefinedReservations
    @Test func oldFrameworksDoNotSeeRefinements() {
        let refined = [Reservation(role: "bar"), Reservation(role: "bar/baz")]
        #expect(
            shown(Self.simple + [refined], .preRefinement) == shown(Self.simple, .preRefinement))
        let new = shown(Self.simple + [refined], .postRefinement)
        #expect(new.map { $0.reservations.count } == [0, 1, 1, 2])
        #expect(new.allSatisfy { !$0.hasRole && !$0.hasReservation })
    }

    /// Scenario: resources_tests ResourcesTest.Evolve
    @Test(arguments: [ReservationForm.preRefinement, .postRefinement, .endpoint])
    func messagesComeBackAsTheSameResources(form: ReservationForm) throws {
        let all = try Resources.parse(text: "cpus(role1):2;mem(role1):10;cpus:4;mem:20;p:[1-2]")
        let messages = Mesos_V1_Resource.list(all, form: form)
        #expect(Resources(try Resource.list(messages)) == all)
    }
}
