// Spreads messages over the lanes of a kernel, or hands them one by one to libcrypto.

#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

#include "CSHA256.h"
#include "kernels.h"

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

// Where a message is.
struct message {
  const uint8_t *prefix;
  const uint8_t *bytes;
  size_t prefix_count;
  size_t count;
};

static size_t block_count(const struct message *message) {
  return (message->prefix_count + message->count + 8) / BLOCK + 1;
}

// Where block `index` of a message is, made in `made` unless it stands in memory as it is.
static const uint8_t *block_at(
  const struct message *message, size_t index, uint8_t *made) {
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

static void hash_plainly(const struct message *message, uint8_t *digest) {
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
  EVP_MD_CTX *context, const struct message *message, uint8_t *digest) {
  if (
    context == NULL || EVP_DigestInit_ex2(context, algorithm, NULL) != 1
    || (message->prefix_count > 0
        && EVP_DigestUpdate(context, message->prefix, message->prefix_count) != 1)
    || (message->count > 0 && EVP_DigestUpdate(context, message->bytes, message->count) != 1)
    || EVP_DigestFinal_ex(context, digest, NULL) != 1) {
    hash_plainly(message, digest);
  }
}

// Messages of a call, and the memory that they are parts of.
struct messages {
  const struct piperoll_sha256_message *list;
  const uint8_t *prefixes;
  const uint8_t *bytes;
};

static struct message message_at(const struct messages *messages, size_t index) {
  const struct piperoll_sha256_message *found = &messages->list[index];
  return (struct message){
    messages->prefixes + found->prefix_start, messages->bytes + found->start, found->prefix_count,
    found->count};
}

static const uint8_t nothing[BLOCK];

#if defined(__x86_64__)

// MARK: Short messages, as many blocks each

// A copy of at most two blocks, without a call: what is copied twice is the same.
static inline void copy_short(uint8_t *target, const uint8_t *source, size_t count) {
  if (count > BLOCK) {
    memcpy(target, source, BLOCK);
    memcpy(target + count - BLOCK, source + count - BLOCK, BLOCK);
  } else if (count >= 32) {
    memcpy(target, source, 32);
    memcpy(target + count - 32, source + count - 32, 32);
  } else if (count >= 8) {
    uint64_t parts[4];
    size_t middle = count >= 16 ? 8 : 0;
    memcpy(&parts[0], source, 8);
    memcpy(&parts[1], source + middle, 8);
    memcpy(&parts[2], source + count - 8 - middle, 8);
    memcpy(&parts[3], source + count - 8, 8);
    memcpy(target, &parts[0], 8);
    memcpy(target + middle, &parts[1], 8);
    memcpy(target + count - 8 - middle, &parts[2], 8);
    memcpy(target + count - 8, &parts[3], 8);
  } else {
    for (size_t i = 0; i < count; i++) target[i] = source[i];
  }
}

// Messages with their padding, and what they were made for last.
struct group {
  struct short_message messages[LANE_LIMIT];
  const uint8_t *prefix[LANE_LIMIT];
  size_t prefix_count[LANE_LIMIT];
  size_t count[LANE_LIMIT];
};

// What stands around the content of a short message: prefix, zeros in its place, padding.
static void surround(uint8_t *made, const struct message *message, size_t blocks) {
  size_t total = message->prefix_count + message->count;
  uint64_t bits = __builtin_bswap64((uint64_t)total * 8);
  memset(made, 0, 2 * BLOCK);
  if (message->prefix_count > 0) memcpy(made, message->prefix, message->prefix_count);
  made[total] = 0x80;
  memcpy(made + BLOCK * blocks - 8, &bits, 8);
}

// Makes a message, and around its content only what differs from the one before in its lane.
static inline void make(
  struct group *group, size_t lane, const struct message *message, size_t blocks) {
  if (
    group->count[lane] != message->count || group->prefix_count[lane] != message->prefix_count
    || group->prefix[lane] != message->prefix) {
    surround(group->messages[lane].bytes, message, blocks);
    group->prefix[lane] = message->prefix;
    group->prefix_count[lane] = message->prefix_count;
    group->count[lane] = message->count;
  }
  copy_short(
    group->messages[lane].bytes + message->prefix_count, message->bytes, message->count);
}

// What stands around a message, and around others of its size behind the same prefix.
static void make_frame(struct frame *frame, const struct message *message) {
  frame->block_count = block_count(message);
  frame->prefix_count = message->prefix_count;
  frame->count = message->count;
  surround(frame->message.bytes, message, frame->block_count);
}

// Digests of so many contents, at most a kernel's lanes.
static void hash_alike(
  const struct kernel *kernel, const struct frame *frame, const uint8_t **contents, size_t count,
  uint8_t *digests) {
  if (count == kernel->lane_count) return kernel->hash_alike(frame, contents, digests);
  uint8_t all[LANE_LIMIT * DIGEST];
  for (size_t i = count; i < kernel->lane_count; i++) contents[i] = contents[0];
  kernel->hash_alike(frame, contents, all);
  memcpy(digests, all, DIGEST * count);
}

static void begin_group(struct group *group) {
  memset(group->messages, 0, sizeof group->messages);
  for (size_t i = 0; i < LANE_LIMIT; i++) group->count[i] = SIZE_MAX;
}

// The digests of a group whose first messages are made.
static void hash_group(
  const struct kernel *kernel, const struct group *group, size_t blocks, size_t count,
  uint8_t *digests) {
  if (count == kernel->lane_count) return kernel->hash(group->messages, blocks, digests);
  uint8_t all[LANE_LIMIT * DIGEST];
  kernel->hash(group->messages, blocks, all);
  memcpy(digests, all, DIGEST * count);
}

// MARK: Messages of any length

struct lane {
  struct message message;
  bool is_busy;
  size_t next_block;
  size_t block_count;
  uint8_t *digest;
  uint8_t made[BLOCK];
};

// Every lane takes the next message as soon as it is done with one.
static void hash_in_lanes(
  const struct kernel *kernel, const struct messages *messages, size_t first, size_t count,
  uint8_t *digests) {
  struct lane_states states;
  struct lane lanes[LANE_LIMIT];
  const uint8_t *blocks[LANE_LIMIT];
  size_t taken = 0;
  size_t busy = 0;
  memset(&states, 0, sizeof states);
  for (size_t i = 0; i < kernel->lane_count; i++) lanes[i].is_busy = false;
  while (taken < count || busy > 0) {
    for (size_t i = 0; i < kernel->lane_count; i++) {
      struct lane *lane = &lanes[i];
      if (!lane->is_busy && taken < count) {
        lane->message = message_at(messages, first + taken);
        lane->next_block = 0;
        lane->block_count = block_count(&lane->message);
        lane->digest = digests + DIGEST * taken;
        lane->is_busy = true;
        kernel->begin(&states, i);
        taken++;
        busy++;
      }
      blocks[i] =
        lane->is_busy ? block_at(&lane->message, lane->next_block++, lane->made) : nothing;
    }
    kernel->compress(&states, blocks);
    for (size_t i = 0; i < kernel->lane_count; i++) {
      struct lane *lane = &lanes[i];
      if (!lane->is_busy || lane->next_block < lane->block_count) continue;
      kernel->finish(&states, i, lane->digest);
      lane->is_busy = false;
      busy--;
    }
  }
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

// Messages that go through the lanes where they are not short, or not of as many blocks.
#define MIXED_COUNT (8 * LANE_LIMIT)

// Hashes the next messages when they are short, of one size and behind one prefix.
static bool hash_next_alike(
  const struct kernel *kernel, const struct messages *messages, size_t first, size_t part,
  struct frame *frame, const uint8_t **last_prefix, uint8_t *digests) {
  const uint8_t *contents[LANE_LIMIT];
  const struct piperoll_sha256_message *list = messages->list + first;
  const struct message message = message_at(messages, first);
  if (kernel->hash_alike == NULL || block_count(&message) > 2) return false;
  for (size_t i = 0; i < part; i++) {
    if (
      list[i].count != list->count || list[i].prefix_start != list->prefix_start
      || list[i].prefix_count != list->prefix_count) {
      return false;
    }
    contents[i] = messages->bytes + list[i].start;
  }
  if (
    *last_prefix != message.prefix || frame->count != message.count
    || frame->prefix_count != message.prefix_count) {
    make_frame(frame, &message);
    *last_prefix = message.prefix;
  }
  hash_alike(kernel, frame, contents, part, digests);
  return true;
}

static void hash_side_by_side(
  const struct kernel *kernel, const struct messages *messages, size_t count, uint8_t *digests) {
  struct group group;
  struct frame frame;
  const uint8_t *last_prefix = NULL;
  begin_group(&group);
  size_t first = 0;
  while (first < count) {
    const struct kernel *now = kernel_for(kernel, count - first);
    size_t part = count - first < now->lane_count ? count - first : now->lane_count;
    if (
      hash_next_alike(
        now, messages, first, part, &frame, &last_prefix, digests + DIGEST * first)) {
      first += part;
      continue;
    }
    struct message message = message_at(messages, first);
    const size_t blocks = block_count(&message);
    size_t made = 0;
    while (blocks <= 2) {
      make(&group, made++, &message, blocks);
      if (made == part) break;
      message = message_at(messages, first + made);
      if (block_count(&message) != blocks) break;
    }
    if (made == part) {
      hash_group(now, &group, blocks, part, digests + DIGEST * first);
    } else {
      part = count - first < MIXED_COUNT ? count - first : MIXED_COUNT;
      hash_in_lanes(now, messages, first, part, digests + DIGEST * first);
    }
    first += part;
  }
}

#endif

void piperoll_sha256_messages(
  int kernel, const struct piperoll_sha256_message *list, size_t count, const uint8_t *prefixes,
  const uint8_t *bytes, uint8_t *digests) {
  const struct messages messages = {
    list, prefixes == NULL ? nothing : prefixes, bytes == NULL ? nothing : bytes};
#if defined(__x86_64__)
  const struct kernel *found = kernel_named(kernel);
  // One message alone is nobody's neighbour.
  if (found != NULL && count > 1) return hash_side_by_side(found, &messages, count, digests);
#endif
  EVP_MD_CTX *context = kernel == PIPEROLL_SHA256_PLAIN ? NULL : thread_context();
  for (size_t i = 0; i < count; i++) {
    const struct message message = message_at(&messages, i);
    hash_one(context, &message, digests + DIGEST * i);
  }
}

void piperoll_sha256_equal(
  int kernel, uint8_t prefix, const uint8_t *bytes, size_t count, size_t byte_count,
  uint8_t *digests) {
#if defined(__x86_64__)
  const struct kernel *found = count > 1 ? kernel_named(kernel) : NULL;
  if (found != NULL) {
    struct frame frame;
    struct group group;
    const uint8_t *contents[LANE_LIMIT];
    struct message message = {&prefix, bytes, 1, byte_count};
    make_frame(&frame, &message);
    for (size_t i = 0; i < LANE_LIMIT; i++) group.messages[i] = frame.message;
    while (count > 0) {
      const struct kernel *now = kernel_for(found, count);
      size_t part = count < now->lane_count ? count : now->lane_count;
      if (now->hash_alike != NULL) {
        for (size_t i = 0; i < part; i++) contents[i] = bytes + byte_count * i;
        hash_alike(now, &frame, contents, part, digests);
      } else {
        for (size_t i = 0; i < part; i++) {
          copy_short(group.messages[i].bytes + 1, bytes + byte_count * i, byte_count);
        }
        hash_group(now, &group, frame.block_count, part, digests);
      }
      bytes += byte_count * part;
      digests += DIGEST * part;
      count -= part;
    }
    return;
  }
#endif
  EVP_MD_CTX *context = kernel == PIPEROLL_SHA256_PLAIN ? NULL : thread_context();
  for (size_t i = 0; i < count; i++) {
    const struct message message = {&prefix, bytes + byte_count * i, 1, byte_count};
    hash_one(context, &message, digests + DIGEST * i);
  }
}
