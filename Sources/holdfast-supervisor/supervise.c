/// The process beside each container. It outlives the agent that started it.
///
///     starting --runc has ended--> preparing --command executed--> running
///         --first process has ended--> ended --> (exit)
///
/// It holds: the pipes of the container's output, the lock of the state directory (inherited from
/// the agent, so that a container is never thought dead while it is being started), and the FIFO
/// `alive`, whose closing tells any agent that the exit status is stored or will never be.
/// It does not decide anything: no limits, no restarts, no signals but SIGUSR1 (end everything).
#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/// Descriptors that the agent hands over, by number.
enum { SYNC_DESCRIPTOR = 3, LOCK_DESCRIPTOR = 4 };
/// How often storing the exit status is tried, a second apart.
enum { RECORD_ATTEMPTS = 30 };

static char buffer[64 * 1024];

static bool open_all(struct supervisor *self) {
    const struct options *options = &self->options;
    int directory = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    fcntl(SYNC_DESCRIPTOR, F_SETFD, FD_CLOEXEC);
    fcntl(LOCK_DESCRIPTOR, F_SETFD, FD_CLOEXEC);
    self->sync = SYNC_DESCRIPTOR;
    self->state = open(options->state, directory);
    self->sandbox = self->state < 0 ? -1 : open(options->sandbox, directory);
    // Read and write: a FIFO cannot be opened for writing alone before somebody reads it.
    self->alive = self->sandbox < 0 ? -1 : openat(self->state, "alive", O_RDWR | O_CLOEXEC);
    if (self->alive < 0) {
        tell_failure(self, "open", errno);
        return false;
    }
    static const char *const names[] = {"stdout", "stderr"};
    for (int i = 0; i < 2; i++) {
        self->pipes[i] = -1;
        self->logs[i] = (struct log){
            .directory = self->sandbox,
            .name = names[i],
            .limit = options->log_bytes,
            .rotated = (int)options->log_files,
            .uid = options->log_owner.uid,
            .gid = options->log_owner.gid,
        };
        if (!options->log_owner.change) {
            self->logs[i].uid = geteuid();
            self->logs[i].gid = getegid();
        }
        log_open(&self->logs[i]);
    }
    return true;
}

static bool prepare(struct supervisor *self) {
    self->sync = self->state = self->signals = self->status_pipe = self->alive = -1;
    self->starter = self->main = -1;
    setsid();
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0 || chdir("/") != 0) return false;
    if (!open_all(self)) return false;
    sigset_t handled;
    sigemptyset(&handled);
    sigaddset(&handled, SIGCHLD);
    sigaddset(&handled, SIGUSR1);
    sigprocmask(SIG_SETMASK, &handled, NULL);
    // What ends the agent (a terminal's Ctrl-C, a service manager) must not end the container.
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    self->signals = signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK);
    int error =
        self->signals < 0 ? errno : record_process(self->state, "supervisor", getpid());
    if (error != 0) {
        tell_failure(self, "record", error);
        return false;
    }
    reserve_ending(self->state);
    return true;
}

/// Moves what is there from a pipe to its log; false when there is nothing for now.
static bool pump(struct supervisor *self, int index) {
    ssize_t count = read(self->pipes[index], buffer, sizeof buffer);
    if (count > 0) {
        log_write(&self->logs[index], buffer, (size_t)count);
        return true;
    }
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    close(self->pipes[index]);
    self->pipes[index] = -1;
    return false;
}

/// Takes what process 1 has told: how the command ended is exact, its own exit code is not.
static void read_messages(struct supervisor *self) {
    struct message message;
    ssize_t count;
    while ((count = read(self->status_pipe, &message, sizeof message)) == sizeof message) {
        switch (message.kind) {
        case EXECUTING: self->executing = true; break;
        case NOT_EXECUTED: self->execute_error = message.value; break;
        case ENDED_WITH:
            self->ending.known = true;
            self->ending.status = message.value;
            break;
        }
    }
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    close(self->status_pipe);
    self->status_pipe = -1;
}

