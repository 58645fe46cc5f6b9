#ifndef PIPEROLL_ALLOCATION_COUNTER_H
#define PIPEROLL_ALLOCATION_COUNTER_H

#include <stdint.h>

/// Calls of malloc, calloc, realloc, memalign, aligned_alloc and posix_memalign by all threads of
/// this process since its start. Exact once the other threads are quiet.
uint64_t allocation_counter_allocations(void);

/// Calls of free with a pointer that is not null, by all threads, since the start of the process.
uint64_t allocation_counter_frees(void);

#endif
