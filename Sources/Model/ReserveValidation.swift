extension OfferOperation.Kind {
    /// RESERVE without source: pushes one dynamic reservation, which belongs to the caller.
    static func validateReserve(
        _ resources: [Resource], by caller: OperationCaller
    ) throws(Refusal) {
        for resource in resources {
            guard let reservation = resource.reservations.last, reservation.kind == .dynamic
            else { throw .notDynamicallyReserved(resource) }
            try validatePushed(reservation, by: caller)
            try validateFramework(resource, reservation, caller)
            guard !resource.isPersistentVolume else {
                throw Refusal(
                    .conflict,
                    "A persistent volume \(resource.detailedText) cannot be reserved again")
            }
        }
    }

    /// RESERVE with source: takes the stack of `source` down to what both have in common, and
    /// pushes the rest of the stack of `resources`, in one step.
    static func validateReserve(
        _ resources: [Resource], replacing source: [Resource], by caller: OperationCaller
    ) throws(Refusal) {
        guard case .operator = caller else {
            throw Refusal(.invalid, "'source' of RESERVE is for operators only")
        }
        let old = source.first?.reservations ?? []
        let new = resources.first?.reservations ?? []
        guard source.allSatisfy({ $0.reservations == old }) else {
            throw Refusal(.invalid, "The 'source' resources must all have the same reservations")
        }
        guard resources.allSatisfy({ $0.reservations == new }) else {
            throw Refusal(.invalid, "The resources must all have the same reservations")
        }
        for resource in source + resources where resource.isPersistentVolume {
            throw Refusal(
                .invalid, "A persistent volume \(resource.detailedText) cannot be reserved again")
        }
        let pieces = ResourceConversion(
            consumed: Resources(source), converted: Resources(resources))
        guard pieces.isConserving else {
            throw Refusal(.invalid, "'source' and the resources must have the same quantities")
        }
        let common = zip(old, new).prefix { $0 == $1 }.count
        guard common < new.count || common < old.count else {
            throw Refusal(.invalid, "'source' and the resources have the same reservations")
        }
        guard old.dropFirst(common).allSatisfy({ $0.kind == .dynamic }),
            new.dropFirst(common).allSatisfy({ $0.kind == .dynamic })
        else {
            throw Refusal(.invalid, "A STATIC reservation can be neither made nor taken away")
        }
        for reservation in new.dropFirst(common) {
            try validatePushed(reservation, by: caller)
        }
    }

    private static func validatePushed(
        _ reservation: Reservation, by caller: OperationCaller
    ) throws(Refusal) {
        guard let principal = caller.principal else { return }
        guard let owner = reservation.principal else {
            throw Refusal(
                .invalid,
                "A reserve operation was attempted by principal '\(principal)', but there is a"
                    + " reserved resource in the request with no principal set")
        }
        guard owner == principal else {
            throw Refusal(
                .invalid,
                "A reserve operation was attempted by authenticated principal '\(principal)',"
                    + " which does not match a reserved resource in the request with principal"
                    + " '\(owner)'")
        }
    }

    private static func validateFramework(
        _ resource: Resource, _ reservation: Reservation, _ caller: OperationCaller
    ) throws(Refusal) {
        guard case .framework(let roles, let allocationRole, _, let capabilities) = caller else {
            return
        }
        guard reservation.role == allocationRole else {
            throw Refusal(
                .invalid,
                "A reserve operation was attempted for a resource with role"
                    + " '\(reservation.role)', but the resource was allocated to role"
                    + " '\(allocationRole)'")
        }
        guard roles.contains(reservation.role) else {
            throw Refusal(
                .invalid,
                "A reserve operation was attempted for a resource with role"
                    + " '\(reservation.role)', but the framework can only reserve resources with"
                    + " its own roles")
        }
        guard
            resource.reservations.count == 1 || capabilities.contains(.reservationRefinement)
        else {
            throw Refusal(
                .invalid,
                "A reserve operation was attempted for a refined reservation by a framework"
                    + " without the RESERVATION_REFINEMENT capability")
        }
    }
}
