#include "parts.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAXIMUM_LOG_FILES = 1000, MAXIMUM_ENVIRONMENT_BYTES = 4 << 20 };

static const struct option known[] = {
    {"state", required_argument, NULL, 's'},
    {"sandbox", required_argument, NULL, 'd'},
    {"pid-file", required_argument, NULL, 'p'},
    {"env-file", required_argument, NULL, 'e'},
    {"uid", required_argument, NULL, 'u'},
    {"gid", required_argument, NULL, 'g'},
    {"groups", required_argument, NULL, 'G'},
    {"execute", no_argument, NULL, 'x'},
    {"log-bytes", required_argument, NULL, 'b'},
    {"log-files", required_argument, NULL, 'n'},
    {NULL, 0, NULL, 0},
};

bool number_parse(const char *text, long long *result) {
    char *end;
    errno = 0;
    *result = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *result >= 0;
}

static bool identifier_parse(const char *text, long long *result) {
    return number_parse(text, result) && *result < UINT32_MAX;
}

static bool groups_parse(char *text, struct options *options) {
    char *rest = text;
    for (char *each = strsep(&rest, ","); each != NULL; each = strsep(&rest, ",")) {
        long long group;
        if (*each == '\0') continue;
        if (options->group_count == MAXIMUM_GROUPS || !identifier_parse(each, &group)) return false;
        options->groups[options->group_count++] = (gid_t)group;
    }
    return true;
}

static bool set(struct options *options, int option) {
    switch (option) {
    case 's': options->state = optarg; return true;
    case 'd': options->sandbox = optarg; return true;
    case 'p': options->pid_file = optarg; return true;
    case 'e': options->env_file = optarg; return true;
    case 'u': options->has_user = true; return identifier_parse(optarg, &options->uid);
    case 'g': return identifier_parse(optarg, &options->gid);
    case 'x': options->execute = true; return true;
    case 'G': return groups_parse(optarg, options);
    case 'b': return number_parse(optarg, &options->log_bytes) && options->log_bytes > 0;
    case 'n':
        return number_parse(optarg, &options->log_files)
            && options->log_files <= MAXIMUM_LOG_FILES;
    default: return false;
    }
}

bool options_parse(int argc, char **argv, struct options *options) {
    memset(options, 0, sizeof *options);
    options->log_bytes = 10 << 20;
    options->log_files = 5;
    options->gid = -1;
    int option;
    // "+": stop at the command, whose options are its own.
    while ((option = getopt_long(argc, argv, "+", known, NULL)) != -1) {
        if (!set(options, option)) return false;
    }
    options->command = argv + optind;
    return (options->state != NULL || options->execute) && options->sandbox != NULL && optind < argc
        && options->has_user == (options->gid >= 0);
}

bool options_read_environment(struct options *options) {
    if (options->env_file == NULL) return true;
    int fd = open(options->env_file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    struct stat status;
    bool readable = fstat(fd, &status) == 0 && status.st_size <= MAXIMUM_ENVIRONMENT_BYTES;
    size_t size = readable ? (size_t)status.st_size : 0;
    char *text = calloc(size + 1, 1);
    ssize_t count = readable && text != NULL ? read(fd, text, size) : -1;
    close(fd);
    if (count != (ssize_t)size) return false;
    size_t entries = 0;
    for (size_t i = 0; i < size; i++) entries += text[i] == '\0';
    options->environment = calloc(entries + 1, sizeof *options->environment);
    if (options->environment == NULL) return false;
    char *next = text;
    for (size_t i = 0; i < entries; i++) {
        options->environment[i] = next;
        next += strlen(next) + 1;
    }
    return true;
}
