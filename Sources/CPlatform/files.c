#define _GNU_SOURCE
#include "CPlatform.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

int piperoll_openat(int directory, const char *name, int flags, unsigned mode) {
  return openat(directory, name, flags, (mode_t)mode);
}

int piperoll_duplicate_above_2(int descriptor) {
  return fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
}

int piperoll_lock_exclusively(int descriptor) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0};
  return fcntl(descriptor, F_OFD_SETLK, &lock);
}

int piperoll_lock_shared(int descriptor) {
  struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0};
  return fcntl(descriptor, F_OFD_SETLK, &lock);
}

int piperoll_unlock(int descriptor) {
  struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0};
  return fcntl(descriptor, F_OFD_SETLK, &lock);
}

ssize_t piperoll_write_durably(int descriptor, const void *bytes, size_t count, off_t position) {
  struct iovec part = {.iov_base = (void *)bytes, .iov_len = count};
  return pwritev2(descriptor, &part, 1, position, RWF_DSYNC);
}

int piperoll_allocate(int descriptor, off_t position, off_t count) {
  return fallocate(descriptor, 0, position, count);
}

int piperoll_punch_hole(int descriptor, off_t position, off_t count) {
  return fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, position, count);
}

void *piperoll_map(int descriptor, size_t count, bool writable) {
  int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  void *start = mmap(NULL, count, protection, MAP_SHARED, descriptor, 0);
  return start == MAP_FAILED ? NULL : start;
}

int piperoll_populate_write(void *start, size_t count) {
#ifdef MADV_POPULATE_WRITE
  return madvise(start, count, MADV_POPULATE_WRITE);
#else
  return madvise(start, count, 23); /* the number since Linux 5.14, for older headers */
#endif
}

int piperoll_file_system_type(int descriptor, uint64_t *type) {
  struct statfs status;
  int result = fstatfs(descriptor, &status);
  if (result == 0) *type = (uint64_t)status.f_type;
  return result;
}

void piperoll_ignore_file_size_signal(void) {
  struct sigaction current;
  if (sigaction(SIGXFSZ, NULL, &current) != 0) return;
  if ((current.sa_flags & SA_SIGINFO) != 0 || current.sa_handler != SIG_DFL) return;
  struct sigaction ignored = {.sa_handler = SIG_IGN};
  sigaction(SIGXFSZ, &ignored, NULL);
}
