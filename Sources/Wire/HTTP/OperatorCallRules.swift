package import MesosAPI
package import Model

extension Mesos_V1_Master_Call: APICall {
    package static let label = "master::Call"

    package var absentField: String? {
        guard hasType else { return "type" }
        switch type {
        case .getMetrics: return hasGetMetrics ? nil : "get_metrics"
        case .setLoggingLevel: return hasSetLoggingLevel ? nil : "set_logging_level"
        case .listFiles: return hasListFiles ? nil : "list_files"
        case .readFile: return hasReadFile ? nil : "read_file"
        case .updateWeights: return hasUpdateWeights ? nil : "update_weights"
        case .reserveResources: return hasReserveResources ? nil : "reserve_resources"
        case .unreserveResources: return hasUnreserveResources ? nil : "unreserve_resources"
        case .createVolumes: return hasCreateVolumes ? nil : "create_volumes"
        case .destroyVolumes: return hasDestroyVolumes ? nil : "destroy_volumes"
        case .growVolume: return hasGrowVolume ? nil : "grow_volume"
        case .shrinkVolume: return hasShrinkVolume ? nil : "shrink_volume"
        case .updateMaintenanceSchedule:
            return hasUpdateMaintenanceSchedule ? nil : "update_maintenance_schedule"
        case .startMaintenance: return hasStartMaintenance ? nil : "start_maintenance"
        case .stopMaintenance: return hasStopMaintenance ? nil : "stop_maintenance"
        case .drainAgent: return hasDrainAgent ? nil : "drain_agent"
        case .deactivateAgent: return hasDeactivateAgent ? nil : "deactivate_agent"
        case .reactivateAgent: return hasReactivateAgent ? nil : "reactivate_agent"
        case .updateQuota: return hasUpdateQuota ? nil : "update_quota"
        case .setQuota: return hasSetQuota ? nil : "set_quota"
        case .removeQuota: return hasRemoveQuota ? nil : "remove_quota"
        case .teardown: return hasTeardown ? nil : "teardown"
        case .markAgentGone: return hasMarkAgentGone ? nil : "mark_agent_gone"
        case .killTask: return hasKillTask ? nil : "kill_task"
        case .explainOffers: return hasExplainOffers ? nil : "explain_offers"
        case .whatIf: return hasWhatIf ? nil : "what_if"
        case .renewLease: return hasRenewLease ? nil : "renew_lease"
        case .transact:
            guard hasTransact else { return "transact" }
            return transact.hasAgentID ? nil : "transact.agent_id"
        case .forgetVolume: return hasForgetVolume ? nil : "forget_volume"
        case .setLifecyclePolicy: return hasSetLifecyclePolicy ? nil : "set_lifecycle_policy"
        case .removeLifecyclePolicy:
            return hasRemoveLifecyclePolicy ? nil : "remove_lifecycle_policy"
        case .undeleteVolume: return hasUndeleteVolume ? nil : "undelete_volume"
        case .protectVolume: return hasProtectVolume ? nil : "protect_volume"
        case .eraseVolume: return hasEraseVolume ? nil : "erase_volume"
        case .collectGarbage: return hasCollectGarbage ? nil : "collect_garbage"
        case .unknown, .getHealth, .getFlags, .getVersion, .getLoggingLevel, .getState,
            .getAgents, .getFrameworks, .getExecutors, .getOperations, .getTasks, .getRoles,
            .getWeights, .getMaster, .subscribe, .getMaintenanceStatus, .getMaintenanceSchedule,
            .getQuota, .listVolumes, .listAudit,
            .listReservations, .backupRegistry, .listLifecyclePolicies:
            return nil
        }
    }

    package func checkFields() throws(Refusal) {
        let isWithoutAgent =
            type == .growVolume && !growVolume.hasAgentID
            || type == .shrinkVolume && !shrinkVolume.hasAgentID
        guard !isWithoutAgent else {
            throw Refusal(
                .invalid,
                "Expecting 'agent_id' to be present; only agent default resources are supported"
                    + " right now")
        }
        if type == .explainOffers, !explainOffers.hasFrameworkID, !explainOffers.hasRole {
            throw Refusal(
                .invalid, "Expecting 'framework_id' or 'role' to be present in 'explain_offers'")
        }
        if type == .renewLease, renewLease.remove, renewLease.hasLease {
            throw Refusal(.invalid, "Expecting 'lease' or 'remove' in 'renew_lease', and not both")
        }
        if type == .whatIf, whatIf.bodies != 1 {
            throw Refusal(
                .invalid,
                "Expecting exactly one body in 'what_if', like 'reserve_resources'; it has"
                    + " \(whatIf.bodies)")
        }
    }
}

