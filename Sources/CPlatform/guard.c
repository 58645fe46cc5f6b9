/* The SIGBUS guard. A load from a mapped page that the file no longer has (cut by another process,
   unreadable on the device) raises SIGBUS. Inside a registered range the handler counts the fault,
   puts a page of zeros in its place and returns; the owner of the range compares the count before
   it believes what it read. Everywhere else the handler installed before decides. */
#define _GNU_SOURCE
#include "CPlatform.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { slots_per_chunk = 256, chunk_limit = 4096 };

struct slot {
  _Atomic uint64_t version; /* odd while the range changes */
  _Atomic uintptr_t start, end;
  _Atomic bool writable;
  _Atomic bool taken;
  _Atomic uint64_t hits;
};

/* Chunks are filled from the front and never freed, so the handler may walk them at any time. */
static _Atomic(struct slot *) chunks[chunk_limit];
static struct sigaction previous;
static uintptr_t page_size;

struct range {
  uintptr_t start, end;
  bool writable;
};

/* Reads a slot without waiting; false while its owner changes it (then nobody may touch it yet). */
static bool read_range(struct slot *slot, struct range *range) {
  uint64_t version = atomic_load_explicit(&slot->version, memory_order_acquire);
  range->start = atomic_load_explicit(&slot->start, memory_order_relaxed);
  range->end = atomic_load_explicit(&slot->end, memory_order_relaxed);
  range->writable = atomic_load_explicit(&slot->writable, memory_order_relaxed);
  atomic_thread_fence(memory_order_acquire);
  return version % 2 == 0
         && version == atomic_load_explicit(&slot->version, memory_order_relaxed);
}

static void write_range(struct slot *slot, struct range range) {
  atomic_fetch_add_explicit(&slot->version, 1, memory_order_acq_rel);
  atomic_thread_fence(memory_order_release);
  atomic_store_explicit(&slot->start, range.start, memory_order_relaxed);
  atomic_store_explicit(&slot->end, range.end, memory_order_relaxed);
  atomic_store_explicit(&slot->writable, range.writable, memory_order_relaxed);
  atomic_fetch_add_explicit(&slot->version, 1, memory_order_release);
}

static struct slot *slot_covering(uintptr_t address, struct range *range) {
  for (size_t index = 0; index < chunk_limit; index++) {
    struct slot *chunk = atomic_load_explicit(&chunks[index], memory_order_acquire);
    if (chunk == NULL) return NULL;
    for (size_t place = 0; place < slots_per_chunk; place++) {
      struct slot *slot = &chunk[place];
      if (read_range(slot, range) && range->start <= address && address < range->end) return slot;
    }
  }
  return NULL;
}

static bool map_zeros(uintptr_t start, uintptr_t end, bool writable) {
  int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  return mmap((void *)start, end - start, protection, flags, -1, 0) != MAP_FAILED;
}

static bool replace_page(uintptr_t address) {
  struct range range;
  struct slot *slot = slot_covering(address, &range);
  if (slot == NULL) return false;
  /* Counted first: whoever can read the zeros can also read the count. */
  atomic_fetch_add_explicit(&slot->hits, 1, memory_order_seq_cst);
  uintptr_t page = address & ~(page_size - 1);
  if (map_zeros(page, page + page_size, range.writable)) return true;
  /* Out of mapping entries: one mapping for the whole range needs none. */
  uintptr_t end = (range.end + page_size - 1) & ~(page_size - 1);
  return map_zeros(range.start & ~(page_size - 1), end, range.writable);
}

static void chain(int number, siginfo_t *info, void *context) {
  bool by_instruction = info->si_code > 0;
  if ((previous.sa_flags & SA_SIGINFO) != 0) {
    previous.sa_sigaction(number, info, context);
  } else if (previous.sa_handler == SIG_IGN && !by_instruction) {
    return;
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(number);
  } else {
    /* The default action: the instruction faults again, or the signal sent is sent again. */
    signal(number, SIG_DFL);
    if (!by_instruction) raise(number);
  }
}

static void handle(int number, siginfo_t *info, void *context) {
  int saved = errno;
  /* A misaligned access would fault on any page; it is not ours. */
  bool is_lost_page = info->si_code > 0 && info->si_code != BUS_ADRALN;
  bool replaced = is_lost_page && replace_page((uintptr_t)info->si_addr);
  errno = saved;
  if (!replaced) chain(number, info, context);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int install_error = 0;

static void install(void) {
  page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
  if (sigaction(SIGBUS, NULL, &previous) != 0) {
    install_error = errno;
    return;
  }
  struct sigaction action = {.sa_sigaction = handle, .sa_mask = previous.sa_mask};
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | (previous.sa_flags & SA_NODEFER);
  if (sigaction(SIGBUS, &action, NULL) != 0) install_error = errno;
}

int piperoll_guard_install(void) {
  pthread_once(&once, install);
  if (install_error == 0) return 0;
  errno = install_error;
  return -1;
}

static struct slot *chunk_at(size_t index) {
  struct slot *chunk = atomic_load_explicit(&chunks[index], memory_order_acquire);
  if (chunk != NULL) return chunk;
  struct slot *fresh = calloc(slots_per_chunk, sizeof *fresh);
  if (fresh == NULL) return NULL;
  if (atomic_compare_exchange_strong(&chunks[index], &chunk, fresh)) return fresh;
  free(fresh);
  return chunk;
}

static struct slot *slot_numbered(int32_t number) {
  size_t index = (size_t)number / slots_per_chunk;
  if (number < 0 || index >= chunk_limit) return NULL;
  struct slot *chunk = atomic_load_explicit(&chunks[index], memory_order_acquire);
  return chunk == NULL ? NULL : &chunk[(size_t)number % slots_per_chunk];
}

int32_t piperoll_guard_register(const void *start, size_t count, bool writable) {
  for (size_t index = 0; index < chunk_limit; index++) {
    struct slot *chunk = chunk_at(index);
    if (chunk == NULL) return -1;
    for (size_t place = 0; place < slots_per_chunk; place++) {
      struct slot *slot = &chunk[place];
      bool taken = atomic_load_explicit(&slot->taken, memory_order_relaxed);
      if (taken || !atomic_compare_exchange_strong(&slot->taken, &taken, true)) continue;
      atomic_store(&slot->hits, 0);
      uintptr_t first = (uintptr_t)start;
      write_range(slot, (struct range){first, first + count, writable});
      return (int32_t)(index * slots_per_chunk + place);
    }
  }
  return -1;
}

void piperoll_guard_unregister(int32_t number) {
  struct slot *slot = slot_numbered(number);
  if (slot == NULL) return;
  write_range(slot, (struct range){0, 0, false});
  atomic_store(&slot->taken, false);
}

uint64_t piperoll_guard_hits(int32_t number) {
  struct slot *slot = slot_numbered(number);
  if (slot == NULL) return 0;
  atomic_thread_fence(memory_order_seq_cst);
  return atomic_load(&slot->hits);
}
