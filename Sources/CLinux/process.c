#define _GNU_SOURCE
#include "CLinuxProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_open_tree
#define SYS_open_tree 428
#define SYS_move_mount 429
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

// Processes

int clinux_pidfd_signal(int pidfd, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

int clinux_pidfd_reap(int pidfd, int *status) {
    enum { BY_PIDFD = 3 };
    siginfo_t information;
    information.si_pid = 0;
    if (waitid((idtype_t)BY_PIDFD, (id_t)pidfd, &information, WEXITED | WNOHANG) != 0) return -1;
    if (information.si_pid == 0) return 0;
    *status = information.si_code == CLD_EXITED
        ? (information.si_status & 0xFF) << 8
        : information.si_status | (information.si_code == CLD_DUMPED ? 0x80 : 0);
    return 1;
}

// The C library's functions that return their error.
static int fails(int code) {
    if (code != 0) errno = code;
    return code == 0 ? 0 : -1;
}

// First out of the way of the final numbers, so that none is overwritten before it was copied.
static int add_descriptors(posix_spawn_file_actions_t *actions, const int *descriptors, int count) {
    int aside = 16;
    for (int i = 0; i < count; i++) {
        if (descriptors[i] >= aside) aside = descriptors[i] + 1;
    }
    for (int i = 0; i < count; i++) {
        int code = descriptors[i] < 0
            ? posix_spawn_file_actions_addopen(actions, aside + i, "/dev/null", O_RDWR, 0)
            : posix_spawn_file_actions_adddup2(actions, descriptors[i], aside + i);
        if (code != 0) return code;
    }
    for (int i = 0; i < count; i++) {
        int code = posix_spawn_file_actions_adddup2(actions, aside + i, i);
        if (code != 0) return code;
    }
    return posix_spawn_file_actions_addclosefrom_np(actions, count);
}

int clinux_spawn(const char *path, char *const arguments[], char *const environment[],
                 const int *descriptors, int count, int *pid) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    int code = add_descriptors(&actions, descriptors, count);
    if (code == 0) code = posix_spawn(pid, path, &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return fails(code);
}

// Readiness

int clinux_poll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

int clinux_poll_add(int poll, int fd, uint64_t key) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = key};
    return epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
}

int clinux_poll_remove(int poll, int fd) { return epoll_ctl(poll, EPOLL_CTL_DEL, fd, NULL); }

int clinux_poll_wait(int poll, struct clinux_ready *ready, int capacity, int timeout_milliseconds) {
    enum { MOST = 64 };
    struct epoll_event events[MOST];
    int count = epoll_wait(poll, events, capacity < MOST ? capacity : MOST, timeout_milliseconds);
    for (int i = 0; i < count; i++) {
        ready[i].key = events[i].data.u64;
        ready[i].what = (events[i].events & EPOLLIN ? CLINUX_READABLE : 0)
            | (events[i].events & (EPOLLHUP | EPOLLERR) ? CLINUX_CLOSED : 0);
    }
    return count;
}

// Trees of mounts

int clinux_mount_clone(int directory, const char *path, int is_recursive) {
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_NO_AUTOMOUNT
        | (is_recursive ? AT_RECURSIVE : 0) | (path[0] == '\0' ? AT_EMPTY_PATH : 0);
    return (int)syscall(SYS_open_tree, directory, path, flags);
}

int clinux_mount_attach(int tree, int directory, const char *path) {
    unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | (path[0] == '\0' ? MOVE_MOUNT_T_EMPTY_PATH : 0);
    return (int)syscall(SYS_move_mount, tree, "", directory, path, flags);
}

int clinux_mount_set(int directory, const char *path, unsigned attributes, int is_recursive) {
    struct mount_attr change;
    memset(&change, 0, sizeof change);
    if (attributes & CLINUX_MOUNT_READ_ONLY) change.attr_set |= MOUNT_ATTR_RDONLY;
    if (attributes & CLINUX_MOUNT_NO_SETID) change.attr_set |= MOUNT_ATTR_NOSUID;
    if (attributes & CLINUX_MOUNT_NO_DEVICES) change.attr_set |= MOUNT_ATTR_NODEV;
    if (attributes & CLINUX_MOUNT_PRIVATE) change.propagation = 1 << 18;  // MS_PRIVATE
    unsigned flags = (is_recursive ? AT_RECURSIVE : 0) | (path[0] == '\0' ? AT_EMPTY_PATH : 0);
    return (int)syscall(SYS_mount_setattr, directory, path, flags, &change, sizeof change);
}

int clinux_open_inside(int directory, const char *path, int is_directory) {
    struct open_how how;
    memset(&how, 0, sizeof how);
    // Non-blocking: a FIFO that a task left must not stop the reader.
    how.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (is_directory ? O_DIRECTORY : 0);
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

int clinux_hold(const char *path) { return open(path, O_PATH | O_CLOEXEC); }

int clinux_hold_inside(int directory, const char *path) {
    struct open_how how;
    memset(&how, 0, sizeof how);
    how.flags = O_PATH | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}
