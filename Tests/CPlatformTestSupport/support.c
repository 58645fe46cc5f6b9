#define _GNU_SOURCE
#include "CPlatformTestSupport.h"

#include <errno.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

int32_t piperoll_test_in_child(int32_t (*body)(void *context), void *context) {
  pid_t child = fork();
  if (child == 0) _exit(body(context));
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int32_t piperoll_test_mount_tmpfs(const char *path, const char *options) {
  return mount("none", path, "tmpfs", 0, options);
}

int32_t piperoll_test_unmount(const char *path) { return umount2(path, MNT_DETACH); }

int32_t piperoll_test_set_default_acl(const char *path, const uint8_t *bytes, int64_t count) {
  return setxattr(path, "system.posix_acl_default", bytes, (size_t)count, 0);
}

static int32_t bus_error_status = 0;

static void leave(int number, siginfo_t *info, void *context) {
  (void)number, (void)info, (void)context;
  _exit(bus_error_status);
}

void piperoll_test_exit_on_bus_error(int32_t status) {
  bus_error_status = status;
  struct sigaction action = {.sa_sigaction = leave, .sa_flags = SA_SIGINFO};
  sigaction(SIGBUS, &action, NULL);
}

static void ignore(int number) { (void)number; }

void piperoll_test_interrupt_every(int64_t microseconds) {
  struct sigaction action = {.sa_handler = ignore};
  sigaction(SIGALRM, &action, NULL);
  struct itimerval timer = {{0, microseconds}, {0, microseconds}};
  setitimer(ITIMER_REAL, &timer, NULL);
}

void piperoll_test_reset_file_size_signal(void) { signal(SIGXFSZ, SIG_DFL); }

int32_t piperoll_test_file_size_signal_is_ignored(void) {
  struct sigaction action;
  return sigaction(SIGXFSZ, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static int32_t set_soft_limit(int resource, uint64_t value) {
  struct rlimit limit;
  if (getrlimit(resource, &limit) != 0) return -1;
  limit.rlim_cur = value < limit.rlim_max ? value : limit.rlim_max;
  return setrlimit(resource, &limit);
}

int32_t piperoll_test_limit_open_files(uint64_t count) {
  return set_soft_limit(RLIMIT_NOFILE, count);
}

int32_t piperoll_test_limit_file_size(uint64_t byte_count) {
  return set_soft_limit(RLIMIT_FSIZE, byte_count);
}
