import ArgumentParser
import Foundation
import MesosAPI

struct VolumesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "volumes",
        abstract: "List the persistent volumes, also those whose agent is away.")
    @OptionGroup var options: ClientOptions

    func run() async throws {
        let answer = try await withClient(options.master) { try await $0.ask(.listVolumes) }
        var table = Table([
            ("uuid", "UUID"), ("id", "ID"), ("role", "ROLE"), ("agent", "AGENT"),
            ("booked_bytes", "BOOKED"), ("usable_bytes", "USABLE"), ("used_bytes", "USED"),
            ("backend", "BACKEND"), ("enforcement", "LIMIT BY"), ("limits", "LIMITS"),
            ("state", "STATE"),
            ("agent_state", "AGENT IS"), ("task", "TASK"), ("last_used", "LAST USED"),
        ])
        for volume in answer.listVolumes.volumes {
            let resource = volume.resource
            table.add([
                .text(volume.uuid), .text(resource.disk.persistence.id),
                .text(resource.reservations.last?.role ?? resource.role),
                .text(volume.agentID.value), size(volume.bookedBytes, known: true),
                size(volume.usableBytes, known: volume.hasUsableBytes),
                size(volume.usedBytes, known: volume.hasUsedBytes),
                volume.hasBackend ? .text(volume.backend) : .missing,
                volume.hasEnforcement ? .text(volume.enforcement) : .missing,
                volume.hasLimits ? .text(limitsText(volume.limits)) : .missing,
                .text(volume.state), volume.hasAgentState ? .text(volume.agentState) : .missing,
                volume.hasLastTaskName ? .text(volume.lastTaskName) : .missing, use(of: volume),
            ])
        }
        table.print(asJSON: options.json)
    }

    private func use(of volume: Mesos_V1_Master_Response.ListVolumes.Volume) -> Table.Value {
        guard volume.hasUsedSince else { return .missing }
        guard volume.hasUsedUntil else { return .text("in use") }
        return .text(timeText(volume.usedUntil.nanoseconds))
    }

    private func size(_ bytes: Int64, known: Bool) -> Table.Value {
        guard known else { return .missing }
        return options.json ? .number(Double(bytes)) : .text(sizeText(bytes: Double(bytes)))
    }
}

/// What RESERVE, UNRESERVE and the volume commands share.
struct ResourceOptions: ParsableArguments {
    @OptionGroup var client: ClientOptions
    @Option(help: "The agent's id; may be left out when there is one agent only.")
    var agent: String?
    @Option(help: "The role that the resources are reserved for.")
    var role: String
    @Option(help: "The principal written into the reservation.")
    var principal: String?
    @Option(
        name: .customLong("label"), help: "KEY=VALUE, a label of the reservation; may be repeated.")
    var labels: [String] = []

    var reservation: Mesos_V1_Resource.ReservationInfo {
        var reservation = Mesos_V1_Resource.ReservationInfo()
        reservation.type = .dynamic
        reservation.role = role
        if let principal { reservation.principal = principal }
        if !labels.isEmpty {
            reservation.labels.labels = labels.map { text in
                var label = Mesos_V1_Label()
                let parts = text.split(separator: "=", maxSplits: 1)
                label.key = String(parts.first ?? "")
                if parts.count > 1 { label.value = String(parts[1]) }
                return label
            }
        }
        return reservation
    }

    func agentID(_ client: APIClient) async throws -> Mesos_V1_AgentID {
        var id = Mesos_V1_AgentID()
        if let agent {
            id.value = agent
            return id
        }
        let agents = try await client.ask(.getAgents).getAgents.agents
        guard agents.count == 1, let only = agents.first else {
            throw CommandFailure(
                "there are \(agents.count) agents: name one with --agent ('holdfast agents' "
                    + "lists them)")
        }
        return only.agentInfo.id
    }

