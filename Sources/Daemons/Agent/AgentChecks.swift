import AgentCore
import Containers
import Dispatch
import MesosAPI
import Model
import SwiftProtobuf
import Synchronization
import Wire

/// Runs the health and readiness checks of tasks, each at its own interval.
final class AgentChecks: Sendable {
    private struct Probe: Sendable {
        enum Kind: Sendable {
            case command(Mesos_V1_CommandInfo)
            case tcp(UInt16)
            case http(UInt16, String)
        }

        var kind: Kind
        var isHealth: Bool
        var delay: Double
        var interval: Double
        var timeout: Double
        var grace: Double
        var failures: Int
    }

    private struct Running {
        var life: UInt64
        var started: DispatchTime
        var failures = 0
        var hasPassed = false
        var isHealthy: Bool?
        var lastCheck: Bool?
    }

    private let containers: AgentContainers
    private let threads = BlockingThreads("checks", limit: 4)
    private let running = Mutex<[TaskKey: Running]>([:])
    private let lives = Atomic<UInt64>(0)
    private let send: @Sendable (Agent.Event) -> Void

    init(containers: AgentContainers, send: @escaping @Sendable (Agent.Event) -> Void) {
        self.containers = containers
        self.send = send
    }

    func start(_ task: TaskKey, _ container: ContainerID, _ payload: Payload) {
        let info: Mesos_V1_TaskInfo = payload.message()
        let life = lives.add(1, ordering: .relaxed).newValue
        running.withLock { $0[task] = Running(life: life, started: .now()) }
        if info.hasHealthCheck, let probe = Self.probe(info.healthCheck) {
            schedule(task, container, probe, life, after: probe.delay)
        }
        if info.hasCheck, let probe = Self.probe(info.check) {
            schedule(task, container, probe, life, after: probe.delay)
        }
    }

    func stop(_ task: TaskKey) { running.withLock { $0[task] = nil } }

    private func schedule(
        _ task: TaskKey, _ container: ContainerID, _ probe: Probe, _ life: UInt64, after: Double
    ) {
        let milliseconds = Int(max(0.05, min(after, 86_400)) * 1000)
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(milliseconds)) {
            [self] in
            guard running.withLock({ $0[task]?.life == life }) else { return }
            threads.run { [self] in
                let passed = attempt(container, probe)
                if let outcome = outcome(task, probe, life, passed) {
                    send(.checkChanged(task, outcome))
                }
                schedule(task, container, probe, life, after: probe.interval)
            }
        }
    }

    /// What is new after an attempt; nil: nothing, or the task is over.
    private func outcome(
        _ task: TaskKey, _ probe: Probe, _ life: UInt64, _ passed: Bool
    ) -> CheckOutcome? {
        running.withLock { running in
            guard var state = running[task], state.life == life else { return nil }
            defer { running[task] = state }
            guard probe.isHealth else {
                guard state.lastCheck != passed else { return nil }
                state.lastCheck = passed
                return CheckOutcome(.check, message: passed ? "passed" : "failed")
            }
            if passed {
                state.failures = 0
                state.hasPassed = true
                guard state.isHealthy != true else { return nil }
                state.isHealthy = true
                return CheckOutcome(.healthy)
            }
            let age =
                Double(DispatchTime.now().uptimeNanoseconds - state.started.uptimeNanoseconds)
                / 1e9
            // Until it has passed once, failures within the grace period do not count.
            if !state.hasPassed, age < probe.grace { return nil }
            state.failures += 1
            let isFatal = state.failures >= probe.failures
            guard isFatal || state.isHealthy != false else { return nil }
            state.isHealthy = false
            return CheckOutcome(
                .unhealthy(isFatal: isFatal),
                message: "health check failed \(state.failures) times in a row")
        }
    }

    private func attempt(_ container: ContainerID, _ probe: Probe) -> Bool {
        let milliseconds = Int64(max(0.1, probe.timeout) * 1000)
        switch probe.kind {
        case .command(let command):
            return containers.execute(container, command, timeoutMilliseconds: milliseconds) == 0
        case .tcp(let port):
            let result = CheckProbe(port: port, timeoutMilliseconds: milliseconds).connect()
            if case .connected = result { return true }
            return false
        case .http(let port, let path):
            let result = CheckProbe(port: port, timeoutMilliseconds: milliseconds).get(path)
            if case .answered(let status) = result { return 200..<400 ~= status }
            return false
        }
    }

    private static func probe(_ check: Mesos_V1_HealthCheck) -> Probe? {
        let kind: Probe.Kind
        switch check.type {
        case .command: kind = .command(check.command)
        case .tcp: kind = .tcp(UInt16(clamping: check.tcp.port))
        case .http: kind = .http(UInt16(clamping: check.http.port), check.http.path)
        case .unknown: return nil
        }
        return Probe(
            kind: kind, isHealth: true, delay: check.delaySeconds,
            interval: max(0.1, check.intervalSeconds), timeout: check.timeoutSeconds,
            grace: check.gracePeriodSeconds, failures: max(1, Int(check.consecutiveFailures)))
    }

    private static func probe(_ check: Mesos_V1_CheckInfo) -> Probe? {
        let kind: Probe.Kind
        switch check.type {
        case .command: kind = .command(check.command.command)
        case .tcp: kind = .tcp(UInt16(clamping: check.tcp.port))
        case .http: kind = .http(UInt16(clamping: check.http.port), check.http.path)
        case .unknown: return nil
        }
        return Probe(
            kind: kind, isHealth: false, delay: check.delaySeconds,
            interval: max(0.1, check.intervalSeconds), timeout: check.timeoutSeconds, grace: 0,
            failures: 1)
    }
}
