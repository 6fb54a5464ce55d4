package import MesosAPI
package import Model

extension OfferOperation {
    /// One step of an ACCEPT. What has no meaning in it is kept as a refusal or a task's fault, in
    /// Mesos's words where it has some: the master answers it alone and does the other steps.
    package init(_ message: Mesos_V1_Offer.Operation) {
        self.init(
            id: message.hasID ? OperationID(message.id.value) : nil, Kind(message),
            leaseMilliseconds: message.leaseMilliseconds)
    }

    /// A step of a transaction: all that it names is done or nothing, so it names one operation.
    package init(step message: Mesos_V1_Offer.Operation) {
        self.init(message)
        guard message.bodies > 1 else { return }
        kind = .refused(
            Refusal(
                .invalid,
                "it has the fields of \(message.bodies) operations: make a step of each"))
    }
}

extension OfferOperation.Kind {
    fileprivate init(_ message: Mesos_V1_Offer.Operation) {
        do throws(Refusal) {
            self = try Self.read(message)
        } catch {
            self = .refused(error)
        }
    }

    private static func read(_ message: Mesos_V1_Offer.Operation) throws(Refusal) -> Self {
        let name = message.type.name
        guard message.hasBody else {
            throw Refusal(
                .invalid,
                "A \(name) offer operation must have the Offer.Operation.\(name.lowercased())"
                    + " field set.")
        }
        switch message.type {
        case .reserve:
            return .reserve(
                try Resource.list(message.reserve.resources),
                source: try Resource.list(message.reserve.source))
        case .unreserve: return .unreserve(try Resource.list(message.unreserve.resources))
        case .create: return .create(try Resource.list(message.create.volumes))
        case .destroy: return .destroy(try Resource.list(message.destroy.volumes))
        case .growVolume:
            return .grow(
                volume: try Resource(message.growVolume.volume),
                addition: try Resource(message.growVolume.addition))
        case .shrinkVolume:
            return .shrink(
                volume: try Resource(message.shrinkVolume.volume),
                subtract: try Amount(shrinkBy: message.shrinkVolume.subtract))
        case .launch: return .launch(message.launch.taskInfos.map(TaskDescription.init(offered:)))
        case .launchGroup: return group(message.launchGroup)
        case .createDisk, .destroyDisk:
            throw Refusal(.invalid, "operation \(name) is not supported")
        case .transact:
            throw Refusal(.invalid, "TRANSACT is a call of its own, and no operation of another")
        case .unknown: throw Refusal(.invalid, "Unknown operation type")
        }
    }

    /// An executor without meaning is a fault of each of its tasks.
    private static func group(_ message: Mesos_V1_Offer.Operation.LaunchGroup) -> Self {
        var tasks = message.taskGroup.tasks.map(TaskDescription.init(offered:))
        do throws(Refusal) {
            return .launchGroup(try ExecutorDescription(message.executor), tasks)
        } catch {
            for index in tasks.indices where tasks[index].fault == nil {
                tasks[index].fault = error
            }
            let id = ExecutorID(message.executor.executorID.value)
            return .launchGroup(ExecutorDescription(id: id, kind: .custom), tasks)
        }
    }

    /// What an operator's call asks for; nil for a call that is no operation.
    package init?(_ call: Mesos_V1_Master_Call) throws(Refusal) {
        switch call.type {
        case .reserveResources:
            self = .reserve(
                try Resource.list(call.reserveResources.resources),
                source: try Resource.list(call.reserveResources.source))
        case .unreserveResources:
            self = .unreserve(try Resource.list(call.unreserveResources.resources))
        case .createVolumes: self = .create(try Resource.list(call.createVolumes.volumes))
        case .destroyVolumes: self = .destroy(try Resource.list(call.destroyVolumes.volumes))
        case .growVolume:
            self = .grow(
                volume: try Resource(call.growVolume.volume),
                addition: try Resource(call.growVolume.addition))
        case .shrinkVolume:
            self = .shrink(
                volume: try Resource(call.shrinkVolume.volume),
                subtract: try Amount(shrinkBy: call.shrinkVolume.subtract))
        default: return nil
        }
    }

    /// The agent that an operator's operation is for.
    package static func agent(of call: Mesos_V1_Master_Call) -> AgentID {
        let id =
            switch call.type {
            case .reserveResources: call.reserveResources.agentID
            case .unreserveResources: call.unreserveResources.agentID
            case .createVolumes: call.createVolumes.agentID
            case .destroyVolumes: call.destroyVolumes.agentID
            case .growVolume: call.growVolume.agentID
            case .shrinkVolume: call.shrinkVolume.agentID
            default: Mesos_V1_AgentID()
            }
        return AgentID(id.value)
    }
}

extension Amount {
    fileprivate init(shrinkBy message: Mesos_V1_Value.Scalar) throws(Refusal) {
        guard let amount = Amount(message.value) else {
            let rule = message.value > 0 ? "is too large" : "must be greater than zero"
            throw Refusal(.invalid, "Value of 'ShrinkVolume.subtract' \(rule)")
        }
        self = amount
    }
}

extension Mesos_V1_Offer.Operation {
    /// How many operations it describes.
    package var bodies: Int {
        [
            hasLaunch, hasLaunchGroup, hasReserve, hasUnreserve, hasCreate, hasDestroy,
            hasGrowVolume, hasShrinkVolume, hasCreateDisk, hasDestroyDisk,
        ].count { $0 }
    }

    fileprivate var hasBody: Bool {
        switch type {
        case .launch: hasLaunch
        case .launchGroup: hasLaunchGroup
        case .reserve: hasReserve
        case .unreserve: hasUnreserve
        case .create: hasCreate
        case .destroy: hasDestroy
        case .growVolume: hasGrowVolume
        case .shrinkVolume: hasShrinkVolume
        case .createDisk: hasCreateDisk
        case .destroyDisk: hasDestroyDisk
        case .transact, .unknown: true
        }
    }
}

extension Mesos_V1_Offer.Operation.TypeEnum {
    package init(_ type: OperationType) {
        switch type {
        case .reserve: self = .reserve
        case .unreserve: self = .unreserve
        case .create: self = .create
        case .destroy: self = .destroy
        case .grow: self = .growVolume
        case .shrink: self = .shrinkVolume
        case .transact: self = .transact
        }
    }

    /// Nil for what never reaches an agent's books.
    package var operationType: OperationType? {
        switch self {
        case .reserve: .reserve
        case .unreserve: .unreserve
        case .create: .create
        case .destroy: .destroy
        case .growVolume: .grow
        case .shrinkVolume: .shrink
        case .transact: .transact
        case .launch, .launchGroup, .createDisk, .destroyDisk, .unknown: nil
        }
    }

    /// As in the proto.
    fileprivate var name: String {
        if let operationType { return operationType.rawValue }
        return switch self {
        case .launch: "LAUNCH"
        case .launchGroup: "LAUNCH_GROUP"
        case .createDisk: "CREATE_DISK"
        case .destroyDisk: "DESTROY_DISK"
        default: "UNKNOWN"
        }
    }
}
