/*
 * ssload: a target and a client of a Shadowsocks server in one process, to load the server between them over loopback
 * while costing little itself. Two threads: main is the client, the other the target; each has its own epoll.
 *
 *   cc -O2 -o ssload ssload.c -lpthread -lcrypto
 *   ssload --user METHOD:SECRET --op down|up|rr|idle|udp --proxy PORT --origin PORT [flags]
 *
 * METHOD is one of shadowsocks.h; SECRET a password, or with 2022 the base64 of a key. Each connection begins with salt,
 * target and 1 KiB of payload in one piece; byte 0 of it is the operation, bytes 4-7 the connection's number.
 *   down  the target writes without end      up  the client writes without end, in the longest chunks of the method
 *   rr    1 KiB comes back, the client closes, and a new connection is opened at once
 *   idle  1 KiB comes back, then silence for --hold seconds
 *   udp   associations instead of connections: --rate datagrams of --msg bytes a second over all of them, each sent
 *         back; an association has at most --window on their way, so that nothing overflows, unless --lossy is 1: then
 *         all are sent, and what does not come back is no fail. Methods of 2017 only
 *
 * What comes back is opened and compared, but for down, where it is thrown away in the kernel, unopened and uncopied.
 * The client comes from --nsrc addresses, 127.0.0.2 and up, and asks for as many addresses of the target, so that neither
 * it nor the server runs out of ports.
 *
 * stdout: START, then BEGIN and END around the measured window (idle: READY and END), then one line of JSON. Bytes are
 * payload, counted by the target: up when they are received, down when they are sent. An exchange is an answer that came
 * whole and right (rr, udp), inside the window.
 */
#define _GNU_SOURCE
#define OPENSSL_SUPPRESS_DEPRECATED
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common.h"
#include "shadowsocks.h"

#define MESSAGE_BYTES 1024
#define REQUEST_ROOM (MESSAGE_BYTES + 256)
#define BUFFER_BYTES (256 * 1024)
#define BATCH_BYTES (64 * 1024)
#define MAX_EVENTS 512
#define MAX_WINDOW 256
#define MAX_DATAGRAM 2048
#define CONNECT_DEADLINE_NS (120 * 1000000000ull)
#define LOST_NS 1000000000ull
#define MAX_BURST_SECONDS 0.01

enum op { DOWN, UP, RR, IDLE, UDP };
static const char OP_BYTE[] = "DURI";

static struct options {
  enum op op;
  int conns, proxy_port, origin_port, sources, ramp, window, rate, message_bytes, lossy;
  double seconds, warm_seconds, hold_seconds;
} opt = {.conns = 1, .origin_port = 9900, .sources = 16, .ramp = 100, .window = 8, .rate = 10000,
         .message_bytes = 1024, .seconds = 5, .warm_seconds = 1};

static uint8_t filler[BUFFER_BYTES];
static uint64_t fail_count;
static _Atomic uint64_t down_bytes, up_bytes, window_begin_ns, window_end_ns; /* 0: not open yet */

static int in_window(void) {
  uint64_t begin = atomic_load_explicit(&window_begin_ns, memory_order_relaxed);
  uint64_t end = atomic_load_explicit(&window_end_ns, memory_order_relaxed);
  if (!begin) return 0;
  uint64_t now = now_ns();
  return now >= begin && now < end;
}

static void count(_Atomic uint64_t *bytes, ssize_t n) {
  if (in_window()) atomic_fetch_add_explicit(bytes, (uint64_t)n, memory_order_relaxed);
}

static void fail(const char *what) {
  if (fail_count++ < 3) fprintf(stderr, "ssload: %s\n", what);
}

static int still_open(ssize_t received) {
  return received > 0 || (received < 0 && errno == EAGAIN);
}

static void set_on(int fd, int level, int option) {
  int on = 1;
  setsockopt(fd, level, option, &on, sizeof on);
}

static struct sockaddr_in address_of(uint32_t ip, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(ip);
  return address;
}

