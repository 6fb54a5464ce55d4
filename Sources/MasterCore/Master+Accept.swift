import AllocatorCore
import MachineCore
import Model
import OrderedCollections

/// What an ACCEPT works on: the rest of its offers, and to whom they were made.
struct AcceptedPool {
    let framework: FrameworkID
    let agent: AgentID
    let role: String
    /// With the allocation role. A shared volume stays in it whoever uses it.
    var rest: Resources
    /// What GROW_VOLUME and SHRINK_VOLUME have made. Whether it comes to be the disk decides, so
    /// that no later step of the ACCEPT may use it, as in Mesos; it is offered again with the rest.
    var resized = Resources()
}

// ACCEPT: a list of operations on the offered pool, in order. One that fails is dropped alone, and
// later ones may then miss what it would have made.

extension Master {
    mutating func accept(
        _ id: FrameworkID, _ ids: [OfferID], _ operations: [OfferOperation], filter: Span
    ) throws(Refusal) {
        try checkCount(ids.count, options.limits.offersPerFramework, "offers")
        try checkCount(operations.count, options.limits.operationsPerCall, "operations")
        for operation in operations {
            try checkCount(operation.tasks.count, options.limits.tasksPerLaunch, "tasks")
        }
        if operations.count > 1, frameworks[id]?.isAtomic == true {
            return try transact(id, ids, TransactionRequest(steps: operations), filter: filter)
        }
        let first: Offer
        do throws(Refusal) {
            first = try checkOffers(ids, of: id)
        } catch {
            dropAll(operations, of: id, ids, because: error.message)
            return
        }
        var pool = AcceptedPool(
            framework: id, agent: first.agent, role: first.role, rest: Resources())
        for offer in ids {
            if let resources = takeOffer(offer)?.resources { pool.rest.add(resources) }
        }
        returnSpareCopies(from: &pool)
        for operation in operations {
            switch operation.kind {
            case .launch(let tasks):
                launch(tasks, operation, from: &pool)
            case .launchGroup(let executor, let tasks):
                launchGroup(executor, tasks, operation, from: &pool)
            case .reserve, .unreserve, .create, .destroy, .grow, .shrink, .refused:
                convert(operation, in: &pool)
            }
        }
        allocator.recover(
            id, agent: pool.agent, resources: pool.rest.adding(pool.resized), filter: filter,
            from: .accept,
            at: now)
    }

    /// One copy of a shared volume is enough, however many of the offers have it.
    mutating func returnSpareCopies(from pool: inout AcceptedPool) {
        var spare = Resources()
        for entry in pool.rest.entries where entry.copies > 1 {
            spare.add(entry.resource, copies: entry.copies - 1)
        }
        guard pool.rest.subtract(spare) else { return }
        allocator.recover(
            pool.framework, agent: pool.agent, resources: spare, filter: nil, at: now)
    }

    /// Offers that are no more: every task is dropped and every operation with an id in error; what
    /// is valid of the offers is free again.
    private mutating func dropAll(
        _ operations: [OfferOperation], of id: FrameworkID, _ ids: [OfferID],
        because reason: String
    ) {
        for offer in ids where offers[offer]?.framework == id {
            removeOffer(offer, isRescinded: false)
        }
        for operation in operations {
            switch operation.kind {
            case .launch(let tasks), .launchGroup(_, let tasks):
                for task in tasks {
                    tell(
                        id, task.id, agent: task.agent, .dropped, .invalidOffers,
                        "Task launched with invalid offers: \(reason)")
                }
            case .reserve, .unreserve, .create, .destroy, .grow, .shrink, .refused:
                let message = "Operation attempted with invalid offers: \(reason)"
                reportError(operation.id, to: id, message)
                auditRefusal(of: operation, on: nil, by: id, because: message)
            }
        }
    }

    private mutating func convert(_ operation: OfferOperation, in pool: inout AcceptedPool) {
        do throws(Refusal) {
            try performConversion(operation, in: &pool)
        } catch {
            var message = error.message
            if error.kind == .invalid { message += "; on \(place(of: pool.agent))" }
            reportError(operation.id, to: pool.framework, message)
            auditRefusal(of: operation, on: pool.agent, by: pool.framework, because: message)
        }
    }

    private mutating func auditRefusal(
        of operation: OfferOperation, on agent: AgentID?, by framework: FrameworkID,
        because message: String
    ) {
        auditRefusal(
            of: operation.kind, id: operation.id, on: agent, by: framework,
            principal: frameworks[framework]?.description.principal, because: message)
    }

    private mutating func performConversion(
        _ operation: OfferOperation, in pool: inout AcceptedPool
    ) throws(Refusal) {
        let plan = try plan(operation, in: pool)
        let trash = try trashConversion(of: plan, on: pool.agent)
        let allocated = (trash ?? plan.conversion).allocated(to: pool.role)
        if let missing = allocated.consumed.first(where: { !pool.rest.contains($0) }) {
            throw Refusal(
                .conflict,
                "\(pool.rest.detailedText) does not contain \(missing.detailedText)")
        }
        if case .destroy(let volumes) = plan.kind { rescindShared(volumes, on: pool.agent) }
        try allocator.convertAllocated(
            pool.agent, framework: pool.framework, conversion: allocated)
        switch plan.kind {
        case .grow, .shrink:
            pool.rest.subtract(allocated.consumed)
            pool.resized.add(allocated.converted)
        case .reserve, .unreserve, .create, .destroy, .launch, .launchGroup, .refused:
            try pool.rest.apply(allocated)
        }
        if trash != nil {
            moveToTrash(plan, on: pool.agent)
        } else {
            issue(plan, to: pool.agent)
        }
    }

    private mutating func plan(
        _ operation: OfferOperation, in pool: AcceptedPool
    ) throws(Refusal) -> OperationPlan {
        guard let framework = frameworks[pool.framework] else {
            throw Refusal(.invalid, "Framework cannot be found")
        }
        if let id = operation.id {
            try NameValidation.validate(id.value, limits: options.limits)
            try checkCount(
                framework.operations.count + 1, options.limits.operationsPerCall,
                "operations with an id that are not acknowledged")
        }
        let principal = framework.description.principal
        try operation.kind.validate(
            by: .framework(
                roles: framework.description.roles, allocationRole: pool.role,
                principal: principal, capabilities: framework.description.capabilities))
        let kind = try fitting(operation.kind, on: pool.agent)
        try checkLease(operation.leaseMilliseconds, of: kind, on: pool.agent)
        let conversion = try kind.conversion().allocated(to: nil)
        let changes = try volumeChanges(
            kind, on: pool.agent, framework: pool.framework, principal: principal)
        return OperationPlan(
            kind: kind, conversion: conversion, changes: changes, framework: pool.framework,
            id: operation.id, principal: principal, leaseMilliseconds: operation.leaseMilliseconds)
    }

    /// An agent in Mesos's words.
    func place(of agent: AgentID) -> String {
        guard let description = ledger.agents[agent]?.description else { return "agent \(agent)" }
        return "agent \(agent) at \(description.address):\(description.port)"
            + " (\(description.hostname))"
    }
}
