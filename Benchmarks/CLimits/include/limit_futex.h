#ifndef PIPEROLL_LIMIT_FUTEX_H
#define PIPEROLL_LIMIT_FUTEX_H

#include <stdint.h>

/// A word two threads or processes meet at.
typedef struct limit_futex limit_futex;

/// Creates a word with the value 0 in a shared mapping; null when there is no memory.
limit_futex *limit_futex_create(void);

/// Stores a value with release ordering and wakes every waiter.
void limit_futex_publish(limit_futex *futex, uint32_t value);

/// Sleeps until the word is at least `value`, and loads it with acquire ordering.
void limit_futex_wait(limit_futex *futex, uint32_t value);

/// Releases the word; nobody may be waiting.
void limit_futex_destroy(limit_futex *futex);

#endif
