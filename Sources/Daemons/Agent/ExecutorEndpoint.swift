import AgentCore
import MesosAPI
import Model
import Net
import Wire

/// POST /api/v1/executor on the agent.
struct ExecutorEndpoint: Sendable {
    let host: MachineHost<Agent>
    let answers: Pending<Refusal?>
    let streams: EventStreams

    func handle(_ request: HTTPRequest, _ responder: HTTPResponder) {
        do throws(ErrorForm) {
            guard request.method == "POST" else {
                throw ErrorForm.methodNotAllowed(request.method)
            }
            let type = try MediaType.ofRequest(contentType: request.headers["content-type"])
            let accept = try MediaType.ofResponse(accept: request.headers["accept"])
            do throws(Refusal) {
                let call = try type.decodeCall(Mesos_V1_Executor_Call.self, from: request.body)
                try take(call, accept, responder)
            } catch { throw ErrorForm(error) }
        } catch {
            responder.answer(HTTPAnswer(error))
        }
    }

    private func take(
        _ call: Mesos_V1_Executor_Call, _ accept: MediaType, _ responder: HTTPResponder
    ) throws(Refusal) {
        let framework = FrameworkID(call.frameworkID.value)
        let executor = ExecutorID(call.executorID.value)
        let executorCall: ExecutorCall
        switch call.type {
        case .subscribe: return try subscribe(call, framework, executor, accept, responder)
        case .update:
            executorCall = .update(
                try StatusUpdate(
                    call.update.status, framework: framework, executor: executor, agent: nil))
        case .message: executorCall = .message(Payload(Array(call.message.data)))
        case .heartbeat: executorCall = .heartbeat
        case .unknown:
            throw Refusal(
                .invalid, "Failed to validate executor::Call: Expecting 'type' to be present")
        }
        answers.ask { number in
            host.send(
                .executorCalled(ExecutorRequestID(number), framework, executor, executorCall))
        } finish: { refusal in
            responder.answer(
                refusal.map { HTTPAnswer(ErrorForm($0)) } ?? HTTPAnswer(status: 202))
        }
    }

    private func subscribe(
        _ call: Mesos_V1_Executor_Call, _ framework: FrameworkID, _ executor: ExecutorID,
        _ accept: MediaType, _ responder: HTTPResponder
    ) throws(Refusal) {
        let tasks = try TaskDescription.list(call.subscribe.unacknowledgedTasks)
        var updates: [StatusUpdate] = []
        for update in call.subscribe.unacknowledgedUpdates {
            updates.append(
                try StatusUpdate(
                    update.status, framework: framework, executor: executor, agent: nil))
        }
        let writer = responder.stream(status: 200, headers: ["Content-Type": accept.rawValue])
        let id = ExecutorStreamID(streams.open(writer, accept))
        host.send(
            .executorSubscribed(
                id, framework, executor, unacknowledgedTasks: tasks,
                unacknowledgedUpdates: updates))
        writer.onClose { [streams, host] in
            streams.forget(id.number)
            host.send(.executorStreamClosed(id))
        }
    }
}
