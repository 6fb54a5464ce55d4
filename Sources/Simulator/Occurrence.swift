/// What a simulation counts, so that a run can show that it was not idle.
package enum Occurrence: Int, CaseIterable, Sendable {
    // faults
    case connectionBroken, partition, masterCrash, agentCrash, machineRestart, storageLow
    case streamBroken, schedulerFailover, callDuplicated, callLost, callReordered
    case volumeWorkFailed, volumeWorkSlow, containerFailed, taskFailed, agentGone
    case agentUnreachable, acknowledgementSkipped
    case executorStreamBroken, executorEnded, containerUpdateFailed, containerUpdateSlow
    // calls of schedulers
    case subscribe, accept, decline, kill, revive, suppress, reconcile, acknowledge, teardown
    case reconcileOperations, acknowledgeOperation
    // steps of an accept
    case reserve, unreserve, create, destroy, grow, shrink, launch, launchOnVolume
    case launchInExecutor
    // calls of operators
    case operatorReserve, operatorUnreserve, operatorCreate, operatorDestroy, operatorGrow
    case operatorGrowInUse, operatorShrink, operatorKill, operatorTeardown, operatorForget
    case operatorPolicy, operatorUndelete, operatorProtect, operatorErase, operatorCollect
    case operatorDestroyNow
    case callRefused
    // leases
    case reserveLeased, renewLease, operatorLease, leaseEnded
    // transactions
    case transact, operatorTransact, transactionRepeated, transactionRefused
    case transactionFinished, transactionFailed, transactionUndone, transactionLaunch
    // volumes' lives
    case volumeOrphaned, volumeReclaimed, volumeTrashed, volumeUndeleted, volumeErased
    case volumeWiped, wipeFailed
    case volumeLimited
    // lending
    case launchOnLent, launchOnReserved, taskPreempted
    // calls of executors, and what they are told
    case executorSubscribe, executorUpdate, executorUpdatesRepeated, executorKill
    // what came of them
    case containerUpdated
    case operationFinished, operationFailed, volumeGrownInUse, growthInUseFailed, taskStarted,
        taskEnded, compaction
    // what a subscriber of the operator API was told
    case volumeEvent, reservationEvent, agentEvent, frameworkEvent, taskEvent
    // volumes that fill, and grow by a rule
    case volumeFilled, grownByRule, notGrownByRule, usageAlarm

    package var name: String { "\(self)" }
}

/// How often each of them occurred.
package struct OccurrenceCounts: Equatable, Sendable {
    private var numbers = [Int](repeating: 0, count: Occurrence.allCases.count)

    package init() {}

    package subscript(occurrence: Occurrence) -> Int {
        get { numbers[occurrence.rawValue] }
        set { numbers[occurrence.rawValue] = newValue }
    }

    package mutating func add(_ other: OccurrenceCounts) {
        for occurrence in Occurrence.allCases { self[occurrence] += other[occurrence] }
    }
}
