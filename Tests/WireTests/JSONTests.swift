import MesosAPI
import Model
import Testing
import Wire

@Suite struct JSONTests {
    private func call(_ text: String) throws(Refusal) -> Mesos_V1_Master_Call {
        try MesosJSON.decode(Mesos_V1_Master_Call.self, from: Array(text.utf8))
    }

    private func message(_ text: String) -> String {
        do {
            _ = try call(text)
            return ""
        } catch { return error.message }
    }

    @Test func readsACall() throws {
        let call = try call(
            #"{"type": "GET_METRICS", "get_metrics": {"timeout": {"nanoseconds": 5}}}"#)
        #expect(call.type == .getMetrics)
        #expect(call.getMetrics.timeout.nanoseconds == 5)
    }

    @Test func writesAnAnswer() {
        var response = Mesos_V1_Master_Response()
        response.type = .getHealth
        response.getHealth.healthy = true
        let text = String(decoding: MesosJSON.encode(response), as: UTF8.self)
        #expect(text == #"{"type":"GET_HEALTH","get_health":{"healthy":true}}"#)
    }

    @Test(arguments: [
        ("", "Failed to parse body into JSON: syntax error at line 1 near: "),
        (#"{"type":"#, "Failed to parse body into JSON: syntax error at line 1 near: "),
        ("[]", "Failed to convert JSON into Call protobuf: Expecting a JSON object"),
        (
            #"{"type": 1}"#,
            "Failed to convert JSON into Call protobuf: "
                + "Not expecting a JSON number for field 'type'"
        ),
        (
            #"{"reserve_resources": {}}"#,
            "Failed to convert JSON into Call protobuf: "
                + "Missing required fields: reserve_resources.agent_id"
        ),
    ])
    func wordsErrorsAsMesos(_ input: String, _ expected: String) {
        #expect(message(input) == expected)
    }
}
