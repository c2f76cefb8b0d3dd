/*
 * tcpload: an origin and a client of a proxy in one process, to load the proxy between them over loopback
 * while costing little itself. Two threads: main is the client, the other the origin; each has its own epoll.
 *
 *   cc -O2 -o tcpload tcpload.c -lpthread
 *   tcpload --mode raw|socks5|connect|http|web --op down|up|both|rr|pp|idle|get --proxy PORT --origin PORT [flags]
 *
 * Every connection sends the origin a 64-byte hello: byte 0 the operation, bytes 4-7 the connection's number.
 *   down  the origin writes without end      up    the client writes without end      both  both do
 *   rr    64 bytes come back, the origin closes, and a new connection is opened at once
 *   pp    the origin echoes, one message at a time in flight
 *   idle  one byte comes back, then silence for --hold seconds
 *   get   with --mode http or web only, and without the hello: requests in absolute form, one after the other on each
 *         connection; every answer must be a 200 with the origin's body of 1 KiB. With --mode web they are in origin
 *         form, for the host bench.test
 * --users a:secret*50,b:secret*1 gives each user that many of the connections, --user a:secret gives one all.
 *
 * --origin-only is the origin alone, for as long as it is let; --no-origin is the client of such a one. Both want the
 * same --mode and --conns.
 *
 * stdout: START, then BEGIN and END around the measured window (idle: READY and END), then one line of JSON.
 * Bytes are counted when they are received, by the client (down) or by the origin (up), in buckets of --bucket
 * seconds by the time of receipt. Only bytes and exchanges inside the window count.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "common.h"

#define HELLO_BYTES 64
#define BODY_BYTES 1024
#define HEAD_BYTES 2048 /* of a request or response, at most */
#define BUFFER_BYTES (256 * 1024)
#define MAX_USERS 16
#define MAX_EVENTS 512
#define CONNECT_DEADLINE_NS (120 * 1000000000ull)

enum mode { RAW, SOCKS5, CONNECT, HTTP, WEB };
enum op { DOWN, UP, BOTH, RR, IDLE, PINGPONG, GET };
static const char OP_BYTE[] = "DUBRIEG";

struct user {
  const char *name, *password; /* name is NULL: no authentication */
  int conns;
};

static struct options {
  enum mode mode;
  enum op op;
  int conns, proxy_port, origin_port, message_bytes;
  int ramp;        /* handshakes in flight at most */
  int sources;     /* client addresses 127.0.0.2 and up; 1: the kernel's choice */
  int origin_send, origin_receive, client_send, client_receive; /* socket buffers in bytes; 0: autotuned */
  double seconds, warm_seconds, bucket_seconds, hold_seconds;
  const char *origin_address;
  int origin_only, no_origin;
  struct user users[MAX_USERS];
  int user_count;
} opt = {.conns = 1, .origin_port = 9900, .message_bytes = 64, .ramp = 500, .sources = 1, .seconds = 5,
         .warm_seconds = 1, .bucket_seconds = 0.1, .origin_address = "127.0.0.1"};

static char answer_200[HEAD_BYTES + BODY_BYTES];
static int answer_200_length;
static char outgoing[BUFFER_BYTES], client_buffer[BUFFER_BYTES], origin_buffer[BUFFER_BYTES];

/* ---- What was received, inside the window ------------------------------------------------------------ */

/* One direction. One thread adds (client: down, origin: up), main reads: relaxed atomics are enough. */
struct tally {
  _Atomic uint64_t *per_conn;
  _Atomic uint64_t *per_bucket;
};
static struct tally down, up;
static _Atomic uint64_t window_begin_ns; /* 0: not open yet */
static uint64_t bucket_ns;
static int bucket_count;

static void tally_init(struct tally *t) {
  t->per_conn = calloc(opt.conns, sizeof *t->per_conn);
  t->per_bucket = calloc(bucket_count, sizeof *t->per_bucket);
  if (!t->per_conn || !t->per_bucket) die("calloc");
}

static int window_bucket(void) {
  uint64_t begin = atomic_load_explicit(&window_begin_ns, memory_order_relaxed);
  if (!begin) return -1;
  uint64_t bucket = (now_ns() - begin) / bucket_ns;
  return bucket < (uint64_t)bucket_count ? (int)bucket : -1;
}

