#include "supervise.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum { MAXIMUM_LOG_FILES = 1000 };

static const struct option known[] = {
    {"state", required_argument, NULL, 's'},
    {"sandbox", required_argument, NULL, 'd'},
    {"working-directory", required_argument, NULL, 'w'},
    {"runtime", required_argument, NULL, 'r'},
    {"runtime-root", required_argument, NULL, 'R'},
    {"id", required_argument, NULL, 'i'},
    {"oom-file", required_argument, NULL, 'o'},
    {"user", required_argument, NULL, 'u'},
    {"log-owner", required_argument, NULL, 'U'},
    {"log-bytes", required_argument, NULL, 'b'},
    {"log-files", required_argument, NULL, 'n'},
    {NULL, 0, NULL, 0},
};

static bool set(struct options *options, int option) {
    switch (option) {
    case 's': options->state = optarg; return true;
    case 'd': options->sandbox = optarg; return true;
    case 'w': options->working = optarg; return true;
    case 'r': options->runtime = optarg; return true;
    case 'R': options->runtime_root = optarg; return true;
    case 'i': options->id = optarg; return true;
    case 'o': options->oom_file = optarg; return true;
    case 'u': return credentials_parse(optarg, &options->credentials);
    case 'U': return credentials_parse(optarg, &options->log_owner);
    case 'b': return number_parse(optarg, &options->log_bytes) && options->log_bytes > 0;
    case 'n':
        return number_parse(optarg, &options->log_files)
            && options->log_files <= MAXIMUM_LOG_FILES;
    default: return false;
    }
}

bool options_parse(int argc, char **argv, struct options *options) {
    memset(options, 0, sizeof *options);
    options->log_bytes = 10 * 1024 * 1024;
    options->log_files = 9;
    int option;
    // "+": stop at the command, whose options are its own.
    while ((option = getopt_long(argc, argv, "+", known, NULL)) != -1) {
        if (!set(options, option)) {
            fprintf(stderr, "supervise: bad option near %s\n", argv[optind - 1]);
            return false;
        }
    }
    options->command = argv + optind;
    bool whole = options->state != NULL && options->sandbox != NULL && optind + 1 < argc
        && (options->runtime == NULL) == (options->runtime_root == NULL)
        && (options->runtime == NULL) == (options->id == NULL)
        && (options->runtime != NULL || options->working != NULL);
    if (!whole) fputs("supervise: --state, --sandbox and a command are needed\n", stderr);
    return whole;
}
