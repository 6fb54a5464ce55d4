import AllocatorCore
import MachineCore
import Model
import OrderedCollections

// Operators' calls. One that changes an agent's books is answered when the agent has it on disk.

extension Master {
    mutating func operatorCalled(
        _ request: RequestID, _ call: OperatorCall, principal: String?
    ) {
        do throws(Refusal) {
            switch call {
            case .apply(let kind, let agent, let lease):
                try apply(kind, to: agent, lease: lease, for: request, principal: principal)
            case .renewLeases(let renewal):
                try renewLeases(renewal, principal: principal)
                emit(.answer(request, .done))
            case .transact(let transaction, let agent):
                try transact(transaction, on: agent, for: request, principal: principal)
            case .teardown(let framework):
                guard let known = frameworks[framework], !known.isEnding else {
                    throw Refusal(.invalid, "No framework found with specified ID")
                }
                audit(.teardown, framework: framework, principal: principal)
                removeFramework(framework)
                emit(.answer(request, .done))
            case .markAgentGone(let agent):
                try markGone(agent, principal: principal)
                emit(.answer(request, .done))
            case .killTask(let framework, let task, let grace):
                let key = TaskKey(framework, task)
                guard frameworks[framework]?.tasks[task] != nil else {
                    throw Refusal(.notFound, "framework '\(framework)' runs no task '\(task)'")
                }
                audit(.killTask, framework: framework, task: task, principal: principal)
                kill(key, agent: nil, graceMilliseconds: grace)
                emit(.answer(request, .accepted))
            case .forgetVolume(let uuid, let note):
                try forgetVolume(uuid, note)
                emit(.answer(request, .done))
            case .lifecycle(.destroyNow(let volumes, let agent)):
                try apply(
                    .destroy(volumes), to: agent, for: request, principal: principal,
                    isImmediate: true)
            case .lifecycle(let call):
                try lifecycleCalled(call, principal: principal)
                emit(.answer(request, .done))
            }
        } catch {
            emit(.answer(request, .refused(error)))
        }
    }

    private mutating func apply(
        _ kind: OfferOperation.Kind, to id: AgentID, lease: Int64? = nil, for request: RequestID,
        principal: String?, isImmediate: Bool = false
    ) throws(Refusal) {
        do throws(Refusal) {
            let uuid = try apply(
                kind, to: id, lease: lease, principal: principal, isImmediate: isImmediate)
            guard let uuid else { return emit(.answer(request, .accepted)) }
            waiting[uuid] = request
            timers.add(
                .operation(uuid), at: now + .milliseconds(options.operationTimeoutMilliseconds))
        } catch {
            // The answer waits for no commit: a refusal has changed nothing.
            emit(.answer(request, .refused(error)))
            auditRefusal(
                of: kind, on: id, by: nil, principal: principal, because: error.message)
        }
    }

    /// Nil: what it destroys is in the trash.
    private mutating func apply(
        _ kind: OfferOperation.Kind, to id: AgentID, lease: Int64?, principal: String?,
        isImmediate: Bool
    ) throws(Refusal) -> OperationUUID? {
        guard let isRegistered = agents[id]?.isRegistered else {
            throw Refusal(.invalid, "No agent found with specified ID")
        }
        guard isRegistered else {
            throw Refusal(
                .unavailable,
                "agent \(id) has not come back yet since the master was started; try again")
        }
        var plan: OperationPlan
        do throws(Refusal) {
            plan = try self.plan(kind, on: id, principal: principal)
            try checkLease(lease, of: plan.kind, on: id)
            plan.leaseMilliseconds = lease
        } catch {
            guard error.kind == .invalid else { throw error }
            throw Refusal(.invalid, "Invalid \(title(of: kind, on: id)): \(error.message)")
        }
        if !isImmediate, let trash = try trashConversion(of: plan, on: id) {
            if case .destroy(let volumes) = plan.kind { rescindShared(volumes, on: id) }
            try rescinding(for: trash, on: id) { master throws(Refusal) in
                try master.allocator.convertAvailable(id, conversion: trash)
            }
            moveToTrash(plan, on: id)
            return nil
        }
        try free(plan, on: id)
        guard let uuid = issue(plan, to: id) else {
            throw Refusal(.invalid, "the call changes nothing")
        }
        return uuid
    }

    mutating func plan(
        _ kind: OfferOperation.Kind, on id: AgentID, principal: String?
    ) throws(Refusal) -> OperationPlan {
        try kind.validate(by: .operator(principal: principal))
        let kind = try fitting(kind, on: id)
        let conversion = try kind.conversion().allocated(to: nil)
        let changes = try volumeChanges(kind, on: id, framework: nil, principal: principal)
        return OperationPlan(
            kind: kind, conversion: conversion, changes: changes, principal: principal)
    }

    /// As Mesos begins its refusals.
    private func title(of kind: OfferOperation.Kind, on agent: AgentID) -> String {
        let name = "\(kind.type?.rawValue ?? "LAUNCH") operation"
        switch kind {
        case .unreserve, .destroy: return name
        case .reserve, .create, .grow, .shrink, .launch, .launchGroup, .refused:
            return "\(name) on \(place(of: agent))"
        }
    }

    /// Takes what the operation consumes from what nobody holds, or from the task whose volume
    /// grows.
    mutating func free(_ plan: OperationPlan, on id: AgentID) throws(Refusal) {
        if case .destroy(let volumes) = plan.kind { rescindShared(volumes, on: id) }
        guard let growth = try heldGrowth(plan, on: id) else {
            return try rescinding(for: plan.conversion, on: id) { master throws(Refusal) in
                try master.allocator.convertAvailable(id, conversion: plan.conversion)
            }
        }
        try rescinding(for: growth.rest, on: id) { master throws(Refusal) in
            try master.book(growth, on: id)
        }
    }

    /// Does `take`; rescinds offers of the agent one after another until there is enough of what
    /// `conversion` consumes, and none at all if there can't be.
    mutating func rescinding(
        for conversion: ResourceConversion, on id: AgentID,
        _ take: (inout Master) throws(Refusal) -> Void
    ) throws(Refusal) {
        do throws(Refusal) {
            try take(&self)
            return
        } catch {
            try checkUnheld(conversion, on: id)
        }
        let wanted = Set(conversion.consumed.map(ResourceKey.init))
        for offer in (agents[id]?.offers ?? []).sorted() {
            let isWanted = offers[offer]?.resources.contains {
                wanted.contains(ResourceKey($0.with(allocationRole: nil)))
            }
            guard isWanted == true else { continue }
            removeOffer(
                offer, isRescinded: true,
                filter: .milliseconds(options.defaultRefuseMilliseconds))
            do throws(Refusal) {
                try take(&self)
                return
            } catch {
                continue
            }
        }
        try take(&self)
    }

    /// Throws `conflict`, with what there is, if tasks hold what the operation needs.
    private func checkUnheld(_ conversion: ResourceConversion, on id: AgentID) throws(Refusal) {
        guard let agent = agents[id] else { return }
        let names = Set(conversion.consumed.sortedNames)
        var free = agent.total.filter { names.contains($0.name) }
        for booked in holdings(of: agent) {
            for resource in booked where !resource.isShared {
                free.subtract(resource.with(allocationRole: nil))
            }
        }
        try free.apply(conversion)
    }
}
