// LevelDB: no compression, a 64 MiB write buffer, a cache that holds the data.

#include <leveldb/cache.h>
#include <leveldb/db.h>
#include <leveldb/options.h>
#include <leveldb/write_batch.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "peer_internal.h"

namespace {

struct LevelPeer {
  peer base;
  std::unique_ptr<leveldb::Cache> cache;  // outlives the database, which uses it
  std::unique_ptr<leveldb::DB> database;
  leveldb::WriteOptions write_options;
  leveldb::ReadOptions read_options;
  leveldb::WriteBatch batch;
  std::string value;
};

LevelPeer *as_level(peer *base) { return reinterpret_cast<LevelPeer *>(base); }

int check(LevelPeer *peer, const leveldb::Status &status) {
  if (status.ok()) return 0;
  std::snprintf(peer->base.error, sizeof peer->base.error, "%s", status.ToString().c_str());
  return -1;
}

const char *level_name() {
  static const std::string name = "LevelDB " + std::to_string(leveldb::kMajorVersion) + "." +
                                  std::to_string(leveldb::kMinorVersion);
  return name.c_str();
}

int level_append(peer *base, uint64_t first_key, const uint8_t *values, size_t count,
                 size_t size) {
  LevelPeer *peer = as_level(base);
  peer->batch.Clear();
  char key[8];
  for (size_t index = 0; index < count; index++) {
    peer_encode_key(first_key + index, key);
    leveldb::Slice value(reinterpret_cast<const char *>(values) + index * size, size);
    peer->batch.Put(leveldb::Slice(key, sizeof key), value);
  }
  return check(peer, peer->database->Write(peer->write_options, &peer->batch));
}

int level_prepare_reading(peer *base) {
  LevelPeer *peer = as_level(base);
  peer->database->CompactRange(nullptr, nullptr);
  return 0;
}

int level_read_all(peer *base, uint64_t *count, uint64_t *sum) {
  LevelPeer *peer = as_level(base);
  std::unique_ptr<leveldb::Iterator> iterator(peer->database->NewIterator(peer->read_options));
  uint64_t read = 0, total = 0;
  for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next()) {
    total += static_cast<uint8_t>(iterator->value()[0]);
    read += 1;
  }
  *count = read;
  *sum += total;
  return check(peer, iterator->status());
}

int level_read_one(peer *base, uint64_t key, uint64_t *sum) {
  LevelPeer *peer = as_level(base);
  char bytes[8];
  peer_encode_key(key, bytes);
  leveldb::Status status = peer->database->Get(
      peer->read_options, leveldb::Slice(bytes, sizeof bytes), &peer->value);
  if (status.ok()) *sum += static_cast<uint8_t>(peer->value[0]);
  return check(peer, status);
}

int level_count(peer *base, uint64_t *count) {
  uint64_t sum = 0;
  return level_read_all(base, count, &sum);
}

void level_close(peer *base) { delete as_level(base); }

}  // namespace

extern "C" {

const peer_operations leveldb_operations = {
    level_name,     level_append, level_prepare_reading, level_read_all,
    level_read_one, level_count,  level_close,
};

peer *leveldb_peer_open(const char *directory, peer_durability durability, char *message,
                        size_t message_size) {
  auto peer = std::make_unique<LevelPeer>();
  std::memset(&peer->base, 0, sizeof peer->base);
  peer->base.operations = &leveldb_operations;
  peer->cache.reset(leveldb::NewLRUCache(size_t{1} << 30));
  leveldb::Options options;
  options.create_if_missing = true;
  options.compression = leveldb::kNoCompression;
  options.write_buffer_size = size_t{64} << 20;
  options.block_cache = peer->cache.get();
  peer->write_options.sync = durability == PEER_DURABLE;
  leveldb::DB *database = nullptr;
  leveldb::Status status = leveldb::DB::Open(options, directory, &database);
  if (!status.ok()) {
    std::snprintf(message, message_size, "LevelDB: %s", status.ToString().c_str());
    return nullptr;
  }
  peer->database.reset(database);
  return &peer.release()->base;
}

}
