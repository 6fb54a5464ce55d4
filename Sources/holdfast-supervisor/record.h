/// The small files in a container's state directory, which a restarted agent reads.
#pragma once
#include "parts.h"

/// How the container ended.
struct ending {
    bool known;         // false: nobody could learn the wait status
    int status;         // as wait(2) gives it
    long long oom;      // processes that the kernel killed because memory was at its limit
    uint64_t dropped;   // bytes of output that were lost
};

/// Writes "PID START-TIME BOOT-ID" under the name, replacing the file at once; 0 or an errno. The
/// start time (clock ticks since boot) and the boot tell the process from a later one of its pid.
int record_process(int directory, const char *name, pid_t pid);
/// Takes the space that `record_ending` will need, so that a full disk cannot lose the status.
void reserve_ending(int directory);
/// Writes the file `exit`, durably; false with errno.
bool record_ending(int directory, const struct ending *ending);
/// Reads a small file relative to the directory into the buffer, NUL-terminated; false if it cannot.
bool read_small(int directory, const char *path, char *buffer, size_t size);
