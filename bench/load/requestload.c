/*
 * requestload: clients of a proxy that makes requests for them, in one thread that costs little itself. The origin is
 * somebody else's.
 *
 *   cc -O2 -o requestload requestload.c
 *   requestload --mode compat|api|http --op once|loop|rate --proxy PORT --scheme https|http --origin PORT [flags]
 *
 *   compat  the obfuscated frames of docs/protocols/https-proxy-compat.md, a connection each request unless --keep 1
 *   api     POST /v1/requests: a preamble of JSON behind its length, no body; answered alike
 *   http    GET in absolute form, as to any forward proxy
 *
 *   once  all connections are opened, evenly over --rise seconds so that what the system queues of those that are not
 *         accepted yet does not overflow; when all are there, all ask at the same moment, once. seconds is from the first
 *         connect to the last answer, and askSeconds from when they ask
 *   loop  every connection asks again as soon as it has its answer
 *   rate  --rate requests a second, whatever becomes of those before, on connections that are free: a request for which
 *         there is none is missed. --tail SECONDS of --tailrate requests a second follow the window, to see when an
 *         answer is again a 200 within --slow ms: recoverMs is when the last that was not was asked for
 *
 * --user a:secret logs in, --users a:secret,b:secret in turns, one for each connection. --keep 0 closes after each answer.
 * Sources: --nsrc addresses from 127.0.0.2 on, each --first further, so that ports do not run out and no address is over
 * a limit. --told 1: the origin's answer has `served=MICROSECONDS`, which is taken off the time: what is left is the wait.
 *
 * stdout: START, then BEGIN and END around the measured window, then one line of JSON: answers by status, and how long
 * those of 200 took. An answer is one when all of it is there; a 200 must have at least --body bytes. `fails` are
 * connections that were refused or cut, and answers that are none.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common.h"

#define REQUEST_BYTES 2048
#define ANSWER_BYTES 8192
#define MAX_USERS 64
#define MAX_EVENTS 512
#define MAX_STATUS 600
#define COMPAT_KEY_BYTES 64
#define MAX_FAILS 1000 /* after that, what is measured is nothing */
#define ONCE_DEADLINE_NS (60 * 1000000000ull)

enum mode { COMPAT, API, HTTP };
enum op { ONCE, LOOP, RATE };
enum state { IDLE, CONNECTING, READY, WAITING };

static struct options {
  enum mode mode;
  enum op op;
  int conns, proxy_port, origin_port, body_bytes;
  int keep, told, sources, first_source;
  double seconds, warm_seconds, rise_seconds, rate, tail_seconds, tail_rate, slow_ms;
  const char *scheme;
} opt = {.conns = 1, .body_bytes = 1, .keep = -1, .sources = 1, .seconds = 5, .warm_seconds = 1, .rate = 10,
         .tail_rate = 20, .slow_ms = 1000, .scheme = "https"};

/* What each user sends, every time the same. */
struct request {
  uint8_t bytes[REQUEST_BYTES];
  int length;
};
static struct request requests[MAX_USERS];
static char *users[MAX_USERS];
static int user_count;

struct conn {
  int fd, id;
  enum state state;
  int used; /* an answer has come over it: that it is gone now is nobody's fault */
  int got;
  const struct request *request;
  uint64_t started_ns;
  uint8_t *answer; /* ANSWER_BYTES and a zero */
};

static struct conn *conns;
static int *idle; /* a ring of the numbers of free connections, so that all have their turn */
static int idle_first, idle_count;
static int client_epoll;
static struct sockaddr_in proxy;
static uint64_t statuses[MAX_STATUS];
static uint64_t ask_ns; /* of once: since when all ask */
static uint64_t fail_count, missed_count, settled_count, body_bytes;
static uint64_t window_begin_ns, window_end_ns; /* 0: not yet */
static uint64_t recover_ns, probe_count, ready_count;

/* ---- Requests ---------------------------------------------------------------------------------------- */

