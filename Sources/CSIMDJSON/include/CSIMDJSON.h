/// Looks up fields of one JSON document; simdjson does the reading.
///
/// A parser belongs to one thread at a time. Nothing throws across this boundary, and no document
/// makes it abort.
#ifndef CSIMDJSON_H
#define CSIMDJSON_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Documents may nest this deep; the outermost object is the first level.
#define CSIMDJSON_DEPTH_LIMIT 64
/// The largest document, 64 MiB in bytes.
#define CSIMDJSON_BYTE_COUNT_LIMIT 67108864
/// The most paths looked up at once, and the most names in one path.
#define CSIMDJSON_PATH_LIMIT 32
#define CSIMDJSON_NAME_LIMIT 16

typedef struct csimdjson_parser csimdjson_parser;

/// What a field holds.
enum {
  CSIMDJSON_MISSING = 0,
  CSIMDJSON_NULL = 1,
  CSIMDJSON_BOOL = 2,
  /// A whole number from INT64_MIN to INT64_MAX.
  CSIMDJSON_INTEGER = 3,
  /// A whole number from INT64_MAX + 1 to UINT64_MAX.
  CSIMDJSON_UNSIGNED = 4,
  /// Any other number that a double can hold, rounded.
  CSIMDJSON_DOUBLE = 5,
  /// A number beyond every double; only its token is known.
  CSIMDJSON_HUGE = 6,
  CSIMDJSON_STRING = 7,
  CSIMDJSON_OBJECT = 8,
  CSIMDJSON_ARRAY = 9,
};

/// How reading ended.
enum {
  CSIMDJSON_OK = 0,
  CSIMDJSON_OUT_OF_MEMORY = 1,
  CSIMDJSON_TOO_LARGE = 2,
  CSIMDJSON_TOO_DEEP = 3,
  CSIMDJSON_NOT_UTF8 = 4,
  /// Not a JSON document.
  CSIMDJSON_SYNTAX = 5,
  /// A JSON document, but neither an object nor an array.
  CSIMDJSON_NOT_A_CONTAINER = 6,
  /// A name on a looked-up path stands twice in its object.
  CSIMDJSON_DUPLICATE_NAME = 7,
  /// A string holds half of a surrogate pair, a bad escape or a bare control character.
  CSIMDJSON_BAD_STRING = 8,
  CSIMDJSON_BAD_NUMBER = 9,
  CSIMDJSON_EMPTY = 10,
};

/// One field. `text` is the unescaped string, or the token of a number, `true`, `false` or `null`;
/// it is NULL for other kinds and lives until the next read of the same parser.
typedef struct {
  int32_t kind;
  int32_t boolean;
  const uint8_t *text;
  size_t text_byte_count;
  int64_t integer;
  uint64_t unsigned_integer;
  double real;
  /// Where the value begins in the document.
  size_t position;
} csimdjson_value;

/// Returns a parser without paths, or NULL without memory.
csimdjson_parser *csimdjson_create(void);

/// Frees a parser; NULL is allowed.
void csimdjson_destroy(csimdjson_parser *parser);

/// Forgets all paths.
void csimdjson_clear_paths(csimdjson_parser *parser);

/// Begins a path; the names added next belong to it. Returns 0, or 1 above the limit.
int32_t csimdjson_begin_path(csimdjson_parser *parser);

/// Adds a name to the last path, copied. In an array a name of digits is an index from 0.
/// Returns 0, or 1 above the limit or without memory.
int32_t csimdjson_add_name(csimdjson_parser *parser, const uint8_t *name, size_t byte_count);

/// Reads a document to its end, checks all of it and fills `values`, one for each path in order.
///
/// Returns how reading ended. On an error `position` is a byte at or before which the document is
/// at fault, and the values must not be used.
int32_t csimdjson_read(csimdjson_parser *parser, const uint8_t *bytes, size_t byte_count,
                       csimdjson_value *values, size_t *position);

#ifdef __cplusplus
}
#endif

#endif
