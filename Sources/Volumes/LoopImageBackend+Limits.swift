internal import Linux
package import Model

extension LoopImageBackend {
    /// ext4 is made with a number of inodes; XFS knows a share of the space only.
    package func objection(to limits: VolumeLimits, bytes: Int64) -> String? {
        if !limits.rates.isEmpty, !throttles.canLimit { return VolumeThrottles.unavailable }
        guard let inodes = limits.inodes else { return nil }
        switch format {
        case .xfs: return "XFS limits inodes by their share of the space only"
        case .ext4:
            let image = Self.imageBytes(forBooked: bytes)
            guard format.inodeCount(atMost: inodes, imageBytes: image) == nil else { return nil }
            return "\(inodes) inodes are too few for ext4's groups"
        }
    }

    /// The number of inodes that the file system of a volume is made with; nil: its usual one.
    func inodes(of volume: StoredVolume) throws(VolumeError) -> Int64? {
        let limits = volume.record.spec.limits
        if let reason = objection(to: limits, bytes: volume.bytes) { throw .unsupported(reason) }
        return limits.inodes.flatMap {
            format.inodeCount(
                atMost: $0, imageBytes: Self.imageBytes(forBooked: volume.bytes))
        }
    }

    /// ext4 gets more inodes with each group that is added.
    func requireResizable(_ volume: StoredVolume) throws(VolumeError) {
        guard let inodes = volume.record.spec.limits.inodes else { return }
        throw .unsupported(
            "a volume with a limit of \(inodes) inodes keeps its size: ext4 has more of them in a"
                + " larger file system; make a new volume and copy")
    }

    /// Makes the limits of the mounted volume's device exactly its own.
    func holdRates(_ volume: StoredVolume) throws(VolumeError) {
        let root = try VolumeError.wrap { () throws(SystemError) in
            try FileStatus.of(volume.paths.data)
        }
        try throttles.hold(volume.record.spec.limits.rates, on: root.deviceNumber)
    }

    /// After the volume's device has gone.
    func clearStale(_ volume: StoredVolume) {
        if !volume.record.spec.limits.rates.isEmpty { throttles.clearStale() }
    }
}

extension VolumeThrottles {
    /// Takes the limits of a former owner off a device that was just attached.
    func release(_ loop: borrowing AttachedLoop) throws(SystemError) {
        let name = Files.name(of: loop.path)
        guard let text = KernelText.line("/sys/block/\(name)/dev"),
            let device = DeviceNumber(text: text[...])
        else { return }
        try clear(device)
    }
}
