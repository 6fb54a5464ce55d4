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

    func handle(_ request: HTTPRequest) async -> HTTPAnswer {
        do {
            guard request.method == "POST" else {
                throw ErrorForm.methodNotAllowed(request.method)
            }
            let type = try MediaType.ofRequest(contentType: request.header("content-type"))
            let accept = try MediaType.ofResponse(accept: request.header("accept"))
            let call: Mesos_V1_Master_Call
            let change: OperatorCall?
            do throws(Refusal) {
                call = try type.decode(Mesos_V1_Master_Call.self, from: request.body)
                guard call.hasType else {
                    throw Refusal(
                        .invalid,
                        "Failed to validate master::Call: Expecting 'type' to be present")
                }
                change = try OperatorCalls.read(call)
            } catch { throw ErrorForm(error) }
            if let change {
                let answer = await answers.ask { number in
                    host.send(.operatorCalled(RequestID(number), change, principal: nil))
                }
                return HTTPAnswer(answer)
            }
            guard let response = await views.answer(call, host) else {
                throw ErrorForm.notImplemented
            }
            return HTTPAnswer(
                status: 200, headers: [("Content-Type", accept.rawValue)],
                body: accept.encode(response))
        } catch let form as ErrorForm {
            return HTTPAnswer(form)
        } catch {
            return HTTPAnswer(ErrorForm(status: 500, text: "\(error)"))
        }
    }
}
