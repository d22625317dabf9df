/*
 * A broker that stores nothing. It answers what a producer asks (ApiVersions, Metadata, InitProducerId, Produce),
 * checks every batch (frame, CRC-32C, sequence) and counts, so that a benchmark measures the client and still
 * notices a lost, doubled or broken batch. One thread, one epoll loop, any number of brokers on ports of their own;
 * partition p of a topic is led by broker p mod N.
 *
 *   null-broker [--brokers N] [--delay-us D] [--partitions P]
 *
 * It prints one line with its ports, then obeys lines from standard input, each answered by one line of JSON:
 *   stats                        the counters since the last `reset`
 *   reset                        counters to zero (offsets and sequences stay)
 *   topic NAME PARTITIONS        makes a topic
 *   topics PREFIX COUNT PARTITIONS
 *   records NAME                 what landed in a topic
 *   delay MICROSECONDS           holds Produce answers back from now on
 * The end of standard input ends it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PRODUCE = 0, FETCH = 1, METADATA = 3, FIND_COORDINATOR = 10, API_VERSIONS = 18, INIT_PRODUCER_ID = 22 };
enum { NONE = 0, CORRUPT = 2, UNKNOWN_PARTITION = 3, UNSUPPORTED_VERSION = 35, OUT_OF_ORDER = 45, DUPLICATE = 46, UNKNOWN_ID = 100 };

/* Fetch and FindCoordinator are never served: librdkafka looks whether they are listed before it uses the record
 * batches of magic 2 with LZ4 or zstd. */
static const struct { int16_t key, min, max; } apis[] = {
  {PRODUCE, 0, 13}, {FETCH, 4, 12}, {METADATA, 0, 12}, {FIND_COORDINATOR, 0, 3}, {API_VERSIONS, 0, 4}, {INIT_PRODUCER_ID, 0, 5}};
#define API_COUNT ((int)(sizeof apis / sizeof *apis))

static struct { int64_t requests, produces, batches, records, bytes, errors, crc_errors, sequence_errors; } counts;
static int brokers = 1, default_partitions = 6;
static int64_t delay_us;
static uint16_t ports[1024];

static void die(const char *what) { perror(what); exit(1); }
static int64_t now_us(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000LL + t.tv_nsec / 1000; }
static void *grown(void *memory, size_t size) { memory = realloc(memory, size); if (!memory) die("memory"); return memory; }

/* ---- CRC-32C: the processor's own instruction where it has one */
static uint32_t crc_table[256];
static uint32_t crc_plain(uint32_t c, const uint8_t *b, size_t n) { while (n--) c = crc_table[(c ^ *b++) & 255] ^ c >> 8; return c; }
#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t crc_hardware(uint32_t c, const uint8_t *b, size_t n) {
  uint64_t c64 = c;
  for (; n >= 8; n -= 8, b += 8) { uint64_t w; memcpy(&w, b, 8); c64 = __builtin_ia32_crc32di(c64, w); }
  for (c = c64; n--; b++) c = __builtin_ia32_crc32qi(c, *b);
  return c;
}
#endif
static uint32_t crc32c(const uint8_t *b, size_t n) {
#ifdef __x86_64__
  if (__builtin_cpu_supports("sse4.2")) return ~crc_hardware(~0u, b, n);
#endif
  return ~crc_plain(~0u, b, n);
}
static void make_crc_table(void) {
  for (uint32_t i = 0; i < 256; i++) { uint32_t c = i; for (int k = 0; k < 8; k++) c = c & 1 ? c >> 1 ^ 0x82f63b78 : c >> 1; crc_table[i] = c; }
}

/* ---- topics */
typedef struct { int64_t id; int32_t next; } sequence;
typedef struct { int64_t end; sequence *seq; int seqs; } partition;
typedef struct { char *name; uint8_t id[16]; int count; partition *parts; } topic;
static topic **topics; static size_t topic_count, slots; static uint32_t *by_name;

