#define _GNU_SOURCE
#include "CMicroHTTPD.h"

// Without the trait HTTP nothing stands here, and the library need not be installed.
#ifdef PIPEROLL_HTTP

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

// What is read of a body over the limit before the connection is closed: a client that is cut off while it
// sends may never see the answer.
#define DISCARD_LIMIT (1u << 20)

typedef struct connection {
  struct connection *previous, *next;
  int socket;
  int64_t deadline;
  // Its request is there in full.
  bool has_asked;
  bool is_shut;
} connection;

struct cmicrohttpd_server {
  struct MHD_Daemon *daemon;
  cmicrohttpd_limits limits;
  cmicrohttpd_handler handler;
  void *context;
  uint16_t port;
  pthread_t watch;
  // Guards what follows.
  pthread_mutex_t lock;
  pthread_cond_t changed;
  // A ring around this one.
  connection connections;
  bool is_stopping;
};

struct cmicrohttpd_answer {
  struct MHD_Response *response;
  unsigned int status;
};

typedef struct {
  connection *connection;
  uint8_t *bytes;
  size_t count, capacity;
  bool is_too_large;
} body;

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

// Under the lock. The library sees the end of the connection and closes it on its own thread.
static void shut(connection *one) {
  if (!one->is_shut) shutdown(one->socket, SHUT_RDWR);
  one->is_shut = true;
}

// Ends connections whose time is over; returns when all are gone and the server stops.
static void *watch(void *context) {
  cmicrohttpd_server *server = context;
  pthread_mutex_lock(&server->lock);
  while (!server->is_stopping || server->connections.next != &server->connections) {
    int64_t time = now(), next = INT64_MAX;
    for (connection *one = server->connections.next; one != &server->connections; one = one->next) {
      if (one->deadline <= time || (server->is_stopping && !one->has_asked)) shut(one);
      if (!one->is_shut && one->deadline < next) next = one->deadline;
    }
    if (next == INT64_MAX) {
      pthread_cond_wait(&server->changed, &server->lock);
    } else {
      struct timespec until = {.tv_sec = next / 1000, .tv_nsec = next % 1000 * 1000000};
      pthread_cond_timedwait(&server->changed, &server->lock, &until);
    }
  }
  pthread_mutex_unlock(&server->lock);
  return NULL;
}

// The library calls this before it closes the socket, so a number in the ring is never another's.
static void connection_changed(void *context, struct MHD_Connection *library_connection,
                               void **socket_context, enum MHD_ConnectionNotificationCode code) {
  cmicrohttpd_server *server = context;
  if (code == MHD_CONNECTION_NOTIFY_STARTED) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(library_connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    connection *one = calloc(1, sizeof *one);
    if (one == NULL || info == NULL) {
      free(one);
      return;
    }
    one->socket = info->connect_fd;
    one->deadline = now() + server->limits.connection_milliseconds;
    *socket_context = one;
    pthread_mutex_lock(&server->lock);
    one->previous = server->connections.previous;
    one->next = &server->connections;
    one->previous->next = one->next->previous = one;
  } else {
    connection *one = *socket_context;
    if (one == NULL) return;
    pthread_mutex_lock(&server->lock);
    one->previous->next = one->next;
    one->next->previous = one->previous;
    free(one);
  }
  pthread_cond_broadcast(&server->changed);
  pthread_mutex_unlock(&server->lock);
}

static void request_completed(void *context, struct MHD_Connection *library_connection,
                              void **request_context, enum MHD_RequestTerminationCode code) {
  (void)context, (void)library_connection, (void)code;
  body *request = *request_context;
  if (request == NULL) return;
  free(request->bytes);
  free(request);
  *request_context = NULL;
}

static enum MHD_Result take(body *request, const char *bytes, size_t count, size_t limit) {
  if (count > limit || request->count > limit - count) request->is_too_large = true;
  if (request->is_too_large) {
    request->count += count;
    return request->count <= limit + DISCARD_LIMIT ? MHD_YES : MHD_NO;
  }
  if (request->count + count > request->capacity) {
    size_t capacity = request->capacity * 2;
    if (capacity < request->count + count) capacity = request->count + count;
    uint8_t *grown = realloc(request->bytes, capacity);
    if (grown == NULL) return MHD_NO;
    request->bytes = grown;
    request->capacity = capacity;
  }
  memcpy(request->bytes + request->count, bytes, count);
  request->count += count;
  return MHD_YES;
}

