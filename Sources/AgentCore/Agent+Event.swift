package import Model

extension Agent {
    /// What happened to an agent.
    package enum Event: Equatable, Sendable {
        /// The first event, once in a process's life. `entropy` is fresh at each start.
        case started(entropy: [UInt64], StartReport)
        /// The deadline came.
        case ticked

        // The master.
        case masterConnected
        case masterDisconnected
        case masterSaid(MasterMessage)

        // Volumes.
        /// The answer to `changeVolumes`; a failure's text means that nothing was changed.
        case volumesChanged(OperationUUID, failure: String?)
        case volumeReported([VolumeReport])
        /// A volume or disk has crossed a threshold; comes once.
        case usageAlarmed(UsageAlarm)
        /// The answer to `eraseVolume`; nil: nothing of its data is left.
        case volumeErased(VolumeUUID, failure: String?)

        // Containers.
        /// The container runs; `status` is a serialized TaskStatus that holds its
        /// `container_status`.
        case containerStarted(ContainerID, status: Payload)
        /// It never ran, and nothing of it is left but its sandbox.
        case containerFailed(ContainerID, reason: String)
        case containerEnded(ContainerID, ContainerEnd)
        /// The answer to `updateContainer`; after a failure, nobody knows how much was done.
        case containerUpdated(ContainerID, failure: String?)
        /// A container used more disk than it has; `status` holds the `limitation`.
        case diskLimitReached(ContainerID, message: String, status: Payload)
        case checkChanged(TaskKey, CheckOutcome)

        // The executor API.
        /// An executor opened a stream; answered by its first event or by `refuseExecutorStream`.
        case executorSubscribed(
            ExecutorStreamID, FrameworkID, ExecutorID, unacknowledgedTasks: [TaskDescription],
            unacknowledgedUpdates: [StatusUpdate])
        /// Answered by `answer`.
        case executorCalled(ExecutorRequestID, FrameworkID, ExecutorID, ExecutorCall)
        case executorStreamClosed(ExecutorStreamID)

        /// Whether the work directory's disk is nearly full: nothing new starts then.
        case storageLow(Bool)

        var isFirst: Bool {
            if case .started = self { return true }
            return false
        }
    }
}
