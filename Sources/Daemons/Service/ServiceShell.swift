import Model
import Registry
import ServiceCore

/// Does what the service scheduler decides: rows into its registry, calls to the master in order,
/// growths beside them.
struct ServiceShell: MachineShell {
    typealias Event = ServiceScheduler.Event

    let registry: any RegistryStore
    let answers: Pending<ServiceAnswer>
    let calls: SchedulerConnection
    let grower: VolumeGrower
    let host: MachineHost<ServiceScheduler>

    /// The row of the framework's id in the `meta` bucket.
    static let frameworkKey = "framework_id"

    func persist(_ actions: [ServiceAction]) throws {
        let changes = actions.compactMap { action -> RegistryChange? in
            switch action {
            case .store(let row):
                RegistryChange(
                    bucket: .services, key: row.spec.name, value: ServiceRows.bytes(row))
            case .storeFramework(let id):
                RegistryChange(
                    bucket: .meta, key: Self.frameworkKey, value: Array(id.value.utf8))
            case .forget(let name): RegistryChange(bucket: .services, key: name, value: nil)
            case .accept, .decline, .revive, .suppress, .kill, .acknowledge, .reconcile, .grow,
                .answer:
                nil
            }
        }
        if !changes.isEmpty { try registry.commit(changes) }
    }

    func isRecord(_ action: ServiceAction) -> Bool {
        switch action {
        case .store, .storeFramework, .forget: true
        case .accept, .decline, .revive, .suppress, .kill, .acknowledge, .reconcile, .grow,
            .answer:
            false
        }
    }

    func perform(_ action: ServiceAction) {
        switch action {
        case .store, .storeFramework, .forget: break
        case .answer(let request, let answer): answers.answer(request.value, answer)
        case .accept(let offer, let steps): calls.send(.accept(offer, steps))
        case .decline(let offers, let milliseconds): calls.send(.decline(offers, milliseconds))
        case .revive(let roles): calls.send(.revive(roles))
        case .suppress(let roles): calls.send(.suppress(roles))
        case .kill(let task, let agent): calls.send(.kill(task, agent))
        case .acknowledge(let update): calls.send(.acknowledge(update))
        case .reconcile(let tasks): calls.send(.reconcile(tasks))
        case .grow(let growth):
            if !grower.begin(growth) {
                host.send(.growthEnded(growth.id, .refused("too many volumes grow already")))
            }
        }
    }
}
