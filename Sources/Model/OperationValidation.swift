/// Who asks for an operation, with what the stateless rules depend on.
package enum OperationCaller: Equatable, Sendable {
    /// `principal` is nil without authentication.
    case `operator`(principal: String?)
    /// `allocationRole` is the role that the accepted offers came under.
    case framework(
        roles: [String], allocationRole: String, principal: String?,
        capabilities: FrameworkDescription.Capabilities)

    package var principal: String? {
        switch self {
        case .operator(let principal), .framework(_, _, let principal, _): principal
        }
    }
}

extension OfferOperation.Kind {
    /// The rules that need no cluster state. An allocation role may still be absent from a
    /// framework's resources; the master fills it in. Of launches only the operator's are refused
    /// here; tasks have rules of their own.
    package func validate(by caller: OperationCaller) throws(Refusal) {
        switch self {
        case .reserve(let resources, let source):
            try Self.validateList(resources, by: caller)
            if source.isEmpty {
                try Self.validateReserve(resources, by: caller)
            } else {
                try Self.validateList(source, by: caller)
                try Self.validateReserve(resources, replacing: source, by: caller)
            }
        case .unreserve(let resources):
            try Self.validateList(resources, by: caller)
            try Self.validateUnreserve(resources)
        case .create(let volumes):
            try Self.validateList(volumes, by: caller)
            try Self.validateCreate(volumes, by: caller)
        case .destroy(let volumes):
            try Self.validateList(volumes, by: caller)
            for volume in volumes { try Self.validateIsVolume(volume) }
        case .grow(let volume, let addition):
            guard addition.amount > .zero else {
                throw Refusal(
                    .invalid,
                    "The size of 'GrowVolume.addition' field must be greater than zero")
            }
            try Self.validateList([volume, addition], by: caller)
            try Self.validateGrow(volume, addition)
        case .shrink(let volume, let subtract):
            try Self.validateList([volume], by: caller)
            try Self.validateShrink(volume, subtract)
        case .launch, .launchGroup:
            if case .operator = caller {
                throw Refusal(.invalid, "an operator cannot launch tasks")
            }
        case .refused(let refusal):
            throw refusal
        }
    }

    /// The rules of every list: something is in it, each resource is valid, all of one provider,
    /// and held under the caller's role.
    private static func validateList(
        _ resources: [Resource], by caller: OperationCaller
    ) throws(Refusal) {
        guard let first = resources.first else {
            throw Refusal(.invalid, "Invalid resources: no resources are given")
        }
        for resource in resources {
            try resource.validate()
            guard resource.providerID == first.providerID else {
                throw Refusal(
                    .invalid, "Invalid resources: The resources have multiple resource providers")
            }
            guard let role = resource.allocationRole else { continue }
            switch caller {
            case .operator:
                throw Refusal(
                    .invalid, "Invalid resources: 'allocation_info' is for offered resources only")
            case .framework(_, let allocationRole, _, _):
                guard role == allocationRole else {
                    throw Refusal(
                        .invalid,
                        "Invalid resources: \(resource.detailedText) is not allocated to role"
                            + " '\(allocationRole)'")
                }
            }
        }
    }

    private static func validateIsVolume(_ resource: Resource) throws(Refusal) {
        guard resource.disk != nil else {
            throw Refusal(
                .invalid,
                "Not a persistent volume: Resource \(resource.detailedText)"
                    + " does not have DiskInfo")
        }
        guard resource.isPersistentVolume else {
            throw Refusal(
                .invalid,
                "Not a persistent volume: 'persistence' is not set in DiskInfo")
        }
    }

    private static func validateUnreserve(_ resources: [Resource]) throws(Refusal) {
        for resource in resources {
            guard resource.isDynamicallyReserved else { throw .notDynamicallyReserved(resource) }
            guard !resource.isPersistentVolume else {
                throw Refusal(
                    .invalid,
                    "A dynamically reserved persistent volume \(resource.detailedText) cannot be"
                        + " unreserved directly. Please destroy the persistent volume first then"
                        + " unreserve the resource")
            }
        }
    }

    private static func validateCreate(
        _ volumes: [Resource], by caller: OperationCaller
    ) throws(Refusal) {
        var names: Set<VolumeName> = []
        for volume in volumes {
            try validateIsVolume(volume)
            guard volume.disk?.volume?.mode == .readWrite else {
                throw Refusal(
                    .invalid,
                    "Not a persistent volume: Read-only persistent volume not supported")
            }
            if let principal = caller.principal {
                try validate(createdBy: volume.disk?.persistence?.principal, caller: principal)
            }
            if case .framework(_, _, _, let capabilities) = caller, volume.isShared,
                !capabilities.contains(.sharedResources)
            {
                throw Refusal(
                    .invalid,
                    "Create shared volume operation attempted by a framework without the"
                        + " SHARED_RESOURCES capability")
            }
            guard let name = volume.volumeName, names.insert(name).inserted else {
                throw .duplicatePersistenceID(of: volume)
            }
        }
    }

    private static func validate(
        createdBy principal: String?, caller: String
    ) throws(Refusal) {
        guard let principal else {
            throw Refusal(
                .invalid,
                "Create volume operation attempted by principal '\(caller)', but there is a volume"
                    + " in the operation with no principal set in 'disk.persistence'")
        }
        guard principal == caller else {
            throw Refusal(
                .invalid,
                "Create volume operation attempted by principal '\(caller)', but there is a volume"
                    + " in the operation with principal '\(principal)' in 'disk.persistence'")
        }
    }

    private static func validateGrow(_ volume: Resource, _ addition: Resource) throws(Refusal) {
        try validateIsVolume(volume)
        guard !volume.isShared else {
            throw Refusal(.invalid, "Growing a shared persistent volume is not supported")
        }
        guard volume.providerID == nil else {
            throw Refusal(
                .invalid, "Growing a volume from a resource provider is not supported")
        }
        let disk = ResourceKey(volume.withoutVolume.with(allocationRole: nil))
        guard disk.isDivisible, disk == ResourceKey(addition.with(allocationRole: nil)) else {
            throw Refusal(
                .invalid,
                "Incompatible resources in the 'GrowVolume.volume' and 'GrowVolume.addition' fields"
            )
        }
        guard volume.amount + addition.amount <= .largest else {
            throw Refusal(.invalid, "The grown volume would be too large")
        }
    }

    private static func validateShrink(_ volume: Resource, _ subtract: Amount) throws(Refusal) {
        try validateIsVolume(volume)
        guard subtract > .zero else {
            throw Refusal(
                .invalid, "Value of 'ShrinkVolume.subtract' must be greater than zero")
        }
        guard subtract < volume.amount else {
            throw Refusal(
                .invalid,
                "Value of 'ShrinkVolume.subtract' must be smaller than the size of"
                    + " 'ShrinkVolume.volume'")
        }
        guard volume.disk?.source?.kind != .mount else {
            throw Refusal(.invalid, "Shrinking a volume on a MOUNT disk is not supported")
        }
        guard !volume.isShared else {
            throw Refusal(.invalid, "Shrinking a shared persistent volume is not supported")
        }
        guard volume.providerID == nil else {
            throw Refusal(
                .invalid, "Shrinking a volume from a resource provider is not supported")
        }
    }
}

extension Refusal {
    static func duplicatePersistenceID(of volume: Resource) -> Refusal {
        Refusal(.invalid, "Persistence ID '\(volume.disk?.persistence?.id ?? "")' is not unique")
    }
}
