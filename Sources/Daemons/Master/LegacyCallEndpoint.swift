import MasterCore
import Model
import Net
import Wire

/// POST of a form to one of the paths from before the v1 API.
struct LegacyCallEndpoint: Sendable {
    let host: MachineHost<Master>
    let answers: Pending<Answer>

    func handle(_ call: LegacyCall, _ request: HTTPRequest, _ responder: HTTPResponder) {
        do throws(ErrorForm) {
            guard request.method == "POST" else {
                throw ErrorForm.methodNotAllowed(request.method)
            }
            let change: OperatorCall
            do throws(Refusal) { change = try call.read(request.body) } catch {
                throw ErrorForm(error)
            }
            answers.ask { number in
                host.handle(.operatorCalled(RequestID(number), change, principal: nil))
            } finish: { answer in
                responder.answer(HTTPAnswer(answer))
            }
        } catch {
            responder.answer(HTTPAnswer(error))
        }
    }
}
