// Counts heap calls by taking the place of the C library's entry points in this executable.
// The memory still comes from the C library, so mixing with code that was bound early is safe.

#include "allocation_counter.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *pointer, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *pointer);

// Every thread has a line of its own, so counting costs no shared write. Threads past the last
// private line share it and pay for an atomic addition; the sum stays exact either way.
enum { line_count = 512, unassigned = -1 };

typedef struct {
  _Alignas(64) atomic_uint_least64_t allocations;
  atomic_uint_least64_t frees;
} counter_line;

static counter_line lines[line_count];
static atomic_int next_line;
static _Thread_local int own_line __attribute__((tls_model("initial-exec"))) = unassigned;

static int assign_line(void) {
  int line = atomic_fetch_add_explicit(&next_line, 1, memory_order_relaxed);
  if (line >= line_count) line = line_count - 1;
  own_line = line;
  return line;
}

static inline void increment(atomic_uint_least64_t *counter, int line) {
  if (__builtin_expect(line == line_count - 1, 0)) {
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
  } else {
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + 1, memory_order_relaxed);
  }
}

static inline void count_allocation(void) {
  int line = own_line;
  if (__builtin_expect(line == unassigned, 0)) line = assign_line();
  increment(&lines[line].allocations, line);
}

static inline void count_free(void) {
  int line = own_line;
  if (__builtin_expect(line == unassigned, 0)) line = assign_line();
  increment(&lines[line].frees, line);
}

void *malloc(size_t size) {
  count_allocation();
  return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  count_allocation();
  return __libc_calloc(count, size);
}

void *realloc(void *pointer, size_t size) {
  count_allocation();
  return __libc_realloc(pointer, size);
}

void free(void *pointer) {
  if (pointer == NULL) return;
  count_free();
  __libc_free(pointer);
}

void *memalign(size_t alignment, size_t size) {
  count_allocation();
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  count_allocation();
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
  if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0) return EINVAL;
  count_allocation();
  int saved = errno;
  void *pointer = __libc_memalign(alignment, size);
  errno = saved;
  if (pointer == NULL) return ENOMEM;
  *result = pointer;
  return 0;
}

uint64_t allocation_counter_allocations(void) {
  uint64_t sum = 0;
  for (int line = 0; line < line_count; line++) {
    sum += atomic_load_explicit(&lines[line].allocations, memory_order_relaxed);
  }
  return sum;
}

uint64_t allocation_counter_frees(void) {
  uint64_t sum = 0;
  for (int line = 0; line < line_count; line++) {
    sum += atomic_load_explicit(&lines[line].frees, memory_order_relaxed);
  }
  return sum;
}
