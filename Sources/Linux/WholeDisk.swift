extension DeviceNumber {
    /// The disk that a partition is a part of, or the device itself: what control groups can limit.
    /// Nil where the number is no block device's: that of a btrfs, for one.
    package var wholeDisk: DeviceNumber? {
        let entry = "/sys/dev/block/\(self)"
        guard FileStatus.exists(entry) else { return nil }
        guard KernelText.line("\(entry)/partition") != nil else { return self }
        // The entry is a link; what is above it is the disk's own directory.
        return KernelText.line("\(entry)/../dev").flatMap { DeviceNumber(text: $0[...]) }
    }
}
