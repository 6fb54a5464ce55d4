/// The supervisor's options and its state, shared by the files that make it up.
#pragma once
#include "log.h"
#include "record.h"

struct options {
    const char *state;         // directory of the records
    const char *sandbox;       // directory of stdout and stderr
    const char *working;       // a plain command starts here
    const char *runtime;       // path of runc, or NULL for a plain command
    const char *runtime_root;  // runc's --root
    const char *id;            // the container's name for runc
    const char *oom_file;      // memory.oom_control or memory.events of the container, or NULL
    struct credentials credentials;
    struct credentials log_owner;
    long long log_bytes;
    long long log_files;
    char **command;            // runc's or the plain one: program, arguments
};

/// starting: runc works; preparing: process 1 starts the command; running: the command was executed;
/// ended: the first process is dead, the rest is tidied.
enum phase { STARTING, PREPARING, RUNNING, ENDED };

struct supervisor {
    struct options options;
    enum phase phase;
    int state;        // directory descriptors and others, -1 when closed
    int sandbox;
    int sync;         // tells the agent once whether the start succeeded
    int alive;        // the FIFO whose closing tells that the exit status is stored
    int signals;      // signalfd
    int status_pipe;  // process 1 writes the command's wait status there
    int pipes[2];     // read ends of the container's stdout and stderr
    struct log logs[2];
    pid_t starter;    // runc while it starts the container
    pid_t main;       // the container's first process
    bool kill_requested;
    bool executing;      // process 1 has told that the command runs
    int execute_error;   // or why it does not
    struct ending ending;
};

/// Reads the command line; false after a message on standard error.
bool options_parse(int argc, char **argv, struct options *options);
/// Starts runc, or the plain command; false after the agent was told.
bool start(struct supervisor *self);
/// Tells the agent that the command runs.
void announce(struct supervisor *self);
/// Learns and records the container's first process once runc has ended with this status.
bool started_by_runtime(struct supervisor *self, int status);
/// Tells the agent that the start failed at this stage.
void tell_failure(struct supervisor *self, const char *stage, int code);
/// Kills and reaps everything below this process, however it has detached itself.
void kill_descendants(struct supervisor *self);
/// Lets runc remove what is left of the container.
void delete_container(const struct supervisor *self);
