import MesosAPI
import Model
import Registry
import Wire

/// Answers LIST_AUDIT out of the registry's trail, beside the core.
struct AuditQueries: Sendable {
    let registry: any RegistryStore
    /// Readers of the whole trail take turns.
    private let threads = BlockingThreads("audit", limit: 1)

    init(registry: any RegistryStore) { self.registry = registry }

    func answer(
        _ call: Mesos_V1_Master_Call.ListAudit,
        _ finish: @escaping @Sendable (Result<Mesos_V1_Master_Response, ErrorForm>) -> Void
    ) {
        threads.run { [registry] in
            do throws(ErrorForm) {
                finish(.success(try Self.read(call, registry)))
            } catch {
                finish(.failure(error))
            }
        }
    }

    static let defaultLimit = 100
    static let longest = 10_000

    private static func read(
        _ call: Mesos_V1_Master_Call.ListAudit, _ registry: any RegistryStore
    ) throws(ErrorForm) -> Mesos_V1_Master_Response {
        var query = TrailQuery()
        query.subjects = try subjects(call)
        if call.hasFrom { query.from = call.from.nanoseconds }
        if call.hasTo { query.to = call.to.nanoseconds }
        if call.hasBefore { query.before = call.before }
        query.limit = min(call.hasLimit ? Int(call.limit) : defaultLimit, longest)
        var response = Mesos_V1_Master_Response()
        response.type = .listAudit
        response.listAudit = Mesos_V1_Master_Response.ListAudit()
        while true {
            let page: TrailPage
            do throws(RegistryError) { page = try registry.trail(query) } catch {
                throw ErrorForm(Refusal(.unavailable, error.description))
            }
            for line in page.entries {
                // A line of a later version has words that this one does not know.
                guard let entry = try? AuditEntry(decoding: line.entry.value) else { continue }
                response.listAudit.entries.append(.init(entry, number: line.number))
            }
            query.limit -= page.entries.count
            query.before = page.next
            if page.next == nil || query.limit <= 0 { break }
        }
        if let next = query.before { response.listAudit.next = next }
        return response
    }

    static func subjects(
        _ call: Mesos_V1_Master_Call.ListAudit
    ) throws(ErrorForm) -> [String] {
        var subjects: [String] = []
        if call.hasAction {
            guard AuditAction(rawValue: call.action) != nil else {
                let known = AuditAction.allCases.map(\.rawValue).joined(separator: ", ")
                throw ErrorForm(
                    Refusal(.invalid, "there is no action '\(call.action)'; there are \(known)"))
            }
            subjects.append("action:\(call.action)")
        }
        if call.hasVolumeUuid { subjects.append("volume:\(call.volumeUuid)") }
        if call.hasRole { subjects.append("role:\(call.role)") }
        if call.hasPrincipal { subjects.append("principal:\(call.principal)") }
        if call.hasFrameworkID { subjects.append("framework:\(call.frameworkID.value)") }
        if call.hasAgentID { subjects.append("agent:\(call.agentID.value)") }
        if call.hasTransactionUuid { subjects.append("transaction:\(call.transactionUuid)") }
        if call.hasTaskID { subjects.append("task:\(call.taskID.value)") }
        return subjects
    }
}

extension Mesos_V1_Master_Response.ListAudit.Entry {
    init(_ entry: AuditEntry, number: Int64) {
        self.init()
        self.number = number
        time.nanoseconds = entry.nanoseconds
        action = entry.action.rawValue
        outcome = entry.outcome.rawValue
        if let message = entry.message { self.message = message }
        if let framework = entry.framework { frameworkID.value = framework.value }
        if let principal = entry.principal { self.principal = principal }
        if let agent = entry.agent { agentID.value = agent.value }
        if let task = entry.task { taskID.value = task.value }
        if let operation = entry.operation { operationUuid = operation.value }
        if let id = entry.operationID { operationID.value = id.value }
        consumed = entry.consumed.map { Mesos_V1_Resource($0, form: .postRefinement) }
        converted = entry.converted.map { Mesos_V1_Resource($0, form: .postRefinement) }
        volumeUuids = entry.volumes.map(\.value)
        if let transaction = entry.transaction { transactionUuid = transaction.value }
    }
}
