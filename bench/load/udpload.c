/*
 * udpload: an echo origin and a client of a UDP relay in one process, to load the relay between them over loopback.
 * Two threads: main is the client, the other the origin.
 *
 *   cc -O2 -o udpload udpload.c -lpthread
 *   udpload --mode raw|socks5 --proxy PORT --origin PORT [--user NAME:PASSWORD] [flags]
 *
 * There are --conns associations. With socks5 each has its TCP connection and its UDP ASSOCIATE, and sends to the
 * address that it was told; with raw each sends to the proxy's port as it is. --rate datagrams of --msg bytes a second
 * leave over all of them together, in turns; the origin sends each back. An association has at most --window on their
 * way and is passed over while it does, so that nothing overflows: a relay that cannot keep up gets fewer, none is lost.
 *
 * stdout: START, then BEGIN and END around the measured window, then one line of JSON. An exchange is a datagram that
 * came back whole, inside the window. What does not come back within a second, or not as it was sent, is a fail.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include "common.h"

#define MAX_WINDOW 256
#define MAX_MESSAGE 65507
#define MAX_EVENTS 64
#define HEADER_BYTES 10 /* RFC 1928 section 7, with an IPv4 address */
#define LOST_NS 1000000000ull
#define MAX_BURST_SECONDS 0.01

enum mode { RAW, SOCKS5 };

static struct options {
  enum mode mode;
  int conns, window, rate, message_bytes, proxy_port, origin_port;
  double seconds, warm_seconds;
  char *name, *password; /* NULL: no authentication */
} opt = {.conns = 8, .window = 8, .rate = 10000, .message_bytes = 1200, .origin_port = 9900, .seconds = 5,
         .warm_seconds = 1};

struct association {
  int udp, tcp;
  uint32_t next;                    /* number of the next datagram */
  uint64_t sent_ns[MAX_WINDOW];     /* by number modulo the window; 0: not on its way */
};

static struct association *associations;
static uint8_t header[HEADER_BYTES];
static int header_bytes;
static uint64_t fail_count, window_begin_ns, window_end_ns;

static struct sockaddr_in loopback(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

static int udp_socket(int port) {
  struct sockaddr_in address = loopback(port);
  int fd = socket(AF_INET, SOCK_DGRAM, 0), bytes = 4 << 20;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address)) die("udp: bind");
  return fd;
}

/* ---- Origin ------------------------------------------------------------------------------------------ */

static void *origin_run(void *argument) {
  int fd = (int)(intptr_t)argument;
  static uint8_t bytes[MAX_MESSAGE];
  for (;;) {
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    ssize_t n = recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &length);
    if (n >= 0) sendto(fd, bytes, n, 0, (struct sockaddr *)&from, length);
  }
  return NULL;
}

/* ---- Handshake: blocking, since nothing is measured yet ----------------------------------------------- */

static void refused(const char *what) {
  fprintf(stderr, "udpload: %s was refused\n", what);
  exit(1);
}

static void say(int fd, const void *bytes, size_t length) {
  if (send(fd, bytes, length, MSG_NOSIGNAL) != (ssize_t)length) die("handshake: send");
}

static void hear(int fd, uint8_t *bytes, size_t length) {
  ssize_t n = recv(fd, bytes, length, MSG_WAITALL);
  if (n < 0) die("handshake: recv");
  if (n != (ssize_t)length) refused("the connection");
}

static void sign_in(int fd) {
  uint8_t bytes[3 + 255 + 255], reply[2];
  say(fd, opt.name ? "\x05\x01\x02" : "\x05\x01\x00", 3);
  hear(fd, reply, 2);
  if (reply[1] != (opt.name ? 2 : 0)) refused("the method");
  if (!opt.name) return;
  int length = snprintf((char *)bytes, sizeof bytes, "\x01%c%s%c%s", (char)strlen(opt.name), opt.name,
                        (char)strlen(opt.password), opt.password);
  say(fd, bytes, length);
  hear(fd, reply, 2);
  if (reply[1] != 0) refused("the password");
}

/* Asks for an association of `client`; gives where to send to. A wildcard means the host that was asked. */
static struct sockaddr_in associate(int fd, struct sockaddr_in client) {
  uint8_t request[10] = {5, 3, 0, 1}, reply[10];
  memcpy(request + 4, &client.sin_addr, 4);
  memcpy(request + 8, &client.sin_port, 2);
  say(fd, request, sizeof request);
  hear(fd, reply, sizeof reply);
  if (reply[1] != 0 || reply[3] != 1) refused("UDP ASSOCIATE");
  struct sockaddr_in relay = loopback(0);
  if (memcmp(reply + 4, "\0\0\0\0", 4)) memcpy(&relay.sin_addr, reply + 4, 4);
  memcpy(&relay.sin_port, reply + 8, 2);
  return relay;
}

static void open_association(struct association *one) {
  struct sockaddr_in proxy = loopback(opt.proxy_port), relay = proxy, own;
  socklen_t length = sizeof own;
  one->udp = udp_socket(0);
  if (opt.mode == SOCKS5) {
    struct timeval patience = {.tv_sec = 5};
    one->tcp = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(one->tcp, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(one->tcp, (struct sockaddr *)&proxy, sizeof proxy)) die("proxy: connect");
    getsockname(one->udp, (struct sockaddr *)&own, &length);
    sign_in(one->tcp);
    relay = associate(one->tcp, own);
  }
  if (connect(one->udp, (struct sockaddr *)&relay, sizeof relay)) die("relay: connect");
}

/* ---- Client ------------------------------------------------------------------------------------------ */

static void fail(const char *what) {
  if (fail_count++ < 3) fprintf(stderr, "udpload: %s\n", what);
}

