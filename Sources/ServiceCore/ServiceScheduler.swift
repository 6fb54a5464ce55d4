package import MachineCore
package import Model
package import OrderedCollections

/// Runs stateful services as an ordinary framework: places each once, and relaunches it on the same
/// volumes after every end of its task that is certain.
///
/// Invariants: a row is stored before the ACCEPT that it describes leaves; a service has at most
/// one task that could run; a volume that has held data is never made anew; while nothing waits for
/// an offer, offers are suppressed. It does not speak HTTP and does not read YAML: its shell does.
package struct ServiceScheduler: Machine {
    package typealias Event = ServiceEvent
    package typealias Action = ServiceAction

    package private(set) var framework: FrameworkID?
    package internal(set) var services: OrderedDictionary<String, Service> = [:]
    package let principal: String
    package internal(set) var isSubscribed = false
    /// Whether offers are wanted, as the master was last told; nil: not told since SUBSCRIBED.
    var isSuppressed: Bool?
    var generator = SeededGenerator(seed: 0)
    /// How many services there may be.
    let limit = 10_000
    /// After how long without news the master is asked about a task.
    let patience = Span.milliseconds(15_000)

    package init(principal: String) { self.principal = principal }

    package var deadline: Instant? {
        services.values.lazy.compactMap { service in
            [service.reconcileAt, service.wantsOffers ? service.notBefore : nil]
                .compactMap(\.self).min()
        }.min()
    }

    package func service(named name: String) -> Service? { services[name] }

    /// All roles of all services, sorted; at least the default one, so that SUBSCRIBE is valid.
    package var roles: [String] {
        var roles = OrderedSet<String>(["services"])
        for service in services.values { roles.append(service.row.spec.role) }
        return roles.sorted()
    }

    package mutating func handle(
        _ event: Event, at now: Instant, into outbox: inout Outbox<Action>
    ) {
        switch event {
        case .started(let entropy, let framework, let rows):
            generator = SeededGenerator(entropy: entropy)
            self.framework = framework
            for row in rows { services[row.spec.name] = Service(row: row, phase: recovered(row)) }
        case .ticked: tick(at: now, into: &outbox)
        case .subscribed(let id):
            if framework != id {
                framework = id
                outbox.append(.storeFramework(id))
            }
            isSubscribed = true
            isSuppressed = nil
            reconcileAll(at: now, into: &outbox)
        case .disconnected: isSubscribed = false
        case .offersReceived(let offers): place(offers, at: now, into: &outbox)
        case .offerRescinded: break
        case .statusReceived(let status): receive(status, at: now, into: &outbox)
        case .operationEnded(let id, let state, let message):
            end(id, state, message: message, at: now, into: &outbox)
        case .growthEnded(let id, let outcome):
            endGrowth(id, outcome, at: now, into: &outbox)
        case .requested(let request, let what):
            take(request, what, at: now, into: &outbox)
        }
        tellInterest(at: now, into: &outbox)
    }

    /// Where a service stands after a restart of the scheduler, until the master has told more.
    private func recovered(_ row: ServiceRow) -> Service.Phase {
        guard let placement = row.placement else { return .waiting }
        if placement.task != nil { return row.goal == .running ? .launching : .stopping }
        let isGivenBack = placement.resources.allSatisfy(\.isPersistentVolume)
        return row.goal == .stopped && isGivenBack ? .idle : .waiting
    }

    /// Wants offers only while a service waits for one.
    private mutating func tellInterest(at now: Instant, into outbox: inout Outbox<Action>) {
        guard isSubscribed else { return }
        let isWanting = services.values.contains {
            $0.wantsOffers && ($0.notBefore.map { $0 <= now } ?? true)
        }
        guard isSuppressed != !isWanting else { return }
        isSuppressed = !isWanting
        outbox.append(isWanting ? .revive(roles) : .suppress(roles))
    }

    private mutating func tick(at now: Instant, into outbox: inout Outbox<Action>) {
        var asked: [ServiceTask] = []
        for (name, service) in services {
            if let time = service.notBefore, time <= now { services[name]?.notBefore = nil }
            guard let time = service.reconcileAt, time <= now else { continue }
            services[name]?.reconcileAt = isSubscribed ? now + patience : nil
            if let placement = service.row.placement, let task = placement.task, isSubscribed {
                asked.append(ServiceTask(task: task, agent: placement.agent))
            }
            if service.phase == .stopping, let placement = service.row.placement,
                let task = placement.task, isSubscribed
            {
                outbox.append(.kill(task, placement.agent))
            }
            switch service.phase {
            case .resizing, .releasing: services[name]?.phase = .waiting
            case .waiting, .launching, .running, .unreachable, .stopping, .idle: break
            }
        }
        if !asked.isEmpty { outbox.append(.reconcile(asked)) }
    }

    private mutating func reconcileAll(at now: Instant, into outbox: inout Outbox<Action>) {
        var asked: [ServiceTask] = []
        for (name, service) in services {
            guard let placement = service.row.placement, let task = placement.task else { continue }
            asked.append(ServiceTask(task: task, agent: placement.agent))
            services[name]?.reconcileAt = now + patience
            if service.phase == .stopping { outbox.append(.kill(task, placement.agent)) }
        }
        if !asked.isEmpty { outbox.append(.reconcile(asked)) }
    }
}
