/* librdkafka through its C interface: a call a record, a report a record, payloads not copied. Arguments: name=value. */
#define _GNU_SOURCE
#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static struct record { const void *key, *value; size_t key_size, value_size; } *records;
static size_t record_count;
static int64_t reported, failed;
static double *latencies;
static rd_kafka_t *producer;
static rd_kafka_topic_t *topic;

static void die(const char *what) { fprintf(stderr, "librdkafka: %s\n", what); exit(1); }
static const char *argument(int argc, char **argv, const char *name) {
  size_t n = strlen(name);
  for (int i = 1; i < argc; i++) if (!strncmp(argv[i], name, n) && argv[i][n] == '=') return argv[i] + n + 1;
  die(name); return NULL;
}
static double micros(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1e6 + t.tv_nsec / 1e3; }
static double cpu_micros(void) {
  struct rusage u; getrusage(RUSAGE_SELF, &u);
  return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 + u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}
static void read_records(const char *path) {
  FILE *f = fopen(path, "rb");
  if (!f) die(path);
  fseek(f, 0, SEEK_END); size_t size = ftell(f); rewind(f);
  uint8_t *b = malloc(size);
  if (fread(b, 1, size, f) != size) die("cannot read the records");
  fclose(f);
  for (size_t at = 0; at < size;) {
    const void *field[2]; size_t length[2];
    for (int i = 0; i < 2; i++) {
      length[i] = (size_t)b[at] << 24 | b[at + 1] << 16 | b[at + 2] << 8 | b[at + 3];
      field[i] = b + at + 4; at += 4 + length[i];
    }
    if (record_count % 1024 == 0) records = realloc(records, (record_count + 1024) * sizeof *records);
    records[record_count++] = (struct record){length[0] ? field[0] : NULL, field[1], length[0], length[1]};
  }
}
struct call { double start; int64_t number; };
static void on_report(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque) {
  (void)rk; (void)opaque;
  if (m->err) { failed++; fprintf(stderr, "librdkafka: %s\n", rd_kafka_err2str(m->err)); }
  struct call *c = m->_private;
  if (c) { if (latencies && c->number >= 0) latencies[c->number] = micros() - c->start; free(c); }
  reported++;
}
static void produce(const struct record *r, struct call *c) {
  while (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, 0, (void *)r->value, r->value_size, r->key, r->key_size, c) == -1) {
    if (errno != ENOBUFS) die(rd_kafka_err2str(rd_kafka_last_error()));
    rd_kafka_poll(producer, 10);
  }
}
static struct call *timed(int64_t number) { struct call *c = malloc(sizeof *c); c->number = number; c->start = micros(); return c; }
static void await_reports(int64_t until) { while (reported < until) rd_kafka_poll(producer, 100); }
static void run(const char *way, int64_t n, int measured) {
  int64_t until = reported + n;
  double begin = micros();
  for (int64_t i = 0; i < n; i++) {
    const struct record *r = &records[i % record_count];
    if (!strcmp(way, "sequential")) { produce(r, timed(measured ? i : -1)); await_reports(reported + 1); continue; }
    if (!strcmp(way, "paced")) { /* 1,000 a second; reports are served while waiting */
      for (double left; (left = begin + i * 1e3 - micros()) > 0;) {
        rd_kafka_poll(producer, left > 1500 ? 1 : 0);
        if (left <= 1500) { struct timespec nap = {0, left > 200 ? 200000 : (long)(left * 1e3)}; nanosleep(&nap, NULL); }
      }
      produce(r, timed(measured ? i : -1)); rd_kafka_poll(producer, 0); continue;
    }
    produce(r, NULL);
    if (i % 128 == 0) rd_kafka_poll(producer, 0);
  }
  await_reports(until);
}
static int ascending(const void *a, const void *b) { double x = *(const double *)a, y = *(const double *)b; return (x > y) - (x < y); }

int main(int argc, char **argv) {
#define ARG(name) argument(argc, argv, name)
  const char *way = ARG("way"); char error[512];
  int64_t n = atoll(ARG("records")), warmup = atoll(ARG("warmup"));
  int timed_way = !strcmp(way, "sequential") || !strcmp(way, "paced");
  read_records(ARG("data"));
  const char *settings[][2] = {
    {"bootstrap.servers", ARG("broker")}, {"client.id", "bench"}, {"broker.address.family", "v4"}, {"acks", "all"}, {"enable.idempotence", "true"},
    {"linger.ms", ARG("linger")}, {"batch.size", "1000000"}, {"batch.num.messages", "10000"}, {"queue.buffering.max.messages", "100000"}, {"compression.type", ARG("compression")}};
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
    if (rd_kafka_conf_set(conf, settings[i][0], settings[i][1], error, sizeof error)) die(error);
  rd_kafka_conf_set_dr_msg_cb(conf, on_report);
  if (!(producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error))) die(error);
  topic = rd_kafka_topic_new(producer, ARG("topic"), NULL);
  run(timed_way ? "sequential" : way, warmup, 0);
  if (timed_way) latencies = calloc(n, sizeof *latencies);
  double cpu = cpu_micros(), start = micros();
  run(way, n, 1);
  double seconds = (micros() - start) / 1e6; cpu = cpu_micros() - cpu;
  if (failed) die("some deliveries failed");
  long peak = 0; char line[256]; FILE *f = fopen("/proc/self/status", "r");
  while (f && fgets(line, sizeof line, f) && sscanf(line, "VmHWM: %ld", &peak) != 1);
  printf("{\"version\":\"%s\",\"sent\":%lld,\"seconds\":%.6f,\"recordsPerSecond\":%.1f,\"cpuMicros\":%.5f,\"peakMb\":%.1f,", rd_kafka_version_str(),
         (long long)(n + warmup), seconds, n / seconds, cpu / n, peak / 1024.0);
  if (latencies) { qsort(latencies, n, sizeof *latencies, ascending); printf("\"p50Micros\":%.1f,\"p99Micros\":%.1f}\n", latencies[(n + 1) / 2 - 1], latencies[(n * 99 + 99) / 100 - 1]); }
  else puts("\"p50Micros\":null,\"p99Micros\":null}");
  return 0;
}
