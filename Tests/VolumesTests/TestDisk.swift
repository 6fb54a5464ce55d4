import Glibc
import Linux
import Model
import Synchronization
import Testing

@testable import Volumes

/// The backends that this kernel and this user can run, by trying; the others with their reason.
enum TestBackend: String, CaseIterable, CustomTestStringConvertible, Sendable {
    case directory
    case loopExt4
    case loopXFS
    case btrfs
    case projectExt4
    case projectXFS
    case lvmThinExt4
    case lvmThinXFS

    var testDescription: String { rawValue }

    static let usable: [TestBackend] = {
        // Inside User-Mode Linux only what the host's kernel can't do is run.
        let wanted = getenv("HOLDFAST_TEST_BACKENDS").map { String(cString: $0) }?
            .split(separator: ",").compactMap { TestBackend(rawValue: String($0)) }
        var usable: [TestBackend] = []
        for backend in wanted ?? allCases {
            do {
                _ = try TestDisk(backend)
                usable.append(backend)
            } catch {
                print("SKIPPED volume tests of \(backend.rawValue): \(error)")
            }
        }
        return usable
    }()

    static let enforced = usable.filter { $0 != .directory }
    static let growing = usable.filter(\.growsWhileMounted)
    static let images = usable.filter { $0 == .loopExt4 || $0 == .loopXFS }

    /// In the pool that `HOLDFAST_TEST_THIN_POOL` names; nil: none.
    static let thinPool = getenv("HOLDFAST_TEST_THIN_POOL").flatMap {
        ThinPool(String(cString: $0))
    }
    var isThin: Bool { self == .lvmThinExt4 || self == .lvmThinXFS }
    var isXFSOfItsOwn: Bool { self == .loopXFS || self == .lvmThinXFS }
    /// What stands beside `found` things of it: an image, or a link to a device.
    var hasImageName: Bool { isThin || Self.images.contains(self) }
    var growsWhileMounted: Bool {
        (self != .loopExt4 && self != .lvmThinExt4) || Privilege.has(.sysResource)
    }

    var preference: BackendPreference {
        switch self {
        case .directory: .directory
        case .loopExt4: .loopExt4
        case .loopXFS: .loopXFS
        case .btrfs: .btrfs
        case .projectExt4, .projectXFS: .projectQuota
        case .lvmThinExt4: .lvmThinExt4
        case .lvmThinXFS: .lvmThinXFS
        }
    }

    /// How the disk below the volumes is made; nil where the machine's own will do.
    var disk: (make: Command, fileSystem: String, options: String)? {
        switch self {
        case .directory, .loopExt4, .loopXFS, .lvmThinExt4, .lvmThinXFS: nil
        case .btrfs: (Command("mkfs.btrfs", ["-q", "-f", "disk"]), "btrfs", "")
        case .projectExt4:
            (
                Command(
                    "mkfs.ext4",
                    ["-q", "-F", "-O", "quota,project", "-E", "quotatype=prjquota", "disk"]),
                "ext4", "prjquota"
            )
        case .projectXFS: (Command("mkfs.xfs", ["-q", "-f", "disk"]), "xfs", "prjquota")
        }
    }

    /// The size of a test's volume: as small as the backend allows.
    var bytes: Int64 { isXFSOfItsOwn ? 300 << 20 : 16 << 20 }
}

/// A work directory of its own for each test, gone with the value and all mounts below it.
final class TestDisk: Sendable {
    private static let count = Mutex(0)

    let root: String
    let backend: TestBackend
    let selection: BackendSelection
    private let top: String
    private let number: Int

    init(_ backend: TestBackend) throws {
        let number = Self.count.withLock { count -> Int in
            count += 1
            return count
        }
        self.backend = backend
        self.number = number
        top = "/tmp/holdfast-volumes-\(getpid())-\(number)"
        try Files.makeDirectories(top)
        root = "\(top)/work"
        do {
            try Files.makeDirectory(root)
            try Self.mountDisk(of: backend, "\(top)/disk.image", at: root)
            let layout = VolumeLayout(.root(workDirectory: root))
            try layout.makeDirectories()
            selection = try Self.select(backend, layout)
        } catch {
            Self.cleanUp(top)
            throw error
        }
    }

    /// Thin volumes are all in one pool, which is tried once.
    private static let thin = Mutex<[TestBackend: BackendSelection]>([:])

    private static func select(
        _ backend: TestBackend, _ layout: VolumeLayout
    ) throws -> BackendSelection {
        guard backend.isThin else { return try BackendSelector.select(backend.preference, layout) }
        if let known = thin.withLock({ $0[backend] }) { return known }
        let made = try BackendSelector.select(backend.preference, layout, TestBackend.thinPool)
        thin.withLock { $0[backend] = made }
        return made
    }

    deinit {
        let places = ["owners", "found", "detached"]
        let isInUse =
            backend.isThin
            && places.contains { (try? Files.isEmptyDirectory("\(root)/volumes/\($0)")) == false }
        Self.cleanUp(top)
        guard isInUse, let pool = TestBackend.thinPool else { return }
        _ = try? Command("lvremove", ["-f", "-S", "lv_name=~\"-\(group)$\"", pool.group]).run()
    }

