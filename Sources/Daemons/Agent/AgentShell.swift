import AgentCore
import Logging
import MesosAPI
import Model
import Net
import Synchronization
import Wire

/// Does what the agent decides: records into its journal, work on volumes and containers, messages.
struct AgentShell: MachineShell {
    let journal: AgentJournal
    /// The directory whose disk must have room before anything new starts.
    let workDirectory: String
    let volumes: AgentVolumes
    let containers: AgentContainers
    let checks: AgentChecks
    let streams: EventStreams
    let answers: Pending<Refusal?>
    let master: MasterLink
    let logger: Logger
    let send: @Sendable (Agent.Event) -> Void
    let exit: @Sendable (String) -> Void

    func persist(_ actions: [Agent.Action]) throws { try journal.persist(actions) }

    func isRecord(_ action: Agent.Action) -> Bool { action.isRecord }

    func perform(_ action: Agent.Action) {
        switch action {
        case .store, .compactJournal: break
        case .send(let message): master.send(message)
        case .reconnect(let reason):
            logger.warning("connecting anew", metadata: ["reason": "\(reason)"])
            master.reconnect()
        case .changeVolumes(let uuid, let changes):
            volumes.change(changes) { [send] failure in
                send(.volumesChanged(uuid, failure: failure))
            }
        case .eraseVolume(let uuid, let order):
            volumes.wipe(uuid, order) { [send, logger] failure in
                if let failure {
                    logger.error(
                        "a volume's data is not erased",
                        metadata: ["uuid": "\(uuid)", "error": "\(failure)"])
                }
                send(.volumeErased(uuid, failure: failure))
            }
        case .launchContainer(let launch): containers.launch(launch)
        case .updateContainer(let id, let resources, let mounts, let tasks):
            let held = AgentContainers.Held(resources: resources, volumes: mounts, tasks: tasks)
            containers.update(id, held) { [send, logger] failure in
                if let failure {
                    logger.warning(
                        "a container is not updated",
                        metadata: ["container": "\(id)", "error": "\(failure)"])
                }
                send(.containerUpdated(id, failure: failure))
            }
        case .signalContainer(let id, let signal): containers.signal(id, signal)
        case .removeContainer(let id): containers.remove(id)
        case .startChecks(let task, let container, let payload):
            checks.start(task, container, payload)
        case .stopChecks(let task): checks.stop(task)
        case .sendExecutorEvent(let stream, let event):
            streams.send(stream.number) { _ in ExecutorEvents.message(event) }
        case .refuseExecutorStream(let stream, let refusal):
            streams.send(stream.number) { _ in ExecutorEvents.message(.error(refusal.message)) }
            streams.close(stream.number)
        case .closeExecutorStream(let stream): streams.close(stream.number)
        case .answer(let request, let refusal): answers.answer(request.number, refusal)
        case .drop(let reason, let text):
            logger.debug("dropped", metadata: ["reason": "\(reason.rawValue)", "text": "\(text)"])
        case .exit(let reason): exit(reason)
        }
    }
}
