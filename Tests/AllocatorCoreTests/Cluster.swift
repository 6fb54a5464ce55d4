import MachineCore
import Model
import Testing

@testable import AllocatorCore

/// An allocator with a clock that only moves when told, and short ways to say what happens.
struct Cluster {
    var allocator: Allocator
    var now = Instant(nanoseconds: 0)

    init(_ change: (inout AllocatorOptions) -> Void = { _ in }) {
        var options = AllocatorOptions()
        change(&options)
        allocator = Allocator(options: options)
    }

    static let everything: FrameworkDescription.Capabilities = [
        .multiRole, .sharedResources, .reservationRefinement, .revocableResources, .gpuResources,
    ]

    mutating func framework(
        _ id: String, _ roles: String..., suppressed: [String] = [],
        capabilities: FrameworkDescription.Capabilities = Cluster.everything
    ) {
        allocator.addFramework(
            FrameworkID(id), roles: roles, suppressed: suppressed, capabilities: capabilities,
            isActive: true)
    }

    mutating func agent(_ id: String, _ total: Resources) {
        allocator.addAgent(AgentID(id), total: total, used: [])
    }

    /// One pass; every invariant is checked after it.
    mutating func allocate(_ location: SourceLocation = #_sourceLocation) -> [Allocation] {
        let result = allocator.allocate(at: now)
        #expect(allocator.checkInvariants() == [], sourceLocation: location)
        return result
    }

    /// One pass as `framework agent resources`, in the order of the allocations.
    mutating func offers(_ location: SourceLocation = #_sourceLocation) -> [String] {
        allocate(location).map(\.text)
    }

    /// An allocation comes back, by default without a filter.
    mutating func recover(_ allocation: Allocation, refuseSeconds: Double? = nil) {
        allocator.recover(
            allocation.framework, agent: allocation.agent, resources: allocation.resources,
            filter: refuseSeconds.map(Span.seconds), at: now)
    }

    mutating func advance(milliseconds: Int64) { now = now + .milliseconds(milliseconds) }
}

extension Allocation {
    /// `f1 a1 cpus:2 mem:1024`, with the role where the framework's name does not tell it.
    var text: String {
        "\(framework) \(agent) " + resources.map(\.text).sorted().joined(separator: " ")
    }
}

/// Short ways to write resources.
enum Make {
    static func resources(
        cpus: Int64 = 0, mem: Int64 = 0, disk: Int64 = 0, gpus: Int64 = 0,
        ports: ClosedRange<UInt64>? = nil, role: String? = nil
    ) -> Resources {
        let stack = role.map { [Reservation(role: $0)] } ?? []
        var result = Resources()
        for (name, amount) in [("cpus", cpus), ("mem", mem), ("disk", disk), ("gpus", gpus)] {
            let value = ResourceValue.scalar(Amount(thousandths: amount * 1000))
            result.add(Resource(name, value, reservations: stack))
        }
        if let ports {
            result.add(Resource("ports", .ranges(Ranges(ports)), reservations: stack))
        }
        return result
    }

    static func volume(
        _ id: String, disk: Int64, role: String, isShared: Bool = false
    ) -> Resource {
        Resource(
            "disk", .scalar(Amount(thousandths: disk * 1000)),
            reservations: [Reservation(role: role)],
            disk: Disk(
                persistence: Disk.Persistence(id: id),
                volume: Disk.Volume(containerPath: "data")),
            isShared: isShared)
    }

    /// CREATE of a volume on reserved disk, among unallocated resources.
    static func creation(_ volume: Resource) -> ResourceConversion {
        var plain = volume.with(disk: nil)
        plain.isShared = false
        return ResourceConversion(consumed: Resources([plain]), converted: Resources([volume]))
    }

    /// RESERVE for a role, among unallocated resources.
    static func reservation(_ resources: Resources, role: String) -> ResourceConversion {
        let stack = [Reservation(role: role)]
        return ResourceConversion(
            consumed: resources,
            converted: Resources(resources.map { $0.with(reservations: stack) }))
    }
}

/// Joined resources.
func + (left: Resources, right: Resources) -> Resources { left.adding(right) }

/// With one more piece.
func + (left: Resources, right: Resource) -> Resources { left.adding(Resources([right])) }
