/// The small files in a container's state directory, which a restarted agent reads.
#include "parts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool read_small(int directory, const char *path, char *buffer, size_t size) {
    int fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    ssize_t count = read(fd, buffer, size - 1);
    int error = errno;
    close(fd);
    errno = error;
    if (count < 0) return false;
    buffer[count] = '\0';
    return true;
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

bool record_text(int directory, const char *name, const char *text) {
    char fresh[64];
    snprintf(fresh, sizeof fresh, "%s.new", name);
    int fd = openat(directory, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return false;
    bool stored = write_all(fd, text, strlen(text)) && fsync(fd) == 0;
    int error = errno;
    close(fd);
    errno = error;
    return stored && renameat(directory, fresh, directory, name) == 0 && fsync(directory) == 0;
}

/// The 22nd field of /proc/PID/stat, the 20th after the command's closing bracket.
static bool start_time_of(pid_t pid, uint64_t *result) {
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (!read_small(AT_FDCWD, path, text, sizeof text)) return false;
    char *field = strrchr(text, ')');
    for (int i = 0; field != NULL && i < 20; i++) field = strchr(field + 1, ' ');
    if (field == NULL) return false;
    *result = strtoull(field + 1, NULL, 10);
    return true;
}

bool record_process(int directory, const char *name, pid_t pid) {
    char boot[64], line[160];
    uint64_t start_time;
    if (!start_time_of(pid, &start_time)) return false;
    if (!read_small(AT_FDCWD, "/proc/sys/kernel/random/boot_id", boot, sizeof boot)) return false;
    boot[strcspn(boot, "\n")] = '\0';
    snprintf(line, sizeof line, "%d %" PRIu64 " %s\n", (int)pid, start_time, boot);
    return record_text(directory, name, line);
}