/* The request frame: magic, length, then the key and what it hides. */
static void compose_compat(struct request *request, const char *url) {
  char text[512];
  int length = snprintf(text, sizeof text, "{\"url\": \"%s\", \"headers\": {}}", url);
  uint32_t payload = htonl(1 + COMPAT_KEY_BYTES + length);
  uint8_t *out = request->bytes;
  for (int i = 0; i < 4; i++) {
    out[i] = (uint8_t)(0x31 + 7 * i);
    out[4 + i] = (uint8_t)((out[i] ^ 0x5a) + i * 0x17);
  }
  memcpy(out + 8, &payload, 4);
  out[12] = COMPAT_KEY_BYTES;
  uint8_t *key = out + 13, *hidden = key + COMPAT_KEY_BYTES;
  for (int i = 0; i < COMPAT_KEY_BYTES; i++) key[i] = (uint8_t)(i * 37 + 11);
  for (int i = 0; i < length; i++) hidden[i] = (uint8_t)text[i] ^ key[i % COMPAT_KEY_BYTES];
  request->length = 13 + COMPAT_KEY_BYTES + length;
}

static const char *login_of(char *user, const char *field) {
  static char line[800];
  char basic[700];
  if (!user) return "";
  if (strlen(user) > 511) usage("--user: at most 511 bytes");
  base64((uint8_t *)user, (int)strlen(user), basic);
  snprintf(line, sizeof line, "%s: Basic %s\r\n", field, basic);
  return line;
}

static void compose_api(struct request *request, const char *url, char *user) {
  char text[512];
  int length = snprintf(text, sizeof text, "{\"method\":\"GET\",\"url\":\"%s\"}", url);
  uint32_t prefix = htonl(length);
  char *out = (char *)request->bytes;
  int n = snprintf(out, REQUEST_BYTES,
                   "POST /v1/requests HTTP/1.1\r\nHost: proxy\r\n%sContent-Type: application/vnd.sluice.request\r\n"
                   "Content-Length: %d\r\n%s\r\n",
                   login_of(user, "Authorization"), 4 + length, opt.keep ? "" : "Connection: close\r\n");
  memcpy(out + n, &prefix, 4);
  memcpy(out + n + 4, text, length);
  request->length = n + 4 + length;
}

static void compose_http(struct request *request, const char *url, char *user) {
  request->length = snprintf((char *)request->bytes, REQUEST_BYTES,
                             "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s%s\r\n", url, opt.origin_port,
                             login_of(user, "Proxy-Authorization"), opt.keep ? "" : "Connection: close\r\n");
}

static void compose_requests(void) {
  char url[128];
  snprintf(url, sizeof url, "%s://127.0.0.1:%d/", opt.scheme, opt.origin_port);
  for (int u = 0; u < (user_count ? user_count : 1); u++) {
    if (opt.mode == COMPAT) compose_compat(&requests[u], url);
    else if (opt.mode == API) compose_api(&requests[u], url, users[u]);
    else compose_http(&requests[u], url, users[u]);
  }
}

/* ---- Answers ----------------------------------------------------------------------------------------- */

struct answer {
  int status;
  const uint8_t *body;
  int length;
  int closes;
};

enum progress { PART, WHOLE, BROKEN };

static uint32_t length_at(const uint8_t *bytes) {
  uint32_t length;
  memcpy(&length, bytes, 4);
  return ntohl(length);
}

/* The number behind a name in JSON, or -1. */
static int number_in(const char *text, int length, const char *name) {
  const char *found = memmem(text, length, name, strlen(name));
  if (!found) return -1;
  found += strlen(name);
  return atoi(found + strspn(found, "\": "));
}

static enum progress read_compat(struct conn *conn, struct answer *answer) {
  if (conn->got < 4) return PART;
  uint32_t length = length_at(conn->answer);
  if (length < 1 || length > ANSWER_BYTES - 4) return BROKEN;
  if (conn->got < (int)(4 + length)) return PART;
  uint8_t *key = conn->answer + 5, *hidden = key + conn->answer[4];
  int key_length = conn->answer[4], left = (int)length - 1 - key_length;
  if (key_length < 33 || key_length > 200 || left < 2) return BROKEN;
  for (int i = 0; i < left; i++) hidden[i] ^= key[i % key_length];
  int status = number_in((char *)hidden, left, "\"status_code\"");
  *answer = (struct answer){.status = status, .body = hidden, .length = left, .closes = !opt.keep};
  return WHOLE;
}

