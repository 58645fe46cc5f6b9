#include "peers.h"

#include "peer_internal.h"

const char *peer_name(peer_kind kind) {
  switch (kind) {
    case PEER_ROCKSDB: return rocksdb_operations.name();
    case PEER_LEVELDB: return leveldb_operations.name();
    case PEER_LMDB: return lmdb_operations.name();
    case PEER_SQLITE: return sqlite_operations.name();
  }
  return "unknown";
}

peer *peer_open(peer_kind kind, const char *directory, peer_durability durability, char *message,
                size_t message_size) {
  switch (kind) {
    case PEER_ROCKSDB: return rocksdb_peer_open(directory, durability, message, message_size);
    case PEER_LEVELDB: return leveldb_peer_open(directory, durability, message, message_size);
    case PEER_LMDB: return lmdb_peer_open(directory, durability, message, message_size);
    case PEER_SQLITE: return sqlite_peer_open(directory, durability, message, message_size);
  }
  return NULL;
}

const char *peer_error(const peer *peer) { return peer->error; }

int peer_append(peer *peer, uint64_t first_key, const uint8_t *values, size_t count, size_t size) {
  return peer->operations->append(peer, first_key, values, count, size);
}

int peer_prepare_reading(peer *peer) { return peer->operations->prepare_reading(peer); }

int peer_read_all(peer *peer, uint64_t *count, uint64_t *sum) {
  return peer->operations->read_all(peer, count, sum);
}

int peer_read_one(peer *peer, uint64_t key, uint64_t *sum) {
  return peer->operations->read_one(peer, key, sum);
}

int peer_count(peer *peer, uint64_t *count) { return peer->operations->count(peer, count); }

void peer_close(peer *peer) { peer->operations->close(peer); }
