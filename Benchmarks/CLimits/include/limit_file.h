#ifndef PIPEROLL_LIMIT_FILE_H
#define PIPEROLL_LIMIT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// A file that plain system calls write from front to back, starting over at its capacity.
/// For one thread. Functions that return int give 0 or the number of the error.
typedef struct limit_file limit_file;

/// How the blocks of a file are made ready before it is measured.
typedef enum {
  /// Reserved by fallocate: blocks are unwritten extents, pages are not in the cache.
  LIMIT_FALLOCATED,
  /// Written once and synced, with calls of the size given at opening.
  LIMIT_PREWRITTEN,
} limit_preparation;

/// Creates a file. With `direct` it is opened with O_DIRECT: sizes must then be multiples of 4096.
/// `fill_size` is the size of one write while filling; it decides how large the cached folios are.
int limit_file_open(const char *path, uint64_t capacity, limit_preparation preparation,
                    size_t fill_size, bool direct, limit_file **result);

/// `count` calls of write(2) with `size` bytes each.
int limit_file_write(limit_file *file, size_t size, uint64_t count);

/// `count` times pwrite(2) and then fdatasync(2).
int limit_file_pwrite_datasync(limit_file *file, size_t size, uint64_t count);

/// `count` calls of pwritev2(2) with RWF_DSYNC.
int limit_file_pwritev2_dsync(limit_file *file, size_t size, uint64_t count);

/// Closes the file and leaves it on disk.
void limit_file_close(limit_file *file);

#endif
