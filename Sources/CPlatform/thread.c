#define _GNU_SOURCE
#include "CPlatform.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct start {
  void (*body)(void *context);
  void *context;
  char name[16];
};

static void *run(void *argument) {
  struct start start = *(struct start *)argument;
  free(argument);
  pthread_setname_np(pthread_self(), start.name);
  start.body(start.context);
  return NULL;
}

/* Signals of the host go to the host's own threads; faults and the profiler's clock stay open. */
static void fill_mask(sigset_t *mask) {
  static const int open[] = {SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPROF};
  sigfillset(mask);
  for (size_t index = 0; index < sizeof open / sizeof open[0]; index++) {
    sigdelset(mask, open[index]);
  }
}

int piperoll_thread_start(pthread_t *thread, const char *name, size_t stack_byte_count,
                          void (*body)(void *context), void *context) {
  struct start *start = malloc(sizeof *start);
  if (start == NULL) return ENOMEM;
  start->body = body;
  start->context = context;
  strncpy(start->name, name, sizeof start->name - 1);
  start->name[sizeof start->name - 1] = 0;

  pthread_attr_t attributes;
  int error = pthread_attr_init(&attributes);
  if (error == 0) {
    sigset_t mask;
    fill_mask(&mask);
    error = pthread_attr_setstacksize(&attributes, stack_byte_count);
    if (error == 0) error = pthread_attr_setsigmask_np(&attributes, &mask);
    if (error == 0) error = pthread_create(thread, &attributes, run, start);
    pthread_attr_destroy(&attributes);
  }
  if (error != 0) free(start);
  return error;
}
