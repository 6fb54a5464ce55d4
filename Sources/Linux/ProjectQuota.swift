internal import CLinux
internal import Glibc

/// Disk quota of a directory tree, kept by ext4 and XFS under a number: the project id.
package enum ProjectQuota {
    package struct State: Hashable, Sendable {
        /// 0: no limit.
        package let limitBytes: Int64
        package let usedBytes: Int64
        package let usedInodes: Int64
        /// 0: no limit.
        package let limitInodes: Int64

        /// Nothing belongs to the project.
        package var isUnused: Bool { usedBytes == 0 && usedInodes == 0 }

        init(_ quota: clinux_quota) {
            limitBytes = Int64(clamping: quota.limit_bytes)
            usedBytes = Int64(clamping: quota.used_bytes)
            usedInodes = Int64(clamping: quota.used_inodes)
            limitInodes = Int64(clamping: quota.limit_inodes)
        }
    }

    /// Usage and limit of a project; ESRCH where quota is off.
    package static func state(
        of project: UInt32, at path: String, device: String
    ) throws(SystemError) -> State {
        let directory = try Descriptor.openDirectory(path)
        let number = directory.number
        var quota = clinux_quota()
        try SystemError.check("quotactl Q_GETQUOTA", path) {
            clinux_project_quota_get(number, device, project, &quota)
        }
        return State(quota)
    }

    /// The projects in a range of ids that the file system keeps a record of, at most `count`.
    package static func projects(
        in ids: ClosedRange<UInt32>, at path: String, device: String, atMost count: Int
    ) throws(SystemError) -> [(id: UInt32, state: State)] {
        let directory = try Descriptor.openDirectory(path)
        let number = directory.number
        var projects: [(id: UInt32, state: State)] = []
        var id = ids.lowerBound
        while projects.count < count {
            var quota = clinux_quota()
            do throws(SystemError) {
                try SystemError.check("quotactl Q_GETNEXTQUOTA", path) {
                    clinux_project_quota_next(number, device, &id, &quota)
                }
            } catch {
                guard error.isNotFound else { throw error }
                break
            }
            guard id <= ids.upperBound else { break }
            projects.append((id, State(quota)))
            if id == ids.upperBound { break }
            id += 1
        }
        return projects
    }

    /// Sets a project's limit, rounded up to 1,024 bytes; 0 takes it away.
    package static func limit(
        _ project: UInt32, to bytes: Int64, at path: String, device: String
    ) throws(SystemError) {
        let directory = try Descriptor.openDirectory(path)
        let number = directory.number
        try SystemError.check("quotactl Q_SETQUOTA", path) {
            clinux_project_quota_set(number, device, project, UInt64(bytes))
        }
    }

    /// Sets how many inodes a project may have; 0 takes the limit away.
    package static func limitInodes(
        _ project: UInt32, to count: Int64, at path: String, device: String
    ) throws(SystemError) {
        let directory = try Descriptor.openDirectory(path)
        let number = directory.number
        try SystemError.check("quotactl Q_SETQUOTA", path) {
            clinux_project_quota_set_inodes(number, device, project, UInt64(clamping: count))
        }
    }

    /// The project that a directory belongs to, and whether what is made in it will too.
    package static func project(
        of path: String
    ) throws(SystemError) -> (id: UInt32, isInherited: Bool) {
        let directory = try Descriptor.openDirectory(path)
        let number = directory.number
        var project = clinux_project()
        try SystemError.check("ioctl FS_IOC_FSGETXATTR", path) {
            clinux_project_get(number, &project)
        }
        return (project.id, project.inherits != 0)
    }

    /// Puts an empty directory, and all that will be made in it, into a project.
    package static func assign(_ project: UInt32, to path: String) throws(SystemError) {
        let directory = try Descriptor.openDirectory(path)
        let number = directory.number
        var wanted = clinux_project(id: project, inherits: project == 0 ? 0 : 1)
        try SystemError.check("ioctl FS_IOC_FSSETXATTR", path) {
            clinux_project_set(number, &wanted)
        }
    }
}
