#include "parts.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool number_parse(const char *text, long long *result) {
    char *end;
    errno = 0;
    *result = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *result >= 0;
}

/// Reads the decimal number at *text, which must end in one of the bytes of `ends` or in NUL.
static bool next_id(const char **text, const char *ends, uint32_t *result) {
    char *end;
    errno = 0;
    unsigned long long value = strtoull(*text, &end, 10);
    if (errno != 0 || end == *text || **text == '-' || value >= UINT32_MAX) return false;
    if (*end != '\0' && strchr(ends, *end) == NULL) return false;
    *result = (uint32_t)value;
    *text = end;
    return true;
}

bool credentials_parse(const char *text, struct credentials *result) {
    memset(result, 0, sizeof *result);
    result->change = true;
    if (!next_id(&text, ":", &result->uid) || *text++ != ':') return false;
    if (!next_id(&text, ":", &result->gid)) return false;
    if (*text == '\0') return true;
    for (text++; *text != '\0'; text += *text == ',') {
        if (result->group_count == MAXIMUM_GROUPS) return false;
        if (!next_id(&text, ",", &result->groups[result->group_count++])) return false;
    }
    return true;
}

int credentials_apply(const struct credentials *credentials) {
    if (!credentials->change) return 0;
    // Without root only the identity that the process already has can be "taken on".
    if (geteuid() != 0 && geteuid() == credentials->uid && getegid() == credentials->gid) return 0;
    if (setgroups(credentials->group_count, credentials->groups) != 0) return -1;
    if (setresgid(credentials->gid, credentials->gid, credentials->gid) != 0) return -1;
    return setresuid(credentials->uid, credentials->uid, credentials->uid);
}

void restore_signals(void) {
    signal(SIGPIPE, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

int execute(char **command) {
    execvp(command[0], command + 1);
    return errno;
}

bool write_all(int fd, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t written = write(fd, bytes, count);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes += written;
        count -= (size_t)written;
    }
    return true;
}

/// run-as UID:GID[:GROUPS] DIRECTORY PROGRAM ARGUMENT-VECTOR...
int run_as(int argc, char **argv) {
    struct credentials credentials;
    if (argc < 5 || !credentials_parse(argv[1], &credentials)) {
        fputs("usage: run-as UID:GID[:GROUPS] DIRECTORY PROGRAM ARGUMENT-VECTOR...\n", stderr);
        return 64;
    }
    // A session of its own, so that a check that takes too long is killed with all it started.
    setsid();
    if (credentials_apply(&credentials) != 0 || chdir(argv[2]) != 0) {
        dprintf(STDERR_FILENO, "cannot become %s in %s: %s\n", argv[1], argv[2], strerror(errno));
        return CODE_NOT_EXECUTABLE;
    }
    restore_signals();
    int error = execute(argv + 3);
    dprintf(STDERR_FILENO, "cannot execute %s: %s\n", argv[3], strerror(error));
    return error == ENOENT ? CODE_NOT_FOUND : CODE_NOT_EXECUTABLE;
}