// Whether a body is so much too large, or its sender waits for leave to send it, that it is answered
// before it comes. The library allows an answer here or behind the body, not in between.
static bool is_answered_early(struct MHD_Connection *library_connection, size_t limit) {
  const char *length =
      MHD_lookup_connection_value(library_connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
  if (length == NULL) return false;
  unsigned long long count = strtoull(length, NULL, 10);
  if (count <= limit) return false;
  return count > limit + DISCARD_LIMIT ||
         MHD_lookup_connection_value(library_connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_EXPECT) != NULL;
}

static enum MHD_Result respond(cmicrohttpd_server *server, struct MHD_Connection *library_connection,
                               cmicrohttpd_request request) {
  static const uint8_t none = 0;
  if (request.body == NULL && request.body_byte_count == 0) request.body = &none;
  cmicrohttpd_answer answer = {0};
  server->handler(server->context, &request, &answer);
  if (answer.response == NULL) return MHD_NO;
  enum MHD_Result result = MHD_queue_response(library_connection, answer.status, answer.response);
  MHD_destroy_response(answer.response);
  return result;
}

static enum MHD_Result handle(void *context, struct MHD_Connection *library_connection,
                              const char *path, const char *method, const char *version,
                              const char *bytes, size_t *byte_count, void **request_context) {
  (void)version;
  cmicrohttpd_server *server = context;
  size_t limit = server->limits.body_byte_count_limit;
  body *request = *request_context;
  if (request == NULL) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(library_connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    // Without its record a connection has no deadline: there was no memory for it.
    if (info == NULL || info->socket_context == NULL) return MHD_NO;
    request = calloc(1, sizeof *request);
    if (request == NULL) return MHD_NO;
    request->connection = info->socket_context;
    *request_context = request;
    if (!is_answered_early(library_connection, limit)) return MHD_YES;
    return respond(server, library_connection,
                   (cmicrohttpd_request){.method = method, .path = path, .body_byte_count = limit + 1});
  }
  if (*byte_count > 0) {
    enum MHD_Result result = take(request, bytes, *byte_count, limit);
    *byte_count = 0;
    return result;
  }
  pthread_mutex_lock(&server->lock);
  request->connection->has_asked = true;
  pthread_mutex_unlock(&server->lock);
  return respond(server, library_connection,
                 (cmicrohttpd_request){.method = method,
                                       .path = path,
                                       .body = request->is_too_large ? NULL : request->bytes,
                                       .body_byte_count = request->count});
}

int32_t cmicrohttpd_send(cmicrohttpd_answer *answer, int32_t status, const char *content_type,
                         const char *allow, const uint8_t *bytes, size_t byte_count) {
  struct MHD_Response *response =
      MHD_create_response_from_buffer(byte_count, (void *)bytes, MHD_RESPMEM_MUST_COPY);
  if (response == NULL) return 1;
  if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type) != MHD_YES ||
      MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close") != MHD_YES ||
      (allow != NULL &&
       MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, allow) != MHD_YES)) {
    MHD_destroy_response(response);
    return 1;
  }
  if (answer->response != NULL) MHD_destroy_response(answer->response);
  answer->response = response;
  answer->status = (unsigned int)status;
  return 0;
}

// Leaves paths as they were sent: a decoded zero byte would end them.
static size_t keep_path(void *context, struct MHD_Connection *library_connection, char *text) {
  (void)context, (void)library_connection;
  return strlen(text);
}

// A socket that listens, or -1 with errno.
static int open_socket(const char *host, uint16_t port, bool *is_ipv6, uint16_t *bound) {
  char service[8];
  snprintf(service, sizeof service, "%u", port);
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                           .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
  struct addrinfo *found = NULL;
  if (getaddrinfo(host, service, &hints, &found) != 0) {
    errno = EINVAL;
    return -1;
  }
  *is_ipv6 = found->ai_family == AF_INET6;
  int one = 1, number = 0;
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  int listener = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
      (*is_ipv6 && setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) != 0) ||
      bind(listener, found->ai_addr, found->ai_addrlen) != 0 || listen(listener, SOMAXCONN) != 0 ||
      getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
    number = errno;
  } else {
    *bound = ntohs(*is_ipv6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                            : ((struct sockaddr_in *)&address)->sin_port);
  }
  freeaddrinfo(found);
  if (number == 0) return listener;
  if (listener >= 0) close(listener);
  errno = number;
  return -1;
}

