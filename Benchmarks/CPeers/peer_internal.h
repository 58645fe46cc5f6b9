#ifndef PIPEROLL_PEER_INTERNAL_H
#define PIPEROLL_PEER_INTERNAL_H

#include "peers.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  const char *(*name)(void);
  int (*append)(peer *peer, uint64_t first_key, const uint8_t *values, size_t count, size_t size);
  int (*prepare_reading)(peer *peer);
  int (*read_all)(peer *peer, uint64_t *count, uint64_t *sum);
  int (*read_one)(peer *peer, uint64_t key, uint64_t *sum);
  int (*count)(peer *peer, uint64_t *count);
  void (*close)(peer *peer);
} peer_operations;

// The first member of every store's own struct.
struct peer {
  const peer_operations *operations;
  char error[256];
};

extern const peer_operations rocksdb_operations, leveldb_operations, lmdb_operations,
    sqlite_operations;

peer *rocksdb_peer_open(const char *directory, peer_durability durability, char *message,
                        size_t message_size);
peer *leveldb_peer_open(const char *directory, peer_durability durability, char *message,
                        size_t message_size);
peer *lmdb_peer_open(const char *directory, peer_durability durability, char *message,
                     size_t message_size);
peer *sqlite_peer_open(const char *directory, peer_durability durability, char *message,
                       size_t message_size);

static inline void peer_encode_key(uint64_t key, char bytes[8]) {
  uint64_t big_endian = __builtin_bswap64(key);
  __builtin_memcpy(bytes, &big_endian, 8);
}

#ifdef __cplusplus
}
#endif

#endif
