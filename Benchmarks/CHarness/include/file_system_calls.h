#ifndef PIPEROLL_FILE_SYSTEM_CALLS_H
#define PIPEROLL_FILE_SYSTEM_CALLS_H

#include <sys/sysmacros.h>
#include <sys/types.h>

/// The two halves of a device number, which the system has as macros only.
static inline unsigned harness_device_major(dev_t device) { return major(device); }
static inline unsigned harness_device_minor(dev_t device) { return minor(device); }

/// syncfs(2), which the system declares as an extension only.
int harness_synchronize_file_system(int descriptor);

#endif