/// Goes from preparing to running once process 1 has told so; false when it never will.
static bool advance(struct supervisor *self) {
    if (self->status_pipe >= 0) read_messages(self);
    if (self->phase != PREPARING) return true;
    if (self->executing) {
        announce(self);
        return true;
    }
    if (self->execute_error != 0) {
        tell_failure(self, "execute", self->execute_error);
        return false;
    }
    return true;
}

static void request_kill(struct supervisor *self) {
    self->kill_requested = true;
    if (self->phase == STARTING && self->starter > 0) kill(self->starter, SIGKILL);
    if (self->main < 0) return;
    kill(self->main, SIGKILL);
    if (self->options.runtime == NULL) kill(-self->main, SIGKILL);
}

/// Reaps what has ended and moves on; false when the start has failed.
static bool reap(struct supervisor *self) {
    int status;
    if (self->phase == STARTING) {
        // Only runc here: the container's first process may be dead already, but who it is will
        // be known after runc.
        if (waitpid(self->starter, &status, WNOHANG) <= 0) return true;
        if (!started_by_runtime(self, status)) return false;
        if (self->kill_requested) request_kill(self);
    }
    if (!advance(self)) return false;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid != self->main) continue;
        // What it has told last is in the pipe.
        if (!advance(self)) return false;
        if (self->phase == PREPARING) {
            tell_failure(self, "runtime", 0);
            return false;
        }
        self->phase = ENDED;
        if (!self->ending.known) self->ending.status = status;
        self->ending.known = true;
    }
    return true;
}

static bool handle_signals(struct supervisor *self) {
    struct signalfd_siginfo information;
    while (read(self->signals, &information, sizeof information) == sizeof information) {
        if (information.ssi_signo == SIGUSR1) request_kill(self);
    }
    return reap(self);
}

/// Serves the container until its first process has ended; false when it never started.
static bool serve(struct supervisor *self) {
    while (self->phase != ENDED) {
        struct pollfd polled[] = {
            {.fd = self->signals, .events = POLLIN},
            {.fd = self->pipes[0], .events = POLLIN},
            {.fd = self->pipes[1], .events = POLLIN},
            {.fd = self->status_pipe, .events = POLLIN},
        };
        if (poll(polled, 4, -1) < 0 && errno != EINTR) return false;
        for (int i = 0; i < 2; i++) {
            if (self->pipes[i] >= 0 && polled[i + 1].revents != 0) pump(self, i);
        }
        if (polled[0].revents != 0 && !handle_signals(self)) return false;
        if (polled[3].revents != 0 && !advance(self)) return false;
    }
    return true;
}

static void read_oom(struct supervisor *self) {
    char text[1024];
    if (self->options.oom_file == NULL) return;
    if (!read_small(AT_FDCWD, self->options.oom_file, text, sizeof text)) return;
    // Both memory.oom_control (v1) and memory.events (v2) have such a line.
    const char *line = strstr(text, "\noom_kill ");
    if (line != NULL) self->ending.oom = strtoll(line + strlen("\noom_kill "), NULL, 10);
}

int supervise(int argc, char **argv) {
    static struct supervisor self;
    if (!options_parse(argc, argv, &self.options)) return 64;
    if (!prepare(&self)) return 70;
    bool ran = start(&self) && serve(&self);
    kill_descendants(&self);
    for (int i = 0; i < 2; i++) {
        while (self.pipes[i] >= 0 && pump(&self, i)) {
        }
        self.ending.dropped += self.logs[i].dropped;
    }
    if (ran) {
        read_oom(&self);
        for (int i = 0; i < RECORD_ATTEMPTS && !record_ending(self.state, &self.ending); i++) {
            sleep(1);
        }
    }
    // Only now may an agent look: the status is stored, and runc's tidying takes much longer.
    close(self.alive);
    if (self.options.runtime != NULL) delete_container(&self);
    return ran ? 0 : 1;
}
