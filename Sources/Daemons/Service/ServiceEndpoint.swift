import Foundation
import MachineCore
import Model
import Net
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

    func handle(_ request: HTTPRequest) async -> HTTPAnswer {
        guard request.method == "POST" else {
            return HTTPAnswer(ErrorForm.methodNotAllowed(request.method))
        }
        do throws(Refusal) {
            let parts = request.path.split(separator: "/").map(String.init)
            guard parts.first == "services", parts.count > 1 else {
                throw Refusal(.notFound, "no such path: \(request.path)")
            }
            if parts.count == 2, parts[1] == "list" { return await list() }
            if parts.count == 2, parts[1] == "deploy" {
                let spec = try ServiceFile.parse(String(decoding: request.body, as: UTF8.self))
                return try await ask(.deploy(spec), name: spec.name)
            }
            guard parts.count == 3 else { throw Refusal(.notFound, "no such path") }
            let name = parts[1]
            switch parts[2] {
            case "restart": return try await ask(.restart(name), name: name)
            case "remove":
                let destroys = request.query["destroy_volumes"] == "true"
                return try await ask(.remove(name, destroyVolumes: destroys), name: name)
            case "resize":
                return try await ask(try await resize(name, request.body), name: name)
            default: throw Refusal(.notFound, "a service can restart, resize and remove")
            }
        } catch {
            return HTTPAnswer(ErrorForm(error))
        }
    }

    private func resize(_ name: String, _ body: [UInt8]) async throws(Refusal) -> ServiceRequest {
        let object = try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]
        guard let size = (object?["size_mib"] as? NSNumber)?.doubleValue,
            let amount = Amount(size)
        else { throw Refusal(.invalid, "resize needs size_mib, an amount in MiB") }
        if let volume = object?["volume"] as? String {
            return .resize(name, volume: volume, size: amount)
        }
        let volumes = await host.read { machine, _ in
            machine.services[name]?.row.spec.volumes.map(\.name) ?? []
        }
        guard volumes.count == 1, let only = volumes.first else {
            throw Refusal(
                .invalid,
                "service '\(name)' has \(volumes.count) volumes: name one of them with --volume")
        }
        return .resize(name, volume: only, size: amount)
    }

    private func ask(_ request: ServiceRequest, name: String) async throws(Refusal) -> HTTPAnswer {
        let answer = await answers.ask { number in
            host.send(.requested(ServiceRequestID(number), request))
        }
        switch answer {
        case .accepted(let text): return json(["name": name, "message": text])
        case .resized(let milliseconds):
            return json(["name": name, "downtime_milliseconds": Int(milliseconds)])
        case .refused(let refusal): throw refusal
        }
    }

    private func list() async -> HTTPAnswer {
        let services = await host.read { machine, _ in
            machine.services.values.map { ServiceView($0) }
        }
        return json(["services": services.map(\.object)])
    }

    private func json(_ object: [String: Any]) -> HTTPAnswer {
        let data = try? JSONSerialization.data(withJSONObject: object, options: [.sortedKeys])
        return HTTPAnswer(
            status: 200, headers: [("Content-Type", "application/json")],
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
                ["name": volume.name, "path": volume.path, "size_mib": volume.size.value] as [String: Any]
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
