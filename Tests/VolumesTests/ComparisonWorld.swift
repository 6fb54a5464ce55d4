import Linux
import Model

@testable import Volumes

/// Books and a disk that agree, of one volume or none, for a test to put one thing out of order.
struct ComparisonWorld {
    static let uuid = VolumeUUID("00000001-1111-4111-8111-111111111111")
    static let bytes: Int64 = 32 << 20
    static let loop = LoopAttachment(
        path: "/dev/loop9", number: DeviceNumber(major: 7, minor: 9), device: 5, inode: 77,
        file: "/work/volumes/images/\(uuid)")

    let layout = VolumeLayout(.root(workDirectory: "/work"))
    let paths: VolumePaths
    var record: VolumeRecord
    var books = StorageBooks()
    var store: StoreObservation
    var loops: [LoopAttachment] = []
    var containerMounts: [MountEntry] = []

    init(_ backend: BackendKind) throws {
        paths = try layout.paths(uuid: Self.uuid, role: "eng/db", persistenceID: "data")
        record = VolumeRecord(
            spec: VolumeSpec(
                uuid: Self.uuid, role: "eng/db", persistenceID: "data", bytes: Self.bytes),
            backend: backend, state: .ready, createdAt: "2026-01-01T00:00:00Z")
        books.journal = [Self.booked()]
        books.registry = [Self.row()]
        store = StoreObservation(disk: "", layout: layout)
        store.known = [StoredVolume(record: record, paths: paths)]
        store.owners = [.init(path: paths.owner, record: record)]
        store.places = [.init(path: paths.data, isDirectory: true, inode: 3, isEmpty: false)]
        switch backend {
        case .loopExt4, .loopXFS:
            putImage(Self.bytes)
            store.mounts = [Self.mount(1, minor: 9, at: paths.data)]
            loops = [Self.loop]
        case .projectQuota, .btrfs:
            putLimit(isCounted: true, Self.bytes)
        case .lvmThinExt4, .lvmThinXFS:
            store.thin[Self.uuid] = .init(isThere: true, isMounted: true)
        case .directory, .mountDisk: break
        }
    }

    static func booked(
        bytes: Int64 = bytes, disk: String = "", isPrepared: Bool = true
    ) -> BookedVolume {
        BookedVolume(
            uuid: uuid, role: "eng/db", persistenceID: "data", bytes: bytes, disk: disk,
            isPrepared: isPrepared)
    }

    static func row(
        role: String = "eng/db", bytes: Int64 = bytes, state: String = "active"
    ) -> RegistryVolume {
        RegistryVolume(uuid: uuid, role: role, persistenceID: "data", bytes: bytes, state: state)
    }

    static func mount(_ id: Int, minor: Int, at path: String) -> MountEntry {
        let line = "\(id) 1 7:\(minor) / \(path.replacing(" ", with: "\\040")) rw - ext4 /dev/x rw"
        guard let entry = MountEntry(line: line[...]) else { preconditionFailure(line) }
        return entry
    }

    mutating func putImage(_ bytes: Int64, inside: Int64? = nil) {
        store.images = [
            .init(
                path: paths.image, device: 5, inode: 77, bytes: bytes,
                fileSystem: ImageFileSystem(
                    format: record.backend.format ?? .ext4, bytes: inside ?? bytes))
        ]
    }

    mutating func putLimit(isCounted: Bool, _ bytes: Int64) {
        store.limits = [
            Self.uuid: ObservedLimit(
                isCounted: isCounted, group: "project 7", bytes: bytes, wantedBytes: Self.bytes)
        ]
    }

    /// The agent was started anew, and found no owner file that it could read.
    mutating func forget() { store.known = [] }

    mutating func write(_ change: (inout VolumeRecord) -> Void) {
        var written = record
        change(&written)
        store.owners = [.init(path: paths.owner, record: written)]
    }

    var findings: [StorageFinding] {
        var observation = StorageObservation()
        observation.stores = [store]
        observation.loops = loops
        observation.containerMounts = containerMounts
        return StorageComparison.findings(books, observation)
    }

    var codes: [FindingCode] { findings.map(\.code) }
}
