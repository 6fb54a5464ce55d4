package import Linux

/// What one isolator wants of the launch, or, merged, everything that the launcher is to do.
package struct LaunchPlan: Equatable, Sendable {
    /// One mount in the container's own namespace.
    package struct Mount: Equatable, Sendable {
        /// Absolute, in the container.
        package var destination: String
        package var type: String
        package var source: String
        package var options: [String]

        package init(_ destination: String, type: String, source: String, _ options: [String]) {
            self.destination = destination
            self.type = type
            self.source = source
            self.options = options
        }

        /// Shows a directory or file of the host.
        package static func bind(
            _ source: String, at destination: String, _ options: [String]
        ) -> Mount {
            Mount(destination, type: "bind", source: source, options)
        }
    }

    /// A symbolic link in the sandbox, for launchers that cannot mount.
    package struct Link: Codable, Equatable, Sendable {
        /// Below the sandbox.
        package var path: [String]
        package var target: String
    }

    package struct Root: Equatable, Sendable {
        package var directory: String
        package var isReadOnly: Bool
    }

    package struct Limits: Equatable, Sendable {
        /// cgroup v1's scale: 1024 for a core.
        package var cpuShares: UInt64
        package var cpuQuotaMicroseconds: Int64?
        package var memoryBytes: Int64?
        package var hasSwapLimit: Bool
        package var processes: Int?
    }

    package var namespaces: [String] = []
    /// Sorted so that each comes after those it lies in.
    package var mounts: [Mount] = []
    package var links: [Link] = []
    package var root: Root?
    package var limits: Limits?
    package var throttles: [DeviceThrottle] = []
    package var cgroupPath: String?
    package var capabilities: [String] = []
    package var forbidsGainingPrivileges = false
    package var maskedPaths: [String] = []
    package var readOnlyPaths: [String] = []
    /// Requests of ioctl(2) that fail with EPERM.
    package var deniedRequests: [UInt64] = []

    package init() {}

    /// One plan of all. Of mounts at one place the later isolator's counts: a volume at /tmp takes
    /// the place of the usual one. Two of one isolator at one place are refused, and two roots.
    package static func merged(_ plans: [LaunchPlan]) throws(ContainerError) -> LaunchPlan {
        var result = LaunchPlan()
        for plan in plans {
            result.namespaces += plan.namespaces.filter { !result.namespaces.contains($0) }
            result.mounts = try merged(result.mounts, plan.mounts)
            result.links += plan.links
            result.root = try single(result.root, plan.root, "root")
            result.limits = try single(result.limits, plan.limits, "set of limits")
            result.throttles += plan.throttles
            result.cgroupPath = try single(result.cgroupPath, plan.cgroupPath, "cgroup")
            result.capabilities += plan.capabilities
            result.forbidsGainingPrivileges =
                result.forbidsGainingPrivileges || plan.forbidsGainingPrivileges
            result.maskedPaths += plan.maskedPaths
            result.readOnlyPaths += plan.readOnlyPaths
            result.deniedRequests += plan.deniedRequests
        }
        return result
    }

    private static func single<Value>(
        _ first: Value?, _ second: Value?, _ subject: String
    ) throws(ContainerError) -> Value? {
        guard first == nil || second == nil else {
            throw ContainerError("two isolators plan a \(subject)")
        }
        return first ?? second
    }

    private static func merged(
        _ earlier: [Mount], _ later: [Mount]
    ) throws(ContainerError) -> [Mount] {
        var taken: Set<String> = []
        for mount in later where !taken.insert(mount.destination).inserted {
            throw ContainerError("two volumes have the container path \(mount.destination)")
        }
        let all = earlier.filter { !taken.contains($0.destination) } + later
        return all.sorted { left, right in
            left.destination.split(separator: "/")
                .lexicographicallyPrecedes(right.destination.split(separator: "/"))
        }
    }
}

/// One concern of a container's isolation: a pure function from what is asked for to its plan.
package protocol Isolator: Sendable {
    func prepare(_ spec: ContainerSpec) throws(ContainerError) -> LaunchPlan
}
