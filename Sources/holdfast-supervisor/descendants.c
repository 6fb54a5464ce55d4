/// Ending everything that the container's first process left behind.
#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/// Sends SIGKILL to each child of this process; orphans below it become its children.
static void kill_children(void) {
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    if (!read_small(AT_FDCWD, path, text, sizeof text)) return;
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

void kill_descendants(void) {
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    const struct timespec limit = {.tv_sec = 0, .tv_nsec = 100 * 1000 * 1000};
    // Each death may bring new orphans; processes that the kernel does not let die end the rounds.
    for (int quiet = 0; quiet < 100; quiet++) {
        pid_t pid;
        kill_children();
        while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) quiet = 0;
        if (pid < 0 && errno == ECHILD) return;
        sigtimedwait(&child, NULL, &limit);
    }
}
