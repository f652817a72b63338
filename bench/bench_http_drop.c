/* The wire alone: an upload over TLS that is read and dropped, and one-row requests on 16 connections, against the least that
 * a server can do — a blocking OpenSSL loop, a thread a connection — in the same run, with the same client. Best of five.
 * Output: name, ours, reference, ratio, goal; MB/s and requests/s. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "http/http.h"

enum { ROUNDS = 5, BLOCK = 64 << 10, CLIENTS = 16, ROW_BYTES = 300 };
static const uint64_t upload_bytes = 384 << 20;
static const unsigned small_ms = 1000;

static SSL_CTX *client_tls, *bare_tls;
static char cert_path[64], key_path[64];

static void die(const char *what)
{
    fprintf(stderr, "bench_http_drop: %s\n", what);
    exit(1);
}

static void make_certificate(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    FILE *f;

    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
    X509_set_pubkey(cert, key);
    X509_sign(cert, key, EVP_sha256());
    if (!(f = fopen(cert_path, "w")) || !PEM_write_X509(f, cert) || fclose(f) != 0)
        die("cannot write a certificate");
    if (!(f = fopen(key_path, "w")) || !PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) || fclose(f) != 0)
        die("cannot write a key");
    X509_free(cert);
    EVP_PKEY_free(key);
}

/* ── ours: the body is dropped, the reply is short ── */

static void on_head(void *ctx, struct http_exchange *x)
{
    (void)ctx;
    (void)x;
}

static void on_body(void *ctx, struct http_exchange *x, struct str bytes)
{
    (void)ctx;
    (void)x;
    (void)bytes;
}

static void on_end(void *ctx, struct http_exchange *x)
{
    struct error err;

    (void)ctx;
    http_reply_header(x, "Content-Type", STR("application/json"));
    if (!spool_write(http_reply_body(x), "{}\n", 3, &err))
        die(err.message);
    http_send(x);
}

/* ── the reference: reads heads only as far as it must ── */

static bool read_request(SSL *ssl, char *in)
{
    size_t n = 0;
    uint64_t left;
    char *end, *field;

    do {
        int got = SSL_read(ssl, in + n, BLOCK - 1 - (int)n);
        if (got <= 0)
            return false;
        n += (size_t)got;
        in[n] = 0;
    } while (!(end = strstr(in, "\r\n\r\n")));
    field = strstr(in, "Content-Length: ");
    left = field ? strtoull(field + 16, NULL, 10) : 0;
    n -= (size_t)(end + 4 - in);
    left -= n < left ? n : left;
    while (left > 0) {
        int got = SSL_read(ssl, in, BLOCK);
        if (got <= 0)
            return false;
        left -= (uint64_t)got < left ? (uint64_t)got : left;
    }
    return true;
}

static void *bare_connection(void *arg)
{
    static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 3\r\n\r\n{}\n";
    SSL *ssl = SSL_new(bare_tls);
    char *in = malloc(BLOCK);
    int fd = (int)(intptr_t)arg;

    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1)
        while (read_request(ssl, in))
            if (SSL_write(ssl, reply, sizeof(reply) - 1) <= 0)
                break;
    SSL_free(ssl);
    free(in);
    close(fd);
    return NULL;
}

static void *bare_server(void *arg)
{
    int one = 1;

    for (;;) {
        pthread_t t;
        int fd = accept((int)(intptr_t)arg, NULL, NULL);
        if (fd < 0)
            return NULL;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        if (pthread_create(&t, NULL, bare_connection, (void *)(intptr_t)fd) == 0)
            pthread_detach(t);
    }
}

/* ── the client ── */