static void tally_add(struct tally *t, int id, uint64_t bytes) {
  int bucket = window_bucket();
  if (bucket < 0) return;
  atomic_fetch_add_explicit(&t->per_conn[id], bytes, memory_order_relaxed);
  atomic_fetch_add_explicit(&t->per_bucket[bucket], bytes, memory_order_relaxed);
}

static uint64_t tally_sum(struct tally *t, int from, int to) {
  uint64_t sum = 0;
  for (int id = from; id < to; id++) sum += t->per_conn[id];
  return sum;
}

/* Jain's index of the connections' bytes: 1 all equal, 1/n all to one; 0 nothing moved. */
static double tally_jain(struct tally *t) {
  double sum = 0, squares = 0;
  for (int id = 0; id < opt.conns; id++) {
    double bytes = t->per_conn[id];
    sum += bytes;
    squares += bytes * bytes;
  }
  return squares > 0 ? sum * sum / (opt.conns * squares) : 0;
}

static void print_tally(const char *name, struct tally *t) {
  uint64_t most = 0, least = UINT64_MAX;
  for (int b = 0; b < bucket_count; b++) {
    uint64_t bytes = t->per_bucket[b];
    if (bytes > most) most = bytes;
    if (bytes < least) least = bytes;
  }
  printf("\"%s\":{\"bytes\":%llu,\"jain\":%.6f,\"maxBucket\":%llu,\"minBucket\":%llu}", name,
         (unsigned long long)tally_sum(t, 0, opt.conns), tally_jain(t), (unsigned long long)most,
         (unsigned long long)least);
}

/* ---- Origin ------------------------------------------------------------------------------------------ */

struct origin_conn {
  int fd, id, hello_length;
  char op; /* 0 until the hello is whole */
  uint8_t hello[HELLO_BYTES];
  int blank_line; /* get: how much of the end of a request's head has come */
};

static void set_buffer(int fd, int option, int bytes) {
  if (bytes) setsockopt(fd, SOL_SOCKET, option, &bytes, sizeof bytes);
}

static void set_nodelay(int fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static int origin_listen(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(opt.origin_port)};
  inet_pton(AF_INET, opt.origin_address, &any.sin_addr);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  set_buffer(fd, SO_SNDBUF, opt.origin_send);
  set_buffer(fd, SO_RCVBUF, opt.origin_receive);
  if (bind(fd, (struct sockaddr *)&any, sizeof any) || listen(fd, 16384)) die("origin: bind");
  return fd;
}

static void origin_accept(int epoll, int listener) {
  int fd;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    struct origin_conn *conn = calloc(1, sizeof *conn);
    if (!conn) die("calloc");
    conn->fd = fd;
    if (opt.op == GET) conn->op = 'G';
    set_nodelay(fd);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  }
}

static void origin_close(struct origin_conn *conn) {
  close(conn->fd);
  free(conn);
}

/* The hello is whole: begin what it asks for. False: the connection is over. */
static int origin_begin(int epoll, struct origin_conn *conn) {
  static const char answer[HELLO_BYTES];
  memcpy(&conn->id, conn->hello + 4, sizeof conn->id);
  if (conn->id < 0 || conn->id >= opt.conns) return 0;
  conn->op = (char)conn->hello[0];
  if (conn->op == 'R') {
    send(conn->fd, answer, sizeof answer, MSG_NOSIGNAL);
    return 0;
  }
  if (conn->op == 'I') send(conn->fd, answer, 1, MSG_NOSIGNAL);
  if (conn->op == 'D' || conn->op == 'B') {
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = conn};
    epoll_ctl(epoll, EPOLL_CTL_MOD, conn->fd, &event);
  }
  return 1;
}

static int still_open(ssize_t received) {
  return received > 0 || (received < 0 && errno == EAGAIN);
}

/* Answers each head that is whole. No request has a body. */
static int origin_answer(struct origin_conn *conn) {
  static const char end[] = "\r\n\r\n";
  ssize_t n = recv(conn->fd, origin_buffer, BUFFER_BYTES, 0);
  for (ssize_t i = 0; i < n; i++) {
    if (origin_buffer[i] == end[conn->blank_line]) conn->blank_line++;
    else conn->blank_line = origin_buffer[i] == '\r';
    if (conn->blank_line < 4) continue;
    conn->blank_line = 0;
    if (send(conn->fd, answer_200, answer_200_length, MSG_NOSIGNAL) != answer_200_length) return 0;
  }
  return still_open(n);
}