static uint32_t hash_of(const char *s, size_t n) { uint32_t h = 2166136261u; while (n--) h = (h ^ (uint8_t)*s++) * 16777619u; return h; }
static topic *find_topic(const char *name, size_t n) {
  if (!slots) return NULL;
  for (uint32_t i = hash_of(name, n) & (slots - 1); by_name[i]; i = (i + 1) & (slots - 1)) {
    topic *t = topics[by_name[i] - 1];
    if (strlen(t->name) == n && !memcmp(t->name, name, n)) return t;
  }
  return NULL;
}
static void index_topic(uint32_t number) {
  const topic *t = topics[number];
  uint32_t i = hash_of(t->name, strlen(t->name)) & (slots - 1);
  while (by_name[i]) i = (i + 1) & (slots - 1);
  by_name[i] = number + 1;
}
static topic *make_topic(const char *name, size_t n, int partitions) {
  topic *t = find_topic(name, n);
  if (t) return t;
  t = calloc(1, sizeof *t);
  t->name = strndup(name, n); t->count = partitions; t->parts = calloc(partitions, sizeof *t->parts);
  topics = grown(topics, (topic_count + 1) * sizeof *topics);
  topics[topic_count++] = t;
  uint32_t id = htonl((uint32_t)topic_count); /* found again by its number in the last bytes */
  memcpy(t->id, "null-broker\0", 12); memcpy(t->id + 12, &id, 4);
  if (topic_count * 2 > slots) {
    slots = slots ? slots * 2 : 64;
    free(by_name); by_name = calloc(slots, sizeof *by_name);
    for (uint32_t i = 0; i < topic_count; i++) index_topic(i);
  } else index_topic(topic_count - 1);
  return t;
}
static topic *topic_by_id(const uint8_t *id) {
  uint32_t number; memcpy(&number, id + 12, 4); number = ntohl(number);
  return memcmp(id, "null-broker\0", 12) || number < 1 || number > topic_count ? NULL : topics[number - 1];
}

/* ---- reading and writing */
typedef struct { const uint8_t *at, *end; int flexible, bad; } reader;
static const uint8_t *take(reader *r, int64_t n) {
  if (n < 0 || n > r->end - r->at) { r->bad = 1; r->at = r->end; static const uint8_t zeros[64]; return zeros; }
  const uint8_t *p = r->at; r->at += n; return p;
}
static uint8_t u8(reader *r) { return *take(r, 1); }
static int16_t i16(reader *r) { const uint8_t *p = take(r, 2); return (int16_t)(p[0] << 8 | p[1]); }
static int32_t be32(const uint8_t *p) { return (int32_t)((uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]); }
static int64_t be64(const uint8_t *p) { return (int64_t)((uint64_t)(uint32_t)be32(p) << 32 | (uint32_t)be32(p + 4)); }
static int32_t i32(reader *r) { return be32(take(r, 4)); }
static uint32_t uvarint(reader *r) { uint32_t v = 0; for (int s = 0; s < 35; s += 7) { uint8_t b = u8(r); v |= (uint32_t)(b & 127) << s; if (b < 128) break; } return v; }
static int32_t length(reader *r) { return r->flexible ? (int32_t)uvarint(r) - 1 : i32(r); }
static const char *string(reader *r, int *n) { *n = r->flexible ? (int)uvarint(r) - 1 : i16(r); return *n < 0 ? NULL : (const char *)take(r, *n); }
static void tags(reader *r) { if (r->flexible) for (uint32_t n = uvarint(r); n-- && !r->bad;) { uvarint(r); take(r, uvarint(r)); } }

