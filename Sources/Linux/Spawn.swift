internal import Glibc

/// A child that is started and left to itself; the caller reaps it.
package enum Spawn {
    /// Starts a program with nothing inherited but `/dev/null` and the descriptors of `handing`,
    /// which get the numbers 3, 4 and so on; returns its pid.
    package static func start(
        _ arguments: [String], environment: [String], handing: [Int32] = []
    ) throws(SystemError) -> Int32 {
        let program = arguments.first ?? ""
        // Out of the way first: one handed number could be another's target.
        var copies: [Int32] = []
        defer { for copy in copies { close(copy) } }
        for number in handing {
            copies.append(
                try SystemError.check("fcntl", program) { fcntl(number, F_DUPFD_CLOEXEC, 64) })
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for standard in Int32(0)...2 {
            posix_spawn_file_actions_addopen(&actions, standard, "/dev/null", O_RDWR, 0)
        }
        for (index, copy) in copies.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, copy, Int32(3 + index))
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var child: pid_t = 0
        let code = withCStrings(arguments) { argv in
            withCStrings(environment) { envp in
                posix_spawn(&child, program, &actions, &attributes, argv, envp)
            }
        }
        guard code == 0 else { throw SystemError("posix_spawn", program, errno: code) }
        return child
    }

    /// Waits for a child's end; its wait status.
    package static func reap(_ child: Int32) throws(SystemError) -> Int32 {
        var status: Int32 = 0
        try SystemError.check("waitpid") { waitpid(child, &status, 0) }
        return status
    }
}
