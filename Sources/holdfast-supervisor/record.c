#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ENDING_SPACE = 256 };
static const char ending_reserve[] = "exit.new";

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

/// The 22nd field of /proc/PID/stat, which stands 20 fields after the command's closing bracket.
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

int record_process(int directory, const char *name, pid_t pid) {
    char boot[64], line[160], fresh[64];
    uint64_t start_time;
    if (!start_time_of(pid, &start_time)) return ESRCH;
    if (!read_small(AT_FDCWD, "/proc/sys/kernel/random/boot_id", boot, sizeof boot)) return errno;
    boot[strcspn(boot, "\n")] = '\0';
    int length = snprintf(
        line, sizeof line, "%d %" PRIu64 " %s\n", (int)pid, start_time, boot);
    snprintf(fresh, sizeof fresh, "%s.new", name);
    int fd = openat(directory, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return errno;
    int error = write_all(fd, line, (size_t)length) ? 0 : errno;
    close(fd);
    if (error == 0 && renameat(directory, fresh, directory, name) != 0) error = errno;
    return error;
}

void reserve_ending(int directory) {
    int fd = openat(directory, ending_reserve, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return;
    if (fallocate(fd, 0, 0, ENDING_SPACE) != 0) {
        // A file system without fallocate; written blocks serve as well.
        char blank[ENDING_SPACE] = {0};
        write_all(fd, blank, sizeof blank);
    }
    close(fd);
}

bool record_ending(int directory, const struct ending *ending) {
    char text[ENDING_SPACE], status[32] = "unknown";
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (ending->known) snprintf(status, sizeof status, "%d", ending->status);
    int length = snprintf(
        text, sizeof text, "status %s\nended %lld\noom %lld\ndropped %" PRIu64 "\n", status,
        (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000, ending->oom, ending->dropped);
    int fd = openat(directory, ending_reserve, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return false;
    bool stored = write_all(fd, text, (size_t)length) && ftruncate(fd, length) == 0
        && fsync(fd) == 0;
    int error = errno;
    close(fd);
    errno = error;
    return stored && renameat(directory, ending_reserve, directory, "exit") == 0
        && fsync(directory) == 0;
}
