internal import MachineCore
internal import Model
internal import OrderedCollections

/// A client's filters on one agent are few: a new one that covers older ones replaces them.
private let filtersPerClientAndAgent = 8

extension Allocator {
    /// Keeps a client from being offered at once what it has just refused.
    ///
    /// A time shorter than the interval of re-offers asks for a re-offer. The first one after an
    /// interval is granted at once, together with all others until the next pass; later ones are
    /// held until the interval is over, so that a framework gets at most `maxReoffersPerSecond`.
    mutating func refuse(
        _ resources: Resources, by client: Int, on agent: Int, for span: Span,
        from origin: FilterOrigin, at now: Instant
    ) {
        let framework = clients[client].framework
        guard frameworks[framework].filterCount < options.filtersPerFramework else { return }
        let reofferAt = frameworks[framework].reofferAt
        var isHeld = false
        if span < options.reofferInterval, frameworks[framework].grantedPass != pass {
            if now < reofferAt {
                isHeld = true
            } else {
                frameworks[framework].grantedPass = pass
                frameworks[framework].reofferAt = now + options.reofferInterval
            }
        }
        var filter = Filter(
            resources: resources, expiry: isHeld ? max(now + span, reofferAt) : now + span,
            sequence: filterSequence + 1, origin: origin)
        guard filter.expiry > now else { return }
        filterSequence += 1
        if isHeld {
            if let other = clients[client].holds[agent] {
                filter.merge(other)
            } else {
                countFilters(of: client, 1)
            }
            clients[client].holds[agent] = filter
        } else if !add(filter, to: client, on: agent) {
            return
        }
        timers.insert(
            FilterTimers.Timer(
                expiry: filter.expiry, sequence: filterSequence, client: client, agent: agent))
        trimTimers()
    }

    /// False: an older filter covers it.
    private mutating func add(_ filter: Filter, to client: Int, on agent: Int) -> Bool {
        var list = clients[client].filters[agent] ?? []
        if list.contains(where: { $0.covers(filter) }) { return false }
        let before = list.count
        list.removeAll { filter.covers($0) }
        if list.count >= filtersPerClientAndAgent,
            let soonest = list.indices.min(by: { list[$0].expiry < list[$1].expiry })
        {
            list.remove(at: soonest)
        }
        list.append(filter)
        clients[client].filters[agent] = list
        countFilters(of: client, list.count - before)
        return true
    }

    /// What keeps a client from being offered an agent.
    func filters(of client: Int, on agent: Int) -> [Filter] {
        guard clients[client].filterCount > 0 else { return [] }
        var result = clients[client].filters[agent] ?? []
        if let hold = clients[client].holds[agent] { result.append(hold) }
        return result
    }

    /// Whether it has so many filters that it is offered nothing until one ends.
    func isSaturated(_ framework: Int) -> Bool {
        frameworks[framework].filterCount >= options.filtersPerFramework
    }

    /// Removes the filters that ran out; their agents become candidates for their clients.
    mutating func releaseFilters(at now: Instant) {
        while let timer = timers.first, timer.expiry <= now {
            timers.removeFirst()
            guard isLive(timer) else { continue }
            let framework = clients[timer.client].framework
            if clients[timer.client].holds[timer.agent]?.sequence == timer.sequence {
                clients[timer.client].holds[timer.agent] = nil
                frameworks[framework].reofferAt = now + options.reofferInterval
            } else {
                var rest = clients[timer.client].filters[timer.agent] ?? []
                rest.removeAll { $0.sequence == timer.sequence }
                clients[timer.client].filters[timer.agent] = rest.isEmpty ? nil : rest
            }
            countFilters(of: timer.client, -1)
            agents[timer.agent].waiting.append(timer.client)
            markCandidate(timer.agent)
        }
        trimTimers()
    }

    mutating func removeFilters(of client: Int, withHolds: Bool) {
        guard clients[client].filterCount > 0 else { return }
        clients[client].filters = [:]
        if withHolds { clients[client].holds = [:] }
        countFilters(of: client, clients[client].holds.count - clients[client].filterCount)
    }

    mutating func removeFilters(of client: Int, on agent: Int) {
        guard clients[client].filterCount > 0 else { return }
        let filters = clients[client].filters.removeValue(forKey: agent)?.count ?? 0
        let holds = clients[client].holds.removeValue(forKey: agent) == nil ? 0 : 1
        countFilters(of: client, -filters - holds)
    }

    /// A framework that is no more saturated looks at every agent.
    private mutating func countFilters(of client: Int, _ change: Int) {
        let framework = clients[client].framework
        let wasSaturated = isSaturated(framework)
        clients[client].filterCount += change
        frameworks[framework].filterCount += change
        filterCount += change
        guard wasSaturated, !isSaturated(framework) else { return }
        for client in frameworks[framework].clients.values { markFresh(client) }
    }

    /// Whether a timer's filter is still there.
    func isLive(_ timer: FilterTimers.Timer) -> Bool {
        clients[timer.client].holds[timer.agent]?.sequence == timer.sequence
            || clients[timer.client].filters[timer.agent]?
                .contains { $0.sequence == timer.sequence } == true
    }

    /// Removes timers of filters that are gone: the first always, because it is the deadline; all
    /// when they are more than half.
    mutating func trimTimers() {
        if timers.count > 2 * filterCount + 64 {
            let allocator = self
            timers.keep { allocator.isLive($0) }
        }
        while let timer = timers.first, !isLive(timer) { timers.removeFirst() }
    }
}
