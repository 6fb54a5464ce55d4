import Foundation
import MasterCore
import MesosAPI
import Model
import Net
import Wire

/// POST /api/v1/scheduler.
struct SchedulerEndpoint: Sendable {
    let host: MachineHost<Master>
    let answers: Pending<Answer>
    let streams: EventStreams<StreamID>

    func handle(_ request: HTTPRequest) async -> HTTPAnswer {
        do {
            guard request.method == "POST" else {
                throw ErrorForm.methodNotAllowed(request.method)
            }
            let type = try MediaType.ofRequest(contentType: request.header("content-type"))
            let call: Mesos_V1_Scheduler_Call
            do throws(Refusal) {
                call = try type.decode(Mesos_V1_Scheduler_Call.self, from: request.body)
                guard call.hasType else {
                    throw SchedulerCalls.invalid("Expecting 'type' to be present")
                }
            } catch { throw ErrorForm(error) }
            if call.type == .subscribe { return try subscribe(call, request) }
            return try await other(call, request)
        } catch let form as ErrorForm {
            return HTTPAnswer(form)
        } catch {
            return HTTPAnswer(ErrorForm(status: 500, text: "\(error)"))
        }
    }

    private func subscribe(
        _ call: Mesos_V1_Scheduler_Call, _ request: HTTPRequest
    ) throws(ErrorForm) -> HTTPAnswer {
        guard request.header("mesos-stream-id") == nil else {
            throw ErrorForm(
                status: 400,
                text: "Subscribe calls should not include the 'Mesos-Stream-Id' header")
        }
        let accept = try MediaType.ofResponse(accept: request.header("accept"))
        let uuid = UUID().uuidString.lowercased()
        let subscription: Subscription
        do throws(Refusal) {
            subscription = try SchedulerCalls.subscription(call, streamUUID: uuid)
        } catch { throw ErrorForm(error) }
        let headers = [("Content-Type", accept.rawValue), ("Mesos-Stream-Id", uuid)]
        return .stream(status: 200, headers: headers) { [host, streams] writer in
            let id = StreamID(streams.open(writer, accept))
            writer.onClose {
                streams.forget(id.value)
                host.send(.streamClosed(id))
            }
            host.send(.frameworkSubscribed(id, subscription))
        }
    }

    private func other(
        _ call: Mesos_V1_Scheduler_Call, _ request: HTTPRequest
    ) async throws(ErrorForm) -> HTTPAnswer {
        let scheduler: SchedulerCall
        do throws(Refusal) {
            guard call.hasFrameworkID else {
                throw SchedulerCalls.invalid("Expecting 'framework_id' to be present")
            }
            scheduler = try SchedulerCalls.read(call)
        } catch { throw ErrorForm(error) }
        let framework = FrameworkID(call.frameworkID.value)
        let stream = request.header("mesos-stream-id")
        let answer = await answers.ask { number in
            host.send(.schedulerCalled(RequestID(number), framework, scheduler, stream: stream))
        }
        return HTTPAnswer(answer)
    }
}

extension HTTPAnswer {
    /// An error in Mesos's plain form.
    init(_ form: ErrorForm) {
        self.init(
            status: form.status,
            headers: form.headers.map { ($0.name, $0.value) }
                + [("Content-Type", ErrorForm.contentType)],
            body: Array(form.text.utf8))
    }

    init(_ answer: Answer) {
        switch answer {
        case .accepted: self.init(status: 202, headers: [], body: [])
        case .acceptedPending(let uuid):
            self.init(
                status: 202, headers: [("Content-Type", "application/json")],
                body: Array("{\"pending_operation\":\"\(uuid.value)\"}".utf8))
        case .done: self.init(status: 200, headers: [], body: [])
        case .refused(let refusal): self.init(ErrorForm(refusal))
        }
    }
}
