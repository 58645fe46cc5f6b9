#include "CStaticProgram.h"

#ifdef PIPEROLL_STATIC

#include <netdb.h>
#include <stddef.h>
#include <stdlib.h>

// libcrypto and Swift's runtime name these functions and never need them here. Those of glibc load shared
// libraries of the machine, even in a static program, and must then be of the same glibc.

void *dlopen(const char *path, int flags) {
  (void)path, (void)flags;
  return NULL;
}

int getaddrinfo(
  const char *restrict host, const char *restrict service, const struct addrinfo *restrict hints,
  struct addrinfo **restrict found) {
  (void)host, (void)service, (void)hints, (void)found;
  return EAI_FAIL;
}

void freeaddrinfo(struct addrinfo *list) { (void)list; }

struct hostent *gethostbyname(const char *host) {
  (void)host;
  return NULL;
}

// Swift's runtime looks for its own folder when it starts, in /proc, and ends the program where there is
// none. Told a folder, it does not look. Runs before the constructors of the runtime.
__attribute__((constructor(101))) static void name_folder_of_runtime(void) {
  setenv("SWIFT_ROOT", "/", 0);
}

bool piperoll_is_static_program(void) { return true; }

#else

bool piperoll_is_static_program(void) { return false; }

#endif
