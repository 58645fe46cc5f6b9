#define _GNU_SOURCE
#include "CCurl.h"

// Without the trait HTTP nothing stands here, and the library need not be installed.
#ifdef PIPEROLL_HTTP

// Calls go through pointers, which its checks of types do not know.
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

typedef struct {
  uint8_t *bytes;
  size_t count, capacity, header_count;
  bool is_too_large;
} room;

static size_t take_body(char *bytes, size_t size, size_t count, void *context) {
  room *target = context;
  size_t byte_count = size * count;
  if (byte_count > target->capacity - target->count) {
    target->is_too_large = true;
    return CURL_WRITEFUNC_ERROR;
  }
  memcpy(target->bytes + target->count, bytes, byte_count);
  target->count += byte_count;
  return byte_count;
}

static size_t count_header(char *bytes, size_t size, size_t count, void *context) {
  (void)bytes;
  room *target = context;
  target->header_count += size * count;
  if (target->header_count <= CCURL_HEADER_BYTE_COUNT_LIMIT) return size * count;
  target->is_too_large = true;
  return CURL_WRITEFUNC_ERROR;
}

// The library is loaded by the first request: it brings some thirty others, which would double the time
// that every start of a program takes.
#define CALLS(call)                                                                                \
  call(global_init) call(easy_init) call(easy_setopt) call(easy_perform) call(easy_getinfo)        \
  call(easy_cleanup) call(easy_strerror) call(slist_append) call(slist_free_all)

#undef curl_easy_setopt
#undef curl_easy_getinfo
#define DECLARE(name) __typeof__(&curl_##name) name;
static struct {
  CALLS(DECLARE)
} curl;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_loaded;
static CURLcode initialised;

static void initialise(void) {
  void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return;
  bool has_all = true;
#define LOAD(name)                                                                                 \
  curl.name = (__typeof__(curl.name))dlsym(library, "curl_" #name);                                \
  has_all = has_all && curl.name != NULL;
  CALLS(LOAD)
  if (!has_all) return;
  is_loaded = true;
  initialised = curl.global_init(CURL_GLOBAL_DEFAULT);
}

static int32_t outcome(CURLcode code, const room *target, long connection_count) {
  if (target->is_too_large) return CCURL_TOO_LARGE;
  // Behind a connection it is the answer's protocol that is unknown.
  if (code == CURLE_UNSUPPORTED_PROTOCOL && connection_count > 0) return CCURL_PROTOCOL;
  switch (code) {
  case CURLE_OK: return CCURL_OK;
  case CURLE_URL_MALFORMAT:
  case CURLE_UNSUPPORTED_PROTOCOL:
  case CURLE_LOGIN_DENIED: return CCURL_URL;
  case CURLE_COULDNT_RESOLVE_HOST: return CCURL_RESOLVE;
  case CURLE_COULDNT_CONNECT: return CCURL_CONNECT;
  case CURLE_OPERATION_TIMEDOUT: return CCURL_TIMEOUT;
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_CIPHER:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_ISSUER_ERROR:
  case CURLE_SSL_INVALIDCERTSTATUS: return CCURL_TLS;
  case CURLE_FILESIZE_EXCEEDED: return CCURL_TOO_LARGE;
  case CURLE_WEIRD_SERVER_REPLY:
  case CURLE_PARTIAL_FILE:
  case CURLE_GOT_NOTHING:
  case CURLE_BAD_CONTENT_ENCODING:
  case CURLE_HTTP2:
  case CURLE_HTTP2_STREAM:
  case CURLE_RECV_ERROR:
  case CURLE_SEND_ERROR: return CCURL_PROTOCOL;
  case CURLE_OUT_OF_MEMORY: return CCURL_OUT_OF_MEMORY;
  default: return CCURL_OTHER;
  }
}

#define SET(option, value)                                                                         \
  do {                                                                                             \
    CURLcode code = curl.easy_setopt(handle, option, value);                                       \
    if (code != CURLE_OK) return code;                                                             \
  } while (0)

static CURLcode perform(CURL *handle, struct curl_slist *headers, const char *url,
                        const uint8_t *body, size_t body_byte_count, uint32_t connect_milliseconds,
                        uint32_t total_milliseconds, room *target, char *message) {
  SET(CURLOPT_ERRORBUFFER, message);
  SET(CURLOPT_URL, url);
  SET(CURLOPT_PROTOCOLS_STR, "http,https");
  SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  SET(CURLOPT_FOLLOWLOCATION, 0L);
  SET(CURLOPT_PROXY, "");
  SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
  SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  // Timeouts by signals would be the whole process's.
  SET(CURLOPT_NOSIGNAL, 1L);
  SET(CURLOPT_CONNECTTIMEOUT_MS, (long)connect_milliseconds);
  SET(CURLOPT_TIMEOUT_MS, (long)total_milliseconds);
  SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)target->capacity);
  SET(CURLOPT_WRITEFUNCTION, take_body);
  SET(CURLOPT_WRITEDATA, target);
  SET(CURLOPT_HEADERFUNCTION, count_header);
  SET(CURLOPT_HEADERDATA, target);
  SET(CURLOPT_USERAGENT, "piperoll");
  SET(CURLOPT_HTTPHEADER, headers);
  if (body != NULL) {
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body_byte_count);
    SET(CURLOPT_POSTFIELDS, (const char *)body);
  }
  return curl.easy_perform(handle);
}

