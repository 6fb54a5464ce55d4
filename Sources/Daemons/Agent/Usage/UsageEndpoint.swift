import AgentCore
import MachineCore
import MesosAPI
import Model
import Net
import Wire

/// What the agent tells of the use of its disks: calls of the v1 API, Mesos's `/monitor/statistics`
/// and `/metrics/snapshot`, and `/metrics` for Prometheus.
///
/// All answers come from what the monitor has read last, on threads that may wait for a moment.
struct UsageEndpoint: Sendable {
    typealias Finish = @Sendable (Result<Mesos_V1_Agent_Response, ErrorForm>) -> Void

    let host: MachineHost<Agent>
    let containers: AgentContainers
    let monitor: UsageMonitor
    private let threads = BlockingThreads("usage-answers", limit: 2)

    init(host: MachineHost<Agent>, containers: AgentContainers, monitor: UsageMonitor) {
        self.host = host
        self.containers = containers
        self.monitor = monitor
    }

    /// VOLUME_USAGE.
    func answer(_ call: Mesos_V1_Agent_Call.VolumeUsage, _ finish: @escaping Finish) {
        let uuid = call.hasUuid ? VolumeUUID(call.uuid) : nil
        withContainers { found, _ in
            let views = views(found)
            guard let response = views.response(only: uuid, traffic: containers.usage) else {
                return finish(.failure(Self.unknown(call.uuid)))
            }
            finish(.success(response))
        }
    }

    /// VOLUME_HISTORY.
    func answer(
        _ call: Mesos_V1_Agent_Call.VolumeHistory, _ finish: @escaping Finish
    ) throws(ErrorForm) {
        var steps = Set(UsageStep.allCases)
        if call.hasStepSeconds {
            guard let step = UsageStep(rawValue: Int(call.stepSeconds)) else {
                throw ErrorForm(
                    status: 400, text: "step_seconds \(call.stepSeconds): use 60, 3600 or 86400")
            }
            steps = [step]
        }
        threads.run { [steps] in
            guard let found = monitor.recorder.history(VolumeUUID(call.uuid)) else {
                return finish(.failure(Self.unknown(call.uuid)))
            }
            let series = found.series.filter { steps.contains($0.0) }
            finish(.success(UsageViews.history(call.uuid, series, found.forecast)))
        }
    }

    /// DISK_TRAFFIC.
    func answerTraffic(_ volumes: AgentVolumes, _ finish: @escaping Finish) {
        withContainers { found, _ in
            finish(
                .success(
                    DiskTrafficViews(
                        volumes: volumes, found: found, usage: containers.usage
                    ).response()))
        }
    }

    private func views(_ found: [AgentViews.FoundContainer]) -> UsageViews {
        UsageViews(
            snapshot: monitor.snapshot, found: found, forecast: monitor.recorder.forecast)
    }

    static func unknown(_ uuid: String) -> ErrorForm {
        ErrorForm(
            status: 404,
            text: "This agent has no volume '\(uuid)': VOLUME_USAGE without uuid lists all")
    }

    /// Answers a GET of one of its paths; false: it is none.
    func handle(_ request: HTTPRequest, _ responder: HTTPResponder) -> Bool {
        var path = request.path[...]
        if path.hasPrefix("/slave(1)/") { path = path.dropFirst("/slave(1)".count) }
        switch path {
        case "/monitor/statistics", "/monitor/statistics.json":
            withContainers { found, now in
                let json = AgentViews.monitorStatistics(
                    found, containers, monitor.snapshot, now.seconds)
                responder.answer(HTTPAnswer(json))
            }
        case "/metrics":
            withContainers { found, _ in
                let text = UsageMetrics(
                    views(found), traffic: containers.usage,
                    events: monitor.recorder.eventCounts
                ).text
                responder.answer(
                    HTTPAnswer(
                        status: 200, headers: ["Content-Type": UsageMetrics.contentType],
                        body: Array(text.utf8)))
            }
        case "/metrics/snapshot":
            host.query { agent, now in
                let answer = AgentMetrics.snapshot(agent, now)
                return { responder.answer(HTTPAnswer(answer)) }
            }
        default: return false
        }
        return true
    }

    /// Reads what runs from the machine, and goes on with it on a thread of its own.
    private func withContainers(
        _ body: @escaping @Sendable ([AgentViews.FoundContainer], Instant) -> Void
    ) {
        host.query { [threads] agent, now in
            let found = AgentViews.containers(agent)
            return { threads.run { body(found, now) } }
        }
    }
}
