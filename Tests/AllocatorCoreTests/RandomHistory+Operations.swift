import MachineCore
import Model

@testable import AllocatorCore

extension Resources {
    /// In an order that does not depend on how the collection is kept.
    var sortedPieces: [Resource] { sorted { $0.detailedText < $1.detailedText } }
}

extension History {
    mutating func convertAvailable() {
        let agent = AgentID("agent\(generator.below(6))")
        guard let conversion = conversion(of: cluster.allocator.available(agent)) else { return }
        do {
            try cluster.allocator.convertAvailable(agent, conversion: conversion)
            counts.conversions += 1
        } catch {
            complaints.append("what is available was refused: \(error.message)")
        }
    }

    mutating func convertAllocated() {
        guard !held.isEmpty else { return }
        let index = generator.below(held.count)
        let allocation = held[index]
        guard let plain = conversion(of: allocation.resources.allocated(to: nil)) else { return }
        let conversion = plain.allocated(to: allocation.role)
        guard
            (try? cluster.allocator.convertAllocated(
                allocation.agent, framework: allocation.framework, conversion: conversion)) != nil
        else { return }
        counts.conversions += 1
        var resources = allocation.resources
        resources.subtract(conversion.consumed)
        resources.add(conversion.converted)
        held[index] = Allocation(
            framework: allocation.framework, role: allocation.role, agent: allocation.agent,
            resources: resources)
    }

    /// A RESERVE, UNRESERVE, CREATE or DESTROY of one of these pieces.
    private mutating func conversion(of resources: Resources) -> ResourceConversion? {
        let pieces = resources.sortedPieces
        guard !pieces.isEmpty else { return nil }
        let piece = pieces[generator.below(pieces.count)]
        if piece.isPersistentVolume { return Make.creation(piece).reversed }
        if piece.reservations.isEmpty, !piece.isRevocable {
            return Make.reservation(
                Resources([piece]), role: ["a", "a/b", "d"][generator.below(3)])
        }
        guard piece.name == "disk", generator.oneIn(2) else {
            return ResourceConversion(
                consumed: Resources([piece]),
                converted: Resources([piece.with(reservations: piece.reservations.dropLast())]))
        }
        volumes += 1
        var volume = Make.volume("v\(volumes)", disk: 1, role: piece.role)
        volume = volume.with(piece.value).with(reservations: piece.reservations)
        return Make.creation(volume.with(isShared: generator.oneIn(2)))
    }

    /// An agent comes back with a little more or less than it had.
    mutating func changeTotal() {
        let agent = AgentID("agent\(generator.below(6))")
        guard let index = cluster.allocator.agentIndexes[agent] else { return }
        var total = cluster.allocator.agents[index].total
        let change = Make.resources(cpus: Int64(1 + generator.below(2)))
        if generator.oneIn(2) || !total.subtract(change) { total.add(change) }
        cluster.allocator.setTotal(agent, total: total)
    }

    /// A task of a framework, known or not, is found on an agent.
    mutating func reportTasks() {
        let agent = AgentID("agent\(generator.below(6))")
        guard
            let piece = cluster.allocator.available(agent).sortedPieces
                .first(where: { !$0.isShared }),
            piece.reservations.isEmpty
        else { return }
        let framework = FrameworkID("framework\(generator.below(7))")
        let resources = Resources([piece]).allocated(to: "d")
        cluster.allocator.allocateUsed(agent, framework, resources)
        held.append(
            Allocation(framework: framework, role: "d", agent: agent, resources: resources))
    }

    mutating func allocate() {
        let forecasts = checksForecasts ? forecasts() : [:]
        let allocations = cluster.allocator.allocate(at: cluster.now)
        compare(forecasts, with: allocations)
        for allocation in allocations {
            counts.allocations += 1
            if let why = objection(to: allocation) { complaints.append(why) }
            held.append(allocation)
            for byte in (allocation.text + allocation.role).utf8 {
                digest = (digest ^ UInt64(byte)) &* 0x100_0000_01B3
            }
        }
        held.removeAll { cluster.allocator.agentIndexes[$0.agent] == nil }
        var copy = cluster.allocator
        for agent in copy.agentIndexes.values.sorted() { copy.markDirty(agent) }
        let missed = copy.allocate(at: cluster.now)
        if !missed.isEmpty {
            complaints.append("missed: " + missed.map(\.text).joined(separator: ", "))
        }
    }

    /// Why this allocation should not have been made.
    private func objection(to allocation: Allocation) -> String? {
        let allocator = cluster.allocator
        guard let framework = allocator.frameworkIndexes[allocation.framework],
            (0..<allocator.clients.endIndex).contains(where: {
                let client = allocator.clients[$0]
                return client.framework == framework && client.role == allocation.role
                    && client.isEligible
            })
        else { return "\(allocation.text): not wanted" }
        if allocation.resources.contains(where: { $0.allocationRole != allocation.role }) {
            return "\(allocation.text): wrong allocation role"
        }
        let isForeign = allocation.resources.contains {
            !Role.mayUse(allocation.role, reservedFor: $0.role)
        }
        if isForeign { return "\(allocation.text): reserved for another role" }
        let isRefused = refused.contains {
            $0.until > cluster.now && $0.allocation.framework == allocation.framework
                && $0.allocation.role == allocation.role
                && $0.allocation.agent == allocation.agent
                && $0.allocation.resources.contains(allocation.resources)
        }
        return isRefused ? "\(allocation.text): refused" : nil
    }

    /// What is wrong after a step.
    func problems() -> [String] {
        complaints + cluster.allocator.checkInvariants()
    }
}
