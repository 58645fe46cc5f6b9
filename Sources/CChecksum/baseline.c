#define XXH_INLINE_ALL
#include <xxhash.h>
#include <string.h>
#include "CChecksum.h"
#include "flip_search.h"

#if defined(__x86_64__)
uint64_t piperoll_xxh3_avx2_kernel(const void *bytes, size_t count);
uint64_t piperoll_xxh3_avx512_kernel(const void *bytes, size_t count);
int64_t piperoll_xxh3_find_flip_avx2(uint8_t *bytes, size_t count, uint64_t wanted, size_t first, size_t end,
                                     uint64_t *memory);
static int has_avx2(void) { return __builtin_cpu_supports("avx2"); }
static int has_avx512(void) { return __builtin_cpu_supports("avx512f"); }
#else
static int has_avx2(void) { return 0; }
static int has_avx512(void) { return 0; }
#define piperoll_xxh3_avx2_kernel piperoll_xxh3_baseline
#define piperoll_xxh3_find_flip_avx2 flip_search
#define piperoll_xxh3_avx512_kernel piperoll_xxh3_baseline
#endif

uint64_t piperoll_xxh3_baseline(const void *bytes, size_t count) { return XXH3_64bits(bytes, count); }

uint64_t piperoll_xxh3_avx2(const void *bytes, size_t count) {
  return has_avx2() ? piperoll_xxh3_avx2_kernel(bytes, count) : piperoll_xxh3_baseline(bytes, count);
}

uint64_t piperoll_xxh3_avx512(const void *bytes, size_t count) {
  return has_avx512() ? piperoll_xxh3_avx512_kernel(bytes, count)
                      : piperoll_xxh3_baseline(bytes, count);
}

typedef uint64_t (*kernel)(const void *, size_t);
static kernel chosen_kernel;
static const char *chosen_name = "baseline";

__attribute__((constructor)) static void choose(void) {
  chosen_kernel = piperoll_xxh3_baseline;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (has_avx2()) { chosen_kernel = piperoll_xxh3_avx2_kernel; chosen_name = "avx2"; }
  if (has_avx512()) { chosen_kernel = piperoll_xxh3_avx512_kernel; chosen_name = "avx512"; }
#endif
}

uint64_t piperoll_xxh3_long(const void *bytes, size_t count) {
  return chosen_kernel ? chosen_kernel(bytes, count) : piperoll_xxh3_baseline(bytes, count);
}

const char *piperoll_xxh3_variant(void) { return chosen_name; }

int64_t piperoll_xxh3_find_flip_baseline(uint8_t *bytes, size_t count, uint64_t wanted, size_t first,
                                         size_t end, uint64_t *memory) {
  return flip_search(bytes, count, wanted, first, end, memory);
}

int64_t piperoll_xxh3_find_flip(uint8_t *bytes, size_t count, uint64_t wanted, size_t first, size_t end,
                                uint64_t *memory) {
  return has_avx2() ? piperoll_xxh3_find_flip_avx2(bytes, count, wanted, first, end, memory)
                    : flip_search(bytes, count, wanted, first, end, memory);
}