    /// `cpus:2;mem:512` or `ports:[1-2]` as resources reserved for the role.
    func resources(_ text: String) throws -> [Mesos_V1_Resource] {
        let reserved = try parsedResources(text)
        if let other = try parsedRoles(text).first(where: { $0 != role }) {
            throw CommandFailure(
                "'\(text)' names role '\(other)', and --role is '\(role)': leave the role out of "
                    + "the resources, or name the same one")
        }
        return reserved.map { resource in
            var resource = resource
            resource.reservations.append(reservation)
            return resource
        }
    }
}

struct ReserveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reserve", abstract: "Reserve resources of an agent for a role.")
    @OptionGroup var options: ResourceOptions
    @Option(help: "For how long unless it is renewed, like 1h; until given back if left out.")
    var lease: DurationOption?
    @Argument(help: "What to reserve, like 'cpus:2;mem:512;disk:1024'.")
    var what: String

    func run() async throws {
        let resources = try options.resources(what)
        try await withClient(options.client.master) { client in
            let agent = try await options.agentID(client)
            let answer = try await client.tell(.reserveResources) {
                $0.reserveResources.agentID = agent
                $0.reserveResources.resources = resources
                if let lease {
                    $0.reserveResources.lease.nanoseconds = lease.milliseconds * 1_000_000
                }
            }
            report(answer, "reserved \(what) for \(options.role)", asJSON: options.client.json)
        }
    }
}

struct UnreserveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unreserve", abstract: "Give reserved resources of an agent back.")
    @OptionGroup var options: ResourceOptions
    @Argument(help: "What to give back, like 'cpus:2;mem:512'.")
    var what: String

    func run() async throws {
        let resources = try options.resources(what)
        try await withClient(options.client.master) { client in
            let agent = try await options.agentID(client)
            let answer = try await client.tell(.unreserveResources) {
                $0.unreserveResources.agentID = agent
                $0.unreserveResources.resources = resources
            }
            report(answer, "gave \(what) of \(options.role) back", asJSON: options.client.json)
        }
    }
}

/// Tells what was done, or that the agent has not confirmed it yet.
func report(_ answer: String, _ done: String, asJSON: Bool) {
    let isPending = !answer.isEmpty
    if asJSON {
        print(jsonText(["done": !isPending, "answer": answer]))
    } else {
        print(isPending ? "the agent has not confirmed it yet: \(answer)" : done)
    }
}

struct VolumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "volume",
        abstract: "Make, destroy, protect, resize, adopt, detach and watch persistent volumes.",
        subcommands: [
            VolumeCreate.self, VolumeDestroy.self, VolumeGrow.self, VolumeShrink.self,
            VolumeAdopt.self, VolumeDetach.self, VolumeUndelete.self, VolumeProtect.self,
            VolumeUnprotect.self, VolumeErase.self, VolumeForget.self,
            VolumeUsageCommand.self,
        ])
}

struct VolumeCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a volume out of disk that is reserved for the role.")
    @OptionGroup var options: ResourceOptions
    @Option(help: "Its size, like 1GiB or 512 (MiB).")
    var size: String
    @Option(help: "Where a task sees it, below its sandbox.")
    var path = "data"
    @Option(
        help: """
            What it may do and hold, like write_bytes=10MiB,inodes=1000; also read_bytes, reads \
            and writes; bytes and operations are of a second.
            """)
    var limits: String?
    @Argument(help: "The volume's id, unique for the role on the agent.")
    var id: String

    func run() async throws {
        var made = try newVolume(id, size: size, path: path, options)
        if let limits { made.disk.limits = try parsedLimits(limits) }
        try await withClient(options.client.master) { client in
            let agent = try await options.agentID(client)
            let answer = try await client.tell(.createVolumes) {
                $0.createVolumes.agentID = agent
                $0.createVolumes.volumes = [made]
            }
            report(answer, "made volume \(id)", asJSON: options.client.json)
        }
    }
}

