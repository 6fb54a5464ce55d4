/// Elements at small, stable, reused indexes, so that references between them are plain numbers.
/// An index that is not in use holds `vacant`.
struct Slots<Element: Sendable>: Sendable {
    private var elements: [Element] = []
    private var free: [Int] = []
    private let vacant: Element

    init(vacant: Element) { self.vacant = vacant }

    subscript(index: Int) -> Element {
        _read { yield elements[index] }
        _modify { yield &elements[index] }
    }

    /// One more than the largest index ever used.
    var endIndex: Int { elements.count }

    /// How many indexes are in use.
    var count: Int { elements.count - free.count }

    mutating func insert(_ element: Element) -> Int {
        if let index = free.popLast() {
            elements[index] = element
            return index
        }
        elements.append(element)
        return elements.count - 1
    }

    mutating func remove(_ index: Int) {
        elements[index] = vacant
        free.append(index)
    }
}
