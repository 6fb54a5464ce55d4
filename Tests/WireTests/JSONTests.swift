import MesosAPI
import Model
import SwiftProtobuf
import Testing
import Wire

/// Mesos's JSON in small cases; `GoldenTests` holds the recorded ones.
@Suite struct JSONTests {
    private func read<Body: Message>(_ text: String, _ type: Body.Type) throws(Refusal) -> Body {
        try MesosJSON.decode(type, from: Array(text.utf8))
    }

    private func task(_ text: String) throws(Refusal) -> Mesos_V1_TaskStatus {
        try read(
            #"{"task_id": {"value": "t"}, "state": "TASK_RUNNING", "# + text + "}",
            Mesos_V1_TaskStatus.self)
    }

    private func failure<Body: Message>(_ text: String, _ type: Body.Type) -> String? {
        do {
            _ = try read(text, type)
            return nil
        } catch { return error.message }
    }

    private func write(_ message: some Message) -> String {
        String(decoding: MesosJSON.encode(message), as: UTF8.self)
    }

    @Test func namesAreSnakeCaseAndDefaultsArePrinted() throws {
        var info = Mesos_V1_FrameworkInfo()
        info.user = "root"
        info.name = "x"
        #expect(
            write(info)
                == #"{"user":"root","name":"x","failover_timeout":0.0,"checkpoint":false}"#)
        var command = Mesos_V1_CommandInfo()
        command.value = "true"
        command.uris = [Mesos_V1_CommandInfo.URI()]
        command.uris[0].value = "u"
        #expect(
            write(command)
                == #"{"uris":[{"value":"u","extract":true}],"shell":true,"value":"true"}"#)
        #expect(write(Mesos_V1_Filters()) == #"{"refuse_seconds":5.0}"#)
    }

    @Test func listsThatMesosAlwaysPrintsArePrintedEmpty() {
        var response = Mesos_V1_Master_Response()
        response.type = .getTasks
        response.getTasks = .init()
        #expect(
            write(response)
                == #"{"type":"GET_TASKS","get_tasks":{"tasks":[],"unreachable_tasks":[],"#
                + #""completed_tasks":[]}}"#)
        response = Mesos_V1_Master_Response()
        response.type = .getRoles
        response.getRoles = .init()
        #expect(write(response) == #"{"type":"GET_ROLES","get_roles":{}}"#)
    }

    @Test func numbersAreTakenInEveryForm() throws {
        let forms = ["5000000000", "\"5000000000\"", "5000000000.0", "5e9", "\"5e9\""]
        for form in forms {
            let text = #"{"nanoseconds": \#(form)}"#
            #expect(try read(text, Mesos_V1_DurationInfo.self).nanoseconds == 5_000_000_000)
        }
        #expect(try read(#"{"value": "0.5"}"#, Mesos_V1_Value.Scalar.self).value == 0.5)
        #expect(try read(#"{"value": 1e300}"#, Mesos_V1_Value.Scalar.self).value == 1e300)
        #expect(
            try read(#"{"value": "Infinity"}"#, Mesos_V1_Value.Scalar.self).value == .infinity)
        #expect(
            try read(#"{"begin": 0, "end": 18446744073709551615}"#, Mesos_V1_Value.Range.self).end
                == .max)
    }

    @Test(arguments: [
        "1.5", "1e300", "\"x\"", "9223372036854775808", "true", "{}", "[1]", "NaN", "-", "01", "1.",
    ])
    func wholeNumbersMustBeWhole(_ form: String) {
        #expect(failure(#"{"nanoseconds": \#(form)}"#, Mesos_V1_DurationInfo.self) != nil)
    }

    @Test func portsMustFitTheirType() {
        let form = #"{"number": 4294967296}"#
        #expect(
            failure(form, Mesos_V1_Port.self)
                == "Failed to convert JSON into Port protobuf: "
                + "Number 4294967296 does not fit field 'number'")
        #expect(failure(#"{"number": -1}"#, Mesos_V1_Port.self) != nil)
    }