static int origin_read(int epoll, struct origin_conn *conn) {
  if (!conn->op) {
    ssize_t n = recv(conn->fd, conn->hello + conn->hello_length, HELLO_BYTES - conn->hello_length, 0);
    if (n > 0) conn->hello_length += n;
    if (conn->hello_length == HELLO_BYTES) return origin_begin(epoll, conn);
    return still_open(n);
  }
  if (conn->op == 'G') return origin_answer(conn);
  int echo = conn->op == 'E'; /* everything else is thrown away in the kernel, uncopied */
  ssize_t n = recv(conn->fd, origin_buffer, BUFFER_BYTES, echo ? 0 : MSG_TRUNC);
  if (n > 0 && echo) send(conn->fd, origin_buffer, n, MSG_NOSIGNAL);
  if (n > 0) tally_add(&up, conn->id, n);
  return still_open(n);
}

static int origin_write(struct origin_conn *conn) {
  for (int turn = 0; turn < 4; turn++) {
    ssize_t n = send(conn->fd, outgoing, BUFFER_BYTES, MSG_NOSIGNAL);
    if (n < 0) return errno == EAGAIN;
    if (n < BUFFER_BYTES) return 1;
  }
  return 1;
}

static void origin_run(int listener) {
  int epoll = epoll_create1(0);
  struct epoll_event accepting = {.events = EPOLLIN, .data.ptr = NULL}, events[MAX_EVENTS];
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &accepting);
  for (;;) {
    int count = epoll_wait(epoll, events, MAX_EVENTS, -1);
    for (int i = 0; i < count; i++) {
      struct origin_conn *conn = events[i].data.ptr;
      uint32_t ready = events[i].events;
      if (!conn) {
        origin_accept(epoll, listener);
        continue;
      }
      int alive = 1;
      if (ready & (EPOLLIN | EPOLLHUP | EPOLLERR)) alive = origin_read(epoll, conn);
      if (alive && (ready & EPOLLOUT)) alive = origin_write(conn);
      if (!alive) origin_close(conn);
    }
  }
}

static void *origin_thread(void *listener) {
  origin_run((int)(intptr_t)listener);
  return NULL;
}

/* ---- Client ------------------------------------------------------------------------------------------ */

enum state { CONNECTING, GREETED, AUTHENTICATING, REQUESTED, OPEN };

struct conn {
  int fd, id;
  enum state state;
  int got; /* bytes of the reply, answer or message under way */
  const struct user *user;
  int body_left; /* get: -1 until the head is whole */
  uint8_t reply[HEAD_BYTES];
  uint64_t started_ns;
};

static struct conn *conns;
static int client_epoll, stopping;
static struct sockaddr_in proxy;
static uint64_t ready_count, fail_count, answered_count;

static void client_connect(struct conn *conn);

static void watch(struct conn *conn, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = conn};
  epoll_ctl(client_epoll, EPOLL_CTL_MOD, conn->fd, &event);
}

static void client_end(struct conn *conn) {
  close(conn->fd);
  conn->fd = -1;
  if (opt.op == RR && !stopping) client_connect(conn);
}

static void client_fail(struct conn *conn) {
  if (fail_count++ < 3) {
    fprintf(stderr, "tcpload: connection %d failed in state %d: %s\n", conn->id, conn->state,
            strerror(errno));
  }
  client_end(conn);
}

