import Foundation
import MesosAPI
import Net
import Wire

/// The plain GET paths that clients and agents ask before they speak the v1 API.
struct LegacyEndpoint: Sendable {
    let version: Mesos_V1_VersionInfo
    /// Where agents connect to.
    let agentsPort: Int

    func handle(_ request: HTTPRequest, _ responder: HTTPResponder) {
        switch request.path {
        case "/health", "/master/health": responder.answer(HTTPAnswer(status: 200))
        case "/version", "/master/version":
            responder.answer(
                HTTPAnswer(
                    status: 200, headers: ["Content-Type": MediaType.json.rawValue],
                    body: MediaType.json.encode(version)))
        case "/holdfast/agents-port":
            responder.answer(.text(200, String(agentsPort)))
        default: responder.answer(HTTPAnswer(ErrorForm.notFound))
        }
    }
}
