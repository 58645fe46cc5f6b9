/// One request over HTTP or HTTPS at a time; libcurl does the protocol.
///
/// Redirects are not followed, proxies of the environment are not asked, certificates are verified against
/// those of the system. Nothing throws across this boundary; it may be called on several threads at a time.
#ifndef CCURL_H
#define CCURL_H

#include <stddef.h>
#include <stdint.h>

/// Most bytes of the headers of an answer.
#define CCURL_HEADER_BYTE_COUNT_LIMIT 65536

/// How a request ended.
enum {
  CCURL_OK = 0,
  /// Not a URL of HTTP or HTTPS, or one with a user's name.
  CCURL_URL = 1,
  /// The name of the host is not known.
  CCURL_RESOLVE = 2,
  /// Nobody listens there.
  CCURL_CONNECT = 3,
  /// Not done within the time given.
  CCURL_TIMEOUT = 4,
  /// No TLS, or a certificate that does not verify.
  CCURL_TLS = 5,
  /// More bytes than there is room for.
  CCURL_TOO_LARGE = 6,
  /// The answer is not HTTP, or ends too early.
  CCURL_PROTOCOL = 7,
  CCURL_OUT_OF_MEMORY = 8,
  CCURL_OTHER = 9,
};

/// What came back.
typedef struct {
  int32_t status;
  size_t body_byte_count;
  /// The library's own number and words for what went wrong.
  int32_t code;
  char message[256];
} ccurl_answer;

/// Sends a request and waits for its answer: a POST of plain text, or a GET when `body` is NULL.
///
/// The body of the answer goes into `buffer`. Times are in milliseconds, for the connection and for
/// everything. Returns how it ended.
int32_t ccurl_request(const char *url, const uint8_t *body, size_t body_byte_count,
                      uint32_t connect_milliseconds, uint32_t total_milliseconds, uint8_t *buffer,
                      size_t capacity, ccurl_answer *answer);

#endif
