/// Whom a container's processes run as, and what root in it may do.
enum PrivilegeIsolator {
    /// What Docker leaves to root in a container.
    private static let ofRoot = [
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
        "NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    ].map { "CAP_" + $0 }

    static func process(
        _ command: ContainerSpec.Command, _ environment: [ContainerSpec.Variable],
        user: UserIdentity, directory: String
    ) -> RuncBundle.Process {
        let allowed = user.uid == 0 ? ofRoot : []
        return RuncBundle.Process(
            user: RuncBundle.User(uid: user.uid, gid: user.gid, additionalGids: user.groups),
            args: command.arguments,
            env: environment.map { "\($0.name)=\($0.value)" },
            cwd: directory,
            capabilities: RuncBundle.Capabilities(
                bounding: allowed, effective: allowed, permitted: allowed))
    }
}
