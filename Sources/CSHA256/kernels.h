#ifndef PIPEROLL_SHA256_KERNELS_H
#define PIPEROLL_SHA256_KERNELS_H

#include <stddef.h>
#include <stdint.h>

// The most messages any kernel hashes side by side.
#define LANE_LIMIT 16

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
};

extern const uint32_t piperoll_sha256_initial[8];
extern const uint32_t piperoll_sha256_constants[64];

#if defined(__x86_64__)
extern const struct kernel piperoll_sha256_sha_ni;
extern const struct kernel piperoll_sha256_avx512;
#endif

#endif
