/// What the parts of the supervisor have in common.
#pragma once
#define _GNU_SOURCE

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// The most supplementary groups that are handed on.
enum { MAXIMUM_GROUPS = 256 };
/// Exit codes for a command that cannot be executed, as a shell gives them.
enum { CODE_NOT_EXECUTABLE = 126, CODE_NOT_FOUND = 127 };

/// Whose rights a process takes on; `change` is false where it keeps its own.
struct credentials {
    bool change;
    uid_t uid;
    gid_t gid;
    size_t group_count;
    gid_t groups[MAXIMUM_GROUPS];
};

/// Reads "UID:GID[:GROUP,GROUP...]"; false when it is malformed.
bool credentials_parse(const char *text, struct credentials *result);
/// Takes the rights on, for good; -1 with errno.
int credentials_apply(const struct credentials *credentials);

/// Undoes what the supervisor did to its signals, before an exec.
void restore_signals(void);
/// Executes a command: the program, to be found by PATH, then its whole argument vector, whose first
/// may differ from the program. Returns the errno if it cannot.
int execute(char **command);
/// What process 1 inside tells the supervisor through their pipe, each once.
struct message {
    enum { EXECUTING, NOT_EXECUTED, ENDED_WITH } kind;
    int value;  // an errno for NOT_EXECUTED, a wait status for ENDED_WITH
};
/// Reads a decimal number that is not negative; false when the text is not one.
bool number_parse(const char *text, long long *result);
/// Writes all of the bytes; false with errno.
bool write_all(int fd, const char *bytes, size_t count);

int supervise(int argc, char **argv);
int container_init(int argc, char **argv);
int run_as(int argc, char **argv);
