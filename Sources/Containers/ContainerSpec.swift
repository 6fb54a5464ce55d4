package import Linux

/// What is asked of a launcher for one container; the isolators turn it into a plan.
package struct ContainerSpec: Equatable, Sendable {
    package enum Command: Equatable, Sendable {
        /// `/bin/sh -c TEXT`.
        case shell(String)
        /// A program with its whole argument vector.
        case program(String, [String])
    }

    /// An unpacked image as the container's root, in place of the host's files.
    package struct Image: Equatable, Sendable {
        /// Absolute; this container's own, mount points may be made in it.
        package var directory: String
        package var isReadOnly: Bool

        package init(directory: String, isReadOnly: Bool = false) {
            self.directory = directory
            self.isReadOnly = isReadOnly
        }
    }

    package struct Volume: Equatable, Sendable {
        package enum Source: Equatable, Sendable {
            /// A persistent volume, which the agent has mounted.
            case persistent
            /// What a task names of the host's files.
            case host
            /// A place below the sandbox, one component or more; made where it is missing.
            case sandbox([String])
        }

        /// Absolute: the volume's data on the host.
        package var hostPath: String
        /// Absolute, or below the sandbox; validated, never climbs out.
        package var containerPath: String
        package var isReadOnly: Bool
        package var source: Source
        /// Whether it is a file; launchers look for themselves.
        package var isFile = false
        /// What may be done on its own device: cgroup v1 asks each group for what it does itself.
        package var throttle: DeviceThrottle?

        package init(
            hostPath: String, containerPath: String, isReadOnly: Bool,
            source: Source = .persistent, throttle: DeviceThrottle? = nil
        ) {
            self.hostPath = hostPath
            self.containerPath = containerPath
            self.isReadOnly = isReadOnly
            self.throttle = throttle
            self.source = source
        }
    }

    package struct Limits: Equatable, Sendable {
        /// Cores; shares, and a hard quota when `isCPUHard`.
        package var cpus: Double
        package var isCPUHard: Bool
        package var memoryBytes: Int64?
        package var processes: Int?
        /// Size of the task's own /tmp, counted in its memory.
        package var temporaryBytes: Int64
        /// On the disk of the sandbox, by its share of that disk.
        package var diskRates: DeviceRates
        /// The same, as its ContainerInfo wants it: stays when its share changes.
        package var diskCeiling: DeviceRates

        package init(
            cpus: Double, isCPUHard: Bool = false, memoryBytes: Int64? = nil,
            processes: Int? = nil, temporaryBytes: Int64 = 64 << 20,
            diskRates: DeviceRates = DeviceRates(), diskCeiling: DeviceRates = DeviceRates()
        ) {
            self.cpus = cpus
            self.isCPUHard = isCPUHard
            self.memoryBytes = memoryBytes
            self.processes = processes
            self.temporaryBytes = temporaryBytes
            self.diskRates = diskRates
            self.diskCeiling = diskCeiling
        }
    }

    package struct Variable: Equatable, Sendable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Unique among all containers of the agent; letters, digits, `-`, `_` and `.` only.
    package var id: String
    /// Absolute; made and owned by the user before the launch.
    package var sandbox: String
    package var user: UserIdentity
    package var command: Command
    package var environment: [Variable]
    package var volumes: [Volume]
    package var limits: Limits
    /// stdout and stderr are each rotated at this size, keeping so many old files.
    package var logBytes: Int64
    package var logFiles: Int
    /// Nil: the host's files.
    package var image: Image?
    /// Inside the container; nil: the sandbox.
    package var workingDirectory: String?
    /// Whether set-id programs may raise the task's rights.
    package var mayGainPrivileges: Bool

    package init(
        id: String, sandbox: String, user: UserIdentity, command: Command,
        environment: [Variable] = [], volumes: [Volume] = [], limits: Limits,
        logBytes: Int64 = 10 << 20, logFiles: Int = 5, image: Image? = nil,
        workingDirectory: String? = nil, mayGainPrivileges: Bool = false
    ) {
        self.id = id
        self.sandbox = sandbox
        self.user = user
        self.command = command
        self.environment = environment
        self.volumes = volumes
        self.limits = limits
        self.logBytes = logBytes
        self.logFiles = logFiles
        self.image = image
        self.workingDirectory = workingDirectory
        self.mayGainPrivileges = mayGainPrivileges
    }
}

extension ContainerSpec {
    /// Where the task of an image finds its sandbox, as in Mesos.
    package static let imageSandbox = "/mnt/mesos/sandbox"

    /// The sandbox's path as the task sees it under runc (MESOS_SANDBOX): the host's own without an
    /// image. The plain launcher knows the host's only.
    package var sandboxInside: String { image == nil ? sandbox : Self.imageSandbox }
}

extension ContainerSpec.Command {
    /// The argument vector to execute.
    package var arguments: [String] {
        switch self {
        case .shell(let text): ["/bin/sh", "-c", text]
        case .program(let path, let arguments): arguments.isEmpty ? [path] : arguments
        }
    }

    /// The path to execute; it may differ from the first argument.
    package var program: String {
        switch self {
        case .shell: "/bin/sh"
        case .program(let path, _): path
        }
    }
}

/// Whom a container runs as.
package struct UserIdentity: Equatable, Sendable {
    package var name: String
    package var uid: UInt32
    package var gid: UInt32
    /// Supplementary groups.
    package var groups: [UInt32]
    package var home: String

    package init(name: String, uid: UInt32, gid: UInt32, groups: [UInt32], home: String) {
        self.name = name
        self.uid = uid
        self.gid = gid
        self.groups = groups
        self.home = home
    }
}
