package import MesosAPI
package import Model

extension OfferOperation {
    /// One step of an ACCEPT. Throws `invalid`, in Mesos's words where it has some, for a step that
    /// has no meaning; whether it may be done is for `validate` and the master.
    package init(_ message: Mesos_V1_Offer.Operation) throws(Refusal) {
        let id = message.hasID ? OperationID(message.id.value) : nil
        let name = message.type.name
        guard message.hasType, message.hasBody else {
            throw Refusal(.invalid, "Expecting '\(name.lowercased())' to be present")
        }
        self.init(id: id, try Kind(message))
    }

    /// Reads a list; the first wrong one is told.
    package static func list(
        _ messages: [Mesos_V1_Offer.Operation]
    ) throws(Refusal) -> [OfferOperation] {
        var operations: [OfferOperation] = []
        for message in messages { operations.append(try OfferOperation(message)) }
        return operations
    }
}

extension OfferOperation.Kind {
    fileprivate init(_ message: Mesos_V1_Offer.Operation) throws(Refusal) {
        switch message.type {
        case .reserve:
            self = .reserve(
                try Resource.list(message.reserve.resources),
                source: try Resource.list(message.reserve.source))
        case .unreserve: self = .unreserve(try Resource.list(message.unreserve.resources))
        case .create: self = .create(try Resource.list(message.create.volumes))
        case .destroy: self = .destroy(try Resource.list(message.destroy.volumes))
        case .growVolume:
            self = .grow(
                volume: try Resource(message.growVolume.volume),
                addition: try Resource(message.growVolume.addition))
        case .shrinkVolume:
            self = .shrink(
                volume: try Resource(message.shrinkVolume.volume),
                subtract: try Amount(shrinkBy: message.shrinkVolume.subtract))
        case .launch: self = .launch(try TaskDescription.list(message.launch.taskInfos))
        case .launchGroup:
            self = .launchGroup(
                try ExecutorDescription(message.launchGroup.executor),
                try TaskDescription.list(message.launchGroup.taskGroup.tasks))
        case .createDisk, .destroyDisk, .unknown: self = .unsupported(message.type.name)
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
        case .unknown: !hasType
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
        default: "type"
        }
    }
}
