/* XXH3-64 of the system's xxhash header: inlined for short inputs, out of line with run-time
   dispatch (baseline, AVX2, AVX-512) above 240 bytes, where the inlined body is slower. */
#ifndef PIPEROLL_CCHECKSUM_H
#define PIPEROLL_CCHECKSUM_H

#include <stddef.h>
#include <stdint.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#pragma clang assume_nonnull begin

/* XXH3-64, unseeded, of more than 240 bytes; correct for any length. */
uint64_t piperoll_xxh3_long(const void *bytes, size_t count);

/* XXH3-64, unseeded, of `count` bytes. */
static inline uint64_t piperoll_xxh3(const void *bytes, size_t count) {
  if (count <= 240) {
    __builtin_assume(count <= 240);
    return XXH3_64bits(bytes, count);
  }
  return piperoll_xxh3_long(bytes, count);
}

/* XXH3-64, unseeded, of two 64-bit words in little-endian order: the place of a frame. */
static inline uint64_t piperoll_xxh3_words(uint64_t first, uint64_t second) {
  uint64_t words[2] = {first, second};
  return XXH3_64bits(words, 16);
}

/* Name of the variant chosen at run time: "baseline", "avx2" or "avx512". */
const char *piperoll_xxh3_variant(void);

/* The three variants, for cross-checks. A variant the processor lacks returns the baseline's result. */
uint64_t piperoll_xxh3_baseline(const void *bytes, size_t count);
uint64_t piperoll_xxh3_avx2(const void *bytes, size_t count);
uint64_t piperoll_xxh3_avx512(const void *bytes, size_t count);

/* Looks for the one bit that must be flipped for XXH3-64 of `count` bytes, more than 240, to be `wanted`: among the
   bits of bytes `first` to `end` - 1. Takes about count * (end - first) / 128 short steps; the bytes are changed
   meanwhile, and are as before in the end. `memory` is room to work in, of 16 * (count / 1024 + 1) words.
   Returns 8 * byte + bit, or -1 where there is none. */
int64_t piperoll_xxh3_find_flip(uint8_t *bytes, size_t count, uint64_t wanted, size_t first, size_t end,
                                uint64_t *memory);

/* The same without vectors, for cross-checks. */
int64_t piperoll_xxh3_find_flip_baseline(uint8_t *bytes, size_t count, uint64_t wanted, size_t first,
                                         size_t end, uint64_t *memory);

#pragma clang assume_nonnull end
#endif
