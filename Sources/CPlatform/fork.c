#define _GNU_SOURCE
#include "CPlatform.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

uint64_t piperoll_fork_counter = 0;

/* One bit per descriptor number, so that the child's handler needs neither lock nor memory. */
enum { descriptor_limit = 1 << 20 };
static _Atomic uint64_t registered[descriptor_limit / 64];
static _Atomic int used_word_count = 0;

/* An O_PATH descriptor: every transfer on a copy of it fails with EBADF. -1 until it is needed. */
static _Atomic int inert = -1;

/* Read: descriptors change. Write: fork. */
static pthread_rwlock_t gate = PTHREAD_RWLOCK_INITIALIZER;

void piperoll_fork_hold_off(void) { pthread_rwlock_rdlock(&gate); }

void piperoll_fork_let_go(void) { pthread_rwlock_unlock(&gate); }

static void open_inert(void) {
  if (atomic_load(&inert) >= 0) return;
  int low = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (low < 0) return;
  int high = fcntl(low, F_DUPFD_CLOEXEC, 3);
  close(low);
  int none = -1;
  if (high >= 0 && !atomic_compare_exchange_strong(&inert, &none, high)) close(high);
}

bool piperoll_fork_register(int descriptor) {
  if (descriptor < 0 || descriptor >= descriptor_limit) return false;
  open_inert();
  int word = descriptor / 64;
  atomic_fetch_or(&registered[word], UINT64_C(1) << (descriptor % 64));
  int count = atomic_load(&used_word_count);
  while (count <= word && !atomic_compare_exchange_weak(&used_word_count, &count, word + 1)) {}
  return true;
}

void piperoll_fork_close(int descriptor) {
  uint64_t bit = UINT64_C(1) << (descriptor % 64);
  bool in_table = descriptor >= 0 && descriptor < descriptor_limit;
  if (!in_table || (atomic_load(&registered[descriptor / 64]) & bit) == 0) {
    close(descriptor);
    return;
  }
  /* A child must see it registered or closed; between the two it would inherit its lock. */
  piperoll_fork_hold_off();
  atomic_fetch_and(&registered[descriptor / 64], ~bit);
  close(descriptor);
  piperoll_fork_let_go();
}

static void before_fork(void) { pthread_rwlock_wrlock(&gate); }

static void in_parent(void) { pthread_rwlock_unlock(&gate); }

/* Runs in the child before fork returns. Calls nothing that is not async-signal-safe. */
static void in_child(void) {
  /* Not unlocked: the thread has another number here than the one that locked it. */
  gate = (pthread_rwlock_t)PTHREAD_RWLOCK_INITIALIZER;
  __atomic_add_fetch(&piperoll_fork_counter, 1, __ATOMIC_RELAXED);
  int replacement = atomic_load(&inert);
  int count = atomic_load(&used_word_count);
  for (int word = 0; word < count; word++) {
    uint64_t bits = atomic_exchange(&registered[word], 0);
    for (; bits != 0; bits &= bits - 1) {
      int descriptor = word * 64 + __builtin_ctzll(bits);
      /* Either call drops the child's share of the open file, and with it the share of its lock. */
      if (replacement < 0 || dup3(replacement, descriptor, O_CLOEXEC) < 0) close(descriptor);
    }
  }
}

__attribute__((constructor)) static void install(void) {
  pthread_atfork(before_fork, in_parent, in_child);
}
