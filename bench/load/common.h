/* What the load generators share: time, marks for who started them, and the round trips of the measured window. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_LATENCIES 2000000

static uint32_t *latencies_ns;
static int latency_count;
static uint64_t exchange_count;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void usage(const char *what) {
  fprintf(stderr, "usage: %s\n", what);
  exit(2);
}

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static void mark(const char *word) {
  puts(word);
  fflush(stdout);
}

static void latency_init(void) {
  latencies_ns = malloc(MAX_LATENCIES * sizeof *latencies_ns);
  if (!latencies_ns) die("malloc");
}

static void latency_add(uint64_t started_ns) {
  uint64_t ns = now_ns() - started_ns;
  exchange_count++;
  if (latency_count < MAX_LATENCIES) latencies_ns[latency_count++] = ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
}

static int by_value(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

static double latency_us_at(int percent) {
  return latency_count ? latencies_ns[(int64_t)latency_count * percent / 100] / 1e3 : 0;
}

static void print_exchanges(void) {
  qsort(latencies_ns, latency_count, sizeof *latencies_ns, by_value);
  printf("\"exchanges\":{\"count\":%llu,\"p50us\":%.1f,\"p99us\":%.1f,\"maxus\":%.1f}",
         (unsigned long long)exchange_count, latency_us_at(50), latency_us_at(99),
         latency_count ? latencies_ns[latency_count - 1] / 1e3 : 0);
}

static void base64(const uint8_t *in, int length, char *out) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (int i = 0; i < length; i += 3) {
    int left = length - i;
    unsigned bits = in[i] << 16 | (left > 1 ? in[i + 1] << 8 : 0) | (left > 2 ? in[i + 2] : 0);
    *out++ = digits[bits >> 18];
    *out++ = digits[bits >> 12 & 63];
    *out++ = left > 1 ? digits[bits >> 6 & 63] : '=';
    *out++ = left > 2 ? digits[bits & 63] : '=';
  }
  *out = 0;
}

/* The index of `value` in `words`. */
static int pick(const char *value, const char *const *words) {
  for (int i = 0; words[i]; i++)
    if (!strcmp(value, words[i])) return i;
  usage(value);
  return 0;
}

struct flag {
  const char *name;
  int *whole;
  double *real;
};

/* Sets the flag of that name; 0 where there is none. */
static int set_number(const struct flag *flags, const char *name, const char *value) {
  for (; flags->name; flags++) {
    if (strcmp(flags->name, name)) continue;
    if (flags->whole) *flags->whole = atoi(value);
    else *flags->real = atof(value);
    return 1;
  }
  return 0;
}
