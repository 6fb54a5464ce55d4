internal import Model

/// The order of fairness: a tree of roles (`eng`, below it `eng/db`) with the frameworks as leaves.
///
/// Each node's share is the largest part of the cluster that its leaves hold of any one resource
/// (the dominant share), divided by its weight. Siblings are ordered by share; equal shares by who
/// was served longest ago; then by name. The frameworks of a role itself stand together under a
/// child named `.`, which competes with the role's subroles.
///
/// Invariants: a node's quantities are the sum of its children's; `children` is in order unless
/// `isStale`; `eligible` counts the eligible leaves below. Idle reservations count for no one.
struct Sorter: Sendable {
    struct Node: Sendable {
        var name = ""
        var parent = 0
        var depth = 0
        var weight = Amount(thousandths: 1000)
        /// In the order of fairness.
        var children: [Int] = []
        var allocated = ResourceQuantities()
        /// In units of 2^-40 of the cluster; saturates.
        var share: UInt64 = 0
        /// The turn at which a leaf below was served last; zero: never.
        var served: UInt64 = 0
        /// How many leaves below may be offered something.
        var eligible = 0
        /// A leaf's index in `Allocator.clients`; below zero: not a leaf.
        var client = -1
    }

    private struct Edge: Hashable {
        let parent: Int
        let name: String
    }

    static let root = 0

    var nodes = Slots(vacant: Node())
    /// What the agents have altogether.
    private(set) var totals = ResourceQuantities()
    /// Whether the totals changed, and with them all shares.
    private(set) var isStale = false
    private let weights: [String: Amount]
    private var edges: [Edge: Int] = [:]
    private var turn: UInt64 = 0

    init(weights: [String: Amount]) {
        self.weights = weights
        _ = nodes.insert(Node())
    }

    // MARK: the tree

    /// Adds the leaf of a framework in a role and whatever leads to it; returns its node.
    mutating func insert(client: Int, name: String, role: String) -> Int {
        var node = Sorter.root
        for part in role.split(separator: "/", omittingEmptySubsequences: false) {
            let path = role[..<part.endIndex]
            let weight = weights.isEmpty ? nil : weights[String(path)]
            node = child(of: node, named: String(part), weight: weight)
        }
        node = child(of: node, named: ".", weight: nil)
        let leaf = child(of: node, named: name, weight: nil)
        nodes[leaf].client = client
        return leaf
    }

    /// Removes a leaf that holds nothing, and the inner nodes that become empty.
    mutating func remove(_ leaf: Int) {
        setEligible(leaf, false)
        var node = leaf
        while node != Sorter.root, nodes[node].children.isEmpty {
            let parent = nodes[node].parent
            if let position = position(of: node) { nodes[parent].children.remove(at: position) }
            edges[Edge(parent: parent, name: nodes[node].name)] = nil
            nodes.remove(node)
            node = parent
        }
    }

    mutating func setEligible(_ leaf: Int, _ isEligible: Bool) {
        guard (nodes[leaf].eligible == 1) != isEligible else { return }
        forEachUpwards(from: leaf) { $0.nodes[$1].eligible += isEligible ? 1 : -1 }
    }

    private mutating func child(of parent: Int, named name: String, weight: Amount?) -> Int {
        let edge = Edge(parent: parent, name: name)
        if let node = edges[edge] { return node }
        var node = Node(name: name, parent: parent, depth: nodes[parent].depth + 1)
        if let weight { node.weight = max(weight, Amount(thousandths: 1)) }
        let index = nodes.insert(node)
        edges[edge] = index
        nodes[parent].children.insert(index, at: insertionPoint(of: index))
        return index
    }

    private mutating func forEachUpwards(from leaf: Int, _ body: (inout Sorter, Int) -> Void) {
        var node = leaf
        body(&self, node)
        while node != Sorter.root {
            node = nodes[node].parent
            body(&self, node)
        }
    }

    // MARK: shares

    mutating func changeTotals(adding new: ResourceQuantities, removing old: ResourceQuantities) {
        guard new != old else { return }
        totals += new
        totals -= old
        isStale = true
    }

    /// What a leaf holds changes; `isServed`: it was its turn.
    mutating func changeHolding(
        of leaf: Int, adding new: ResourceQuantities, removing old: ResourceQuantities,
        isServed: Bool
    ) {
        if isServed { turn += 1 }
        let turn = turn
        forEachUpwards(from: leaf) { sorter, node in
            let position = sorter.isStale ? nil : sorter.position(of: node)
            for item in new.items { sorter.nodes[node].allocated[item.name] += item.amount }
            for item in old.items { sorter.nodes[node].allocated[item.name] -= item.amount }
            if isServed { sorter.nodes[node].served = turn }
            guard let position else { return }
            let parent = sorter.nodes[node].parent
            sorter.nodes[parent].children.remove(at: position)
            sorter.nodes[node].share = sorter.computedShare(of: node)
            sorter.nodes[parent].children.insert(node, at: sorter.insertionPoint(of: node))
        }
    }

    /// Brings all shares up to date after the totals changed.
    mutating func refresh() {
        guard isStale else { return }
        isStale = false
        for node in 0..<nodes.endIndex { nodes[node].share = computedShare(of: node) }
        for node in 0..<nodes.endIndex where nodes[node].children.count > 1 {
            var children = nodes[node].children
            nodes[node].children = []
            children.sort { isBefore($0, $1) }
            nodes[node].children = children
        }
    }

    func computedShare(of node: Int) -> UInt64 {
        var largest: UInt128 = 0
        var place = 0
        for item in nodes[node].allocated.items {
            while place < totals.items.count, totals.items[place].name < item.name { place += 1 }
            guard place < totals.items.count, totals.items[place].name == item.name else {
                continue
            }
            let total = UInt128(totals.items[place].amount.thousandths)
            largest = max(largest, (UInt128(item.amount.thousandths) << 40) / total)
        }
        return UInt64(clamping: largest * 1000 / UInt128(nodes[node].weight.thousandths))
    }
}
