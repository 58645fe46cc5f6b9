#ifndef PIPEROLL_LIMIT_MEMORY_H
#define PIPEROLL_LIMIT_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/// Copies `total` bytes in chunks of `chunk` bytes, from a source of `span` bytes to a target of
/// `span` bytes, both walked from front to back again and again. `span` is a multiple of `chunk`.
void limit_copy(uint8_t *target, const uint8_t *source, size_t span, size_t chunk, uint64_t total);

#endif
