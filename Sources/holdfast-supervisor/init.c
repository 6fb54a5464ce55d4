/// Process 1 of a container.
///
/// The kernel ignores signals to process 1 that it does not handle, and gives it every orphan to
/// reap: an ordinary command in its place could not be asked to end by SIGTERM. So this one stands
/// there, and the command is its child. The exact wait status goes through a pipe to the
/// supervisor, because an exit code of its own could not tell "exit 137" from "killed by 9".
#include "parts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/// The kernel's own default, in nanoseconds: what a command has that no container holds.
enum { USUAL_TIMER_SLACK = 50 * 1000 };

/// Reaps what has ended; true, with its wait status, when the command was among it.
static bool reap(pid_t command, int *status) {
    int each;
    bool ended = false;
    for (;;) {
        pid_t pid = waitpid(-1, &each, WNOHANG);
        if (pid < 0 && errno == EINTR) continue;
        if (pid <= 0) return ended;
        if (pid != command) continue;
        *status = each;
        ended = true;
    }
}

static void tell(int supervisor, struct message message) {
    write_all(supervisor, (const char *)&message, sizeof message);
}

/// Starts the command in a session of its own and tells whether it could be executed; its pid, or
/// -1.
static pid_t start_command(char **command, int supervisor) {
    int problem[2], error = 0;
    pid_t pid = pipe2(problem, O_CLOEXEC) == 0 ? fork() : -1;
    if (pid == 0) {
        setsid();
        restore_signals();
        error = execute(command);
        write_all(problem[1], (const char *)&error, sizeof error);
        _exit(CODE_NOT_EXECUTABLE);
    }
    if (pid < 0) {
        tell(supervisor, (struct message){NOT_EXECUTED, errno});
        return -1;
    }
    close(problem[1]);
    // No bytes: the pipe was closed by a successful exec.
    ssize_t count = read(problem[0], &error, sizeof error);
    close(problem[0]);
    bool failed = count == sizeof error;
    tell(supervisor, (struct message){failed ? NOT_EXECUTED : EXECUTING, error});
    return failed ? -1 : pid;
}

/// init STATUS-FD PROGRAM ARGUMENT-VECTOR...
int container_init(int argc, char **argv) {
    long long status_fd;
    if (argc < 4 || !number_parse(argv[1], &status_fd)) {
        fputs("usage: init STATUS-FD PROGRAM ARGUMENT-VECTOR...\n", stderr);
        return 64;
    }
    int supervisor = (int)status_fd;
    fcntl(supervisor, F_SETFD, FD_CLOEXEC);
    // The command has the same user: it must not write its status through /proc/1/fd.
    prctl(PR_SET_DUMPABLE, 0);
    // The supervisor has given the runtime another, which this process has inherited.
    prctl(PR_SET_TIMERSLACK, USUAL_TIMER_SLACK);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    pid_t command = start_command(argv + 2, supervisor);
    if (command < 0) return CODE_NOT_EXECUTABLE;
    for (;;) {
        int number = sigwaitinfo(&all, NULL);
        if (number < 0) continue;
        if (number != SIGCHLD) {
            kill(-command, number);
            continue;
        }
        int status;
        if (!reap(command, &status)) continue;
        tell(supervisor, (struct message){ENDED_WITH, status});
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
}
