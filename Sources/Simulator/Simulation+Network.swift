import AgentCore
import MachineCore
import MasterCore
import Model
import OrderedCollections

// Connections between agents and the master. Items wait in a link's queues; an entry of the agenda
// delivers the first of a queue, so that order holds whatever the delays are.

extension Simulation {
    /// Mostly quick, now and then not.
    mutating func delay() -> Int { isFaulty && chance.oneIn(20) ? 800 : 15 }

    private mutating func isPartitioned(_ agent: Int) -> Bool {
        guard let end = agents[agent].partitionEnd else { return false }
        if now < end { return true }
        agents[agent].partitionEnd = nil
        return false
    }

    // MARK: making one

    mutating func connect(_ index: Int, life: Int) {
        let host = agents[index]
        guard host.isUp, host.life == life, host.link == nil else { return }
        guard isMasterUp, !isPartitioned(index) else {
            return add(.connect(agent: index, life: life), within: 1_500)
        }
        let id = ConnectionID(number())
        links[id] = Link(agent: index)
        agents[index].link = id
        tell(.agentConnected(id, address: "10.0.0.\(index + 1):40000"))
        // The master may have died of it.
        guard agents[index].link == id else { return }
        tell(index, .masterConnected)
    }

    // MARK: sending

    mutating func send(_ message: MasterMessage, on id: ConnectionID) {
        guard links[id]?.isOpenAtMaster == true else { return }
        links[id]?.toAgent.append(.message(message))
        add(.linkToAgent(id), within: delay())
    }

    mutating func send(_ message: AgentMessage, from index: Int) {
        guard let id = agents[index].link, links[id]?.isOpenAtAgent == true else { return }
        links[id]?.toMaster.append(.message(message))
        add(.linkToMaster(id), within: delay())
    }

    // MARK: breaking

    /// The master's end is gone; what it sent may still arrive, what it was to read does not.
    mutating func closeAtMaster(_ id: ConnectionID) {
        guard links[id]?.isOpenAtMaster == true else { return }
        links[id]?.isOpenAtMaster = false
        links[id]?.toMaster = []
        guard links[id]?.isOpenAtAgent == true else { return links[id] = nil }
        links[id]?.toAgent.append(.closed)
        add(.linkToAgent(id), within: delay())
    }

    mutating func closeAtAgent(_ index: Int) {
        guard let id = agents[index].link else { return }
        agents[index].link = nil
        guard links[id]?.isOpenAtAgent == true else { return }
        links[id]?.isOpenAtAgent = false
        links[id]?.toAgent = []
        guard links[id]?.isOpenAtMaster == true else { return links[id] = nil }
        links[id]?.toMaster.append(.closed)
        add(.linkToMaster(id), within: delay())
    }

    /// Nothing arrives any more beyond a part of what is under way; each side learns it some time.
    mutating func breakLink(_ index: Int) {
        guard let id = agents[index].link, let link = links[id] else { return }
        count(.connectionBroken)
        links[id]?.toMaster = Array(link.toMaster.prefix(chance.below(link.toMaster.count + 1)))
        links[id]?.toAgent = Array(link.toAgent.prefix(chance.below(link.toAgent.count + 1)))
        links[id]?.toMaster.append(.closed)
        links[id]?.toAgent.append(.closed)
        add(.linkToMaster(id), within: 4_000)
        add(.linkToAgent(id), within: 500)
    }

    // MARK: arriving

    mutating func deliverToMaster(_ id: ConnectionID) {
        guard let link = links[id], let first = link.toMaster.first else { return }
        if isPartitioned(link.agent) { return add(.linkToMaster(id), within: 1_000) }
        links[id]?.toMaster.removeFirst()
        switch first {
        case .message(let message):
            tell(.agentSaid(id, message))
        case .closed:
            links[id]?.isOpenAtMaster = false
            links[id]?.toMaster = []
            if links[id]?.isOpenAtAgent != true { links[id] = nil }
            tell(.agentDisconnected(id))
        }
    }

    mutating func deliverToAgent(_ id: ConnectionID) {
        guard let link = links[id], let first = link.toAgent.first else { return }
        if isPartitioned(link.agent) { return add(.linkToAgent(id), within: 1_000) }
        links[id]?.toAgent.removeFirst()
        guard agents[link.agent].link == id else { return }
        switch first {
        case .message(let message):
            tell(link.agent, .masterSaid(message))
        case .closed:
            links[id]?.isOpenAtAgent = false
            links[id]?.toAgent = []
            if links[id]?.isOpenAtMaster != true { links[id] = nil }
            agents[link.agent].link = nil
            add(.connect(agent: link.agent, life: agents[link.agent].life), within: 600)
            tell(link.agent, .masterDisconnected)
        }
    }
}
