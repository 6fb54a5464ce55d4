/// What the files of the supervisor share: its options, its state, and small functions.
#pragma once
#define _GNU_SOURCE

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// The most supplementary groups that are handed on.
enum { MAXIMUM_GROUPS = 256 };
/// Descriptors that the agent hands over: the pipe that hears of the start, and the FIFO `alive`.
enum { SYNC_DESCRIPTOR = 3, ALIVE_DESCRIPTOR = 4 };

struct options {
    const char *state;     // directory of the records
    bool execute;          // become the user, enter the sandbox, execute; supervise nothing
    const char *sandbox;   // directory of stdout and stderr
    const char *pid_file;  // runtime mode: the command leaves the first process's pid there
    const char *env_file;  // NAME=VALUE, each ended by a zero byte; NULL: as this process has it
    long long log_bytes;
    long long log_files;
    bool has_user;
    long long uid;
    long long gid;
    size_t group_count;
    gid_t groups[MAXIMUM_GROUPS];
    char **environment;    // from env_file
    char **command;
};

/// Reads the command line; false when it is malformed.
bool options_parse(int argc, char **argv, struct options *options);
/// Reads the environment file; false with errno.
bool options_read_environment(struct options *options);

/// Reads a small file relative to the directory, NUL-terminated; false with errno.
bool read_small(int directory, const char *path, char *buffer, size_t size);
/// Reads a decimal number that is not negative; false when the text is not one.
bool number_parse(const char *text, long long *result);
/// Writes all of the bytes; false with errno.
bool write_all(int fd, const char *bytes, size_t count);
/// Replaces a file at once and durably; false with errno.
bool record_text(int directory, const char *name, const char *text);
/// Writes "PID START-TIME BOOT-ID"; the last two tell it from a later process of that pid.
bool record_process(int directory, const char *name, pid_t pid);
