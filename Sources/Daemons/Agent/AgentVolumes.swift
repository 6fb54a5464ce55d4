import AgentCore
import Dispatch
import Linux
import Logging
import Model
import Synchronization
import Volumes

/// The agent's volumes on all its disks: does what operations ask, and reports how volumes fare.
final class AgentVolumes: Sendable {
    private let root: VolumeStore
    /// By the root directory of a PATH or MOUNT disk.
    private let disks: [String: VolumeStore]
    let homes = Mutex<[VolumeUUID: String]>([:])
    /// What was counted last in volumes that nothing else limits.
    let counted = Mutex<[VolumeUUID: UsageAmounts]>([:])
    /// What the loop devices of volumes had done before.
    let baselines = Mutex<[VolumeUUID: TrafficBaseline]>([:])
    /// Why a disk takes no new volumes, by disk.
    let suspicions = Mutex<[String: [String]]>([:])
    /// New ones that are prepared a little later: many a volume is gone again by then.
    private let lingering = Mutex<[VolumeUUID]>([])
    /// Held while a group is allotted.
    let groups: Mutex<VolumeGroups?>
    private let threads = BlockingThreads("volumes", limit: 8)
    private let background = BlockingThreads("volumes-background", limit: 2)
    let wiping = WipeThread()
    let throttles: VolumeThrottles
    private let preparations = Preparations()
    let logger: Logger
    let reported: @Sendable ([VolumeReport]) -> Void

    /// `resources` name the PATH and MOUNT disks. `reported` is called when a volume's state is
    /// known or has changed.
    init(
        workDirectory: String, resources: Resources, preference: BackendPreference,
        thinPool: ThinPool? = nil, throttles: VolumeThrottles = .current(),
        groups: VolumeGroups? = nil, logger: Logger,
        reported: @escaping @Sendable ([VolumeReport]) -> Void
    ) throws {
        self.throttles = throttles
        self.groups = Mutex(groups)
        root = try VolumeStore(
            .root(workDirectory: workDirectory), preference: preference, thinPool: thinPool,
            throttles: throttles)
        var disks: [String: VolumeStore] = [:]
        for resource in resources {
            guard let source = resource.disk?.source, let place = source.root,
                disks[place] == nil
            else { continue }
            let path = place.hasPrefix("/") ? place : "\(workDirectory)/\(place)"
            switch source.kind {
            case .path:
                let own = try ThinPool(of: source)
                disks[place] = try VolumeStore(
                    .path(root: path), preference: own == nil ? preference : preference.inPool,
                    thinPool: own ?? thinPool, throttles: throttles)
            case .mount:
                disks[place] = try VolumeStore(
                    .mount(root: path, workDirectory: workDirectory), preference: preference,
                    throttles: throttles)
            case .block, .raw: break
            }
        }
        self.disks = disks
        self.logger = logger
        self.reported = reported
    }

    private var stores: [VolumeStore] { [root] + disks.keys.sorted().compactMap { disks[$0] } }

    /// Checks and mounts every volume on the disks; finishes what was being deleted, and makes
    /// those again that were `unprepared` when a crash came: nothing was ever stored in them.
    func recover(_ unprepared: [VolumeDescription]) -> [StartReport.FoundVolume] {
        // What a crash between a device's end and that of its limits has left.
        throttles.clearStale()
        startCounting()
        var found: [StartReport.FoundVolume] = []
        var unfinished: Set<VolumeUUID> = []
        for (name, store) in named {
            for status in store.inventory() {
                let uuid = status.record.uuid
                homes.withLock { $0[uuid] = name }
                do throws(VolumeError) {
                    switch try store.recover(uuid) {
                    case .ready: found.append(.init(uuid))
                    case .unfinished: unfinished.insert(uuid)
                    case .deleting: erase(uuid, store)
                    }
                } catch {
                    logger.error("volume", metadata: ["uuid": "\(uuid)", "error": "\(error)"])
                    // Without its data it is lost, whatever the owner file says.
                    if case .lost = error { continue }
                    found.append(.init(uuid, problem: "\(error)"))
                }
            }
        }
        for volume in unprepared
        where unfinished.contains(volume.uuid) || homes.withLock({ $0[volume.uuid] == nil }) {
            do throws(VolumeError) {
                try apply(.create(volume))
                prepareLater(volume.uuid)
                found.append(.init(volume.uuid))
            } catch {
                found.append(.init(volume.uuid, problem: "\(error)"))
            }
        }
        return found
    }

