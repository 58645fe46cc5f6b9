#if defined(__x86_64__)
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#pragma clang attribute push(__attribute__((target("avx512f"))), apply_to = function)
#define XXH_VECTOR 3
#define XXH_INLINE_ALL
#include <xxhash.h>
uint64_t piperoll_xxh3_avx512_kernel(const void *bytes, size_t count);
uint64_t piperoll_xxh3_avx512_kernel(const void *bytes, size_t count) {
  return XXH3_64bits(bytes, count);
}
#pragma clang attribute pop
#else
typedef int piperoll_no_avx512;
#endif
