import AgentCore
import Containers
import Linux
import MesosAPI
import Model
import Volumes
import Wire

/// What a framework has asked for in a container, out of its TaskInfo or ExecutorInfo.
struct ContainerWish: Sendable {
    /// An image, as it is named, and whether one that is there already will do.
    struct Image: Equatable, Sendable {
        var name: String
        var isCached: Bool
    }

    let launch: ContainerLaunch
    let command: Mesos_V1_CommandInfo
    let user: UserIdentity
    /// Nil: the host's files.
    let image: Image?
    /// What it may do on the disk of its sandbox, as its ContainerInfo has it.
    let diskCeiling: DeviceRates
    /// Besides persistent ones.
    let volumes: [VolumeWish]

    /// Looks the user up; refuses what this agent can't do.
    init(_ launch: ContainerLaunch, switchesUser: Bool) throws(ContainerError) {
        self.launch = launch
        let container: Mesos_V1_ContainerInfo
        switch launch.kind {
        case .command:
            let info: Mesos_V1_TaskInfo = launch.task.payload.message()
            command = info.command
            container = info.container
        case .executor:
            let info: Mesos_V1_ExecutorInfo = launch.executor.payload.message()
            command = info.command
            container = info.container
        }
        image = try Self.image(container)
        diskCeiling = try Self.diskCeiling(container)
        volumes = try VolumeWish.wishes(container)
        let name = command.hasUser ? command.user : launch.user
        user = try switchesUser ? UserIdentity.lookup(name) : UserIdentity.current()
    }

    private static func diskCeiling(
        _ info: Mesos_V1_ContainerInfo
    ) throws(ContainerError) -> DeviceRates {
        let limits = VolumeLimits(info.diskLimits)
        guard limits.inodes == nil else {
            throw ContainerError("ContainerInfo.disk_limits has no inodes: a volume's limits do")
        }
        do throws(Refusal) { try limits.rates.validate() } catch {
            throw ContainerError("ContainerInfo.disk_limits: \(error.message)")
        }
        return DeviceRates(limits.rates)
    }

    /// The image of a container of type MESOS; one of type DOCKER is taken as that where it names
    /// nothing but its image.
    static func image(_ info: Mesos_V1_ContainerInfo) throws(ContainerError) -> Image? {
        // A type that is not set reads as DOCKER.
        if info.hasType && info.type == .docker || info.hasDocker {
            guard info.hasDocker, !info.docker.image.isEmpty else {
                throw ContainerError("a container of type DOCKER needs docker.image")
            }
            let other = unsupported(info.docker)
            guard other.isEmpty else {
                throw ContainerError(
                    "this agent has no Docker daemon; it runs the image of a container of type "
                        + "DOCKER by itself, but not with \(other.joined(separator: ", "))")
            }
            return Image(name: info.docker.image, isCached: !info.docker.forcePullImage)
        }
        return info.mesos.hasImage ? try Self.image(info.mesos.image) : nil
    }

    private static func image(_ image: Mesos_V1_Image) throws(ContainerError) -> Image {
        guard image.type == .docker else {
            throw ContainerError("images of type APPC are not supported: use type DOCKER")
        }
        guard !image.docker.hasConfig, !image.docker.hasCredential else {
            throw ContainerError(
                "an image's credentials can't come with a task: log this agent's host in to the "
                    + "registry instead")
        }
        return Image(name: image.docker.name, isCached: image.cached)
    }

    private static func unsupported(_ docker: Mesos_V1_ContainerInfo.DockerInfo) -> [String] {
        var names: [String] = []
        if docker.hasNetwork, docker.network != .host { names.append("a network besides HOST") }
        if !docker.portMappings.isEmpty { names.append("port_mappings") }
        if docker.privileged { names.append("privileged") }
        if !docker.parameters.isEmpty { names.append("parameters") }
        if docker.hasVolumeDriver { names.append("volume_driver") }
        return names
    }

    /// What to execute: the command, or what its image makes of it.
    func execution(
        _ image: ImageConfiguration?
    ) throws(ContainerError) -> ContainerSpec.Command {
        guard let image else { return Self.execution(command) }
        return try image.execution(
            shell: command.shell, value: command.hasValue ? command.value : nil,
            arguments: command.arguments)
    }

    static func execution(_ command: Mesos_V1_CommandInfo) -> ContainerSpec.Command {
        guard command.shell else { return .program(command.value, command.arguments) }
        return .shell(command.value)
    }
}
