internal import Linux
internal import Model

/// A file system inside an image.
package enum LoopFormat: String, Hashable, Sendable {
    case ext4
    case xfs

    private static let mebibyte: Int64 = 1 << 20

    /// Below it mkfs refuses, or what is left of the space is not worth it.
    package var minimumBytes: Int64 {
        switch self {
        case .ext4: Self.mebibyte
        case .xfs: 300 * Self.mebibyte
        }
    }

    /// Blocks of 4 KiB suit any disk; an ext4 this small would then have no journal.
    func blockSize(forImage bytes: Int64) -> UInt32 {
        self == .ext4 && bytes < 32 * Self.mebibyte ? 1024 : 4096
    }

    /// The logical block size for the loop device: direct I/O needs a multiple of the disk's, and
    /// the file system none that is larger than its own blocks.
    func sectorSize(ofImage path: String) throws(SystemError) -> UInt32 {
        switch self {
        case .xfs: 4096
        case .ext4: try Ext4Superblock(ofImage: path)?.blockSize == 4096 ? 4096 : 512
        }
    }

    /// Makes the file system in a file that reads as zeros, whose space it keeps allocated; of
    /// `inodes` (`inodeCount`) ext4 takes notice.
    func makeCommand(on path: String, bytes: Int64, inodes: Int64? = nil) -> Command {
        switch self {
        case .ext4:
            Command(
                "mkfs.ext4",
                [
                    "-q", "-F", "-m", "0", "-b", "\(blockSize(forImage: bytes))",
                    "-E", "nodiscard,assume_storage_prezeroed=1",
                ] + (inodes.map { ["-I", "\(Self.inodeBytes)", "-N", "\($0)"] } ?? []) + [path],
                timeoutMilliseconds: 600_000)
        case .xfs:
            Command(
                "mkfs.xfs", ["-q", "-f", "-K", "-s", "size=4096", path],
                timeoutMilliseconds: 600_000)
        }
    }

    private static let inodeBytes: Int64 = 256

    /// The number of inodes for an image that is to have `limit` at most: each of ext4's groups has
    /// as many, in whole blocks. Nil where that makes fewer than ext4 itself needs, or for XFS,
    /// which limits them by share of the space only.
    func inodeCount(atMost limit: Int64, imageBytes bytes: Int64) -> Int64? {
        guard self == .ext4 else { return nil }
        let block = Int64(blockSize(forImage: bytes))
        let blocks = bytes / block - (block == 1024 ? 1 : 0)
        let groups = max(1, (blocks + block * 8 - 1) / (block * 8))
        let step = max(8, block / Self.inodeBytes)
        let each = min(limit / groups, block * 8) / step * step
        return each * groups >= VolumeLimits.leastInodes ? each * groups : nil
    }

    /// Copies of one template share their UUID, which XFS minds.
    var mountOptions: String {
        switch self {
        case .ext4: "errors=remount-ro"
        case .xfs: "nouuid"
        }
    }

    var tools: [String] {
        switch self {
        case .ext4: ["mkfs.ext4", "e2fsck", "resize2fs"]
        case .xfs: ["mkfs.xfs"]
        }
    }

    /// Whether a mounted one can take over a longer device: ext4 asks for CAP_SYS_RESOURCE.
    var growsWhileMounted: Bool {
        switch self {
        case .ext4: Privilege.has(.sysResource)
        case .xfs: true
        }
    }
}

/// What matters here of ext4's superblock.
struct Ext4Superblock {
    let blockSize: UInt32
    /// Whether it was unmounted cleanly, with no error noted.
    let isClean: Bool

    /// Nil where there is none.
    init?(ofImage path: String) throws(SystemError) {
        let file = try Descriptor.open(path)
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 1024, alignment: 8)
        defer { bytes.deallocate() }
        guard try file.read(into: bytes, at: 1024, path) == bytes.count,
            bytes[0x38] == 0x53, bytes[0x39] == 0xEF, bytes[0x18] <= 6
        else { return nil }
        blockSize = 1024 << UInt32(bytes[0x18])
        let isValid = bytes[0x3A] & 1 == 1
        let hasErrors = bytes[0x3A] & 2 == 2
        let needsRecovery = bytes[0x60] & 4 == 4
        isClean = isValid && !hasErrors && !needsRecovery
    }
}
