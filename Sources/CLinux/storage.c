#define _GNU_SOURCE
#include "CLinuxStorage.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <linux/openat2.h>
#include <linux/quota.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#ifndef SYS_quotactl_fd
#define SYS_quotactl_fd 443
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

// Loop devices

int clinux_loop_get_free(int control) { return ioctl(control, LOOP_CTL_GET_FREE); }

int clinux_loop_configure(int loop, int backing, uint32_t block_size, uint32_t flags,
                          const char *name) {
    struct loop_config config;
    memset(&config, 0, sizeof config);
    config.fd = (uint32_t)backing;
    config.block_size = block_size;
    config.info.lo_flags = flags;
    strncpy((char *)config.info.lo_file_name, name, LO_NAME_SIZE - 1);
    return ioctl(loop, LOOP_CONFIGURE, &config);
}

int clinux_loop_status(int loop, struct clinux_loop_status *status) {
    struct loop_info64 info;
    memset(&info, 0, sizeof info);
    if (ioctl(loop, LOOP_GET_STATUS64, &info) < 0) return -1;
    status->device = info.lo_device;
    status->inode = info.lo_inode;
    status->flags = info.lo_flags;
    return 0;
}

int clinux_loop_set_capacity(int loop) { return ioctl(loop, LOOP_SET_CAPACITY, 0); }

int clinux_loop_clear(int loop) { return ioctl(loop, LOOP_CLR_FD, 0); }

// Project ids and inode flags

int clinux_project_get(int fd, struct clinux_project *project) {
    struct fsxattr attributes;
    if (ioctl(fd, FS_IOC_FSGETXATTR, &attributes) < 0) return -1;
    project->id = attributes.fsx_projid;
    project->inherits = (attributes.fsx_xflags & FS_XFLAG_PROJINHERIT) != 0;
    return 0;
}

int clinux_project_set(int fd, const struct clinux_project *project) {
    struct fsxattr attributes;
    if (ioctl(fd, FS_IOC_FSGETXATTR, &attributes) < 0) return -1;
    attributes.fsx_projid = project->id;
    if (project->inherits)
        attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
    else
        attributes.fsx_xflags &= ~FS_XFLAG_PROJINHERIT;
    return ioctl(fd, FS_IOC_FSSETXATTR, &attributes);
}

int clinux_clear_immutable(int fd) {
    int flags = 0;
    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0) return -1;
    flags &= ~(FS_IMMUTABLE_FL | FS_APPEND_FL);
    return ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

// Project quota

static int project_quotactl(int fd, const char *device, int command, uint32_t id, void *block) {
    int result = (int)syscall(SYS_quotactl_fd, fd, QCMD(command, PRJQUOTA), id, block);
    if (result == 0 || errno != ENOSYS) return result;
    return (int)syscall(SYS_quotactl, QCMD(command, PRJQUOTA), device, id, block);
}

int clinux_project_quota_get(int fd, const char *device, uint32_t id, struct clinux_quota *quota) {
    struct if_dqblk block;
    memset(&block, 0, sizeof block);
    memset(quota, 0, sizeof *quota);
    if (project_quotactl(fd, device, Q_GETQUOTA, id, &block) < 0)
        return errno == ENOENT ? 0 : -1;  // XFS has no record yet: nothing used, no limit
    quota->limit_bytes = block.dqb_bhardlimit * QIF_DQBLKSIZE;
    quota->used_bytes = block.dqb_curspace;
    quota->used_inodes = block.dqb_curinodes;
    quota->limit_inodes = block.dqb_ihardlimit;
    return 0;
}

int clinux_project_quota_set(int fd, const char *device, uint32_t id, uint64_t limit_bytes) {
    struct if_dqblk block;
    memset(&block, 0, sizeof block);
    block.dqb_bhardlimit = (limit_bytes + QIF_DQBLKSIZE - 1) / QIF_DQBLKSIZE;
    block.dqb_bsoftlimit = block.dqb_bhardlimit;
    block.dqb_valid = QIF_BLIMITS;
    return project_quotactl(fd, device, Q_SETQUOTA, id, &block);
}

int clinux_project_quota_set_inodes(int fd, const char *device, uint32_t id, uint64_t limit) {
    struct if_dqblk block;
    memset(&block, 0, sizeof block);
    block.dqb_ihardlimit = limit;
    block.dqb_isoftlimit = limit;
    block.dqb_valid = QIF_ILIMITS;
    return project_quotactl(fd, device, Q_SETQUOTA, id, &block);
}

