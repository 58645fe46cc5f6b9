// SQLite: a rowid table, write-ahead log, prepared statements, one transaction per batch. Durable
// is synchronous=FULL (a sync per commit), visible is synchronous=NORMAL (a sync per checkpoint).

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "peer_internal.h"

typedef struct {
  peer base;
  sqlite3 *connection;
  sqlite3_stmt *begin, *commit, *insert, *read_all, *read_one, *count;
} sqlite_peer;

static int fail(sqlite_peer *peer, const char *operation) {
  snprintf(peer->base.error, sizeof peer->base.error, "%s: %s", operation,
           sqlite3_errmsg(peer->connection));
  return -1;
}

static const char *sqlite_name(void) { return "SQLite " SQLITE_VERSION; }

static void sqlite_close(peer *base) {
  sqlite_peer *peer = (sqlite_peer *)base;
  sqlite3_stmt *statements[] = {peer->begin,    peer->commit,   peer->insert,
                                peer->read_all, peer->read_one, peer->count};
  for (size_t index = 0; index < sizeof statements / sizeof *statements; index++) {
    sqlite3_finalize(statements[index]);
  }
  sqlite3_close(peer->connection);
  free(peer);
}

static int run(sqlite_peer *peer, sqlite3_stmt *statement, const char *operation) {
  int code = sqlite3_step(statement);
  sqlite3_reset(statement);
  return code == SQLITE_DONE ? 0 : fail(peer, operation);
}

static int sqlite_append(peer *base, uint64_t first_key, const uint8_t *values, size_t count,
                         size_t size) {
  sqlite_peer *peer = (sqlite_peer *)base;
  // A single statement is a transaction by itself.
  if (count > 1 && run(peer, peer->begin, "begin") != 0) return -1;
  for (size_t index = 0; index < count; index++) {
    sqlite3_bind_int64(peer->insert, 1, (sqlite3_int64)(first_key + index));
    sqlite3_bind_blob(peer->insert, 2, values + index * size, (int)size, SQLITE_STATIC);
    if (run(peer, peer->insert, "insert") != 0) return -1;
  }
  return count > 1 ? run(peer, peer->commit, "commit") : 0;
}

static int sqlite_prepare_reading(peer *base) {
  sqlite_peer *peer = (sqlite_peer *)base;
  int code = sqlite3_wal_checkpoint_v2(peer->connection, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
                                       NULL);
  if (code != SQLITE_OK) return fail(peer, "checkpoint");
  // Reads share one transaction, as a replay would.
  return run(peer, peer->begin, "begin");
}

static int sqlite_read_all(peer *base, uint64_t *count, uint64_t *sum) {
  sqlite_peer *peer = (sqlite_peer *)base;
  uint64_t read = 0, total = 0;
  int code;
  while ((code = sqlite3_step(peer->read_all)) == SQLITE_ROW) {
    total += *(const uint8_t *)sqlite3_column_blob(peer->read_all, 0);
    read += 1;
  }
  sqlite3_reset(peer->read_all);
  if (code != SQLITE_DONE) return fail(peer, "read all");
  *count = read;
  *sum += total;
  return 0;
}

static int sqlite_read_one(peer *base, uint64_t key, uint64_t *sum) {
  sqlite_peer *peer = (sqlite_peer *)base;
  sqlite3_bind_int64(peer->read_one, 1, (sqlite3_int64)key);
  int code = sqlite3_step(peer->read_one);
  if (code == SQLITE_ROW) *sum += *(const uint8_t *)sqlite3_column_blob(peer->read_one, 0);
  sqlite3_reset(peer->read_one);
  return code == SQLITE_ROW ? 0 : fail(peer, "read one");
}

static int sqlite_count(peer *base, uint64_t *count) {
  sqlite_peer *peer = (sqlite_peer *)base;
  int code = sqlite3_step(peer->count);
  if (code == SQLITE_ROW) *count = (uint64_t)sqlite3_column_int64(peer->count, 0);
  sqlite3_reset(peer->count);
  return code == SQLITE_ROW ? 0 : fail(peer, "count");
}

const peer_operations sqlite_operations = {
    sqlite_name,     sqlite_append, sqlite_prepare_reading, sqlite_read_all,
    sqlite_read_one, sqlite_count,  sqlite_close,
};

static int prepare(sqlite_peer *peer, const char *text, sqlite3_stmt **statement) {
  return sqlite3_prepare_v3(peer->connection, text, -1, SQLITE_PREPARE_PERSISTENT, statement,
                            NULL);
}

// Brings the write-ahead log to the state it has after some use: as long as it gets, checkpointed,
// and written again from its start. A log that still grows needs a journal commit with every sync.
static int settle(sqlite_peer *peer) {
  int code = sqlite3_exec(peer->connection,
                          "PRAGMA synchronous=OFF; CREATE TABLE settling(value BLOB);", NULL, NULL,
                          NULL);
  for (int index = 0; index < 1200 && code == SQLITE_OK; index++) {
    code = sqlite3_exec(peer->connection, "INSERT INTO settling VALUES(zeroblob(100))", NULL, NULL,
                        NULL);
  }
  if (code != SQLITE_OK) return code;
  return sqlite3_exec(peer->connection, "DROP TABLE settling", NULL, NULL, NULL);
}

static int configure(sqlite_peer *peer, peer_durability durability) {
  const char *settings =
      durability == PEER_DURABLE ? "PRAGMA synchronous=FULL;" : "PRAGMA synchronous=NORMAL;";
  const char *rest =
      "PRAGMA cache_size=-262144; PRAGMA mmap_size=4294967296;"
      "CREATE TABLE log(position INTEGER PRIMARY KEY, value BLOB NOT NULL);";
  int code = sqlite3_exec(peer->connection, "PRAGMA journal_mode=WAL;", NULL, NULL, NULL);
  if (code == SQLITE_OK) code = settle(peer);
  if (code == SQLITE_OK) code = sqlite3_exec(peer->connection, settings, NULL, NULL, NULL);
  if (code == SQLITE_OK) code = sqlite3_exec(peer->connection, rest, NULL, NULL, NULL);
  if (code == SQLITE_OK) code = prepare(peer, "BEGIN", &peer->begin);
  if (code == SQLITE_OK) code = prepare(peer, "COMMIT", &peer->commit);
  if (code == SQLITE_OK) code = prepare(peer, "INSERT INTO log VALUES(?, ?)", &peer->insert);
  if (code == SQLITE_OK) {
    code = prepare(peer, "SELECT value FROM log ORDER BY position", &peer->read_all);
  }
  if (code == SQLITE_OK) {
    code = prepare(peer, "SELECT value FROM log WHERE position = ?", &peer->read_one);
  }
  if (code == SQLITE_OK) code = prepare(peer, "SELECT count(*) FROM log", &peer->count);
  return code;
}

peer *sqlite_peer_open(const char *directory, peer_durability durability, char *message,
                       size_t message_size) {
  sqlite_peer *peer = calloc(1, sizeof *peer);
  if (peer == NULL) return NULL;
  peer->base.operations = &sqlite_operations;
  char path[4096];
  snprintf(path, sizeof path, "%s/log.sqlite", directory);
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  int code = sqlite3_open_v2(path, &peer->connection, flags, NULL);
  if (code == SQLITE_OK) code = configure(peer, durability);
  if (code == SQLITE_OK) return &peer->base;
  snprintf(message, message_size, "SQLite: %s", sqlite3_errmsg(peer->connection));
  sqlite_close(&peer->base);
  return NULL;
}
