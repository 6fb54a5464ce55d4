/// What root may do in a container, and the calls by which a task would leave its volume's quota.
package struct PrivilegesIsolator: Isolator {
    package init() {}

    /// Docker's default set, for root only: enough to change owners and users, not to mount or to
    /// load modules.
    package static let capabilities = [
        "CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
        "CAP_MKNOD", "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SETFCAP", "CAP_SETGID",
        "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT",
    ]

    /// The owner of a file may change its project id (FS_IOC_FSSETXATTR) or stop its inheritance
    /// (FS_IOC_SETFLAGS, in both sizes of long), and whoever can write to btrfs may make
    /// subvolumes and snapshots; each leads out of a quota.
    package static let deniedRequests: [UInt64] = [
        0x401C_5820, 0x4008_6602, 0x4004_6602, 0x5000_940E, 0x5000_9418, 0x5000_9401, 0x5000_9417,
    ]

    package func prepare(_ spec: ContainerSpec) -> LaunchPlan {
        var plan = LaunchPlan()
        plan.capabilities =
            spec.user.uid == 0 || spec.mayGainPrivileges ? Self.capabilities : []
        plan.forbidsGainingPrivileges = !spec.mayGainPrivileges
        plan.deniedRequests = Self.deniedRequests
        return plan
    }
}
