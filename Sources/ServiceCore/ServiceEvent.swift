import MachineCore
package import Model

/// Names an open request of a client; the shell gives it and answers it.
package struct ServiceRequestID: Hashable, Sendable {
    package let value: UInt64

    package init(_ value: UInt64) { self.value = value }
}

/// An offer as far as the scheduler decides on it.
package struct ServiceOffer: Equatable, Sendable {
    package var id: OfferID
    package var agent: AgentID
    package var hostname: String
    package var role: String
    /// With their allocation role.
    package var resources: [Resource]

    package init(
        id: OfferID, agent: AgentID, hostname: String, role: String, resources: [Resource]
    ) {
        self.id = id
        self.agent = agent
        self.hostname = hostname
        self.role = role
        self.resources = resources
    }
}

/// What happened to the scheduler.
package enum ServiceEvent: Equatable, Sendable {
    case started(entropy: [UInt64], framework: FrameworkID?, rows: [ServiceRow])
    case ticked
    case subscribed(FrameworkID)
    case disconnected
    case offersReceived([ServiceOffer])
    case offerRescinded(OfferID)
    case statusReceived(StatusUpdate)
    case operationEnded(OperationID, OperationState, message: String?)
    case growthEnded(OperationID, GrowthOutcome)
    case requested(ServiceRequestID, ServiceRequest)
}

/// What a client of the scheduler asks for.
package enum ServiceRequest: Equatable, Sendable {
    /// Answered when the service is accepted, not when it runs.
    case deploy(ServiceSpec)
    case restart(String)
    /// `size` in MiB; answered when the service runs again, with the downtime. The volume may be
    /// left out where the service has only one.
    case resize(String, volume: String?, size: Amount)
    /// Ends the task and gives its reservations back; the volumes go only with `destroyVolumes`.
    case remove(String, destroyVolumes: Bool)
}

/// What the shell is to do.
package enum ServiceAction: Equatable, Sendable {
    case store(ServiceRow)
    case storeFramework(FrameworkID)
    case forget(String)
    case accept(OfferID, [ServiceStep])
    case decline([OfferID], refuseMilliseconds: Int64)
    /// Wants offers again, for these roles.
    case revive([String])
    case suppress([String])
    case kill(TaskID, AgentID)
    case acknowledge(StatusUpdate)
    case reconcile([ServiceTask])
    /// Makes a volume larger under its task, if it can be, as an operator; `growthEnded` follows.
    case grow(VolumeGrowth)
    case answer(ServiceRequestID, ServiceAnswer)
}

/// A volume that is to grow while it is mounted.
package struct VolumeGrowth: Equatable, Sendable {
    package var id: OperationID
    package var agent: AgentID
    /// As it was placed, without allocation; by now it may have another size.
    package var volume: Resource
    package var size: Amount

    package init(id: OperationID, agent: AgentID, volume: Resource, size: Amount) {
        self.id = id
        self.agent = agent
        self.volume = volume
        self.size = size
    }
}

/// What became of a growth under a running task.
package enum GrowthOutcome: Equatable, Sendable {
    case grown
    /// Nothing has changed; the volume does not grow while it is mounted.
    case needsIdleVolume
    /// Nothing has changed, and why.
    case refused(String)
}

/// A task to ask the master about.
package struct ServiceTask: Equatable, Sendable {
    package var task: TaskID
    package var agent: AgentID

    package init(task: TaskID, agent: AgentID) {
        self.task = task
        self.agent = agent
    }
}

/// One operation of an ACCEPT; the shell makes the messages.
package enum ServiceStep: Equatable, Sendable {
    case reserve([Resource])
    case unreserve([Resource], id: OperationID)
    case create([Resource])
    case destroy([Resource], id: OperationID)
    case grow(volume: Resource, addition: Resource, id: OperationID)
    case shrink(volume: Resource, subtract: Amount, id: OperationID)
    case launch(ServiceSpec, TaskID, AgentID, [Resource])
}

package enum ServiceAnswer: Equatable, Sendable {
    case accepted(String)
    /// A resize that is through, with the time that the task was not running.
    case resized(downtimeMilliseconds: Int64, isGrownWhileMounted: Bool = false)
    case refused(Refusal)
}