static int in_window(void) {
  uint64_t now = now_ns();
  return window_begin_ns && now >= window_begin_ns && now < window_end_ns;
}

/* A datagram that never came back gives its place to the next one after a second. */
static int has_room(struct association *one) {
  uint64_t *slot = &one->sent_ns[one->next % opt.window];
  if (*slot && now_ns() - *slot > LOST_NS) {
    fail("a datagram was lost");
    *slot = 0;
  }
  return *slot == 0;
}

static void send_next(struct association *one) {
  static uint8_t bytes[HEADER_BYTES + MAX_MESSAGE];
  memcpy(bytes, header, header_bytes);
  memcpy(bytes + header_bytes, &one->next, sizeof one->next);
  one->sent_ns[one->next % opt.window] = now_ns();
  one->next++;
  if (send(one->udp, bytes, header_bytes + opt.message_bytes, 0) < 0) fail(strerror(errno));
}

static void receive_all(struct association *one) {
  static uint8_t bytes[HEADER_BYTES + MAX_MESSAGE];
  ssize_t n;
  while ((n = recv(one->udp, bytes, sizeof bytes, MSG_DONTWAIT)) >= 0) {
    uint32_t number;
    memcpy(&number, bytes + header_bytes, sizeof number);
    uint64_t *slot = &one->sent_ns[number % opt.window];
    if (n != header_bytes + opt.message_bytes || memcmp(bytes, header, header_bytes) || !*slot) {
      fail("a datagram came back otherwise than it was sent");
      continue;
    }
    if (in_window()) latency_add(*slot);
    *slot = 0;
  }
  if (errno != EAGAIN) fail(strerror(errno));
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

static void run_until(int epoll, uint64_t end_ns, int sending) {
  struct epoll_event events[MAX_EVENTS];
  uint64_t last_ns = now_ns();
  double due = 0;
  while (last_ns < end_ns) {
    int count = epoll_wait(epoll, events, MAX_EVENTS, 1);
    for (int i = 0; i < count; i++) receive_all(events[i].data.ptr);
    uint64_t now = now_ns();
    due += (now - last_ns) / 1e9 * opt.rate;
    last_ns = now;
    if (sending) due = send_due(due);
  }
}

static void count_missing(void) {
  for (int i = 0; i < opt.conns; i++)
    for (int slot = 0; slot < opt.window; slot++)
      if (associations[i].sent_ns[slot]) fail("a datagram was lost");
}

/* ---- One run ----------------------------------------------------------------------------------------- */

static int open_all(void) {
  int epoll = epoll_create1(0);
  associations = calloc(opt.conns, sizeof *associations);
  if (!associations || epoll < 0) die("udpload");
  for (int i = 0; i < opt.conns; i++) {
    open_association(&associations[i]);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &associations[i]};
    epoll_ctl(epoll, EPOLL_CTL_ADD, associations[i].udp, &event);
  }
  return epoll;
}

static void compose_header(void) {
  struct sockaddr_in origin = loopback(opt.origin_port);
  if (opt.mode == RAW) return;
  header_bytes = HEADER_BYTES;
  header[3] = 1;
  memcpy(header + 4, &origin.sin_addr, 4);
  memcpy(header + 8, &origin.sin_port, 2);
}

static void run(void) {
  mark("START");
  int epoll = open_all();
  run_until(epoll, now_ns() + (uint64_t)(opt.warm_seconds * 1e9), 1);
  mark("BEGIN");
  window_begin_ns = now_ns();
  window_end_ns = window_begin_ns + (uint64_t)(opt.seconds * 1e9);
  run_until(epoll, window_end_ns, 1);
  mark("END");
  run_until(epoll, now_ns() + LOST_NS / 4, 0);
  count_missing();
  printf("{\"seconds\":%.4f,\"fails\":%llu,", opt.seconds, (unsigned long long)fail_count);
  print_exchanges();
  printf("}\n");
}

static const struct flag flags[] = {
    {"--conns", &opt.conns, NULL},        {"--window", &opt.window, NULL},
    {"--rate", &opt.rate, NULL},          {"--msg", &opt.message_bytes, NULL},
    {"--proxy", &opt.proxy_port, NULL},   {"--origin", &opt.origin_port, NULL},
    {"--secs", NULL, &opt.seconds},       {"--warm", NULL, &opt.warm_seconds},
    {NULL, NULL, NULL},
};

/* "name:password"; cut up in place. */
static void set_user(char *text) {
  char *colon = strchr(text, ':');
  if (!colon || colon - text > 255 || strlen(colon + 1) > 255) usage("--user NAME:PASSWORD, 255 bytes each");
  *colon = 0;
  opt.name = text;
  opt.password = colon + 1;
}

static void parse(int argc, char **argv) {
  static const char *const modes[] = {"raw", "socks5", NULL};
  for (int i = 1; i + 1 < argc; i += 2) {
    char *name = argv[i], *value = argv[i + 1];
    if (!strcmp(name, "--mode")) opt.mode = pick(value, modes);
    else if (!strcmp(name, "--user")) set_user(value);
    else if (!set_number(flags, name, value)) usage(name);
  }
  if (opt.conns < 1 || opt.rate < 1) usage("--conns and --rate must be at least 1");
  if (opt.window < 1 || opt.window > MAX_WINDOW) usage("--window is out of range");
  if (opt.message_bytes < 4 || opt.message_bytes > MAX_MESSAGE - HEADER_BYTES) usage("--msg is out of range");
}

int main(int argc, char **argv) {
  parse(argc, argv);
  compose_header();
  latency_init();
  pthread_t thread;
  pthread_create(&thread, NULL, origin_run, (void *)(intptr_t)udp_socket(opt.origin_port));
  run();
  return 0;
}
