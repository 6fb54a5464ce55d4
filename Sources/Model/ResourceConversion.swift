/// Every reservation, volume and resize: what goes and what comes instead. The sum over an agent,
/// without reservations and volumes, is the same on both sides.
package struct ResourceConversion: Equatable, Sendable {
    package var consumed: Resources
    package var converted: Resources

    package init(consumed: Resources, converted: Resources) {
        self.consumed = consumed
        self.converted = converted
    }

    /// Whether nothing is made and nothing lost.
    package var isConserving: Bool { consumed.bare == converted.bare }

    /// The conversion that takes this one back.
    package var reversed: ResourceConversion {
        ResourceConversion(consumed: converted, converted: consumed)
    }

    /// The same conversion among resources held under an allocation role, or under none.
    package func allocated(to role: String?) -> ResourceConversion {
        ResourceConversion(
            consumed: consumed.allocated(to: role), converted: converted.allocated(to: role))
    }
}

extension Resources {
    /// Applies a conversion whole or not at all. A shared volume goes with its last holder only:
    /// its disk is counted once, and giving it back for one of several would make disk of nothing.
    package mutating func apply(_ conversion: ResourceConversion) throws(Refusal) {
        for entry in conversion.consumed.entries where entry.resource.isShared {
            guard let held = self.entry(ResourceKey(entry.resource)), held.copies > entry.copies,
                !conversion.converted.contains(entry.resource)
            else { continue }
            throw Refusal(
                .conflict, "\(entry.resource.detailedText) has \(held.copies) holders")
        }
        guard subtract(conversion.consumed) else {
            throw Refusal(.conflict, shortage(of: conversion.consumed))
        }
        add(conversion.converted)
    }

    /// What of the first missing piece's name there is, and that it does not contain the piece.
    func shortage(of wanted: Resources) -> String {
        guard let missing = wanted.first(where: { !contains($0) }) else {
            return "not enough resources"
        }
        var pieces: [String] = []
        for resource in self where resource.name == missing.name {
            guard pieces.count < 10 else {
                pieces.append("...")
                break
            }
            pieces.append(resource.detailedText)
        }
        let there = pieces.isEmpty ? "no \(missing.name)" : pieces.joined(separator: "; ")
        return "\(there) does not contain \(missing.detailedText)"
    }
}