    var named: [(String, VolumeStore)] {
        [("", root)] + disks.keys.sorted().compactMap { name in disks[name].map { (name, $0) } }
    }

    /// Does an operation's changes, all or none; `finished` gets nil or why not.
    func change(
        _ changes: [VolumeChange], _ finished: @escaping @Sendable (String?) -> Void
    ) {
        threads.run { [self] in
            do throws(VolumeError) { try applyAll(changes) } catch {
                return finished("\(error)")
            }
            finished(nil)
            for case .create(let volume) in changes { prepareLater(volume.uuid) }
            for case .resize(let uuid, _) in changes { report([uuid]) }
        }
    }

    func apply(_ change: VolumeChange) throws(VolumeError) {
        switch change {
        case .create(let volume):
            let place = volume.resource.disk?.source?.root ?? ""
            guard let store = store(named: place) else {
                throw .conflict("this agent has no disk at '\(place)'")
            }
            try requireSound(place)
            homes.withLock { $0[volume.uuid] = place }
            try store.create(
                VolumeSpec(
                    uuid: volume.uuid, role: volume.resource.role,
                    persistenceID: volume.resource.disk?.persistence?.id ?? "",
                    bytes: Self.bytes(volume.resource.amount),
                    createdBy: volume.principal ?? "",
                    limits: volume.resource.disk?.limits ?? VolumeLimits()))
        case .destroy(let uuid):
            guard let store = store(of: uuid) else { return }
            try store.retire(uuid)
            if (try? store.status(uuid)) == nil {
                forget(uuid)
            } else {
                erase(uuid, store)
            }
        case .resize(let uuid, let amount):
            guard let store = store(of: uuid) else {
                throw .conflict("this agent has no volume \(uuid)")
            }
            let bytes = Self.bytes(amount)
            let old = try store.status(uuid).record.spec.bytes
            if bytes > old { try store.grow(uuid, to: bytes) }
            if bytes < old { try store.shrink(uuid, to: bytes) }
        }
    }

    /// Makes a volume reachable for a task and gives its root to the task's user; returns its path.
    ///
    /// With `mayBeInUse` a root that is the user's already stays as the user has made it.
    func mount(
        _ uuid: VolumeUUID, owner: VolumeOwner, mayBeInUse: Bool = false
    ) throws(VolumeError) -> String {
        guard let store = store(of: uuid) else {
            throw .conflict("this agent has no volume \(uuid)")
        }
        let path = try store.mount(uuid)
        if mayBeInUse, let root = try? FileStatus.of(path), root.uid == owner.uid,
            root.gid == owner.gid
        {
            return path
        }
        try store.setOwner(uuid, owner)
        return path
    }

    /// Where a volume's data is; nil: it is none of this agent's.
    func path(_ uuid: VolumeUUID) -> String? { try? store(of: uuid)?.status(uuid).path }

    /// Unmounts and detaches everything; what is in use is left.
    func release() {
        preparations.stop()
        for store in stores {
            for status in store.inventory() where status.record.state == .ready {
                do { try store.unmount(status.record.uuid) } catch {
                    logger.warning("volume stays mounted", metadata: ["error": "\(error)"])
                }
            }
        }
    }

