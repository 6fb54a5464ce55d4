import AllocatorCore
import MachineCore
import MasterCore
import MesosAPI
import Model
import OrderedCollections
import SwiftProtobuf
import Wire

/// Answers the operator API's reading calls out of the master's state.
struct MasterViews: Sendable {
    let masterInfo: Mesos_V1_MasterInfo
    let version: Mesos_V1_VersionInfo
    let startedSeconds: Double

    func serves(_ type: Mesos_V1_Master_Call.TypeEnum) -> Bool {
        switch type {
        case .getHealth, .getVersion, .getMaster, .getState, .getAgents, .getFrameworks, .getTasks,
            .getExecutors, .getRoles, .getOperations:
            true
        default: false
        }
    }

    func response(
        _ call: Mesos_V1_Master_Call, _ master: Master, _ now: Instant
    ) -> Mesos_V1_Master_Response {
        var response = Mesos_V1_Master_Response()
        switch call.type {
        case .getHealth:
            response.type = .getHealth
            response.getHealth.healthy = true
        case .getVersion:
            response.type = .getVersion
            response.getVersion.versionInfo = version
        case .getMaster:
            response.type = .getMaster
            response.getMaster.masterInfo = masterInfo
            if let id = master.ledger.clusterID { response.getMaster.masterInfo.id = id }
            response.getMaster.startTime = startedSeconds
            response.getMaster.electedTime = startedSeconds
        case .getState:
            response.type = .getState
            response.getState.getTasks = tasks(master)
            response.getState.getExecutors = executors(master)
            response.getState.getFrameworks = frameworks(master)
            response.getState.getAgents = agents(master)
        case .getAgents:
            response.type = .getAgents
            response.getAgents = agents(master)
        case .getFrameworks:
            response.type = .getFrameworks
            response.getFrameworks = frameworks(master)
        case .getTasks:
            response.type = .getTasks
            response.getTasks = tasks(master)
        case .getExecutors:
            response.type = .getExecutors
            response.getExecutors = executors(master)
        case .getRoles:
            response.type = .getRoles
            response.getRoles = roles(master)
        case .getOperations:
            response.type = .getOperations
            response.getOperations.operations = master.pendingOperations.map {
                Mesos_V1_Operation($0.operation, agent: $0.agent, state: .pending)
            }
        default: break
        }
        return response
    }

    private func agents(_ master: Master) -> Mesos_V1_Master_Response.GetAgents {
        var answer = Mesos_V1_Master_Response.GetAgents()
        for view in master.agentViews where view.agent != nil {
            var description = view.row.description
            description.id = view.row.id
            guard !view.isRecovered else {
                answer.recoveredAgents.append(Mesos_V1_AgentInfo(description))
                continue
            }
            answer.agents.append(agent(AgentListing(view)))
        }
        return answer
    }

    func agent(_ listing: AgentListing) -> Mesos_V1_Master_Response.GetAgents.Agent {
        var description = listing.row.description
        description.id = listing.row.id
        var agent = Mesos_V1_Master_Response.GetAgents.Agent()
        agent.agentInfo = Mesos_V1_AgentInfo(description)
        agent.active = listing.isActive
        agent.deactivated = false
        agent.version = description.version
        agent.pid = "slave(1)@\(description.address):\(description.port)"
        agent.registeredTime.nanoseconds = listing.row.registeredNanoseconds
        if let again = listing.reregisteredNanoseconds {
            agent.reregisteredTime.nanoseconds = again
        }
        agent.totalResources = Mesos_V1_Resource.list(listing.total, form: .endpoint)
        agent.allocatedResources = Mesos_V1_Resource.list(listing.allocated, form: .endpoint)
        agent.offeredResources = Mesos_V1_Resource.list(listing.offered, form: .endpoint)
        agent.capabilities = Self.agentCapabilities
        return agent
    }

    /// What every agent of ours can do, in Mesos's words.
    private static let agentCapabilities: [Mesos_V1_AgentInfo.Capability] = {
        let types: [Mesos_V1_AgentInfo.Capability.TypeEnum] = [
            .multiRole, .hierarchicalRole, .reservationRefinement, .resourceProvider,
            .resizeVolume, .agentOperationFeedback,
        ]
        return types.map { type in
            var capability = Mesos_V1_AgentInfo.Capability()
            capability.type = type
            return capability
        }
    }()

