import MasterCore
import MesosAPI
import Model
import Net
import Wire

/// POST /api/v1 on the master.
struct OperatorEndpoint: Sendable {
    let host: MachineHost<Master>
    let answers: Pending<Answer>
    let readers: MasterReaders
    let audit: AuditQueries
    let backups: RegistryBackups
    let subscribers: SubscriberStreams

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
                } finish: { [readers] answer in
                    guard call.type == .collectGarbage, answer == .done else {
                        return responder.answer(HTTPAnswer(answer, accept))
                    }
                    readers.answer(call, accept, responder)
                }
                return
            }
            if call.type == .subscribe {
                subscribers.open(call.subscribe, accept, responder, on: host)
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
            guard readers.serves(call.type) else { throw ErrorForm.notImplemented }
            readers.answer(call, accept, responder)
        } catch {
            responder.answer(HTTPAnswer(error))
        }
    }

    /// What has become of the volumes, after a collection.
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