    /// Prepares a new volume in the background: an image at once, so that it is ready for its
    /// first task; a directory, which has little to prepare, a tenth of a second later.
    private func prepareLater(_ uuid: VolumeUUID) {
        guard let store = store(of: uuid), let status = try? store.status(uuid) else { return }
        guard status.record.backend == .directory else { return prepare(uuid) }
        let isFirst = lingering.withLock { lingering in
            defer { lingering.append(uuid) }
            return lingering.isEmpty
        }
        guard isFirst else { return }
        DispatchQueue.global().asyncAfter(deadline: .now() + 0.1) { [self] in
            let uuids = lingering.withLock { lingering in
                defer { lingering = [] }
                return lingering
            }
            for uuid in uuids where self.store(of: uuid) != nil { prepare(uuid) }
        }
    }

    private func prepare(_ uuid: VolumeUUID) {
        guard preparations.begin() else { return }
        background.run { [self] in
            defer { preparations.end() }
            guard let store = store(of: uuid) else { return }
            if (try? store.status(uuid))?.enforcement == .poll {
                // A count that came before knows better.
                counted.withLock { counted in
                    guard counted[uuid] == nil else { return }
                    counted[uuid] = UsageAmounts(usedBytes: 0, source: .walk, at: .now)
                }
            }
            do { try store.prepare(uuid) } catch {
                // One that was destroyed meanwhile needs no file system any more.
                guard let status = try? store.status(uuid), status.record.state == .creating
                else { return }
                logger.error("volume", metadata: ["uuid": "\(uuid)", "error": "\(error)"])
            }
            report([uuid])
            if let status = try? store.status(uuid) { _ = traffic(of: status) }
        }
    }

    func retire(_ uuid: VolumeUUID) {
        guard let store = store(of: uuid) else { return }
        do throws(VolumeError) { try store.retire(uuid) } catch { note(error, of: uuid) }
        erase(uuid, store)
    }

    func note(_ error: VolumeError, of uuid: VolumeUUID) {
        logger.error("volume", metadata: ["uuid": "\(uuid)", "error": "\(error)"])
    }

    /// Removes a retired volume's data bit by bit; one whose device is still held waits for it. Its
    /// disk is offered again already: what fails is tried again, less and less often.
    private func erase(_ uuid: VolumeUUID, _ store: VolumeStore, failures: Int = 0) {
        background.run { [self] in
            do throws(VolumeError) {
                switch try store.erase(uuid) {
                case .done: forget(uuid)
                case .unfinished: erase(uuid, store)
                case .waiting:
                    DispatchQueue.global().asyncAfter(deadline: .now() + 1) { [self] in
                        erase(uuid, store)
                    }
                }
            } catch {
                logger.error("erasing", metadata: ["uuid": "\(uuid)", "error": "\(error)"])
                let pause = min(60 << min(failures, 6), 3_600)
                DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(pause)) { [self] in
                    erase(uuid, store, failures: failures + 1)
                }
            }
        }
    }

    func forget(_ uuid: VolumeUUID) {
        homes.withLock { $0[uuid] = nil }
        counted.withLock { $0[uuid] = nil }
        baselines.withLock { $0[uuid] = nil }
    }

    func report(_ uuids: [VolumeUUID]) {
        var reports: [VolumeReport] = []
        for uuid in uuids {
            guard let store = store(of: uuid), let status = try? store.status(uuid),
                status.record.state == .ready
            else { continue }
            reports.append(Self.report(status, try? usage(status, store)))
        }
        if !reports.isEmpty { reported(reports) }
    }

    func store(named name: String) -> VolumeStore? { name.isEmpty ? root : disks[name] }

    func store(of uuid: VolumeUUID) -> VolumeStore? {
        homes.withLock { $0[uuid] }.flatMap { store(named: $0) }
    }

    /// MiB thousandths in bytes, rounded down.
    static func bytes(_ amount: Amount) -> Int64 { amount.mebibytesInBytes }
}