static void add_to(int epoll, int fd, uint32_t events, void *owner) {
  struct epoll_event event = {.events = events, .data.ptr = owner};
  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void change_in(int epoll, int fd, uint32_t events, void *owner) {
  struct epoll_event event = {.events = events, .data.ptr = owner};
  epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event);
}

/* ---- Target ------------------------------------------------------------------------------------------ */

struct target_conn {
  int fd, got;
  char op; /* 0 until its message is whole */
  uint8_t first;
};

static int target_listen(int type) {
  struct sockaddr_in any = address_of(INADDR_ANY, opt.origin_port);
  int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0), bytes = 8 << 20;
  set_on(fd, SOL_SOCKET, SO_REUSEADDR);
  if (type == SOCK_DGRAM) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  if (bind(fd, (struct sockaddr *)&any, sizeof any)) die("target: bind");
  if (type == SOCK_STREAM && listen(fd, 16384)) die("target: listen");
  return fd;
}

static void target_accept(int epoll, int listener) {
  int fd;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    struct target_conn *conn = calloc(1, sizeof *conn);
    if (!conn) die("calloc");
    conn->fd = fd;
    set_on(fd, IPPROTO_TCP, TCP_NODELAY);
    add_to(epoll, fd, EPOLLIN, conn);
  }
}

static void target_begin(int epoll, struct target_conn *conn) {
  conn->op = (char)conn->first;
  if (conn->op == 'D') change_in(epoll, conn->fd, EPOLLIN | EPOLLOUT, conn);
  if (conn->op == 'R' || conn->op == 'I') send(conn->fd, filler, MESSAGE_BYTES, MSG_NOSIGNAL);
}

static int target_read(int epoll, struct target_conn *conn, uint8_t *bytes) {
  if (conn->op) {
    ssize_t n = recv(conn->fd, NULL, 4 << 20, MSG_TRUNC);
    if (n > 0) count(&up_bytes, n);
    return still_open(n);
  }
  ssize_t n = recv(conn->fd, bytes, MESSAGE_BYTES - conn->got, 0);
  if (n <= 0) return still_open(n);
  if (conn->got == 0) conn->first = bytes[0];
  conn->got += (int)n;
  if (conn->got == MESSAGE_BYTES) target_begin(epoll, conn);
  return 1;
}

static int target_write(struct target_conn *conn) {
  for (int turn = 0; turn < 4; turn++) {
    ssize_t n = send(conn->fd, filler, BUFFER_BYTES, MSG_NOSIGNAL);
    if (n < 0) return errno == EAGAIN;
    count(&down_bytes, n);
    if (n < BUFFER_BYTES) return 1;
  }
  return 1;
}

static void target_echo(int fd, uint8_t *bytes) {
  struct sockaddr_in from;
  for (;;) {
    socklen_t length = sizeof from;
    ssize_t n = recvfrom(fd, bytes, MAX_DATAGRAM, 0, (struct sockaddr *)&from, &length);
    if (n < 0) return;
    sendto(fd, bytes, (size_t)n, 0, (struct sockaddr *)&from, length);
  }
}

static void target_event(int epoll, struct target_conn *conn, uint32_t ready, uint8_t *bytes) {
  int alive = 1;
  if (ready & (EPOLLIN | EPOLLHUP | EPOLLERR)) alive = target_read(epoll, conn, bytes);
  if (alive && (ready & EPOLLOUT)) alive = target_write(conn);
  if (alive) return;
  close(conn->fd);
  free(conn);
}

static void *target_run(void *listeners) {
  static uint8_t bytes[MAX_DATAGRAM];
  int *fds = listeners, epoll = epoll_create1(0);
  struct epoll_event events[MAX_EVENTS];
  for (int i = 0; i < 2; i++) add_to(epoll, fds[i], EPOLLIN, &fds[i]);
  for (;;) {
    int ready = epoll_wait(epoll, events, MAX_EVENTS, -1);
    for (int i = 0; i < ready; i++) {
      void *owner = events[i].data.ptr;
      if (owner == &fds[0]) target_accept(epoll, fds[0]);
      else if (owner == &fds[1]) target_echo(fds[1], bytes);
      else target_event(epoll, owner, events[i].events, bytes);
    }
  }
  return NULL;
}

