// Sixteen messages side by side: word t of all of them is one vector.

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#include "kernels.h"

#define LANES 16
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

// Four words of four messages, in each quarter of the vectors: rows become columns, and big-endian
// little-endian.
INLINE void turn_four(const __m512i from[4], __m512i to[4]) {
  const __m512i swap = _mm512_broadcast_i32x4(
    _mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12));
  __m512i swapped[4];
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++) swapped[i] = _mm512_shuffle_epi8(from[i], swap);
  __m512i low = _mm512_unpacklo_epi32(swapped[0], swapped[1]);
  __m512i high = _mm512_unpackhi_epi32(swapped[0], swapped[1]);
  __m512i low2 = _mm512_unpacklo_epi32(swapped[2], swapped[3]);
  __m512i high2 = _mm512_unpackhi_epi32(swapped[2], swapped[3]);
  to[0] = _mm512_unpacklo_epi64(low, low2);
  to[1] = _mm512_unpackhi_epi64(low, low2);
  to[2] = _mm512_unpacklo_epi64(high, high2);
  to[3] = _mm512_unpackhi_epi64(high, high2);
}

// Turns rows (blocks of messages) into columns (words).
INLINE void turn_words(const __m512i rows[16], __m512i w[16]) {
  __m512i quads[16];
  // Word 4k + j of messages 4i to 4i + 3 is quarter k of quads[4i + j].
#pragma clang loop unroll(full)
  for (int i = 0; i < 16; i += 4) turn_four(rows + i, quads + i);
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

// One block of every lane, by its words.
INLINE void compress_words(__m512i s[8], __m512i w[16]) {
  __m512i before[8];
#pragma clang loop unroll(full)
  for (int i = 0; i < 8; i++) before[i] = s[i];
  rounds(s, w, piperoll_sha256_constants, 0);
  rounds(s, w, piperoll_sha256_constants + 16, 0);
  rounds(s, w, piperoll_sha256_constants + 32, 0);
  rounds(s, w, piperoll_sha256_constants + 48, 1);
#pragma clang loop unroll(full)
  for (int i = 0; i < 8; i++) s[i] = _mm512_add_epi32(s[i], before[i]);
}

INLINE void compress_rows(__m512i s[8], const __m512i rows[16]) {
  __m512i w[16];
  turn_words(rows, w);
  compress_words(s, w);
}

INLINE void begin_all(__m512i s[8]) {
#pragma clang loop unroll(full)
  for (int i = 0; i < 8; i++) s[i] = _mm512_set1_epi32((int)piperoll_sha256_initial[i]);
}

// Turns columns (words) back into rows (digests).
INLINE void store_digests(const __m512i s[8], uint8_t *digests) {
  const __m512i low = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
  const __m512i high = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
  __m512i quads[8];
  // Half h of message 4k + j is quarter k of quads[4h + j].
  turn_four(s, quads);
  turn_four(s + 4, quads + 4);
#pragma clang loop unroll(full)
  for (int j = 0; j < 4; j++) {
    uint8_t *place = digests + DIGEST * j;
    __m512i first = _mm512_permutex2var_epi64(quads[j], low, quads[4 + j]);
    __m512i second = _mm512_permutex2var_epi64(quads[j], high, quads[4 + j]);
    _mm256_storeu_si256((void *)place, _mm512_castsi512_si256(first));
    _mm256_storeu_si256((void *)(place + 4 * DIGEST), _mm512_extracti64x4_epi64(first, 1));
    _mm256_storeu_si256((void *)(place + 8 * DIGEST), _mm512_castsi512_si256(second));
    _mm256_storeu_si256((void *)(place + 12 * DIGEST), _mm512_extracti64x4_epi64(second, 1));
  }
}

TARGET static void compress(struct lane_states *states, const uint8_t *const *blocks) {
  __m512i s[8];
  __m512i rows[LANES];
#pragma clang loop unroll(full)
  for (int i = 0; i < 8; i++) s[i] = _mm512_load_si512(states->words + 16 * i);
#pragma clang loop unroll(full)
  for (int i = 0; i < LANES; i++) rows[i] = _mm512_loadu_si512(blocks[i]);
  compress_rows(s, rows);
#pragma clang loop unroll(full)
  for (int i = 0; i < 8; i++) _mm512_store_si512(states->words + 16 * i, s[i]);
}

TARGET static void hash(
  const struct short_message *messages, size_t block_count, uint8_t *digests) {
  __m512i s[8];
  __m512i rows[LANES];
  begin_all(s);
  for (size_t block = 0; block < block_count; block++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < LANES; i++) {
      rows[i] = _mm512_loadu_si512(messages[i].bytes + BLOCK * block);
    }
    compress_rows(s, rows);
  }
  store_digests(s, digests);
}

// Block `block` of every message: its part of the contents, and what stands around it.
INLINE void load_alike(
  const struct frame *frame, const uint8_t *const *contents, size_t block, __m512i rows[LANES]) {
  const __m512i around = _mm512_loadu_si512(frame->message.bytes + BLOCK * block);
  // Bytes of the block that are contents: from `from` on, before `to`.
  size_t start = BLOCK * block;
  size_t from = frame->prefix_count > start ? frame->prefix_count - start : 0;
  size_t end = frame->prefix_count + frame->count;
  size_t to = end < start ? 0 : end - start < BLOCK ? end - start : BLOCK;
  __mmask64 mask = from >= to ? 0 : (~0ull << from) & (~0ull >> (BLOCK - to));
#pragma clang loop unroll(full)
  for (int i = 0; i < LANES; i++) {
    // What is masked out is not read, so that it may lie outside of the content.
    const void *place = (const void *)((uintptr_t)contents[i] + start - frame->prefix_count);
    rows[i] = _mm512_or_si512(around, _mm512_maskz_loadu_epi8(mask, place));
  }
}

// The second block of nodes of a tree: a byte of content, the padding, and a length that is known.
INLINE void compress_node_end(__m512i s[8], const uint8_t *const *contents) {
  _Alignas(64) uint32_t last[LANES];
  for (int i = 0; i < LANES; i++) last[i] = (uint32_t)contents[i][63] << 24 | 0x800000;
  __m512i w[16];
  w[0] = _mm512_load_si512(last);
#pragma clang loop unroll(full)
  for (int i = 1; i < 15; i++) w[i] = _mm512_setzero_si512();
  w[15] = _mm512_set1_epi32(8 * 65);
  compress_words(s, w);
}

TARGET static void hash_alike(
  const struct frame *frame, const uint8_t *const *contents, uint8_t *digests) {
  __m512i s[8];
  __m512i rows[LANES];
  begin_all(s);
  load_alike(frame, contents, 0, rows);
  compress_rows(s, rows);
  if (frame->prefix_count == 1 && frame->count == 64) {
    compress_node_end(s, contents);
  } else if (frame->block_count == 2) {
    load_alike(frame, contents, 1, rows);
    compress_rows(s, rows);
  }
  store_digests(s, digests);
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

const struct kernel piperoll_sha256_avx512 = {LANES, begin, compress, finish, hash, hash_alike};

#endif
