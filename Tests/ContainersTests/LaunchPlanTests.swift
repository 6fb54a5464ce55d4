import Containers
import Linux
import Testing

/// The isolators' plans and how they become one, without a kernel.
@Suite struct LaunchPlanTests {
    private func spec(_ volumes: [ContainerSpec.Volume] = []) -> ContainerSpec {
        ContainerSpec(
            id: "c", sandbox: "/work/s",
            user: UserIdentity(name: "u", uid: 7, gid: 7, groups: [], home: "/"),
            command: .shell("true"), volumes: volumes,
            limits: .init(cpus: 0.5, isCPUHard: true, memoryBytes: 1, processes: 3))
    }

    private func merged(_ volumes: [ContainerSpec.Volume]) throws -> LaunchPlan {
        let spec = spec(volumes)
        return try LaunchPlan.merged([
            NamespacesIsolator().prepare(spec),
            TemporaryIsolator(hostRoot: .readOnly).prepare(spec),
            RootIsolator(workDirectory: "/work", tree: "/tree", hostRoot: .readOnly)
                .prepare(spec),
            VolumesIsolator(hidden: ["/work"]).prepare(spec),
        ])
    }

    @Test func everyMountComesAfterThoseItLiesIn() throws {
        let plan = try merged([
            .init(hostPath: "/v/inner", containerPath: "a/b", isReadOnly: false),
            .init(hostPath: "/v/outer", containerPath: "a", isReadOnly: true),
        ])
        let places = plan.mounts.map(\.destination)
        for (index, place) in places.enumerated() {
            for later in places[(index + 1)...] {
                #expect(!place.hasPrefix(later + "/"), "\(place) is mounted before \(later)")
            }
        }
        #expect(places.suffix(4) == ["/work", "/work/s", "/work/s/a", "/work/s/a/b"])
        #expect(plan.mounts.last?.options.contains("rslave") == true)
        #expect(plan.root?.directory == "/tree" && plan.root?.isReadOnly == true)
    }

    @Test func aVolumeTakesThePlaceOfTheUsualMount() throws {
        let volume = ContainerSpec.Volume(
            hostPath: "/v/tmp", containerPath: "/tmp", isReadOnly: false)
        let plan = try merged([volume])
        #expect(plan.mounts.filter { $0.destination == "/tmp" }.map(\.source) == ["/v/tmp"])
        #expect(throws: ContainerError.self) { try merged([volume, volume]) }
        #expect(throws: ContainerError.self) {
            try LaunchPlan.merged([merged([]), merged([])])
        }
    }

    @Test(arguments: ["/", "", ".", "../x", "a/../x", "/work", "/work/s", "/sys", "/dev/shm/x"])
    func noVolumeCoversWhatIsNotItsOwn(_ path: String) {
        #expect(throws: ContainerError.self) {
            try merged([.init(hostPath: "/v", containerPath: path, isReadOnly: false)])
        }
    }

    @Test func limitsAreInTheKernelsUnits() {
        let limits = LimitsIsolator.limits(spec().limits, hasSwapLimit: true)
        #expect(limits.cpuShares == 512)
        #expect(limits.cpuQuotaMicroseconds == 50_000)
        #expect(limits.memoryBytes == LimitsIsolator.minimumMemoryBytes)
        #expect(limits.processes == 3)
        let least = LimitsIsolator.limits(.init(cpus: 0), hasSwapLimit: false)
        #expect(least.cpuShares == 2 && least.cpuQuotaMicroseconds == nil)
    }

    @Test func rootKeepsFewCapabilitiesAndOthersNone() {
        var spec = spec()
        #expect(PrivilegesIsolator().prepare(spec).capabilities.isEmpty)
        spec.user.uid = 0
        let plan = PrivilegesIsolator().prepare(spec)
        #expect(!plan.capabilities.contains("CAP_SYS_ADMIN"))
        #expect(plan.capabilities.contains("CAP_CHOWN"))
        #expect(plan.forbidsGainingPrivileges)
    }

    @Test(arguments: ["", ".hidden", "a/b", "a b", "ü", String(repeating: "x", count: 201)])
    func idsThatAreNoPlainNamesAreRefused(_ id: String) {
        var spec = spec()
        spec.id = id
        #expect(throws: ContainerError.self) { try spec.validate() }
    }

    @Test func malformedSpecsAreRefused() throws {
        try spec().validate()
        let faults: [(inout ContainerSpec) -> Void] = [
            { $0.sandbox = "relative" }, { $0.sandbox = "/a/../b" },
            { $0.command = .program("", []) }, { $0.command = .shell("a\0b") },
            { $0.environment = [.init("A=B", "x")] }, { $0.environment = [.init("", "x")] },
            { $0.limits.cpus = .nan }, { $0.limits.memoryBytes = 0 }, { $0.logBytes = 0 },
        ]
        for fault in faults {
            var spec = spec()
            fault(&spec)
            #expect(throws: ContainerError.self) { try spec.validate() }
        }
    }
}

