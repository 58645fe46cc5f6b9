/* The search for a flipped bit, included once for each set of instructions; see CChecksum.h.

   Content of more than 240 bytes is hashed in blocks of 1,024 bytes: eight sums take the words of a block,
   then each is scrambled alone. A bit in a word changes two of the sums, a pair that is merged together in
   the end; all else is known beforehand. So a flip is tried by taking two numbers through the blocks behind
   it, not by hashing them again. The last 64 bytes enter twice, in other places: they are tried one by one. */

enum { lanes = 8, word_bits = 64 };

static inline uint64_t flip_read(const uint8_t *bytes) {
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  return word;
}

static inline uint64_t flip_product(uint64_t keyed) { return (keyed & 0xffffffff) * (keyed >> 32); }

/* Adds what stripes of 64 bytes give to the sums. */
static void flip_add(uint64_t sums[lanes], const uint8_t *bytes, const uint8_t *secret, size_t stripes) {
  for (size_t stripe = 0; stripe < stripes; stripe++) {
    for (int lane = 0; lane < lanes; lane++) {
      uint64_t word = flip_read(bytes + 64 * stripe + 8 * lane);
      sums[lane ^ 1] += word;
      sums[lane] += flip_product(word ^ flip_read(secret + 8 * stripe + 8 * lane));
    }
  }
}

static inline uint64_t flip_scramble(uint64_t sum, uint64_t key) {
  return ((sum ^ (sum >> 47)) ^ key) * (uint64_t)XXH_PRIME32_1;
}

/* What two sums add to the hash before its last step. */
static inline uint64_t flip_merge(uint64_t even, uint64_t odd, int lane) {
  const uint8_t *secret = XXH3_kSecret + 11 + 8 * (lane & ~1);
  return XXH3_mul128_fold64(even ^ flip_read(secret), odd ^ flip_read(secret + 8));
}

/* The number from which the last step of XXH3-64 makes a hash. */
static uint64_t flip_before_avalanche(uint64_t hash) {
  hash ^= hash >> 32;
  hash *= 0x8da8ee41d6df849; /* inverse of 0x165667919e3779f9 */
  return hash ^ (hash >> 37);
}

static int64_t flip_search(uint8_t *bytes, size_t count, uint64_t wanted, size_t first, size_t end,
                           uint64_t *memory) {
  if (count <= 240 || first >= end || end > count) return -1;
  const size_t block_count = (count - 1) / 1024;
  const size_t tail_stripes = (count - 1) % 1024 / 64;
  const uint8_t *secret = XXH3_kSecret, *scrambling = secret + XXH_SECRET_DEFAULT_SIZE - 64;
  /* Sums before each block, and what the block adds to them. */
  uint64_t(*before)[lanes] = (uint64_t(*)[lanes])memory;
  uint64_t(*added)[lanes] = before + block_count + 1;
  memset(added, 0, (block_count + 1) * sizeof *added);
  const uint64_t start[lanes] = {XXH_PRIME32_3, XXH_PRIME64_1, XXH_PRIME64_2, XXH_PRIME64_3,
                                 XXH_PRIME64_4, XXH_PRIME32_2, XXH_PRIME64_5, XXH_PRIME32_1};
  memcpy(before[0], start, sizeof start);
  for (size_t block = 0; block < block_count; block++) {
    flip_add(added[block], bytes + 1024 * block, secret, 16);
    for (int lane = 0; lane < lanes; lane++) {
      before[block + 1][lane] =
          flip_scramble(before[block][lane] + added[block][lane], flip_read(scrambling + 8 * lane));
    }
  }
  flip_add(added[block_count], bytes + 1024 * block_count, secret, tail_stripes);
  flip_add(added[block_count], bytes + count - 64, scrambling - 7, 1);

  uint64_t merged[lanes / 2], all = count * (uint64_t)XXH_PRIME64_1;
  for (int lane = 0; lane < lanes; lane += 2) {
    merged[lane / 2] = flip_merge(before[block_count][lane] + added[block_count][lane],
                                  before[block_count][lane + 1] + added[block_count][lane + 1], lane);
    all += merged[lane / 2];
  }
  const uint64_t rest = flip_before_avalanche(wanted) - all;

  int64_t found = -1;
  const size_t alone = count - 64, stop = end < alone ? end : alone;
  for (size_t place = first & ~(size_t)7; place < stop && found < 0; place += 8) {
    const size_t block = place / 1024;
    const int lane = (int)(place / 8 % lanes), other = lane ^ 1;
    const uint64_t word = flip_read(bytes + place);
    const uint64_t key = flip_read(secret + 8 * (place % 1024 / 64) + 8 * lane);
    const uint64_t product = flip_product(word ^ key);
    const uint64_t own = before[block][lane] + added[block][lane] - product;
    const uint64_t others = before[block][other] + added[block][other] - word;
    uint64_t mine[word_bits], theirs[word_bits];
    for (int bit = 0; bit < word_bits; bit++) {
      const uint64_t flipped = word ^ ((uint64_t)1 << bit);
      mine[bit] = own + flip_product(flipped ^ key);
      theirs[bit] = others + flipped;
    }
    const uint64_t my_key = flip_read(scrambling + 8 * lane);
    const uint64_t their_key = flip_read(scrambling + 8 * other);
    for (size_t next = block; next < block_count; next++) {
      const uint64_t my_sum = added[next + 1][lane], their_sum = added[next + 1][other];
      for (int bit = 0; bit < word_bits; bit++) {
        mine[bit] = flip_scramble(mine[bit], my_key) + my_sum;
        theirs[bit] = flip_scramble(theirs[bit], their_key) + their_sum;
      }
    }
    const uint64_t target = rest + merged[lane / 2];
    for (int bit = 0; bit < word_bits && found < 0; bit++) {
      const uint64_t even = lane & 1 ? theirs[bit] : mine[bit];
      const uint64_t odd = lane & 1 ? mine[bit] : theirs[bit];
      const size_t byte = place + (size_t)bit / 8;
      if (byte >= first && byte < stop && flip_merge(even, odd, lane) == target) {
        found = (int64_t)(8 * place) + bit;
      }
    }
  }

  for (size_t byte = first > alone ? first : alone; byte < end && found < 0; byte++) {
    for (int bit = 0; bit < 8 && found < 0; bit++) {
      bytes[byte] ^= (uint8_t)(1 << bit);
      if (XXH3_64bits(bytes, count) == wanted) found = (int64_t)(8 * byte) + bit;
      bytes[byte] ^= (uint8_t)(1 << bit);
    }
  }
  return found;
}
