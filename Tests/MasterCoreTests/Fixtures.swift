import Model
import OrderedCollections
import Testing

@testable import MasterCore

extension Resource {
    static func scalar(_ name: String, _ value: Int64) -> Resource {
        Resource(name, .scalar(Amount(thousandths: value * 1000)))
    }

    /// Reserved dynamically.
    func reserved(for role: String, principal: String? = nil) -> Resource {
        with(reservations: reservations + [Reservation(role: role, principal: principal)])
    }

    func volume(_ id: String, isShared: Bool = false) -> Resource {
        with(
            disk: Disk(
                persistence: Disk.Persistence(id: id),
                volume: Disk.Volume(containerPath: "data"))
        ).with(isShared: isShared)
    }
}

func disk(_ mebibytes: Int64, for role: String = "db") -> Resource {
    Resource.scalar("disk", mebibytes).reserved(for: role)
}

extension FrameworkDescription {
    static func test(
        id: FrameworkID? = nil, roles: [String] = ["db"],
        capabilities: Capabilities = [
            .multiRole, .reservationRefinement, .sharedResources, .partitionAware,
        ], failoverSeconds: Int64 = 3_600
    ) -> FrameworkDescription {
        FrameworkDescription(
            id: id, name: "test", user: "root", roles: roles, capabilities: capabilities,
            isCheckpointing: true, failoverTimeoutMilliseconds: failoverSeconds * 1000)
    }
}

extension TaskDescription {
    static func test(
        _ id: String, on agent: AgentID, _ resources: [Resource] = [.scalar("cpus", 1)]
    ) -> TaskDescription {
        TaskDescription(id: TaskID(id), name: id, agent: agent, resources: resources)
    }
}

extension OfferOperation {
    static func launch(_ tasks: TaskDescription...) -> OfferOperation {
        OfferOperation(.launch(tasks))
    }
}

extension Ledger {
    /// What a registry would hold.
    var rows: [MasterRecord] {
        var rows: [MasterRecord] = []
        if let clusterID { rows.append(.clusterCreated(id: clusterID)) }
        rows += agentRows.map { .agentStored($0) }
        for id in agentRows.map(\.id) {
            let pieces = Array(confirmed(id))
            if !pieces.isEmpty { rows.append(.piecesStored(id, set: pieces, removed: [])) }
        }
        for id in agentRows.map(\.id) {
            rows += reservations(of: id).map { .reservationStored($0) }
        }
        rows += volumes.keys.sorted().compactMap { volumes[$0].map { .volumeStored($0) } }
        for id in agentRows.map(\.id) { rows += pending(id).map { .operationStored($0) } }
        rows += transactions.values.map { .transactionStored($0) }
        rows += policies.keys.sorted().compactMap { policies[$0].map { .policyStored($0) } }
        return rows + frameworkRows.map { .frameworkStored($0) }
    }
}

extension Answer {
    var refusal: Refusal? {
        if case .refused(let refusal) = self { return refusal }
        return nil
    }
}