    /// The last group of its volumes' UUIDs: thin volumes of all tests share one pool.
    private var group: String {
        guard backend.isThin else { return "111111111111" }
        let digits = String(number)
        return String(repeating: "0", count: 12 - digits.count) + digits
    }

    private static func cleanUp(_ top: String) {
        for entry in (try? MountTable.current().below(top)) ?? [] {
            _ = try? Mount.detach(entry.mountPoint, isLazy: true)
        }
        while (try? DirectoryRemoval.advance(top, entries: 100_000)) == false {}
    }

    private static func mountDisk(
        of backend: TestBackend, _ image: String, at path: String
    ) throws {
        guard let disk = backend.disk else { return }
        guard Privilege.isRoot else {
            throw VolumeError.unavailable(.btrfs, "only root can mount")
        }
        let file = try Descriptor.open(image, .createNew)
        try FileAllocation.setLength(file, bytes: 1 << 30, image)
        let make = Command(
            disk.make.program, disk.make.arguments.map { $0 == "disk" ? image : $0 })
        let made = try make.run()
        guard made.isSuccess else { throw VolumeError.damaged(made.summary) }
        let loop = try LoopDevice.attach(file, image, sectorSize: 512)
        try Mount.attach(
            loop.path, at: path, fileSystem: disk.fileSystem, flags: 0, options: disk.options)
    }

    /// What its volumes can have in all.
    func totalBytes() throws -> Int64 {
        guard backend.isThin else { return try DiskSpace.of(root).totalBytes }
        return try TestBackend.thinPool?.state()?.bytes ?? 0
    }

    /// The volumes as a newly started agent sees them.
    func store() throws -> VolumeStore {
        try VolumeStore(VolumeLayout(.root(workDirectory: root)), selection)
    }

    func spec(
        _ number: Int = 1, name: String = "data", bytes: Int64? = nil, role: String = "eng/db"
    ) -> VolumeSpec {
        let digits = String(number, radix: 16)
        let uuid = String(repeating: "0", count: 8 - digits.count) + digits
        return VolumeSpec(
            uuid: VolumeUUID("\(uuid)-1111-4111-8111-\(group)"), role: role,
            persistenceID: name, bytes: bytes ?? backend.bytes, createdBy: "tester")
    }

    /// Makes a volume that is ready and mounted; returns its path.
    func ready(_ store: VolumeStore, _ spec: VolumeSpec) throws -> String {
        try store.create(spec)
        return try store.mount(spec.uuid)
    }

    /// Erases to the end.
    func erase(_ store: VolumeStore, _ uuid: VolumeUUID) throws -> Erasure {
        for _ in 0..<10_000 {
            let result = try store.erase(uuid)
            if result != .unfinished { return result }
        }
        return .unfinished
    }
}

/// Writes a file until it has `limit` bytes on the disk or the disk refuses.
func fill(_ path: String, limit: Int64) throws -> (bytes: Int64, error: SystemError?) {
    let file = try Descriptor.open(path, .create)
    let chunk = [UInt8](repeating: 0xA5, count: 256 << 10)
    var written: Int64 = 0
    do {
        while written < limit {
            try chunk.withUnsafeBytes { try file.write($0, at: written, path) }
            if written % (4 << 20) == 0 { try file.sync(path) }
            written += Int64(chunk.count)
        }
        try file.sync(path)
    } catch let error as SystemError {
        return (written, error)
    }
    return (written, nil)
}

/// Repeats what finds something in use: a child of another test has this process's open files
/// between its fork and its exec.
func patiently(_ body: () throws -> Void) throws {
    for _ in 0..<2_000 {
        do {
            return try body()
        } catch let error as SystemError where error.isBusy {
            usleep(1_000)
        } catch VolumeError.system(let error) where error.isBusy {
            usleep(1_000)
        } catch VolumeError.stillAttached {
            usleep(1_000)
        }
    }
    try body()
}

func writeText(_ text: String, to path: String) throws {
    try DurableFile.write(Array(text.utf8), to: path, mode: 0o644)
}

func readText(_ path: String) throws -> String? {
    try DurableFile.read(path).map { String(decoding: $0, as: UTF8.self) }
}

/// A shell script in a mount namespace of its own that has said "ready" and then lives on.
final class OtherNamespace: Sendable {
    let process: Int32
    private let output: Descriptor

    /// With `private` propagation, mounts made or gone here afterwards don't reach it.
    init(_ script: String, _ arguments: [String], propagation: String = "private") throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemError.last("pipe", "") }
        output = Descriptor(owning: ends[0])
        _ = fcntl(ends[0], F_SETFD, FD_CLOEXEC)
        let words =
            [
                "unshare", "-m", "--propagation", propagation, "sh", "-c",
                "\(script); echo ready; exec sleep 600", "sh",
            ] + arguments
        var pointers = words.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_addclose(&actions, ends[1])
        var child: pid_t = 0
        let code = posix_spawn(&child, "/usr/bin/unshare", &actions, nil, &pointers, nil)
        close(ends[1])
        guard code == 0 else { throw SystemError("posix_spawn", "unshare", errno: code) }
        process = child
        var byte: UInt8 = 0
        guard read(output.number, &byte, 1) == 1 else {
            throw SystemError("read", script, errno: EPIPE)
        }
    }

    func end() {
        kill(process, SIGKILL)
        var status: Int32 = 0
        waitpid(process, &status, 0)
    }
}
