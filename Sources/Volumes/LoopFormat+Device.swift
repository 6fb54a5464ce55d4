internal import Linux

// Work on a file system that is not mounted, in an image or on a device; `path` names either.
extension LoopFormat {
    private static let checkTimeoutMilliseconds: Int64 = 3_600_000

    /// Checks ext4 that is proved detached and mends what can be mended without a person. XFS
    /// replays its log while mounting and refuses what it can't trust.
    func check(_ path: String) throws(VolumeError) {
        guard self == .ext4 else { return }
        let outcome = try run("e2fsck", ["-f", "-p", path])
        // 1: errors corrected; 2: corrected, and a mounted root would want a reboot.
        guard case .exited(let status) = outcome.ending, status & ~3 == 0 else {
            throw .damaged("e2fsck of \(path): \(outcome.summary)")
        }
    }

    /// Checked before; to the whole of the image or device where no size is given.
    func resize(_ path: String, to bytes: Int64?) throws(VolumeError) {
        guard self == .ext4 else {
            throw .unsupported("XFS grows only while it is mounted, and never shrinks")
        }
        let size = bytes.map { ["\($0 / 1024)K"] } ?? []
        let outcome = try run("resize2fs", [path] + size)
        guard outcome.isSuccess else {
            throw .unsupported("resize2fs of \(path): \(outcome.summary)")
        }
        try VolumeError.wrap { () throws(SystemError) in
            try Descriptor.open(path, .readWrite).sync(path)
        }
    }

    /// Takes over a longer device; `growsWhileMounted` says whether that is possible here.
    func grow(
        mountedAt path: String, to bytes: Int64, device: String
    ) throws(SystemError) {
        switch self {
        case .xfs:
            try FileSystemGrowth.growXFS(mountedAt: path, to: bytes)
        case .ext4:
            let block = try Ext4Superblock(ofImage: device)?.blockSize
            try FileSystemGrowth.growExt4(mountedAt: path, to: bytes, blockSize: block ?? 4096)
        }
    }

    /// Makes the file system at the beginning of a device that reads as zeros.
    func make(onDevice path: String, bytes: Int64) throws(VolumeError) {
        let arguments: [String] =
            switch self {
            case .ext4:
                [
                    "-q", "-F", "-m", "0", "-b", "\(blockSize(forImage: bytes))", "-E",
                    "assume_storage_prezeroed=1", path, "\(bytes / 1024)k",
                ]
            case .xfs: ["-q", "-f", "-d", "size=\(bytes)", path]
            }
        let outcome = try run("mkfs.\(rawValue)", arguments)
        guard outcome.isSuccess else {
            throw .damaged("mkfs of \(path) failed: \(outcome.summary)")
        }
        try VolumeError.wrap { () throws(SystemError) in
            try Descriptor.open(path, .readWrite).syncData(path)
        }
    }

    private func run(
        _ program: String, _ arguments: [String]
    ) throws(VolumeError) -> Command.Outcome {
        try VolumeError.wrap { () throws(SystemError) in
            try Command(
                program, arguments, timeoutMilliseconds: Self.checkTimeoutMilliseconds
            ).run()
        }
    }
}
