#ifndef PIPEROLL_PEERS_H
#define PIPEROLL_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The stores the log is compared with, each used as a log: keys are 0, 1, 2 … and only grow.
typedef enum { PEER_ROCKSDB, PEER_LEVELDB, PEER_LMDB, PEER_SQLITE } peer_kind;

/// What holds when an append returns.
typedef enum {
  /// Readers see the batch; it survives the process at best, not the machine.
  PEER_VISIBLE,
  /// The batch is on the disk.
  PEER_DURABLE,
} peer_durability;

/// An open store. For one thread. Functions that return int give 0, or -1 with a `peer_error`.
typedef struct peer peer;

/// The name and version of a store's library.
const char *peer_name(peer_kind kind);

/// Opens a store in an existing, empty directory. On failure returns null and writes a message.
peer *peer_open(peer_kind kind, const char *directory, peer_durability durability, char *message,
                size_t message_size);

/// The reason the last call failed.
const char *peer_error(const peer *peer);

/// Appends `count` records of `size` bytes as one atomic batch, with the keys from `first_key` on.
/// The values lie one after the other.
int peer_append(peer *peer, uint64_t first_key, const uint8_t *values, size_t count, size_t size);

/// Makes a filled store ready for reading: memory tables are flushed to files.
int peer_prepare_reading(peer *peer);

/// Reads all records in order, adding the first byte of each value to `sum`.
int peer_read_all(peer *peer, uint64_t *count, uint64_t *sum);

/// Reads one record by key, adding its first byte to `sum`; a missing key is a failure.
int peer_read_one(peer *peer, uint64_t key, uint64_t *sum);

/// Counts the records that are stored.
int peer_count(peer *peer, uint64_t *count);

/// Closes the store; its files stay.
void peer_close(peer *peer);

#endif
