package import Linux
package import Model

/// What is on all disks of an agent and what this machine has mounted of it; a plain value.
package struct StorageObservation: Hashable, Sendable {
    package var stores: [StoreObservation] = []
    /// Mounts where containers have theirs, last mounted first.
    package var containerMounts: [MountEntry] = []
    /// Every loop device of the machine.
    package var loops: [LoopAttachment] = []

    package init() {}
}

/// What is on one disk.
package struct StoreObservation: Hashable, Sendable {
    /// A file among the owner files.
    package struct OwnerFile: Hashable, Sendable {
        package let path: String
        /// Nil: it can't be read as one.
        package let record: VolumeRecord?
    }

    /// What is where a volume's data belongs.
    package struct DataPlace: Hashable, Sendable {
        package let path: String
        package let isDirectory: Bool
        package let inode: UInt64
        /// Looked at only where no volume that is known belongs.
        package let isEmpty: Bool
    }

    /// A file among the images.
    package struct ImageFile: Hashable, Sendable {
        package let path: String
        package let device: UInt64
        package let inode: UInt64
        /// Its length.
        package let bytes: Int64
        /// Nil: none that we make.
        package let fileSystem: ImageFileSystem?
    }

    /// A project that the kernel keeps a limit of.
    package struct Project: Hashable, Sendable {
        package let id: UInt32
        package let limitBytes: Int64
        package let isUnused: Bool
    }

    /// Whether a thin pool has a volume, and whether that is what is seen at its path.
    package struct ThinPlace: Hashable, Sendable {
        package let isThere: Bool
        package let isMounted: Bool
    }

    /// As in the books: the root of a PATH or MOUNT disk; empty: the work directory.
    package let disk: String
    package let layout: VolumeLayout
    /// What the running agent knows from when it read or wrote the owner files, by UUID.
    package var known: [StoredVolume] = []
    /// Data that a thread is erasing now.
    package var erasing: Set<VolumeUUID> = []
    package var owners: [OwnerFile] = []
    package var places: [DataPlace] = []
    package var images: [ImageFile] = []
    /// Paths of what is on its way out.
    package var deleting: [String] = []
    /// Below the data of all roles, last mounted first.
    package var mounts: [MountEntry] = []
    package var limits: [VolumeUUID: ObservedLimit] = [:]
    package var projects: [Project] = []
    /// Of volumes in thin pools.
    package var thin: [VolumeUUID: ThinPlace] = [:]
    /// What could not be looked at.
    package var problems: [String] = []

    package init(disk: String, layout: VolumeLayout) {
        self.disk = disk
        self.layout = layout
    }
}

/// The kernel's limit of a volume beside the one that it should have.
package struct ObservedLimit: Hashable, Sendable {
    /// Whether what is stored in the volume is counted for it.
    package let isCounted: Bool
    /// What the count is kept under, for people.
    package let group: String
    /// 0: none.
    package let bytes: Int64
    package let wantedBytes: Int64

    package init(isCounted: Bool, group: String, bytes: Int64, wantedBytes: Int64) {
        self.isCounted = isCounted
        self.group = group
        self.bytes = bytes
        self.wantedBytes = wantedBytes
    }
}

/// The file system in an image, by its superblock.
package struct ImageFileSystem: Hashable, Sendable {
    package let format: LoopFormat
    package let bytes: Int64

    package init(format: LoopFormat, bytes: Int64) {
        self.format = format
        self.bytes = bytes
    }

    /// Nil where there is none of ours. Of a mounted image this may be old.
    init?(ofImage path: String) throws(SystemError) {
        let file = try Descriptor.open(path)
        let head = UnsafeMutableRawBufferPointer.allocate(byteCount: 2048, alignment: 8)
        defer { head.deallocate() }
        guard try file.read(into: head, at: 0, path) == head.count else { return nil }
        func little(_ offset: Int) -> UInt32 {
            (0..<4).reduce(0) { $0 | UInt32(head[offset + $1]) << UInt32(8 * $1) }
        }
        func big(_ offset: Int, _ count: Int) -> UInt64 {
            (0..<count).reduce(0) { $0 << 8 | UInt64(head[offset + $1]) }
        }
        let size: (UInt64, overflow: Bool)
        if little(0) == 0x4253_4658 {  // "XFSB"
            size = big(8, 8).multipliedReportingOverflow(by: big(4, 4))
            format = .xfs
        } else if head[1024 + 0x38] == 0x53, head[1024 + 0x39] == 0xEF, head[1024 + 0x18] <= 6 {
            let blocks = UInt64(little(1024 + 4)) | UInt64(little(1024 + 0x150)) << 32
            size = blocks.multipliedReportingOverflow(by: 1024 << UInt64(head[1024 + 0x18]))
            format = .ext4
        } else {
            return nil
        }
        bytes = size.overflow ? .max : Int64(clamping: size.0)
    }
}