static void bind_source(struct conn *conn) {
  struct sockaddr_in source = {.sin_family = AF_INET};
  int on = 1;
  source.sin_addr.s_addr = htonl(0x7f000002 + conn->id % opt.sources);
  setsockopt(conn->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  bind(conn->fd, (struct sockaddr *)&source, sizeof source);
}

static void client_connect(struct conn *conn) {
  conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (conn->fd < 0) die("socket");
  set_nodelay(conn->fd);
  set_buffer(conn->fd, SO_SNDBUF, opt.client_send);
  set_buffer(conn->fd, SO_RCVBUF, opt.client_receive);
  if (opt.sources > 1) bind_source(conn);
  conn->state = CONNECTING;
  conn->got = 0;
  conn->started_ns = now_ns();
  if (connect(conn->fd, (struct sockaddr *)&proxy, sizeof proxy) && errno != EINPROGRESS) die("connect");
  struct epoll_event event = {.events = EPOLLOUT, .data.ptr = conn};
  epoll_ctl(client_epoll, EPOLL_CTL_ADD, conn->fd, &event);
}

static void say(struct conn *conn, const void *bytes, size_t length, enum state next) {
  send(conn->fd, bytes, length, MSG_NOSIGNAL);
  conn->state = next;
  conn->got = 0;
}

static void say_greeting(struct conn *conn) {
  say(conn, conn->user->name ? "\x05\x01\x02" : "\x05\x01\x00", 3, GREETED);
}

static void say_password(struct conn *conn) {
  uint8_t bytes[3 + 255 + 255];
  size_t name = strlen(conn->user->name), password = strlen(conn->user->password), n = 0;
  bytes[n++] = 1;
  bytes[n++] = (uint8_t)name;
  memcpy(bytes + n, conn->user->name, name);
  n += name;
  bytes[n++] = (uint8_t)password;
  memcpy(bytes + n, conn->user->password, password);
  say(conn, bytes, n + password, AUTHENTICATING);
}

static void say_socks_request(struct conn *conn) {
  uint8_t bytes[10] = {5, 1, 0, 1};
  inet_pton(AF_INET, opt.origin_address, bytes + 4);
  bytes[8] = (uint8_t)(opt.origin_port >> 8);
  bytes[9] = (uint8_t)opt.origin_port;
  say(conn, bytes, sizeof bytes, REQUESTED);
}

/* A request's head, with a login where there is one. `line` takes the origin's address and port. */
static int request_head(const struct conn *conn, const char *line, char *text, int room) {
  char plain[512], basic[700], login[760] = "", first[128];
  if (conn->user->name) {
    int length = snprintf(plain, sizeof plain, "%s:%s", conn->user->name, conn->user->password);
    base64((uint8_t *)plain, length, basic);
    snprintf(login, sizeof login, "Proxy-Authorization: Basic %s\r\n", basic);
  }
  snprintf(first, sizeof first, line, opt.origin_address, opt.origin_port);
  return snprintf(text, room, "%s HTTP/1.1\r\nHost: %s:%d\r\n%s\r\n", first, opt.origin_address,
                  opt.origin_port, login);
}

static void say_connect_request(struct conn *conn) {
  char text[HEAD_BYTES];
  say(conn, text, request_head(conn, "CONNECT %s:%d", text, sizeof text), REQUESTED);
}

static void say_get(struct conn *conn) {
  char text[HEAD_BYTES];
  int length = opt.mode == WEB ? snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: bench.test\r\n\r\n")
                               : request_head(conn, "GET http://%s:%d/", text, sizeof text);
  conn->body_left = -1;
  conn->started_ns = now_ns();
  say(conn, text, length, OPEN);
}

static void client_open(struct conn *conn) {
  if (opt.op == GET) {
    ready_count++;
    watch(conn, EPOLLIN);
    say_get(conn);
    return;
  }
  uint8_t hello[HELLO_BYTES] = {(uint8_t)OP_BYTE[opt.op]};
  memcpy(hello + 4, &conn->id, sizeof conn->id);
  say(conn, hello, sizeof hello, OPEN);
  ready_count++;
  if (opt.op == PINGPONG) {
    conn->started_ns = now_ns();
    send(conn->fd, outgoing, opt.message_bytes, MSG_NOSIGNAL);
  }
  watch(conn, EPOLLIN | (opt.op == UP || opt.op == BOTH ? EPOLLOUT : 0));
}

static void on_connected(struct conn *conn) {
  int failure = 0;
  socklen_t length = sizeof failure;
  getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &failure, &length);
  if (failure) {
    errno = failure;
    client_fail(conn);
    return;
  }
  if (opt.mode == RAW || opt.op == GET) {
    client_open(conn);
    return;
  }
  watch(conn, EPOLLIN);
  if (opt.mode == SOCKS5) say_greeting(conn);
  else say_connect_request(conn);
}

/* How long the reply under way is; the HTTP head (-1) ends at its blank line instead. */
static int reply_length(const struct conn *conn) {
  if (conn->state != REQUESTED) return 2;
  if (opt.mode == CONNECT) return -1;
  return conn->got >= 4 && conn->reply[3] == 4 ? 22 : 10;
}

