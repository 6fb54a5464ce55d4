internal import Linux

/// Deletes the sandboxes of containers that have ended: each after a delay that shrinks as the disk
/// fills, the oldest first, and none while its container may still be there.
///
/// Never follows a symbolic link and never enters a mount: what a dead container has left mounted
/// in its sandbox is unmounted first, and while that is busy the sandbox stays.
package struct SandboxCollector {
    package struct Policy: Hashable, Sendable {
        /// How long a sandbox is kept on an empty disk.
        package var delaySeconds = 604_800.0
        /// The share of the disk that is to stay free: from there on nothing is kept any longer.
        package var headroom = 0.1

        package init(delaySeconds: Double = 604_800, headroom: Double = 0.1) {
            self.delaySeconds = delaySeconds
            self.headroom = headroom
        }

        /// How long sandboxes are kept on a disk of which a share of 0 to 1 is used.
        package func keptSeconds(usage: Double) -> Double {
            delaySeconds * max(0, 1 - headroom - usage)
        }
    }

    /// What came of one sandbox.
    package enum Outcome: Hashable, Sendable {
        case deleted
        /// Something that is busy is mounted there, or a deletion failed: tried again.
        case kept(reason: String)
    }

    /// A container's sandbox, and by this process's clock when its container was first known to
    /// have ended.
    private struct Ended {
        let path: String
        var since: Double
    }

    private static let entriesAtOnce = 1_000

    package let directory: String
    package let policy: Policy
    private var ended: [String: Ended] = [:]
    private var isFirstRound = true

    /// `directory`: the one that holds all agents' sandboxes, `slaves` in the work directory.
    package init(directory: String, policy: Policy) {
        self.directory = directory
        self.policy = policy
    }

    /// Every sandbox on the disk: `AGENT/frameworks/F/executors/E/runs/CONTAINER`.
    package func sandboxes() -> [String] {
        var paths = [directory]
        for fixed in [nil, "frameworks", nil, "executors", nil, "runs", nil] as [String?] {
            paths = paths.flatMap { path in
                guard fixed == nil else { return ["\(path)/\(fixed ?? "")"] }
                return ((try? Files.list(path)) ?? []).map { "\(path)/\($0)" }
            }
        }
        return paths.filter { (try? FileStatus.ifPresent($0))??.kind == .directory }
    }

    /// Deletes what is due of `found`, which was listed before `living`: the ids of containers that
    /// are there. `now` never jumps; `wallClock` is what files are dated by. Both in seconds.
    package mutating func collect(
        _ found: [String], living: Set<String>, now: Double, wallClock: Double,
        isWanted: () -> Bool = { true }, usage: () -> Double
    ) -> [(path: String, ageSeconds: Double, outcome: Outcome)] {
        note(found.filter { !living.contains(Files.name(of: $0)) }, now, wallClock)
        isFirstRound = false
        var outcomes: [(path: String, ageSeconds: Double, outcome: Outcome)] = []
        for item in ended.values.sorted(by: { ($0.since, $0.path) < ($1.since, $1.path) }) {
            // Each deletion makes room, and with room the others are kept for longer.
            let age = now - item.since
            guard age >= policy.keptSeconds(usage: usage()), isWanted() else { break }
            let outcome = delete(item.path, isWanted: isWanted)
            if outcome == .deleted { ended[item.path] = nil }
            outcomes.append((path: item.path, ageSeconds: age, outcome: outcome))
        }
        return outcomes
    }

    /// What ended before this process was there is as old as what was last changed in it.
    private mutating func note(_ paths: [String], _ now: Double, _ wallClock: Double) {
        let known = Set(paths)
        ended = ended.filter { known.contains($0.key) }
        for path in paths where ended[path] == nil {
            var age = 0.0
            if isFirstRound, let changed = Self.changedSeconds(path) {
                age = max(0, wallClock - changed)
            }
            ended[path] = Ended(path: path, since: now - age)
        }
    }

    /// When a sandbox or something directly in it was last changed.
    private static func changedSeconds(_ path: String) -> Double? {
        let names = (try? Files.list(path, limit: entriesAtOnce)) ?? []
        return ([path] + names.map { "\(path)/\($0)" }).compactMap {
            (try? FileStatus.ifPresent($0))??.modifiedSeconds
        }.max()
    }

    private func delete(_ path: String, isWanted: () -> Bool) -> Outcome {
        do {
            for mount in try MountTable.current().below(path) {
                try Mount.detach(mount.mountPoint, isLazy: false)
            }
            while try !DirectoryRemoval.advance(path, entries: Self.entriesAtOnce) {
                guard isWanted() else { return .kept(reason: "the agent ends") }
            }
            removeEmptyParents(of: path)
            return .deleted
        } catch {
            return .kept(reason: "\(error)")
        }
    }

    /// Takes away the executor's, framework's and agent's directories that hold nothing any more;
    /// a launch that needs one makes it again.
    private func removeEmptyParents(of path: String) {
        let runs = Files.parent(of: path)
        if let target = Files.linkTarget("\(runs)/latest"), target == Files.name(of: path) {
            _ = try? Files.remove("\(runs)/latest")
        }
        var place = runs
        while place != directory, place.hasPrefix(directory + "/") {
            guard (try? Files.removeDirectory(place)) == true else { return }
            place = Files.parent(of: place)
        }
    }
}
