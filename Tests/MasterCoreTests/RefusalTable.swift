import Model

@testable import MasterCore

/// One request that is refused, and how.
struct RefusalRow: Sendable, CustomStringConvertible {
    enum Caller: Sendable { case `operator`, framework }

    let kind: OfferOperation.Kind
    let text: String
    var status = Refusal.Kind.invalid
    var callers: [Caller] = [.operator, .framework]
    /// The operator's.
    var principal: String?

    var description: String { text }

    init(
        _ kind: OfferOperation.Kind, _ text: String, _ status: Refusal.Kind = .invalid,
        by callers: [Caller] = [.operator, .framework], principal: String? = nil
    ) {
        self.kind = kind
        self.text = text
        self.status = status
        self.callers = callers
        self.principal = principal
    }
}

private func reserve(_ resource: Resource) -> OfferOperation.Kind {
    .reserve([resource], source: [])
}

private func create(_ id: String, _ change: (inout Disk) -> Void = { _ in }) -> OfferOperation.Kind
{
    var volume = disk(10).volume(id)
    if var disk = volume.disk {
        change(&disk)
        volume.disk = disk
    }
    return .create([volume])
}

extension Resource {
    fileprivate func reserved(_ kind: Reservation.Kind, for role: String) -> Resource {
        with(reservations: reservations + [Reservation(kind, role: role)])
    }

    fileprivate func with(provider: String) -> Resource {
        var copy = self
        copy.providerID = provider
        return copy
    }

    fileprivate var revocable: Resource {
        var copy = self
        copy.isRevocable = true
        return copy
    }

    fileprivate func on(_ kind: DiskSource.Kind) -> Resource {
        with(
            disk: Disk(
                persistence: disk?.persistence, volume: disk?.volume,
                source: DiskSource(kind, root: "/mnt")))
    }
}

/// Every refusal of the rules of operations. What there is: disk reserved for `db`, a volume `v` of
/// 60, a shared one `s` of 20, and `u`, which a task holds.
enum RefusalTable {
    static let rows = resources + roles + disks + reservations + volumes + sizes

    private static let plain = Resource.scalar("disk", 10)
    private static let v = disk(60).volume("v")
    private static let s = disk(20).volume("s", isShared: true)
    private static let largest = Amount.largest
    private static let one = Amount(thousandths: 1000)

    private static let resources: [RefusalRow] = [
        RefusalRow(.reserve([], source: []), "no resources are given"),
        RefusalRow(.create([]), "no resources are given"),
        RefusalRow(reserve(disk(0)), "Invalid scalar resource: value <= 0"),
        RefusalRow(
            reserve(disk(1).with(amount: Amount(thousandths: largest.thousandths + 1))),
            "Invalid scalar resource: value too large"),
        RefusalRow(
            reserve(Resource.scalar("", 1).reserved(for: "db")), "a resource name must have"),
        RefusalRow(
            reserve(
                Resource("gpus", .scalar(Amount(thousandths: 500))).reserved(for: "db")),
            "The 'gpus' resource must be an unsigned integer"),
        RefusalRow(
            reserve(Resource("ports", .ranges(Ranges())).reserved(for: "db")),
            "Invalid ranges resource: no ranges"),
        RefusalRow(
            reserve(Resource("zones", .set([])).reserved(for: "db")),
            "Invalid set resource: no items"),
        RefusalRow(
            reserve(Resource("zones", .set(["a", "a"])).reserved(for: "db")),
            "Invalid set resource: duplicated elements"),
        RefusalRow(
            reserve(Resource("cpus", .set(["a"])).reserved(for: "db")),
            "'cpus' must be of type scalar"),
        RefusalRow(
            .reserve([disk(1), disk(1).with(provider: "p")], source: []),
            "The resources have multiple resource providers"),
        RefusalRow(
            reserve(disk(1).with(allocationRole: "db")),
            "'allocation_info' is for offered resources only", by: [.operator]),
        RefusalRow(
            reserve(disk(1).with(allocationRole: "web")), "is not allocated to role",
            by: [.framework]),
        RefusalRow(
            .launch([.test("t", on: AgentID("a"))]), "an operator cannot launch tasks",
            by: [.operator]),
        RefusalRow(.refused(Refusal(.invalid, "what nobody could read")), "nobody could read"),
        RefusalRow(reserve(disk(999_999)), "does not contain", .conflict),
        RefusalRow(.unreserve([disk(999_999)]), "does not contain", .conflict),
        RefusalRow(.create([disk(999_999).volume("w")]), "does not contain", .conflict),
    ]

