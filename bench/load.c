/* A load client over TLS for the benchmarks: blocking OpenSSL connections, a thread each, keep-alive. Prints one JSON
 * line. It does as little as it can: on a small machine its own work is part of what is measured.
 *
 *   load put|post HOST:PORT PATH TYPE FILE           one upload of FILE, streamed
 *   load rows HOST:PORT PATH CLIENTS COUNT SEED      COUNT one-row updates of the workload's table of 10,000
 *   load get HOST:PORT PATH CLIENTS COUNT            COUNT requests in all of PATH
 *   load guess HOST:PORT PATH CLIENTS COUNT          the same with wrong passwords, each as from another address (X-Forwarded-For)
 *
 * SELTZER_BENCH_AUTH holds user:password for HTTP Basic. Only loopback addresses are taken. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "workload.h"

static struct sockaddr_in server;
static SSL_CTX *tls;
static const char *host, *path;
static char authorization[512];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
    fprintf(stderr, "load: %s\n", what);
    exit(1);
}

static void set_address(const char *text)
{
    char address[64];
    const char *colon = strrchr(text, ':');
    if (!colon || (size_t)(colon - text) >= sizeof address)
        die("HOST:PORT expected");
    memcpy(address, text, (size_t)(colon - text));
    address[colon - text] = 0;
    server.sin_family = AF_INET;
    server.sin_port = htons((uint16_t)atoi(colon + 1));
    if (inet_pton(AF_INET, address, &server.sin_addr) != 1 || (ntohl(server.sin_addr.s_addr) >> 24) != 127)
        die("only 127.0.0.0/8 is taken");
    host = text;
}

static void set_authorization(void)
{
    const char *pair = getenv("SELTZER_BENCH_AUTH");
    unsigned char coded[400];
    if (!pair || strlen(pair) > 200)
        return;
    EVP_EncodeBlock(coded, (const unsigned char *)pair, (int)strlen(pair));
    snprintf(authorization, sizeof authorization, "Authorization: Basic %s\r\n", coded);
}

static SSL *open_connection(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    if (fd < 0 || connect(fd, (struct sockaddr *)&server, sizeof server) != 0)
        die("cannot connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    SSL *ssl = SSL_new(tls);
    if (!ssl || !SSL_set_fd(ssl, fd) || SSL_connect(ssl) != 1)
        die("TLS failed");
    return ssl;
}

static void send_all(SSL *ssl, const char *p, size_t n)
{
    while (n) {
        size_t sent;
        if (SSL_write_ex(ssl, p, n, &sent) != 1)
            die("the server closed the connection");
        p += sent;
        n -= sent;
    }
}

/* Reads one reply; returns its status, the length of its body in *ret_n, its first bytes in text. */
static int read_reply(SSL *ssl, char *text, size_t size, size_t *ret_n)
{
    static _Thread_local char in[1 << 16];
    size_t n = 0, got, head = 0, length = 0, kept;
    while (!head) {
        if (n == sizeof in - 1 || SSL_read_ex(ssl, in + n, sizeof in - 1 - n, &got) != 1)
            die("no reply");
        n += got;
        in[n] = 0;
        char *end = strstr(in, "\r\n\r\n");
        if (end)
            head = (size_t)(end - in) + 4;
    }
    char *at = strcasestr(in, "\r\nContent-Length:");
    if (at && at < in + head)
        length = strtoul(at + 17, NULL, 10);
    kept = n - head < size - 1 ? n - head : size - 1;
    memcpy(text, in + head, kept);
    for (size_t have = n - head; have < length; have += got) {
        if (SSL_read_ex(ssl, in + head, sizeof in - head, &got) != 1)
            die("the reply was cut");
        size_t more = got < size - 1 - kept ? got : size - 1 - kept;
        memcpy(text + kept, in + head, more);
        kept += more;
    }
    text[kept] = 0;
    *ret_n = length;
    return atoi(in + 9);
}

static int upload(const char *method, const char *type, const char *file)
{
    static char head[1024], reply[1 << 20], piece[256 << 10]; /* a reply may name a thousand rows */
    struct stat st;
    size_t n;
    ssize_t got;
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        die("cannot read the file");
    SSL *ssl = open_connection();
    int head_n = snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nHost: %s\r\n%sContent-Type: %s\r\nContent-Length: %lld\r\n\r\n",
                          method, path, host, authorization, type, (long long)st.st_size);
    double start = now();
    send_all(ssl, head, (size_t)head_n);
    while ((got = read(fd, piece, sizeof piece)) > 0)
        send_all(ssl, piece, (size_t)got);
    int status = read_reply(ssl, reply, sizeof reply, &n);
    double seconds = now() - start;
    if (status != 200) {
        fprintf(stderr, "load: %d %s\n", status, reply);
        return 1;
    }
    for (char *c = reply; (c = strchr(c, '\n'));)
        *c = ' ';
    printf("{\"seconds\": %.6f, \"bytes\": %lld, \"reply\": %s}\n", seconds, (long long)st.st_size, reply);
    return 0;
}

