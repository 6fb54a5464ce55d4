import MasterCore
import Model

/// GET `/slaves`: the agents with their resources as Mesos's tools read them.
enum LegacyAgents {
    /// `only`: the agent that is asked for, where one is.
    static func answer(_ master: Master, only: String?) -> LegacyJSON {
        let views = master.agentViews.filter { view in
            view.agent != nil && (only.map { $0 == view.row.id.value } ?? true)
        }
        return .object([
            ("slaves", .list(views.filter { !$0.isRecovered }.map(agent))),
            (
                "recovered_slaves",
                .list(views.filter(\.isRecovered).map { .object(identity($0)) })
            ),
        ])
    }

    private static func identity(_ view: AgentView) -> [(String, LegacyJSON)] {
        let description = view.row.description
        return [
            ("id", .text(view.row.id.value)), ("hostname", .text(description.hostname)),
            ("port", .integer(description.port)),
            ("pid", .text("slave(1)@\(description.address):\(description.port)")),
            ("registered_time", .number(seconds(view.row.registeredNanoseconds))),
            ("version", .text(description.version)),
        ]
    }

    private static func agent(_ view: AgentView) -> LegacyJSON {
        let used = view.allocated.allocated(to: nil)
        let offered = view.offered.allocated(to: nil)
        var fields = identity(view)
        if let again = view.agent?.reregisteredNanoseconds {
            fields.append(("reregistered_time", .number(seconds(again))))
        }
        fields += LegacyJSON.totals(view.total)
        fields += [
            ("used_resources", .summary(used)), ("offered_resources", .summary(offered)),
            ("used_resources_full", .full(view.allocated)),
            ("offered_resources_full", .full(view.offered)),
            ("active", .bool(view.isActive)), ("deactivated", .bool(false)),
        ]
        return .object(fields)
    }

    private static func seconds(_ nanoseconds: Int64) -> Double {
        Double(nanoseconds) / 1_000_000_000
    }
}
