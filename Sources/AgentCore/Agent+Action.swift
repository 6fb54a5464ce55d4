package import Model

extension Agent {
    /// What the shell is to do for an agent.
    package enum Action: Equatable, Sendable {
        /// To the journal, before any later action leaves.
        case store(AgentRecord)
        /// Replaces the journal's whole content, atomically.
        case compactJournal([AgentRecord])

        /// To the master; dropped when there is no connection.
        case send(AgentMessage)
        /// Close the connection to the master and make a new one; and why.
        case reconnect(String)

        /// Do it on the disks, all or nothing, idempotent by the volumes' UUIDs, and answer with
        /// `volumesChanged`. Those of several operations overlap; they concern different volumes.
        case changeVolumes(OperationUUID, [VolumeChange])
        /// Discard or overwrite a volume's data, however long it takes; idempotent, and answered by
        /// `volumeErased`.
        case eraseVolume(VolumeUUID, EraseOrder)

        /// Answered by `containerStarted` or `containerFailed`, later by `containerEnded`.
        case launchContainer(ContainerLaunch)
        /// From now on a running executor's container holds these resources, its own among them,
        /// and of tasks' volumes exactly these; those that it was launched with stay. Idempotent;
        /// answered by `containerUpdated`, and the next one comes after that answer only. `tasks`:
        /// the TaskInfos of what it holds.
        case updateContainer(
            ContainerID, resources: [Resource], volumes: [VolumeMount], tasks: [Payload])
        /// Also while it starts: it must end soon. One that has ended is left alone.
        case signalContainer(ContainerID, ContainerSignal)
        /// Its end is in the journal: forget it; the sandbox stays for housekeeping.
        case removeContainer(ContainerID)
        /// Run the checks of a serialized TaskInfo and report with `checkChanged`.
        case startChecks(TaskKey, ContainerID, Payload)
        case stopChecks(TaskKey)

        /// The first one opens the response with status 200.
        case sendExecutorEvent(ExecutorStreamID, ExecutorEvent)
        /// Answers a SUBSCRIBE by an error; the stream is forgotten.
        case refuseExecutorStream(ExecutorStreamID, Refusal)
        case closeExecutorStream(ExecutorStreamID)
        /// Nil: 202 Accepted.
        case answer(ExecutorRequestID, Refusal?)

        /// A peer's message led to nothing; for the log and the counters.
        case drop(DropReason, String)
        /// End the process with this text; everything before is done.
        case exit(String)
    }

    /// Why a peer's message was dropped.
    package enum DropReason: String, Hashable, Sendable, CaseIterable {
        case notRegistered = "not_registered"
        case sequenceGap = "sequence_gap"
        case operationRepeated = "operation_repeated"
        case operationsTooMany = "operations_too_many"
        case taskUnknown = "task_unknown"
        case taskRepeated = "task_repeated"
        case tasksTooMany = "tasks_too_many"
        case updateUnknown = "update_unknown"
        case updatesTooMany = "updates_too_many"
        case executorUnknown = "executor_unknown"
        case executorNotSubscribed = "executor_not_subscribed"
        case frameworkUnknown = "framework_unknown"
        case containerUnknown = "container_unknown"
        case volumeWorkUnknown = "volume_work_unknown"
    }
}

extension Agent.Action {
    /// Whether it is made durable with the others of its batch.
    package var isRecord: Bool {
        switch self {
        case .store, .compactJournal: true
        case .send, .reconnect, .changeVolumes, .eraseVolume, .launchContainer, .updateContainer,
            .signalContainer, .removeContainer, .startChecks, .stopChecks, .sendExecutorEvent,
            .refuseExecutorStream, .closeExecutorStream, .answer, .drop, .exit:
            false
        }
    }
}
