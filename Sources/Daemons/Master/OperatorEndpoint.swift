import MasterCore
import MesosAPI
import Model
import Net
import Wire

/// POST /api/v1 on the master.
struct OperatorEndpoint: Sendable {
    let host: MachineHost<Master>
    let answers: Pending<Answer>
    let views: MasterViews
    let audit: AuditQueries
    let backups: RegistryBackups

    func handle(_ request: HTTPRequest, _ responder: HTTPResponder) {
        do throws(ErrorForm) {
            guard request.method == "POST" else {
                throw ErrorForm.methodNotAllowed(request.method)
            }
            let type = try MediaType.ofRequest(contentType: request.headers["content-type"])
            let accept = try MediaType.ofResponse(accept: request.headers["accept"])
            let call: Mesos_V1_Master_Call
            let change: OperatorCall?
            do throws(Refusal) {
                call = try type.decodeCall(Mesos_V1_Master_Call.self, from: request.body)
                change = try OperatorCalls.read(call)
            } catch { throw ErrorForm(error) }
            if let change {
                answers.ask { number in
                    host.handle(.operatorCalled(RequestID(number), change, principal: nil))
                } finish: { [host] answer in
                    guard call.type == .collectGarbage, answer == .done else {
                        return responder.answer(HTTPAnswer(answer))
                    }
                    Self.tellGarbage(host, accept, responder)
                }
                return
            }
            if call.type == .listAudit {
                audit.answer(call.listAudit) { Self.answer($0, accept, responder) }
                return
            }
            if call.type == .backupRegistry {
                backups.make { Self.answer($0, accept, responder) }
                return
            }
            if LifecycleViews.serves(call.type) {
                return host.query { machine, _ in
                    let response = LifecycleViews.response(call, machine)
                    return { Self.answer(.success(response), accept, responder) }
                }
            }
            let questions = QuestionViews()
            guard views.serves(call.type) || questions.serves(call.type) else {
                throw ErrorForm.notImplemented
            }
            host.query { [views] machine, now in
                let response: Mesos_V1_Master_Response
                do throws(Refusal) {
                    response =
                        questions.serves(call.type)
                        ? try questions.response(call, machine, now)
                        : views.response(call, machine, now)
                } catch {
                    return { responder.answer(HTTPAnswer(ErrorForm(error))) }
                }
                return {
                    responder.answer(
                        HTTPAnswer(
                            status: 200, headers: ["Content-Type": accept.rawValue],
                            body: accept.encode(response)))
                }
            }
        } catch {
            responder.answer(HTTPAnswer(error))
        }
    }

    /// What has become of the volumes, after a collection.
    private static func tellGarbage(
        _ host: MachineHost<Master>, _ accept: MediaType, _ responder: HTTPResponder
    ) {
        host.query { machine, _ in
            let response = LifecycleViews.garbage(machine)
            return { answer(.success(response), accept, responder) }
        }
    }

    private static func answer(
        _ result: Result<Mesos_V1_Master_Response, ErrorForm>, _ accept: MediaType,
        _ responder: HTTPResponder
    ) {
        switch result {
        case .success(let response):
            responder.answer(
                HTTPAnswer(
                    status: 200, headers: ["Content-Type": accept.rawValue],
                    body: accept.encode(response)))
        case .failure(let form): responder.answer(HTTPAnswer(form))
        }
    }
}
