import MachineCore
import MasterCore
import MesosAPI
import Model

extension Mesos_V1_Master_ReservationLease {
    init(_ view: LeaseView) {
        self.init()
        duration.nanoseconds = view.lease.milliseconds * 1_000_000
        renewed.nanoseconds = view.lease.renewedNanoseconds
        ends.nanoseconds = view.end.nanoseconds
        left.nanoseconds = view.left.nanoseconds
        isExpired = view.left == .zero
    }
}