/// A volume that is to be made.
func newVolume(
    _ id: String, size: String, path: String, _ options: ResourceOptions
) throws -> Mesos_V1_Resource {
    var volume = try disk(size: size)
    volume.reservations = [options.reservation]
    volume.disk.persistence.id = id
    if let principal = options.principal { volume.disk.persistence.principal = principal }
    volume.disk.volume.containerPath = path
    volume.disk.volume.mode = .rw
    return volume
}

/// A plain disk resource of a size in MiB.
func disk(size: String) throws -> Mesos_V1_Resource {
    var resource = Mesos_V1_Resource()
    resource.name = "disk"
    resource.type = .scalar
    resource.scalar.value = try megabytes(size)
    return resource
}

/// Which volume: by UUID or by id, as `holdfast volumes` lists them.
struct VolumeChoice: ParsableArguments {
    @OptionGroup var client: ClientOptions
    @Argument(help: "The volume's UUID, or its id when only one volume has it.")
    var volume: String

    func find(_ client: APIClient) async throws -> Mesos_V1_Master_Response.ListVolumes.Volume {
        let volumes = try await client.ask(.listVolumes).listVolumes.volumes
        let found = volumes.filter {
            $0.uuid == volume || $0.resource.disk.persistence.id == volume
        }
        guard let first = found.first else {
            throw CommandFailure("there is no volume '\(volume)': 'holdfast volumes' lists all")
        }
        guard found.count == 1 else {
            throw CommandFailure("\(found.count) volumes have the id '\(volume)': use the UUID")
        }
        return first
    }
}

struct VolumeDestroy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "destroy",
        abstract: "Destroy a volume; where its role's policy says so, it goes to the trash.")
    @OptionGroup var choice: VolumeChoice
    @Flag(help: "Erase it at once, past the trash and without overwriting.")
    var now = false

    func run() async throws {
        try await withClient(choice.client.master) { client in
            let volume = try await choice.find(client)
            let answer = try await client.tell(.destroyVolumes) {
                $0.destroyVolumes.agentID = volume.agentID
                $0.destroyVolumes.volumes = [volume.resource]
                if now { $0.destroyVolumes.immediately = true }
            }
            let left = try await client.ask(.listVolumes).listVolumes.volumes
                .first { $0.uuid == volume.uuid }
            let done =
                left?.state == "trash"
                ? "volume \(volume.uuid) is in the trash: 'holdfast volume undelete' takes it out"
                : "destroyed volume \(volume.uuid)"
            report(answer, done, asJSON: choice.client.json)
        }
    }
}

struct VolumeGrow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "grow", abstract: "Grow an idle volume by disk that is reserved like it.")
    @OptionGroup var choice: VolumeChoice
    @Option(help: "By how much, like 1GiB or 512 (MiB).")
    var by: String

    func run() async throws {
        let addition = try disk(size: by)
        try await withClient(choice.client.master) { client in
            let volume = try await choice.find(client)
            let answer = try await client.tell(.growVolume) {
                $0.growVolume.agentID = volume.agentID
                $0.growVolume.volume = volume.resource
                $0.growVolume.addition = addition
                $0.growVolume.addition.reservations = volume.resource.reservations
            }
            report(answer, "grew volume \(volume.uuid) by \(by)", asJSON: choice.client.json)
        }
    }
}

struct VolumeShrink: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shrink", abstract: "Shrink an idle volume; never below what it stores.")
    @OptionGroup var choice: VolumeChoice
    @Option(help: "By how much, like 1GiB or 512 (MiB).")
    var by: String

    func run() async throws {
        let amount = try megabytes(by)
        try await withClient(choice.client.master) { client in
            let volume = try await choice.find(client)
            let answer = try await client.tell(.shrinkVolume) {
                $0.shrinkVolume.agentID = volume.agentID
                $0.shrinkVolume.volume = volume.resource
                $0.shrinkVolume.subtract.value = amount
            }
            report(answer, "shrank volume \(volume.uuid) by \(by)", asJSON: choice.client.json)
        }
    }
}
