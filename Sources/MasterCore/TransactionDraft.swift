import AllocatorCore
import MachineCore
import Model
import OrderedCollections

/// Steps that were checked one after another, each against what those before it leave, and that are
/// one change of an agent's books.
struct TransactionDraft {
    /// A task of a LAUNCH step, with what it needs of the pool.
    struct Launch {
        let task: TaskDescription
        let needs: LaunchNeeds
    }

    let agent: AgentID
    let caller: OperationCaller
    var framework: FrameworkID?
    var principal: String?
    /// The agent's books after the steps, without allocation.
    var total: Resources
    /// A framework's offers after the steps.
    var pool: AcceptedPool?
    var steps: [TransactionStep] = []
    /// All steps as one.
    var conversion = ResourceConversion.nothing
    var changes: [VolumeChange] = []
    var launches: [Launch] = []
    var tasks: Set<TaskID> = []
    /// New executors of the launches.
    var executors: [ExecutorKey: ExecutorDescription] = [:]
    var destroyed: [Resource] = []
    /// Of an operator: growth of volumes that tasks hold, and everything else.
    var growths: [HeldGrowth] = []
    var free = ResourceConversion.nothing
    /// Volumes that a step creates, destroys or grows.
    private var named: Set<VolumeName> = []

    init(agent: AgentID, caller: OperationCaller, total: Resources) {
        self.agent = agent
        self.caller = caller
        self.total = total
    }

    /// What an operator's must find unheld before it can be booked.
    var unheld: ResourceConversion {
        growths.reduce(free) { $0.followed(by: $1.rest) }
    }

    /// What is made, then grown, then given up: in this order all of it can be taken back.
    var orderedChanges: [VolumeChange] {
        var groups: [[VolumeChange]] = [[], [], []]
        for change in changes {
            switch change {
            case .create: groups[0].append(change)
            case .resize: groups[1].append(change)
            case .destroy: groups[2].append(change)
            }
        }
        return groups.flatMap(\.self)
    }

    /// Throws `invalid` for a volume that two steps are about.
    mutating func name(volumesOf kind: OfferOperation.Kind) throws(Refusal) {
        let volumes: [Resource] =
            switch kind {
            case .create(let volumes), .destroy(let volumes): volumes
            case .grow(let volume, _), .shrink(let volume, _): [volume]
            case .reserve, .unreserve, .launch, .launchGroup, .refused: []
            }
        for volume in volumes {
            guard let name = volume.volumeName, !named.insert(name).inserted else { continue }
            throw Refusal(
                .invalid,
                "volume '\(name.id)' of role '\(name.role)' is in another step already; a"
                    + " transaction creates, grows or destroys a volume once")
        }
        guard case .destroy(let volumes) = kind else { return }
        for volume in volumes {
            let isUsed = launches.contains { launch in
                launch.task.resources.contains {
                    $0.volumeName != nil && $0.volumeName == volume.volumeName
                }
            }
            if isUsed {
                throw Refusal(
                    .invalid, "volume \(volume.text) is used by a task of an earlier step")
            }
            destroyed.append(volume)
        }
    }
}

extension Master {
    /// Checks all steps of a transaction in their order. Throws the first objection, with the
    /// number of its step; nothing is changed.
    mutating func draft(
        _ request: TransactionRequest, _ draft: TransactionDraft
    ) throws(Refusal) -> TransactionDraft {
        var draft = draft
        for (index, step) in request.steps.enumerated() {
            do throws(Refusal) {
                try add(step, to: &draft)
            } catch {
                let name = step.kind.name.map { " (\($0))" } ?? ""
                throw Refusal(error.kind, "step \(index + 1)\(name): \(error.message)")
            }
        }
        let made = draft.changes.reduce(0) { count, change in
            if case .create = change { count + 1 } else { count }
        }
        guard ledger.volumeCount(of: draft.agent) + made <= options.limits.volumesPerAgent else {
            throw Refusal(
                .unavailable,
                "an agent has at most \(options.limits.volumesPerAgent) volumes")
        }
        return draft
    }

    private mutating func add(
        _ step: OfferOperation, to draft: inout TransactionDraft
    ) throws(Refusal) {
        switch step.kind {
        case .reserve, .unreserve, .create, .destroy, .grow:
            try convert(step, in: &draft)
        case .launch(let tasks):
            guard draft.pool != nil else {
                throw Refusal(.invalid, "an operator cannot launch tasks")
            }
            guard step.id == nil else {
                throw Refusal(.invalid, "The `id` field cannot be set on LAUNCH operations")
            }
            for task in tasks { try launch(task, in: &draft) }
        case .shrink:
            throw Refusal(
                .invalid,
                "a volume that was made smaller can't always be made larger again, so that it is"
                    + " no step of a transaction: do it alone")
        case .launchGroup:
            throw Refusal(
                .invalid, "a task group is no step of a transaction: launch it afterwards")
        case .refused(let refusal):
            throw refusal
        }
    }

