internal import Synchronization

/// Something for each path, there for as long as somebody uses it.
package final class PathTable<Value: Sendable>: Sendable {
    private struct Entry {
        let value: Value
        /// Without any it is forgotten.
        var users: Int
    }

    private let make: @Sendable () -> Value
    private let entries = Mutex<[String: Entry]>([:])

    package init(_ make: @escaping @Sendable () -> Value) { self.make = make }

    /// How many calls of `use` are under way for a path.
    package func users(of path: String) -> Int {
        entries.withLock { $0[path]?.users ?? 0 }
    }

    /// Calls `body` with the path's value: the same for all calls at one time.
    package func use<Result, Failure: Error>(
        _ path: String, _ body: (Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let value = enter(path)
        defer { leave(path) }
        return try body(value)
    }

    private func enter(_ path: String) -> Value {
        entries.withLock { entries in
            let value = entries[path]?.value ?? make()
            entries[path, default: Entry(value: value, users: 0)].users += 1
            return value
        }
    }

    private func leave(_ path: String) {
        entries.withLock { entries in
            entries[path]?.users -= 1
            if entries[path]?.users == 0 { entries[path] = nil }
        }
    }
}
