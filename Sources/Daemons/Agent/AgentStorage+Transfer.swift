import Linux
import MesosAPI
import Model
import Volumes
import Wire

// Data that comes into a volume, or goes out of it, as it is: said to the agent before the CREATE
// or DESTROY that does it.

extension AgentStorage {
    func keep(_ call: Mesos_V1_Agent_Call.KeepVolume, _ finish: @escaping Finish) {
        run(finish) { [self] () throws(ErrorForm) in
            let uuid = VolumeUUID(call.uuid)
            guard let store = volumes.store(of: uuid) else {
                throw ErrorForm(status: 404, text: "No such volume: \(call.uuid)")
            }
            var response = Mesos_V1_Agent_Response()
            response.type = .keepVolume
            response.keepVolume = .init()
            let name = call.hasName ? call.name : nil
            let who = call.hasRequester ? call.requester : nil
            let path = try audited("keep-volume", call.uuid, who) { () throws(VolumeError) in
                try store.keepWhenDestroyed(uuid, as: name)
            }
            if let path { response.keepVolume.path = path }
            return response
        }
    }

    func adopt(_ call: Mesos_V1_Agent_Call.AdoptDirectory, _ finish: @escaping Finish) {
        run(finish) { [self] () throws(ErrorForm) in
            guard let store = volumes.store(named: call.disk) else {
                throw ErrorForm(status: 404, text: "No such disk: \(call.disk)")
            }
            if call.hasPath { try checkPlace(of: call.path, store) }
            var response = Mesos_V1_Agent_Response()
            response.type = .adoptDirectory
            response.adoptDirectory = .init()
            let (role, id) = (call.role, call.persistenceID)
            let who = call.hasRequester ? call.requester : nil
            try audited("adopt-directory", call.path, who) { () throws(VolumeError) in
                guard call.hasPath else {
                    try store.cancelAdoption(role: role, persistenceID: id)
                    return
                }
                try store.adoptWhenCreated(
                    Adoption(role: role, persistenceID: id, source: call.path),
                    bytes: call.bytes)
            }
            guard call.hasPath else { return response }
            let paths = try? store.layout.paths(
                uuid: VolumeUUID("0"), role: role, persistenceID: id)
            if let paths { response.adoptDirectory.path = paths.data }
            return response
        }
    }

    /// Whoever reaches this API may ask: only what the agent's options name, and what is the
    /// store's own, is taken from its place.
    private func checkPlace(of path: String, _ store: VolumeStore) throws(ErrorForm) {
        let places = adoptablePlaces + [store.layout.found, store.layout.detached]
        guard !places.contains(where: { MountTable.isBelowOrSame(path, $0) }) else { return }
        let named = adoptablePlaces.isEmpty ? "none" : adoptablePlaces.joined(separator: ", ")
        throw ErrorForm(
            status: 403,
            text: "\(path) may not be adopted: it has to be below a directory that the agent's "
                + "--adopt-from names (\(named))")
    }

    /// Does it with a line in the log; an error is the caller's.
    private func audited<Value: Sendable>(
        _ code: String, _ subject: String, _ requester: String?,
        _ body: () throws(VolumeError) -> Value
    ) throws(ErrorForm) -> Value {
        do {
            let value: Value
            do throws(VolumeError) {
                value = try body()
            } catch {
                try log.append(
                    code: code, subject: subject, result: "refused", message: "\(error)",
                    requester: requester)
                throw error
            }
            try log.append(
                code: code, subject: subject, result: "noted", message: "", requester: requester)
            return value
        } catch {
            throw ErrorForm(status: 409, text: "\(error)")
        }
    }
}