/* ---- Client: connections ----------------------------------------------------------------------------- */

struct conn {
  int fd, id, connected, opened;
  struct aead up;
  uint8_t salt[MAX_KEY];
  uint8_t *batch; /* up: sealed and not sent yet, from `sent` to `sealed` */
  int sent, sealed;
  uint64_t started_ns;
  uint8_t answer[MAX_RESPONSE];
  struct response response;
};

static struct conn *conns;
static struct sockaddr_in proxy;
static int client_epoll, stopping, ready_count;

static void write_target(int id, uint8_t *address) {
  uint32_t ip = htonl(INADDR_LOOPBACK + (uint32_t)(id % opt.sources));
  address[0] = 1;
  memcpy(address + 1, &ip, sizeof ip);
  put_u16(address + 5, opt.origin_port);
}

static void client_connect(struct conn *conn) {
  struct sockaddr_in source = address_of(INADDR_LOOPBACK + 1 + (uint32_t)(conn->id % opt.sources), 0);
  conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (conn->fd < 0) die("socket");
  set_on(conn->fd, IPPROTO_TCP, TCP_NODELAY);
  set_on(conn->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
  if (bind(conn->fd, (struct sockaddr *)&source, sizeof source)) die("bind");
  conn->connected = conn->opened = conn->sent = conn->sealed = 0;
  conn->response.received = conn->response.consumed = 0;
  conn->started_ns = now_ns();
  if (connect(conn->fd, (struct sockaddr *)&proxy, sizeof proxy) && errno != EINPROGRESS) die("connect");
  add_to(client_epoll, conn->fd, EPOLLOUT, conn);
}

static void client_end(struct conn *conn) {
  close(conn->fd);
  conn->fd = -1;
  aead_end(&conn->up);
  aead_end(&conn->response.down);
  if (opt.op == RR && !stopping) client_connect(conn);
}

static void client_fail(struct conn *conn, const char *what) {
  fail(what);
  client_end(conn);
}

static void on_connected(struct conn *conn) {
  uint8_t request[REQUEST_ROOM], message[MESSAGE_BYTES], address[ADDRESS_BYTES];
  memcpy(message, filler, sizeof message);
  message[0] = (uint8_t)OP_BYTE[opt.op];
  memcpy(message + 4, &conn->id, sizeof conn->id);
  write_target(conn->id, address);
  RAND_bytes(conn->salt, method->key_bytes);
  int length = seal_request(&conn->up, conn->salt, address, message, sizeof message, request);
  if (send(conn->fd, request, (size_t)length, MSG_NOSIGNAL) != length) {
    client_fail(conn, "a request could not be sent");
    return;
  }
  conn->connected = 1;
  if (opt.op == UP || opt.op == DOWN) ready_count++;
  change_in(client_epoll, conn->fd, EPOLLIN | (opt.op == UP ? EPOLLOUT : 0), conn);
}

/* What came back is whole. */
static void on_answer(struct conn *conn) {
  if (memcmp(conn->answer, filler, MESSAGE_BYTES)) {
    client_fail(conn, "an answer is not what the target sent");
    return;
  }
  if (conn->opened > MESSAGE_BYTES) client_fail(conn, "an answer is too long");
  else if (opt.op == IDLE) ready_count++;
  else {
    if (in_window()) latency_add(conn->started_ns);
    client_end(conn);
  }
}

static void on_response(struct conn *conn) {
  struct response *r = &conn->response;
  ssize_t n = recv(conn->fd, r->bytes + r->received, sizeof r->bytes - (size_t)r->received, 0);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) {
    client_fail(conn, "a connection was closed early");
    return;
  }
  r->received += (int)n;
  int opened = response_open(r, conn->salt, conn->answer, conn->opened);
  if (opened < 0) {
    client_fail(conn, "an answer does not open");
    return;
  }
  int isNews = opened > conn->opened;
  conn->opened = opened;
  if (isNews && opened >= MESSAGE_BYTES) on_answer(conn);
}

