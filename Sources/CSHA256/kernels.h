#ifndef PIPEROLL_SHA256_KERNELS_H
#define PIPEROLL_SHA256_KERNELS_H

#include <stddef.h>
#include <stdint.h>

// The most messages any kernel hashes side by side.
#define LANE_LIMIT 16

#define BLOCK 64
#define DIGEST 32

// A short message with its padding.
struct short_message {
  uint8_t bytes[2 * BLOCK];
};

// What stands around contents of one size, behind one prefix, in messages of at most two blocks: the prefix,
// zeros in the place of the content, and the padding.
struct frame {
  struct short_message message;
  size_t block_count;
  size_t prefix_count;
  size_t count;
};

// How a kernel keeps the states of its lanes is its own affair.
struct lane_states {
  _Alignas(64) uint32_t words[8 * LANE_LIMIT];
};

struct kernel {
  size_t lane_count;
  void (*begin)(struct lane_states *states, size_t lane);
  // One block of every lane.
  void (*compress)(struct lane_states *states, const uint8_t *const *blocks);
  void (*finish)(const struct lane_states *states, size_t lane, uint8_t *digest);
  // A short message in every lane, of so many blocks each; all digests.
  void (*hash)(const struct short_message *messages, size_t block_count, uint8_t *digests);
  // The same with contents alike; NULL where that is no quicker.
  void (*hash_alike)(const struct frame *frame, const uint8_t *const *contents, uint8_t *digests);
};

extern const uint32_t piperoll_sha256_initial[8];
extern const uint32_t piperoll_sha256_constants[64];

#if defined(__x86_64__)
extern const struct kernel piperoll_sha256_sha_ni;
extern const struct kernel piperoll_sha256_avx512;
#endif

#endif
