import sys; sys.path.insert(0,'/work/tmp')
from res import conf
conf('Sources/Containers/OCIConfig+Plan.swift', lambda o,t: o.replace('    private static func resources(_ limits: LaunchPlan.Limits?) -> Resources {\n','')+t)
conf('Sources/Daemons/Agent/AgentDaemon.swift','''            preference: settings.volumeBackend, thinPool: settings.thinPool,
            throttles: .current(containers: (launcher as? RuncLauncher)?.cgroupParent),
            logger: logger
''')
conf('Sources/Daemons/Agent/AgentVolumes.swift','''        thinPool: ThinPool? = nil, throttles: VolumeThrottles = .current(), logger: Logger,
        reported: @escaping @Sendable ([VolumeReport]) -> Void
    ) throws {
        self.throttles = throttles
        root = try VolumeStore(
            .root(workDirectory: workDirectory), preference: preference, thinPool: thinPool,
            throttles: throttles)
''','''                let own = try ThinPool(of: source)
                disks[place] = try VolumeStore(
                    .path(root: path), preference: own == nil ? preference : preference.inPool,
                    thinPool: own ?? thinPool, throttles: throttles)
''')
conf('Sources/Volumes/BackendSelector.swift','''        case .lvmThin(_, let formats):
            formats.filter { bytes >= $0.minimumBytes }.map(\\.thinBackend)
        case .directory: [.directory]
        case .mountDisk: [.mountDisk]
''')
conf('Sources/Volumes/VolumeBackend.swift','u'); conf('Sources/Volumes/VolumeRecord.swift','u','u')
conf('Sources/Volumes/VolumeStore+Adopt.swift', lambda o,t: t.split('        guard adoption.uuid == nil')[0]+o)
conf('Sources/Volumes/VolumeStore+Create.swift','''            var record = VolumeRecord(
                spec: spec, backend: kind, state: .creating, createdAt: CalendarTime.text())
            record.thinPool = selection.thinPool(of: kind)?.description
            let volume = StoredVolume(record: record, paths: paths)
''')
conf('Sources/Volumes/VolumeStore.swift','''        _ disk: VolumeDisk, preference: BackendPreference = .auto, thinPool: ThinPool? = nil,
        throttles: VolumeThrottles = .current()
''','''        try self.init(
            layout, BackendSelector.select(preference, layout, thinPool), throttles: throttles)
''','''            .loopExt4: LoopImageBackend(.ext4, templates: templates, throttles: throttles),
            .loopXFS: LoopImageBackend(.xfs, templates: templates, throttles: throttles),
            .lvmThinExt4: LVMThinBackend(.ext4), .lvmThinXFS: LVMThinBackend(.xfs),
''')
conf('Sources/MesosAPI/descriptors.pb.swift','o')
