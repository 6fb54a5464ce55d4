/// Starting the container, and ending all of it.
#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char runtime_pid_file[] = "runtime.pid";

/// How late the runtime's timers may fire, in nanoseconds. A thread of every Go program sleeps for
/// 20 us again and again to look after the others: half of the switches between runc's threads, and
/// a tenth of the work of a launch. It needs none of that within its 40 ms.
enum { RUNTIME_TIMER_SLACK = 2 * 1000 * 1000 };

/// In the child that becomes the runtime: all below it inherit this, and `init` takes it back
/// before the command.
static void be_patient(void) { prctl(PR_SET_TIMERSLACK, RUNTIME_TIMER_SLACK); }

void tell_failure(struct supervisor *self, const char *stage, int code) {
    if (self->sync < 0) return;
    dprintf(self->sync, "failed %s %d\n", stage, code);
    close(self->sync);
    self->sync = -1;
}

void announce(struct supervisor *self) {
    self->phase = RUNNING;
    dprintf(self->sync, "started %d\n", (int)self->main);
    close(self->sync);
    self->sync = -1;
}

/// Records the first process for this and any later agent.
static bool record_main(struct supervisor *self, pid_t pid) {
    self->main = pid;
    self->phase = PREPARING;
    int error = record_process(self->state, "pid", pid);
    if (error != 0) tell_failure(self, "record", error);
    return error == 0;
}

bool started_by_runtime(struct supervisor *self, int status) {
    char text[32];
    self->starter = -1;
    bool succeeded = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!succeeded || !read_small(self->state, runtime_pid_file, text, sizeof text)) {
        tell_failure(self, "runtime", WIFEXITED(status) ? WEXITSTATUS(status) : 128);
        return false;
    }
    return record_main(self, (pid_t)strtol(text, NULL, 10));
}

/// In the child: the container's ends of the pipes become its standard descriptors.
static void arrange_descriptors(const int output[2], int status_write) {
    // All three are above 3 already: dup2 cannot overwrite one that is still needed.
    dup2(output[0], STDOUT_FILENO);
    dup2(output[1], STDERR_FILENO);
    if (status_write >= 0) dup2(status_write, 3);
    restore_signals();
}

/// In the child of a plain command: becomes its user in its directory, telling what went wrong.
static _Noreturn void run_plain(const struct options *options, int problem) {
    setsid();
    if (credentials_apply(&options->credentials) != 0) {
        dprintf(problem, "user %d", errno);
        _exit(CODE_NOT_EXECUTABLE);
    }
    if (chdir(options->working) != 0) {
        dprintf(problem, "directory %d", errno);
        _exit(CODE_NOT_EXECUTABLE);
    }
    dprintf(problem, "execute %d", execute(options->command));
    _exit(CODE_NOT_EXECUTABLE);
}

/// Waits for the plain command to be about to execute; false when it could not get that far.
static bool plain_started(struct supervisor *self, pid_t pid, int problem) {
    char text[64] = "";
    ssize_t count;
    do {
        count = read(problem, text, sizeof text - 1);
    } while (count < 0 && errno == EINTR);
    close(problem);
    if (count <= 0) {
        if (!record_main(self, pid)) return false;
        announce(self);
        return true;
    }
    char *code = strchr(text, ' ');
    if (code != NULL) *code++ = '\0';
    tell_failure(self, text, code == NULL ? 0 : atoi(code));
    waitpid(pid, NULL, 0);
    return false;
}

/// A pipe whose ends are not inherited and have numbers that no child expects to be free.
static bool high_pipe(int ends[2]) {
    int low[2];
    if (pipe2(low, O_CLOEXEC) != 0) return false;
    for (int i = 0; i < 2; i++) {
        ends[i] = fcntl(low[i], F_DUPFD_CLOEXEC, 10);
        close(low[i]);
    }
    return ends[0] >= 0 && ends[1] >= 0;
}

bool start(struct supervisor *self) {
    bool plain = self->options.runtime == NULL;
    int out[2], err[2], status[2], problem[2];
    if (!high_pipe(out) || !high_pipe(err) || !high_pipe(status) || !high_pipe(problem)) {
        tell_failure(self, "pipe", errno);
        return false;
    }
    pid_t pid = fork();
    if (pid < 0) {
        tell_failure(self, "fork", errno);
        return false;
    }
    if (pid == 0) {
        arrange_descriptors((int[]){out[1], err[1]}, plain ? -1 : status[1]);
        if (plain) run_plain(&self->options, problem[1]);
        be_patient();
        _exit(execute(self->options.command));
    }
    close(out[1]);
    close(err[1]);
    close(status[1]);
    close(problem[1]);
    self->pipes[0] = out[0];
    self->pipes[1] = err[0];
    self->status_pipe = status[0];
    for (int i = 0; i < 2; i++) fcntl(self->pipes[i], F_SETFL, O_NONBLOCK);
    fcntl(self->status_pipe, F_SETFL, O_NONBLOCK);
    if (plain) return plain_started(self, pid, problem[0]);
    close(problem[0]);
    self->starter = pid;
    return true;
}

/// Sends SIGKILL to each child of this process; they include all orphans below it.
static void kill_children(const struct supervisor *self) {
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    if (!read_small(AT_FDCWD, path, text, sizeof text)) {
        // A kernel without that file: the command's own session is what can be reached.
        if (self->main > 0) kill(-self->main, SIGKILL);
        return;
    }
    char *rest = text;
    for (;;) {
        char *end;
        long pid = strtol(rest, &end, 10);
        // The last number may be cut off; it comes whole in the next round.
        if (end == rest || *end == '\0') return;
        kill((pid_t)pid, SIGKILL);
        rest = end;
    }
}

void kill_descendants(struct supervisor *self) {
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    const struct timespec pause = {.tv_sec = 0, .tv_nsec = 100 * 1000 * 1000};
    // Each death may bring new orphans; processes that the kernel does not let die end the rounds.
    for (int quiet = 0; quiet < 100; quiet++) {
        pid_t pid;
        kill_children(self);
        while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) quiet = 0;
        if (pid < 0 && errno == ECHILD) return;
        sigtimedwait(&child, NULL, &pause);
    }
}

/// How much nicer than a launch the runtime is when it tidies up, which costs a third of one: who
/// is to start something now goes first.
enum { TIDYING_NICENESS = 10 };

void delete_container(const struct supervisor *self) {
    const struct options *options = &self->options;
    pid_t pid = fork();
    if (pid < 0) return;
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (null >= 0) dup2(null, STDERR_FILENO);
        restore_signals();
        be_patient();
        setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + TIDYING_NICENESS);
        char *runtime = (char *)options->runtime;
        char *root = (char *)options->runtime_root;
        char *command[] = {
            runtime, runtime, "--root", root, "delete", "--force", (char *)options->id, NULL};
        _exit(execute(command));
    }
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
}
