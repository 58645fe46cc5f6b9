// Spreads messages over the lanes of a kernel, or hands them one by one to libcrypto.

#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

#include "CSHA256.h"
#include "kernels.h"

#define BLOCK 64
#define DIGEST 32

const uint32_t piperoll_sha256_initial[8] = {
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

const uint32_t piperoll_sha256_constants[64] = {
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

// MARK: One at a time

// What libcrypto cannot do without memory or without its provider is done here, slowly.
static void compress_plainly(uint32_t state[8], const uint8_t *block) {
  uint32_t w[64];
  uint32_t s[8];
  for (int t = 0; t < 16; t++) {
    memcpy(&w[t], block + 4 * t, 4);
    w[t] = __builtin_bswap32(w[t]);
  }
#define ROTATE(x, n) ((x) >> (n) | (x) << (32 - (n)))
  for (int t = 16; t < 64; t++) {
    uint32_t a = w[t - 15], b = w[t - 2];
    w[t] = w[t - 16] + (ROTATE(a, 7) ^ ROTATE(a, 18) ^ a >> 3) + w[t - 7]
      + (ROTATE(b, 17) ^ ROTATE(b, 19) ^ b >> 10);
  }
  memcpy(s, state, sizeof s);
  for (int t = 0; t < 64; t++) {
    uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
    uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
    uint32_t first = s[7] + (ROTATE(s[4], 6) ^ ROTATE(s[4], 11) ^ ROTATE(s[4], 25)) + choice
      + piperoll_sha256_constants[t] + w[t];
    uint32_t second = (ROTATE(s[0], 2) ^ ROTATE(s[0], 13) ^ ROTATE(s[0], 22)) + majority;
    memmove(s + 1, s, 7 * sizeof s[0]);
    s[4] += first;
    s[0] = first + second;
  }
#undef ROTATE
  for (int i = 0; i < 8; i++) state[i] += s[i];
}

// MARK: Blocks of a message

static size_t block_count(const struct piperoll_sha256_message *message) {
  return (message->prefix_count + message->count + 8) / BLOCK + 1;
}

// Where block `index` of a message is, made in `made` unless it stands in memory as it is.
static const uint8_t *block_at(
  const struct piperoll_sha256_message *message, size_t index, uint8_t *made) {
  size_t total = message->prefix_count + message->count;
  size_t from = index * BLOCK;
  if (from >= message->prefix_count && from + BLOCK <= total) {
    return message->bytes + (from - message->prefix_count);
  }
  size_t filled = 0;
  if (from < message->prefix_count) {
    filled = message->prefix_count - from;
    if (filled > BLOCK) filled = BLOCK;
    memcpy(made, message->prefix + from, filled);
  }
  if (filled < BLOCK && from + filled < total) {
    size_t part = total - (from + filled);
    if (part > BLOCK - filled) part = BLOCK - filled;
    memcpy(made + filled, message->bytes + (from + filled - message->prefix_count), part);
    filled += part;
  }
  if (filled == BLOCK) return made;
  memset(made + filled, 0, BLOCK - filled);
  if (from + filled == total) made[filled] = 0x80;
  if (index + 1 == block_count(message)) {
    uint64_t bits = __builtin_bswap64((uint64_t)total * 8);
    memcpy(made + BLOCK - 8, &bits, 8);
  }
  return made;
}

static void hash_plainly(const struct piperoll_sha256_message *message, uint8_t *digest) {
  uint32_t state[8];
  uint8_t made[BLOCK];
  memcpy(state, piperoll_sha256_initial, sizeof state);
  size_t blocks = block_count(message);
  for (size_t i = 0; i < blocks; i++) compress_plainly(state, block_at(message, i, made));
  for (int i = 0; i < 8; i++) {
    uint32_t word = __builtin_bswap32(state[i]);
    memcpy(digest + 4 * i, &word, 4);
  }
}

// MARK: libcrypto

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *algorithm;
static pthread_key_t context_key;
static bool has_key;

static void free_context(void *context) { EVP_MD_CTX_free(context); }

static void set_up(void) {
  // Fetched once: fetching costs more than hashing a small message.
  algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
  has_key = pthread_key_create(&context_key, free_context) == 0;
}

// The context of this thread; NULL when there is none to be had.
static EVP_MD_CTX *thread_context(void) {
  pthread_once(&once, set_up);
  if (algorithm == NULL || !has_key) return NULL;
  EVP_MD_CTX *context = pthread_getspecific(context_key);
  if (context != NULL) return context;
  context = EVP_MD_CTX_new();
  if (context != NULL && pthread_setspecific(context_key, context) != 0) {
    EVP_MD_CTX_free(context);
    return NULL;
  }
  return context;
}

static void hash_one(
  EVP_MD_CTX *context, const struct piperoll_sha256_message *message, uint8_t *digest) {
  if (
    context == NULL || EVP_DigestInit_ex2(context, algorithm, NULL) != 1
    || (message->prefix_count > 0
        && EVP_DigestUpdate(context, message->prefix, message->prefix_count) != 1)
    || (message->count > 0 && EVP_DigestUpdate(context, message->bytes, message->count) != 1)
    || EVP_DigestFinal_ex(context, digest, NULL) != 1) {
    hash_plainly(message, digest);
  }
}

// MARK: Side by side

struct lane {
  const struct piperoll_sha256_message *message;
  size_t next_block;
  size_t block_count;
  uint8_t *digest;
  // The whole message with its padding when it is short, else the present block.
  uint8_t made[2 * BLOCK];
};

#if defined(__x86_64__)
static const uint8_t nothing[BLOCK];

static void take(
  struct lane *lane, const struct piperoll_sha256_message *message, uint8_t *digest) {
  lane->message = message;
  lane->next_block = 0;
  lane->block_count = block_count(message);
  lane->digest = digest;
  if (lane->block_count > 2) return;
  // Most are short: one pass over them instead of one for each block.
  size_t total = message->prefix_count + message->count;
  uint64_t bits = __builtin_bswap64((uint64_t)total * 8);
  memset(lane->made, 0, sizeof lane->made);
  if (message->prefix_count > 0) memcpy(lane->made, message->prefix, message->prefix_count);
  if (message->count > 0) {
    memcpy(lane->made + message->prefix_count, message->bytes, message->count);
  }
  lane->made[total] = 0x80;
  memcpy(lane->made + BLOCK * lane->block_count - 8, &bits, 8);
}

static const uint8_t *next_block(struct lane *lane) {
  if (lane->message == NULL) return nothing;
  size_t index = lane->next_block++;
  return lane->block_count <= 2 ? lane->made + BLOCK * index
                                : block_at(lane->message, index, lane->made);
}

// Every lane takes the next message as soon as it is done with one.
static void hash_in_lanes(
  const struct kernel *kernel, const struct piperoll_sha256_message *messages, size_t count,
  uint8_t *digests) {
  struct lane_states states;
  struct lane lanes[LANE_LIMIT];
  const uint8_t *blocks[LANE_LIMIT];
  size_t taken = 0;
  size_t busy = 0;
  memset(&states, 0, sizeof states);
  for (size_t i = 0; i < kernel->lane_count; i++) lanes[i].message = NULL;
  while (taken < count || busy > 0) {
    for (size_t i = 0; i < kernel->lane_count; i++) {
      struct lane *lane = &lanes[i];
      if (lane->message == NULL && taken < count) {
        take(lane, &messages[taken], digests + DIGEST * taken);
        kernel->begin(&states, i);
        taken++;
        busy++;
      }
      blocks[i] = next_block(lane);
    }
    kernel->compress(&states, blocks);
    for (size_t i = 0; i < kernel->lane_count; i++) {
      struct lane *lane = &lanes[i];
      if (lane->message == NULL || lane->next_block < lane->block_count) continue;
      kernel->finish(&states, i, lane->digest);
      lane->message = NULL;
      busy--;
    }
  }
}

// Short messages, padded once: only what differs is copied for each group.
struct group {
  size_t block_count;
  uint8_t messages[LANE_LIMIT][2 * BLOCK];
};

static void pad_group(struct group *group, uint8_t prefix, size_t byte_count) {
  struct piperoll_sha256_message empty = {&prefix, NULL, 1, byte_count};
  group->block_count = block_count(&empty);
  uint64_t bits = __builtin_bswap64((uint64_t)(1 + byte_count) * 8);
  memset(group->messages, 0, sizeof group->messages);
  for (size_t i = 0; i < LANE_LIMIT; i++) {
    group->messages[i][0] = prefix;
    group->messages[i][1 + byte_count] = 0x80;
    memcpy(group->messages[i] + BLOCK * group->block_count - 8, &bits, 8);
  }
}

// The messages of a group, at most as many as there are lanes.
static void hash_group(
  const struct kernel *kernel, struct group *group, const uint8_t *bytes, size_t count,
  size_t byte_count, uint8_t *digests) {
  struct lane_states states;
  const uint8_t *blocks[LANE_LIMIT];
  for (size_t i = 0; i < kernel->lane_count; i++) kernel->begin(&states, i);
  if (byte_count == 64) {
    // Nodes of a tree: a copy of known size.
    for (size_t i = 0; i < count; i++) memcpy(group->messages[i] + 1, bytes + 64 * i, 64);
  } else {
    for (size_t i = 0; i < count; i++) {
      memcpy(group->messages[i] + 1, bytes + byte_count * i, byte_count);
    }
  }
  for (size_t block = 0; block < group->block_count; block++) {
    for (size_t i = 0; i < kernel->lane_count; i++) {
      blocks[i] = group->messages[i] + BLOCK * block;
    }
    kernel->compress(&states, blocks);
  }
  for (size_t i = 0; i < count; i++) kernel->finish(&states, i, digests + DIGEST * i);
}

static const struct kernel *kernel_named(int kernel) {
  return kernel == PIPEROLL_SHA256_AVX512
    ? &piperoll_sha256_avx512
    : kernel == PIPEROLL_SHA256_SHA_NI ? &piperoll_sha256_sha_ni : NULL;
}

// The kernel that is quickest for the last messages, which do not fill its lanes.
static const struct kernel *kernel_for(const struct kernel *kernel, size_t count) {
  // Sixteen lanes cost as much as ten messages in lanes of four.
  return kernel == &piperoll_sha256_avx512 && count <= 8
      && piperoll_sha256_is_supported(PIPEROLL_SHA256_SHA_NI)
    ? &piperoll_sha256_sha_ni : kernel;
}
#endif

void piperoll_sha256_messages(
  int kernel, const struct piperoll_sha256_message *messages, size_t count, uint8_t *digests) {
#if defined(__x86_64__)
  const struct kernel *found = kernel_named(kernel);
  if (found != NULL) {
    found = kernel_for(found, count);
    // One message alone is nobody's neighbour.
    if (count > 1) return hash_in_lanes(found, messages, count, digests);
  }
#endif
  EVP_MD_CTX *context = kernel == PIPEROLL_SHA256_PLAIN ? NULL : thread_context();
  for (size_t i = 0; i < count; i++) hash_one(context, &messages[i], digests + DIGEST * i);
}

void piperoll_sha256_equal(
  int kernel, uint8_t prefix, const uint8_t *bytes, size_t count, size_t byte_count,
  uint8_t *digests) {
#if defined(__x86_64__)
  const struct kernel *found = count > 1 ? kernel_named(kernel) : NULL;
  if (found != NULL) {
    struct group group;
    pad_group(&group, prefix, byte_count);
    while (count > 0) {
      const struct kernel *now = kernel_for(found, count);
      size_t part = count < now->lane_count ? count : now->lane_count;
      hash_group(now, &group, bytes, part, byte_count, digests);
      bytes += byte_count * part;
      digests += DIGEST * part;
      count -= part;
    }
    return;
  }
#endif
  EVP_MD_CTX *context = kernel == PIPEROLL_SHA256_PLAIN ? NULL : thread_context();
  for (size_t i = 0; i < count; i++) {
    struct piperoll_sha256_message message = {&prefix, bytes + byte_count * i, 1, byte_count};
    hash_one(context, &message, digests + DIGEST * i);
  }
}
