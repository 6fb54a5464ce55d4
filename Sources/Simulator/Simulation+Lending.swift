import AgentCore
import MachineCore
import MasterCore
import Model
import OrderedCollections

// Lending: two frameworks may hold the same processor in the books, but never on a machine.

extension Simulation {
    /// What the tasks and executors of an agent use altogether, lent or not, is there.
    mutating func checkLending(_ index: Int) {
        let state = agents[index].agent.state
        guard !state.total.isEmpty else { return }
        for name in ["cpus", "mem"] where state.used.total(of: name) > state.total.total(of: name) {
            violate(
                "tasks use \(state.used.total(of: name)) of \(name) on agent \(index), which has"
                    + " \(state.total.total(of: name))")
        }
    }
}
