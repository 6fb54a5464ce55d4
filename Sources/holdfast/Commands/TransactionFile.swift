import ArgumentParser
import Foundation
import MesosAPI
import Yams

/// The steps of a transaction as a person writes them; whatever it does not know is refused.
struct TransactionFile {
    let key: String?
    private let agent: String?
    private let role: String
    private let principal: String?
    private let steps: [Node]

    /// A file, or the standard input for '-'.
    static func read(_ file: String) throws -> TransactionFile {
        if file == "-" {
            let bytes = FileHandle.standardInput.readDataToEndOfFile()
            return try TransactionFile(String(decoding: bytes, as: UTF8.self))
        }
        let text: String
        do {
            text = try String(contentsOfFile: file, encoding: .utf8)
        } catch {
            throw CommandFailure("can't read \(file): \(error.localizedDescription)")
        }
        return try TransactionFile(text)
    }

    init(_ text: String) throws {
        let node: Node?
        do { node = try Yams.compose(yaml: text) } catch {
            throw CommandFailure("the file is neither YAML nor JSON: \(error)")
        }
        guard let top = node?.mapping else {
            throw CommandFailure("the file must map 'role' and 'steps' to their values")
        }
        try Self.check(top, "the file", ["agent", "role", "principal", "key", "steps"])
        guard let role = try Self.text(top, "role"), !role.isEmpty else {
            throw CommandFailure("the file needs a role")
        }
        guard let steps = top["steps"]?.sequence, !steps.isEmpty else {
            throw CommandFailure("the file needs a list of steps")
        }
        self.role = role
        self.steps = Array(steps)
        agent = try Self.text(top, "agent")
        principal = try Self.text(top, "principal")
        key = try Self.text(top, "key")
    }

    /// The call, with the volumes that are named looked up at the master.
    func message(_ client: APIClient) async throws -> Mesos_V1_Master_Call.Transact {
        var options: [String] = ["--role", role]
        if let agent { options += ["--agent", agent] }
        if let principal { options += ["--principal", principal] }
        options += ["--master", client.address]
        let resources = try ResourceOptions.parse(options)
        var message = Mesos_V1_Master_Call.Transact()
        message.agentID = try await resources.agentID(client)
        for (index, node) in steps.enumerated() {
            do {
                message.steps.append(try await step(node, resources, client))
            } catch let failure as CommandFailure {
                throw CommandFailure("step \(index + 1): \(failure.message)")
            }
        }
        return message
    }

    private func step(
        _ node: Node, _ options: ResourceOptions, _ client: APIClient
    ) async throws -> Mesos_V1_Offer.Operation {
        guard let mapping = node.mapping, mapping.count == 1, let (name, body) = mapping.first
        else { throw CommandFailure("write it like 'reserve: cpus:1'") }
        var step = Mesos_V1_Offer.Operation()
        switch name.string {
        case "reserve":
            step.type = .reserve
            step.reserve.resources = try options.resources(try Self.scalar(body))
        case "unreserve":
            step.type = .unreserve
            step.unreserve.resources = try options.resources(try Self.scalar(body))
        case "create":
            let (id, size, path) = try volume(body)
            step.type = .create
            step.create.volumes = [try newVolume(id, size: size, path: path, options)]
        case "destroy":
            step.type = .destroy
            step.destroy.volumes = [try await find(try Self.scalar(body), client).resource]
        case "grow":
            guard let mapping = body.mapping else {
                throw CommandFailure("write it like 'grow: {volume: ID, by: 1GiB}'")
            }
            try Self.check(mapping, "grow", ["volume", "by"])
            guard let id = try Self.text(mapping, "volume"), let by = try Self.text(mapping, "by")
            else { throw CommandFailure("grow needs volume and by") }
            let resource = try await find(id, client).resource
            step.type = .growVolume
            step.growVolume.volume = resource
            step.growVolume.addition = try disk(size: by)
            step.growVolume.addition.reservations = resource.reservations
        default:
            throw CommandFailure(
                "'\(name.string ?? "?")' is none of reserve, create, grow, destroy, unreserve")
        }
        return step
    }

    private func volume(_ node: Node) throws -> (id: String, size: String, path: String) {
        guard let mapping = node.mapping else {
            throw CommandFailure("write it like 'create: {id: data, size: 1GiB}'")
        }
        try Self.check(mapping, "create", ["id", "size", "path"])
        guard let id = try Self.text(mapping, "id"), let size = try Self.text(mapping, "size")
        else { throw CommandFailure("create needs id and size") }
        return (id, size, try Self.text(mapping, "path") ?? "data")
    }

    private func find(
        _ name: String, _ client: APIClient
    ) async throws -> Mesos_V1_Master_Response.ListVolumes.Volume {
        try await VolumeChoice.parse([name, "--master", client.address]).find(client)
    }

    private static func check(_ mapping: Node.Mapping, _ what: String, _ keys: [String]) throws {
        for (key, _) in mapping where !keys.contains(key.string ?? "") {
            throw CommandFailure(
                "\(what) has no key '\(key.string ?? "?")'; it may have: "
                    + keys.joined(separator: ", "))
        }
    }

    private static func text(_ mapping: Node.Mapping, _ key: String) throws -> String? {
        guard let node = mapping[key] else { return nil }
        return try scalar(node)
    }

    private static func scalar(_ node: Node) throws -> String {
        guard let scalar = node.scalar else { throw CommandFailure("one value is expected") }
        return scalar.string
    }
}
