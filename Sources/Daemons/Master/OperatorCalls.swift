import MasterCore
import MesosAPI
import Model
import Wire

/// Reads the operator API's calls that change something.
enum OperatorCalls {
    /// Nil: a call that only reads, or that this master does not serve.
    static func read(_ call: Mesos_V1_Master_Call) throws(Refusal) -> OperatorCall? {
        switch call.type {
        case .reserveResources:
            try need(call.hasReserveResources, "reserve_resources")
            let body = call.reserveResources
            return .apply(
                .reserve(try resources(body.resources), source: try resources(body.source)),
                agent: AgentID(body.agentID.value))
        case .unreserveResources:
            try need(call.hasUnreserveResources, "unreserve_resources")
            return .apply(
                .unreserve(try resources(call.unreserveResources.resources)),
                agent: AgentID(call.unreserveResources.agentID.value))
        case .createVolumes:
            try need(call.hasCreateVolumes, "create_volumes")
            return .apply(
                .create(try resources(call.createVolumes.volumes)),
                agent: AgentID(call.createVolumes.agentID.value))
        case .destroyVolumes:
            try need(call.hasDestroyVolumes, "destroy_volumes")
            return .apply(
                .destroy(try resources(call.destroyVolumes.volumes)),
                agent: AgentID(call.destroyVolumes.agentID.value))
        case .growVolume:
            try need(call.hasGrowVolume, "grow_volume")
            try need(call.growVolume.hasAgentID, "grow_volume.agent_id")
            return .apply(
                .grow(
                    volume: try Resource(call.growVolume.volume),
                    addition: try Resource(call.growVolume.addition)),
                agent: AgentID(call.growVolume.agentID.value))
        case .shrinkVolume:
            try need(call.hasShrinkVolume, "shrink_volume")
            try need(call.shrinkVolume.hasAgentID, "shrink_volume.agent_id")
            guard let subtract = Amount(call.shrinkVolume.subtract.value) else {
                throw Refusal(.invalid, "shrink_volume.subtract is not an amount")
            }
            return .apply(
                .shrink(volume: try Resource(call.shrinkVolume.volume), subtract: subtract),
                agent: AgentID(call.shrinkVolume.agentID.value))
        case .teardown:
            try need(call.hasTeardown, "teardown")
            return .teardown(FrameworkID(call.teardown.frameworkID.value))
        case .markAgentGone:
            try need(call.hasMarkAgentGone, "mark_agent_gone")
            return .markAgentGone(AgentID(call.markAgentGone.agentID.value))
        case .killTask:
            try need(call.hasKillTask, "kill_task")
            let body = call.killTask
            return .killTask(
                FrameworkID(body.frameworkID.value), TaskID(body.taskID.value),
                graceMilliseconds: body.hasKillPolicy && body.killPolicy.hasGracePeriod
                    ? body.killPolicy.gracePeriod.nanoseconds / 1_000_000 : nil)
        default: return nil
        }
    }

    private static func resources(_ messages: [Mesos_V1_Resource]) throws(Refusal) -> [Resource] {
        var result: [Resource] = []
        result.reserveCapacity(messages.count)
        for message in messages { result.append(try Resource(message)) }
        return result
    }

    private static func need(_ isPresent: Bool, _ field: String) throws(Refusal) {
        guard isPresent else {
            throw Refusal(
                .invalid,
                "Failed to validate master::Call: Expecting '\(field)' to be present")
        }
    }
}