typedef struct { uint8_t *bytes; size_t size, room; int flexible; } writer;
static uint8_t *put(writer *w, size_t n) {
  if (w->size + n > w->room) w->bytes = grown(w->bytes, w->room = (w->size + n) * 2);
  w->size += n; return w->bytes + w->size - n;
}
static void p8(writer *w, int v) { *put(w, 1) = (uint8_t)v; }
static void p16(writer *w, int v) { uint8_t *p = put(w, 2); p[0] = (uint8_t)(v >> 8); p[1] = (uint8_t)v; }
static void p32(writer *w, int32_t v) { uint32_t n = htonl((uint32_t)v); memcpy(put(w, 4), &n, 4); }
static void p64(writer *w, int64_t v) { p32(w, (int32_t)(v >> 32)); p32(w, (int32_t)v); }
static void puvarint(writer *w, uint32_t v) { for (; v > 127; v >>= 7) p8(w, (int)(v & 127) | 128); p8(w, (int)v); }
static void plength(writer *w, int32_t n) { if (w->flexible) puvarint(w, (uint32_t)(n + 1)); else p32(w, n); }
static void pstring(writer *w, const char *s, int n) { if (w->flexible) puvarint(w, (uint32_t)(n + 1)); else p16(w, n); if (n > 0) memcpy(put(w, n), s, n); }
static void ptags(writer *w) { if (w->flexible) p8(w, 0); }

/* ---- the answers */
static void list_apis(writer *w, int version, int error) {
  w->flexible = version >= 3;
  p16(w, error);
  plength(w, API_COUNT);
  for (int i = 0; i < API_COUNT; i++) { p16(w, apis[i].key); p16(w, apis[i].min); p16(w, apis[i].max); ptags(w); }
  if (version >= 1) p32(w, 0);
  ptags(w);
}
static void describe(writer *w, int version, topic *t, int error, const char *name, int n, const uint8_t *id) {
  static const uint8_t no_id[16];
  p16(w, error);
  pstring(w, t ? t->name : name, t ? (int)strlen(t->name) : n);
  if (version >= 10) memcpy(put(w, 16), t ? t->id : id ? id : no_id, 16);
  if (version >= 1) p8(w, 0);
  plength(w, t ? t->count : 0);
  for (int p = 0; t && p < t->count; p++) {
    int leader = p % brokers + 1;
    p16(w, NONE); p32(w, p); p32(w, leader);
    if (version >= 7) p32(w, 0);
    plength(w, 1); p32(w, leader); plength(w, 1); p32(w, leader);
    if (version >= 5) plength(w, 0);
    ptags(w);
  }
  if (version >= 8) p32(w, INT32_MIN);
  ptags(w);
}
static void metadata(reader *r, writer *w, int version) {
  if (version >= 3) p32(w, 0);
  plength(w, brokers);
  for (int b = 0; b < brokers; b++) {
    p32(w, b + 1); pstring(w, "127.0.0.1", 9); p32(w, ports[b]);
    if (version >= 1) pstring(w, NULL, -1);
    ptags(w);
  }
  if (version >= 2) pstring(w, "null", 4);
  if (version >= 1) p32(w, 1);
  int32_t n = length(r);
  if (n < 0 || (version == 0 && n == 0)) {
    plength(w, (int32_t)topic_count);
    for (size_t i = 0; i < topic_count; i++) describe(w, version, topics[i], NONE, NULL, 0, NULL);
  } else {
    plength(w, n);
    for (int32_t i = 0; i < n && !r->bad; i++) {
      const uint8_t *id = version >= 10 ? take(r, 16) : NULL;
      int size; const char *name = string(r, &size);
      tags(r);
      if (name) describe(w, version, make_topic(name, size, default_partitions), NONE, NULL, 0, NULL);
      else { topic *t = topic_by_id(id); describe(w, version, t, t ? NONE : UNKNOWN_ID, NULL, version >= 12 ? -1 : 0, id); }
    }
  }
  if (version >= 8 && version <= 10) p32(w, INT32_MIN);
  ptags(w);
}
static int append(partition *p, const uint8_t *b, int64_t n, int64_t *base) {
  *base = p->end;
  while (n > 0) {
    if (n < 61) return CORRUPT;
    int64_t size = be32(b + 8) + 12LL;
    if (size < 61 || size > n || b[16] != 2) return CORRUPT;
    counts.batches++; counts.bytes += size;
    if (crc32c(b + 21, size - 21) != (uint32_t)be32(b + 17)) { counts.crc_errors++; return CORRUPT; }
    int32_t records = be32(b + 57), seq = be32(b + 53);
    int64_t id = be64(b + 43);
    if (records < 1 || be32(b + 23) != records - 1) return CORRUPT;
    if (id >= 0) {
      int i = 0;
      while (i < p->seqs && p->seq[i].id != id) i++;
      if (i == p->seqs) { p->seq = grown(p->seq, (i + 1) * sizeof *p->seq); p->seq[p->seqs++] = (sequence){id, 0}; }
      if (seq != p->seq[i].next) { counts.sequence_errors++; return OUT_OF_ORDER; }
      p->seq[i].next = (int32_t)(((int64_t)seq + records) & 0x7fffffff);
    }
    p->end += records; counts.records += records;
    b += size; n -= size;
  }
  return NONE;
}
static int produce(reader *r, writer *w, int version) {
  int n;
  if (version >= 3) string(r, &n);
  int acks = i16(r); i32(r);
  counts.produces++;
  int32_t topics_here = length(r);
  plength(w, topics_here);
  for (int32_t i = 0; i < topics_here && !r->bad; i++) {
    topic *t;
    if (version >= 13) { const uint8_t *id = take(r, 16); t = topic_by_id(id); memcpy(put(w, 16), id, 16); }
    else { const char *name = string(r, &n); t = name ? make_topic(name, n, default_partitions) : NULL; pstring(w, name, n); }
    int32_t parts = length(r);
    plength(w, parts);
    for (int32_t j = 0; j < parts && !r->bad; j++) {
      int32_t p = i32(r), size = length(r);
      const uint8_t *bytes = take(r, size < 0 ? 0 : size);
      tags(r);
      int64_t base = -1;
      int error = !t ? UNKNOWN_ID : p < 0 || p >= t->count ? UNKNOWN_PARTITION : append(&t->parts[p], bytes, size, &base);
      if (error) { counts.errors++; base = -1; }
      p32(w, p); p16(w, error); p64(w, base);
      if (version >= 2) p64(w, -1);
      if (version >= 5) p64(w, 0);
      if (version >= 8) { plength(w, 0); pstring(w, NULL, -1); }
      ptags(w);
    }
    tags(r); ptags(w);
  }
  if (version >= 1) p32(w, 0);
  ptags(w);
  return acks;
}

