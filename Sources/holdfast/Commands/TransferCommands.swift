import ArgumentParser
import MesosAPI

/// The address of a registered agent's API.
func address(of id: String, _ master: APIClient) async throws -> String {
    let agents = try await master.ask(.getAgents).getAgents.agents
    guard let agent = agents.first(where: { $0.agentInfo.id.value == id && $0.active }) else {
        throw CommandFailure("agent \(id) is not registered with the master now")
    }
    return agent.pid.split(separator: "@").last.map(String.init)
        ?? "\(agent.agentInfo.hostname):\(agent.agentInfo.port)"
}

struct VolumeDetach: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detach",
        abstract: "Take a volume out of the books and keep its data on the agent's disk.")
    @OptionGroup var choice: VolumeChoice
    @Option(help: "What the data is named among the detached ones; by default its id and UUID.")
    var name: String?

    func run() async throws {
        try await withClient(choice.client.master) { master in
            let volume = try await choice.find(master)
            let name = name ?? "\(volume.resource.disk.persistence.id)-\(volume.uuid)"
            let agent = try await address(of: volume.agentID.value, master)
            try await withClient(agent) { agent in
                let path = try await agent.askAgent(.keepVolume) {
                    $0.keepVolume.uuid = volume.uuid
                    $0.keepVolume.name = name
                    $0.keepVolume.requester = requesterName
                }.keepVolume.path
                let answer: String
                do {
                    answer = try await master.tell(.destroyVolumes) {
                        $0.destroyVolumes.agentID = volume.agentID
                        $0.destroyVolumes.volumes = [volume.resource]
                        $0.destroyVolumes.immediately = true
                    }
                } catch {
                    // It stays a volume; a later DESTROY means what it says.
                    _ = try? await agent.askAgent(.keepVolume) { $0.keepVolume.uuid = volume.uuid }
                    throw error
                }
                report(answer, "kept volume \(volume.uuid) at \(path)", asJSON: choice.client.json)
            }
        }
    }
}

struct VolumeAdopt: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adopt",
        abstract: "Make a directory of the agent's machine a volume, without copying.",
        discussion: """
            The directory is renamed to the volume's place: it has to be on the same file system \
            as the agent's volumes. The disk has to be reserved for the role, as for 'create'.
            """)
    @OptionGroup var options: ResourceOptions
    @Option(help: "The volume's size, like 1GiB or 512 (MiB).")
    var size: String
    @Option(help: "Where a task sees it, below its sandbox.")
    var path = "data"
    @Argument(help: "The directory: an absolute path on the agent's machine.")
    var directory: String
    @Argument(help: "The volume's id, unique for the role on the agent.")
    var id: String

    /// Without the slash that a shell's completion ends it with.
    private var plainDirectory: String {
        directory.count > 1 && directory.hasSuffix("/") ? String(directory.dropLast()) : directory
    }

    func run() async throws {
        var volume = try disk(size: size)
        volume.reservations = [options.reservation]
        volume.disk.persistence.id = id
        if let principal = options.principal { volume.disk.persistence.principal = principal }
        volume.disk.volume.containerPath = path
        volume.disk.volume.mode = .rw
        let made = volume
        let bytes = Int64(try megabytes(size) * 1_048_576)
        try await withClient(options.client.master) { master in
            let agentID = try await options.agentID(master)
            try await withClient(try await address(of: agentID.value, master)) { agent in
                let place = try await agent.askAgent(.adoptDirectory) {
                    $0.adoptDirectory.role = options.role
                    $0.adoptDirectory.persistenceID = id
                    $0.adoptDirectory.path = plainDirectory
                    $0.adoptDirectory.bytes = bytes
                    $0.adoptDirectory.requester = requesterName
                }.adoptDirectory.path
                let answer: String
                do {
                    answer = try await master.tell(.createVolumes) {
                        $0.createVolumes.agentID = agentID
                        $0.createVolumes.volumes = [made]
                    }
                } catch {
                    _ = try? await agent.askAgent(.adoptDirectory) {
                        $0.adoptDirectory.role = options.role
                        $0.adoptDirectory.persistenceID = id
                    }
                    throw error
                }
                report(
                    answer, "made \(directory) volume \(id), at \(place)",
                    asJSON: options.client.json)
            }
        }
    }
}
