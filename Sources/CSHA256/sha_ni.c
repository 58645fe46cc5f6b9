// Four messages side by side with the SHA extensions: while one waits for a result, the others go on.

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#include "kernels.h"

#define LANES 4
#define TARGET __attribute__((target("sha,sse4.1,ssse3")))

// The state of a lane: words A B E F, then C D G H, as the instructions want them.
TARGET static void compress(struct lane_states *states, const uint8_t *const *blocks) {
  const __m128i swap = _mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
  __m128i abef[LANES];
  __m128i cdgh[LANES];
  __m128i words[LANES][4];
#pragma clang loop unroll(full)
  for (int lane = 0; lane < LANES; lane++) {
    const __m128i *place = (const __m128i *)(states->words + 8 * lane);
    abef[lane] = _mm_load_si128(place);
    cdgh[lane] = _mm_load_si128(place + 1);
  }
#pragma clang loop unroll(full)
  for (int group = 0; group < 16; group++) {
    const __m128i constants =
      _mm_loadu_si128((const __m128i *)(piperoll_sha256_constants + 4 * group));
#pragma clang loop unroll(full)
    for (int lane = 0; lane < LANES; lane++) {
      __m128i *w = words[lane];
      if (group < 4) {
        const __m128i *source = (const __m128i *)(const void *)blocks[lane];
        w[group] = _mm_shuffle_epi8(_mm_loadu_si128(source + group), swap);
      } else {
        const int now = group & 3;
        const __m128i last = w[(group + 3) & 3];
        const __m128i seventh = _mm_alignr_epi8(last, w[(group + 2) & 3], 4);
        const __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w[now], w[(group + 1) & 3]), seventh);
        w[now] = _mm_sha256msg2_epu32(sum, last);
      }
      const __m128i added = _mm_add_epi32(w[group & 3], constants);
      cdgh[lane] = _mm_sha256rnds2_epu32(cdgh[lane], abef[lane], added);
      abef[lane] = _mm_sha256rnds2_epu32(abef[lane], cdgh[lane], _mm_shuffle_epi32(added, 0x0e));
    }
  }
#pragma clang loop unroll(full)
  for (int lane = 0; lane < LANES; lane++) {
    __m128i *place = (__m128i *)(states->words + 8 * lane);
    _mm_store_si128(place, _mm_add_epi32(_mm_load_si128(place), abef[lane]));
    _mm_store_si128(place + 1, _mm_add_epi32(_mm_load_si128(place + 1), cdgh[lane]));
  }
}

// Where word i of a state stands among the eight of its lane.
static const uint8_t places[8] = {3, 2, 7, 6, 1, 0, 5, 4};

static void begin(struct lane_states *states, size_t lane) {
  for (size_t i = 0; i < 8; i++) {
    states->words[8 * lane + places[i]] = piperoll_sha256_initial[i];
  }
}

static void finish(const struct lane_states *states, size_t lane, uint8_t *digest) {
  for (size_t i = 0; i < 8; i++) {
    uint32_t word = __builtin_bswap32(states->words[8 * lane + places[i]]);
    memcpy(digest + 4 * i, &word, 4);
  }
}

static void hash(const struct short_message *messages, size_t block_count, uint8_t *digests) {
  struct lane_states states;
  const uint8_t *blocks[LANES];
  for (size_t lane = 0; lane < LANES; lane++) begin(&states, lane);
  for (size_t block = 0; block < block_count; block++) {
    for (size_t lane = 0; lane < LANES; lane++) blocks[lane] = messages[lane].bytes + BLOCK * block;
    compress(&states, blocks);
  }
  for (size_t lane = 0; lane < LANES; lane++) finish(&states, lane, digests + DIGEST * lane);
}

const struct kernel piperoll_sha256_sha_ni = {LANES, begin, compress, finish, hash, NULL};

#endif