    private static let roles: [RefusalRow] = [
        ("*", "role \"*\" cannot be reserved"), ("", "Empty role name is invalid"),
        (String(repeating: "r", count: 1025), "must not be longer than 1024 bytes"),
        ("db//x", "because it has an empty component"), ("db/..", "because it is reserved"),
        ("-db", "because it starts with a dash"),
        ("d b", "because it contains backspace or whitespace"),
    ].map { role, text in RefusalRow(reserve(disk(1, for: role)), text) }

    private static let disks: [RefusalRow] = [
        RefusalRow(
            reserve(disk(1).with(isShared: true)), "Only persistent volumes can be shared"),
        RefusalRow(
            .create([Resource.scalar("cpus", 1).reserved(for: "db").volume("c")]),
            "DiskInfo should not be set for"),
        RefusalRow(
            create("w") { $0 = Disk(volume: $0.volume) },
            "Invalid DiskInfo: Non-persistent volume not supported"),
        RefusalRow(
            create("w") { $0 = Disk(limits: VolumeLimits(inodes: 20)) },
            "Invalid DiskInfo: 'limits' are of persistent volumes only"),
        RefusalRow(
            .create([disk(10).volume("w").on(.block)]),
            "Persistent volumes need a root, PATH or MOUNT disk"),
        RefusalRow(
            .create([plain.volume("w")]),
            "Persistent volumes cannot be created from unreserved resources"),
        RefusalRow(
            .create([plain.reserved(.fixed, for: "db").volume("w").revocable]),
            "Persistent volumes cannot be created from revocable resources"),
        RefusalRow(
            create(""),
            "Invalid DiskInfo: Invalid persistence ID for persistent volume: ID must not be"),
        RefusalRow(create(String(repeating: "i", count: 256)), "longer than 255 bytes"),
        RefusalRow(create(".."), "'..' is disallowed"),
        RefusalRow(create("a/b"), "contains invalid characters"),
        RefusalRow(
            create("w") { $0 = Disk(persistence: $0.persistence) },
            "Expecting 'volume' to be set for persistent volume"),
        RefusalRow(
            create("w") { $0.volume?.hostPath = "/etc" },
            "Expecting 'host_path' to be unset for persistent volume"),
        RefusalRow(
            create("w") { $0.volume?.containerPath = "" },
            "'container_path' must have 1 to 4095 bytes"),
        RefusalRow(
            create("w") { $0.volume?.containerPath = "a/../../b" },
            "'container_path' must not contain '..'"),
    ]

    private static let reservations: [RefusalRow] = [
        RefusalRow(reserve(plain), "is not dynamically reserved"),
        RefusalRow(.unreserve([plain]), "is not dynamically reserved"),
        RefusalRow(
            .unreserve([plain.reserved(.fixed, for: "db")]), "is not dynamically reserved"),
        RefusalRow(.unreserve([v]), "cannot be unreserved directly"),
        RefusalRow(
            reserve(disk(1).reserved(.fixed, for: "db/x")),
            "a refined reservation must be DYNAMIC"),
        RefusalRow(reserve(disk(1).reserved(for: "web")), "is not a refinement of"),
        RefusalRow(
            reserve(disk(1).revocable), "Invalid ReservationInfo: Dynamically reserved resource"),
        RefusalRow(reserve(v), "cannot be reserved again", .conflict),
        RefusalRow(
            reserve(disk(1, for: "web")), "but the resource was allocated to role",
            by: [.framework]),
        RefusalRow(
            reserve(disk(1)), "there is a reserved resource in the request with no principal set",
            by: [.operator], principal: "ann"),
        RefusalRow(
            reserve(plain.reserved(for: "db", principal: "bob")),
            "which does not match a reserved resource in the request with principal",
            by: [.operator], principal: "ann"),
        source(
            [disk(1, for: "web")], [disk(1)], "'source' of RESERVE is for operators only",
            by: [.framework]),
        source([disk(1, for: "web")], [disk(1), plain], "The 'source' resources must all have"),
        source([disk(1), disk(1, for: "web")], [plain], "The resources must all have the same"),
        source([disk(60, for: "web").volume("v")], [v], "cannot be reserved again"),
        source([disk(1, for: "web")], [disk(2)], "must have the same quantities"),
        source([disk(1)], [disk(1)], "'source' and the resources have the same reservations"),
        source(
            [disk(1)], [Resource.scalar("disk", 1).reserved(.fixed, for: "web")],
            "A STATIC reservation can be neither made nor taken away"),
    ]