static SSL *dial(unsigned short port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    SSL *ssl = SSL_new(client_tls);

    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        die("cannot connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    SSL_set_fd(ssl, fd);
    if (SSL_connect(ssl) != 1)
        die("no TLS");
    return ssl;
}

static void hang_up(SSL *ssl)
{
    int fd = SSL_get_fd(ssl);

    SSL_free(ssl);
    close(fd);
}

static void read_reply(SSL *ssl)
{
    char in[2048];
    size_t n = 0;

    do {
        int got = SSL_read(ssl, in + n, (int)(sizeof(in) - 1 - n));
        if (got <= 0)
            die("no reply");
        n += (size_t)got;
        in[n] = 0;
    } while (!strstr(in, "\r\n\r\n{}\n"));
}

static double upload_mb_per_s(unsigned short port)
{
    SSL *ssl = dial(port);
    char head[200], *block = calloc(1, BLOCK);
    uint64_t began = clock_mono_us();
    int n = snprintf(head, sizeof(head), "POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: %llu\r\n\r\n",
                     (unsigned long long)upload_bytes);

    if (SSL_write(ssl, head, n) != n)
        die("cannot write");
    for (uint64_t sent = 0; sent < upload_bytes; sent += BLOCK)
        if (SSL_write(ssl, block, BLOCK) != BLOCK)
            die("cannot write");
    read_reply(ssl);
    hang_up(ssl);
    free(block);
    return (double)upload_bytes / (double)(clock_mono_us() - began);
}

struct small {
    pthread_t thread;
    unsigned short port;
    uint64_t until_ms, done;
};

static void *small_requests(void *arg)
{
    struct small *s = arg;
    SSL *ssl = dial(s->port);
    char text[1000];
    int n = snprintf(text, sizeof(text), "POST /resource/abcd-efgh.json HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                                         "X-App-Token: abcdefghijklmnopqrstuvwxy\r\nContent-Length: %d\r\n\r\n%*s",
                     ROW_BYTES, ROW_BYTES, "x");

    while (clock_mono_ms() < s->until_ms) {
        if (SSL_write(ssl, text, n) != n)
            die("cannot write");
        read_reply(ssl);
        s->done++;
    }
    hang_up(ssl);
    return NULL;
}

static double requests_per_s(unsigned short port)
{
    struct small clients[CLIENTS];
    uint64_t began = clock_mono_ms(), done = 0;

    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (struct small){.port = port, .until_ms = began + small_ms};
        pthread_create(&clients[i].thread, NULL, small_requests, &clients[i]);
    }
    for (int i = 0; i < CLIENTS; i++) {
        pthread_join(clients[i].thread, NULL);
        done += clients[i].done;
    }
    return (double)done * 1000 / (double)(clock_mono_ms() - began);
}

static void compare(const char *name, double (*measure)(unsigned short port), unsigned short ours, unsigned short bare, const char *goal)
{
    double best = 0, best_bare = 0;

    for (int i = 0; i < ROUNDS; i++) { /* in turns, so that a noisy moment hits both */
        double b = measure(bare), o = measure(ours);
        best = o > best ? o : best;
        best_bare = b > best_bare ? b : best_bare;
    }
    printf("%s\t%.0f\t%.0f\t%.2f\t%s\n", name, best, best_bare, best / best_bare, goal);
    fflush(stdout);
}

static SSL_CTX *bare_context(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    if (SSL_CTX_use_certificate_chain_file(ctx, cert_path) != 1 || SSL_CTX_use_PrivateKey_file(ctx, key_path, SSL_FILETYPE_PEM) != 1)
        die("cannot read the certificate");
    return ctx;
}

int main(void)
{
    char folder[] = "/tmp/seltzer-bench-XXXXXX";
    struct error err;
    struct http_listen listen_on = {"127.0.0.1:0", true};
    struct http_config config = {.listens = &listen_on, .n_listens = 1, .tls_cert = cert_path, .tls_key = key_path,
                                 .app = {.head = on_head, .body = on_body, .end = on_end, .release = on_head}};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(at);
    struct http_server *server = NULL;
    pthread_t bare;
    unsigned short ours;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (!random_init() || !mkdtemp(folder))
        die("cannot start");
    snprintf(cert_path, sizeof(cert_path), "%s/cert.pem", folder);
    snprintf(key_path, sizeof(key_path), "%s/key.pem", folder);
    make_certificate();
    client_tls = SSL_CTX_new(TLS_client_method());
    bare_tls = bare_context();
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 64) < 0 || getsockname(fd, (struct sockaddr *)&at, &n) < 0)
        die("cannot listen");
    config.scratch_dir = folder;
    if (!(config.pool = pool_new(4, "work", &err)) || !(server = http_server_open(&config, &err)) || !http_server_start(server, &err))
        die(err.message);
    ours = (unsigned short)atoi(strrchr(http_server_address(server, 0), ':') + 1);
    pthread_create(&bare, NULL, bare_server, (void *)(intptr_t)fd);

    compare("http_upload_dropped_mb_per_s", upload_mb_per_s, ours, ntohs(at.sin_port), "ratio >= 0.8");
    compare("http_one_row_requests_per_s", requests_per_s, ours, ntohs(at.sin_port), ">= 20000");

    shutdown(fd, SHUT_RDWR);
    pthread_join(bare, NULL);
    close(fd);
    http_server_close(server);
    pool_free(config.pool);
    SSL_CTX_free(client_tls);
    SSL_CTX_free(bare_tls);
    unlink(cert_path);
    unlink(key_path);
    rmdir(folder);
    return 0;
}