static void destroy(cmicrohttpd_server *server) {
  pthread_cond_destroy(&server->changed);
  pthread_mutex_destroy(&server->lock);
  free(server);
}

static cmicrohttpd_server *create(cmicrohttpd_limits limits, cmicrohttpd_handler handler,
                                  void *context) {
  cmicrohttpd_server *server = calloc(1, sizeof *server);
  if (server == NULL) return NULL;
  server->limits = limits;
  server->handler = handler;
  server->context = context;
  server->connections.next = server->connections.previous = &server->connections;
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_mutex_init(&server->lock, NULL);
  pthread_cond_init(&server->changed, &attributes);
  pthread_condattr_destroy(&attributes);
  return server;
}

// Lets the watch end once all connections are gone, and waits for it.
static void end_watch(cmicrohttpd_server *server) {
  pthread_mutex_lock(&server->lock);
  server->is_stopping = true;
  pthread_cond_broadcast(&server->changed);
  pthread_mutex_unlock(&server->lock);
  pthread_join(server->watch, NULL);
}

static int start(cmicrohttpd_server *server, int listener, bool is_ipv6) {
  int number = pthread_create(&server->watch, NULL, watch, server);
  if (number != 0) return number;
  unsigned int flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | (is_ipv6 ? MHD_USE_IPv6 : 0);
  unsigned int seconds = server->limits.connection_milliseconds / 1000 + 1;
  errno = 0;
  server->daemon = MHD_start_daemon(
      flags, 0, NULL, NULL, handle, server, MHD_OPTION_LISTEN_SOCKET, (MHD_socket)listener,
      MHD_OPTION_THREAD_POOL_SIZE, (unsigned int)server->limits.worker_count,
      MHD_OPTION_CONNECTION_LIMIT, (unsigned int)server->limits.connection_count_limit,
      MHD_OPTION_CONNECTION_TIMEOUT, seconds, MHD_OPTION_STRICT_FOR_CLIENT, 1,
      MHD_OPTION_NOTIFY_CONNECTION, connection_changed, server, MHD_OPTION_NOTIFY_COMPLETED,
      request_completed, server, MHD_OPTION_UNESCAPE_CALLBACK, keep_path, NULL, MHD_OPTION_END);
  if (server->daemon != NULL) return 0;
  number = errno != 0 ? errno : ENOMEM;
  end_watch(server);
  return number;
}

cmicrohttpd_server *cmicrohttpd_start(const char *host, uint16_t port, cmicrohttpd_limits limits,
                                      cmicrohttpd_handler handler, void *context, int32_t *error) {
  bool is_ipv6 = false;
  uint16_t bound = 0;
  int listener = open_socket(host, port, &is_ipv6, &bound);
  if (listener < 0) {
    *error = errno;
    return NULL;
  }
  cmicrohttpd_server *server = create(limits, handler, context);
  if (server == NULL) {
    close(listener);
    *error = ENOMEM;
    return NULL;
  }
  server->port = bound;
  // Threads inherit the mask: signals are for the threads of the program.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  *error = start(server, listener, is_ipv6);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (*error == 0) return server;
  close(listener);
  destroy(server);
  return NULL;
}

uint16_t cmicrohttpd_port(const cmicrohttpd_server *server) { return server->port; }

void cmicrohttpd_stop(cmicrohttpd_server *server) {
  int listener = MHD_quiesce_daemon(server->daemon);
  // Not closed yet: a thread may just be about to accept, and the number could be another's by then.
  if (listener >= 0) shutdown(listener, SHUT_RDWR);
  // Each connection has a deadline, so this ends.
  end_watch(server);
  MHD_stop_daemon(server->daemon);
  if (listener >= 0) close(listener);
  destroy(server);
}

#endif