/* False: the proxy refused. */
static int on_reply(struct conn *conn) {
  errno = EACCES;
  switch (conn->state) {
  case GREETED:
    if (conn->reply[1] != (conn->user->name ? 2 : 0)) return 0;
    if (conn->user->name) say_password(conn);
    else say_socks_request(conn);
    return 1;
  case AUTHENTICATING:
    if (conn->reply[1] != 0) return 0;
    say_socks_request(conn);
    return 1;
  default:
    if (opt.mode == SOCKS5 ? conn->reply[1] != 0 : !strstr((char *)conn->reply, " 200")) return 0;
    client_open(conn);
    return 1;
  }
}

static void on_handshake(struct conn *conn) {
  int length = reply_length(conn);
  int room = (length < 0 ? (int)sizeof conn->reply - 1 : length) - conn->got;
  ssize_t n = recv(conn->fd, conn->reply + conn->got, room, 0);
  if (n <= 0) {
    if (!still_open(n)) client_fail(conn);
    return;
  }
  conn->got += n;
  conn->reply[conn->got] = 0;
  int whole = length < 0 ? strstr((char *)conn->reply, "\r\n\r\n") != NULL : conn->got == reply_length(conn);
  if (whole && !on_reply(conn)) client_fail(conn);
}

static void record_latency(const struct conn *conn) {
  if (window_bucket() >= 0) latency_add(conn->started_ns);
}

static void on_rr(struct conn *conn) {
  ssize_t n = recv(conn->fd, client_buffer, sizeof client_buffer, 0);
  if (n > 0) conn->got += n;
  if (still_open(n)) return;
  if (conn->got < HELLO_BYTES) {
    client_fail(conn);
    return;
  }
  record_latency(conn);
  client_end(conn);
}

static void on_pingpong(struct conn *conn) {
  ssize_t n = recv(conn->fd, client_buffer, sizeof client_buffer, 0);
  if (!still_open(n)) client_fail(conn);
  if (n <= 0) return;
  conn->got += n;
  if (conn->got < opt.message_bytes) return;
  record_latency(conn);
  conn->got = 0;
  conn->started_ns = now_ns();
  send(conn->fd, outgoing, opt.message_bytes, MSG_NOSIGNAL);
}

/* The head of an answer is whole: how much body there is in all, or -1 where it is not what the origin sent. */
static int body_length(const char *head) {
  const char *field = strcasestr(head, "\r\nContent-Length:");
  int status = 0;
  if (sscanf(head, "HTTP/1.%*d %d", &status) != 1 || status != 200 || !field) return -1;
  int length = atoi(field + strlen("\r\nContent-Length:"));
  return length == BODY_BYTES ? length : -1;
}

/* Takes what has come of the head. False: there is no head such as there should be. */
static int on_response_head(struct conn *conn) {
  ssize_t n = recv(conn->fd, conn->reply + conn->got, sizeof conn->reply - 1 - conn->got, 0);
  if (n <= 0) return still_open(n);
  conn->got += n;
  conn->reply[conn->got] = 0;
  char *head = (char *)conn->reply, *end = strstr(head, "\r\n\r\n");
  if (!end) return conn->got < (int)sizeof conn->reply - 1;
  int length = body_length(head);
  if (length < 0) {
    int line = (int)strcspn(head, "\r");
    if (!fail_count) fprintf(stderr, "tcpload: not the answer of the origin: %.*s\n", line, head);
    return 0;
  }
  conn->body_left = length - (conn->got - (int)(end + 4 - head));
  return conn->body_left >= 0;
}

static int on_response_body(struct conn *conn) {
  ssize_t n = recv(conn->fd, client_buffer, conn->body_left, 0);
  if (n > 0) conn->body_left -= n;
  return still_open(n);
}

static void on_response(struct conn *conn) {
  errno = EPROTO;
  if (!(conn->body_left < 0 ? on_response_head(conn) : on_response_body(conn))) {
    client_fail(conn);
    return;
  }
  if (conn->body_left != 0) return;
  record_latency(conn);
  say_get(conn);
}

static void on_idle(struct conn *conn) {
  ssize_t n = recv(conn->fd, client_buffer, sizeof client_buffer, 0);
  if (n > 0) answered_count++;
  else if (!still_open(n)) client_fail(conn);
}

