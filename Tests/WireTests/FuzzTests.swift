import MachineCore
import MesosAPI
import Model
import SwiftProtobuf
import Testing
import Wire

/// Damaged requests are read or refused, and nothing else happens; what is read can be written and
/// read again.
@Suite struct FuzzTests {
    private static let requests = [
        #"""
        {"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"root","name":"x",
        "roles":["a"],"capabilities":[{"type":"MULTI_ROLE"}],"failover_timeout":60.5,
        "labels":{"labels":[{"key":"k","value":"v"}]},
        "offer_filters":{"a":{"min_allocatable_resources":
        {"quantities":[{"quantities":{"cpus":{"value":1}}}]}}}}}}
        """#,
        #"""
        {"type":"ACCEPT","framework_id":{"value":"f"},"accept":{"offer_ids":[{"value":"o"}],
        "operations":[{"type":"RESERVE","id":{"value":"i"},
        "reserve":{"resources":[{"name":"disk","type":"SCALAR","scalar":{"value":64},
        "allocation_info":{"role":"a"},"reservations":[{"type":"DYNAMIC","role":"a",
        "principal":"p"}]}]}},{"type":"LAUNCH","launch":{"task_infos":[{"name":"t",
        "task_id":{"value":"t"},"agent_id":{"value":"s"},"resources":[{"name":"ports",
        "type":"RANGES","ranges":{"range":[{"begin":31000,"end":31005}]}},{"name":"gpus",
        "type":"SET","set":{"item":["a","b"]}}],"command":{"value":"sleep 1",
        "environment":{"variables":[{"name":"A","value":"é\u00e9"}]}},
        "kill_policy":{"grace_period":{"nanoseconds":5000000000}},"data":"aGk=",
        "limits":{"mem":{"value":"Infinity"}}}]}}],"filters":{"refuse_seconds":1}}}
        """#,
        #"""
        {"type":"GROW_VOLUME","grow_volume":{"agent_id":{"value":"s"},"volume":{"name":"disk",
        "type":"SCALAR","scalar":{"value":64},"role":"a","reservation":{},
        "reservations":[{"type":"DYNAMIC","role":"a"}],"disk":{"persistence":{"id":"v"},
        "volume":{"mode":"RW","container_path":"d"},"source":{"type":"PATH",
        "path":{"root":"/r"}}}},"addition":{"name":"disk","type":"SCALAR",
        "scalar":{"value":"1.5"}}}}
        """#,
        #"""
        {"executor_id":{"value":"e"},"framework_id":{"value":"f"},"type":"UPDATE",
        "update":{"status":{"task_id":{"value":"t"},"state":"TASK_RUNNING",
        "source":"SOURCE_EXECUTOR","uuid":"vkRYi4SlTR+6MVXtFAX93g==","timestamp":1795334191.92,
        "container_status":{"container_id":{"value":"c","parent":{"value":"p"}}}}}}
        """#,
    ]

    private func tryAll(_ bytes: [UInt8], _ type: MediaType) {
        if let call = read(Mesos_V1_Scheduler_Call.self, bytes, type) {
            _ = try? call.validate()
            _ = call.accept.operations.map { OfferOperation($0) }
            _ = try? FrameworkDescription(call.subscribe.frameworkInfo)
        }
        if let call = read(Mesos_V1_Master_Call.self, bytes, type) {
            _ = try? call.validate()
            if let kind = try? OfferOperation.Kind(call) {
                _ = try? kind.validate(by: .operator(principal: nil))
            }
        }
        if let call = read(Mesos_V1_Executor_Call.self, bytes, type) {
            _ = try? call.validate()
            _ = try? StatusUpdate(
                call.update.status, framework: FrameworkID("f"), executor: nil, agent: nil)
        }
    }

    private func read<Call: Message & Equatable>(
        _ call: Call.Type, _ bytes: [UInt8], _ type: MediaType
    ) -> Call? {
        do {
            let message = try type.decode(call, from: bytes)
            // Unknown fields are kept in wire form only, and NaN equals nothing.
            let json = MesosJSON.encode(message)
            let again = try MesosJSON.decode(call, from: json)
            #expect(MesosJSON.encode(again) == json)
            return message
        } catch {
            #expect(error.kind == .invalid)
            #expect(!error.message.isEmpty)
            return nil
        }
    }

    @Test(arguments: UInt64(0)..<500)
    func damagedJSON(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for request in Self.requests {
            tryAll(Mutation.of(Array(request.utf8), with: &random), .json)
        }
    }

    @Test(arguments: UInt64(0)..<500)
    func damagedProtobuf(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for request in Self.requests.prefix(2) {
            let call = try MesosJSON.decode(Mesos_V1_Scheduler_Call.self, from: Array(request.utf8))
            tryAll(Mutation.of(try call.serializedBytes(), with: &random), .protobuf)
        }
    }

    @Test(arguments: UInt64(0)..<200)
    func damagedStreams(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let stream = Self.requests.flatMap { RecordIO.encode(Array($0.utf8)) }
        var decoder = RecordIO.Decoder(limit: 10_000)
        let records = try? decoder.append(Mutation.of(stream, with: &random))
        #expect((records ?? []).allSatisfy { $0.count <= 10_000 })
    }

    @Test func theUndamagedRequestsAreRead() throws {
        let scheduler = Self.requests.prefix(2).map { Array($0.utf8) }
        for bytes in scheduler {
            _ = try MediaType.json.decodeCall(Mesos_V1_Scheduler_Call.self, from: bytes)
        }
        let accept = try MesosJSON.decode(Mesos_V1_Scheduler_Call.self, from: scheduler[1])
        let operations = accept.accept.operations.map { OfferOperation($0) }
        #expect(operations.count == 2)
        for operation in operations {
            if case .refused(let refusal) = operation.kind { Issue.record("\(refusal)") }
            #expect(operation.tasks.allSatisfy { $0.fault == nil })
        }
        let grow = try MediaType.json.decodeCall(
            Mesos_V1_Master_Call.self, from: Array(Self.requests[2].utf8))
        let kind = try OfferOperation.Kind(grow)
        #expect(kind?.type == .grow)
        _ = try MediaType.json.decodeCall(
            Mesos_V1_Executor_Call.self, from: Array(Self.requests[3].utf8))
    }
}