int clinux_project_quota_next(int fd, const char *device, uint32_t *id, struct clinux_quota *quota) {
    struct if_nextdqblk block;
    memset(&block, 0, sizeof block);
    if (project_quotactl(fd, device, Q_GETNEXTQUOTA, *id, &block) < 0) return -1;
    *id = block.dqb_id;
    quota->limit_bytes = block.dqb_bhardlimit * QIF_DQBLKSIZE;
    quota->used_bytes = block.dqb_curspace;
    quota->used_inodes = block.dqb_curinodes;
    quota->limit_inodes = block.dqb_ihardlimit;
    return 0;
}

// btrfs

int clinux_btrfs_uuid(int fd, uint8_t uuid[16]) {
    struct btrfs_ioctl_fs_info_args arguments;
    memset(&arguments, 0, sizeof arguments);
    if (ioctl(fd, BTRFS_IOC_FS_INFO, &arguments) < 0) return -1;
    memcpy(uuid, arguments.fsid, 16);
    return 0;
}

int clinux_btrfs_enable_simple_quota(int fd) {
    struct btrfs_ioctl_quota_ctl_args arguments;
    memset(&arguments, 0, sizeof arguments);
    arguments.cmd = 4;  // BTRFS_QUOTA_CTL_ENABLE_SIMPLE_QUOTA, newer than Debian 12's header
    return ioctl(fd, BTRFS_IOC_QUOTA_CTL, &arguments);
}

int clinux_btrfs_subvolume_create(int directory, const char *name, uint64_t qgroup) {
    union {
        struct btrfs_qgroup_inherit inherit;
        uint64_t words[sizeof(struct btrfs_qgroup_inherit) / 8 + 1];
    } space;
    memset(&space, 0, sizeof space);
    space.inherit.num_qgroups = 1;
    space.words[sizeof(struct btrfs_qgroup_inherit) / 8] = qgroup;
    struct btrfs_ioctl_vol_args_v2 arguments;
    memset(&arguments, 0, sizeof arguments);
    arguments.flags = BTRFS_SUBVOL_QGROUP_INHERIT;
    arguments.size = sizeof space;
    arguments.qgroup_inherit = &space.inherit;
    if (strlen(name) > BTRFS_SUBVOL_NAME_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(arguments.name, name);
    return ioctl(directory, BTRFS_IOC_SUBVOL_CREATE_V2, &arguments);
}

int clinux_btrfs_subvolume_id(int fd, uint64_t *id) {
    struct btrfs_ioctl_ino_lookup_args arguments;
    memset(&arguments, 0, sizeof arguments);
    arguments.objectid = BTRFS_FIRST_FREE_OBJECTID;
    if (ioctl(fd, BTRFS_IOC_INO_LOOKUP, &arguments) < 0) return -1;
    *id = arguments.treeid;
    return 0;
}

int clinux_btrfs_children(int fd, uint64_t parent, uint64_t *ids, int capacity) {
    struct btrfs_ioctl_search_args arguments;
    memset(&arguments, 0, sizeof arguments);
    arguments.key.tree_id = BTRFS_ROOT_TREE_OBJECTID;
    arguments.key.min_objectid = arguments.key.max_objectid = parent;
    arguments.key.min_type = arguments.key.max_type = BTRFS_ROOT_REF_KEY;
    arguments.key.max_offset = UINT64_MAX;
    arguments.key.max_transid = UINT64_MAX;
    arguments.key.nr_items = (uint32_t)capacity;
    if (ioctl(fd, BTRFS_IOC_TREE_SEARCH, &arguments) < 0) return -1;
    int count = 0;
    size_t position = 0;
    for (uint32_t item = 0; item < arguments.key.nr_items && count < capacity; item++) {
        struct btrfs_ioctl_search_header header;
        if (position + sizeof header > sizeof arguments.buf) break;
        memcpy(&header, arguments.buf + position, sizeof header);
        position += sizeof header + header.len;
        if (header.type == BTRFS_ROOT_REF_KEY) ids[count++] = header.offset;
    }
    return count;
}

int clinux_btrfs_subvolume_destroy(int fd, uint64_t id) {
    struct btrfs_ioctl_vol_args_v2 arguments;
    memset(&arguments, 0, sizeof arguments);
    arguments.flags = BTRFS_SUBVOL_SPEC_BY_ID;
    arguments.subvolid = id;
    return ioctl(fd, BTRFS_IOC_SNAP_DESTROY_V2, &arguments);
}

int clinux_btrfs_sync(int fd) { return ioctl(fd, BTRFS_IOC_SYNC); }

static int qgroup_create(int fd, uint64_t qgroup, uint64_t create) {
    struct btrfs_ioctl_qgroup_create_args arguments = {.create = create, .qgroupid = qgroup};
    return ioctl(fd, BTRFS_IOC_QGROUP_CREATE, &arguments);
}

int clinux_btrfs_qgroup_create(int fd, uint64_t qgroup) { return qgroup_create(fd, qgroup, 1); }

int clinux_btrfs_qgroup_destroy(int fd, uint64_t qgroup) { return qgroup_create(fd, qgroup, 0); }

int clinux_btrfs_qgroup_limit(int fd, uint64_t qgroup, uint64_t bytes) {
    struct btrfs_ioctl_qgroup_limit_args arguments;
    memset(&arguments, 0, sizeof arguments);
    arguments.qgroupid = qgroup;
    arguments.lim.flags = BTRFS_QGROUP_LIMIT_MAX_RFER;
    arguments.lim.max_rfer = bytes;
    return ioctl(fd, BTRFS_IOC_QGROUP_LIMIT, &arguments);
}

// Growth: the XFS and ext4 calls stand in no exported header; layouts from xfs_fs.h and ext4.h

struct xfs_geometry_v1 {
    uint32_t blocksize, rtextsize, agblocks, agcount, logblocks, sectsize, inodesize, imaxpct;
    uint64_t datablocks, rtblocks, rtextents, logstart;
    uint8_t uuid[16];
    uint32_t sunit, swidth;
    int32_t version;
    uint32_t flags, logsectsize, rtsectsize, dirblocksize;
};

struct xfs_growth {
    uint64_t blocks;
    uint32_t imaxpct;
};

int clinux_xfs_grow(int fd, uint64_t device_bytes) {
    struct xfs_geometry_v1 geometry;
    memset(&geometry, 0, sizeof geometry);
    if (ioctl(fd, _IOR('X', 100, struct xfs_geometry_v1), &geometry) < 0) return -1;
    if (geometry.blocksize == 0) {
        errno = EIO;
        return -1;
    }
    struct xfs_growth growth = {device_bytes / geometry.blocksize, geometry.imaxpct};
    if (growth.blocks == geometry.datablocks) return 0;
    return ioctl(fd, _IOW('X', 110, struct xfs_growth), &growth);
}

int clinux_ext4_grow(int fd, uint64_t device_bytes, uint32_t block_size) {
    uint64_t blocks = device_bytes / block_size;
    return ioctl(fd, _IOW('f', 16, uint64_t), &blocks);
}

// Files

int clinux_prove_unopened(int fd) {
    // Whoever opens the file between the two calls breaks the lease: its signal must be one that
    // is ignored by default, for SIGIO would end this process.
    if (fcntl(fd, F_SETSIG, SIGURG) < 0) return -1;
    if (fcntl(fd, F_SETLEASE, F_WRLCK) < 0) return -1;
    return fcntl(fd, F_SETLEASE, F_UNLCK);
}

int clinux_allocate(int fd, int64_t bytes) { return fallocate(fd, 0, 0, bytes); }

int clinux_punch(int fd, int64_t offset, int64_t bytes) {
    return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, bytes);
}

