/// Starting the container, and ending all of it.
#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void tell_failure(struct supervisor *self, const char *text) {
    if (self->sync < 0) return;
    dprintf(self->sync, "error %s\n", text);
    close(self->sync);
    self->sync = -1;
}

void tell_error(struct supervisor *self, const char *what) {
    char text[512];
    snprintf(text, sizeof text, "%s: %s", what, strerror(errno));
    tell_failure(self, text);
}

/// Tells the present agent; a later one reads the file `pid`.
static void tell_started(struct supervisor *self) {
    self->phase = RUNNING;
    dprintf(self->sync, "ok %d\n", (int)self->first);
    close(self->sync);
    self->sync = -1;
}

bool started_by_runtime(struct supervisor *self, int status) {
    char text[640];
    self->starter = -1;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        // What it wrote is still in the pipe: nothing is pumped while it starts.
        char said[513];
        ssize_t count = read(self->pipes[1], said, sizeof said - 1);
        said[count < 0 ? 0 : count] = '\0';
        log_write(&self->logs[1], said, strlen(said));
        for (char *each = said; *each != '\0'; each++) {
            if (*each == '\n') *each = ' ';
        }
        snprintf(text, sizeof text, "%s: %s", self->options.command[0], said);
        tell_failure(self, text);
        return false;
    }
    long long pid;
    bool read = read_small(AT_FDCWD, self->options.pid_file, text, sizeof text);
    text[read ? strcspn(text, "\n") : 0] = '\0';
    if (!read || !number_parse(text, &pid) || pid <= 1) {
        tell_failure(self, "the runtime left no pid file");
        return false;
    }
    self->first = (pid_t)pid;
    if (!record_process(self->state, "pid", self->first)) {
        tell_error(self, "record the first process");
        kill(self->first, SIGKILL);
        return false;
    }
    tell_started(self);
    return true;
}

/// In the child: undoes what the supervisor did to its descriptors and signals.
static void restore(const int output[2]) {
    dup2(output[0], STDOUT_FILENO);
    dup2(output[1], STDERR_FILENO);
    int handled[] = {SIGPIPE, SIGHUP, SIGINT, SIGTERM, SIGCHLD};
    for (size_t i = 0; i < sizeof handled / sizeof *handled; i++) signal(handled[i], SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/// Takes the user's rights on, for good; without root only those it has already.
static bool become_user(const struct options *options) {
    uid_t uid = (uid_t)options->uid;
    gid_t gid = (gid_t)options->gid;
    if (!options->has_user || (geteuid() != 0 && geteuid() == uid)) return true;
    return setgroups(options->group_count, options->groups) == 0 && setresgid(gid, gid, gid) == 0
        && setresuid(uid, uid, uid) == 0;
}

int execute(const struct options *options) {
    // A session of its own, so that a check that takes too long is killed with all it started.
    setsid();
    if (!become_user(options) || chdir(options->sandbox) != 0) return 126;
    if (options->environment != NULL) environ = options->environment;
    close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
    execvp(options->command[0], options->command);
    return errno == ENOENT ? 127 : 126;
}

/// In the child: executes once it is told that its pid is stored; ends where that never comes.
static _Noreturn void run(const struct options *options, int go, int problem) {
    char byte;
    const char *step = NULL;
    setsid();
    if (options->pid_file == NULL) {
        if (!become_user(options)) step = "become the user";
        else if (chdir(options->sandbox) != 0) step = "enter the sandbox";
    }
    if (step == NULL && read(go, &byte, 1) == 1) {
        if (options->environment != NULL) environ = options->environment;
        execvp(options->command[0], options->command);
        step = options->command[0];
    }
    if (step != NULL) dprintf(problem, "%s: %s", step, strerror(errno));
    _exit(127);
}

/// Stores the child's pid, lets it go on, and waits until it executes or tells why it cannot.
static bool let_go(struct supervisor *self, pid_t pid, int go, int problem) {
    char text[512];
    bool plain = self->options.pid_file == NULL;
    if (plain && !record_process(self->state, "pid", pid)) {
        tell_error(self, "record the first process");
        return false;
    }
    // A child that has told its problem already does not read this.
    if (write(go, "", 1) != 1) errno = 0;
    close(go);
    ssize_t count;
    do {
        count = read(problem, text, sizeof text - 1);
    } while (count < 0 && errno == EINTR);
    close(problem);
    if (count > 0) {
        text[count] = '\0';
        unlinkat(self->state, "pid", 0);
        tell_failure(self, text);
        return false;
    }
    if (plain) {
        self->first = pid;
        tell_started(self);
    } else {
        self->starter = pid;
    }
    return true;
}

/// A pipe whose ends are not inherited and stay clear of the standard descriptors.
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
    int out[2], err[2], go[2], problem[2];
    if (!high_pipe(out) || !high_pipe(err) || !high_pipe(go) || !high_pipe(problem)) {
        tell_error(self, "pipe");
        return false;
    }
    pid_t pid = fork();
    if (pid < 0) {
        tell_error(self, "fork");
        return false;
    }
    if (pid == 0) {
        close(go[1]);
        restore((int[]){out[1], err[1]});
        run(&self->options, go[0], problem[1]);
    }
    close(out[1]);
    close(err[1]);
    close(go[0]);
    close(problem[1]);
    self->pipes[0] = out[0];
    self->pipes[1] = err[0];
    for (int i = 0; i < 2; i++) fcntl(self->pipes[i], F_SETFL, O_NONBLOCK);
    return let_go(self, pid, go[1], problem[0]);
}
