import AllocatorCore
import MachineCore
import Model
import OrderedCollections

// Subscription, failover, disconnection and update of frameworks; removal: `+FrameworkRemoval`.

extension Master {
    mutating func subscribe(_ stream: StreamID, _ subscription: Subscription) {
        var subscription = subscription
        subscription.suppressedRoles = Set(subscription.suppressedRoles).sorted()
        do throws(Refusal) {
            try NameValidation.validate(
                subscription.framework, suppressed: subscription.suppressedRoles,
                limits: options.limits)
            if let id = subscription.framework.id {
                try NameValidation.validate(id.value, limits: options.limits)
                try resubscribe(id, stream, subscription)
            } else {
                let id = FrameworkID("\(clusterID)-\(padded(nextFramework))")
                try addFramework(id, stream, subscription)
                nextFramework += 1
            }
        } catch {
            emit(.refuseSubscription(stream, error.message))
        }
    }

    /// Four digits, more when needed.
    private func padded(_ number: UInt64) -> String {
        let digits = "\(number)"
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    private mutating func resubscribe(
        _ id: FrameworkID, _ stream: StreamID, _ subscription: Subscription
    ) throws(Refusal) {
        guard ledger.frameworks[id]?.isRemoved != true,
            !completedFrameworks.contains(where: { $0.id == id })
        else { throw Refusal(.invalid, "Framework has been removed") }
        guard let framework = frameworks[id] else {
            try addFramework(id, stream, subscription)
            return
        }
        guard framework.description.principal == subscription.framework.principal else {
            throw immutable(
                "principal", framework.description.principal ?? "",
                subscription.framework.principal ?? "")
        }
        var description = subscription.framework
        description.user = framework.description.user
        description.isCheckpointing = framework.description.isCheckpointing
        if let old = framework.stream {
            emit(.sendEvent(old, .error("Framework failed over")))
            emit(.closeStream(old))
            streams[old] = nil
        }
        for offer in framework.offers.sorted() { removeOffer(offer, isRescinded: false) }
        frameworks[id]?.failoverDue = nil
        frameworks[id]?.disconnectedNanoseconds = nil
        frameworks[id]?.reregisteredNanoseconds = now.nanoseconds
        frameworks[id]?.description = description
        storeFramework(id)
        connect(id, stream, subscription)
    }

    private mutating func addFramework(
        _ id: FrameworkID, _ stream: StreamID, _ subscription: Subscription
    ) throws(Refusal) {
        guard frameworks.count < options.limits.frameworks else {
            throw Refusal(.tooLarge, "there are \(frameworks.count) frameworks already")
        }
        guard !isStorageLow else { throw storageRefusal }
        var description = subscription.framework
        description.id = id
        frameworks[id] = MasterFramework(
            id: id, description: description, registeredNanoseconds: now.nanoseconds)
        storeFramework(id)
        admitToAllocator(id)
        connect(id, stream, subscription)
    }

    /// Adopts a framework that only an agent knows, as one that is to come back.
    mutating func adoptFramework(_ description: FrameworkDescription) {
        guard let id = description.id, frameworks[id] == nil,
            frameworks.count < options.limits.frameworks
        else { return }
        frameworks[id] = MasterFramework(
            id: id, description: description, registeredNanoseconds: now.nanoseconds)
        frameworks[id]?.isRecovered = true
        frameworks[id]?.disconnectedNanoseconds = now.nanoseconds
        storeFramework(id)
        admitToAllocator(id)
        let grace = max(
            options.agentReregisterTimeoutMilliseconds, description.failoverTimeoutMilliseconds)
        awaitFailover(id, for: .milliseconds(grace))
    }

    /// Registers it in the allocator as its state is by now.
    mutating func admitToAllocator(_ id: FrameworkID) {
        guard let framework = frameworks[id] else { return }
        allocator.addFramework(
            id, roles: framework.description.roles, suppressed: framework.suppressedRoles,
            capabilities: framework.description.capabilities, isActive: framework.isConnected)
    }

    private mutating func connect(
        _ id: FrameworkID, _ stream: StreamID, _ subscription: Subscription
    ) {
        frameworks[id]?.isRecovered = false
        frameworks[id]?.stream = stream
        frameworks[id]?.streamUUID = subscription.streamUUID
        frameworks[id]?.suppressedRoles = subscription.suppressedRoles
        streams[stream] = id
        noteConnection(of: id)
        emit(
            .sendEvent(
                stream, .subscribed(id, heartbeatMilliseconds: options.heartbeatMilliseconds)))
        emit(.sendEvent(stream, .heartbeat))
        timers.add(
            .heartbeat(id, stream), at: now + .milliseconds(options.heartbeatMilliseconds))
        admitToAllocator(id)
        resendOperationStatuses(id)
    }

    mutating func streamClosed(_ stream: StreamID) {
        guard let id = streams.removeValue(forKey: stream), let framework = frameworks[id],
            framework.stream == stream
        else { return }
        frameworks[id]?.stream = nil
        frameworks[id]?.streamUUID = nil
        frameworks[id]?.disconnectedNanoseconds = now.nanoseconds
        storeFramework(id)
        for offer in framework.offers.sorted() { removeOffer(offer, isRescinded: false) }
        allocator.setFrameworkActive(id, false)
        awaitFailover(id, for: .milliseconds(framework.description.failoverTimeoutMilliseconds))
    }

    private mutating func awaitFailover(_ id: FrameworkID, for timeout: Span) {
        let due = now + max(.zero, timeout)
        frameworks[id]?.failoverDue = due
        timers.add(.failover(id), at: due)
    }

    mutating func updateFramework(
        _ id: FrameworkID, _ description: FrameworkDescription, suppressed: [String]
    ) throws(Refusal) {
        guard let framework = frameworks[id] else { return }
        do throws(Refusal) {
            try NameValidation.validate(
                description, suppressed: suppressed, limits: options.limits)
        } catch {
            throw Refusal(
                error.kind, "Supplied FrameworkInfo is not valid: \(error.message)")
        }
        let old = framework.description
        var fault: Refusal?
        if old.principal != description.principal {
            fault = immutable("principal", old.principal ?? "", description.principal ?? "")
        } else if old.user != description.user {
            fault = immutable("user", old.user, description.user)
        } else if old.isCheckpointing != description.isCheckpointing {
            fault = immutable(
                "checkpoint", "\(old.isCheckpointing)", "\(description.isCheckpointing)")
        }
        if let fault {
            throw Refusal(.invalid, "FrameworkInfo update is not valid: \(fault.message)")
        }
        frameworks[id]?.description = description
        frameworks[id]?.description.id = id
        frameworks[id]?.suppressedRoles = Set(suppressed).sorted()
        storeFramework(id)
        let roles = Set(description.roles)
        for offer in framework.offers.sorted() where !roles.contains(offers[offer]?.role ?? "") {
            removeOffer(offer, isRescinded: true)
        }
        allocator.updateFramework(
            id, roles: description.roles, suppressed: suppressed,
            capabilities: description.capabilities)
    }

    private func immutable(_ field: String, _ old: String, _ new: String) -> Refusal {
        Refusal(
            .invalid,
            "Updating 'FrameworkInfo.\(field)' is unsupported; attempted to update from"
                + " '\(old)' to '\(new)'")
    }

    /// Stores a framework's row if anything of it changed.
    mutating func storeFramework(_ id: FrameworkID) {
        guard let framework = frameworks[id] else { return }
        var description = framework.description
        description.id = id
        let row = FrameworkRow(
            description: description, registeredNanoseconds: framework.registeredNanoseconds,
            disconnectedNanoseconds: framework.disconnectedNanoseconds,
            isRemoved: framework.isEnding)
        guard ledger.frameworks[id] != row else { return }
        store(.frameworkStored(row))
    }

    var storageRefusal: Refusal {
        Refusal(
            .unavailable, "the disk of the master's registry is nearly full: nothing was changed")
    }
}
