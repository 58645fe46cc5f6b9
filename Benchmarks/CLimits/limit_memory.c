#include "limit_memory.h"

#include <string.h>

void limit_copy(uint8_t *target, const uint8_t *source, size_t span, size_t chunk,
                uint64_t total) {
  size_t position = 0;
  for (uint64_t copied = 0; copied < total; copied += chunk) {
    memcpy(target + position, source + position, chunk);
    // Keeps the compiler from dropping a copy that a later one overwrites.
    __asm__ volatile("" : : "r"(target) : "memory");
    position += chunk;
    if (position + chunk > span) position = 0;
  }
}
