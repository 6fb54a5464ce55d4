package import Model

/// How the resources that an agent is given may differ from those of its start before.
package enum ReconfigurationPolicy: String, Hashable, Sendable, CaseIterable {
    /// Not at all.
    case equal
    /// There may be more, and new ones, but nothing less.
    case additive
    /// In any way that leaves what is reserved, made into volumes or in use.
    case compatible

    /// Why a change is against the policy; nil: it is not.
    package func objection(from old: Resources, to new: Resources) -> String? {
        let isAllowed =
            switch self {
            case .equal: new == old
            case .additive: new.contains(old)
            case .compatible: true
            }
        guard !isAllowed else { return nil }
        return "--resources were \(old.text) and are \(new.text), which"
            + " --reconfiguration-policy=\(rawValue) does not allow"
    }
}
