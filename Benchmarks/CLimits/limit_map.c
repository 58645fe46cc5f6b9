#include "limit_map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

// From xxh_x86dispatch.h, which cannot be combined with the inlined header: picks AVX at run time.
extern XXH64_hash_t XXH3_64bits_dispatch(const void *input, size_t size);

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

enum { preamble_size = 4096, header_size = 24, short_hash_size = 240 };

typedef struct {
  uint64_t size;
  uint64_t sequence;
  uint64_t hash;
} record_header;

struct limit_map {
  int descriptor;
  uint8_t *base;
  uint64_t capacity;
  uint64_t position;
  uint64_t sequence;
  _Atomic uint64_t *published;
};

static inline uint64_t hash_payload(const uint8_t *bytes, size_t size) {
#if defined(__x86_64__)
  if (size > short_hash_size) return XXH3_64bits_dispatch(bytes, size);
#endif
  return XXH3_64bits(bytes, size);
}

static inline uint64_t stride_of(size_t size) {
  return (header_size + (uint64_t)size + 7) & ~(uint64_t)7;
}

int limit_map_open(const char *path, uint64_t capacity, bool populated, limit_map **result) {
  limit_map *map = calloc(1, sizeof *map);
  if (map == NULL) return ENOMEM;
  map->capacity = preamble_size + ((capacity + 4095) & ~(uint64_t)4095);
  map->base = MAP_FAILED;
  map->descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  int failure = map->descriptor < 0 ? errno : 0;
  if (failure == 0) failure = posix_fallocate(map->descriptor, 0, (off_t)map->capacity);
  if (failure == 0) {
    map->base =
        mmap(NULL, map->capacity, PROT_READ | PROT_WRITE, MAP_SHARED, map->descriptor, 0);
    if (map->base == MAP_FAILED) failure = errno;
  }
  if (failure == 0 && populated && madvise(map->base, map->capacity, MADV_POPULATE_WRITE) != 0) {
    // A kernel before 5.14: touch the pages by hand.
    for (uint64_t page = 0; page < map->capacity; page += 4096) {
      ((volatile uint8_t *)map->base)[page] = 0;
    }
  }
  if (failure != 0) {
    limit_map_close(map);
    return failure;
  }
  map->published = (_Atomic uint64_t *)map->base;
  map->position = preamble_size;
  *result = map;
  return 0;
}

void limit_map_append_batches(limit_map *map, const uint8_t *payloads, size_t payload_count,
                              size_t size, uint64_t batch_count, uint64_t count) {
  const uint64_t stride = stride_of(size);
  uint8_t *const base = map->base;
  uint64_t position = map->position, sequence = map->sequence;
  size_t turn = sequence % payload_count;
  uint64_t until_publish = batch_count;
  for (uint64_t index = 0; index < count; index++) {
    if (__builtin_expect(position + stride > map->capacity, 0)) position = preamble_size;
    const uint8_t *payload = payloads + turn * size;
    if (++turn == payload_count) turn = 0;
    uint8_t *record = base + position;
    memcpy(record + header_size, payload, size);
    record_header header = {size, sequence, hash_payload(payload, size)};
    memcpy(record, &header, sizeof header);
    position += stride;
    sequence += 1;
    if (--until_publish == 0) {
      atomic_store_explicit(map->published, position, memory_order_release);
      until_publish = batch_count;
    }
  }
  atomic_store_explicit(map->published, position, memory_order_release);
  map->position = position;
  map->sequence = sequence;
}

void limit_map_append(limit_map *map, const uint8_t *payloads, size_t payload_count, size_t size,
                      uint64_t count) {
  limit_map_append_batches(map, payloads, payload_count, size, 1, count);
}

int64_t limit_map_scan(limit_map *map, bool verified, uint64_t *sum) {
  const uint64_t end = atomic_load_explicit(map->published, memory_order_acquire);
  uint64_t position = preamble_size, total = 0;
  int64_t count = 0;
  while (position < end) {
    const uint8_t *record = map->base + position;
    record_header header;
    memcpy(&header, record, sizeof header);
    if (header.size > end - position - header_size) return -1;
    if (verified && hash_payload(record + header_size, header.size) != header.hash) return -1;
    total += record[header_size];
    position += stride_of(header.size);
    count += 1;
  }
  *sum += total;
  return count;
}

uint64_t limit_map_read(limit_map *map, uint64_t index, size_t size) {
  const uint8_t *record = map->base + preamble_size + index * stride_of(size);
  record_header header;
  memcpy(&header, record, sizeof header);
  return header.size == size ? record[header_size] : 0;
}

void limit_map_close(limit_map *map) {
  if (map->base != MAP_FAILED) munmap(map->base, map->capacity);
  if (map->descriptor >= 0) close(map->descriptor);
  free(map);
}
