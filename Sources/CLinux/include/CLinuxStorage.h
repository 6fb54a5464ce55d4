// Storage calls of the kernel that are ioctls, variadic, or absent from glibc's Swift module.
// Each returns -1 and sets errno on failure, unless it says otherwise. The kernel's own headers are
// included in storage.c only: in a module they would collide with glibc's.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Loop devices. LOOP_CTL_GET_FREE returns a number; flags: CLINUX_LOOP_*.
#define CLINUX_LOOP_AUTOCLEAR 4
#define CLINUX_LOOP_DIRECT_IO 16
struct clinux_loop_status {
    uint64_t device;  // st_dev of the backing file, as the kernel encodes it
    uint64_t inode;
    uint32_t flags;
};
int clinux_loop_get_free(int control);
int clinux_loop_configure(int loop, int backing, uint32_t block_size, uint32_t flags,
                          const char *name);
int clinux_loop_status(int loop, struct clinux_loop_status *status);
int clinux_loop_set_capacity(int loop);
int clinux_loop_clear(int loop);

// Project ids and inode flags (struct fsxattr, FS_IOC_SETFLAGS).
struct clinux_project {
    uint32_t id;
    int inherits;  // FS_XFLAG_PROJINHERIT: what is made inside belongs to the same project
};
int clinux_project_get(int fd, struct clinux_project *project);
int clinux_project_set(int fd, const struct clinux_project *project);
int clinux_clear_immutable(int fd);

// Project quota through any open file of the file system; `device` serves kernels before 5.14.
struct clinux_quota {
    uint64_t limit_bytes;  // rounded up to 1,024; 0: none
    uint64_t used_bytes;
    uint64_t used_inodes;
    uint64_t limit_inodes;  // 0: none
};
int clinux_project_quota_get(int fd, const char *device, uint32_t id, struct clinux_quota *quota);
int clinux_project_quota_set(int fd, const char *device, uint32_t id, uint64_t limit_bytes);
// The inode limit alone; 0: none.
int clinux_project_quota_set_inodes(int fd, const char *device, uint32_t id, uint64_t limit);
// The first project from `id` on that has a record, into `id`; ENOENT: there is none.
int clinux_project_quota_next(int fd, const char *device, uint32_t *id, struct clinux_quota *quota);

// btrfs. A qgroup id is level << 48 | number.
int clinux_btrfs_uuid(int fd, uint8_t uuid[16]);
int clinux_btrfs_enable_simple_quota(int fd);
int clinux_btrfs_subvolume_create(int directory, const char *name, uint64_t qgroup);
int clinux_btrfs_subvolume_id(int fd, uint64_t *id);
// Up to `capacity` ids of the subvolumes directly below `parent`; returns how many.
int clinux_btrfs_children(int fd, uint64_t parent, uint64_t *ids, int capacity);
int clinux_btrfs_subvolume_destroy(int fd, uint64_t id);
// Commits, and wakes the thread that cleans deleted subvolumes away.
int clinux_btrfs_sync(int fd);
int clinux_btrfs_qgroup_create(int fd, uint64_t qgroup);
int clinux_btrfs_qgroup_destroy(int fd, uint64_t qgroup);
int clinux_btrfs_qgroup_limit(int fd, uint64_t qgroup, uint64_t bytes);

// Growth of a mounted file system to its device's size; `fd` is its root.
int clinux_xfs_grow(int fd, uint64_t device_bytes);
int clinux_ext4_grow(int fd, uint64_t device_bytes, uint32_t block_size);

// A write lease is granted only while no one else has the file open: taken and given back at once.
int clinux_prove_unopened(int fd);

// Reserves space and sets the length, as fallocate with mode 0.
int clinux_allocate(int fd, int64_t bytes);

// Gives the space of a part of a file back; the file is as long as before and reads zeros there.
int clinux_punch(int fd, int64_t offset, int64_t bytes);
struct clinux_statfs {
    uint64_t block_bytes;
    uint64_t blocks, free_blocks, available_blocks;
    uint64_t inodes, free_inodes;
    uint32_t kind;  // the magic number
};
int clinux_statfs(const char *path, struct clinux_statfs *result);
int clinux_pipe(int ends[2]);
int clinux_rename_exclusive(int from, const char *name, int to, const char *new_name);
// Opens a directory below `directory`, never through a symbolic link or into another mount.
int clinux_open_beneath(int directory, const char *name);
// The calling thread does its disk work only when nobody else has any.
int clinux_idle_disk_priority(void);
int clinux_memfd(const char *name);
int clinux_pidfd_open(int pid);
unsigned clinux_major(uint64_t device);
unsigned clinux_minor(uint64_t device);
uint64_t clinux_makedev(unsigned major, unsigned minor);
