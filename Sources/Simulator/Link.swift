import MasterCore
import Model

/// A connection between an agent and the master: what was sent arrives in order or not at all.
struct Link {
    enum Item<Message> {
        case message(Message)
        /// The other side is gone; nothing follows.
        case closed
    }

    let agent: Int
    var toMaster: [Item<AgentMessage>] = []
    var toAgent: [Item<MasterMessage>] = []
    var isOpenAtMaster = true
    var isOpenAtAgent = true
}

/// A scheduler's event stream; it ends like a link.
struct EventStream {
    let framework: Int
    var toScheduler: [Link.Item<SchedulerEvent>] = []
    var isOpenAtMaster = true
    var isOpenAtScheduler = true
}

/// What may happen later.
enum Happening {
    case linkToMaster(ConnectionID)
    case linkToAgent(ConnectionID)
    case connect(agent: Int, life: Int)
    case volumeWork(agent: Int, life: Int, OperationUUID)
    case volumeReports(agent: Int, life: Int)
    case wipe(agent: Int, life: Int, VolumeUUID)
    /// A container's next step: it starts, ends, or its end is noticed.
    case container(agent: Int, boot: Int, ContainerID)
    /// A custom executor's next step.
    case executor(agent: Int, boot: Int, ContainerID)
    case containerUpdate(agent: Int, life: Int, ContainerID)
    case startMaster
    case startAgent(Int)
    case subscribe(framework: Int)
    case streamToScheduler(StreamID)
    case streamClosed(StreamID)
    case call(ScheduledCall)
    case schedulerStep(Int)
    case operatorStep
    case fault
    case storageBack(agent: Int, life: Int)
}

/// A scheduler's call on its way, over a connection of its own.
struct ScheduledCall {
    let framework: Int
    let id: FrameworkID
    let stream: String
    let call: SchedulerCall
    /// In the order in which its scheduler made them.
    let number: Int
}