static void seal_batch(struct conn *conn) {
  conn->sent = conn->sealed = 0;
  if (!conn->batch) conn->batch = malloc(2 * BATCH_BYTES);
  if (!conn->batch) die("malloc");
  for (int plain = 0; plain + method->chunk_bytes <= BATCH_BYTES; plain += method->chunk_bytes)
    conn->sealed += seal_chunk(&conn->up, filler, method->chunk_bytes, conn->batch + conn->sealed);
}

static void on_bulk(struct conn *conn, uint32_t events) {
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
    ssize_t n = recv(conn->fd, NULL, 4 << 20, MSG_TRUNC);
    if (!still_open(n)) {
      client_fail(conn, "a connection was closed");
      return;
    }
  }
  if (!(events & EPOLLOUT)) return;
  if (conn->sent == conn->sealed) seal_batch(conn);
  ssize_t n = send(conn->fd, conn->batch + conn->sent, (size_t)(conn->sealed - conn->sent), MSG_NOSIGNAL);
  if (n > 0) conn->sent += (int)n;
  else if (errno != EAGAIN) client_fail(conn, "a connection broke");
}

static void on_event(struct conn *conn, uint32_t events) {
  if (conn->fd < 0) return;
  if (!conn->connected) {
    if (events & (EPOLLERR | EPOLLHUP)) client_fail(conn, "a connection was refused");
    else on_connected(conn);
  } else if (opt.op == RR || opt.op == IDLE) on_response(conn);
  else on_bulk(conn, events);
}

static void poll_until(uint64_t end_ns) {
  struct epoll_event events[MAX_EVENTS];
  do {
    int ready = epoll_wait(client_epoll, events, MAX_EVENTS, 5);
    for (int i = 0; i < ready; i++) on_event(events[i].data.ptr, events[i].events);
  } while (now_ns() < end_ns);
}

/* Opens all connections, --ramp at a time, and waits until each is through (rr: begun). */
static void connect_all(void) {
  uint64_t deadline = now_ns() + CONNECT_DEADLINE_NS;
  int started = 0, at_once = opt.op == RR ? opt.conns : opt.ramp;
  while (started < opt.conns || (opt.op != RR && ready_count + (int)fail_count < opt.conns)) {
    while (started < opt.conns && started - ready_count - (int)fail_count < at_once)
      client_connect(&conns[started++]);
    poll_until(0);
    if (now_ns() > deadline) {
      fprintf(stderr, "ssload: %d of %d connections came up\n", ready_count, opt.conns);
      exit(1);
    }
  }
}

static void open_window(void) {
  mark("BEGIN");
  uint64_t begin = now_ns();
  atomic_store(&window_end_ns, begin + (uint64_t)(opt.seconds * 1e9));
  atomic_store(&window_begin_ns, begin);
}

static void run_conns(void) {
  conns = calloc((size_t)opt.conns, sizeof *conns);
  if (!conns) die("calloc");
  for (int id = 0; id < opt.conns; id++) conns[id] = (struct conn){.fd = -1, .id = id};
  connect_all();
  if (opt.op == IDLE) {
    mark("READY");
    poll_until(now_ns() + (uint64_t)(opt.hold_seconds * 1e9));
    mark("END");
    usleep(300000); /* whoever reads the server's memory at END reads it with the connections up */
    return;
  }
  poll_until(now_ns() + (uint64_t)(opt.warm_seconds * 1e9));
  open_window();
  poll_until(window_end_ns);
  mark("END");
  stopping = 1;
}

/* ---- Client: datagrams ------------------------------------------------------------------------------- */

struct association {
  int fd;
  uint32_t next;                /* number of the next datagram */
  uint64_t sent_ns[MAX_WINDOW]; /* by number modulo the window; 0: not on its way */
};

static struct association *associations;
static uint8_t datagram_head[ADDRESS_BYTES];
static struct aead packet_seal, packet_open;

static int packet_bytes(void) {
  return method->key_bytes + ADDRESS_BYTES + opt.message_bytes + TAG_BYTES;
}

