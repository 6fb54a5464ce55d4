import MachineCore
import Model

/// Values of the model that a seed determines, with every part there and absent in turn.
struct RandomModel {
    var generator: SeededGenerator

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func flag() -> Bool { generator.oneIn(2) }

    mutating func maybe<Value>(_ value: (inout RandomModel) -> Value) -> Value? {
        flag() ? value(&self) : nil
    }

    mutating func list<Value>(_ value: (inout RandomModel) -> Value) -> [Value] {
        var values: [Value] = []
        for _ in 0..<generator.below(3) { values.append(value(&self)) }
        return values
    }

    mutating func pick<Value>(_ values: [Value]) -> Value { values[generator.below(values.count)] }

    mutating func text() -> String { pick(["a", "b/c", "é😀", "", "x y"]) }

    mutating func id<Tag>() -> Identifier<Tag> { Identifier(generator.uuid()) }

    mutating func payload() -> Payload { Payload(list { UInt8($0.generator.below(256)) }) }

    mutating func number() -> Int64 { Int64(generator.below(1 << 50)) }

    mutating func labels() -> Labels {
        Labels(list { random in .init(random.text(), random.maybe { $0.text() }) })
    }

    mutating func reservation() -> Reservation {
        Reservation(
            flag() ? .fixed : .dynamic, role: text(), principal: maybe { $0.text() },
            labels: labels())
    }

    mutating func source() -> DiskSource {
        DiskSource(
            pick([.path, .mount, .block, .raw]), root: maybe { $0.text() }, id: maybe { $0.text() },
            vendor: maybe { $0.text() }, profile: maybe { $0.text() }, metadata: labels())
    }

    mutating func disk() -> Disk {
        Disk(
            persistence: maybe { random in
                .init(id: random.text(), principal: random.maybe { $0.text() })
            },
            volume: maybe { random in
                .init(
                    containerPath: random.text(), hostPath: random.maybe { $0.text() },
                    mode: random.flag() ? .readOnly : .readWrite)
            },
            source: maybe { $0.source() })
    }

    mutating func value() -> ResourceValue {
        switch generator.below(3) {
        case 0: return .scalar(Amount(thousandths: 1 + number()))
        case 1:
            let start = UInt64(generator.below(1000))
            return .ranges(Ranges(start...start + 5) + Ranges(2000...2000))
        default: return .set(["a", "b"])
        }
    }

    mutating func resource() -> Resource {
        Resource(
            pick(["cpus", "disk", "ports"]), value(), reservations: list { $0.reservation() },
            disk: maybe { $0.disk() }, allocationRole: maybe { $0.text() }, isShared: flag(),
            isRevocable: flag(), providerID: maybe { $0.text() })
    }

    mutating func resources() -> Resources {
        var resources = Resources()
        for resource in list({ $0.resource() }) {
            resources.add(resource, copies: resource.isShared ? 1 + generator.below(3) : 1)
        }
        return resources
    }

    mutating func volume() -> VolumeDescription {
        VolumeDescription(
            uuid: id(), resource: resource(), framework: maybe { $0.id() },
            principal: maybe { $0.text() }, createdNanoseconds: number())
    }

    mutating func report() -> VolumeReport {
        VolumeReport(
            uuid: id(), backend: text(), enforcement: pick(VolumeReport.Enforcement.allCases),
            growsWhileMounted: flag(), usableBytes: maybe { $0.number() },
            usedBytes: maybe { $0.number() }, bookedBytes: maybe { $0.number() })
    }

    mutating func change() -> VolumeChange {
        switch generator.below(3) {
        case 0: .create(volume())
        case 1: .destroy(id())
        default: .resize(id(), to: Amount(thousandths: number()))
        }
    }

    mutating func operation() -> AgentOperation {
        AgentOperation(
            uuid: id(), sequence: UInt64(number()), type: pick(OperationType.allCases),
            framework: maybe { $0.id() }, id: maybe { $0.id() }, principal: maybe { $0.text() },
            conversion: ResourceConversion(consumed: resources(), converted: resources()),
            volumeChanges: list { $0.change() }, steps: list { $0.step() })
    }

    mutating func result() -> OperationResult {
        OperationResult(
            uuid: id(), sequence: UInt64(number()), state: pick(OperationState.allCases),
            message: maybe { $0.text() })
    }

    mutating func framework() -> FrameworkDescription {
        FrameworkDescription(
            id: maybe { $0.id() }, name: text(), user: text(), roles: list { $0.text() },
            principal: maybe { $0.text() }, hostname: text(),
            capabilities: .init(rawValue: UInt32(generator.below(512))),
            isCheckpointing: flag(), failoverTimeoutMilliseconds: number(), payload: payload())
    }

    mutating func agent() -> AgentDescription {
        AgentDescription(
            id: maybe { $0.id() }, hostname: text(), address: text(), port: generator.below(65_536),
            resources: resources(), version: text(), bootID: text(), payload: payload())
    }

    mutating func executor() -> ExecutorDescription {
        ExecutorDescription(
            id: id(), kind: pick([.custom, .default, .command]), framework: maybe { $0.id() },
            resources: list { $0.resource() },
            shutdownGraceMilliseconds: maybe { $0.number() }, payload: payload())
    }

    mutating func task() -> TaskDescription {
        TaskDescription(
            id: id(), name: text(), agent: id(), resources: list { $0.resource() },
            executor: maybe { $0.executor() }, hasCommand: flag(), user: maybe { $0.text() },
            killGraceMilliseconds: maybe { $0.number() },
            maxCompletionMilliseconds: maybe { $0.number() }, hasHealthCheck: flag(),
            hasCheck: flag(), diskLimits: list { $0.diskLimitRule() }, payload: payload())
    }

    mutating func update() -> StatusUpdate {
        StatusUpdate(
            uuid: maybe { $0.id() }, framework: id(), task: id(), executor: maybe { $0.id() },
            agent: maybe { $0.id() }, state: pick(TaskState.allCases),
            source: pick(StatusSource.allCases),
            reason: maybe { StatusReason($0.generator.below(40)) }, message: maybe { $0.text() },
            isHealthy: maybe { $0.flag() }, timestampNanoseconds: number(), payload: payload())
    }
}
