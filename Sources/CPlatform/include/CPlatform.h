/* What Swift cannot import from Linux and glibc (variadic calls, macros, signal handlers, atfork),
   and the two pieces that must be async-signal-safe: the SIGBUS guard and the fork handler.
   Unless said otherwise a function answers like a system call: -1 and errno on failure. */
#ifndef PIPEROLL_CPLATFORM_H
#define PIPEROLL_CPLATFORM_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#pragma clang assume_nonnull begin

/* ---- files.c ---- */

/* openat with a mode; the flags are the caller's. */
int piperoll_openat(int directory, const char *name, int flags, unsigned mode);
/* A duplicate of a descriptor above 2, close-on-exec. */
int piperoll_duplicate_above_2(int descriptor);
/* Exclusive open-file-description lock of the whole file, not waiting. */
int piperoll_lock_exclusively(int descriptor);
/* The same, shared. */
int piperoll_lock_shared(int descriptor);
/* Gives up such a lock, for all duplicates of the descriptor. */
int piperoll_unlock(int descriptor);
/* pwritev2 of one buffer with RWF_DSYNC. */
ssize_t piperoll_write_durably(int descriptor, const void *bytes, size_t count, off_t position);
/* fallocate with mode 0 (never glibc's emulation). */
int piperoll_allocate(int descriptor, off_t position, off_t count);
/* fallocate that gives blocks back and keeps the size. */
int piperoll_punch_hole(int descriptor, off_t position, off_t count);
/* Shared mapping of [0, count); NULL and errno on failure. */
void *_Nullable piperoll_map(int descriptor, size_t count, bool writable);
/* MADV_POPULATE_WRITE; EINVAL before Linux 5.14. */
int piperoll_populate_write(void *start, size_t count);
/* f_type of fstatfs in `type`. */
int piperoll_file_system_type(int descriptor, uint64_t *type);
/* Ignores SIGXFSZ if its disposition is the default one, so that a write over RLIMIT_FSIZE fails
   with EFBIG instead of killing the process. */
void piperoll_ignore_file_size_signal(void);

/* ---- futex.c ---- */

/* Sleeps while *word == expected, for at most `nanoseconds` (negative: without limit). Answers 0,
   or the error number: EAGAIN (another value), ETIMEDOUT, EINTR. */
int piperoll_futex_wait(const uint32_t *word, uint32_t expected, int64_t nanoseconds, bool shared);
/* Wakes up to `count` sleepers; answers how many. */
int piperoll_futex_wake(uint32_t *word, int count, bool shared);

/* ---- thread.c ---- */

/* Starts a joinable thread that runs body(context), named by the first 15 bytes of `name`, with all
   signals blocked that are not raised by its own instructions. Answers 0 or the error number. */
int piperoll_thread_start(pthread_t *thread, const char *name, size_t stack_byte_count,
                          void (*body)(void *context), void *context);

/* ---- fork.c ---- */

extern uint64_t piperoll_fork_counter;

/* Number of forks between the process that loaded this code and the calling one. */
static inline uint64_t piperoll_fork_generation(void) {
  return __atomic_load_n(&piperoll_fork_counter, __ATOMIC_RELAXED);
}

/* Descriptors a forked child must not share. In a child each is replaced by one that refuses every
   transfer with EBADF, so that its number is not reused behind the back of its owner. False: the
   number is beyond the table (2^20). */
bool piperoll_fork_register(int descriptor);
/* Closes a descriptor, registered or not. */
void piperoll_fork_close(int descriptor);
/* No fork happens between these two: a descriptor opened for writing is registered before a child
   can inherit it. Any number of threads may hold it off at a time. */
void piperoll_fork_hold_off(void);
void piperoll_fork_let_go(void);

/* ---- guard.c ---- */

/* Installs the SIGBUS handler, once per process; the previous one is called for every fault outside
   the registered ranges. */
int piperoll_guard_install(void);
/* Registers [start, start + count) and answers its slot, or -1 when the table is full. */
int32_t piperoll_guard_register(const void *start, size_t count, bool writable);
void piperoll_guard_unregister(int32_t slot);
/* Faults met in the range of a slot since it was registered. */
uint64_t piperoll_guard_hits(int32_t slot);

/* ---- inline ---- */

/* A hint that this is a spin loop. */
static inline void piperoll_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("isb" ::: "memory");
#else
  __asm__ __volatile__("" ::: "memory");
#endif
}

#pragma clang assume_nonnull end
#endif