static void send_next(struct association *one) {
  static uint8_t plain[MAX_DATAGRAM], packet[MAX_DATAGRAM];
  memcpy(plain, datagram_head, ADDRESS_BYTES);
  memcpy(plain + ADDRESS_BYTES, &one->next, sizeof one->next);
  RAND_bytes(packet, method->key_bytes);
  aead_begin(&packet_seal, packet, 1);
  aead_seal(&packet_seal, plain, ADDRESS_BYTES + opt.message_bytes, packet + method->key_bytes);
  one->sent_ns[one->next % opt.window] = now_ns();
  one->next++;
  if (send(one->fd, packet, (size_t)packet_bytes(), 0) < 0) fail(strerror(errno));
}

/* Whether it is one that is on its way, as the target sent it back. */
static int on_packet(struct association *one, const uint8_t *packet, ssize_t length) {
  uint8_t plain[MAX_DATAGRAM];
  uint32_t number;
  if (length != packet_bytes()) return 0;
  aead_begin(&packet_open, packet, 0);
  if (!aead_open(&packet_open, packet + method->key_bytes, ADDRESS_BYTES + opt.message_bytes, plain)) return 0;
  memcpy(&number, plain + ADDRESS_BYTES, sizeof number);
  uint64_t *slot = &one->sent_ns[number % opt.window];
  if (memcmp(plain, datagram_head, ADDRESS_BYTES) || (!*slot && !opt.lossy)) return 0;
  if (in_window()) latency_add(*slot);
  *slot = 0;
  return 1;
}

static void receive_all(struct association *one) {
  static uint8_t packet[MAX_DATAGRAM];
  ssize_t n;
  while ((n = recv(one->fd, packet, sizeof packet, MSG_DONTWAIT)) >= 0)
    if (!on_packet(one, packet, n)) fail("a datagram came back otherwise than it was sent");
  if (errno != EAGAIN) fail(strerror(errno));
}

/* A datagram that never came back gives its place to the next one after a second. */
static int has_room(struct association *one) {
  if (opt.lossy) return 1;
  uint64_t *slot = &one->sent_ns[one->next % opt.window];
  if (*slot && now_ns() - *slot > LOST_NS) {
    fail("a datagram was lost");
    *slot = 0;
  }
  return *slot == 0;
}

/* Sends what is due, in turns. What nobody had room for is put off, and given up where it is more than a burst. */
static double send_due(double due) {
  static int turn;
  int passed_over = 0;
  while (due >= 1 && passed_over < opt.conns) {
    struct association *one = &associations[turn++ % opt.conns];
    if (!has_room(one)) {
      passed_over++;
      continue;
    }
    send_next(one);
    passed_over = 0;
    due--;
  }
  double most = opt.rate * MAX_BURST_SECONDS;
  return due < most ? due : most;
}

static void exchange_until(uint64_t end_ns, int sending) {
  struct epoll_event events[MAX_EVENTS];
  uint64_t last_ns = now_ns();
  double due = 0;
  while (last_ns < end_ns) {
    int ready = epoll_wait(client_epoll, events, MAX_EVENTS, 1);
    for (int i = 0; i < ready; i++) receive_all(events[i].data.ptr);
    uint64_t now = now_ns();
    due += (double)(now - last_ns) / 1e9 * opt.rate;
    last_ns = now;
    if (sending) due = send_due(due);
  }
}