/// Which mounts of the host a container's root is made of.
@Suite struct HostRootPlanTests {
    private let table = MountTable(
        text: """
            20 1 254:0 / / rw - ext4 /dev/vda rw
            21 20 0:21 / /proc rw - proc proc rw
            22 20 0:5 / /dev rw - devtmpfs dev rw
            23 22 0:6 / /dev/shm rw - tmpfs shm rw
            24 20 0:7 / /run rw - tmpfs run rw
            25 20 254:0 /srv/work /srv/work rw shared:1 - ext4 /dev/vda rw
            26 25 7:1 / /srv/work/volumes/a rw - ext4 /dev/loop1 rw
            27 25 0:40 / /srv/work/volumes/b rw - btrfs /dev/vdb rw
            28 20 254:0 /srv /mnt/srv rw - ext4 /dev/vda rw
            29 20 254:0 /srv/work/volumes /mnt/volumes rw - ext4 /dev/vda rw
            30 20 0:40 /sub /mnt/b rw - btrfs /dev/vdb rw
            31 20 8:1 / /data rw - xfs /dev/sda1 rw
            32 20 0:50 / /other/root rw - tmpfs holdfast-root rw
            33 32 254:0 / /other/root/1 ro - ext4 /dev/vda rw
            34 20 7:9 / /other/volume rw - ext4 /dev/loop9 rw
            35 20 254:1 / /usr rw - ext4 /dev/vdb rw
            38 20 0:41 / /other/btrfs rw - btrfs /dev/loop8 rw
            36 20 254:0 /second/work /second/work rw shared:2 - ext4 /dev/vda rw
            37 36 0:60 / /second/work/sandbox/data rw - tmpfs tmpfs rw
            """)

    @Test func nothingHiddenIsCopiedOrShownElsewhere() {
        let plan = HostRootPlan(table: table, hidden: ["/srv/work", "/data"])
        #expect(plan.copies == ["/", "/mnt/srv", "/run", "/usr"])
        #expect(plan.masks == ["/data", "/mnt/srv/work", "/srv/work"])
    }

    @Test func whatIsMountedBelowAHiddenPlaceChangesNothing() {
        let text = "40 25 7:2 / /srv/work/volumes/c rw - ext4 /dev/loop2 rw"
        let more = MountTable(
            text: table.entries.isEmpty ? "" : Self.text(table) + "\n" + text)
        #expect(more.entries.count == table.entries.count + 1)
        let hidden = ["/srv/work", "/data"]
        #expect(
            HostRootPlan(table: more, hidden: hidden)
                == HostRootPlan(table: table, hidden: hidden))
    }

    @Test func aWorkDirectoryOnADiskOfItsOwnHidesNeitherTheHostNorTheDisk() {
        let disk = MountTable(
            text: """
                20 1 254:0 / / rw - ext4 /dev/vda rw
                40 20 7:3 / /disk rw - ext4 /dev/loop3 rw
                41 40 7:3 /work /disk/work rw shared:3 - ext4 /dev/loop3 rw
                42 41 0:61 / /disk/work/runtime/root rw - tmpfs holdfast-root rw
                43 42 254:0 / /disk/work/runtime/root/1 ro - ext4 /dev/vda rw
                44 41 7:4 / /disk/work/volumes/a rw - ext4 /dev/loop4 rw
                45 20 7:5 / /other/volume rw - ext4 /dev/loop5 rw
                """)
        let plan = HostRootPlan(table: disk, hidden: ["/disk/work"])
        #expect(plan.copies == ["/", "/disk"])
        #expect(plan.masks == ["/disk/work"])
    }

    private static func text(_ table: MountTable) -> String {
        table.entries.map { entry in
            "\(entry.id) \(entry.parent) \(entry.device) \(entry.root) \(entry.mountPoint) rw"
                + " - \(entry.fileSystem) \(entry.source) rw"
        }.joined(separator: "\n")
    }
}
