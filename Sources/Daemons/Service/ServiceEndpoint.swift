import Foundation
import MachineCore
import Model
import Net
import OrderedCollections
import ServiceCore
import Wire

/// The HTTP API of the service scheduler: what `holdfast service` calls, in JSON.
///
///     POST /services/list
///     POST /services/deploy            body: the YAML file
///     POST /services/NAME/restart
///     POST /services/NAME/resize       body: {"volume": "data", "size_mib": 2048}
///     POST /services/NAME/remove[?destroy_volumes=true]
struct ServiceEndpoint: Sendable {
    let host: MachineHost<ServiceScheduler>
    let answers: Pending<ServiceAnswer>

    func handle(_ request: HTTPRequest, _ responder: HTTPResponder) {
        do throws(ErrorForm) {
            guard request.method == "POST" else {
                throw ErrorForm.methodNotAllowed(request.method)
            }
            do throws(Refusal) { try route(request, responder) } catch { throw ErrorForm(error) }
        } catch {
            responder.answer(HTTPAnswer(error))
        }
    }

    private func route(
        _ request: HTTPRequest, _ responder: HTTPResponder
    ) throws(Refusal) {
        let parts = request.path.split(separator: "/").map(String.init)
        guard parts.first == "services", parts.count == 2 || parts.count == 3 else {
            throw Refusal(.notFound, "no such path: \(request.path)")
        }
        if parts.count == 2 {
            switch parts[1] {
            case "list": list(responder)
            case "deploy":
                let spec = try ServiceFile.parse(String(decoding: request.body, as: UTF8.self))
                ask(.deploy(spec), spec.name, responder)
            default: throw Refusal(.notFound, "no such path: \(request.path)")
            }
            return
        }
        switch parts[2] {
        case "restart": ask(.restart(parts[1]), parts[1], responder)
        case "remove":
            let destroys = request.query["destroy_volumes"] == "true"
            ask(.remove(parts[1], destroyVolumes: destroys), parts[1], responder)
        case "resize": ask(try resize(parts[1], request.body), parts[1], responder)
        default: throw Refusal(.notFound, "a service can restart, resize and remove")
        }
    }

    private func resize(_ name: String, _ body: [UInt8]) throws(Refusal) -> ServiceRequest {
        let object = try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]
        guard let size = (object?["size_mib"] as? NSNumber)?.doubleValue,
            let amount = Amount(size)
        else { throw Refusal(.invalid, "resize needs size_mib, an amount in MiB") }
        return .resize(name, volume: object?["volume"] as? String, size: amount)
    }

    private func ask(_ request: ServiceRequest, _ name: String, _ responder: HTTPResponder) {
        answers.ask { number in
            host.send(.requested(ServiceRequestID(number), request))
        } finish: { answer in
            switch answer {
            case .accepted(let text):
                responder.answer(Self.json(["name": name, "message": text]))
            case .resized(let milliseconds, let isGrownWhileMounted):
                responder.answer(
                    Self.json([
                        "name": name, "downtime_milliseconds": Int(milliseconds),
                        "grown_while_mounted": isGrownWhileMounted,
                    ]))
            case .refused(let refusal): responder.answer(HTTPAnswer(ErrorForm(refusal)))
            }
        }
    }

    private func list(_ responder: HTTPResponder) {
        host.query { machine, _ in
            let services = machine.services.values.map { ServiceView($0) }
            return { responder.answer(Self.json(["services": services.map(\.object)])) }
        }
    }

    private static func json(_ object: [String: Any]) -> HTTPAnswer {
        let data = try? JSONSerialization.data(withJSONObject: object, options: [.sortedKeys])
        return HTTPAnswer(
            status: 200, headers: ["Content-Type": "application/json"],
            body: Array(data ?? Data("{}".utf8)))
    }
}

/// A service as its status shows it.
struct ServiceView: Sendable {
    let service: Service

    init(_ service: Service) { self.service = service }

    var object: [String: Any] {
        let row = service.row
        var object: [String: Any] = [
            "name": row.spec.name, "role": row.spec.role, "goal": row.goal.rawValue,
            "phase": phase, "launches": row.launches, "is_ready": isReady,
            "volumes": row.spec.volumes.map { volume in
                [
                    "name": volume.name, "path": volume.path, "size_mib": volume.size.value,
                ] as [String: Any]
            },
        ]
        if let placement = row.placement {
            object["agent"] = placement.agent.value
            object["hostname"] = placement.hostname
            if let task = placement.task { object["task"] = task.value }
            let ids = placement.resources.compactMap { $0.disk?.persistence?.id }
            object["persistence_ids"] = ids
        }
        if let state = service.state { object["state"] = state.rawValue }
        if let isHealthy = service.isHealthy { object["healthy"] = isHealthy }
        if let message = service.message { object["message"] = message }
        return object
    }

    private var isReady: Bool {
        guard service.phase == .running, service.state == .running else { return false }
        return service.row.spec.health == nil || service.isHealthy == true
    }

    private var phase: String {
        switch service.phase {
        case .waiting: service.row.placement == nil ? "placing" : "waiting"
        case .launching: "launching"
        case .running: "running"
        case .unreachable: "unreachable"
        case .stopping: "stopping"
        case .resizing: "resizing"
        case .releasing: "releasing"
        case .idle: "stopped"
        }
    }
}