int clinux_statfs(const char *path, struct clinux_statfs *result) {
    struct statfs raw;
    if (statfs(path, &raw) < 0) return -1;
    result->block_bytes = (uint64_t)(raw.f_frsize > 0 ? raw.f_frsize : raw.f_bsize);
    result->blocks = raw.f_blocks;
    result->free_blocks = raw.f_bfree;
    result->available_blocks = raw.f_bavail;
    result->inodes = raw.f_files;
    result->free_inodes = raw.f_ffree;
    result->kind = (uint32_t)raw.f_type;
    return 0;
}

int clinux_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int clinux_rename_exclusive(int from, const char *name, int to, const char *new_name) {
    return renameat2(from, name, to, new_name, RENAME_NOREPLACE);
}

int clinux_open_beneath(int directory, const char *name) {
    struct open_how how;
    memset(&how, 0, sizeof how);
    how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS;
    return (int)syscall(SYS_openat2, directory, name, &how, sizeof how);
}

int clinux_idle_disk_priority(void) {
    const int process = 1, idle_class = 3, class_shift = 13;  // of linux/ioprio.h
    return (int)syscall(SYS_ioprio_set, process, 0, idle_class << class_shift);
}

int clinux_memfd(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

int clinux_pidfd_open(int pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

unsigned clinux_major(uint64_t device) { return major(device); }
unsigned clinux_minor(uint64_t device) { return minor(device); }
uint64_t clinux_makedev(unsigned high, unsigned low) { return makedev(high, low); }
