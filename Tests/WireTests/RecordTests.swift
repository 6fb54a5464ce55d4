import HoldfastAPI
import Model
import Testing
import Wire

/// What is stored and sent comes back as it was.
@Suite struct RecordTests {
    private func agentMessages(_ random: inout RandomModel) -> [AgentMessage] {
        [
            .register(
                AgentRegistration(
                    description: random.agent(), total: random.resources(),
                    lastSequence: UInt64(random.number()), results: random.list { $0.result() },
                    volumes: random.list { $0.volume() },
                    frameworks: random.list { $0.framework() },
                    executors: random.list { .init(framework: $0.id(), executor: $0.executor()) },
                    tasks: random.list { random in
                        .init(
                            framework: random.id(), task: random.task(),
                            state: random.pick(TaskState.allCases),
                            unacknowledged: random.maybe { $0.update() })
                    },
                    number: UInt64(random.number()))),
            .operationResult(random.result()),
            .statusUpdate(random.update(), latestState: random.pick(TaskState.allCases)),
            .executorMessage(random.id(), random.id(), random.payload()),
            .executorExited(random.id(), random.id(), status: random.maybe { _ in -1 }),
            .pong(UInt64(random.number())),
            .volumeReport(random.list { $0.report() }),
            .volumeErased(random.id(), failure: random.maybe { $0.text() }),
            .usageAlarm(random.alarm()),
        ]
    }

    private func masterMessages(_ random: inout RandomModel) -> [MasterMessage] {
        [
            .registered(random.id(), pingTimeoutMilliseconds: random.number()),
            .refused(random.text(), isFinal: random.flag()),
            .ping(UInt64(random.number())),
            .applyOperation(random.operation()),
            .acknowledgeResult(random.id()),
            .launch(
                TaskLaunch(
                    framework: random.framework(), executor: random.maybe { $0.executor() },
                    tasks: random.list { $0.task() }, isGroup: random.flag())),
            .kill(random.id(), random.id(), graceMilliseconds: random.maybe { $0.number() }),
            .acknowledge(random.id(), random.id(), random.id()),
            .frameworkMessage(random.id(), random.id(), random.payload()),
            .shutdownExecutor(random.id(), random.id()),
            .shutdownFramework(random.id()),
            .eraseVolume(random.id(), random.eraseOrder()),
            .diskRules(random.list { $0.diskRule() }),
        ]
    }

    private func masterRecords(_ random: inout RandomModel) -> [MasterRecord] {
        [
            .clusterCreated(id: random.text()),
            .agentStored(
                AgentRow(
                    id: random.id(), description: random.agent(),
                    standing: random.pick(AgentRow.Standing.allCases),
                    sinceNanoseconds: random.number(), registeredNanoseconds: random.number(),
                    lastSequence: UInt64(random.number()))),
            .agentRemoved(random.id()),
            .piecesStored(
                random.id(), set: random.list { $0.resource() },
                removed: random.list { $0.resource() }),
            .volumeStored(
                VolumeRow(
                    agent: random.id(), volume: random.volume(),
                    standing: random.pick(VolumeRow.Standing.allCases),
                    report: random.maybe { $0.report() }, lastUse: random.maybe { $0.use() })),
            .volumeStored(random.volumeInTrash()),
            .policyStored(random.policy()), .policyRemoved(random.text()),
            .volumeRemoved(random.id()),
            .operationStored(
                OperationRow(
                    agent: random.id(), operation: random.operation(),
                    startedNanoseconds: random.number())),
            .operationRemoved(random.id()),
            .frameworkStored(
                FrameworkRow(
                    description: random.framework(), registeredNanoseconds: random.number(),
                    disconnectedNanoseconds: random.maybe { $0.number() },
                    isRemoved: random.flag())),
            .frameworkRemoved(random.id()),
            .reservationStored(
                ReservationRow(
                    uuid: random.id(), agent: random.id(),
                    stack: random.resource().reservations, framework: random.maybe { $0.id() },
                    createdNanoseconds: random.number())),
            .reservationRemoved(random.id()),
            .audited(random.auditEntry()),
            .transactionStored(random.transaction()),
            .transactionRemoved(random.transaction().owner),
        ]
    }

    private func agentRecords(_ random: inout RandomModel) -> [AgentRecord] {
        [
            .identified(random.id()),
            .started(bootID: random.text(), resources: random.resources()),
            .operationEnded(random.operation(), random.result()),
            .resultAcknowledged(random.id()),
            .frameworkStored(random.framework()),
            .frameworkRemoved(random.id()),
            .executorStored(
                ExecutorRow(
                    framework: random.id(), executor: random.executor(), container: random.id(),
                    directory: random.text(), user: random.maybe { $0.text() })),
            .executorRemoved(random.id(), random.id()),
            .taskStored(
                TaskRow(
                    framework: random.id(), executor: random.id(), task: random.task(),
                    isKilled: random.flag())),
            .taskRemoved(TaskKey(random.id(), random.id())),
            .updateStored(random.update()),
            .updateAcknowledged(TaskKey(random.id(), random.id()), random.id()),
            .transactionBegun(random.operation()),
            .volumesDoomed(random.id(), random.list { $0.id() }),
            .volumesDiscarded(random.id()),
            .snapshot(
                lastSequence: UInt64(random.number()), total: random.resources(),
                volumes: random.list { $0.volume() }),
        ]
    }

    private func expectEqualAgain<Value: RecordCoded & Equatable>(_ values: [Value]) throws {
        for value in values {
            let bytes = value.encoded
            let again = try Value(decoding: bytes)
            #expect(again == value)
            #expect(again.encoded == bytes)
        }
    }

    @Test(arguments: UInt64(0)..<40)
    func everyMessageAndRecordComesBack(seed: UInt64) throws {
        var random = RandomModel(seed: seed)
        try expectEqualAgain(agentMessages(&random))
        try expectEqualAgain(masterMessages(&random))
        try expectEqualAgain(masterRecords(&random))
        try expectEqualAgain(agentRecords(&random))
    }

    @Test func nothingAndNonsenseAreRefused() {
        #expect(throws: Refusal.self) { try AgentRecord(decoding: []) }
        #expect(throws: Refusal.self) { try MasterRecord(decoding: [255]) }
        #expect(throws: Refusal.self) { try AgentMessage(decoding: [0x08, 0x01]) }
        var negative = Holdfast_Resource()
        negative.name = "cpus"
        negative.thousandths = -1
        #expect(throws: Refusal.self) { try Resource(negative) }
        negative.thousandths = .max
        #expect(throws: Refusal.self) { try Resource(negative) }
        negative.clearName()
        #expect(throws: Refusal.self) { try Resource(negative) }
    }

    @Test(arguments: UInt64(0)..<300)
    func brokenBytesNeverCrash(seed: UInt64) {
        var random = RandomModel(seed: seed)
        for message in masterMessages(&random) {
            for _ in 0..<5 {
                let broken = Mutation.of(message.encoded, with: &random.generator)
                if let read = try? MasterMessage(decoding: broken) {
                    #expect((try? MasterMessage(decoding: read.encoded)) == read)
                }
                if let read = try? AgentMessage(decoding: broken) {
                    #expect((try? AgentMessage(decoding: read.encoded)) == read)
                }
            }
        }
    }
}