/* Writes the whole answer with its frame; returns 0 if there is none to send, -1 on a request that cannot be read. */
static int answer(const uint8_t *frame, size_t n, writer *w, int *is_produce) {
  static int64_t next_id = 1000;
  reader r = {frame, frame + n, 0, 0};
  int key = i16(&r), version = i16(&r);
  int32_t correlation = i32(&r);
  int size; string(&r, &size);
  counts.requests++;
  *is_produce = key == PRODUCE;
  int known = -1;
  for (int i = 0; i < API_COUNT; i++) if (apis[i].key == key && version >= apis[i].min && version <= apis[i].max) known = i;
  w->size = 0; w->flexible = 0;
  p32(w, 0); p32(w, correlation);
  int flexible = key == PRODUCE ? version >= 9 : key == METADATA ? version >= 9 : key == INIT_PRODUCER_ID ? version >= 2 : 0;
  r.flexible = flexible; tags(&r);
  w->flexible = flexible;
  ptags(w);
  int acks = -1;
  if (key == API_VERSIONS) list_apis(w, known < 0 ? 0 : version, known < 0 ? UNSUPPORTED_VERSION : NONE);
  else if (known < 0) return -1;
  else if (key == PRODUCE) acks = produce(&r, w, version);
  else if (key == METADATA) metadata(&r, w, version);
  else if (key == INIT_PRODUCER_ID) { p32(w, 0); p16(w, NONE); p64(w, next_id++); p16(w, 0); ptags(w); }
  else return -1;
  if (r.bad) return -1;
  uint32_t length_of_rest = htonl((uint32_t)(w->size - 4));
  memcpy(w->bytes, &length_of_rest, 4);
  return acks == 0 ? 0 : 1;
}

