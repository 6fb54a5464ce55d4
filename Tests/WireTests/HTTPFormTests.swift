import MesosAPI
import Model
import Testing
import Wire

/// Media types, framing and refusals as HTTP has them.
@Suite struct HTTPFormTests {
    private func accepted(_ header: String?) -> MediaType? {
        try? MediaType.ofResponse(accept: header)
    }

    @Test func jsonIsPreferred() {
        #expect(accepted(nil) == .json)
        #expect(accepted("*/*") == .json)
        #expect(accepted("application/*") == .json)
        #expect(accepted("application/x-protobuf, application/json") == .json)
        #expect(accepted("application/x-protobuf") == .protobuf)
        #expect(accepted("application/json;q=0, application/x-protobuf;q=0.5") == .protobuf)
        #expect(accepted("text/html") == nil)
        #expect(accepted("") == nil)
        #expect(accepted("application/json; q=0.0") == nil)
    }

    @Test func contentTypeMustMatchToTheLetter() throws {
        #expect(try MediaType.ofRequest(contentType: "application/json") == .json)
        #expect(try MediaType.ofRequest(contentType: "application/x-protobuf") == .protobuf)
        let missing = #expect(throws: ErrorForm.self) { try MediaType.ofRequest(contentType: nil) }
        #expect(missing?.status == 400)
        for wrong in ["Application/JSON", "application/json; charset=utf-8", "", "text/plain"] {
            let error = #expect(throws: ErrorForm.self) {
                try MediaType.ofRequest(contentType: wrong)
            }
            #expect(error?.status == 415)
        }
    }

    @Test func refusalsHaveTheirStatus() {
        let kinds: [(Refusal.Kind, Int)] = [
            (.invalid, 400), (.forbidden, 403), (.notFound, 404), (.conflict, 409),
            (.tooLarge, 413), (.unavailable, 503),
        ]
        for (kind, status) in kinds {
            let form = ErrorForm(Refusal(kind, "why"))
            #expect(form.status == status)
            #expect(form.text == "why")
        }
        #expect(ErrorForm.methodNotAllowed("GET").headers.map(\.value) == ["POST"])
    }

    @Test func protobufBodiesAreReadAndRefused() throws {
        let call = try MediaType.protobuf.decodeCall(Mesos_V1_Master_Call.self, from: [8, 1])
        #expect(call.type == .getHealth)
        let error = #expect(throws: Refusal.self) {
            try MediaType.protobuf.decode(Mesos_V1_Master_Call.self, from: [255, 255, 255])
        }
        #expect(error?.message == "Failed to parse body into Call protobuf")
        var response = Mesos_V1_Master_Response()
        response.type = .getHealth
        response.getHealth.healthy = true
        #expect(MediaType.protobuf.encode(response) == [8, 1, 18, 2, 8, 1])
    }

    @Test func recordsComeBackFromPiecesOfAnySize() throws {
        let records = [[], [1], Array("10\n{}".utf8), [UInt8](repeating: 7, count: 1000)]
        let stream = records.flatMap { RecordIO.encode($0) }
        #expect(RecordIO.encode(Array("{}".utf8)) == Array("2\n{}".utf8))
        for size in [1, 2, 3, 7, 100, stream.count] {
            var decoder = RecordIO.Decoder()
            var found: [[UInt8]] = []
            for start in stride(from: 0, to: stream.count, by: size) {
                found += try decoder.append(stream[start..<min(start + size, stream.count)])
            }
            #expect(found == records)
            #expect(decoder.isBetweenRecords)
        }
    }

    @Test func badFramesAreRefused() throws {
        for text in ["x", "-1\n", "\n", "1 \n", "1\r\n"] {
            var decoder = RecordIO.Decoder()
            let error = #expect(throws: Refusal.self) { try decoder.append(Array(text.utf8)) }
            #expect(error?.kind == .invalid)
        }
        for text in ["11\n", "99999999999999999999999\n", "00000000000000000000000001\n"] {
            var decoder = RecordIO.Decoder(limit: 10)
            let error = #expect(throws: Refusal.self) { try decoder.append(Array(text.utf8)) }
            #expect(error?.kind == .tooLarge)
        }
        var decoder = RecordIO.Decoder(limit: 10)
        #expect(try decoder.append(Array("10\nabc".utf8)).isEmpty)
        #expect(!decoder.isBetweenRecords)
    }
}