/* Moves the chunks of a body together. @returns its length, -1 where more is to come, -2 where it is none. */
static int join_chunks(uint8_t *body, int got) {
  int from = 0, length = 0;
  for (;;) {
    uint8_t *line_end = memmem(body + from, got - from, "\r\n", 2);
    if (!line_end) return -1;
    char *digits_end;
    long size = strtol((char *)body + from, &digits_end, 16);
    if (size < 0 || size > ANSWER_BYTES || (uint8_t *)digits_end == body + from) return -2;
    from = (int)(line_end - body) + 2;
    if (from + size + 2 > got) return -1;
    if (size == 0) return length; /* no trailers are asked for */
    memmove(body + length, body + from, size);
    length += (int)size;
    from += (int)size + 2;
  }
}

/* Whether all chunks are there, before any is moved. */
static int chunks_end(const uint8_t *body, int got) {
  return got >= 5 && !memcmp(body + got - 5, "0\r\n\r\n", 5);
}

static int body_length(const char *head, uint8_t *body, int got) {
  const char *field = strcasestr(head, "\r\nContent-Length:");
  if (field) {
    int length = atoi(field + strlen("\r\nContent-Length:"));
    return length > ANSWER_BYTES ? -2 : got < length ? -1 : length;
  }
  if (!strcasestr(head, "\r\nTransfer-Encoding: chunked")) return -2;
  return chunks_end(body, got) ? join_chunks(body, got) : -1;
}

/* What the answer of the API has in it: the origin's. */
static enum progress open_preamble(struct answer *answer) {
  if (answer->length < 4) return BROKEN;
  uint32_t length = length_at(answer->body);
  if (length > (uint32_t)answer->length - 4) return BROKEN;
  answer->status = number_in((const char *)answer->body + 4, (int)length, "\"status\"");
  answer->body += 4 + length;
  answer->length -= 4 + (int)length;
  return WHOLE;
}

static enum progress read_http(struct conn *conn, struct answer *answer) {
  char *head = (char *)conn->answer, *end = strstr(head, "\r\n\r\n");
  if (!end) return conn->got < ANSWER_BYTES ? PART : BROKEN;
  uint8_t *body = (uint8_t *)end + 4;
  *end = 0;
  int length = body_length(head, body, conn->got - (int)(body - conn->answer));
  int closes = !opt.keep || strcasestr(head, "\r\nConnection: close") != NULL;
  int status = 0, read = sscanf(head, "HTTP/1.%*d %d", &status);
  *end = '\r';
  if (length == -1) return PART;
  if (length < 0 || read != 1) return BROKEN;
  *answer = (struct answer){.status = status, .body = body, .length = length, .closes = closes};
  return opt.mode == API && status == 200 ? open_preamble(answer) : WHOLE;
}

static enum progress read_answer(struct conn *conn, struct answer *answer) {
  enum progress progress = opt.mode == COMPAT ? read_compat(conn, answer) : read_http(conn, answer);
  if (progress != WHOLE) return progress == PART && conn->got == ANSWER_BYTES ? BROKEN : progress;
  int is_status = answer->status >= 100 && answer->status < MAX_STATUS;
  return is_status && (answer->status != 200 || answer->length >= opt.body_bytes) ? WHOLE : BROKEN;
}

/* ---- Connections ------------------------------------------------------------------------------------- */

static int in_window(uint64_t now) {
  return window_begin_ns && now >= window_begin_ns && (!window_end_ns || now < window_end_ns);
}

static void become_idle(struct conn *conn) {
  conn->state = IDLE;
  settled_count++;
  idle[(idle_first + idle_count++) % opt.conns] = conn->id;
}

static void hang_up(struct conn *conn) {
  close(conn->fd);
  conn->fd = -1;
  conn->used = 0;
}

static int is_probe(const struct conn *conn) {
  return window_end_ns && conn->started_ns >= window_end_ns;
}