    @Test func nullIsUnsetAndUnknownIsIgnored() throws {
        let status = try task(
            #""message": null, "reason": "REASON_OF_TOMORROW", "later": [{"x": [1, null]}]"#)
        #expect(!status.hasMessage)
        #expect(!status.hasReason)
        #expect(
            failure(#"{"task_id": {"value": "t"}, "state": "TASK_ODD"}"#, Mesos_V1_TaskStatus.self)
                == "Failed to convert JSON into TaskStatus protobuf: "
                + "Missing required fields: state")
    }

    @Test func aScalarStandsForAListOfOne() throws {
        let call = try read(
            #"{"type": "REVIVE", "revive": {"roles": "a"}}"#, Mesos_V1_Scheduler_Call.self)
        #expect(call.revive.roles == ["a"])
        let accept = try read(
            #"{"accept": {"offer_ids": {"value": "o"}}}"#, Mesos_V1_Scheduler_Call.self)
        #expect(accept.accept.offerIds.map(\.value) == ["o"])
    }

    @Test func bytesAreBase64() throws {
        var status = try task(#""data": "aGVsbG8gc2NoZWR1bGVy""#)
        #expect(Array(status.data) == Array("hello scheduler".utf8))
        status.clearData()
        #expect(try Array(task(#""data": "-_8""#).data) == [0xFB, 0xFF])
        for bytes: [UInt8] in [[], [1], [1, 2], [1, 2, 3], [255, 254, 253, 252]] {
            var message = Mesos_V1_UUID()
            message.value.append(contentsOf: bytes)
            let text = write(message)
            #expect(try Array(read(text, Mesos_V1_UUID.self).value) == bytes)
        }
    }

    @Test func stringsKeepEveryCharacter() throws {
        let text = "a\"b\\c/d\n\r\t\u{1}\u{7F}é😀"
        var id = Mesos_V1_TaskID()
        id.value = text
        #expect(try read(write(id), Mesos_V1_TaskID.self) == id)
        let escaped = #"{"value": "\u0041\ud83d\ude00\/\b\f"}"#
        #expect(try read(escaped, Mesos_V1_TaskID.self).value == "A😀/\u{8}\u{C}")
        for broken in [#"\ud83d"#, #"\ud83dx"#, #"\udc00"#, #"\u12"#, #"\x"#, "\n", "\u{1}"] {
            #expect(failure(#"{"value": "\#(broken)"}"#, Mesos_V1_TaskID.self) != nil)
        }
    }

    @Test func textThatIsNotUTF8IsRefused() {
        var bytes = Array(#"{"value": "x"}"#.utf8)
        bytes[11] = 0xFF
        #expect(throws: Refusal.self) { try MesosJSON.decode(Mesos_V1_TaskID.self, from: bytes) }
    }

    @Test func mapsAreObjects() throws {
        let text = #"{"role":"r","limits":{"cpus":{"value":1.0},"mem":{"value":2.0}}}"#
        let config = try read(text, Mesos_V1_Quota_QuotaConfig.self)
        #expect(config.limits["mem"]?.value == 2)
        #expect(write(config) == text)
        let twice = #"{"role": "r", "limits": {"a": {"value": 1}, "a": {"value": 2}}}"#
        #expect(failure(twice, Mesos_V1_Quota_QuotaConfig.self)?.contains("given twice") == true)
    }

    @Test func aKeyTwiceIsRefused() {
        let text = #"{"type": "GET_HEALTH", "type": "GET_STATE"}"#
        #expect(
            failure(text, Mesos_V1_Master_Call.self)
                == "Failed to convert JSON into Call protobuf: Field 'type' is given twice")
    }

    @Test(arguments: [
        "{} x", "{}{}", "{\"a\":1,}", "{,}", "{\"a\" 1}", "{'a':1}", "nul", "{\"a\":tru}", "\u{0}",
        "{\"a\":[1,]}", "{\"a\":[1", "{\"a\":\"",
    ])
    func malformedTextIsRefused(_ text: String) {
        #expect(
            failure(text, Mesos_V1_Master_Call.self)?
                .hasPrefix("Failed to parse body into JSON: syntax error at line 1") == true)
    }

    @Test func errorsNameTheLine() {
        #expect(
            failure("{\n\"a\": 1,\n  oops\n}", Mesos_V1_Master_Call.self)
                == "Failed to parse body into JSON: syntax error at line 3 near: oops")
    }

    @Test(arguments: ["[", "{\"a\":", "{\"parent\":", "{\"a\":[{\"b\":"])
    func nestingIsBounded(_ opening: String) {
        let text = "{\"x\":" + String(repeating: opening, count: 100_000)
        #expect(
            failure(text, Mesos_V1_Master_Call.self)
                == "Failed to parse body into JSON: nested deeper than 100 levels")
        let parents = String(repeating: #"{"parent":"#, count: 100_000)
        #expect(
            failure(parents, Mesos_V1_ContainerID.self)
                == "Failed to parse body into JSON: nested deeper than 100 levels")
    }

    @Test func wireFormOfAPayloadBecomesJSONWithoutItsSwift() throws {
        var status = try task(#""healthy": true"#)
        status.labels.labels = [Mesos_V1_Label()]
        status.labels.labels[0].key = "k"
        let bytes: [UInt8] = try status.serializedBytes()
        #expect(
            MesosJSON.encode(serialized: bytes, as: Mesos_V1_TaskStatus.self)
                == MesosJSON.encode(status))
        #expect(MesosJSON.encode(serialized: [0xFF], as: Mesos_V1_TaskStatus.self) == nil)
    }

    @Test func durationHasNoFormOfItsOwn() throws {
        let text = #"{"agent_id":{"value":"a"},"max_grace_period":{"seconds":5},"mark_gone":false}"#
        let drain = try read(text, Mesos_V1_Master_Call.DrainAgent.self)
        #expect(drain.maxGracePeriod.seconds == 5)
        #expect(write(drain) == text)
    }
}
