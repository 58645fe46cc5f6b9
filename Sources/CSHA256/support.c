// Which kernels this machine can run.

#include "CSHA256.h"

#if defined(__x86_64__)
#include <cpuid.h>

#define SHA_BIT (1u << 29)
#define AVX512F_BIT (1u << 16)
#define AVX512BW_BIT (1u << 30)
#define AVX512VL_BIT (1u << 31)

// The registers that the operating system saves for a thread.
static unsigned saved_registers(void) {
  unsigned low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

static int find_kernels(void) {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return PIPEROLL_SHA256_PORTABLE;
  const int has_sse41 = (c & bit_SSE4_1) != 0 && (c & bit_SSSE3) != 0;
  const int saves_state = (c & bit_OSXSAVE) != 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return PIPEROLL_SHA256_PORTABLE;
  const int has_sha = has_sse41 && (b & SHA_BIT) != 0;
  const unsigned wide = AVX512F_BIT | AVX512BW_BIT | AVX512VL_BIT;
  // XMM, YMM, opmask and both halves of the ZMM registers.
  const int has_wide = saves_state && (b & wide) == wide && (saved_registers() & 0xe6) == 0xe6;
  return (has_sha ? 1 << PIPEROLL_SHA256_SHA_NI : 0)
    | (has_wide ? 1 << PIPEROLL_SHA256_AVX512 : 0);
}
#endif

bool piperoll_sha256_is_supported(int kernel) {
  if (kernel == PIPEROLL_SHA256_PORTABLE || kernel == PIPEROLL_SHA256_PLAIN) return true;
#if defined(__x86_64__)
  // Two threads that look at once find the same.
  static int found = -1;
  int known = __atomic_load_n(&found, __ATOMIC_RELAXED);
  if (known < 0) {
    known = find_kernels();
    __atomic_store_n(&found, known, __ATOMIC_RELAXED);
  }
  return kernel > 0 && kernel <= PIPEROLL_SHA256_AVX512 && (known >> kernel & 1) != 0;
#else
  return false;
#endif
}
