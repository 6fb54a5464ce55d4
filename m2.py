import sys; sys.path.insert(0,'/work/tmp')
from res import conf
conf('Sources/Containers/ContainerSpec.swift','''        package var source: Source
        /// Whether it is a file; launchers look for themselves.
        package var isFile = false
        /// What may be done on its own device: cgroup v1 asks each group for what it does itself.
        package var throttle: DeviceThrottle?

        package init(
            hostPath: String, containerPath: String, isReadOnly: Bool,
            source: Source = .persistent, throttle: DeviceThrottle? = nil
''','u')
conf('Sources/Daemons/Agent/AgentContainers.swift', lambda o,t: o)
conf('Sources/Daemons/Agent/AgentDaemon.swift','''            preference: settings.volumeBackend, thinPool: settings.thinPool,
            throttles: .current(containers: (launcher as? RuncLauncher)?.cgroupParent),
            groups: settings.volumeGroups, logger: logger
''')
conf('Sources/Daemons/Agent/AgentVolumes.swift','''        thinPool: ThinPool? = nil, throttles: VolumeThrottles = .current(),
        groups: VolumeGroups? = nil, logger: Logger,
        reported: @escaping @Sendable ([VolumeReport]) -> Void
    ) throws {
        self.throttles = throttles
        self.groups = Mutex(groups)
        root = try VolumeStore(
            .root(workDirectory: workDirectory), preference: preference, thinPool: thinPool,
            throttles: throttles)
''')
conf('Sources/Daemons/Agent/ContainerWish.swift','u','u')
conf('docs/architecture.md','''`/metrics` ([monitoring.md](monitoring.md)), and the collection of sandboxes ([sandboxes.md](sandboxes.md)). There are limits of
bandwidth, operations and inodes, bandwidth as a resource, and `disks top` ([limits.md](limits.md), which says what is not exact).
Not yet: equal parts of a disk's bandwidth; a fault of a file system on a loop image is not told of its
''')
