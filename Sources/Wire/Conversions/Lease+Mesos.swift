package import MesosAPI
package import Model

extension Mesos_V1_Offer.Operation {
    /// The lease that a RESERVE asks for; whether it may be so long is the master's to say.
    var leaseMilliseconds: Int64? {
        type == .reserve && reserve.hasLease ? reserve.lease.nanoseconds / 1_000_000 : nil
    }
}

extension Mesos_V1_Master_Call {
    /// The lease that RESERVE_RESOURCES asks for.
    package var leaseMilliseconds: Int64? {
        type == .reserveResources && reserveResources.hasLease
            ? reserveResources.lease.nanoseconds / 1_000_000 : nil
    }
}

extension LeaseRenewal {
    package init(_ message: Mesos_V1_Scheduler_Call.RenewLease) {
        self.init(
            reservations: message.reservationUuids.map { ReservationUUID($0) },
            role: message.hasRole ? message.role : nil, .renew)
    }

    package init(_ message: Mesos_V1_Master_Call.RenewLease) {
        let change: Change =
            if message.remove {
                .remove
            } else if message.hasLease {
                .set(milliseconds: message.lease.nanoseconds / 1_000_000)
            } else {
                .renew
            }
        self.init(
            reservations: message.reservationUuids.map { ReservationUUID($0) },
            role: message.hasRole ? message.role : nil, change)
    }
}
