import MasterCore
import MesosAPI
import Model
import Wire

/// Reads the operator API's calls that change something; that their fields are there is checked.
enum OperatorCalls {
    /// Nil: a call that only reads, or that this master does not serve.
    static func read(_ call: Mesos_V1_Master_Call) throws(Refusal) -> OperatorCall? {
        if let lifecycle = try LifecycleCall(call) { return .lifecycle(lifecycle) }
        if let kind = try operation(call) {
            if case .destroy(let volumes) = kind, call.destroyVolumes.immediately {
                return .lifecycle(.destroyNow(volumes, OfferOperation.Kind.agent(of: call)))
            }
            return .apply(
                kind, agent: OfferOperation.Kind.agent(of: call),
                leaseMilliseconds: call.leaseMilliseconds)
        }
        switch call.type {
        case .teardown: return .teardown(FrameworkID(call.teardown.frameworkID.value))
        case .renewLease: return .renewLeases(LeaseRenewal(call.renewLease))
        case .markAgentGone: return .markAgentGone(AgentID(call.markAgentGone.agentID.value))
        case .transact:
            return .transact(
                TransactionRequest(call.transact), agent: AgentID(call.transact.agentID.value))
        case .killTask:
            let body = call.killTask
            return .killTask(
                FrameworkID(body.frameworkID.value), TaskID(body.taskID.value),
                graceMilliseconds: body.hasKillPolicy && body.killPolicy.hasGracePeriod
                    ? body.killPolicy.gracePeriod.nanoseconds / 1_000_000 : nil)
        case .forgetVolume:
            let body = call.forgetVolume
            return .forgetVolume(
                VolumeUUID(body.uuid),
                try ForgetNote(
                    requester: body.hasRequester ? body.requester : nil,
                    reason: body.hasReason ? body.reason : nil))
        default: return nil
        }
    }

    private static func operation(
        _ call: Mesos_V1_Master_Call
    ) throws(Refusal) -> OfferOperation.Kind? {
        do throws(Refusal) {
            return try OfferOperation.Kind(call)
        } catch {
            throw Refusal(
                error.kind,
                "Failed to validate \(Mesos_V1_Master_Call.label): \(error.message)")
        }
    }
}
