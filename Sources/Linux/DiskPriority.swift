internal import CLinux

/// How the kernel orders a thread's work on disks.
package enum DiskPriority {
    /// From now on the calling thread reads only when nobody else wants the disk, where the disk's
    /// I/O scheduler knows priorities.
    package static func setIdle() throws(SystemError) {
        try SystemError.check("ioprio_set") { clinux_idle_disk_priority() }
    }
}
