import ArgumentParser
import MesosAPI

struct VolumeUndelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "undelete", abstract: "Take a volume out of the trash, with all its data.")
    @OptionGroup var choice: VolumeChoice

    func run() async throws {
        try await choice.tell(.undeleteVolume, "took volume %@ out of the trash") {
            $0.undeleteVolume.uuid = $1
        }
    }
}

struct VolumeProtect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "protect",
        abstract: "Keep a volume from being destroyed, shrunk and collected.")
    @OptionGroup var choice: VolumeChoice

    func run() async throws {
        try await choice.tell(.protectVolume, "protected volume %@") {
            $0.protectVolume.uuid = $1
            $0.protectVolume.protect = true
        }
    }
}

struct VolumeUnprotect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unprotect",
        abstract: "Let a volume be destroyed again, also where its role's policy protects it.")
    @OptionGroup var choice: VolumeChoice

    func run() async throws {
        try await choice.tell(.protectVolume, "took the protection of volume %@ off") {
            $0.protectVolume.uuid = $1
            $0.protectVolume.protect = false
        }
    }
}

struct VolumeErase: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "erase", abstract: "Erase a volume that is in the trash now.")
    @OptionGroup var choice: VolumeChoice
    @Option(help: "delete, discard or overwrite; by default as the role's policy says.")
    var mode: EraseChoice?

    func run() async throws {
        try await choice.tell(.eraseVolume, "volume %@ is being erased") {
            $0.eraseVolume.uuid = $1
            if let mode { $0.eraseVolume.mode = mode.message }
        }
    }
}

extension VolumeChoice {
    /// One call about the volume; `%@` in `done` is its UUID.
    fileprivate func tell(
        _ type: Mesos_V1_Master_Call.TypeEnum, _ done: String,
        _ fill: (inout Mesos_V1_Master_Call, String) -> Void
    ) async throws {
        try await withClient(client.master) { master in
            let uuid = try await find(master).uuid
            let answer = try await master.tell(type) { fill(&$0, uuid) }
            report(answer, done.replacing("%@", with: uuid), asJSON: client.json)
        }
    }
}

/// How data is erased, as the command line has it.
enum EraseChoice: String, ExpressibleByArgument, CaseIterable {
    case delete, discard, overwrite

    var message: Mesos_V1_LifecyclePolicy.EraseMode {
        switch self {
        case .delete: .delete
        case .discard: .discard
        case .overwrite: .overwrite
        }
    }
}

struct PolicyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: "Say what becomes of a role's volumes that nobody wants any more.",
        subcommands: [PolicySet.self, PolicyList.self, PolicyRemove.self])
}

struct PolicySet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Set a role's policy, whole; it is for the roles below, too.",
        discussion: """
            What is not given is not there: without --orphaned-when nothing is ever collected, \
            without --trash what is destroyed is erased at once.
            """)
    @OptionGroup var options: ClientOptions
    @Argument(help: "The role.")
    var role: String
    @Option(help: "owner-gone: its frameworks are removed; or unused for so long, like 30days.")
    var orphanedWhen: OrphanChoice?
    @Option(help: "How long an orphan is kept before it goes to the trash; else for ever.")
    var retention: DurationOption?
    @Option(help: "How long what is in the trash can be undeleted.")
    var trash: DurationOption?
    @Flag(help: "Its volumes are protected.")
    var protect = false
    @Option(help: "delete, discard or overwrite.")
    var erase = EraseChoice.delete
    @Option(help: "The most that discarding and overwriting do to a disk, in MiB a second.")
    var eraseRate: UInt32?
    @OptionGroup var limits: LimitOptions

    func run() async throws {
        var policy = Mesos_V1_LifecyclePolicy()
        policy.role = role
        switch orphanedWhen {
        case nil: policy.orphanedWhen = .never
        case .ownerGone: policy.orphanedWhen = .ownerGone
        case .unused(let duration):
            policy.orphanedWhen = .unused
            policy.unused.nanoseconds = duration.nanoseconds
        }
        if let retention { policy.retention.nanoseconds = retention.nanoseconds }
        if let trash { policy.trash.nanoseconds = trash.nanoseconds }
        if protect { policy.protect = true }
        policy.erase = erase.message
        if let eraseRate { policy.eraseMibPerSecond = eraseRate }
        try limits.fill(&policy)
        let made = policy
        let answer = try await withClient(options.master) { client in
            try await client.tell(.setLifecyclePolicy) { $0.setLifecyclePolicy.policy = made }
        }
        report(answer, "set the policy of role \(role)", asJSON: options.json)
    }
}

