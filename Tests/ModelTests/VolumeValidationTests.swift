import Model
import Testing

/// The stateless rules of CREATE, DESTROY, GROW and SHRINK with their texts.
@Suite struct VolumeValidationTests {
    typealias Kind = OfferOperation.Kind

    private func expect(
        _ kind: Kind, by caller: OperationCaller = .operator(principal: nil), _ text: String,
        at place: SourceLocation = #_sourceLocation
    ) {
        #expect(throws: Refusal(.invalid, text), sourceLocation: place) {
            try kind.validate(by: caller)
        }
    }

    private func accept(
        _ kind: Kind, by caller: OperationCaller = .operator(principal: nil),
        at place: SourceLocation = #_sourceLocation
    ) {
        #expect(throws: Never.self, sourceLocation: place) { try kind.validate(by: caller) }
    }

    private func expectDisk(
        _ resource: Resource, _ rule: String, at place: SourceLocation = #_sourceLocation
    ) {
        expect(
            .create([resource]),
            "Resource '\(resource.detailedText)' is invalid: \(rule)", at: place)
    }

    @Test func aVolumeIsReservedDisk() {
        accept(.create([volume("v")]))
        let fixed = volume("v").with(reservations: [Reservation(.fixed, role: "ora")])
        accept(.create([fixed]))
        expectDisk(
            volume("v").with(reservations: []),
            "Invalid DiskInfo: Persistent volumes cannot be created from unreserved resources")
        var cpus = volume("v")
        cpus.name = "cpus"
        expectDisk(cpus, "DiskInfo should not be set for cpus resource")
        var revocable = fixed
        revocable.isRevocable = true
        expectDisk(
            revocable,
            "Invalid DiskInfo: Persistent volumes cannot be created from revocable resources")
        expect(
            .create([reserved("disk", 64, "ora")]),
            "Not a persistent volume: Resource disk(reservations: [(DYNAMIC,ora)]):64 does not have"
                + " DiskInfo")
        let path = Disk(source: .init(.path, root: "/p"))
        expect(
            .create([reserved("disk", 64, "ora").with(disk: path)]),
            "Not a persistent volume: 'persistence' is not set in DiskInfo")
        expectDisk(
            volume("v", source: .init(.block)),
            "Invalid DiskInfo: Persistent volumes need a root, PATH or MOUNT disk")
        expectDisk(
            reserved("disk", 1, "a").with(disk: Disk(volume: .init(containerPath: "d"))),
            "Invalid DiskInfo: Non-persistent volume not supported")
        expectDisk(
            reserved("disk", 1, "a").with(isShared: true), "Only persistent volumes can be shared")
    }

    @Test func howItAppears() {
        func appearing(_ volume: Disk.Volume?) -> Resource {
            reserved("disk", 1, "a").with(disk: Disk(persistence: .init(id: "v"), volume: volume))
        }
        expectDisk(
            appearing(nil), "Invalid DiskInfo: Expecting 'volume' to be set for persistent volume")
        expectDisk(
            appearing(.init(containerPath: "d", hostPath: "/tmp")),
            "Invalid DiskInfo: Expecting 'host_path' to be unset for persistent volume")
        expect(
            .create([appearing(.init(containerPath: "d", mode: .readOnly))]),
            "Not a persistent volume: Read-only persistent volume not supported")
    }

    @Test(arguments: ["data", "/data", "a/b/c", "./data", "..data", "a b", "var/lib/postgresql"])
    func containerPaths(path: String) { accept(.create([volume("v", path: path)])) }

    @Test(arguments: [
        "..", "../x", "a/../b", "/..", "a\u{0}b", "a\nb", ".", "/.",
        String(repeating: "x", count: 256),
    ])
    func climbingContainerPaths(path: String) {
        expectDisk(
            volume("v", path: path),
            "Invalid DiskInfo: 'container_path' must not contain '..', control characters or names"
                + " of more than 255 bytes")
    }

    @Test(arguments: ["", "/", "//", String(repeating: "x/", count: 2048)])
    func emptyAndLongContainerPaths(path: String) {
        expectDisk(
            volume("v", path: path),
            "Invalid DiskInfo: 'container_path' must have 1 to 4095 bytes")
    }

    @Test(arguments: ["v", "a b", "...", "ä", String(repeating: "x", count: 255)])
    func persistenceIDs(id: String) { accept(.create([volume(id)])) }

    @Test(arguments: [
        ("", "ID must not be empty"), (".", "'.' is disallowed"), ("..", "'..' is disallowed"),
        ("a/b", "'a/b' contains invalid characters"),
        ("a\\b", "'a\\b' contains invalid characters"),
        ("a\u{0}", "'a\u{0}' contains invalid characters"),
        ("a\u{85}", "'a\u{85}' contains invalid characters"),
        (String(repeating: "x", count: 256), "ID must not be longer than 255 bytes"),
    ])
    func wrongPersistenceIDs(id: String, rule: String) {
        expectDisk(
            volume(id),
            "Invalid DiskInfo: Invalid persistence ID for persistent volume: \(rule)")
    }

    @Test func anIDIsUniqueWithinACallAndRole() {
        expect(.create([volume("dup"), volume("dup", 16)]), "Persistence ID 'dup' is not unique")
        accept(.create([volume("v", role: "a"), volume("v", role: "b"), volume("w", role: "a")]))
    }

    @Test func aVolumeBelongsToItsCaller() {
        let ops = OperationCaller.operator(principal: "ops")
        let prefix =
            "Create volume operation attempted by principal 'ops', but there is a volume in the"
            + " operation with"
        accept(.create([volume("v", principal: "ops")]), by: ops)
        expect(
            .create([volume("v")]), by: ops, prefix + " no principal set in 'disk.persistence'")
        expect(
            .create([volume("v", principal: "bob")]), by: ops,
            prefix + " principal 'bob' in 'disk.persistence'")
        accept(.create([volume("v", principal: "bob")]))
    }

    @Test func sharingNeedsTheCapability() {
        func framework(_ capabilities: FrameworkDescription.Capabilities) -> OperationCaller {
            .framework(
                roles: ["db"], allocationRole: "db", principal: nil, capabilities: capabilities)
        }
        let shared = volume("v").with(isShared: true)
        accept(.create([shared]), by: framework(.sharedResources))
        accept(.create([shared]))
        expect(
            .create([shared]), by: framework([]),
            "Create shared volume operation attempted by a framework without the SHARED_RESOURCES"
                + " capability")
    }

    @Test func destroyIsOfVolumes() {
        expect(
            .destroy([reserved("disk", 10, "ora")]),
            "Not a persistent volume: Resource disk(reservations: [(DYNAMIC,ora)]):10 does not have"
                + " DiskInfo")
        accept(.destroy([volume("v"), volume("w")]))
    }

    @Test func growNeedsDiskOfTheSameStuff() {
        let grown = volume("v", 320)
        let incompatible =
            "Incompatible resources in the 'GrowVolume.volume' and 'GrowVolume.addition' fields"
        accept(.grow(volume: grown, addition: reserved("disk", 64, "db")))
        expect(
            .grow(volume: grown, addition: reserved("disk", 0, "db")),
            "The size of 'GrowVolume.addition' field must be greater than zero")
        expect(.grow(volume: grown, addition: reserved("disk", 64)), incompatible)
        expect(.grow(volume: grown, addition: reserved("disk", 64, "orb")), incompatible)
        expect(.grow(volume: grown, addition: reserved("mem", 64, "db")), incompatible)
        expect(.grow(volume: grown, addition: volume("v", 64)), incompatible)
        let mount = DiskSource(.mount, root: "/m")
        expect(
            .grow(
                volume: volume("v", source: mount),
                addition: reserved("disk", 1, "db").with(disk: Disk(source: mount))), incompatible)
        let path = DiskSource(.path, root: "/p")
        accept(
            .grow(
                volume: volume("v", source: path),
                addition: reserved("disk", 1, "db").with(disk: Disk(source: path))))
        expect(
            .grow(volume: grown.with(isShared: true), addition: reserved("disk", 64, "db")),
            "Growing a shared persistent volume is not supported")
        expect(
            .grow(
                volume: grown.with(amount: .largest),
                addition: reserved("disk", 1, "db")), "The grown volume would be too large")
    }

    @Test func shrinkLeavesSomething() {
        func thousandths(_ amount: Int64) -> Amount { Amount(thousandths: amount) }
        let whole = volume("v", 256)
        accept(.shrink(volume: whole, subtract: thousandths(255_999)))
        for amount in [256_000, 999_000] as [Int64] {
            expect(
                .shrink(volume: whole, subtract: thousandths(amount)),
                "Value of 'ShrinkVolume.subtract' must be smaller than the size of"
                    + " 'ShrinkVolume.volume'")
        }
        for amount in [0, -5] as [Int64] {
            expect(
                .shrink(volume: whole, subtract: thousandths(amount)),
                "Value of 'ShrinkVolume.subtract' must be greater than zero")
        }
        expect(
            .shrink(
                volume: volume("v", source: .init(.mount, root: "/m")), subtract: thousandths(1)),
            "Shrinking a volume on a MOUNT disk is not supported")
        expect(
            .shrink(volume: whole.with(isShared: true), subtract: thousandths(1)),
            "Shrinking a shared persistent volume is not supported")
    }
}