    private func frameworks(_ master: Master) -> Mesos_V1_Master_Response.GetFrameworks {
        var answer = Mesos_V1_Master_Response.GetFrameworks()
        answer.frameworks = master.activeFrameworks.map { framework($0, master) }
        answer.completedFrameworks = master.removedFrameworks.map { framework($0, master) }
        return answer
    }

    private func framework(
        _ framework: MasterFramework, _ master: Master
    ) -> Mesos_V1_Master_Response.GetFrameworks.Framework {
        var answer = Mesos_V1_Master_Response.GetFrameworks.Framework()
        var description = framework.description
        description.id = framework.id
        answer.frameworkInfo = Mesos_V1_FrameworkInfo(description)
        answer.active = framework.isConnected && !framework.isEnding
        answer.connected = framework.isConnected
        answer.recovered = framework.isRecovered
        answer.registeredTime.nanoseconds = framework.registeredNanoseconds
        answer.reregisteredTime.nanoseconds =
            framework.reregisteredNanoseconds ?? framework.registeredNanoseconds
        if framework.isEnding, let ended = framework.disconnectedNanoseconds {
            answer.unregisteredTime.nanoseconds = ended
        }
        var allocated = Resources()
        for task in framework.sortedTasks { allocated.add(task.booked) }
        for (_, executor) in framework.sortedExecutors { allocated.add(executor.booked) }
        answer.allocatedResources = Mesos_V1_Resource.list(allocated, form: .endpoint)
        var offered = Resources()
        for id in framework.offers.sorted() {
            guard let offer = master.offers[id] else { continue }
            offered.add(offer.resources)
            guard let agent = master.agentView(offer.agent)?.row.description else { continue }
            answer.offers.append(
                Mesos_V1_Offer(
                    id: offer.id, framework: offer.framework, role: offer.role, agent: agent,
                    agentID: offer.agent, resources: offer.resources,
                    executors: framework.executors(on: offer.agent), form: .postRefinement))
        }
        answer.offeredResources = Mesos_V1_Resource.list(offered, form: .endpoint)
        answer.offerConstraints = Mesos_V1_Scheduler_OfferConstraints()
        return answer
    }

    private func tasks(_ master: Master) -> Mesos_V1_Master_Response.GetTasks {
        var answer = Mesos_V1_Master_Response.GetTasks()
        for framework in master.activeFrameworks + master.removedFrameworks {
            answer.tasks += framework.sortedTasks.map(task)
            answer.unreachableTasks += framework.unreachableTasks.values.map(task)
            answer.completedTasks += framework.completedTasks.map(task)
        }
        return answer
    }

    func task(_ task: MasterTask) -> Mesos_V1_Task {
        Mesos_V1_Task(
            task.description, framework: task.framework, executor: task.executor,
            state: task.toldState, updates: task.statuses)
    }

    private func executors(_ master: Master) -> Mesos_V1_Master_Response.GetExecutors {
        var answer = Mesos_V1_Master_Response.GetExecutors()
        for framework in master.activeFrameworks {
            for (key, executor) in framework.sortedExecutors {
                var entry = Mesos_V1_Master_Response.GetExecutors.Executor()
                entry.executorInfo = Mesos_V1_ExecutorInfo(executor.description)
                entry.executorInfo.frameworkID.value = framework.id.value
                entry.agentID.value = key.agent.value
                answer.executors.append(entry)
            }
        }
        return answer
    }

    private func roles(_ master: Master) -> Mesos_V1_Master_Response.GetRoles {
        var answer = Mesos_V1_Master_Response.GetRoles()
        answer.roles = master.roleViews.map { view in
            var role = Mesos_V1_Role()
            role.name = view.name
            role.weight = 1
            role.frameworks = view.frameworks.map { id in
                var message = Mesos_V1_FrameworkID()
                message.value = id.value
                return message
            }
            var held = view.allocated
            held.add(view.offered)
            let reserved = view.reserved.adding(held)
            var sums = Resources()
            for resource in reserved { sums.add(Resource(resource.name, resource.value)) }
            role.resources = Mesos_V1_Resource.list(sums, form: .postRefinement)
            return role
        }
        return answer
    }

