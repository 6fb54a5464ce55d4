import Containers
import Foundation
import Glibc
import Linux
import Model
import Testing
import Volumes

/// The ways by which a task could leave its volume's limit: each is shown to be one outside of a
/// container, where the cure is missing, and to be closed inside.
@Suite(.enabled(if: RuncBench.isAvailable, "no runc containers here"), .timeLimit(.minutes(3)))
struct QuotaEscapeTests {
    private static let limit: Int64 = 16 << 20

    enum Format: String, CaseIterable, Sendable, CustomTestStringConvertible {
        case ext4, xfs, btrfs

        var testDescription: String { rawValue }

        var make: Command {
            switch self {
            case .ext4:
                Command(
                    "mkfs.ext4",
                    ["-q", "-F", "-O", "quota,project", "-E", "quotatype=prjquota"])
            case .xfs: Command("mkfs.xfs", ["-q", "-f"])
            case .btrfs: Command("mkfs.btrfs", ["-q", "-f"])
            }
        }

        /// Those of this kernel; the others run in User-Mode Linux.
        static let usable = allCases.filter { format in
            do {
                _ = try Disk(format, RuncBench())
                return true
            } catch {
                print("\(format.rawValue) has no quota here: \(error)")
                return false
            }
        }
        static let projects = usable.filter { $0 != .btrfs }
        static let subvolumes = usable.filter { $0 == .btrfs }
    }

    /// A volume of 16 MiB that belongs to a user, on a disk of 512 MiB with quota.
    final class Disk: Sendable {
        let bench: RuncBench
        let store: VolumeStore
        let path: String
        let uuid = VolumeUUID("0000000a-1111-4111-8111-111111111111")

        init(_ format: Format, _ bench: RuncBench, user: UserIdentity? = nil) throws {
            self.bench = bench
            let (image, root) = ("\(bench.root)/disk.image", "\(bench.root)/work/disk")
            try Files.makeDirectories(root)
            let file = try Descriptor.open(image, .createNew)
            try FileAllocation.setLength(file, bytes: 512 << 20, image)
            let make = Command(format.make.program, format.make.arguments + [image])
            try #require(try make.run().isSuccess)
            let loop = try LoopDevice.attach(file, image, sectorSize: 512)
            try Mount.attach(
                loop.path, at: root, fileSystem: format.rawValue, flags: 0,
                options: format == .btrfs ? "" : "prjquota")
            store = try VolumeStore(
                .path(root: root), preference: format == .btrfs ? .btrfs : .projectQuota)
            var spec = VolumeSpec(
                uuid: uuid, role: "db", persistenceID: "data", bytes: limit)
            spec.owner = VolumeOwner(
                uid: user?.uid ?? 0, gid: user?.gid ?? 0, mode: 0o755)
            try store.create(spec)
            path = try store.mount(uuid)
        }

        /// What a script writes to stdout in a container that has the volume at `data`.
        func inside(_ script: String, _ user: UserIdentity) async throws -> String {
            let spec = try bench.spec(
                "task", script, user: user,
                volumes: [.init(hostPath: path, containerPath: "data", isReadOnly: false)])
            let launcher = try bench.launcher()
            defer { launcher.remove("task") }
            return try await bench.output(spec, launcher)
        }

        /// The same outside, as the same user, with the volume as its `data`.
        func outside(_ script: String, _ user: UserIdentity) throws -> String {
            let arguments = ["--reuid=\(user.uid)", "--regid=\(user.gid)", "--clear-groups"]
            let place = Files.parent(of: path)
            return try Command(
                "setpriv", arguments + ["sh", "-c", "cd '\(place)' && { \(script)\n}"]
            ).run().output
        }

        /// MiB in all files of the volume.
        var stored: Int64 {
            get throws { try UsageWalk.measure(path).bytes >> 20 }
        }
    }

    private static let write = """
        dd if=/dev/zero of=$at/big bs=1M count=40 conv=fsync 2>/dev/null && echo escaped
        """

    private func nobody() throws -> UserIdentity { try UserIdentity.lookup("nobody") }

