#define _GNU_SOURCE
#include "CPlatform.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int piperoll_futex_wait(const uint32_t *word, uint32_t expected, int64_t nanoseconds, bool shared) {
  struct timespec limit = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
  int operation = shared ? FUTEX_WAIT : FUTEX_WAIT_PRIVATE;
  long result = syscall(SYS_futex, word, operation, expected, nanoseconds < 0 ? NULL : &limit);
  return result < 0 ? errno : 0;
}

int piperoll_futex_wake(uint32_t *word, int count, bool shared) {
  return (int)syscall(SYS_futex, word, shared ? FUTEX_WAKE : FUTEX_WAKE_PRIVATE, count);
}