static void on_bulk(struct conn *conn, uint32_t events) {
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
    ssize_t n = recv(conn->fd, client_buffer, BUFFER_BYTES, MSG_TRUNC);
    if (n > 0) tally_add(&down, conn->id, n);
    if (!still_open(n)) {
      client_fail(conn);
      return;
    }
  }
  if (!(events & EPOLLOUT)) return;
  if (send(conn->fd, outgoing, BUFFER_BYTES, MSG_NOSIGNAL) < 0 && errno != EAGAIN) client_fail(conn);
}

static void on_event(struct conn *conn, uint32_t events) {
  if (conn->fd < 0) return;
  if (conn->state == CONNECTING) on_connected(conn);
  else if (conn->state != OPEN) on_handshake(conn);
  else if (opt.op == RR) on_rr(conn);
  else if (opt.op == PINGPONG) on_pingpong(conn);
  else if (opt.op == GET) on_response(conn);
  else if (opt.op == IDLE) on_idle(conn);
  else on_bulk(conn, events);
}

static void client_poll(int timeout_ms) {
  struct epoll_event events[MAX_EVENTS];
  int count = epoll_wait(client_epoll, events, MAX_EVENTS, timeout_ms);
  for (int i = 0; i < count; i++) on_event(events[i].data.ptr, events[i].events);
}

static void poll_until(uint64_t end_ns) {
  while (now_ns() < end_ns) client_poll(5);
}

/* ---- One run ----------------------------------------------------------------------------------------- */

static void client_init(void) {
  conns = calloc(opt.conns, sizeof *conns);
  client_epoll = epoll_create1(0);
  if (!conns || client_epoll < 0) die("tcpload");
  latency_init();
  proxy = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(opt.proxy_port)};
  inet_pton(AF_INET, "127.0.0.1", &proxy.sin_addr);
  int id = 0;
  for (int u = 0; u < opt.user_count; u++)
    for (int k = 0; k < opt.users[u].conns; k++, id++)
      conns[id] = (struct conn){.fd = -1, .id = id, .user = &opt.users[u]};
}

static int settled(int started) {
  uint64_t done = opt.op == IDLE ? answered_count : ready_count;
  return started == opt.conns && (opt.op == RR || done + fail_count >= (uint64_t)opt.conns);
}

/* Opens all connections, --ramp handshakes at a time, and waits until each is through (rr: begun). */
static void connect_all(void) {
  uint64_t deadline = now_ns() + CONNECT_DEADLINE_NS;
  int started = 0;
  while (!settled(started)) {
    while (started < opt.conns && started - (int64_t)(ready_count + fail_count) < opt.ramp)
      client_connect(&conns[started++]);
    client_poll(5);
    if (now_ns() > deadline) {
      fprintf(stderr, "tcpload: %d of %d connections came up\n", (int)ready_count, opt.conns);
      exit(1);
    }
  }
}

static void print_users(void) {
  int first = 0;
  printf("\"users\":[");
  for (int u = 0; u < opt.user_count; u++) {
    int end = first + opt.users[u].conns;
    printf("%s{\"name\":\"%s\",\"conns\":%d,\"down\":%llu,\"up\":%llu}", u ? "," : "",
           opt.users[u].name ? opt.users[u].name : "", opt.users[u].conns,
           (unsigned long long)tally_sum(&down, first, end), (unsigned long long)tally_sum(&up, first, end));
    first = end;
  }
  printf("]");
}

static void print_result(void) {
  printf("{\"seconds\":%.4f,\"ready\":%llu,\"fails\":%llu,", bucket_count * (bucket_ns / 1e9),
         (unsigned long long)ready_count, (unsigned long long)fail_count);
  print_tally("down", &down);
  printf(",");
  print_tally("up", &up);
  printf(",");
  print_users();
  printf(",");
  print_exchanges();
  printf("}\n");
  fflush(stdout);
}

static void run_idle(void) {
  mark("READY");
  poll_until(now_ns() + (uint64_t)(opt.hold_seconds * 1e9));
  mark("END");
  usleep(300000); /* whoever reads the proxy's memory at END reads it with the connections up */
}

static void run_window(void) {
  poll_until(now_ns() + (uint64_t)(opt.warm_seconds * 1e9));
  mark("BEGIN");
  uint64_t begin = now_ns();
  atomic_store(&window_begin_ns, begin);
  poll_until(begin + bucket_ns * bucket_count);
  mark("END");
  stopping = 1;
}

/* ---- Command line ------------------------------------------------------------------------------------ */

