#ifndef CSHA256_H
#define CSHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// SHA-256 (FIPS 180-4) of many messages side by side. A single message is bound by the latency of one
// compression after the other; independent messages are not.

/// Ways to hash, slowest first.
enum piperoll_sha256_kernel {
  /// One message at a time in plain C: what is left when libcrypto has no memory.
  PIPEROLL_SHA256_PLAIN = -1,
  /// One message at a time through libcrypto.
  PIPEROLL_SHA256_PORTABLE = 0,
  /// Four messages side by side with the SHA extensions of x86-64.
  PIPEROLL_SHA256_SHA_NI = 1,
  /// Sixteen messages side by side with AVX-512 (F, BW, VL); what is left over as above.
  PIPEROLL_SHA256_AVX512 = 2,
};

/// One message: `prefix_count` bytes from `prefix_start` on of the memory with the prefixes, then `count` bytes
/// from `start` on of that with the contents.
struct piperoll_sha256_message {
  size_t prefix_start;
  size_t prefix_count;
  size_t start;
  size_t count;
};

/// Whether this processor and operating system can run a kernel.
bool piperoll_sha256_is_supported(int kernel);

/// Hashes `count` messages, which are parts of `prefixes` and `bytes`; digest i goes to `digests[32 * i]`. The
/// kernel must be supported. Quickest where messages of as many blocks follow each other.
void piperoll_sha256_messages(
  int kernel, const struct piperoll_sha256_message *messages, size_t count,
  const uint8_t *prefixes, const uint8_t *bytes, uint8_t *digests);

/// Longest message of `piperoll_sha256_equal` without its prefix byte.
#define PIPEROLL_SHA256_SHORT_LIMIT 118

/// Hashes `count` short messages of equal length: a byte `prefix`, then `byte_count` bytes, at most
/// PIPEROLL_SHA256_SHORT_LIMIT, of which one message stands behind the other at `bytes`.
void piperoll_sha256_equal(
  int kernel, uint8_t prefix, const uint8_t *bytes, size_t count, size_t byte_count,
  uint8_t *digests);

#endif
