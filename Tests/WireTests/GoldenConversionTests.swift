import Foundation
import MesosAPI
import Model
import Testing
import Wire

/// Resources, calls and updates that Mesos sent or answered, through the model and back.
@Suite struct GoldenConversionTests {
    /// Every object in the tree that has the keys.
    private func objects(_ keys: [String], in tree: Any) -> [[String: Any]] {
        if let list = tree as? [Any] { return list.flatMap { objects(keys, in: $0) } }
        guard let object = tree as? [String: Any] else { return [] }
        let inner = object.sorted { $0.key < $1.key }.flatMap { objects(keys, in: $0.value) }
        return keys.allSatisfy { object[$0] != nil } ? [object] + inner : inner
    }

    private func answers() throws -> [Any] {
        try Transcripts.all().flatMap { exchange -> [String] in
            guard exchange.path.contains("/api/v1") else { return [] }
            let answer = exchange.response.map { [$0] } ?? []
            return (answer + exchange.events).filter { $0.hasPrefix("{\"type\"") }
        }.compactMap { try JSONSerialization.jsonObject(with: Data($0.utf8)) }
    }

    @Test func resourcesComeBackInTheirForm() throws {
        let trees = try answers()
        guard !trees.isEmpty else { return }
        let found = objects(["name", "type"], in: trees).filter { object in
            ["SCALAR", "RANGES", "SET"].contains(object["type"] as? String ?? "")
                && !["rack", "level"].contains(object["name"] as? String ?? "")
        }
        var forms: [ReservationForm: Int] = [:]
        for object in found {
            let data = try JSONSerialization.data(withJSONObject: object)
            let message = try MesosJSON.decode(Mesos_V1_Resource.self, from: Array(data))
            let resource = try Resource(message)
            let form: ReservationForm =
                !message.hasRole
                ? .postRefinement
                : message.reservations.isEmpty && message.role != "*" ? .preRefinement : .endpoint
            forms[form, default: 0] += 1
            #expect(Mesos_V1_Resource(resource, form: form) == message)
        }
        #expect(forms[.postRefinement, default: 0] > 600)
        #expect(forms[.endpoint, default: 0] > 400)
    }

    @Test func updatesComeBack() throws {
        let trees = try answers()
        guard !trees.isEmpty else { return }
        let found = objects(["task_id", "state", "source"], in: trees)
        for object in found {
            let data = try JSONSerialization.data(withJSONObject: object)
            let message = try MesosJSON.decode(Mesos_V1_TaskStatus.self, from: Array(data))
            let update = try StatusUpdate(
                message, framework: FrameworkID("f"),
                executor: message.hasExecutorID ? ExecutorID(message.executorID.value) : nil,
                agent: message.hasAgentID ? AgentID(message.agentID.value) : nil)
            var again = Mesos_V1_TaskStatus(update)
            #expect(abs(again.timestamp - message.timestamp) < 2e-6)
            again.timestamp = message.timestamp
            #expect(again == message)
        }
        #expect(found.count > 50)
    }

    @Test func callsAreValidatedInMesosWords() throws {
        let exchanges = try Transcripts.all()
        guard !exchanges.isEmpty else { return }
        var refused = 0
        var taken = 0
        for exchange in exchanges where exchange.headers["content-type"] == "application/json" {
            guard let text = exchange.request, let status = exchange.status else { continue }
            let answer = exchange.response ?? ""
            let error = failure(exchange, Array(text.utf8))
            let comment: Comment = "\(exchange.file): \(exchange.name)"
            if answer.hasPrefix("Failed to validate"),
                answer.contains("to be present")
                    || answer.contains("UUID") || answer.contains("differs from")
                    || answer.contains("Received")
            {
                refused += 1
                #expect(error == answer, comment)
            } else if status < 300, exchange.path.contains("/api/v1") {
                taken += 1
                #expect(error == nil, comment)
            }
        }
        #expect(refused > 50)
        #expect(taken > 300)
    }

    private func failure(_ exchange: Transcripts.Exchange, _ body: [UInt8]) -> String? {
        do throws(Refusal) {
            switch exchange.path {
            case "/api/v1/scheduler":
                let call = try MediaType.json.decodeCall(
                    Mesos_V1_Scheduler_Call.self, from: body)
                for operation in call.accept.operations {
                    if case .refused(let refusal) = OfferOperation(operation).kind {
                        throw refusal
                    }
                }
            case "/slave(1)/api/v1/executor":
                _ = try MediaType.json.decodeCall(Mesos_V1_Executor_Call.self, from: body)
            case "/api/v1" where exchange.host.hasSuffix(":5051"), "/slave(1)/api/v1":
                _ = try MediaType.json.decodeCall(Mesos_V1_Agent_Call.self, from: body)
            case "/api/v1":
                let call = try MediaType.json.decodeCall(Mesos_V1_Master_Call.self, from: body)
                _ = try OfferOperation.Kind(call)
            default: break
            }
            return nil
        } catch { return error.message }
    }
}
