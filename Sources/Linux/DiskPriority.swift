internal import CLinux
internal import Glibc

/// How the kernel orders a thread's work on disks.
package enum DiskPriority {
    /// From now on the calling thread reads only when nobody else wants the disk, where the disk's
    /// I/O scheduler knows priorities.
    package static func setIdle() throws(SystemError) {
        try SystemError.check("ioprio_set") { clinux_idle_disk_priority() }
    }
}

/// How the kernel orders a thread's work on processors.
package enum ProcessorPriority {
    /// The calling thread runs when others leave time. Not SCHED_IDLE: a thread that holds a lock
    /// must come to its end on a busy machine, too.
    package static func setLowest() throws(SystemError) {
        // In Linux this is the calling thread's alone.
        try SystemError.check("setpriority") {
            setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 19)
        }
    }
}