static void note_slow(const struct conn *conn) {
  if (is_probe(conn) && conn->started_ns - window_end_ns > recover_ns)
    recover_ns = conn->started_ns - window_end_ns + 1;
}

static void client_fail(struct conn *conn) {
  if (fail_count++ < 3)
    fprintf(stderr, "requestload: connection %d failed in state %d with %d bytes: %s\n", conn->id, conn->state,
            conn->got, strerror(errno));
  if (fail_count == MAX_FAILS) {
    fprintf(stderr, "requestload: too much fails\n");
    exit(1);
  }
  note_slow(conn);
  hang_up(conn);
  become_idle(conn);
}

static void watch(struct conn *conn, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = conn};
  epoll_ctl(client_epoll, operation, conn->fd, &event);
}

static void client_send(struct conn *conn) {
  const struct request *request = conn->request;
  conn->state = WAITING;
  conn->got = 0;
  send(conn->fd, request->bytes, request->length, MSG_NOSIGNAL); /* one that is gone shows when it is read */
}

static void bind_source(struct conn *conn) {
  struct sockaddr_in source = {.sin_family = AF_INET};
  int on = 1;
  source.sin_addr.s_addr = htonl(0x7f000002 + opt.first_source + conn->id % opt.sources);
  setsockopt(conn->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  if (bind(conn->fd, (struct sockaddr *)&source, sizeof source)) die("bind");
}

static void client_connect(struct conn *conn) {
  int on = 1;
  conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (conn->fd < 0) die("socket");
  setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  bind_source(conn);
  conn->state = CONNECTING;
  if (connect(conn->fd, (struct sockaddr *)&proxy, sizeof proxy) && errno != EINPROGRESS) die("connect");
  watch(conn, EPOLL_CTL_ADD, EPOLLOUT);
}

static void client_ask(struct conn *conn) {
  conn->started_ns = now_ns();
  if (conn->fd < 0) client_connect(conn);
  else client_send(conn);
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
  watch(conn, EPOLL_CTL_MOD, EPOLLIN);
  if (opt.op == ONCE && !ask_ns) {
    conn->state = READY;
    ready_count++;
  } else client_send(conn);
}

/* False: it should have told its time and has not. */
static int note_answer(struct conn *conn, const struct answer *answer) {
  uint64_t now = now_ns(), started = conn->started_ns;
  if (opt.told && answer->status == 200) {
    int served_us = number_in((const char *)answer->body, answer->length, "served=");
    if (served_us < 0) return 0;
    started += (uint64_t)served_us * 1000;
    if (started > now) started = now;
  }
  if (is_probe(conn)) {
    probe_count++;
    if (answer->status != 200 || now - conn->started_ns > opt.slow_ms * 1e6) note_slow(conn);
  }
  if (!in_window(now)) return 1;
  statuses[answer->status]++;
  body_bytes += answer->length;
  if (answer->status == 200) latency_add(started);
  return 1;
}

static void on_whole(struct conn *conn, const struct answer *answer) {
  if (!note_answer(conn, answer)) {
    errno = EBADMSG;
    client_fail(conn);
    return;
  }
  if (answer->closes) hang_up(conn);
  else conn->used = 1;
  if (opt.op == LOOP && !window_end_ns) client_ask(conn);
  else become_idle(conn);
}

/* The connection is over. One that had served before may have been closed while the request was on its way. */
static void on_over(struct conn *conn, int failure) {
  if (conn->state == IDLE) hang_up(conn);
  else if (conn->used && conn->got == 0) {
    hang_up(conn);
    client_connect(conn);
  } else {
    errno = failure;
    client_fail(conn);
  }
}

static void on_readable(struct conn *conn) {
  ssize_t n = recv(conn->fd, conn->answer + conn->got, ANSWER_BYTES - conn->got, 0);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0 || conn->state == IDLE) {
    on_over(conn, n < 0 ? errno : ECONNRESET);
    return;
  }
  conn->got += (int)n;
  conn->answer[conn->got] = 0;
  struct answer answer;
  enum progress progress = read_answer(conn, &answer);
  if (progress == WHOLE) on_whole(conn, &answer);
  if (progress != BROKEN) return;
  if (!fail_count) fprintf(stderr, "requestload: not an answer: %.200s\n", conn->answer);
  errno = EPROTO;
  client_fail(conn);
}

