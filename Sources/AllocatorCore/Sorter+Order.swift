extension Sorter {
    /// Whether a sibling's turn comes first.
    func isBefore(_ left: Int, _ right: Int) -> Bool {
        if nodes[left].share != nodes[right].share { return nodes[left].share < nodes[right].share }
        if nodes[left].served != nodes[right].served {
            return nodes[left].served < nodes[right].served
        }
        return nodes[left].name < nodes[right].name
    }

    /// Whether one leaf's turn comes before another's, wherever in the tree they are.
    func precedes(_ left: Int, _ right: Int) -> Bool {
        let (left, right) = compared(left, right)
        return isBefore(left, right)
    }

    /// The siblings at which the ways to two leaves part: their turns decide.
    func compared(_ left: Int, _ right: Int) -> (Int, Int) {
        var left = left
        var right = right
        while nodes[left].depth > nodes[right].depth { left = nodes[left].parent }
        while nodes[right].depth > nodes[left].depth { right = nodes[right].parent }
        while nodes[left].parent != nodes[right].parent {
            left = nodes[left].parent
            right = nodes[right].parent
        }
        return (left, right)
    }

    /// Where a node stands among its siblings; nil for the root.
    func position(of node: Int) -> Int? {
        guard node != Sorter.root else { return nil }
        let parent = nodes[node].parent
        if isStale { return nodes[parent].children.firstIndex(of: node) }
        let position = insertionPoint(of: node)
        return nodes[parent].children[position] == node ? position : nil
    }

    /// Where a node belongs among its siblings: after all that come before it.
    func insertionPoint(of node: Int) -> Int {
        let parent = nodes[node].parent
        var low = 0
        var high = nodes[parent].children.count
        while low < high {
            let middle = (low + high) / 2
            if isBefore(nodes[parent].children[middle], node) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }

    /// Goes through the eligible leaves in the order of fairness, as it was when each level was
    /// entered: what is allocated on the way changes the order for the next walk.
    struct Walk {
        private var levels: [(children: [Int], next: Int)] = []

        init(_ sorter: Sorter) {
            levels.append((sorter.nodes[Sorter.root].children, 0))
        }

        /// The next leaf's client.
        mutating func next(in sorter: Sorter) -> Int? {
            while let level = levels.last {
                guard level.next < level.children.count else {
                    levels.removeLast()
                    continue
                }
                levels[levels.count - 1].next += 1
                let node = level.children[level.next]
                guard sorter.nodes[node].eligible > 0 else { continue }
                if sorter.nodes[node].client >= 0 { return sorter.nodes[node].client }
                levels.append((sorter.nodes[node].children, 0))
            }
            return nil
        }
    }
}
