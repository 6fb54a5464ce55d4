import MesosAPI
import Model

extension Mesos_V1_Master_Event.UsageAlarm {
    init(_ alarm: UsageAlarm, of agent: AgentID) {
        self.init()
        kind = alarm.kind
        text = alarm.text
        time.nanoseconds = alarm.nanoseconds
        agentID.value = agent.value
        volumes = alarm.volumes.map(\.value)
        if let id = alarm.persistenceID { persistenceID = id }
        if let role = alarm.role { self.role = role }
        if let bytes = alarm.usedBytes { usedBytes = UInt64(clamping: bytes) }
        if let bytes = alarm.limitBytes { limitBytes = UInt64(clamping: bytes) }
        if let percent = alarm.percent { self.percent = UInt32(clamping: percent) }
        if let seconds = alarm.fullInSeconds { fullInSeconds = UInt64(clamping: seconds) }
        if let seconds = alarm.earliestSeconds { earliestSeconds = UInt64(clamping: seconds) }
        if let seconds = alarm.latestSeconds { latestSeconds = UInt64(clamping: seconds) }
        if let disk = alarm.disk { self.disk = disk }
    }
}