/* ── many small requests ── */

static unsigned clients;
static unsigned long count, seed;
static atomic_ulong taken;
static pthread_barrier_t ready;
static bool writes, guesses;
static atomic_ulong refused; /* of the guesses, by the back-off or for want of a turn */
static float *latencies;

/* Updates of rows that are there: the table is the workload's, of TABLE_ROWS. */
static size_t make_row(char *body, size_t size, unsigned long i)
{
    enum { TABLE_ROWS = 10000 };
    struct workload w = {.seed = 1, .table_rows = TABLE_ROWS, .rows = TABLE_ROWS, .mix = WORKLOAD_UPDATE, .is_shuffled = true,
                         .generation = (uint32_t)(seed * 1000 + 100 + i / TABLE_ROWS)};
    struct workload_row row;
    static _Thread_local struct buf out;
    buf_reset(&out);
    workload_make(&w, i % TABLE_ROWS, &row);
    buf_add_byte(&out, '[');
    workload_add_json(&row, &out);
    buf_add_byte(&out, ']');
    buf_add_byte(&out, 0);
    if (!buf_ok(&out) || out.n > size)
        die("no memory");
    memcpy(body, out.p, out.n);
    return out.n - 1;
}

/* A name of its own each time, so that no account's count delays it either. */
static int make_guess(char *request, size_t size, unsigned long i)
{
    char pair[64];
    unsigned char coded[100];
    snprintf(pair, sizeof pair, "nobody%lu:a wrong password", i);
    EVP_EncodeBlock(coded, (const unsigned char *)pair, (int)strlen(pair));
    return snprintf(request, size, "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Basic %s\r\nX-Forwarded-For: 10.%lu.%lu.%lu\r\n\r\n", path, host, (char *)coded,
                    i >> 16 & 255, i >> 8 & 255, i & 255);
}

static void *client(void *unused)
{
    char request[4096], body[2048], reply[4096];
    size_t n;
    SSL *ssl = open_connection();
    (void)unused;
    pthread_barrier_wait(&ready);
    for (unsigned long i; (i = atomic_fetch_add(&taken, 1)) < count;) {
        size_t body_n = writes ? make_row(body, sizeof body, i) : 0;
        int request_n =
            writes ? snprintf(request, sizeof request,
                              "POST %s HTTP/1.1\r\nHost: %s\r\n%sContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", path,
                              host, authorization, body_n, body)
                   : guesses ? make_guess(request, sizeof request, i) : snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", path, host, authorization);
        double start = now();
        send_all(ssl, request, (size_t)request_n);
        int status = read_reply(ssl, reply, sizeof reply, &n);
        latencies[i] = (float)(now() - start);
        if (guesses && status == 429)
            atomic_fetch_add(&refused, 1);
        if (status != 200 && !(guesses && (status == 401 || status == 429))) {
            fprintf(stderr, "load: %d %s\n", status, reply);
            exit(1);
        }
    }
    SSL_shutdown(ssl);
    return NULL;
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

static int many(void)
{
    pthread_t threads[256];
    if (clients < 1 || clients > 256 || count < 1 || count > 10000000)
        die("1 to 256 clients, 1 to 10,000,000 requests");
    latencies = calloc(count, sizeof *latencies);
    if (!latencies)
        die("no memory");
    pthread_barrier_init(&ready, NULL, clients + 1);
    for (unsigned i = 0; i < clients; i++)
        if (pthread_create(&threads[i], NULL, client, NULL) != 0)
            die("cannot start a thread");
    pthread_barrier_wait(&ready);
    double start = now();
    for (unsigned i = 0; i < clients; i++)
        pthread_join(threads[i], NULL);
    double seconds = now() - start;
    qsort(latencies, count, sizeof *latencies, by_value);
    printf("{\"seconds\": %.6f, \"requests\": %lu, \"per_second\": %.1f, \"p50_ms\": %.3f, \"p95_ms\": %.3f, \"p99_ms\": %.3f, \"refused\": %lu}\n", seconds, count,
           (double)count / seconds, (double)latencies[count / 2] * 1e3, (double)latencies[count * 95 / 100] * 1e3, (double)latencies[count * 99 / 100] * 1e3,
           atomic_load(&refused));
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 6)
        die("usage: see the head of bench/load.c");
    tls = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(tls, SSL_VERIFY_NONE, NULL); /* the server is our own child on loopback */
    set_address(argv[2]);
    set_authorization();
    path = argv[3];
    if (strcmp(argv[1], "put") == 0 || strcmp(argv[1], "post") == 0)
        return upload(argv[1][1] == 'u' ? "PUT" : "POST", argv[4], argv[5]);
    writes = strcmp(argv[1], "rows") == 0;
    guesses = strcmp(argv[1], "guess") == 0;
    clients = (unsigned)atoi(argv[4]);
    count = strtoul(argv[5], NULL, 10);
    seed = argc > 6 ? strtoul(argv[6], NULL, 10) : 0;
    return many();
}
