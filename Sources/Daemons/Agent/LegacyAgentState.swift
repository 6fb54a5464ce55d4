import AgentCore
import MesosAPI
import Model

/// GET `/state` of an agent: who it is, and its resources as Mesos's tools read them. Its tasks are
/// in the v1 API's GET_STATE.
enum LegacyAgentState {
    static func answer(_ agent: Agent, _ version: Mesos_V1_VersionInfo) -> LegacyJSON {
        let description = agent.description
        let used = agent.state.used
        return .object(
            [
                ("version", .text(version.version)),
                ("id", .text(description.id?.value ?? "")),
                ("hostname", .text(description.hostname)),
                ("pid", .text("slave(1)@\(description.address):\(description.port)")),
            ] + LegacyJSON.totals(agent.state.total) + [
                ("reserved_resources_allocated", LegacyJSON.byRole(used, LegacyJSON.summary)),
                ("unreserved_resources_allocated", LegacyJSON.summary(used.unreserved)),
            ])
    }
}