    func volumes(_ master: Master) -> [Mesos_V1_Master_Response.ListVolumes.Volume] {
        master.volumeRows.map { volume($0, master) }
    }

    func volume(
        _ row: VolumeRow, _ master: Master, withResource: Bool = true
    ) -> Mesos_V1_Master_Response.ListVolumes.Volume {
        let listing = VolumeListing(row: row, agentState: master.absence(of: row.agent))
        var volume = volume(listing, withResource: withResource)
        if master.isProtected(row) { volume.protected = true }
        return volume
    }

    func reservations(
        _ master: Master, _ now: Instant
    ) -> [Mesos_V1_Master_Response.ListReservations.Reservation] {
        master.reservationViews.map { reservation($0, master, now) }
    }

    func reservation(
        _ view: ReservationView, _ master: Master, _ now: Instant
    ) -> Mesos_V1_Master_Response.ListReservations.Reservation {
        reservation(
            ReservationListing(
                row: view.row, resources: view.resources,
                agentState: master.absence(of: view.row.agent)),
            lease: master.leaseView(of: view.row, at: now))
    }

    func reservation(
        _ view: ReservationListing, lease: LeaseView? = nil
    ) -> Mesos_V1_Master_Response.ListReservations.Reservation {
        var answer = Mesos_V1_Master_Response.ListReservations.Reservation()
        answer.uuid = view.row.uuid.value
        answer.agentID.value = view.row.agent.value
        answer.resources = Mesos_V1_Resource.list(view.resources, form: .postRefinement)
        answer.reservations = view.row.stack.map { Mesos_V1_Resource.ReservationInfo($0) }
        if let framework = view.row.framework { answer.frameworkID.value = framework.value }
        answer.created.nanoseconds = view.row.createdNanoseconds
        if let state = view.agentState { answer.agentState = state }
        if let lease { answer.lease = .init(lease) }
        return answer
    }

    func volume(
        _ listing: VolumeListing, withResource: Bool = true
    ) -> Mesos_V1_Master_Response.ListVolumes.Volume {
        let row = listing.row
        var volume = Mesos_V1_Master_Response.ListVolumes.Volume()
        volume.uuid = row.volume.uuid.value
        volume.agentID.value = row.agent.value
        if withResource {
            volume.resource = Mesos_V1_Resource(row.volume.resource, form: .postRefinement)
        }
        if let framework = row.volume.framework { volume.frameworkID.value = framework.value }
        if let principal = row.volume.principal { volume.principal = principal }
        volume.created.nanoseconds = row.volume.createdNanoseconds
        volume.state = row.state
        LifecycleViews.add(row, to: &volume)
        if let limits = row.volume.resource.disk?.limits { volume.limits = .init(limits) }
        volume.bookedBytes = bytes(row.volume.resource.amount)
        if let state = listing.agentState { volume.agentState = state }
        if let use = row.lastUse { volume.set(use) }
        guard let report = row.report else { return volume }
        volume.backend = report.backend
        volume.enforcement = report.enforcement.rawValue
        volume.growsWhileMounted = report.growsWhileMounted
        if let usable = report.usableBytes { volume.usableBytes = usable }
        if let used = report.usedBytes { volume.usedBytes = used }
        return volume
    }

    /// An amount of disk in MiB thousandths as bytes, rounded down.
    private func bytes(_ amount: Amount) -> Int64 {
        amount.thousandths / 1000 * 1_048_576 + amount.thousandths % 1000 * 1_048_576 / 1000
    }
}

extension Mesos_V1_Master_Response.ListVolumes.Volume {
    fileprivate mutating func set(_ use: VolumeUse) {
        lastFrameworkID.value = use.task.framework.value
        lastTaskID.value = use.task.task.value
        lastTaskName = use.name
        usedSince.nanoseconds = use.sinceNanoseconds
        if let until = use.untilNanoseconds { usedUntil.nanoseconds = until }
    }
}