/// `owner-gone`, or a duration for which nobody uses it.
enum OrphanChoice: ExpressibleByArgument {
    case ownerGone
    case unused(DurationOption)

    init?(argument: String) {
        if argument == "owner-gone" {
            self = .ownerGone
        } else if let duration = DurationOption(argument: argument) {
            self = .unused(duration)
        } else {
            return nil
        }
    }
}

extension DurationOption {
    /// Saturates: longer is refused by the master.
    fileprivate var nanoseconds: Int64 {
        let (result, overflow) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
        return overflow ? .max : result
    }
}

struct PolicyList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the roles' policies.")
    @OptionGroup var options: ClientOptions

    func run() async throws {
        let answer = try await withClient(options.master) {
            try await $0.ask(.listLifecyclePolicies)
        }
        var table = Table([
            ("role", "ROLE"), ("orphaned_when", "ORPHANED WHEN"), ("retention", "RETENTION"),
            ("trash", "TRASH"), ("protect", "PROTECT"), ("erase", "ERASE"),
            ("erase_mib_per_second", "MiB/S"),
            ("at_limit", "AT LIMIT"), ("alarms", "ALARMS"),
        ])
        for policy in answer.listLifecyclePolicies.policies {
            let orphaned =
                switch policy.orphanedWhen {
                case .never: "never"
                case .ownerGone: "owner gone"
                case .unused: "unused for \(spanText(policy.unused.nanoseconds))"
                }
            let mode =
                switch policy.erase {
                case .delete: "delete"
                case .discard: "discard"
                case .overwrite: "overwrite"
                }
            table.add([
                .text(policy.role), .text(orphaned),
                policy.hasRetention ? .text(spanText(policy.retention.nanoseconds)) : .missing,
                policy.hasTrash ? .text(spanText(policy.trash.nanoseconds)) : .missing,
                .flag(policy.protect), .text(mode),
                policy.hasEraseMibPerSecond
                    ? .number(Double(policy.eraseMibPerSecond)) : .missing,
                policy.limitText.map { .text($0) } ?? .missing,
                policy.alarmText.map { .text($0) } ?? .missing,
            ])
        }
        table.print(asJSON: options.json)
    }
}

struct PolicyRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Remove a role's policy; that of the next role above it counts then.")
    @OptionGroup var options: ClientOptions
    @Argument(help: "The role.")
    var role: String

    func run() async throws {
        let answer = try await withClient(options.master) { client in
            try await client.tell(.removeLifecyclePolicy) {
                $0.removeLifecyclePolicy.role = role
            }
        }
        report(answer, "removed the policy of role \(role)", asJSON: options.json)
    }
}

struct CollectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gc",
        abstract: "Do what the policies say is due now, or tell what would go, when and why.")
    @OptionGroup var options: ClientOptions
    @Flag(help: "Only tell.")
    var dryRun = false

    func run() async throws {
        let answer = try await withClient(options.master) { client in
            try await client.ask(.collectGarbage) { $0.collectGarbage.dryRun = dryRun }
        }
        var table = Table([
            ("uuid", "UUID"), ("id", "ID"), ("role", "ROLE"), ("agent", "AGENT"),
            ("booked_bytes", "BOOKED"), ("state", "STATE"), ("next", "NEXT"), ("due", "WHEN"),
            ("policy", "POLICY OF"), ("reason", "WHY"),
        ])
        for candidate in answer.collectGarbage.candidates {
            table.add([
                .text(candidate.uuid), .text(candidate.persistenceID), .text(candidate.role),
                .text(candidate.agentID.value),
                options.json
                    ? .number(Double(candidate.bookedBytes))
                    : .text(sizeText(bytes: Double(candidate.bookedBytes))),
                .text(candidate.state), candidate.hasStep ? .text(candidate.step) : .missing,
                candidate.hasStep && candidate.hasDue
                    ? .text(timeText(candidate.due.nanoseconds)) : .missing,
                candidate.hasPolicyRole ? .text(candidate.policyRole) : .missing,
                .text(candidate.reason),
            ])
        }
        table.print(asJSON: options.json)
    }
}
