import MesosAPI
import Model
import SwiftProtobuf
import Testing
import Wire

/// Resources in the three forms of reservation.
@Suite struct ResourceTests {
    private func message(_ json: String) throws(Refusal) -> Mesos_V1_Resource {
        try MesosJSON.decode(Mesos_V1_Resource.self, from: Array(json.utf8))
    }

    private func scalar(_ rest: String, value: String = "10") throws -> Resource {
        try Resource(
            message(
                #"{"name": "disk", "type": "SCALAR", "scalar": {"value": \#(value)}\#(rest)}"#))
    }

    private func json(_ resource: Resource, _ form: ReservationForm) -> String {
        let message = Mesos_V1_Resource(resource, form: form)
        return String(decoding: MesosJSON.encode(message), as: UTF8.self)
    }

    private func rule(_ rest: String, value: String = "10") -> String? {
        do {
            _ = try scalar(rest, value: value)
            return nil
        } catch { return (error as? Refusal)?.message }
    }

    @Test func allFormsOfADynamicReservationAreOne() throws {
        let stack = #", "reservations": [{"type": "DYNAMIC", "role": "db", "principal": "p"}]"#
        let old = #", "role": "db", "reservation": {"principal": "p"}"#
        let expected = [Reservation(.dynamic, role: "db", principal: "p")]
        #expect(try scalar(stack).reservations == expected)
        #expect(try scalar(old).reservations == expected)
        #expect(try scalar(stack + old).reservations == expected)
    }

    @Test func staticAndUnreservedFormsAreRead() throws {
        let fixed = [Reservation(.fixed, role: "db")]
        #expect(try scalar(#", "role": "db""#).reservations == fixed)
        #expect(
            try scalar(#", "reservations": {"type": "STATIC", "role": "db"}"#).reservations
                == fixed)
        #expect(try scalar("").reservations.isEmpty)
        #expect(try scalar(#", "role": "*""#).reservations.isEmpty)
    }

    @Test func eachFormIsWrittenAsMesosDoes() throws {
        let reserved = try scalar(
            #", "reservations": {"type": "DYNAMIC", "role": "db", "principal": "p"}"#)
        let head = #"{"name":"disk","type":"SCALAR","scalar":{"value":10.0}"#
        let stack = #""reservations":[{"type":"DYNAMIC","role":"db","principal":"p"}]}"#
        #expect(json(reserved, .postRefinement) == head + "," + stack)
        #expect(
            json(reserved, .endpoint)
                == head + #","role":"db","reservation":{"principal":"p"},"# + stack)
        #expect(
            json(reserved, .preRefinement)
                == head + #","role":"db","reservation":{"principal":"p"}}"#)
        #expect(json(try scalar(""), .endpoint) == head + #","role":"*"}"#)
        #expect(json(try scalar(""), .postRefinement) == head + "}")
    }

    @Test func refinedReservationsAreHiddenFromOldFrameworks() throws {
        let refined = try scalar(
            #", "reservations": [{"type": "STATIC", "role": "a"}, "#
                + #"{"type": "DYNAMIC", "role": "a/b"}]"#
        )
        #expect(refined.reservations.map(\.role) == ["a", "a/b"])
        #expect(Mesos_V1_Resource.list([refined], form: .preRefinement).isEmpty)
        #expect(Mesos_V1_Resource.list([refined], form: .endpoint).count == 1)
        #expect(!json(refined, .endpoint).contains(#""role":"*""#))
    }

    @Test func contradictingFormsAreRefusedInMesosWords() {
        let stack = #", "reservations": {"type": "DYNAMIC", "role": "ora"}"#
        #expect(
            rule(stack + #", "reservation": {}"#, value: "8")
                == "Resource 'disk(reservations: [(DYNAMIC,ora)]):8' is invalid: Invalid resource"
                + " format: 'Resource.role' and 'Resource.reservation' must either be both set or"
                + " both not set if the single reservation in 'Resource.reservations' is DYNAMIC")
        #expect(rule(stack + #", "role": "ora""#) != nil)
        #expect(rule(stack + #", "role": "other", "reservation": {}"#) != nil)
        #expect(
            rule(#", "reservation": {}"#)?.hasSuffix("role \"*\" cannot be reserved") == true)
        #expect(rule(#", "reservations": {"role": "ora"}"#) != nil)
        #expect(rule(#", "reservations": {"type": "STATIC"}"#) != nil)
    }

    @Test func amountsWithoutMeaningAreRefusedInMesosWords() throws {
        let stack = #", "reservations": {"type": "DYNAMIC", "role": "ora"}"#
        #expect(
            rule(stack, value: "-10")
                == "Resource 'disk(reservations: [(DYNAMIC,ora)]):-10' is invalid: "
                + "Invalid scalar resource: value <= 0")
        #expect(rule("", value: "1e300")?.hasSuffix("value too large") == true)
        #expect(rule("", value: "\"Infinity\"")?.hasSuffix("value too large") == true)
        #expect(try scalar("", value: "0.0004").amount == .zero)
        var nan = Mesos_V1_Resource()
        nan.name = "cpus"
        nan.type = .scalar
        nan.scalar.value = .nan
        #expect(throws: Refusal.self) { try Resource(nan) }
        nan.clearScalar()
        #expect(throws: Refusal.self) { try Resource(nan) }
        nan.type = .text
        #expect(throws: Refusal.self) { try Resource(nan) }
    }

    @Test func rangesWithoutMeaningAreRefused() throws {
        let ports = #"{"name": "ports", "type": "RANGES", "ranges": {"range": "#
        let inverted = ports + #"[{"begin": 31010, "end": 31001}]}}"#
        let error = #expect(throws: Refusal.self) { try Resource(message(inverted)) }
        #expect(
            error?.message
                == "Resource 'ports:[31010-31001]' is invalid: Invalid ranges resource: begin > end"
        )
        let twice = ports + #"[{"begin": 1, "end": 5}, {"begin": 5, "end": 6}]}}"#
        #expect(throws: Refusal.self) { try Resource(message(twice)) }
        let good = try Resource(
            message(ports + #"[{"begin": 4, "end": 5}, {"begin": 1, "end": 3}]}}"#))
        #expect(good.value == .ranges(Ranges(1...5)))
    }

    @Test func disksKeepWhatTheyAre() throws {
        let volume = try scalar(
            #"""
            , "reservations": {"type": "STATIC", "role": "r"}, "shared": {}, "disk": {
            "persistence": {"id": "v", "principal": "p"}, "source": {"type": "MOUNT",
            "mount": {"root": "/m"}, "id": "i", "metadata": {"labels": [{"key": "k"}]}},
            "volume": {"mode": "RO", "container_path": "data"}}, "allocation_info": {"role": "r"}
            """#)
        #expect(volume.disk?.persistence == Disk.Persistence(id: "v", principal: "p"))
        #expect(volume.disk?.volume == Disk.Volume(containerPath: "data", mode: .readOnly))
        #expect(volume.disk?.source?.root == "/m")
        #expect(volume.isShared)
        #expect(volume.allocationRole == "r")
        #expect(try Resource(Mesos_V1_Resource(volume, form: .endpoint)) == volume)
    }
}