    private static func source(
        _ resources: [Resource], _ source: [Resource], _ text: String,
        by callers: [RefusalRow.Caller] = [.operator]
    ) -> RefusalRow {
        RefusalRow(.reserve(resources, source: source), text, by: callers)
    }

    private static let volumes: [RefusalRow] = [
        RefusalRow(.create([disk(1)]), "does not have DiskInfo"),
        RefusalRow(.destroy([disk(1)]), "does not have DiskInfo"),
        RefusalRow(
            .destroy([disk(1).on(.path)]), "'persistence' is not set in DiskInfo"),
        RefusalRow(
            create("w") { $0.volume?.mode = .readOnly },
            "Read-only persistent volume not supported"),
        RefusalRow(
            create("w"), "with no principal set in 'disk.persistence'", by: [.operator],
            principal: "ann"),
        RefusalRow(
            create("w") { $0.persistence?.principal = "bob" }, "in 'disk.persistence'",
            by: [.operator], principal: "ann"),
        RefusalRow(create("v"), "Persistence ID 'v' is not unique"),
        RefusalRow(
            .create([disk(1).volume("w"), disk(2).volume("w")]),
            "Persistence ID 'w' is not unique"),
        RefusalRow(.destroy([disk(1).volume("none")]), "Persistent volumes not found"),
        RefusalRow(
            .destroy([disk(30).volume("u")]), "Persistent volumes in use", by: [.operator]),
        RefusalRow(.destroy([v, v]), "Persistent volumes not found"),
    ]

    private static let sizes: [RefusalRow] = [
        RefusalRow(
            .grow(volume: v, addition: disk(0)),
            "The size of 'GrowVolume.addition' field must be greater"),
        RefusalRow(.grow(volume: disk(60), addition: disk(1)), "does not have DiskInfo"),
        RefusalRow(
            .grow(volume: s, addition: disk(1)), "Growing a shared persistent volume is not"),
        RefusalRow(
            .grow(volume: v.with(provider: "p"), addition: disk(1).with(provider: "p")),
            "Growing a volume from a resource provider"),
        RefusalRow(
            .grow(volume: v, addition: plain), "Incompatible resources in the 'GrowVolume.volume'"),
        RefusalRow(
            .grow(volume: v, addition: disk(1).with(amount: largest)),
            "The grown volume would be too large"),
        RefusalRow(
            .grow(volume: disk(60).volume("none"), addition: disk(1)), "does not contain",
            .conflict),
        RefusalRow(.shrink(volume: disk(60), subtract: one), "does not have DiskInfo"),
        RefusalRow(
            .shrink(volume: v, subtract: .zero), "'ShrinkVolume.subtract' must be greater than"),
        RefusalRow(
            .shrink(volume: v, subtract: v.amount),
            "'ShrinkVolume.subtract' must be smaller than the size"),
        RefusalRow(
            .shrink(volume: v.on(.mount), subtract: one),
            "Shrinking a volume on a MOUNT disk is not supported"),
        RefusalRow(
            .shrink(volume: s, subtract: one), "Shrinking a shared persistent volume is not"),
        RefusalRow(
            .shrink(volume: v.with(provider: "p"), subtract: one),
            "Shrinking a volume from a resource provider"),
        RefusalRow(
            .shrink(volume: disk(60).volume("none"), subtract: one), "does not contain",
            .conflict),
    ]
}
