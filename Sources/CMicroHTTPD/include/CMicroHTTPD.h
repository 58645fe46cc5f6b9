/// A server of small requests and answers over HTTP/1.1; libmicrohttpd does the protocol.
///
/// One request a connection: each is closed behind its answer, and however slowly a client sends, its
/// connection lives no longer than it was given. Nothing throws across this boundary.
#ifndef CMICROHTTPD_H
#define CMICROHTTPD_H

#include <stddef.h>
#include <stdint.h>

typedef struct cmicrohttpd_server cmicrohttpd_server;
typedef struct cmicrohttpd_answer cmicrohttpd_answer;

/// Limits of a server.
typedef struct {
  /// Threads that read, answer and write.
  uint32_t worker_count;
  /// Connections at a time; others wait until the system turns them away.
  uint32_t connection_count_limit;
  /// How long a connection lives, whatever it does.
  uint32_t connection_milliseconds;
  /// Largest body of a request.
  uint32_t body_byte_count_limit;
} cmicrohttpd_limits;

/// A request; everything in it lives until the handler returns.
typedef struct {
  const char *method;
  /// The path as it was sent, up to a question mark; nothing is decoded.
  const char *path;
  /// The body; NULL when it is larger than the limit.
  const uint8_t *body;
  size_t body_byte_count;
} cmicrohttpd_request;

/// Answers a request by one call of cmicrohttpd_send; without one the connection is closed. Called on
/// several threads at a time.
typedef void (*cmicrohttpd_handler)(void *context, const cmicrohttpd_request *request,
                                    cmicrohttpd_answer *answer);

/// Gives the answer to a request; everything is copied. `allow` may be NULL. Returns 0, or 1 without
/// memory.
int32_t cmicrohttpd_send(cmicrohttpd_answer *answer, int32_t status, const char *content_type,
                         const char *allow, const uint8_t *body, size_t body_byte_count);

/// Starts a server.
///
/// `host` is a numeric address; with port 0 the system chooses one. Returns NULL with the number of the
/// system's error, EINVAL for what is no address. Its threads receive no signals.
cmicrohttpd_server *cmicrohttpd_start(const char *host, uint16_t port, cmicrohttpd_limits limits,
                                      cmicrohttpd_handler handler, void *context, int32_t *error);

/// The port that is listened at.
uint16_t cmicrohttpd_port(const cmicrohttpd_server *server);

/// Takes no more connections, closes those whose request has not come, answers the others in their time,
/// ends the threads and frees the server. Called once.
void cmicrohttpd_stop(cmicrohttpd_server *server);

#endif
