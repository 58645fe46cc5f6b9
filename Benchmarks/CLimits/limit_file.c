#include "limit_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { source_size = 1 << 20 };

struct limit_file {
  int descriptor;
  uint64_t capacity;
  uint64_t position;
  uint8_t *source;
};

static int write_fully(int descriptor, const uint8_t *bytes, size_t size, uint64_t position) {
  while (size > 0) {
    ssize_t written = pwrite(descriptor, bytes, size, (off_t)position);
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    bytes += written;
    size -= (size_t)written;
    position += (uint64_t)written;
  }
  return 0;
}

static int prepare(limit_file *file, limit_preparation preparation, size_t fill_size) {
  int failure = posix_fallocate(file->descriptor, 0, (off_t)file->capacity);
  if (failure != 0 || preparation == LIMIT_FALLOCATED) return failure;
  uint64_t position = 0;
  while (position < file->capacity) {
    uint64_t rest = file->capacity - position;
    size_t size = rest < fill_size ? (size_t)rest : fill_size;
    failure = write_fully(file->descriptor, file->source, size, position);
    if (failure != 0) return failure;
    position += size;
  }
  return fsync(file->descriptor) == 0 ? 0 : errno;
}

int limit_file_open(const char *path, uint64_t capacity, limit_preparation preparation,
                    size_t fill_size, bool direct, limit_file **result) {
  if (fill_size == 0 || fill_size > source_size) return EINVAL;
  limit_file *file = calloc(1, sizeof *file);
  if (file == NULL) return ENOMEM;
  file->capacity = capacity;
  file->descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file->descriptor < 0) {
    int failure = errno;
    free(file);
    return failure;
  }
  int failure = posix_memalign((void **)&file->source, 4096, source_size);
  if (failure == 0) {
    uint32_t state = 1;
    for (size_t index = 0; index < source_size; index++) {
      state = state * 1664525u + 1013904223u;
      file->source[index] = (uint8_t)(state >> 24);
    }
    failure = prepare(file, preparation, fill_size);
  }
  if (failure == 0 && direct) {
    // Filled through the cache, measured past it.
    int flags = fcntl(file->descriptor, F_GETFL);
    if (flags < 0 || fcntl(file->descriptor, F_SETFL, flags | O_DIRECT) < 0) failure = errno;
  }
  if (failure != 0) {
    limit_file_close(file);
    return failure;
  }
  *result = file;
  return 0;
}

static uint64_t take_position(limit_file *file, size_t size) {
  if (file->position + size > file->capacity) file->position = 0;
  uint64_t position = file->position;
  file->position += size;
  return position;
}

int limit_file_write(limit_file *file, size_t size, uint64_t count) {
  if (size > source_size || size > file->capacity) return EINVAL;
  for (uint64_t index = 0; index < count; index++) {
    if (file->position + size > file->capacity) {
      if (lseek(file->descriptor, 0, SEEK_SET) < 0) return errno;
      file->position = 0;
    }
    ssize_t written = write(file->descriptor, file->source, size);
    if (written != (ssize_t)size) return written < 0 ? errno : EIO;
    file->position += size;
  }
  return 0;
}

int limit_file_pwrite_datasync(limit_file *file, size_t size, uint64_t count) {
  if (size > source_size || size > file->capacity) return EINVAL;
  for (uint64_t index = 0; index < count; index++) {
    uint64_t position = take_position(file, size);
    int failure = write_fully(file->descriptor, file->source, size, position);
    if (failure != 0) return failure;
    if (fdatasync(file->descriptor) != 0) return errno;
  }
  return 0;
}

int limit_file_pwritev2_dsync(limit_file *file, size_t size, uint64_t count) {
  if (size > source_size || size > file->capacity) return EINVAL;
  struct iovec vector = {.iov_base = file->source, .iov_len = size};
  for (uint64_t index = 0; index < count; index++) {
    off_t position = (off_t)take_position(file, size);
    ssize_t written = pwritev2(file->descriptor, &vector, 1, position, RWF_DSYNC);
    if (written != (ssize_t)size) return written < 0 ? errno : EIO;
  }
  return 0;
}

void limit_file_close(limit_file *file) {
  close(file->descriptor);
  free(file->source);
  free(file);
}
