import MachineCore
import Model
import OrderedCollections

extension ServiceScheduler {
    /// Takes a task's state; only the placed task's counts, every update is acknowledged.
    mutating func receive(
        _ status: StatusUpdate, at now: Instant, into outbox: inout Outbox<Action>
    ) {
        defer { if status.uuid != nil { outbox.append(.acknowledge(status)) } }
        guard
            let name = services.elements.first(where: {
                $0.value.row.placement?.task == status.task
            })?.key,
            var service = services[name]
        else { return }
        service.state = status.state
        if let isHealthy = status.isHealthy { service.isHealthy = isHealthy }
        service.reconcileAt = service.phase == .stopping ? now + patience : nil
        switch status.state {
        case .running: started(&service, at: now, into: &outbox)
        case .unreachable, .unknown, .lost:
            service.phase = service.phase == .stopping ? .stopping : .unreachable
            service.message = "its agent is unreachable; the task may still run"
            service.reconcileAt = now + patience
        case .staging, .killing: break
        case .starting: establish(&service, into: &outbox)
        case .finished, .failed, .killed:
            service.row.placement?.isEstablished = true
            ended(&service, status, at: now, into: &outbox)
        case .error, .dropped, .gone, .goneByOperator:
            ended(&service, status, at: now, into: &outbox)
        }
        services[name] = service
        if status.state == .goneByOperator, service.row.goal != .running {
            forget(name, into: &outbox)
        }
    }

    /// From now on its volumes may hold data.
    private func establish(_ service: inout Service, into outbox: inout Outbox<Action>) {
        guard service.row.placement?.isEstablished == false else { return }
        service.row.placement?.isEstablished = true
        outbox.append(.store(service.row))
    }

    private func started(
        _ service: inout Service, at now: Instant, into outbox: inout Outbox<Action>
    ) {
        if service.phase != .stopping { service.phase = .running }
        if service.runningSince == nil { service.runningSince = now }
        if service.phase == .running { service.message = nil }
        establish(&service, into: &outbox)
        guard let resize = service.resize, resize.isResized else { return }
        service.resize = nil
        if let request = resize.request {
            let span = now - (resize.stoppedAt ?? now)
            outbox.append(
                .answer(request, .resized(downtimeMilliseconds: span.nanoseconds / 1_000_000)))
        }
    }

    /// The task has ended for certain: the service waits for its volumes to be offered again.
    private mutating func ended(
        _ service: inout Service, _ status: StatusUpdate, at now: Instant,
        into outbox: inout Outbox<Action>
    ) {
        let wasStopped = service.phase == .stopping
        service.row.placement?.task = nil
        service.phase = .waiting
        service.message = status.message ?? status.state.rawValue
        if let since = service.runningSince, now - since > .milliseconds(60_000) {
            service.backoff.reset()
        }
        service.runningSince = nil
        service.notBefore = wasStopped ? nil : now + service.backoff.next(&generator)
        service.resize?.stoppedAt = now
        if status.state == .goneByOperator {
            service.message = "its agent was marked gone; its volumes are lost with it"
        }
        outbox.append(.store(service.row))
    }

    /// An operation of a resize or a release has ended.
    mutating func end(
        _ id: OperationID, _ state: OperationState, message: String?, at now: Instant,
        into outbox: inout Outbox<Action>
    ) {
        for (name, service) in services {
            switch service.phase {
            case .resizing(id):
                services[name]?.phase = .waiting
                services[name]?.reconcileAt = nil
                if state == .finished {
                    finishResize(name, into: &outbox)
                } else if state.isTerminal {
                    failResize(name, message ?? state.rawValue, into: &outbox)
                }
            case .releasing(id):
                services[name]?.reconcileAt = nil
                if state == .finished {
                    released(name, into: &outbox)
                } else if state.isTerminal {
                    services[name]?.phase = .waiting
                    services[name]?.message = message
                    services[name]?.notBefore = now + .milliseconds(1_000)
                }
            case .waiting, .launching, .running, .unreachable, .stopping, .resizing, .releasing,
                .idle:
                break
            }
        }
    }

    /// Books the volume's new size.
    mutating func finishResize(_ name: String, into outbox: inout Outbox<Action>) {
        guard var service = services[name], let resize = service.resize,
            let index = service.row.spec.volumes.firstIndex(where: { $0.name == resize.volume })
        else { return }
        let path = service.row.spec.volumes[index].path
        service.row.spec.volumes[index].size = resize.size
        if let piece = service.row.placement?.resources.firstIndex(where: {
            $0.disk?.volume?.containerPath == path
        }) {
            service.row.placement?.resources[piece].value = .scalar(resize.size)
        }
        service.resize?.isResized = true
        // A task that died for want of space need not wait any longer.
        service.backoff.reset()
        service.notBefore = nil
        services[name] = service
        outbox.append(.store(service.row))
    }

    /// The service goes on with the old size.
    mutating func failResize(
        _ name: String, _ message: String, into outbox: inout Outbox<Action>
    ) {
        guard let resize = services[name]?.resize else { return }
        services[name]?.resize = nil
        services[name]?.surplus = resize.reserved
        services[name]?.message = "resize refused: \(message)"
        if let request = resize.request {
            outbox.append(.answer(request, .refused(Refusal(.conflict, message))))
        }
    }

    /// What was to be given back is given back: a service that keeps nothing is forgotten.
    mutating func released(_ name: String, into outbox: inout Outbox<Action>) {
        guard var service = services[name] else { return }
        service.row.placement?.resources.removeAll { !$0.isPersistentVolume }
        let isEmpty = service.row.placement?.resources.isEmpty ?? true
        if service.row.goal == .removed || isEmpty {
            forget(name, into: &outbox)
            return
        }
        service.phase = .idle
        services[name] = service
        outbox.append(.store(service.row))
    }

    mutating func forget(_ name: String, into outbox: inout Outbox<Action>) {
        services[name] = nil
        outbox.append(.forget(name))
    }
}
