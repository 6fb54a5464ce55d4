#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PROPAGATION_PRIVATE = 1 << 18, AT_WHOLE_TREE = 0x8000 };

int clinux_bind_isolated(const char *source, const char *target, int read_only) {
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0) return -1;
    struct mount_attr attributes = {
        .attr_set = read_only ? MOUNT_ATTR_RDONLY : 0,
        .propagation = PROPAGATION_PRIVATE,
    };
    int flags = AT_EMPTY_PATH | AT_WHOLE_TREE;
    long result =
        syscall(SYS_mount_setattr, tree, "", flags, &attributes, sizeof attributes);
    if (result == 0) {
        result =
            syscall(SYS_move_mount, tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH);
    }
    int error = errno;
    close(tree);
    errno = error;
    return (int)result;
}
