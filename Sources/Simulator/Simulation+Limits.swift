import AgentCore
import MasterCore
import Model
import OrderedCollections

extension Simulation {
    /// A volume has the limits of its CREATE in the agent's journal and in the inventory, whatever
    /// was done to it and whoever wrote it down without them.
    func checkLimits(_ index: Int) -> [String] {
        let host = agents[index]
        var found: [String] = []
        for ended in host.ended.values where ended.result.state == .finished {
            for case .create(let made) in ended.operation.volumeChanges {
                let limits = made.resource.disk?.limits
                let inJournal = host.agent.state.volumes[made.uuid]?.resource.disk
                if let inJournal, inJournal.limits != limits {
                    found.append("agent \(index): volume \(made.uuid) has lost its limits")
                }
                let listed = master.ledger.volumes[made.uuid]?.volume.resource.disk
                if let listed, listed.limits != limits {
                    found.append("the inventory's volume \(made.uuid) has lost its limits")
                }
            }
        }
        return found
    }

    mutating func countLimited(_ changes: [VolumeChange]) {
        for case .create(let volume) in changes where volume.resource.disk?.limits != nil {
            count(.volumeLimited)
        }
    }
}