/* ---- connections */
typedef struct connection {
  int fd, listening, waiting; /* waiting: answers held back or not yet taken by the kernel */
  uint8_t *in; size_t have, room;
  uint8_t *out; size_t out_size, out_room;
  int closed;
} connection;
typedef struct held { int64_t due; connection *c; size_t size; struct held *next; uint8_t bytes[]; } held;
static held *first_held, *last_held;
static int loop;

static void drop(connection *c) { if (c->fd >= 0) close(c->fd); c->fd = -1; c->closed = 1; }
static void flush_out(connection *c) {
  size_t at = 0;
  while (at < c->out_size) {
    ssize_t n = send(c->fd, c->out + at, c->out_size - at, MSG_NOSIGNAL);
    if (n < 0) { if (errno == EAGAIN) break; if (errno == EINTR) continue; drop(c); return; }
    at += n;
  }
  memmove(c->out, c->out + at, c->out_size - at); c->out_size -= at;
  struct epoll_event e = {.events = EPOLLIN | (c->out_size ? EPOLLOUT : 0), .data.ptr = c};
  if (c->waiting != (c->out_size > 0)) { c->waiting = c->out_size > 0; epoll_ctl(loop, EPOLL_CTL_MOD, c->fd, &e); }
}
static void queue_out(connection *c, const uint8_t *b, size_t n) {
  if (c->out_size + n > c->out_room) c->out = grown(c->out, c->out_room = (c->out_size + n) * 2);
  memcpy(c->out + c->out_size, b, n); c->out_size += n;
}
static void receive(connection *c) {
  static writer w;
  for (int rounds = 0; rounds < 4; rounds++) {
    if (c->room - c->have < 1 << 18) c->in = grown(c->in, c->room += 1 << 20);
    ssize_t n = recv(c->fd, c->in + c->have, c->room - c->have, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) { drop(c); return; }
    if (n < 0) break;
    c->have += n;
    size_t at = 0;
    while (c->have - at >= 4) {
      uint32_t size = (uint32_t)be32(c->in + at);
      if (size < 8 || size > 256u << 20) { drop(c); return; }
      if (c->have - at - 4 < size) break;
      int is_produce, kind = answer(c->in + at + 4, size, &w, &is_produce);
      if (kind < 0) { fprintf(stderr, "null-broker: cannot read api %d version %d\n", be32(c->in + at + 4) >> 16, be32(c->in + at + 4) & 0xffff); drop(c); return; }
      if (kind > 0 && delay_us > 0 && is_produce) {
        held *h = grown(NULL, sizeof *h + w.size);
        *h = (held){now_us() + delay_us, c, w.size, NULL}; memcpy(h->bytes, w.bytes, w.size);
        if (last_held) last_held->next = h; else first_held = h;
        last_held = h;
      } else if (kind > 0) queue_out(c, w.bytes, w.size);
      at += 4 + size;
    }
    memmove(c->in, c->in + at, c->have - at); c->have -= at;
    if (c->out_size) { flush_out(c); if (c->closed) return; }
    if ((size_t)n < (1 << 18)) break;
  }
}
static void release_held(void) {
  while (first_held && first_held->due <= now_us()) {
    held *h = first_held;
    first_held = h->next; if (!first_held) last_held = NULL;
    if (!h->c->closed) { queue_out(h->c, h->bytes, h->size); flush_out(h->c); }
    free(h);
  }
}
static void listen_on(int number) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), size = 4 << 20;
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t n = sizeof a;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 512) || getsockname(fd, (struct sockaddr *)&a, &n)) die("listen");
  ports[number] = ntohs(a.sin_port);
  connection *c = calloc(1, sizeof *c);
  c->fd = fd; c->listening = 1;
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
  epoll_ctl(loop, EPOLL_CTL_ADD, fd, &e);
}
static void accept_on(connection *l) {
  int fd, on = 1;
  while ((fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connection *c = calloc(1, sizeof *c);
    c->fd = fd;
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(loop, EPOLL_CTL_ADD, fd, &e);
  }
}

/* ---- orders from standard input */
static void obey(char *line) {
  char name[512]; int n, p;
  if (!strcmp(line, "stats")) {
    struct rusage u; getrusage(RUSAGE_SELF, &u);
    printf("{\"requests\":%lld,\"produceRequests\":%lld,\"batches\":%lld,\"records\":%lld,\"batchBytes\":%lld,\"errors\":%lld,\"crcErrors\":%lld,\"sequenceErrors\":%lld,\"cpuMicros\":%lld}\n",
           (long long)counts.requests, (long long)counts.produces, (long long)counts.batches, (long long)counts.records, (long long)counts.bytes,
           (long long)counts.errors, (long long)counts.crc_errors, (long long)counts.sequence_errors,
           (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000LL + u.ru_utime.tv_usec + u.ru_stime.tv_usec);
  } else if (!strcmp(line, "reset")) { memset(&counts, 0, sizeof counts); puts("{}"); }
  else if (sscanf(line, "topic %511s %d", name, &p) == 2) { make_topic(name, strlen(name), p); puts("{}"); }
  else if (sscanf(line, "topics %500s %d %d", name, &n, &p) == 3) {
    char one[528];
    for (int i = 0; i < n; i++) make_topic(one, snprintf(one, sizeof one, "%s%d", name, i), p);
    puts("{}");
  } else if (sscanf(line, "records %511s", name) == 1) {
    topic *t = find_topic(name, strlen(name)); int64_t sum = 0;
    for (int i = 0; t && i < t->count; i++) sum += t->parts[i].end;
    printf("{\"records\":%lld}\n", (long long)sum);
  } else if (sscanf(line, "delay %d", &n) == 1) { delay_us = n; puts("{}"); }
  else puts("{\"error\":\"unknown order\"}");
  fflush(stdout);
}

int main(int argc, char **argv) {
  for (int i = 1; i + 1 < argc; i += 2) {
    int v = atoi(argv[i + 1]);
    if (!strcmp(argv[i], "--brokers") && v >= 1 && v <= 1024) brokers = v;
    else if (!strcmp(argv[i], "--delay-us")) delay_us = v;
    else if (!strcmp(argv[i], "--partitions") && v >= 1) default_partitions = v;
    else { fprintf(stderr, "null-broker: bad argument %s\n", argv[i]); return 2; }
  }
  signal(SIGPIPE, SIG_IGN);
  make_crc_table();
  loop = epoll_create1(0);
  for (int b = 0; b < brokers; b++) listen_on(b);
  printf("{\"ports\":[");
  for (int b = 0; b < brokers; b++) printf("%s%d", b ? "," : "", ports[b]);
  puts("]}"); fflush(stdout);
  fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_NONBLOCK);
  connection in = {.fd = 0};
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = &in}, events[64];
  if (epoll_ctl(loop, EPOLL_CTL_ADD, 0, &e)) die("standard input");
  static char order[4096]; size_t have = 0;
  for (;;) {
    int64_t wait = first_held ? first_held->due - now_us() : -1000;
    struct timespec timeout = {wait > 0 ? wait / 1000000 : 0, wait > 0 ? wait % 1000000 * 1000 : 0};
    int n = epoll_pwait2(loop, events, 64, first_held ? &timeout : NULL, NULL);
    if (n < 0 && errno != EINTR) die("epoll");
    for (int i = 0; i < n; i++) {
      connection *c = events[i].data.ptr;
      if (c == &in) {
        ssize_t got = read(0, order + have, sizeof order - 1 - have);
        if (got == 0) return 0;
        if (got < 0) continue;
        have += got; order[have] = 0;
        for (char *nl; (nl = strchr(order, '\n'));) { *nl = 0; obey(order); have -= nl + 1 - order; memmove(order, nl + 1, have + 1); }
      } else if (c->listening) accept_on(c);
      else if (!c->closed) {
        if (events[i].events & EPOLLOUT) flush_out(c);
        if (!c->closed && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) receive(c);
      }
    }
    release_held();
  }
}
