#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/// True when the file is a plain one with no other name: the sandbox belongs to the task, which
/// could have put a link to a file of somebody else there.
static bool is_own_file(int fd, off_t *size) {
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_nlink != 1) return false;
    *size = status.st_size;
    return true;
}

void log_open(struct log *log) {
    int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    log->size = 0;
    log->fd = openat(log->directory, log->name, flags, 0644);
    bool foreign = log->fd < 0 && (errno == ELOOP || errno == ENXIO || errno == EISDIR);
    if (log->fd >= 0 && !is_own_file(log->fd, &log->size)) {
        close(log->fd);
        foreign = true;
    }
    if (foreign) {
        unlinkat(log->directory, log->name, 0);
        log->size = 0;
        log->fd = openat(log->directory, log->name, flags | O_EXCL, 0644);
    }
    // Without root the file is the task's already, and this may fail.
    if (log->fd >= 0 && fchown(log->fd, log->uid, log->gid) != 0) errno = 0;
}

/// Moves name to name.1, name.1 to name.2 and so on, and begins a new file.
static void rotate(struct log *log) {
    char older[64], newer[64];
    for (int i = log->rotated; i > 1; i--) {
        snprintf(older, sizeof older, "%s.%d", log->name, i);
        snprintf(newer, sizeof newer, "%s.%d", log->name, i - 1);
        renameat(log->directory, newer, log->directory, older);
    }
    snprintf(newer, sizeof newer, "%s.1", log->name);
    bool moved = log->rotated > 0
        && renameat(log->directory, log->name, log->directory, newer) == 0;
    if (!moved && ftruncate(log->fd, 0) == 0) {
        // Nothing is kept, or the task put a directory in the way: the bound matters more.
        log->size = 0;
        return;
    }
    close(log->fd);
    log_open(log);
    if (log->fd >= 0 && log->size >= log->limit) {
        // Neither moved nor emptied: drop what comes until the file can be opened afresh.
        close(log->fd);
        log->fd = -1;
    }
}

/// Writes once without waiting for space; counts what did not go out.
static void append(struct log *log, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t written = log->fd < 0 ? -1 : write(log->fd, bytes, count);
        if (written < 0 && log->fd >= 0 && errno == EINTR) continue;
        if (written <= 0) {
            log->dropped += count;
            return;
        }
        log->size += written;
        bytes += written;
        count -= (size_t)written;
    }
}

/// Says in the log, once there is space again, how much is missing.
static void announce_dropped(struct log *log) {
    if (log->dropped == log->announced) return;
    char line[96];
    int length = snprintf(
        line, sizeof line, "[holdfast: %llu bytes of output were lost, no space]\n",
        (unsigned long long)(log->dropped - log->announced));
    uint64_t before = log->dropped;
    append(log, line, (size_t)length);
    if (log->dropped == before) {
        log->announced = before;
    } else {
        log->dropped = before;
    }
}

/// How many of the bytes go into the current file: up to its limit, at a line's end if there is
/// one.
static size_t share(const struct log *log, const char *bytes, size_t count) {
    size_t room = log->size < log->limit ? (size_t)(log->limit - log->size) : 0;
    if (count <= room) return count;
    const char *end = memrchr(bytes, '\n', room);
    if (end != NULL) return (size_t)(end - bytes) + 1;
    return log->size == 0 ? room : 0;
}

void log_write(struct log *log, const char *bytes, size_t count) {
    if (log->fd < 0) log_open(log);
    announce_dropped(log);
    while (count > 0) {
        size_t part = log->fd < 0 ? count : share(log, bytes, count);
        if (part == 0) {
            rotate(log);
            continue;
        }
        append(log, bytes, part);
        bytes += part;
        count -= part;
    }
}
