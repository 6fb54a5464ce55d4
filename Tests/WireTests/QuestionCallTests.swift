import MesosAPI
import Model
import Testing
import Wire

/// The rules of EXPLAIN_OFFERS and WHAT_IF.
@Suite struct QuestionCallTests {
    private func refusal(
        _ change: (inout Mesos_V1_Master_Call) -> Void
    ) throws -> String? {
        var call = Mesos_V1_Master_Call()
        change(&call)
        do throws(Refusal) {
            try call.validate()
            return nil
        } catch {
            #expect(error.kind == .invalid)
            return error.message
        }
    }

    @Test func anExplanationNeedsAFrameworkOrARole() throws {
        let absent = try refusal { $0.type = .explainOffers }
        #expect(absent?.hasSuffix("Expecting 'explain_offers' to be present") == true)
        let empty = try refusal {
            $0.type = .explainOffers
            $0.explainOffers = .init()
        }
        #expect(empty?.hasSuffix("to be present in 'explain_offers'") == true)
        #expect(
            try refusal {
                $0.type = .explainOffers
                $0.explainOffers.role = "db"
            } == nil)
        #expect(
            try refusal {
                $0.type = .explainOffers
                $0.explainOffers.frameworkID.value = "f"
            } == nil)
    }

    @Test func aWhatIfHasExactlyOneBody() throws {
        let absent = try refusal { $0.type = .whatIf }
        #expect(absent?.hasSuffix("Expecting 'what_if' to be present") == true)
        let none = try refusal {
            $0.type = .whatIf
            $0.whatIf = .init()
        }
        #expect(none?.hasSuffix("it has 0") == true)
        let two = try refusal {
            $0.type = .whatIf
            $0.whatIf.drainAgent = .init()
            $0.whatIf.growVolume = .init()
        }
        #expect(two?.hasSuffix("it has 2") == true)
    }

    @Test func eachBodyIsTheCallOfItsName() {
        typealias Body = Mesos_V1_Master_Call.WhatIf
        let bodies: [((inout Body) -> Void, Mesos_V1_Master_Call.TypeEnum)] = [
            ({ $0.reserveResources.agentID.value = "a" }, .reserveResources),
            ({ $0.unreserveResources.agentID.value = "a" }, .unreserveResources),
            ({ $0.createVolumes.agentID.value = "a" }, .createVolumes),
            ({ $0.destroyVolumes.agentID.value = "a" }, .destroyVolumes),
            ({ $0.growVolume.agentID.value = "a" }, .growVolume),
            ({ $0.shrinkVolume.agentID.value = "a" }, .shrinkVolume),
            ({ $0.drainAgent.agentID.value = "a" }, .drainAgent),
        ]
        for (fill, type) in bodies {
            var body = Body()
            fill(&body)
            #expect(body.call.type == type)
            #expect(body.call.absentField == nil)
            if type != .drainAgent {
                #expect(OfferOperation.Kind.agent(of: body.call).value == "a")
            }
        }
    }
}