    /// FS_IOC_FSSETXATTR and FS_IOC_SETFLAGS, which whoever owns a directory may call.
    @Test(
        arguments: Format.projects,
        [
            "mkdir data/d && chattr -p 0 data/d; at=data/d",
            "chattr -P data; mkdir data/d; at=data/d",
        ])
    func aTaskCannotLeaveItsProject(_ format: Format, _ way: String) async throws {
        let script = "\(way) 2>/dev/null; \(Self.write)"
        do {
            let open = try Disk(format, RuncBench(), user: nobody())
            #expect(try open.outside(script, nobody()) == "escaped\n", "no escape: what is cured?")
            #expect(try open.stored >= 40)
        }
        let disk = try Disk(format, RuncBench(), user: nobody())
        #expect(try await disk.inside(script, nobody()) == "")
        #expect(try disk.stored <= 16 && disk.stored > 8)
        #expect(try disk.store.usage(disk.uuid).usedBytes <= Self.limit)
        // Nor does root, who may change owners.
        let roots = try Disk(format, RuncBench())
        #expect(try await roots.inside(script, UserIdentity.lookup("root")) == "")
        #expect(try roots.stored <= 16)
    }

    /// ext4 lets whoever has CAP_SYS_RESOURCE pass every limit.
    @Test(arguments: Format.projects)
    func rootInAContainerHasTheLimitOfAll(_ format: Format) async throws {
        let root = try UserIdentity.lookup("root")
        let script = "at=data; \(Self.write)"
        if format == .ext4, Privilege.has(.sysResource) {
            let open = try Disk(format, RuncBench())
            #expect(try open.outside(script, root) == "escaped\n", "no escape: what is cured?")
        }
        let disk = try Disk(format, RuncBench())
        #expect(try await disk.inside(script, root) == "")
        #expect(try disk.stored <= 16 && disk.stored > 8)
    }

    /// Whoever may write to btrfs may make subvolumes, which have a limit of their own: none.
    @Test(
        arguments: Format.subvolumes,
        [
            "btrfs subvolume create data/d >/dev/null; at=data/d",
            "btrfs subvolume snapshot data data/d >/dev/null; at=data/d",
        ])
    func aTaskMakesNoSubvolumes(_ format: Format, _ way: String) async throws {
        let open = try Disk(format, RuncBench(), user: nobody())
        _ = try open.outside("\(way) 2>/dev/null; :", nobody())
        #expect(FileStatus.exists("\(open.path)/d"), "no escape: what is cured?")
        // One that was made all the same counts for its volume: the level-1 group is a second cure.
        #expect(try open.outside("at=data/d; \(Self.write)", nobody()) == "")
        #expect(try open.store.usage(open.uuid).usedBytes <= Self.limit)

        let disk = try Disk(format, RuncBench(), user: nobody())
        let script = "\(way) 2>/dev/null; [ -e data/d ] && echo made; at=data; \(Self.write)"
        #expect(try await disk.inside(script, nobody()) == "")
        #expect(try !FileStatus.exists("\(disk.path)/d") && disk.stored <= 16)
    }

    /// The second cure: the kernel itself refuses, whatever the filter of system calls knows.
    @Test func aTaskWithoutRootsRightsHasUsersOfItsOwnWithTheHostsNumbers() async throws {
        let bench = try RuncBench()
        let launcher = try bench.launcher()
        let script = """
            cat /proc/self/uid_map /proc/self/gid_map
            stat -c %u:%g /etc/passwd; id -u; readlink /proc/self/ns/user
            """
        let said = try await bench.output(
            bench.spec("names", script, user: nobody()), launcher)
        let words = said.split(whereSeparator: \.isWhitespace).map(String.init)
        #expect(words.prefix(6) == ["0", "0", "4294967295", "0", "0", "4294967295"])
        #expect(words.dropFirst(6).prefix(2) == ["0:0", "\(try nobody().uid)"])
        #expect(words.last != Files.linkTarget("/proc/self/ns/user"))
        // Root's tasks share the host's, for the ports below 1024 of the host's network.
        let roots = try await bench.output(
            bench.spec("root", "readlink /proc/self/ns/user"), launcher)
        #expect(roots.dropLast() == Files.linkTarget("/proc/self/ns/user") ?? "")
    }
}
