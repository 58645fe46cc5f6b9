// Sixteen messages side by side: word t of all of them is one vector.

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#include "kernels.h"

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl")))
#define INLINE __attribute__((target("avx512f,avx512bw,avx512vl"), always_inline)) static inline

INLINE __m512i xor3(__m512i a, __m512i b, __m512i c) {
  return _mm512_ternarylogic_epi32(a, b, c, 0x96);
}

INLINE __m512i big_sigma_0(__m512i a) {
  return xor3(_mm512_ror_epi32(a, 2), _mm512_ror_epi32(a, 13), _mm512_ror_epi32(a, 22));
}

INLINE __m512i big_sigma_1(__m512i e) {
  return xor3(_mm512_ror_epi32(e, 6), _mm512_ror_epi32(e, 11), _mm512_ror_epi32(e, 25));
}

INLINE __m512i small_sigma_0(__m512i w) {
  return xor3(_mm512_ror_epi32(w, 7), _mm512_ror_epi32(w, 18), _mm512_srli_epi32(w, 3));
}

INLINE __m512i small_sigma_1(__m512i w) {
  return xor3(_mm512_ror_epi32(w, 17), _mm512_ror_epi32(w, 19), _mm512_srli_epi32(w, 10));
}

// Loads one block of each message and turns rows (messages) into columns (words).
INLINE void load_words(const uint8_t *const *blocks, __m512i w[16]) {
  const __m512i swap = _mm512_broadcast_i32x4(
    _mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12));
  __m512i pairs[16];
  __m512i quads[16];
#pragma clang loop unroll(full)
  for (int i = 0; i < 8; i++) {
    __m512i even = _mm512_shuffle_epi8(_mm512_loadu_si512(blocks[2 * i]), swap);
    __m512i odd = _mm512_shuffle_epi8(_mm512_loadu_si512(blocks[2 * i + 1]), swap);
    pairs[2 * i] = _mm512_unpacklo_epi32(even, odd);
    pairs[2 * i + 1] = _mm512_unpackhi_epi32(even, odd);
  }
  // Word 4k + j of messages 4i to 4i + 3 is quarter k of quads[4i + j].
#pragma clang loop unroll(full)
  for (int i = 0; i < 16; i += 4) {
    quads[i] = _mm512_unpacklo_epi64(pairs[i], pairs[i + 2]);
    quads[i + 1] = _mm512_unpackhi_epi64(pairs[i], pairs[i + 2]);
    quads[i + 2] = _mm512_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
    quads[i + 3] = _mm512_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
  }
#pragma clang loop unroll(full)
  for (int j = 0; j < 4; j++) {
    __m512i low = _mm512_shuffle_i32x4(quads[j], quads[4 + j], 0x44);
    __m512i high = _mm512_shuffle_i32x4(quads[j], quads[4 + j], 0xee);
    __m512i low2 = _mm512_shuffle_i32x4(quads[8 + j], quads[12 + j], 0x44);
    __m512i high2 = _mm512_shuffle_i32x4(quads[8 + j], quads[12 + j], 0xee);
    w[j] = _mm512_shuffle_i32x4(low, low2, 0x88);
    w[4 + j] = _mm512_shuffle_i32x4(low, low2, 0xdd);
    w[8 + j] = _mm512_shuffle_i32x4(high, high2, 0x88);
    w[12 + j] = _mm512_shuffle_i32x4(high, high2, 0xdd);
  }
}

INLINE void round_once(
  __m512i a, __m512i b, __m512i c, __m512i *d, __m512i e, __m512i f, __m512i g, __m512i *h,
  __m512i word, uint32_t constant) {
  __m512i choice = _mm512_ternarylogic_epi32(e, f, g, 0xca);
  __m512i majority = _mm512_ternarylogic_epi32(a, b, c, 0xe8);
  __m512i added = _mm512_add_epi32(word, _mm512_set1_epi32((int)constant));
  __m512i first = _mm512_add_epi32(
    _mm512_add_epi32(*h, added), _mm512_add_epi32(big_sigma_1(e), choice));
  *d = _mm512_add_epi32(*d, first);
  *h = _mm512_add_epi32(first, _mm512_add_epi32(big_sigma_0(a), majority));
}

// Sixteen rounds; the words for the next sixteen are made beside them, but for the last time.
INLINE void rounds(__m512i s[8], __m512i w[16], const uint32_t *constants, int is_last) {
#pragma clang loop unroll(full)
  for (int t = 0; t < 16; t++) {
    round_once(
      s[(16 - t) & 7], s[(17 - t) & 7], s[(18 - t) & 7], &s[(19 - t) & 7], s[(20 - t) & 7],
      s[(21 - t) & 7], s[(22 - t) & 7], &s[(23 - t) & 7], w[t], constants[t]);
    if (!is_last) {
      __m512i sum = _mm512_add_epi32(small_sigma_0(w[(t + 1) & 15]), w[(t + 9) & 15]);
      w[t] = _mm512_add_epi32(
        _mm512_add_epi32(w[t], sum), small_sigma_1(w[(t + 14) & 15]));
    }
  }
}

TARGET static void compress(struct lane_states *states, const uint8_t *const *blocks) {
  __m512i w[16];
  __m512i s[8];
  load_words(blocks, w);
#pragma clang loop unroll(full)
  for (int i = 0; i < 8; i++) s[i] = _mm512_load_si512(states->words + 16 * i);
  rounds(s, w, piperoll_sha256_constants, 0);
  rounds(s, w, piperoll_sha256_constants + 16, 0);
  rounds(s, w, piperoll_sha256_constants + 32, 0);
  rounds(s, w, piperoll_sha256_constants + 48, 1);
#pragma clang loop unroll(full)
  for (int i = 0; i < 8; i++) {
    uint32_t *place = states->words + 16 * i;
    _mm512_store_si512(place, _mm512_add_epi32(_mm512_load_si512(place), s[i]));
  }
}

static void begin(struct lane_states *states, size_t lane) {
  for (size_t i = 0; i < 8; i++) states->words[16 * i + lane] = piperoll_sha256_initial[i];
}

static void finish(const struct lane_states *states, size_t lane, uint8_t *digest) {
  for (size_t i = 0; i < 8; i++) {
    uint32_t word = __builtin_bswap32(states->words[16 * i + lane]);
    memcpy(digest + 4 * i, &word, 4);
  }
}

const struct kernel piperoll_sha256_avx512 = {16, begin, compress, finish};

#endif
