/// holdfast-supervisor: the small process beside each container, and the first process in it.
///
/// Three parts in one static program, because all of them must start in about a millisecond and
/// run inside any image:
///   supervise  stays outside, starts the container, keeps its output, records how it ended
///   init       process 1 inside: forwards signals, reaps orphans, tells the true wait status
///   run-as     becomes a user, enters a directory and executes: for fetching and for checks
#include "parts.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
    if (argc >= 2 && strcmp(argv[1], "supervise") == 0) return supervise(argc - 1, argv + 1);
    if (argc >= 2 && strcmp(argv[1], "init") == 0) return container_init(argc - 1, argv + 1);
    if (argc >= 2 && strcmp(argv[1], "run-as") == 0) return run_as(argc - 1, argv + 1);
    fputs("usage: holdfast-supervisor supervise|init|run-as ...\n", stderr);
    return 64;
}
