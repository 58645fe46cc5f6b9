#define _GNU_SOURCE
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

// Of Swift's runtime: what CommandLine has.
void _swift_stdlib_overrideUnsafeArgvArgc(char **arguments, int count);

// Swift's runtime reads the arguments of the program from /proc, and its own folder too; without /proc it
// has no arguments and ends the program. It is told both here, before its own constructors run.
__attribute__((constructor(101))) static void tell_runtime(int count, char **arguments) {
  setenv("SWIFT_ROOT", "/", 0);
  _swift_stdlib_overrideUnsafeArgvArgc(arguments, count);
}

bool piperoll_is_static_program(void) { return true; }

#else

bool piperoll_is_static_program(void) { return false; }

#endif
