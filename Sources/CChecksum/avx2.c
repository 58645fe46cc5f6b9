#if defined(__x86_64__)
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#define XXH_VECTOR 2
#define XXH_INLINE_ALL
#include <xxhash.h>
uint64_t piperoll_xxh3_avx2_kernel(const void *bytes, size_t count);
uint64_t piperoll_xxh3_avx2_kernel(const void *bytes, size_t count) {
  return XXH3_64bits(bytes, count);
}
#include "flip_search.h"
int64_t piperoll_xxh3_find_flip_avx2(uint8_t *bytes, size_t count, uint64_t wanted, size_t first, size_t end,
                                     uint64_t *memory);
int64_t piperoll_xxh3_find_flip_avx2(uint8_t *bytes, size_t count, uint64_t wanted, size_t first, size_t end,
                                     uint64_t *memory) {
  return flip_search(bytes, count, wanted, first, end, memory);
}
#pragma clang attribute pop
#else
typedef int piperoll_no_avx2;
#endif
