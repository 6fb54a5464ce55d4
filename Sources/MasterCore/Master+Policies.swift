import MachineCore
package import Model
import OrderedCollections

// Roles' policies, and what a policy says of one volume. A verdict changes nothing; only
// `Master+Collection.swift` acts on it, when its time has come.

extension Master {
    /// How long the master waits after its start before it takes a deadline of an earlier life for
    /// met, where the window is no shorter: the wall clock may have jumped in between, and agents
    /// are still to come back.
    private var grace: Span { .milliseconds(options.agentReregisterTimeoutMilliseconds) }
    static let policiesAtMost = 10_000
    /// Between two attempts to erase a volume of which one has failed.
    static let erasureRetry = Span.milliseconds(600_000)
    private static let offeredRetry = Span.milliseconds(10_000)

    /// By role.
    package var policies: [LifecyclePolicy] {
        ledger.policies.keys.sorted().compactMap { ledger.policies[$0] }
    }

    /// The policy of the role or of the nearest role above it.
    package func policy(for role: String) -> LifecyclePolicy? {
        guard !ledger.policies.isEmpty else { return nil }
        return Role.lineage(of: role).reversed().lazy.compactMap { ledger.policies[$0] }.first
    }

    package func isProtected(_ row: VolumeRow) -> Bool {
        row.lifecycle.isProtected
            ?? policy(for: row.volume.resource.role)?.isProtecting ?? false
    }

    /// What becomes of a volume next, when, and why; or why nothing does.
    package func verdict(_ row: VolumeRow) -> LifecycleVerdict {
        let policy = policy(for: row.volume.resource.role)
        guard row.standing == .active else {
            return LifecycleVerdict("it is \(row.standing.rawValue)", policyRole: policy?.role)
        }
        var verdict =
            switch row.lifecycle.stage {
            case .active, .orphaned: orphanVerdict(row, policy)
            case .trash: trashVerdict(row, policy)
            case .erasing: erasingVerdict(row)
            }
        if verdict.step != nil, let state = absence(of: row.agent) {
            verdict.step = nil
            verdict.reason = "its agent is \(state); else: \(verdict.reason)"
        }
        verdict.policyRole = policy?.role
        return verdict
    }

    /// A point in time at which a window ends that began at `nanoseconds`; never earlier than that
    /// and a while after this master's start.
    private func end(of window: Int64, from nanoseconds: Int64) -> Instant {
        let span = Span(nanoseconds: window)
        return max(Instant(nanoseconds: nanoseconds) + span, startedAt + min(span, grace))
    }

    private func trashVerdict(_ row: VolumeRow, _ policy: LifecyclePolicy?) -> LifecycleVerdict {
        if isProtected(row) { return LifecycleVerdict("it is in the trash and protected") }
        guard let policy else {
            return LifecycleVerdict(
                "it is in the trash, and no policy names its role any more: undelete or erase it")
        }
        return LifecycleVerdict(
            .erase, at: end(of: policy.trashNanoseconds, from: row.lifecycle.sinceNanoseconds),
            "it is in the trash for \(policy.trashNanoseconds.spanText), then"
                + " '\(policy.erasure.mode.rawValue)' erases it",
            policyRole: policy.role)
    }

    private func erasingVerdict(_ row: VolumeRow) -> LifecycleVerdict {
        let mode = row.lifecycle.order?.mode ?? .delete
        guard let problem = row.lifecycle.problem else {
            return LifecycleVerdict("it is being erased by '\(mode.rawValue)'")
        }
        let since = Instant(nanoseconds: row.lifecycle.sinceNanoseconds)
        return LifecycleVerdict(
            .erase, at: since + Self.erasureRetry,
            "'\(mode.rawValue)' has failed and is tried again: \(problem)", policyRole: nil)
    }

    private func orphanVerdict(_ row: VolumeRow, _ policy: LifecyclePolicy?) -> LifecycleVerdict {
        let isOrphan = row.lifecycle.stage == .orphaned
        let (due, why) = orphanhood(row, policy)
        guard let due, let policy, due <= now else {
            // What it was orphaned for does not hold any more.
            if isOrphan { return LifecycleVerdict(.reclaim, at: now, why, policyRole: nil) }
            guard let due else { return LifecycleVerdict(why) }
            return LifecycleVerdict(.orphan, at: due, why, policyRole: nil)
        }
        if isProtected(row) { return LifecycleVerdict("it is protected; else: \(why)") }
        guard isOrphan else { return LifecycleVerdict(.orphan, at: due, why, policyRole: nil) }
        guard let retention = policy.retentionNanoseconds else {
            return LifecycleVerdict("\(why); the policy keeps orphans for ever")
        }
        return LifecycleVerdict(
            .trash, at: end(of: retention, from: row.lifecycle.sinceNanoseconds),
            "\(why); the policy keeps orphans for \(retention.spanText)", policyRole: nil)
    }

    /// From when on a volume counts as orphaned (nil: it does not), and why.
    private func orphanhood(
        _ row: VolumeRow, _ policy: LifecyclePolicy?
    ) -> (due: Instant?, reason: String) {
        guard let policy else { return (nil, "no policy names its role") }
        if let use = row.lastUse, use.untilNanoseconds == nil {
            return (nil, "task '\(use.task.task)' of \(use.task.framework) uses it")
        }
        switch policy.orphans {
        case .never: return (nil, "the policy makes no orphans")
        case .ownerGone:
            guard let maker = row.volume.framework else {
                return (nil, "an operator made it: it has no owner that could go")
            }
            for owner in [maker, row.lastUse?.task.framework ?? maker]
            where !isGone(owner, from: row) {
                return (nil, "its owner \(owner) is not removed")
            }
            return (now, "its owner \(row.lastUse?.task.framework ?? maker) is removed")
        case .unused(let span):
            let active = row.lifecycle.stage == .active ? row.lifecycle.sinceNanoseconds : 0
            let since = max(
                row.volume.createdNanoseconds, row.lastUse?.untilNanoseconds ?? 0, active)
            // A restart of the master ends no window too early, and takes no orphan back.
            var due =
                row.lifecycle.stage == .orphaned
                ? Instant(nanoseconds: since) + Span(nanoseconds: span)
                : end(of: span, from: since)
            if due <= now, row.lifecycle.stage == .active, isOffered(row) {
                due = now + Self.offeredRetry
            }
            return (due, "no task has used it for \(span.spanText)")
        }
    }

    /// Whether a framework is known to be removed for good.
    private func isGone(_ id: FrameworkID, from row: VolumeRow) -> Bool {
        ledger.frameworks[id]?.isRemoved ?? row.lifecycle.goneOwners.contains(id)
    }

    private func isOffered(_ row: VolumeRow) -> Bool {
        let key = ResourceKey(row.volume.resource.with(allocationRole: nil))
        return (agents[row.agent]?.offers ?? []).contains { id in
            offers[id]?.resources.contains {
                $0.isPersistentVolume && ResourceKey($0.with(allocationRole: nil)) == key
            } == true
        }
    }
}

extension Int64 {
    /// Nanoseconds as a person reads them: whole units only where they are exact.
    fileprivate var spanText: String {
        let seconds = self / 1_000_000_000
        if seconds * 1_000_000_000 != self { return "\(self / 1_000_000) ms" }
        for (unit, name) in [(86_400, "d"), (3_600, "h"), (60, "min")] as [(Int64, String)]
        where seconds > 0 && seconds.isMultiple(of: unit) {
            return "\(seconds / unit) \(name)"
        }
        return "\(seconds) s"
    }
}