extension Mesos_V1_Master_Call.WhatIf {
    fileprivate var bodies: Int {
        [
            hasReserveResources, hasUnreserveResources, hasCreateVolumes, hasDestroyVolumes,
            hasGrowVolume, hasShrinkVolume, hasDrainAgent, hasTransact,
        ].count { $0 }
    }

    /// The call that is asked about, as it would be made.
    package var call: Mesos_V1_Master_Call {
        var call = Mesos_V1_Master_Call()
        if hasReserveResources {
            call.type = .reserveResources
            call.reserveResources = reserveResources
        } else if hasUnreserveResources {
            call.type = .unreserveResources
            call.unreserveResources = unreserveResources
        } else if hasCreateVolumes {
            call.type = .createVolumes
            call.createVolumes = createVolumes
        } else if hasDestroyVolumes {
            call.type = .destroyVolumes
            call.destroyVolumes = destroyVolumes
        } else if hasGrowVolume {
            call.type = .growVolume
            call.growVolume = growVolume
        } else if hasShrinkVolume {
            call.type = .shrinkVolume
            call.shrinkVolume = shrinkVolume
        } else if hasDrainAgent {
            call.type = .drainAgent
            call.drainAgent = drainAgent
        } else if hasTransact {
            call.type = .transact
            call.transact = transact
        }
        return call
    }
}

extension Mesos_V1_Agent_Call: APICall {
    package static let label = "agent::Call"
    /// How many repairs one call may ask for.
    private static let findingsAtMost = 100

    package var absentField: String? {
        guard hasType else { return "type" }
        switch type {
        case .getMetrics: return hasGetMetrics ? nil : "get_metrics"
        case .setLoggingLevel: return hasSetLoggingLevel ? nil : "set_logging_level"
        case .listFiles: return hasListFiles ? nil : "list_files"
        case .readFile: return hasReadFile ? nil : "read_file"
        case .launchNestedContainer:
            return hasLaunchNestedContainer ? nil : "launch_nested_container"
        case .waitNestedContainer: return hasWaitNestedContainer ? nil : "wait_nested_container"
        case .killNestedContainer: return hasKillNestedContainer ? nil : "kill_nested_container"
        case .removeNestedContainer:
            return hasRemoveNestedContainer ? nil : "remove_nested_container"
        case .launchNestedContainerSession:
            return hasLaunchNestedContainerSession ? nil : "launch_nested_container_session"
        case .attachContainerInput:
            return hasAttachContainerInput ? nil : "attach_container_input"
        case .attachContainerOutput:
            return hasAttachContainerOutput ? nil : "attach_container_output"
        case .launchContainer: return hasLaunchContainer ? nil : "launch_container"
        case .waitContainer: return hasWaitContainer ? nil : "wait_container"
        case .killContainer: return hasKillContainer ? nil : "kill_container"
        case .removeContainer: return hasRemoveContainer ? nil : "remove_container"
        case .addResourceProviderConfig:
            return hasAddResourceProviderConfig ? nil : "add_resource_provider_config"
        case .updateResourceProviderConfig:
            return hasUpdateResourceProviderConfig ? nil : "update_resource_provider_config"
        case .removeResourceProviderConfig:
            return hasRemoveResourceProviderConfig ? nil : "remove_resource_provider_config"
        case .markResourceProviderGone:
            return hasMarkResourceProviderGone ? nil : "mark_resource_provider_gone"
        case .repairStorage: return hasRepairStorage ? nil : "repair_storage"
        case .keepVolume: return hasKeepVolume ? nil : "keep_volume"
        case .adoptDirectory: return hasAdoptDirectory ? nil : "adopt_directory"
        case .volumeHistory: return hasVolumeHistory ? nil : "volume_history"
        case .unknown, .getHealth, .getFlags, .getVersion, .getLoggingLevel, .getState,
            .getContainers, .getFrameworks, .getExecutors, .getOperations, .getTasks, .getAgent,
            .getResourceProviders, .pruneImages, .checkStorage, .volumeUsage, .listErasures,
            .diskTraffic:
            return nil
        }
    }

    package func checkFields() throws(Refusal) {
        guard repairStorage.findings.count <= Self.findingsAtMost else {
            throw Refusal(
                .invalid, "Expecting at most \(Self.findingsAtMost) findings to be repaired")
        }
    }
}
