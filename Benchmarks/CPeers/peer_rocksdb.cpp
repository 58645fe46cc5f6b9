// RocksDB: write-ahead log on, no compression, one writer thread, a cache that holds the data.

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/version.h>
#include <rocksdb/write_batch.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "peer_internal.h"

namespace {

struct RocksPeer {
  peer base;
  std::unique_ptr<rocksdb::DB> database;
  rocksdb::WriteOptions write_options;
  rocksdb::ReadOptions read_options;
  rocksdb::WriteBatch batch;
  rocksdb::PinnableSlice value;
};

RocksPeer *as_rocks(peer *base) { return reinterpret_cast<RocksPeer *>(base); }

int check(RocksPeer *peer, const rocksdb::Status &status) {
  if (status.ok()) return 0;
  std::snprintf(peer->base.error, sizeof peer->base.error, "%s", status.ToString().c_str());
  return -1;
}

const char *rocks_name() {
  static const std::string name = "RocksDB " + std::to_string(ROCKSDB_MAJOR) + "." +
                                  std::to_string(ROCKSDB_MINOR) + "." +
                                  std::to_string(ROCKSDB_PATCH);
  return name.c_str();
}

int rocks_append(peer *base, uint64_t first_key, const uint8_t *values, size_t count,
                 size_t size) {
  RocksPeer *peer = as_rocks(base);
  peer->batch.Clear();
  char key[8];
  for (size_t index = 0; index < count; index++) {
    peer_encode_key(first_key + index, key);
    rocksdb::Slice value(reinterpret_cast<const char *>(values) + index * size, size);
    peer->batch.Put(rocksdb::Slice(key, sizeof key), value);
  }
  return check(peer, peer->database->Write(peer->write_options, &peer->batch));
}

int rocks_prepare_reading(peer *base) {
  RocksPeer *peer = as_rocks(base);
  return check(peer, peer->database->Flush(rocksdb::FlushOptions()));
}

int rocks_read_all(peer *base, uint64_t *count, uint64_t *sum) {
  RocksPeer *peer = as_rocks(base);
  std::unique_ptr<rocksdb::Iterator> iterator(peer->database->NewIterator(peer->read_options));
  uint64_t read = 0, total = 0;
  for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next()) {
    total += static_cast<uint8_t>(iterator->value()[0]);
    read += 1;
  }
  *count = read;
  *sum += total;
  return check(peer, iterator->status());
}

int rocks_read_one(peer *base, uint64_t key, uint64_t *sum) {
  RocksPeer *peer = as_rocks(base);
  char bytes[8];
  peer_encode_key(key, bytes);
  peer->value.Reset();
  rocksdb::Status status =
      peer->database->Get(peer->read_options, peer->database->DefaultColumnFamily(),
                          rocksdb::Slice(bytes, sizeof bytes), &peer->value);
  if (status.ok()) *sum += static_cast<uint8_t>(peer->value[0]);
  return check(peer, status);
}

int rocks_count(peer *base, uint64_t *count) {
  uint64_t sum = 0;
  return rocks_read_all(base, count, &sum);
}

void rocks_close(peer *base) { delete as_rocks(base); }

}  // namespace

extern "C" {

const peer_operations rocksdb_operations = {
    rocks_name,     rocks_append, rocks_prepare_reading, rocks_read_all,
    rocks_read_one, rocks_count,  rocks_close,
};

peer *rocksdb_peer_open(const char *directory, peer_durability durability, char *message,
                        size_t message_size) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(size_t{1} << 30);
  rocksdb::Options options;
  options.create_if_missing = true;
  options.compression = rocksdb::kNoCompression;
  options.allow_concurrent_memtable_write = false;  // one writer: the plain insertion is cheaper
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.info_log_level = rocksdb::InfoLogLevel::ERROR_LEVEL;
  auto peer = std::make_unique<RocksPeer>();
  std::memset(&peer->base, 0, sizeof peer->base);
  peer->base.operations = &rocksdb_operations;
  peer->write_options.sync = durability == PEER_DURABLE;
  rocksdb::DB *database = nullptr;
  rocksdb::Status status = rocksdb::DB::Open(options, directory, &database);
  if (!status.ok()) {
    std::snprintf(message, message_size, "RocksDB: %s", status.ToString().c_str());
    return nullptr;
  }
  peer->database.reset(database);
  return &peer.release()->base;
}

}
