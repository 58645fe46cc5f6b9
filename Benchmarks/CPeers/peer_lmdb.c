// LMDB: integer keys in native order, MDB_APPEND, no clearing of fresh pages. Durable means a full
// sync per commit (data, then the meta page); visible means MDB_NOSYNC.

#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>

#include "peer_internal.h"

typedef struct {
  peer base;
  MDB_env *environment;
  MDB_dbi database;
  MDB_txn *reader;
} lmdb_peer;

// Address space, not disk space: the file grows with its contents.
static const size_t map_size = (size_t)64 << 30;

static int fail(lmdb_peer *peer, const char *operation, int code) {
  snprintf(peer->base.error, sizeof peer->base.error, "%s: %s", operation, mdb_strerror(code));
  return -1;
}

#define TEXT_OF(number) #number
#define VERSION_TEXT(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

static const char *lmdb_name(void) {
  return "LMDB " VERSION_TEXT(MDB_VERSION_MAJOR, MDB_VERSION_MINOR, MDB_VERSION_PATCH);
}

static void lmdb_close(peer *base) {
  lmdb_peer *peer = (lmdb_peer *)base;
  if (peer->reader != NULL) mdb_txn_abort(peer->reader);
  if (peer->environment != NULL) mdb_env_close(peer->environment);
  free(peer);
}

static void end_reading(lmdb_peer *peer) {
  if (peer->reader == NULL) return;
  mdb_txn_abort(peer->reader);
  peer->reader = NULL;
}

static int begin_reading(lmdb_peer *peer) {
  if (peer->reader != NULL) return 0;
  int code = mdb_txn_begin(peer->environment, NULL, MDB_RDONLY, &peer->reader);
  return code == 0 ? 0 : fail(peer, "mdb_txn_begin", code);
}

static int lmdb_append(peer *base, uint64_t first_key, const uint8_t *values, size_t count,
                       size_t size) {
  lmdb_peer *peer = (lmdb_peer *)base;
  end_reading(peer);
  MDB_txn *transaction;
  int code = mdb_txn_begin(peer->environment, NULL, 0, &transaction);
  if (code != 0) return fail(peer, "mdb_txn_begin", code);
  // One cursor per batch finds the last leaf once; for a single record mdb_put is cheaper.
  MDB_cursor *cursor = NULL;
  if (count > 1) code = mdb_cursor_open(transaction, peer->database, &cursor);
  for (size_t index = 0; index < count && code == 0; index++) {
    size_t key = first_key + index;
    MDB_val key_value = {sizeof key, &key};
    MDB_val value = {size, (void *)(values + index * size)};
    code = cursor != NULL ? mdb_cursor_put(cursor, &key_value, &value, MDB_APPEND)
                          : mdb_put(transaction, peer->database, &key_value, &value, MDB_APPEND);
  }
  if (cursor != NULL) mdb_cursor_close(cursor);
  if (code != 0) {
    mdb_txn_abort(transaction);
    return fail(peer, "mdb_put", code);
  }
  code = mdb_txn_commit(transaction);
  return code == 0 ? 0 : fail(peer, "mdb_txn_commit", code);
}

static int lmdb_prepare_reading(peer *base) {
  (void)base;
  return 0;
}

static int lmdb_read_all(peer *base, uint64_t *count, uint64_t *sum) {
  lmdb_peer *peer = (lmdb_peer *)base;
  if (begin_reading(peer) != 0) return -1;
  MDB_cursor *cursor;
  int code = mdb_cursor_open(peer->reader, peer->database, &cursor);
  if (code != 0) return fail(peer, "mdb_cursor_open", code);
  MDB_val key, value;
  uint64_t read = 0, total = 0;
  while ((code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
    total += *(const uint8_t *)value.mv_data;
    read += 1;
  }
  mdb_cursor_close(cursor);
  if (code != MDB_NOTFOUND) return fail(peer, "mdb_cursor_get", code);
  *count = read;
  *sum += total;
  return 0;
}

static int lmdb_read_one(peer *base, uint64_t key, uint64_t *sum) {
  lmdb_peer *peer = (lmdb_peer *)base;
  if (begin_reading(peer) != 0) return -1;
  size_t native_key = key;
  MDB_val key_value = {sizeof native_key, &native_key};
  MDB_val value;
  int code = mdb_get(peer->reader, peer->database, &key_value, &value);
  if (code != 0) return fail(peer, "mdb_get", code);
  *sum += *(const uint8_t *)value.mv_data;
  return 0;
}

static int lmdb_count(peer *base, uint64_t *count) {
  lmdb_peer *peer = (lmdb_peer *)base;
  if (begin_reading(peer) != 0) return -1;
  MDB_stat statistics;
  int code = mdb_stat(peer->reader, peer->database, &statistics);
  if (code != 0) return fail(peer, "mdb_stat", code);
  *count = statistics.ms_entries;
  return 0;
}

const peer_operations lmdb_operations = {
    lmdb_name,     lmdb_append,   lmdb_prepare_reading, lmdb_read_all,
    lmdb_read_one, lmdb_count,    lmdb_close,
};

peer *lmdb_peer_open(const char *directory, peer_durability durability, char *message,
                     size_t message_size) {
  lmdb_peer *peer = calloc(1, sizeof *peer);
  if (peer == NULL) return NULL;
  peer->base.operations = &lmdb_operations;
  unsigned flags = MDB_NOMEMINIT | (durability == PEER_VISIBLE ? MDB_NOSYNC : 0);
  MDB_txn *transaction = NULL;
  int code = mdb_env_create(&peer->environment);
  if (code == 0) code = mdb_env_set_mapsize(peer->environment, map_size);
  if (code == 0) code = mdb_env_open(peer->environment, directory, flags, 0600);
  if (code == 0) code = mdb_txn_begin(peer->environment, NULL, 0, &transaction);
  if (code == 0) {
    code = mdb_dbi_open(transaction, NULL, MDB_INTEGERKEY | MDB_CREATE, &peer->database);
    if (code == 0) code = mdb_txn_commit(transaction);
    else mdb_txn_abort(transaction);
  }
  if (code == 0) return &peer->base;
  snprintf(message, message_size, "LMDB: %s", mdb_strerror(code));
  lmdb_close(&peer->base);
  return NULL;
}
