// Waiting for processes that are not this one's children.
#pragma once
#include <stdint.h>

int clinux_pidfd_signal(int pidfd, int signal);

// epoll with one 64-bit word a descriptor; the event asked for is "readable or hung up".
int clinux_epoll_create(void);
int clinux_epoll_add(int epoll, int fd, uint64_t word);
int clinux_epoll_remove(int epoll, int fd);
// Waits without limit; fills up to `capacity` words and returns how many.
int clinux_epoll_wait(int epoll, uint64_t *words, int capacity);
// Write to wake, read to clear.
int clinux_eventfd(void);
