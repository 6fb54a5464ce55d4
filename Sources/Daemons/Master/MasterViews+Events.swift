import MachineCore
import MasterCore
import MesosAPI
import Model
import Wire

extension MasterViews {
    /// The first event of a stream.
    func subscribed(
        _ master: Master, _ wish: Inventories, _ now: Instant
    ) -> Mesos_V1_Master_Event {
        var call = Mesos_V1_Master_Call()
        call.type = .getState
        var event = Mesos_V1_Master_Event()
        event.type = .subscribed
        event.subscribed.getState = response(call, master, now).getState
        event.subscribed.heartbeatIntervalSeconds =
            Double(master.options.heartbeatMilliseconds) / 1000
        if wish.contains(.volumes) { event.subscribed.listVolumes.volumes = volumes(master) }
        if wish.contains(.reservations) {
            event.subscribed.listReservations.reservations = reservations(master, now)
        }
        return event
    }

    func message(_ event: OperatorEvent) -> Mesos_V1_Master_Event {
        var message = Mesos_V1_Master_Event()
        switch event {
        case .heartbeat: message.type = .heartbeat
        case .taskAdded(let added):
            message.type = .taskAdded
            message.taskAdded.task = task(added)
        case .taskUpdated(let update, let state):
            message.type = .taskUpdated
            message.taskUpdated.frameworkID.value = update.framework.value
            message.taskUpdated.status = Mesos_V1_TaskStatus(update, unreachableNanoseconds: nil)
            message.taskUpdated.status.clearData()
            message.taskUpdated.state = Mesos_V1_TaskState(state)
        case .framework(.added, let listing):
            message.type = .frameworkAdded
            message.frameworkAdded.framework = framework(listing)
        case .framework(.updated, let listing):
            message.type = .frameworkUpdated
            message.frameworkUpdated.framework = framework(listing)
        case .framework(.removed, let listing):
            message.type = .frameworkRemoved
            message.frameworkRemoved.frameworkInfo = Mesos_V1_FrameworkInfo(listing.description)
        case .agentAdded(let listing):
            message.type = .agentAdded
            message.agentAdded.agent = agent(listing)
        case .agentRemoved(let id):
            message.type = .agentRemoved
            message.agentRemoved.agentID.value = id.value
        case .volume(let change, let listing): set(change, volume(listing), &message)
        case .reservation(let change, let listing): set(change, reservation(listing), &message)
        case .usageAlarm(let agent, let alarm):
            message.type = .usageAlarm
            message.usageAlarm = Mesos_V1_Master_Event.UsageAlarm(alarm, of: agent)
        }
        return message
    }

    private func set(
        _ change: OperatorEvent.Change, _ row: Mesos_V1_Master_Response.ListVolumes.Volume,
        _ message: inout Mesos_V1_Master_Event
    ) {
        var changed = Mesos_V1_Master_Event.VolumeChanged()
        changed.volume = row
        switch change {
        case .added:
            message.type = .volumeAdded
            message.volumeAdded = changed
        case .updated:
            message.type = .volumeUpdated
            message.volumeUpdated = changed
        case .removed:
            message.type = .volumeRemoved
            message.volumeRemoved = changed
        }
    }

    private func set(
        _ change: OperatorEvent.Change,
        _ row: Mesos_V1_Master_Response.ListReservations.Reservation,
        _ message: inout Mesos_V1_Master_Event
    ) {
        var changed = Mesos_V1_Master_Event.ReservationChanged()
        changed.reservation = row
        switch change {
        case .added:
            message.type = .reservationAdded
            message.reservationAdded = changed
        case .updated:
            message.type = .reservationUpdated
            message.reservationUpdated = changed
        case .removed:
            message.type = .reservationRemoved
            message.reservationRemoved = changed
        }
    }

    private func framework(
        _ listing: FrameworkListing
    ) -> Mesos_V1_Master_Response.GetFrameworks.Framework {
        var answer = Mesos_V1_Master_Response.GetFrameworks.Framework()
        answer.frameworkInfo = Mesos_V1_FrameworkInfo(listing.description)
        answer.active = listing.isConnected
        answer.connected = listing.isConnected
        answer.recovered = listing.isRecovered
        answer.registeredTime.nanoseconds = listing.registeredNanoseconds
        answer.reregisteredTime.nanoseconds =
            listing.reregisteredNanoseconds ?? listing.registeredNanoseconds
        answer.unregisteredTime.nanoseconds = 0
        return answer
    }
}