    private mutating func convert(
        _ step: OfferOperation, in draft: inout TransactionDraft
    ) throws(Refusal) {
        if let id = step.id {
            guard draft.framework != nil else {
                throw Refusal(
                    .invalid, "an operator's step has no id: nobody would be told of it")
            }
            try NameValidation.validate(id.value, limits: options.limits)
        }
        guard step.leaseMilliseconds == nil else {
            throw Refusal(
                .invalid,
                "a lease is given by a RESERVE of its own, or afterwards by RENEW_LEASE: a"
                    + " transaction's step has none")
        }
        try step.kind.validate(by: draft.caller)
        try checkRoom(for: step.kind, on: draft.agent)
        let kind = step.kind.resolved(in: draft.total)
        try draft.name(volumesOf: kind)
        if case .destroy(let volumes) = kind { try checkUnused(volumes, on: draft.agent) }
        try kind.check(against: draft.total)
        try checkLives(kind, on: draft.agent)
        guard let type = kind.type else { return }
        let conversion = try kind.conversion().allocated(to: nil)
        let changes = try volumeChanges(
            kind, on: draft.agent, framework: draft.framework, principal: draft.principal)
        try draft.total.apply(conversion)
        if let pool = draft.pool {
            let allocated = conversion.allocated(to: pool.role)
            if let missing = allocated.consumed.first(where: { !pool.rest.contains($0) }) {
                throw Refusal(
                    .conflict,
                    "\(pool.rest.detailedText) does not contain \(missing.detailedText)")
            }
            try draft.pool?.rest.apply(allocated)
        } else if let growth = try heldGrowth(
            OperationPlan(kind: kind, conversion: conversion, changes: changes), on: draft.agent)
        {
            draft.growths.append(growth)
        } else {
            draft.free = draft.free.followed(by: conversion)
        }
        draft.conversion = draft.conversion.followed(by: conversion)
        draft.changes += changes
        draft.steps.append(
            TransactionStep(
                uuid: OperationUUID(generator.uuid()), type: type, id: step.id,
                conversion: conversion, volumes: changes.map(\.uuid)))
    }

    /// Throws `conflict` for what a volume's life does not allow, and for a DESTROY into the trash:
    /// that gives no disk back which later steps could use.
    private func checkLives(_ kind: OfferOperation.Kind, on id: AgentID) throws(Refusal) {
        try checkLifecycle(kind, on: id)
        guard case .destroy(let volumes) = kind else { return }
        for role in volumes.map(\.role) where policy(for: role)?.keepsDestroyed == true {
            throw Refusal(
                .conflict,
                "what role '\(role)' destroys goes to the trash by its policy, which is no step of"
                    + " a transaction: destroy it in a call of its own")
        }
    }

    private func launch(
        _ task: TaskDescription, in draft: inout TransactionDraft
    ) throws(Refusal) {
        guard let pool = draft.pool else { return }
        let task = allocated(task, to: pool)
        try validate(task, in: pool)
        guard draft.tasks.insert(task.id).inserted else {
            throw Refusal(.invalid, "Task has duplicate ID: \(task.id)")
        }
        let key = task.executor.map {
            ExecutorKey(framework: pool.framework, agent: pool.agent, executor: $0.id)
        }
        if let key, let executor = draft.executors[key] {
            guard executor == task.executor else {
                throw Refusal(
                    .invalid,
                    "Task has invalid ExecutorInfo (another step has one with the same ExecutorID)")
            }
        }
        let isKnown = key.map { key in
            draft.executors[key] != nil || frameworks[key.framework]?.executors[key] != nil
        }
        let needs = try needs(
            of: [task], newExecutor: isKnown == false ? task.executor : nil, in: pool)
        draft.pool?.rest = needs.rest
        draft.launches.append(TransactionDraft.Launch(task: task, needs: needs))
        if isKnown == false, let key { draft.executors[key] = task.executor }
    }
}

extension OfferOperation.Kind {
    /// As in the API; nil: it has no meaning.
    fileprivate var name: String? {
        switch self {
        case .launch: "LAUNCH"
        case .launchGroup: "LAUNCH_GROUP"
        case .reserve, .unreserve, .create, .destroy, .grow, .shrink, .refused: type?.rawValue
        }
    }
}
