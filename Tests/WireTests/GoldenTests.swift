import Foundation
import MesosAPI
import Model
import SwiftProtobuf
import Testing
import Wire

/// Every message that Mesos sent comes back to the letter when it is read and written again.
@Suite struct GoldenTests {
    private func roundTrip<Body: Message>(_ type: Body.Type, _ text: String) throws -> String {
        let message = try MesosJSON.decode(type, from: Array(text.utf8))
        return String(decoding: MesosJSON.encode(message), as: UTF8.self)
    }

    private func response(_ exchange: Transcripts.Exchange) -> (any Message.Type)? {
        guard exchange.response?.hasPrefix("{\"type\"") == true else { return nil }
        switch exchange.path {
        case "/slave(1)/api/v1": return Mesos_V1_Agent_Response.self
        case "/api/v1", "/api/v1/", "/master/api/v1":
            return exchange.host.hasSuffix(":5051")
                ? Mesos_V1_Agent_Response.self : Mesos_V1_Master_Response.self
        default: return nil
        }
    }

    private func event(_ exchange: Transcripts.Exchange) -> (any Message.Type)? {
        switch exchange.path {
        case "/api/v1": Mesos_V1_Master_Event.self
        case "/api/v1/scheduler": Mesos_V1_Scheduler_Event.self
        case "/api/v1/executor", "/slave(1)/api/v1/executor": Mesos_V1_Executor_Event.self
        default: nil
        }
    }

    @Test func answersAndEventsComeBackToTheLetter() throws {
        let exchanges = try Transcripts.all()
        guard !exchanges.isEmpty else { return }
        var count = 0
        var different = 0
        for exchange in exchanges {
            var pairs: [(any Message.Type, String)] = []
            if let type = response(exchange), let text = exchange.response {
                pairs.append((type, text))
            }
            if let type = event(exchange) {
                pairs += exchange.events.filter { $0.hasPrefix("{\"type\"") }.map { (type, $0) }
            }
            for (type, text) in pairs {
                count += 1
                let result = try roundTrip(type, text)
                guard result != text else { continue }
                different += 1
                let isEqual = try normal(result) == normal(text)
                #expect(isEqual, "\(exchange.file): \(exchange.name)")
            }
        }
        #expect(count > 200)
        #expect(different < 60)
    }

    /// What may differ: the last of 17 digits, the order of a map's keys, and a field of agents
    /// that is in Mesos's internal messages only.
    private func normal(_ text: String) throws -> NSObject? {
        let normal = text.replacing(",\"checkpoint\":true}", with: "}")
            .replacing(/[0-9]+\.[0-9]{6,}/) { Double($0.output)?.description ?? "" }
        return try JSONSerialization.jsonObject(with: Data(normal.utf8)) as? NSObject
    }

    private func request(_ exchange: Transcripts.Exchange) -> (any Message.Type)? {
        switch exchange.path {
        case "/api/v1/scheduler": Mesos_V1_Scheduler_Call.self
        case "/api/v1/executor", "/slave(1)/api/v1/executor": Mesos_V1_Executor_Call.self
        case "/api/v1", "/slave(1)/api/v1":
            exchange.host.hasSuffix(":5051") ? Mesos_V1_Agent_Call.self : Mesos_V1_Master_Call.self
        default: nil
        }
    }

    private func failure<Body: Message>(_ type: Body.Type, _ text: String) -> String? {
        do {
            _ = try MesosJSON.decode(type, from: Array(text.utf8))
            return nil
        } catch { return error.message }
    }

    @Test func requestsAreTakenAndRefusedAsMesosDoes() throws {
        let exchanges = try Transcripts.all()
        guard !exchanges.isEmpty else { return }
        var taken = 0
        var refused = 0
        for exchange in exchanges where exchange.headers["content-type"] == "application/json" {
            guard let type = request(exchange), let text = exchange.request,
                let status = exchange.status
            else { continue }
            let answer = exchange.response ?? ""
            let isAboutForm =
                answer.hasPrefix("Failed to parse body into JSON")
                || answer.hasPrefix("Failed to convert JSON")
            let comment: Comment = "\(exchange.file): \(exchange.name)"
            if isAboutForm {
                refused += 1
                #expect(failure(type, text) == answer, comment)
            } else if status < 300 {
                taken += 1
                #expect(failure(type, text) == nil, comment)
            }
        }
        #expect(taken > 300)
        #expect(refused > 20)
    }

    @Test func mediaTypesAreChosenAsMesosDoes() throws {
        let exchanges = try Transcripts.all()
        guard !exchanges.isEmpty else { return }
        var count = 0
        for exchange in exchanges where ["/api/v1", "/api/v1/scheduler"].contains(exchange.path) {
            guard let status = exchange.status, exchange.request?.isEmpty == false,
                !exchange.host.hasSuffix(":5051"), status != 401, status != 405
            else { continue }
            count += 1
            var answer = 200
            do {
                _ = try MediaType.ofRequest(contentType: exchange.headers["content-type"])
                _ = try MediaType.ofResponse(accept: exchange.headers["accept"])
            } catch {
                answer = error.status
                #expect(error.text == exchange.response, "\(exchange.file): \(exchange.name)")
            }
            if answer != 200 || status == 415 || status == 406 {
                #expect(answer == status, "\(exchange.file): \(exchange.name)")
            }
        }
        #expect(count > 400)
    }
}
