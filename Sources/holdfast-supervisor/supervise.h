/// The supervisor's state and the parts of its life.
#pragma once
#include "log.h"

/// STARTING: the runtime works; RUNNING: the first process lives; ENDED: it is dead.
enum phase { STARTING, RUNNING, ENDED };

struct supervisor {
    struct options options;
    enum phase phase;
    int state;     // directory
    int sandbox;   // directory
    int sync;      // -1 once the agent has been told
    int signals;   // signalfd
    int pipes[2];  // read ends of stdout and stderr, -1 when closed
    struct log logs[2];
    pid_t starter;  // the runtime while it starts the container
    pid_t first;    // the container's first process
    int status;     // its wait status once it has ended
};

/// Starts the command; false after the agent was told why not.
bool start(struct supervisor *self);
/// Becomes the command, for a check; only a failure returns, with the exit code.
int execute(const struct options *options);
/// Goes on after the runtime has ended with this wait status; false after the agent was told.
bool started_by_runtime(struct supervisor *self, int status);
/// Tells the agent once that the start failed.
void tell_failure(struct supervisor *self, const char *text);
/// As tell_failure, with the text of errno.
void tell_error(struct supervisor *self, const char *what);
/// Moves what is there from a pipe to its log; false when there is nothing for now.
bool pump(struct supervisor *self, int index);
/// Kills and reaps everything below this process, however it has detached itself.
void kill_descendants(void);