static void client_poll(int timeout_ms) {
  struct epoll_event events[MAX_EVENTS];
  int count = epoll_wait(client_epoll, events, MAX_EVENTS, timeout_ms);
  for (int i = 0; i < count; i++) {
    struct conn *conn = events[i].data.ptr;
    if (conn->fd < 0) continue;
    if (conn->state == CONNECTING) on_connected(conn);
    else on_readable(conn);
  }
}

/* ---- One run ----------------------------------------------------------------------------------------- */

static struct conn *take_idle(void) {
  if (!idle_count) return NULL;
  struct conn *conn = &conns[idle[idle_first]];
  idle_first = (idle_first + 1) % opt.conns;
  idle_count--;
  return conn;
}

static void open_window(void) {
  mark("BEGIN");
  window_begin_ns = now_ns();
}

static void close_window(void) {
  window_end_ns = now_ns();
  mark("END");
}

static void connect_all(uint64_t deadline) {
  uint64_t next = now_ns(), step = (uint64_t)(opt.rise_seconds * 1e9 / opt.conns);
  for (int id = 0; now_ns() < deadline && ready_count + fail_count < (uint64_t)opt.conns;) {
    for (; id < opt.conns && next <= now_ns(); next += step) client_connect(&conns[id++]);
    client_poll(1);
  }
}

static void run_once(void) {
  uint64_t deadline = now_ns() + ONCE_DEADLINE_NS;
  open_window();
  connect_all(deadline);
  settled_count = 0;
  ask_ns = now_ns();
  for (int id = 0; id < opt.conns; id++) {
    if (conns[id].state == READY) client_ask(&conns[id]);
    else settled_count++;
    /* Answers that are there are taken meanwhile, lest their time be that of our own sending. */
    if (id % 64 == 63) client_poll(0);
  }
  while (settled_count < (uint64_t)opt.conns && now_ns() < deadline) client_poll(5);
  close_window();
  fail_count += opt.conns - settled_count;
}

static void run_loop(void) {
  for (struct conn *conn; (conn = take_idle());) client_ask(conn);
  uint64_t begin = now_ns() + (uint64_t)(opt.warm_seconds * 1e9), end = begin + (uint64_t)(opt.seconds * 1e9);
  while (now_ns() < begin) client_poll(5);
  open_window();
  while (now_ns() < end) client_poll(5);
  close_window();
}

/* Asks at an even pace until `end`. */
static void pace(double rate, uint64_t end) {
  uint64_t next = now_ns(), step = (uint64_t)(1e9 / rate);
  for (uint64_t now; (now = now_ns()) < end;) {
    for (; next <= now; next += step) {
      struct conn *conn = take_idle();
      if (conn) client_ask(conn);
      else if (in_window(now)) missed_count++;
      else if (window_end_ns) recover_ns = now - window_end_ns;
    }
    client_poll(next - now > 2000000 ? 2 : 1);
  }
}

static void run_rate(void) {
  uint64_t begin = now_ns() + (uint64_t)(opt.warm_seconds * 1e9), end = begin + (uint64_t)(opt.seconds * 1e9);
  pace(opt.rate, begin);
  open_window();
  pace(opt.rate, end);
  close_window();
  if (opt.tail_seconds > 0) pace(opt.tail_rate, window_end_ns + (uint64_t)(opt.tail_seconds * 1e9));
  /* A probe that has no answer yet has one in time, or was slow. */
  for (uint64_t late = now_ns() + (uint64_t)(opt.slow_ms * 1e6); opt.tail_seconds > 0 && now_ns() < late;) client_poll(5);
  for (int i = 0; i < opt.conns; i++)
    if (conns[i].state != IDLE) note_slow(&conns[i]);
}

