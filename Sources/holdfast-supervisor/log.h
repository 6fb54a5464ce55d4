/// One output of a container, kept in files that are rotated by size.
#pragma once
#include "parts.h"

struct log {
    int directory;       // the sandbox, held open: its path may be replaced by the task
    const char *name;    // "stdout" or "stderr"
    int fd;              // -1 while it cannot be opened
    off_t size;          // bytes in the current file
    off_t limit;         // rotate before it grows beyond this
    int rotated;         // how many older files are kept
    uid_t uid;           // owner of new files
    gid_t gid;
    uint64_t dropped;    // bytes lost because they could not be written
    uint64_t announced;  // how many of those the log itself mentions
};

/// Opens or makes the log's file; it may fail, then what is written is dropped and counted.
void log_open(struct log *log);
/// Appends the bytes. Never fails and never waits for space: the task goes on, the bytes do not.
void log_write(struct log *log, const char *bytes, size_t count);
