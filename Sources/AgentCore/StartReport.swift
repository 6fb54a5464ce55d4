package import Model

/// What the shell found before the agent's first event: its journal, its containers, its volumes.
package struct StartReport: Equatable, Sendable {
    package struct FoundContainer: Equatable, Sendable {
        package enum State: Equatable, Sendable {
            /// With a serialized TaskStatus that holds its `container_status`.
            case running(status: Payload)
            case ended(ContainerEnd)
        }

        package var container: ContainerID
        package var state: State

        package init(_ container: ContainerID, _ state: State) {
            self.container = container
            self.state = state
        }
    }

    package struct FoundVolume: Equatable, Sendable {
        package var uuid: VolumeUUID
        /// Nil: checked, and mounted where its backend mounts.
        package var problem: String?

        package init(_ uuid: VolumeUUID, problem: String? = nil) {
            self.uuid = uuid
            self.problem = problem
        }
    }

    /// Of this boot of the machine.
    package var bootID: String
    /// How long the machine has been up, in nanoseconds of its monotonic clock.
    package var uptimeNanoseconds: UInt64
    /// From `--resources`, without anything dynamic.
    package var resources: Resources
    /// The whole journal, in order.
    package var records: [AgentRecord]
    /// All that the launcher knows; a container of the journal that is not here is gone.
    package var containers: [FoundContainer]
    /// All that lie on the disks; a volume of the journal that is not here is missing.
    package var volumes: [FoundVolume]

    package init(
        bootID: String, uptimeNanoseconds: UInt64 = 0, resources: Resources,
        records: [AgentRecord] = [], containers: [FoundContainer] = [], volumes: [FoundVolume] = []
    ) {
        self.bootID = bootID
        self.uptimeNanoseconds = uptimeNanoseconds
        self.resources = resources
        self.records = records
        self.containers = containers
        self.volumes = volumes
    }
}
