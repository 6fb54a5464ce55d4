/// A text that names one thing; the tag keeps different kinds of names apart.
package struct Identifier<Tag>: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let value: String

    package init(_ value: String) { self.value = value }

    package var description: String { value }

    package static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

package enum AgentTag: Sendable {}
package enum FrameworkTag: Sendable {}
package enum OfferTag: Sendable {}
package enum TaskTag: Sendable {}
package enum ExecutorTag: Sendable {}
package enum ContainerTag: Sendable {}
package enum OperationTag: Sendable {}
package enum OperationUUIDTag: Sendable {}
package enum UpdateUUIDTag: Sendable {}
package enum VolumeUUIDTag: Sendable {}
package enum ReservationUUIDTag: Sendable {}

package typealias AgentID = Identifier<AgentTag>
package typealias FrameworkID = Identifier<FrameworkTag>
package typealias OfferID = Identifier<OfferTag>
package typealias TaskID = Identifier<TaskTag>
package typealias ExecutorID = Identifier<ExecutorTag>
package typealias ContainerID = Identifier<ContainerTag>
/// The name that a framework gives to an operation (`Offer.Operation.id`).
package typealias OperationID = Identifier<OperationTag>
/// The name that the master gives to every operation; a UUID in text form.
package typealias OperationUUID = Identifier<OperationUUIDTag>
/// A status update's UUID in text form.
package typealias UpdateUUID = Identifier<UpdateUUIDTag>
/// A persistent volume's UUID, which never changes; in text form.
package typealias VolumeUUID = Identifier<VolumeUUIDTag>
/// A reservation's UUID, which never changes; in text form.
package typealias ReservationUUID = Identifier<ReservationUUIDTag>

/// A framework's task; a task id is unique within its framework only.
package struct TaskKey: Hashable, Comparable, Sendable {
    package let framework: FrameworkID
    package let task: TaskID

    package init(_ framework: FrameworkID, _ task: TaskID) {
        self.framework = framework
        self.task = task
    }

    package static func < (left: TaskKey, right: TaskKey) -> Bool {
        (left.framework, left.task) < (right.framework, right.task)
    }
}

/// Bytes that a core carries and never looks into: a serialized message of `MesosAPI`.
package struct Payload: Hashable, Sendable {
    package var bytes: [UInt8]

    package init(_ bytes: [UInt8] = []) { self.bytes = bytes }
}
