#ifndef PIPEROLL_LIMIT_MAP_H
#define PIPEROLL_LIMIT_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// A mapped file of framed records: a 24-byte header (size, sequence, XXH3-64 of the payload), the
/// payload, padding to 8 bytes; the end is published by one release store. For one thread.
typedef struct limit_map limit_map;

/// Creates, reserves and maps a file; with `populated` every page is made writable beforehand.
/// Returns 0 or the number of the error.
int limit_map_open(const char *path, uint64_t capacity, bool populated, limit_map **result);

/// Appends `count` records of `size` bytes, taken in turn from `payload_count` payloads that lie
/// one after the other. Starts over at the front when the file is full.
void limit_map_append(limit_map *map, const uint8_t *payloads, size_t payload_count, size_t size,
                      uint64_t count);

/// As `limit_map_append`, publishing the end once every `batch_count` records.
void limit_map_append_batches(limit_map *map, const uint8_t *payloads, size_t payload_count,
                              size_t size, uint64_t batch_count, uint64_t count);

/// Walks all records from the front, adding the first byte of each to `sum`, and hashing each
/// payload when `verified`. Returns the number of records, or -1 when a hash does not match.
int64_t limit_map_scan(limit_map *map, bool verified, uint64_t *sum);

/// The first byte of one record; all records must have the same `size`.
uint64_t limit_map_read(limit_map *map, uint64_t index, size_t size);

/// Unmaps and closes; the file stays on disk.
void limit_map_close(limit_map *map);

#endif
