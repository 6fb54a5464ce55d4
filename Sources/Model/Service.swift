/// A stateful service as its YAML file describes it: one pod that is to run on its volumes.
package struct ServiceSpec: Equatable, Sendable {
    package struct Variable: Equatable, Sendable {
        package var name: String
        package var value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    package struct Volume: Equatable, Sendable {
        /// Unique within the service.
        package var name: String
        /// Where the task sees it, relative to its sandbox.
        package var path: String
        /// In MiB.
        package var size: Amount
        package var limits: VolumeLimits?

        package init(name: String, path: String, size: Amount, limits: VolumeLimits? = nil) {
            self.name = name
            self.path = path
            self.size = size
            self.limits = limits
        }
    }

    package struct Port: Equatable, Sendable {
        /// The task finds the number in PORT_<NAME>.
        package var name: String
        /// Nil: any of the agent's.
        package var number: UInt64?

        package init(name: String, number: UInt64? = nil) {
            self.name = name
            self.number = number
        }
    }

    package struct Health: Equatable, Sendable {
        package enum Probe: Equatable, Sendable {
            case command(String)
            /// A port's name.
            case tcp(port: String)
            case http(port: String, path: String)
        }

        package var probe: Probe
        package var intervalMilliseconds: Int64
        package var timeoutMilliseconds: Int64
        package var graceMilliseconds: Int64
        package var failures: Int

        package init(
            probe: Probe, intervalMilliseconds: Int64 = 10_000, timeoutMilliseconds: Int64 = 20_000,
            graceMilliseconds: Int64 = 10_000, failures: Int = 3
        ) {
            self.probe = probe
            self.intervalMilliseconds = intervalMilliseconds
            self.timeoutMilliseconds = timeoutMilliseconds
            self.graceMilliseconds = graceMilliseconds
            self.failures = failures
        }
    }

    package var name: String
    package var role: String
    /// Run by the shell; or an image's own when empty and `image` is set.
    package var command: String
    package var image: String?
    package var user: String?
    package var environment: [Variable]
    package var cpus: Amount
    /// In MiB.
    package var memory: Amount
    package var volumes: [Volume]
    package var ports: [Port]
    package var health: Health?
    package var killGraceMilliseconds: Int64

    package init(
        name: String, role: String = "services", command: String, image: String? = nil,
        user: String? = nil, environment: [Variable] = [], cpus: Amount, memory: Amount,
        volumes: [Volume] = [], ports: [Port] = [], health: Health? = nil,
        killGraceMilliseconds: Int64 = 30_000
    ) {
        self.name = name
        self.role = role
        self.command = command
        self.image = image
        self.user = user
        self.environment = environment
        self.cpus = cpus
        self.memory = memory
        self.volumes = volumes
        self.ports = ports
        self.health = health
        self.killGraceMilliseconds = killGraceMilliseconds
    }
}

/// A service in the scheduler's registry.
package struct ServiceRow: Equatable, Sendable {
    /// What is wanted of it.
    package enum Goal: String, Hashable, Sendable, CaseIterable {
        case running
        /// Its task is to end, its reservations go, its volumes stay.
        case stopped
        /// Its volumes are destroyed, too.
        case removed
    }

    package var spec: ServiceSpec
    package var goal: Goal
    /// Where it was placed; nil: nowhere yet.
    package var placement: ServicePlacement?
    /// How many tasks it has had.
    package var launches: Int

    package init(
        spec: ServiceSpec, goal: Goal = .running, placement: ServicePlacement? = nil,
        launches: Int = 0
    ) {
        self.spec = spec
        self.goal = goal
        self.placement = placement
        self.launches = launches
    }
}

/// What a service holds on an agent, as it was asked for.
package struct ServicePlacement: Equatable, Sendable {
    package var agent: AgentID
    package var hostname: String
    /// What the task uses: reserved, volumes and all; without allocation.
    package var resources: [Resource]
    /// The task that runs, or last ran.
    package var task: TaskID?
    /// Whether a task has run on it: from then on its volumes hold data and are never made anew.
    package var isEstablished: Bool

    package init(
        agent: AgentID, hostname: String, resources: [Resource], task: TaskID? = nil,
        isEstablished: Bool = false
    ) {
        self.agent = agent
        self.hostname = hostname
        self.resources = resources
        self.task = task
        self.isEstablished = isEstablished
    }
}
