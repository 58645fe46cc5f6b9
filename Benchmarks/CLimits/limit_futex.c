#include "limit_futex.h"

#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct limit_futex {
  _Atomic uint32_t word;
};

limit_futex *limit_futex_create(void) {
  void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? NULL : memory;
}

// Not the private variants: readers of a log may live in other processes.
void limit_futex_publish(limit_futex *futex, uint32_t value) {
  atomic_store_explicit(&futex->word, value, memory_order_release);
  syscall(SYS_futex, &futex->word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void limit_futex_wait(limit_futex *futex, uint32_t value) {
  for (;;) {
    uint32_t seen = atomic_load_explicit(&futex->word, memory_order_acquire);
    if ((int32_t)(seen - value) >= 0) return;
    syscall(SYS_futex, &futex->word, FUTEX_WAIT, seen, NULL, NULL, 0);
  }
}

void limit_futex_destroy(limit_futex *futex) { munmap(futex, 4096); }
