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
    let streams: EventStreams

    func handle(_ request: HTTPRequest, _ responder: HTTPResponder) {
        do throws(ErrorForm) {
            guard request.method == "POST" else {
                throw ErrorForm.methodNotAllowed(request.method)
            }
            let type = try MediaType.ofRequest(contentType: request.headers["content-type"])
            let call: Mesos_V1_Scheduler_Call
            do throws(Refusal) {
                call = try type.decodeCall(Mesos_V1_Scheduler_Call.self, from: request.body)
            } catch { throw ErrorForm(error) }
            if call.type == .subscribe {
                try subscribe(call, request, responder)
            } else {
                try other(call, request, responder)
            }
        } catch {
            responder.answer(HTTPAnswer(error))
        }
    }

    private func subscribe(
        _ call: Mesos_V1_Scheduler_Call, _ request: HTTPRequest, _ responder: HTTPResponder
    ) throws(ErrorForm) {
        guard request.headers["mesos-stream-id"] == nil else {
            throw ErrorForm(
                status: 400,
                text: "Subscribe calls should not include the 'Mesos-Stream-Id' header")
        }
        let accept = try MediaType.ofResponse(accept: request.headers["accept"])
        let uuid = UUID().uuidString.lowercased()
        let subscription: Subscription
        let headers: HTTPFields = ["Content-Type": accept.rawValue, "Mesos-Stream-Id": uuid]
        do throws(Refusal) {
            subscription = try SchedulerCalls.subscription(call, streamUUID: uuid)
        } catch {
            // As in Mesos a framework that can't be taken is told so on its stream.
            var event = Mesos_V1_Scheduler_Event()
            event.type = .error
            event.error.message = error.message
            let writer = responder.stream(status: 200, headers: headers)
            writer.write(RecordIO.encode(accept.encode(event)))
            return writer.finish()
        }
        let writer = responder.stream(status: 200, headers: headers)
        let form = ReservationForm(subscription.framework.capabilities)
        let id = StreamID(streams.open(writer, accept, form))
        host.send(.frameworkSubscribed(id, subscription))
        writer.onClose { [streams, host] in
            streams.forget(id.value)
            host.send(.streamClosed(id))
        }
    }

    private func other(
        _ call: Mesos_V1_Scheduler_Call, _ request: HTTPRequest, _ responder: HTTPResponder
    ) throws(ErrorForm) {
        let scheduler: SchedulerCall
        do throws(Refusal) { scheduler = try SchedulerCalls.read(call) } catch {
            throw ErrorForm(error)
        }
        let framework = FrameworkID(call.frameworkID.value)
        let stream = request.headers["mesos-stream-id"]
        answers.ask { number in
            host.handle(.schedulerCalled(RequestID(number), framework, scheduler, stream: stream))
        } finish: { answer in
            responder.answer(HTTPAnswer(answer))
        }
    }
}

extension HTTPAnswer {
    /// An error in Mesos's plain form.
    init(_ form: ErrorForm) {
        var headers: HTTPFields = ["Content-Type": ErrorForm.contentType]
        for header in form.headers { headers.append(header.name, header.value) }
        self.init(status: form.status, headers: headers, body: Array(form.text.utf8))
    }

    init(_ answer: Answer) {
        switch answer {
        case .accepted: self.init(status: 202)
        case .acceptedPending(let uuid):
            self.init(
                status: 202, headers: ["Content-Type": "application/json"],
                body: Array("{\"pending_operation\":\"\(uuid.value)\"}".utf8))
        case .done, .transacted: self.init(status: 200)
        case .refused(let refusal): self.init(ErrorForm(refusal))
        }
    }
}