static void print_result(void) {
  printf("{\"seconds\":%.4f,\"askSeconds\":%.4f,\"fails\":%llu,\"missed\":%llu,\"bytes\":%llu,\"recoverMs\":%.1f,\"probes\":%llu,\"statuses\":{",
         (window_end_ns - window_begin_ns) / 1e9, (window_end_ns - (ask_ns ? ask_ns : window_begin_ns)) / 1e9,
         (unsigned long long)fail_count, (unsigned long long)missed_count,
         (unsigned long long)body_bytes, recover_ns / 1e6, (unsigned long long)probe_count);
  const char *comma = "";
  for (int status = 0; status < MAX_STATUS; status++) {
    if (!statuses[status]) continue;
    printf("%s\"%d\":%llu", comma, status, (unsigned long long)statuses[status]);
    comma = ",";
  }
  printf("},");
  print_exchanges();
  printf("}\n");
  fflush(stdout);
}

static void client_init(void) {
  conns = calloc(opt.conns, sizeof *conns);
  idle = calloc(opt.conns, sizeof *idle);
  client_epoll = epoll_create1(0);
  if (!conns || !idle || client_epoll < 0) die("requestload");
  latency_init();
  proxy = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(opt.proxy_port)};
  inet_pton(AF_INET, "127.0.0.1", &proxy.sin_addr);
  for (int id = 0; id < opt.conns; id++) {
    const struct request *request = &requests[user_count ? id % user_count : 0];
    conns[id] = (struct conn){.fd = -1, .id = id, .request = request, .answer = malloc(ANSWER_BYTES + 1)};
    if (!conns[id].answer) die("malloc");
    become_idle(&conns[id]);
  }
}

/* ---- Command line ------------------------------------------------------------------------------------ */

static const struct flag flags[] = {
    {"--conns", &opt.conns, NULL},          {"--proxy", &opt.proxy_port, NULL},
    {"--origin", &opt.origin_port, NULL},   {"--body", &opt.body_bytes, NULL},
    {"--keep", &opt.keep, NULL},            {"--told", &opt.told, NULL},
    {"--nsrc", &opt.sources, NULL},         {"--first", &opt.first_source, NULL},
    {"--secs", NULL, &opt.seconds},         {"--warm", NULL, &opt.warm_seconds},
    {"--rise", NULL, &opt.rise_seconds},
    {"--rate", NULL, &opt.rate},            {"--tail", NULL, &opt.tail_seconds},
    {"--tailrate", NULL, &opt.tail_rate},   {"--slow", NULL, &opt.slow_ms},
    {NULL, NULL, NULL},
};

static void add_users(char *list) {
  for (char *text = strtok(list, ","); text; text = strtok(NULL, ",")) {
    if (user_count == MAX_USERS) usage("too many users");
    users[user_count++] = text;
  }
}

static void parse(int argc, char **argv) {
  static const char *const modes[] = {"compat", "api", "http", NULL};
  static const char *const ops[] = {"once", "loop", "rate", NULL};
  char *list = NULL, *user = NULL;
  for (int i = 1; i + 1 < argc; i += 2) {
    char *name = argv[i], *value = argv[i + 1];
    if (!strcmp(name, "--mode")) opt.mode = pick(value, modes);
    else if (!strcmp(name, "--op")) opt.op = pick(value, ops);
    else if (!strcmp(name, "--scheme")) opt.scheme = value;
    else if (!strcmp(name, "--user")) user = value;
    else if (!strcmp(name, "--users")) list = value;
    else if (!set_number(flags, name, value)) usage(name);
  }
  if (argc % 2 == 0) usage("a flag without its value");
  if (list ? list : user) add_users(list ? list : user);
  if (opt.keep < 0) opt.keep = opt.mode != COMPAT;
  if (opt.conns < 1) usage("--conns must be at least 1");
  if (opt.sources < 1) usage("--nsrc must be at least 1");
  if (opt.op == RATE && opt.rate <= 0) usage("--rate must be above 0");
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
  compose_requests();
  client_init();
  mark("START");
  if (opt.op == ONCE) run_once();
  else if (opt.op == LOOP) run_loop();
  else run_rate();
  print_result();
  return 0;
}
