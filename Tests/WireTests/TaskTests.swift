import MesosAPI
import Model
import SwiftProtobuf
import Testing
import Wire

/// Tasks, executors, updates, frameworks and operations between Mesos's messages and the model.
@Suite struct TaskTests {
    private func read<Body: Message>(_ json: String, _ type: Body.Type) throws -> Body {
        try MesosJSON.decode(type, from: Array(json.utf8))
    }

    private let info = #"""
        {"name": "n", "task_id": {"value": "t"}, "agent_id": {"value": "s"},
        "resources": [{"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.5}}],
        "command": {"value": "true", "user": "u"}, "labels": {"labels": [{"key": "k"}]},
        "kill_policy": {"grace_period": {"nanoseconds": 1500000001}},
        "max_completion_time": {"nanoseconds": 7000000}, "check": {"type": "TCP"}}
        """#

    @Test func aTaskKeepsItsWholeMessage() throws {
        let message = try read(info, Mesos_V1_TaskInfo.self)
        let task = try TaskDescription(message)
        #expect(task.id.value == "t")
        #expect(task.resources == [Resource("cpus", .scalar(Amount(thousandths: 500)))])
        #expect(task.hasCommand && task.user == "u" && task.executor == nil)
        #expect(task.killGraceMilliseconds == 1501)
        #expect(task.maxCompletionMilliseconds == 7)
        #expect(task.hasCheck && !task.hasHealthCheck)
        #expect(Mesos_V1_TaskInfo(task) == message)
        var given = task
        given.resources = task.resources.map { $0.with(allocationRole: "r") }
        #expect(Mesos_V1_TaskInfo(given).resources[0].allocationInfo.role == "r")
        #expect(Mesos_V1_TaskInfo(given).labels == message.labels)
    }

    @Test func negativeDurationsAreLeftToTheMaster() throws {
        var message = try read(info, Mesos_V1_TaskInfo.self)
        message.killPolicy.gracePeriod.nanoseconds = -1
        #expect(try TaskDescription(message).killGraceMilliseconds == -1)
        message.killPolicy.gracePeriod.nanoseconds = .max
        #expect(try TaskDescription(message).killGraceMilliseconds == .max / 1_000_000 + 1)
    }

    @Test func executorsHaveTheirKind() throws {
        let custom = try read(
            #"{"executor_id": {"value": "e"}, "command": {"value": "x"}}"#,
            Mesos_V1_ExecutorInfo.self)
        #expect(try ExecutorDescription(custom).kind == .custom)
        let builtin = try read(
            #"{"executor_id": {"value": "e"}, "type": "DEFAULT", "framework_id": {"value": "f"}}"#,
            Mesos_V1_ExecutorInfo.self)
        let executor = try ExecutorDescription(builtin)
        #expect(executor.kind == .default && executor.framework?.value == "f")
        #expect(Mesos_V1_ExecutorInfo(executor) == builtin)
    }

    @Test func anUpdateComesBackWhole() throws {
        let message = try read(
            #"""
            {"task_id": {"value": "t"}, "state": "TASK_FAILED", "message": "m",
            "source": "SOURCE_EXECUTOR", "reason": "REASON_CONTAINER_LIMITATION_DISK",
            "data": "aGk=", "agent_id": {"value": "s"}, "executor_id": {"value": "e"},
            "timestamp": 1795334191.924121, "uuid": "vkRYi4SlTR+6MVXtFAX93g==", "healthy": false,
            "labels": {"labels": [{"key": "k"}]}, "check_status": {"type": "TCP"}}
            """#, Mesos_V1_TaskStatus.self)
        let update = try StatusUpdate(
            message, framework: FrameworkID("f"), executor: ExecutorID("e"), agent: AgentID("s"))
        #expect(update.uuid?.value == "be44588b-84a5-4d1f-ba31-55ed1405fdde")
        #expect(update.state == .failed && update.reason == .diskLimitation)
        #expect(update.isHealthy == false)
        #expect(Mesos_V1_TaskStatus(update) == message)
        let away = Mesos_V1_TaskStatus(update, unreachableNanoseconds: 5)
        #expect(away.unreachableTime.nanoseconds == 5)
    }

    @Test func anUpdateThatIsOddIsRefused() throws {
        var message = Mesos_V1_TaskStatus()
        message.taskID.value = "t"
        message.state = .taskRunning
        let read = { (message: Mesos_V1_TaskStatus) throws(Refusal) -> StatusUpdate in
            try StatusUpdate(message, framework: FrameworkID("f"), executor: nil, agent: nil)
        }
        #expect(try read(message).uuid == nil)
        message.uuid.append(contentsOf: [1, 2])
        #expect(throws: Refusal(.invalid, "Not a valid UUID")) { try read(message) }
        message.clearUuid()
        for time in [Double.nan, .infinity, 1e300, -1e12] {
            message.timestamp = time
            #expect(throws: Refusal.self) { try read(message) }
        }
    }

    @Test func theStatesAreMesosStates() {
        for state in TaskState.allCases {
            var status = Mesos_V1_TaskStatus()
            status.taskID.value = "t"
            status.state = Mesos_V1_TaskState(state)
            #expect(TaskState(status.state) == state)
            let text = String(decoding: MesosJSON.encode(status), as: UTF8.self)
            #expect(text.contains("\"\(state.rawValue)\""))
        }
        for state in OperationState.allCases {
            let status = Mesos_V1_OperationStatus(operation: nil, state: state)
            #expect(OperationState(status.state) == state)
            let text = String(decoding: MesosJSON.encode(status), as: UTF8.self)
            #expect(text.contains("\"\(state.rawValue)\""))
        }
    }

    @Test func aFrameworkIsReadWithItsRoles() throws {
        let multi = try read(
            #"""
            {"user": "u", "name": "n", "id": {"value": "f"}, "roles": ["a", "b"],
            "failover_timeout": 1.5, "checkpoint": true,
            "capabilities": [{"type": "MULTI_ROLE"}, {"type": "PARTITION_AWARE"}, {}]}
            """#, Mesos_V1_FrameworkInfo.self)
        let framework = try FrameworkDescription(multi)
        #expect(framework.roles == ["a", "b"] && framework.id?.value == "f")
        #expect(framework.capabilities == [.multiRole, .partitionAware])
        #expect(framework.failoverTimeoutMilliseconds == 1500 && framework.isCheckpointing)
        #expect(Mesos_V1_FrameworkInfo(framework) == multi)
        let old = try FrameworkDescription(
            read(#"{"user": "u", "name": "n"}"#, Mesos_V1_FrameworkInfo.self))
        #expect(old.roles == ["*"] && old.id == nil)
        var bare = framework
        bare.payload = Payload()
        let again = try FrameworkDescription(Mesos_V1_FrameworkInfo(bare))
        #expect(again.roles == framework.roles)
        #expect(again.capabilities == framework.capabilities)
    }

    @Test func roleAndRolesExcludeEachOtherInMesosWords() throws {
        var message = try read(
            #"{"user": "u", "name": "n", "roles": ["a"]}"#, Mesos_V1_FrameworkInfo.self)
        #expect(
            throws: Refusal(
                .invalid,
                "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable"
            )
        ) { try FrameworkDescription(message) }
        message.capabilities = [.init()]
        message.capabilities[0].type = .multiRole
        message.role = "x"
        #expect(
            throws: Refusal(
                .invalid,
                "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable")
        ) { try FrameworkDescription(message) }
        message.clearRole()
        message.failoverTimeout = 1e300
        #expect(try FrameworkDescription(message).failoverTimeoutMilliseconds > 1 << 40)
        message.failoverTimeout = .nan
        #expect(try FrameworkDescription(message).failoverTimeoutMilliseconds == 0)
    }

    @Test func operationsAreReadOrRefused() throws {
        let shrink = #"""
            {"type": "SHRINK_VOLUME", "id": {"value": "i"}, "shrink_volume": {"volume":
            {"name": "disk", "type": "SCALAR", "scalar": {"value": 2}}, "subtract": {"value": 1}}}
            """#
        let operation = OfferOperation(try read(shrink, Mesos_V1_Offer.Operation.self))
        #expect(operation.id?.value == "i")
        let volume = Resource("disk", .scalar(Amount(thousandths: 2000)))
        #expect(operation.kind == .shrink(volume: volume, subtract: Amount(thousandths: 1000)))
        var message = try read(shrink, Mesos_V1_Offer.Operation.self)
        message.shrinkVolume.subtract.value = -5
        func refused(_ text: String) -> OfferOperation.Kind { .refused(Refusal(.invalid, text)) }
        #expect(
            OfferOperation(message).kind
                == refused("Value of 'ShrinkVolume.subtract' must be greater than zero"))
        message.clearShrinkVolume()
        #expect(
            OfferOperation(message).kind
                == refused(
                    "A SHRINK_VOLUME offer operation must have the Offer.Operation.shrink_volume"
                        + " field set."))
        #expect(
            OfferOperation(Mesos_V1_Offer.Operation()).kind == refused("Unknown operation type"))
        message = .init()
        message.type = .destroyDisk
        message.destroyDisk.source = Mesos_V1_Resource(volume, form: .postRefinement)
        #expect(
            OfferOperation(message).kind == refused("operation DESTROY_DISK is not supported"))
    }

    @Test(arguments: [0, -1, .nan, .infinity, 1e300])
    func aTaskWithoutMeaningIsKeptWithItsFault(amount: Double) throws {
        let json = #"""
            {"type": "LAUNCH", "launch": {"task_infos": [
            {"name": "a", "task_id": {"value": "a"}, "agent_id": {"value": "s"}, "resources":
            [{"name": "cpus", "type": "SCALAR", "scalar": {"value": 1}}]},
            {"name": "b", "task_id": {"value": "b"}, "agent_id": {"value": "s"}, "resources":
            [{"name": "cpus", "type": "SCALAR", "scalar": {"value": 1}}]}]}}
            """#
        var message = try read(json, Mesos_V1_Offer.Operation.self)
        message.launch.taskInfos[1].resources[0].scalar.value = amount
        guard case .launch(let tasks) = OfferOperation(message).kind else {
            Issue.record("not a launch")
            return
        }
        #expect(tasks.map(\.id.value) == ["a", "b"] && tasks[0].fault == nil)
        // Zero is an amount, which the master refuses.
        #expect((tasks[1].fault == nil) == (amount == 0))
        #expect(tasks[1].agent.value == "s")
    }

    @Test func aGroupsExecutorWithoutMeaningIsAFaultOfItsTasks() throws {
        let json = #"""
            {"type": "LAUNCH_GROUP", "launch_group": {"executor": {"type": "CUSTOM",
            "executor_id": {"value": "e"}, "resources":
            [{"name": "cpus", "type": "SCALAR", "scalar": {"value": -1}}]},
            "task_group": {"tasks": [{"name": "a", "task_id": {"value": "a"},
            "agent_id": {"value": "s"}}]}}}
            """#
        let operation = OfferOperation(try read(json, Mesos_V1_Offer.Operation.self))
        guard case .launchGroup(let executor, let tasks) = operation.kind else {
            Issue.record("not a group")
            return
        }
        #expect(executor.id.value == "e" && executor.resources.isEmpty)
        #expect(tasks.map { $0.fault != nil } == [true])
    }

    @Test func uuidsHaveBothForms() {
        let text = "be44588b-84a5-4d1f-ba31-55ed1405fdde"
        #expect(uuidText(uuidBytes(text)) == text)
        #expect(uuidBytes("not one") == Array("not one".utf8))
        #expect(uuidText([1, 2, 3]) == nil)
    }

    @Test func aMasterDescribesItselfAsMesosDoes() {
        let info = Mesos_V1_MasterInfo(
            id: "m", hostname: "h", address: "127.0.0.1", port: 5050, version: "1")
        #expect(info.ip == 16_777_343)
        #expect(info.pid == "master@127.0.0.1:5050")
        let odd = Mesos_V1_MasterInfo(
            id: "m", hostname: "h", address: "::1", port: 5050, version: "1")
        #expect(odd.ip == 0)
    }
}
