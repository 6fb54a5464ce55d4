package import Linux

/// How a container ended.
package struct ContainerExit: Equatable, Sendable {
    /// As `wait` returns it; nil: its supervisor was killed, the status is not known.
    package var waitStatus: Int32?
    package var isOutOfMemory: Bool

    package init(waitStatus: Int32?, isOutOfMemory: Bool = false) {
        self.waitStatus = waitStatus
        self.isOutOfMemory = isOutOfMemory
    }
}

/// A container that a launcher finds after a restart of the agent.
package struct FoundContainer: Equatable, Sendable {
    package var id: String
    /// Nil: it runs.
    package var exit: ContainerExit?

    package init(id: String, exit: ContainerExit?) {
        self.id = id
        self.exit = exit
    }
}

/// Whom a container runs as, in numbers.
package struct ContainerOwner: Equatable, Sendable {
    package var uid: UInt32
    package var gid: UInt32
    /// Supplementary ones.
    package var groups: [UInt32]
    /// The container's sandbox, on the host.
    package var sandbox: String
}

/// What a container uses.
package struct ContainerUsage: Equatable, Sendable {
    package var processes: Int
    package var cpuNanoseconds: Int64
    package var memoryBytes: Int64
    /// By device; nil: it is not counted.
    package var disks: [ContainerTraffic]?
    package var diskPressure: DiskPressure?

    package init(
        processes: Int, cpuNanoseconds: Int64, memoryBytes: Int64,
        disks: [ContainerTraffic]? = nil, diskPressure: DiskPressure? = nil
    ) {
        self.processes = processes
        self.cpuNanoseconds = cpuNanoseconds
        self.memoryBytes = memoryBytes
        self.disks = disks
        self.diskPressure = diskPressure
    }
}

/// What a container has done on one device.
package struct ContainerTraffic: Equatable, Sendable {
    package let device: DeviceNumber
    package let traffic: BlockTraffic

    package init(_ device: DeviceNumber, _ traffic: BlockTraffic) {
        self.device = device
        self.traffic = traffic
    }
}

/// A container could not be started, or something asked of it could not be done; for people.
package struct ContainerError: Error, Equatable, Sendable, CustomStringConvertible {
    package let text: String
    package var description: String { text }

    package init(_ text: String) { self.text = text }
}

/// Starts containers, each under a supervisor that outlives the agent. All calls may block for a
/// while and come from the agent's own threads, several at a time.
package protocol Launcher: Sendable {
    /// `runc` or `plain`.
    var name: String { get }
    /// What it cannot enforce, a sentence each; empty: nothing.
    var shortcomings: [String] { get }
    /// Whether a container's root can be an image.
    var runsImages: Bool { get }

    /// Returns when the container's first process runs.
    func launch(_ spec: ContainerSpec) throws(ContainerError)
    /// Calls `ended` once, from any thread, when the container has ended and its status is stored;
    /// also for one of a former life of the agent, and at once for one that has ended.
    func watch(_ id: String, _ ended: @escaping @Sendable (ContainerExit) -> Void)
    /// Signals the container's first process (its process group, for the plain launcher).
    func signal(_ id: String, _ signal: Int32)
    /// Kills every process of the container.
    func kill(_ id: String)
    /// Runs a command inside the container as its user; returns the wait status, nil on time-out.
    func execute(
        _ id: String, _ command: ContainerSpec.Command, environment: [ContainerSpec.Variable],
        timeoutMilliseconds: Int64
    ) throws(ContainerError) -> Int32?
    /// What is there after a restart of the agent.
    func recover() throws(ContainerError) -> [FoundContainer]
    /// Forgets an ended container: its cgroups, its supervisor's files; not its sandbox.
    func remove(_ id: String)
    /// The first process, as the host numbers it; nil: not running.
    func pid(_ id: String) -> Int32?
    func usage(_ id: String) -> ContainerUsage?
    /// Whom a container runs as; nil: not known.
    func owner(_ id: String) -> ContainerOwner?
    /// Gives a running container these limits, and in its sandbox exactly these volumes beside
    /// those that it was launched with: what an earlier call gave and is not wanted any more goes,
    /// at once for new openers. Idempotent; after an error any part may be done. Calls about one
    /// container, `remove` among them, must not overlap.
    func update(
        _ id: String, limits: ContainerSpec.Limits, volumes: [ContainerSpec.Volume]
    ) throws(ContainerError)
}

extension Launcher {
    package var runsImages: Bool { false }
}