static void open_association(struct association *one) {
  struct sockaddr_in any = address_of(INADDR_LOOPBACK, 0);
  int bytes = 4 << 20;
  one->fd = socket(AF_INET, SOCK_DGRAM, 0);
  setsockopt(one->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  if (bind(one->fd, (struct sockaddr *)&any, sizeof any)) die("udp: bind");
  if (connect(one->fd, (struct sockaddr *)&proxy, sizeof proxy)) die("udp: connect");
  add_to(client_epoll, one->fd, EPOLLIN, one);
}

static void run_datagrams(void) {
  associations = calloc((size_t)opt.conns, sizeof *associations);
  if (!associations) die("calloc");
  write_target(0, datagram_head);
  for (int i = 0; i < opt.conns; i++) open_association(&associations[i]);
  exchange_until(now_ns() + (uint64_t)(opt.warm_seconds * 1e9), 1);
  open_window();
  exchange_until(window_end_ns, 1);
  mark("END");
  exchange_until(now_ns() + LOST_NS / 4, 0);
  if (opt.lossy) return;
  for (int i = 0; i < opt.conns; i++)
    for (int slot = 0; slot < opt.window; slot++)
      if (associations[i].sent_ns[slot]) fail("a datagram was lost");
}

/* ---- Command line ------------------------------------------------------------------------------------ */

static const struct flag flags[] = {
    {"--conns", &opt.conns, NULL},      {"--window", &opt.window, NULL},   {"--rate", &opt.rate, NULL},
    {"--msg", &opt.message_bytes, NULL}, {"--proxy", &opt.proxy_port, NULL}, {"--origin", &opt.origin_port, NULL},
    {"--nsrc", &opt.sources, NULL},     {"--ramp", &opt.ramp, NULL},       {"--secs", NULL, &opt.seconds},
    {"--warm", NULL, &opt.warm_seconds}, {"--hold", NULL, &opt.hold_seconds}, {"--lossy", &opt.lossy, NULL},
    {NULL, NULL, NULL},
};

/* "METHOD:SECRET"; cut up in place. */
static void set_user(char *text) {
  char *colon = strchr(text, ':');
  if (!colon) usage("--user wants METHOD:SECRET");
  *colon = 0;
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
    if (!strcmp(methods[i].name, text)) method = &methods[i];
  if (!method) usage(text);
  if (!method->is_2022) key_of_password(colon + 1);
  else if (!key_of_base64(colon + 1)) usage("--user: a key of 2022 is base64, and as long as its method wants");
}

static void parse(int argc, char **argv) {
  static const char *const modes[] = {"shadowsocks", NULL};
  static const char *const ops[] = {"down", "up", "rr", "idle", "udp", NULL};
  for (int i = 1; i + 1 < argc; i += 2) {
    char *name = argv[i], *value = argv[i + 1];
    if (!strcmp(name, "--mode")) pick(value, modes);
    else if (!strcmp(name, "--op")) opt.op = (enum op)pick(value, ops);
    else if (!strcmp(name, "--user")) set_user(value);
    else if (!set_number(flags, name, value)) usage(name);
  }
  if (!method) usage("--user METHOD:SECRET is missing");
  if (opt.conns < 1 || opt.sources < 1 || opt.rate < 1) usage("--conns, --nsrc and --rate must be at least 1");
  if (opt.window < 1 || opt.window > MAX_WINDOW) usage("--window is out of range");
  if (opt.message_bytes < 4 || packet_bytes() > MAX_DATAGRAM) usage("--msg is out of range");
  if (opt.op == UDP && method->is_2022) usage("--op udp is for the methods of 2017");
}

static void raise_file_limit(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

static void print_result(void) {
  printf("{\"seconds\":%.4f,\"fails\":%llu,\"down\":{\"bytes\":%llu},\"up\":{\"bytes\":%llu},", opt.seconds,
         (unsigned long long)fail_count, (unsigned long long)down_bytes, (unsigned long long)up_bytes);
  print_exchanges();
  printf("}\n");
  fflush(stdout);
}

int main(int argc, char **argv) {
  static int listeners[2];
  parse(argc, argv);
  raise_file_limit();
  latency_init();
  for (int i = 0; i < BUFFER_BYTES; i++) filler[i] = (uint8_t)(i % 251);
  proxy = address_of(INADDR_LOOPBACK, opt.proxy_port);
  client_epoll = epoll_create1(0);
  listeners[0] = target_listen(SOCK_STREAM);
  listeners[1] = target_listen(SOCK_DGRAM);
  pthread_t thread;
  pthread_create(&thread, NULL, target_run, listeners);
  mark("START");
  if (opt.op == UDP) run_datagrams();
  else run_conns();
  print_result();
  return 0;
}