int32_t ccurl_request(const char *url, const uint8_t *body, size_t body_byte_count,
                      uint32_t connect_milliseconds, uint32_t total_milliseconds, uint8_t *buffer,
                      size_t capacity, ccurl_answer *answer) {
  memset(answer, 0, sizeof *answer);
  pthread_once(&once, initialise);
  if (!is_loaded) {
    answer->code = CURLE_FAILED_INIT;
    strncpy(answer->message, "libcurl.so.4 is not installed", sizeof answer->message - 1);
    return CCURL_OTHER;
  }
  room target = {.bytes = buffer, .capacity = capacity};
  CURL *handle = initialised == CURLE_OK ? curl.easy_init() : NULL;
  // No "Expect: 100-continue": nobody waits for leave to send so little.
  struct curl_slist *first = curl.slist_append(NULL, "Expect:");
  struct curl_slist *headers =
      first == NULL ? NULL
                    : curl.slist_append(first, body != NULL ? "Content-Type: text/plain; charset=utf-8"
                                                            : "Accept: text/plain");
  CURLcode code = CURLE_OUT_OF_MEMORY;
  long status = 0, connection_count = 0;
  if (handle != NULL && headers != NULL) {
    // TLS writes without MSG_NOSIGNAL: a connection that was closed must not end the process.
    sigset_t pipe, before, pending;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &pipe, &before);
    code = perform(handle, headers, url, body, body_byte_count, connect_milliseconds,
                   total_milliseconds, &target, answer->message);
    curl.easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    curl.easy_getinfo(handle, CURLINFO_NUM_CONNECTS, &connection_count);
    // Takes leave of the other side, and so writes once more.
    curl.easy_cleanup(handle);
    if (!sigismember(&pending, SIGPIPE)) {
      struct timespec at_once = {0};
      sigtimedwait(&pipe, NULL, &at_once);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
  } else if (handle != NULL) {
    curl.easy_cleanup(handle);
  }
  answer->status = (int32_t)status;
  answer->body_byte_count = target.count;
  answer->code = (int32_t)code;
  if (code != CURLE_OK && answer->message[0] == '\0') {
    strncpy(answer->message, curl.easy_strerror(code), sizeof answer->message - 1);
  }
  curl.slist_free_all(first);
  return outcome(code, &target, connection_count);
}

#endif
