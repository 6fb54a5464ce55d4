import MachineCore
import Model
import OrderedCollections

// Growth of a volume under its running task.
//
//     resize --grow--> asked --grown--> booked, answered with no downtime
//                           \--needsIdleVolume--> the task is stopped, as for a reduction
//                            \--refused--> answered with the reason, nothing has changed
//
// The task may end and be launched again meanwhile, on the volume as it then is. After a restart of
// the scheduler nobody waits for the answer; asked again, the volume is found in its new size.

extension ServiceScheduler {
    /// Whether a resize is tried while the task runs: a growth of a volume on an agent that can be
    /// reached.
    func canGrowMounted(_ service: Service, from old: Amount, to new: Amount) -> Bool {
        guard new > old, service.row.placement?.task != nil else { return false }
        switch service.phase {
        case .launching, .running: return true
        case .waiting, .unreachable, .stopping, .resizing, .releasing, .idle: return false
        }
    }

    /// Asks for it; false: there is no such volume yet.
    mutating func growMounted(
        _ volume: String, of name: String, to size: Amount, into outbox: inout Outbox<Action>
    ) -> Bool {
        guard let placement = services[name]?.row.placement,
            let path = path(of: volume, in: name),
            let resource = placement.resources.first(where: {
                $0.isPersistentVolume && $0.disk?.volume?.containerPath == path
            })
        else { return false }
        let id = OperationID(generator.uuid())
        services[name]?.resize?.growth = id
        outbox.append(
            .grow(VolumeGrowth(id: id, agent: placement.agent, volume: resource, size: size)))
        return true
    }

    mutating func endGrowth(
        _ id: OperationID, _ outcome: GrowthOutcome, at now: Instant,
        into outbox: inout Outbox<Action>
    ) {
        guard let name = services.elements.first(where: { $0.value.resize?.growth == id })?.key
        else { return }
        services[name]?.resize?.growth = nil
        switch outcome {
        case .grown:
            finishResize(name, into: &outbox)
            let request = services[name]?.resize?.request
            services[name]?.resize = nil
            guard let request else { return }
            outbox.append(
                .answer(request, .resized(downtimeMilliseconds: 0, isGrownWhileMounted: true)))
        case .needsIdleVolume:
            stopForResize(name, at: now, into: &outbox)
        case .refused(let reason):
            failResize(name, reason, into: &outbox)
        }
    }

    /// The volume's size will change once its task has ended.
    mutating func stopForResize(
        _ name: String, at now: Instant, into outbox: inout Outbox<Action>
    ) {
        if services[name]?.row.placement?.task != nil {
            stop(name, at: now, into: &outbox)
        } else if services[name]?.resize?.stoppedAt == nil {
            services[name]?.resize?.stoppedAt = now
        }
        services[name]?.notBefore = nil
    }
}