/* "name:password" or "name:password*conns"; cut up in place. */
static void add_user(char *text, int default_conns) {
  if (opt.user_count == MAX_USERS) usage("too many users");
  char *star = strrchr(text, '*'), *colon = strchr(text, ':');
  if (!colon || strpbrk(text, "\"\\")) usage("--user wants NAME:PASSWORD, without quotes or backslashes");
  if (star) *star = 0;
  *colon = 0;
  if (strlen(text) > 255 || strlen(colon + 1) > 255) usage("--user: at most 255 bytes each");
  int count = star ? atoi(star + 1) : default_conns;
  opt.users[opt.user_count++] = (struct user){.name = text, .password = colon + 1, .conns = count};
}

static void add_users(char *list) {
  for (char *text = strtok(list, ","); text; text = strtok(NULL, ",")) add_user(text, 1);
  opt.conns = 0;
  for (int u = 0; u < opt.user_count; u++) opt.conns += opt.users[u].conns;
}

static const struct flag flags[] = {
    {"--conns", &opt.conns, NULL},           {"--proxy", &opt.proxy_port, NULL},
    {"--origin", &opt.origin_port, NULL},    {"--msg", &opt.message_bytes, NULL},
    {"--ramp", &opt.ramp, NULL},             {"--nsrc", &opt.sources, NULL},
    {"--osnd", &opt.origin_send, NULL},      {"--orcv", &opt.origin_receive, NULL},
    {"--csnd", &opt.client_send, NULL},      {"--rcvbuf", &opt.client_receive, NULL},
    {"--secs", NULL, &opt.seconds},          {"--warm", NULL, &opt.warm_seconds},
    {"--bucket", NULL, &opt.bucket_seconds}, {"--hold", NULL, &opt.hold_seconds},
    {NULL, NULL, NULL},
};

static void parse(int argc, char **argv) {
  static const char *const modes[] = {"raw", "socks5", "connect", "http", "web", NULL};
  static const char *const ops[] = {"down", "up", "both", "rr", "idle", "pp", "get", NULL};
  char *user = NULL, *users = NULL;
  for (int i = 1; i < argc; i++) {
    char *name = argv[i];
    if (!strcmp(name, "--origin-only")) opt.origin_only = 1;
    else if (!strcmp(name, "--no-origin")) opt.no_origin = 1;
    else if (++i == argc) usage(name);
    else if (!strcmp(name, "--mode")) opt.mode = pick(argv[i], modes);
    else if (!strcmp(name, "--op")) opt.op = pick(argv[i], ops);
    else if (!strcmp(name, "--user")) user = argv[i];
    else if (!strcmp(name, "--users")) users = argv[i];
    else if (!strcmp(name, "--oip")) opt.origin_address = argv[i];
    else if (!set_number(flags, name, argv[i])) usage(name);
  }
  if (users) add_users(users);
  else if (user) add_user(user, opt.conns);
  else opt.users[opt.user_count++] = (struct user){.conns = opt.conns};
  if ((opt.mode == HTTP || opt.mode == WEB) != (opt.op == GET)) usage("--mode http or web and --op get belong together");
  if (opt.conns < 1) usage("--conns must be at least 1");
  if (opt.message_bytes < 1 || opt.message_bytes > BUFFER_BYTES) usage("--msg is out of range");
}

static void compose_answer(void) {
  static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nCache-Control: no-store\r\n"
                             "Content-Length: %d\r\n\r\n";
  int length = snprintf(answer_200, sizeof answer_200, head, BODY_BYTES);
  memset(answer_200 + length, 'x', BODY_BYTES);
  answer_200_length = length + BODY_BYTES;
}

static void raise_file_limit(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv) {
  parse(argc, argv);
  raise_file_limit();
  compose_answer();
  bucket_ns = (uint64_t)(opt.bucket_seconds * 1e9);
  bucket_count = (int)(opt.seconds / opt.bucket_seconds + 0.5);
  if (!bucket_ns || bucket_count < 1) usage("--secs must hold at least one --bucket");
  tally_init(&down);
  tally_init(&up);
  if (opt.origin_only) origin_run(origin_listen());
  pthread_t thread;
  if (!opt.no_origin) pthread_create(&thread, NULL, origin_thread, (void *)(intptr_t)origin_listen());
  client_init();
  mark("START");
  connect_all();
  if (opt.op == IDLE) run_idle();
  else run_window();
  print_result();
  return 0;
}
