/* What tests need from C: `fork` is not importable, nor are `mount`, `setxattr` and `sigaction`. */
#ifndef PIPEROLL_CPLATFORM_TEST_SUPPORT_H
#define PIPEROLL_CPLATFORM_TEST_SUPPORT_H

#include <stdint.h>

#pragma clang assume_nonnull begin

/* Runs body(context) in a forked child; answers what it returned (0 to 255), or minus the signal
   that ended it. The child may call only what is safe after a fork. */
int32_t piperoll_test_in_child(int32_t (*body)(void *context), void *context);

/* Mounts and unmounts a tmpfs; 0 or -1 and errno. */
int32_t piperoll_test_mount_tmpfs(const char *path, const char *options);
int32_t piperoll_test_unmount(const char *path);

/* Sets the default access control list of a directory, as linux/posix_acl_xattr.h has it; 0 or -1. */
int32_t piperoll_test_set_default_acl(const char *path, const uint8_t *bytes, int64_t count);

/* Installs a SIGBUS handler that ends the process with a status. */
void piperoll_test_exit_on_bus_error(int32_t status);

/* Interrupts system calls by a signal every so many microseconds, without restarting them. */
void piperoll_test_interrupt_every(int64_t microseconds);

/* Sets SIGXFSZ to its default action. */
void piperoll_test_reset_file_size_signal(void);
/* SIGXFSZ is ignored. */
int32_t piperoll_test_file_size_signal_is_ignored(void);

/* Sets the soft limit of RLIMIT_NOFILE or RLIMIT_FSIZE, at most to the hard one. */
int32_t piperoll_test_limit_open_files(uint64_t count);
int32_t piperoll_test_limit_file_size(uint64_t byte_count);

#pragma clang assume_nonnull end
#endif
