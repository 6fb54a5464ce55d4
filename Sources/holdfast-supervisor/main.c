/// The process beside each container. It outlives the agent that started it.
///
///     starting --the command runs--> running --first process has ended--> ended --> (exit)
///
/// It keeps the container's output and records how it ended; it decides nothing: no limits, no
/// restarts. Its command line and files are described in Sources/Containers/Supervision.swift.
#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/// How often storing the exit status is tried on a full disk, a second apart.
enum { RECORD_ATTEMPTS = 60 };
/// How much more than a pipe holds is taken from it after the end; a writer could be left.
enum { DRAIN_READS = 64 };

static char buffer[64 * 1024];

bool pump(struct supervisor *self, int index) {
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

/// Leaves the agent's session and process tree; the parent, which the agent reaps, ends.
static bool detach(void) {
    setsid();
    pid_t pid = fork();
    if (pid != 0) _exit(pid < 0 ? 71 : 0);
    umask(022);
    close_range(ALIVE_DESCRIPTOR + 1, ~0u, 0);
    fcntl(SYNC_DESCRIPTOR, F_SETFD, FD_CLOEXEC);
    fcntl(ALIVE_DESCRIPTOR, F_SETFD, FD_CLOEXEC);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int i = 0; i < 3; i++) dup2(null, i);
    return null >= 0 && chdir("/") == 0;
}

static bool prepare_signals(struct supervisor *self) {
    sigset_t handled;
    sigemptyset(&handled);
    sigaddset(&handled, SIGCHLD);
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_SETMASK, &handled, NULL);
    // What ends the agent (a terminal's Ctrl-C, a service manager) must not end the container.
    int ignored[] = {SIGPIPE, SIGHUP, SIGINT, SIGTERM};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) signal(ignored[i], SIG_IGN);
    self->signals = signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK);
    return self->signals >= 0 && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0;
}

static void open_logs(struct supervisor *self) {
    static const char *const names[] = {"stdout", "stderr"};
    const struct options *options = &self->options;
    for (int i = 0; i < 2; i++) {
        self->pipes[i] = -1;
        self->logs[i] = (struct log){
            .directory = self->sandbox,
            .name = names[i],
            .limit = options->log_bytes,
            .rotated = (int)options->log_files,
            .uid = options->has_user ? (uid_t)options->uid : geteuid(),
            .gid = options->has_user ? (gid_t)options->gid : getegid(),
        };
        log_open(&self->logs[i]);
    }
}

static bool prepare(struct supervisor *self) {
    int directory = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    const char *step = NULL;
    self->sync = SYNC_DESCRIPTOR;
    self->starter = self->first = -1;
    if ((self->state = open(self->options.state, directory)) < 0) {
        step = self->options.state;
    } else if ((self->sandbox = open(self->options.sandbox, directory)) < 0) {
        step = self->options.sandbox;
    } else if (!options_read_environment(&self->options)) {
        step = self->options.env_file;
    } else if (!prepare_signals(self)) {
        step = "signals";
    } else if (!record_process(self->state, "supervisor", getpid())) {
        step = "record the supervisor";
    }
    if (step != NULL) tell_error(self, step);
    else open_logs(self);
    return step == NULL;
}

/// Reaps what has ended and moves on; false when the start has failed.
static bool reap(struct supervisor *self) {
    int status;
    struct signalfd_siginfo information;
    while (read(self->signals, &information, sizeof information) > 0) continue;
    if (self->phase == STARTING) {
        // Only the runtime here: who the first process is will be known after it.
        if (waitpid(self->starter, &status, WNOHANG) <= 0) return true;
        if (!started_by_runtime(self, status)) return false;
    }
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid != self->first) continue;
        self->phase = ENDED;
        self->status = status;
    }
    return true;
}

/// Serves the container until its first process has ended; false when it never started.
static bool serve(struct supervisor *self) {
    while (self->phase != ENDED) {
        bool running = self->phase == RUNNING;
        struct pollfd polled[] = {
            {.fd = self->signals, .events = POLLIN},
            {.fd = running ? self->pipes[0] : -1, .events = POLLIN},
            {.fd = running ? self->pipes[1] : -1, .events = POLLIN},
        };
        if (poll(polled, 3, -1) < 0) continue;
        for (int i = 0; i < 2; i++) {
            if (polled[i + 1].revents != 0) pump(self, i);
        }
        if (polled[0].revents != 0 && !reap(self)) return false;
    }
    return true;
}

/// Stores the wait status; a full disk is given time, for there is no other place for it.
static void record_exit(struct supervisor *self) {
    char text[64];
    snprintf(text, sizeof text, "%d %lld\n", self->status, (long long)time(NULL));
    for (int i = 0; i < RECORD_ATTEMPTS && !record_text(self->state, "exit", text); i++) sleep(1);
}

int main(int argc, char **argv) {
    static struct supervisor self;
    if (!options_parse(argc, argv, &self.options)) {
        fputs("usage: holdfast-supervisor --state DIR --sandbox DIR ... -- COMMAND...\n", stderr);
        return 64;
    }
    if (self.options.execute) {
        return options_read_environment(&self.options) ? execute(&self.options) : 126;
    }
    if (!detach() || !prepare(&self)) return 70;
    bool ran = start(&self) && serve(&self);
    if (ran) record_exit(&self);
    kill_descendants();
    // What is still in the pipes; grandchildren that the kernel keeps are not waited for.
    for (int i = 0; i < 2; i++) {
        for (int n = 0; n < DRAIN_READS && self.pipes[i] >= 0 && pump(&self, i); n++) continue;
    }
    return ran ? 0 : 1;
}
