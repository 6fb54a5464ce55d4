internal import Linux
internal import Model

extension BackendProbe {
    /// As small as the file system allows.
    static func lvmThin(
        _ format: LoopFormat, _ layout: VolumeLayout, _ pool: ThinPool?
    ) throws(VolumeError) {
        let kind = format.thinBackend
        guard let pool else { throw .unavailable(kind, "no thin pool is named") }
        // Agents share a pool: each has a name of its own there.
        let hash = layout.base.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { hash, byte in
            (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        var volume = trial(layout, kind)
        volume.record.spec.uuid = VolumeUUID("probe-\(String(hash, radix: 16))")
        volume.record.spec.bytes = format.minimumBytes
        volume.record.thinPool = pool.description
        try LVMThinBackend(format).probe(volume)
    }
}

extension LoopFormat {
    /// ext4 first where it can grow while mounted, for it can also be made smaller; else XFS first.
    static var inOrderOfMerit: [LoopFormat] {
        LoopFormat.ext4.growsWhileMounted ? [.ext4, .xfs] : [.xfs, .ext4]
    }

    var thinBackend: BackendKind {
        switch self {
        case .ext4: .lvmThinExt4
        case .xfs: .lvmThinXFS
        }
    }
}
