// Calls about processes, readiness and trees of mounts that are variadic, newer than glibc's Swift
// module, or use C types that Swift can't take. Each returns -1 and sets errno on failure.
#pragma once
#include <stddef.h>
#include <stdint.h>

int clinux_pidfd_signal(int pidfd, int signal);
// Reaps a child that has ended; 1 with its wait status, 0 while it lives.
int clinux_pidfd_reap(int pidfd, int *status);

// Spawns `path` in a session of its own; descriptor i of the child is descriptors[i] (-1:
// /dev/null), all others are closed.
int clinux_spawn(const char *path, char *const arguments[], char *const environment[],
                 const int *descriptors, int count, int *pid);

// Readiness of many descriptors. `key` comes back with the event.
enum { CLINUX_READABLE = 1, CLINUX_CLOSED = 2 };
struct clinux_ready {
    uint64_t key;
    uint32_t what;  // CLINUX_READABLE | CLINUX_CLOSED
};
int clinux_poll_create(void);
int clinux_poll_add(int poll, int fd, uint64_t key);
int clinux_poll_remove(int poll, int fd);
int clinux_poll_wait(int poll, struct clinux_ready *ready, int capacity, int timeout_milliseconds);

// Trees of mounts. A clone is detached until it is attached; closing it unattached frees it.
int clinux_mount_clone(int directory, const char *path, int is_recursive);
int clinux_mount_attach(int tree, int directory, const char *path);
// Sets attributes of a mount (`path` empty: of the tree itself): CLINUX_MOUNT_*.
enum {
    CLINUX_MOUNT_READ_ONLY = 1,
    CLINUX_MOUNT_NO_SETID = 2,
    CLINUX_MOUNT_NO_DEVICES = 4,
    CLINUX_MOUNT_PRIVATE = 8,
};
int clinux_mount_set(int directory, const char *path, unsigned attributes, int is_recursive);

// Opens below `directory`, never leaving it by "..", an absolute path or a symbolic link.
int clinux_open_inside(int directory, const char *path, int is_directory);

// Takes hold of a file or directory without opening it for reading (O_PATH); links are followed.
int clinux_hold(const char *path);
// The same below `directory`, through no symbolic link.
int clinux_hold_inside(int directory, const char *path);
