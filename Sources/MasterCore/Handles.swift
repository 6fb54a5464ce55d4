/// A scheduler's open event stream; the shell numbers them and never uses a number twice.
package struct StreamID: Hashable, Comparable, Sendable {
    package let value: UInt64
    package init(_ value: UInt64) { self.value = value }
    package static func < (left: StreamID, right: StreamID) -> Bool { left.value < right.value }
}

/// An agent's connection; the shell numbers them and never uses a number twice.
package struct ConnectionID: Hashable, Comparable, Sendable {
    package let value: UInt64
    package init(_ value: UInt64) { self.value = value }
    package static func < (left: ConnectionID, right: ConnectionID) -> Bool {
        left.value < right.value
    }
}

/// A call that waits for its answer; the shell numbers them and never uses a number twice.
package struct RequestID: Hashable, Comparable, Sendable {
    package let value: UInt64
    package init(_ value: UInt64) { self.value = value }
    package static func < (left: RequestID, right: RequestID) -> Bool { left.value < right.value }
}
