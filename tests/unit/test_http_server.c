/* The server over real loopback sockets, plain and TLS, with a small application behind it: it says what it got. Limits are
 * shortened so that the slow cases take a fraction of a second. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/random.h"
#include "http/internal.h"

/* ── the application ──
 * /echo answers the body; /drop its length; /early answers 403 in head; /midway answers 400 in the first body slice; /later answers from
 * another thread; /big answers many bytes; /slow takes 100 ms a slice; /held keeps its first slice until it is let go, then echoes; everything else "METHOD path length". */

struct app_state {
    uint64_t n;
    struct buf echo;
    pthread_t later;
    bool has_later, head_seen;
};

static struct {
    atomic_int heads, ends, releases, failures[5], slices;
    atomic_ullong largest_slice;
    atomic_int told, told_alone, statuses[600]; /* ended: with an exchange, without one */
    atomic_ullong told_received, told_sent;
    atomic_bool let_go;
} seen;

enum { BIG_BYTES = 5 << 20 };

static void answer(struct http_exchange *x, int status, struct str text)
{
    struct error err;
    struct spool *body = http_reply_body(x);

    http_reply_status(x, status);
    http_reply_header(x, "Content-Type", STR("text/plain"));
    if (!body || !spool_write(body, text.p, text.n, &err))
        abort();
    http_send(x);
}

static bool path_is(const struct http_exchange *x, const char *path)
{
    return str_eq(x->head->path, str_from(path));
}

static void app_head(void *ctx, struct http_exchange *x)
{
    (void)ctx;
    atomic_fetch_add(&seen.heads, 1);
    x->state = calloc(1, sizeof(struct app_state));
    ((struct app_state *)x->state)->head_seen = true;
    if (path_is(x, "/early"))
        answer(x, 403, STR("no"));
}

static void app_body(void *ctx, struct http_exchange *x, struct str bytes)
{
    struct app_state *s = x->state;

    (void)ctx;
    atomic_fetch_add(&seen.slices, 1);
    if (bytes.n > atomic_load(&seen.largest_slice))
        atomic_store(&seen.largest_slice, bytes.n);
    s->n += bytes.n;
    if (path_is(x, "/echo") || path_is(x, "/held"))
        buf_add_str(&s->echo, bytes);
    for (int i = 0; path_is(x, "/held") && !atomic_load(&seen.let_go) && i < 500; i++)
        usleep(10000);
    if (path_is(x, "/midway"))
        answer(x, 400, STR("row 5 is wrong"));
    if (path_is(x, "/slow"))
        usleep(100000);
}

static void *send_later(void *arg)
{
    usleep(30000);
    answer(arg, 200, STR("later"));
    return NULL;
}

static void app_end(void *ctx, struct http_exchange *x)
{
    struct app_state *s = x->state;
    char text[256];
    struct error err;

    (void)ctx;
    atomic_fetch_add(&seen.ends, 1);
    if (path_is(x, "/echo") || path_is(x, "/held")) {
        answer(x, 200, buf_str(&s->echo));
    } else if (path_is(x, "/later")) {
        s->has_later = pthread_create(&s->later, NULL, send_later, x) == 0;
    } else if (path_is(x, "/big")) {
        char *block = malloc(BIG_BYTES);
        for (size_t i = 0; i < BIG_BYTES; i++)
            block[i] = (char)(i * 7 + i / 1000);
        if (!spool_write(http_reply_body(x), block, BIG_BYTES, &err))
            abort();
        free(block);
        http_send(x);
    } else if (path_is(x, "/error")) {
        error_set(&err, ERROR_TOO_MANY_REQUESTS, "slow down");
        err.retry_after_s = 7;
        http_reply_header(x, "X-Bad", STR("a\r\nInjected: b"));
        http_reply_error(x, &err);
        http_send(x);
    } else if (path_is(x, "/nothing")) {
        http_reply_status(x, 204);
        http_send(x);
    } else if (path_is(x, "/anew")) {
        http_reply_header(x, "X-Before", STR("1"));
        http_reply_header(x, "Cache-Control", STR("private, no-cache"));
        http_reply_header(x, "X-Kept", STR("2"));
        http_reply_keep(x);
        http_reply_header(x, "X-Dropped", STR("3"));
        http_reply_header(x, "cache-control", STR("no-store")); /* in the place of the kept one */
        if (x->head->query.n)
            http_reply_reset(x);
        answer(x, 200, STR("anew"));
    } else if (path_is(x, "/who")) {
        snprintf(text, sizeof(text), "%s %s", x->head->peer, x->head->secure ? "secure" : "open");
        answer(x, 200, str_from(text));
    } else {
        snprintf(text, sizeof(text), FMT_STR " " FMT_STR " %llu", ARG_STR(x->head->method_text), ARG_STR(x->head->path),
                 (unsigned long long)s->n);
        answer(x, 200, str_from(text));
        http_send(x); /* a second time changes nothing */
    }
}

static void app_release(void *ctx, struct http_exchange *x)
{
    struct app_state *s = x->state;

    (void)ctx;
    if (s->has_later)
        pthread_join(s->later, NULL);
    buf_free(&s->echo);
    free(s);
    atomic_fetch_add(&seen.failures[x->failed], 1);
    atomic_fetch_add(&seen.releases, 1);
}

/* ── the fixture ── */

static char folder[] = "/tmp/seltzer-http-XXXXXX";
static char cert_path[64], key_path[64];
static struct pool *pool;
static struct http_server *server;
static SSL_CTX *client_tls;

static void write_certificate(long serial)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    FILE *f;

    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(cert));
    X509_set_pubkey(cert, key);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    assert_non_null(f = fopen(cert_path, "w"));
    PEM_write_X509(f, cert);
    fclose(f);
    assert_non_null(f = fopen(key_path, "w"));
    PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
    fclose(f);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void app_ended(void *ctx, struct http_exchange *x, const struct http_end *end)
{
    (void)ctx;
    atomic_fetch_add(x ? &seen.told : &seen.told_alone, 1);
    atomic_fetch_add(&seen.statuses[end->status], 1);
    atomic_fetch_add(&seen.told_received, end->received_bytes);
    atomic_fetch_add(&seen.told_sent, end->sent_bytes);
    if (!end->head || !end->head->request_id[0] || !end->head->peer[0] || (x && x->head != end->head))
        abort();
}

static const char *const proxies[] = {"127.0.0.2", "10.0.0.0/8"};

static struct http_limits quick_limits(void)
{
    return (struct http_limits){.handshake_ms = 300,
                                .head_ms = 300,
                                .idle_ms = 400,
                                .rate_bytes_per_s = 100000,
                                .rate_window_ms = 400,
                                .body_max = 100 << 20,
                                .drain_max = 4 << 20};
}

static void start(const struct http_limits *limits)
{
    static const struct http_listen listens[] = {{"127.0.0.1:0", false}, {"127.0.0.1:0", true}};
    struct http_config config = {
        .listens = listens,
        .n_listens = 2,
        .tls_cert = cert_path,
        .tls_key = key_path,
        .trusted_proxies = proxies,
        .n_trusted_proxies = 2,
        .loops = 2,
        .hsts = true,
        .scratch_dir = folder,
        .limits = *limits,
        .pool = pool,
        .app = {.head = app_head, .body = app_body, .end = app_end, .release = app_release, .ended = app_ended},
    };
    struct error err;

    memset(&seen, 0, sizeof(seen));
    server = http_server_open(&config, &err);
    if (!server || !http_server_start(server, &err))
        fail_msg("%s", err.message);
}

static int set_up(void **state)
{
    struct http_limits limits = quick_limits();

    (void)state;
    start(&limits);
    return 0;
}

/* For tests whose clients may be kept waiting by the machine, as the usual limits would not. */
static int set_up_patient(void **state)
{
    (void)state;
    start(&http_limits_default);
    return 0;
}

/* After every test: nothing is left behind, and every head had its release. */
static int tear_down(void **state)
{
    (void)state;
    http_server_stop(server, 2000);
    http_server_close(server);
    server = NULL;
    assert_int_equal(seen.heads, seen.releases);
    assert_int_equal(seen.heads, seen.told);
    return 0;
}

/* ── a client ── */

struct client { /* too large for a stack */
    int fd;
    SSL *ssl;
    char in[8 << 20];
    size_t n;
};

static int dial(bool tls, const char *from)
{
    const char *port = strrchr(http_server_address(server, tls), ':') + 1;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))}, me = {.sin_family = AF_INET};
    struct timeval patience = {.tv_sec = 5};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    if (from) {
        inet_pton(AF_INET, from, &me.sin_addr);
        assert_int_equal(bind(fd, (struct sockaddr *)&me, sizeof(me)), 0);
    }
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    return fd;
}

static struct client *client_open(bool tls)
{
    struct client *c = malloc(sizeof(*c));

    c->fd = dial(tls, NULL);
    c->n = 0;
    c->ssl = NULL;
    if (tls) {
        c->ssl = SSL_new(client_tls);
        SSL_set_fd(c->ssl, c->fd);
        assert_int_equal(SSL_connect(c->ssl), 1);
    }
    return c;
}

static void client_close(struct client *c)
{
    SSL_free(c->ssl);
    close(c->fd);
    free(c);
}

static bool put_bytes(struct client *c, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t got = c->ssl ? SSL_write(c->ssl, p, n > 16384 ? 16384 : (int)n) : send(c->fd, p, n, MSG_NOSIGNAL);
        if (got <= 0)
            return false;
        p += got;
        n -= (size_t)got;
    }
    return true;
}

static void put(struct client *c, const char *text)
{
    assert_true(put_bytes(c, text, strlen(text)));
}

static bool get_more(struct client *c)
{
    size_t room = sizeof(c->in) - 1 - c->n;
    ssize_t got = c->ssl ? SSL_read(c->ssl, c->in + c->n, (int)room) : recv(c->fd, c->in + c->n, room, 0);

    if (got > 0)
        c->n += (size_t)got;
    c->in[c->n] = 0;
    return got > 0;
}

/* One whole reply at the start of what came in: its status, its body in *ret; it leaves the buffer. */
static int get_reply(struct client *c, struct str *ret, bool has_body)
{
    char *end, *field;
    size_t head_n, body_n;
    int status;
    static char body[8 << 20], head[4096];

    c->in[c->n] = 0;
    while (!(end = strstr(c->in, "\r\n\r\n")))
        if (!get_more(c))
            return -1;
    head_n = (size_t)(end - c->in) + 4;
    assert_true(head_n < sizeof(head));
    memcpy(head, c->in, head_n);
    head[head_n] = 0;
    status = atoi(head + 9);
    field = strstr(head, "Content-Length: ");
    body_n = field && has_body ? (size_t)atol(field + 16) : 0;
    assert_true(body_n < sizeof(body));
    while (c->n < head_n + body_n)
        if (!get_more(c))
            return -1;
    memcpy(body, c->in + head_n, body_n);
    memmove(c->in, c->in + head_n + body_n, c->n - head_n - body_n);
    c->n -= head_n + body_n;
    if (ret)
        *ret = str_make(body, body_n);
    if (status != 100 && !strstr(head, "X-Socrata-RequestId: ") && !strstr(head, "text/plain; charset"))
        fail_msg("a reply without request id:\n%s", head);
    if (status != 100 && !strstr(head, "X-Content-Type-Options: nosniff\r\n"))
        fail_msg("a reply that a browser may take for what it looks like:\n%s", head);
    return status;
}

static void expect_reply(struct client *c, int status, const char *text)
{
    struct str body;
    int got = get_reply(c, &body, true);

    if (got != status || (text && !str_eq(body, str_from(text))))
        fail_msg("%d " FMT_STR " instead of %d %s", got, ARG_STR(str_head(body, 300)), status, text ? text : "");
}

static void expect_closed(struct client *c)
{
    char rest[1000];

    if (c->n > 0)
        fail_msg("more: %.200s", c->in);
    assert_true((c->ssl ? SSL_read(c->ssl, rest, sizeof(rest)) : recv(c->fd, rest, sizeof(rest), 0)) <= 0);
}

static void wait_for(atomic_int *what, int value)
{
    for (int i = 0; i < 500 && atomic_load(what) < value; i++)
        usleep(10000);
    assert_int_equal(atomic_load(what), value);
}

#define HOST " HTTP/1.1\r\nHost: localhost\r\n"

/* ── the claims ── */

static void requests_are_answered_plain_and_over_tls(void **state)
{
    (void)state;
    for (int tls = 0; tls < 2; tls++) {
        struct client *c = client_open(tls);
        put(c, "GET /a" HOST "\r\n");
        expect_reply(c, 200, "GET /a 0");
        put(c, "POST /b" HOST "Content-Length: 5\r\n\r\nhello");
        expect_reply(c, 200, "POST /b 5");
        put(c, "PUT /echo" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\nTrailer: x\r\n\r\n");
        expect_reply(c, 200, "abcde");
        put(c, "GET /c" HOST "Content-Length: 4\r\n\r\nnull");
        expect_reply(c, 200, "GET /c 4");
        put(c, "OPTIONS *" HOST "\r\n");
        expect_reply(c, 200, "OPTIONS * 0");
        put(c, "DELETE /later" HOST "\r\n");
        expect_reply(c, 200, "later");
        put(c, "GET /d HTTP/1.0\r\n\r\n");
        expect_reply(c, 200, "GET /d 0");
        expect_closed(c);
        client_close(c);
    }
}

static void a_header_of_which_there_is_one_is_replaced_and_what_is_kept_stays_whole(void **state)
{
    (void)state;
    struct client *c = client_open(false);
    for (int reset = 0; reset < 2; reset++) {
        put(c, reset ? "GET /anew?reset" HOST "\r\n" : "GET /anew" HOST "\r\n");
        c->in[c->n] = 0;
        while (!strstr(c->in, "anew"))
            assert_true(get_more(c));
        const char *rest = reset ? "X-Before: 1\r\nX-Kept: 2\r\nContent-Type:" : "X-Before: 1\r\nX-Kept: 2\r\nX-Dropped: 3\r\ncache-control: no-store\r\nContent-Type:";
        if (!strstr(c->in, rest) || strstr(c->in, "private"))
            fail_msg("%s", c->in);
        expect_reply(c, 200, "anew");
    }
    client_close(c);
}

static void any_slicing_gives_the_same_replies(void **state)
{
    static const char text[] = "POST /echo" HOST "Content-Length: 5\r\n\r\nhello"
                               "PUT /echo" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
                               "GET /x" HOST "\r\n";

    (void)state;
    for (int tls = 0; tls < 2; tls++)
        for (size_t cut = 1; cut < sizeof(text) - 1; cut += tls ? 7 : 1) {
            struct client *c = client_open(tls);
            assert_true(put_bytes(c, text, cut));
            if (cut % 3 == 0)
                usleep(500);
            assert_true(put_bytes(c, text + cut, sizeof(text) - 1 - cut));
            expect_reply(c, 200, "hello");
            expect_reply(c, 200, "abcde");
            expect_reply(c, 200, "GET /x 0");
            client_close(c);
        }
    struct client *c = client_open(true);
    for (size_t i = 0; i < sizeof(text) - 1; i++)
        assert_true(put_bytes(c, text + i, 1));
    expect_reply(c, 200, "hello");
    expect_reply(c, 200, "abcde");
    expect_reply(c, 200, "GET /x 0");
    client_close(c);
}

static void a_hundred_pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    for (int tls = 0; tls < 2; tls++) {
        struct client *c = client_open(tls);
        struct buf b = {0};
        char want[64];

        for (int i = 0; i < 100; i++)
            buf_printf(&b, "%s /%s%d" HOST "Content-Length: %d\r\n\r\n%.*s", i % 3 ? "POST" : "GET", i % 10 == 9 ? "p" : "q", i, i % 7, i % 7,
                       "1234567");
        assert_true(put_bytes(c, b.p, b.n));
        for (int i = 0; i < 100; i++) {
            snprintf(want, sizeof(want), "%s /%s%d %d", i % 3 ? "POST" : "GET", i % 10 == 9 ? "p" : "q", i, i % 7);
            expect_reply(c, 200, want);
        }
        buf_free(&b);
        client_close(c);
    }
}

static void head_and_204_have_no_body(void **state)
{
    struct client *c = client_open(false);

    (void)state;
    put(c, "HEAD /x" HOST "\r\nHEAD /big" HOST "\r\nGET /nothing" HOST "\r\nGET /y" HOST "\r\n");
    assert_int_equal(get_reply(c, NULL, false), 200);
    assert_int_equal(get_reply(c, NULL, false), 200);
    assert_int_equal(get_reply(c, NULL, false), 204);
    expect_reply(c, 200, "GET /y 0");
    client_close(c);
}

static void expect_continue_is_asked_for_only_when_the_body_is_wanted(void **state)
{
    (void)state;
    for (int tls = 0; tls < 2; tls++) {
        struct client *c = client_open(tls);
        put(c, "POST /x" HOST "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
        assert_int_equal(get_reply(c, NULL, false), 100);
        put(c, "hello");
        expect_reply(c, 200, "POST /x 5");
        put(c, "POST /early" HOST "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
        expect_reply(c, 403, "no");
        expect_closed(c);
        client_close(c);
    }
}

static void large_bodies_and_replies_pass_unharmed(void **state)
{
    enum { N = 3 << 20 };
    char *bytes = malloc(N), head[200];
    struct str got;

    (void)state;
    for (size_t i = 0; i < N; i++)
        bytes[i] = (char)(i * 31 + i / 777);
    for (int tls = 0; tls < 2; tls++) {
        struct client *c = client_open(tls);
        snprintf(head, sizeof(head), "POST /echo" HOST "Content-Length: %d\r\n\r\n", N);
        put(c, head);
        assert_true(put_bytes(c, bytes, N));
        assert_int_equal(get_reply(c, &got, true), 200);
        assert_true(got.n == N && memcmp(got.p, bytes, N) == 0);
        put(c, "POST /echo" HOST "Transfer-Encoding: chunked\r\n\r\n");
        for (size_t i = 0; i < N; i += 65536) { /* chunks of odd sizes */
            snprintf(head, sizeof(head), "%x\r\n", 65535);
            put(c, head);
            assert_true(put_bytes(c, bytes + i, 65535));
            put(c, "\r\n1\r\n");
            assert_true(put_bytes(c, bytes + i + 65535, 1));
            put(c, "\r\n");
        }
        put(c, "0\r\n\r\n");
        assert_int_equal(get_reply(c, &got, true), 200);
        assert_true(got.n == N && memcmp(got.p, bytes, N) == 0);
        put(c, "GET /big" HOST "\r\n");
        assert_int_equal(get_reply(c, &got, true), 200);
        assert_int_equal(got.n, BIG_BYTES);
        for (size_t i = 0; i < BIG_BYTES; i++)
            if (got.p[i] != (char)(i * 7 + i / 1000))
                fail_msg("byte %zu of the big reply", i);
        client_close(c);
    }
    free(bytes);
    assert_true(atomic_load(&seen.largest_slice) <= SLICE_MAX);
}

/* While a worker has a slice the next one is read (internal.h); what comes of it is as if it had come later. */
static struct client *hold_a_slice(bool tls, const char *framing, const char *bytes, size_t n)
{
    struct client *c = client_open(tls);

    atomic_store(&seen.slices, 0);
    atomic_store(&seen.let_go, false);
    put(c, "POST /held" HOST);
    put(c, framing);
    assert_true(put_bytes(c, bytes, n));
    wait_for(&seen.slices, 1);
    return c;
}

static void what_comes_while_a_slice_is_out_is_read_in_order(void **state)
{
    enum { FIRST = SLICE_MAX, N = 3 * SLICE_MAX / 2 };
    char *bytes = malloc(N), chunk[32];
    struct str got;

    (void)state;
    for (size_t i = 0; i < N; i++)
        bytes[i] = (char)(i * 31 + i / 777);
    for (int tls = 0; tls < 2; tls++)
        for (int chunked = 0; chunked < 2; chunked++) {
            struct client *c = hold_a_slice(tls, chunked ? "Transfer-Encoding: chunked\r\n\r\n40000\r\n" : "Content-Length: 393216\r\n\r\n", bytes, FIRST);
            snprintf(chunk, sizeof(chunk), "\r\n%x\r\n", N - FIRST);
            if (chunked)
                put(c, chunk);
            assert_true(put_bytes(c, bytes + FIRST, N - FIRST));
            put(c, chunked ? "\r\n0\r\n\r\nGET /x" HOST "\r\n" : "GET /x" HOST "\r\n"); /* and the next request with it */
            usleep(50000);
            atomic_store(&seen.let_go, true);
            assert_int_equal(get_reply(c, &got, true), 200);
            assert_true(got.n == N && memcmp(got.p, bytes, N) == 0);
            expect_reply(c, 200, "GET /x 0");
            client_close(c);
        }
    free(bytes);
}

static void a_client_that_leaves_while_a_slice_is_out_is_noticed(void **state)
{
    char *bytes = calloc(1, SLICE_MAX);

    (void)state;
    for (int tls = 0; tls < 2; tls++) {
        struct client *c = hold_a_slice(tls, "Content-Length: 1000000\r\n\r\n", bytes, SLICE_MAX);
        assert_true(put_bytes(c, bytes, 1000));
        if (c->ssl)
            SSL_shutdown(c->ssl);
        shutdown(c->fd, SHUT_WR);
        usleep(50000);
        atomic_store(&seen.let_go, true);
        if (tls)
            client_close(c);
        else
            expect_reply(c, 400, NULL);
        wait_for(&seen.failures[HTTP_CLIENT_GONE], tls + 1);
        if (!tls)
            client_close(c);
    }
    assert_int_equal(seen.ends, 0);
    free(bytes);
}

static void an_answer_in_the_middle_of_an_upload_reaches_the_client(void **state)
{
    char *bytes = calloc(1, 2 << 20);

    (void)state;
    for (int tls = 0; tls < 2; tls++)
        for (int early = 0; early < 2; early++) {
            struct client *c = client_open(tls);
            put(c, early ? "POST /early" HOST "Content-Length: 100000000\r\n\r\n"
                         : "POST /midway" HOST "Content-Length: 100000000\r\n\r\n");
            assert_true(put_bytes(c, bytes, 1000));
            /* at once, before the rest is sent … */
            expect_reply(c, early ? 403 : 400, early ? "no" : "row 5 is wrong");
            /* … and the rest is taken up to the limit, so that a client that only writes is not cut off */
            assert_true(put_bytes(c, bytes, 2 << 20));
            client_close(c);
        }
    /* A client that writes all before it reads finds the reply. */
    struct client *c = client_open(true);
    put(c, "POST /midway" HOST "Content-Length: 2097152\r\n\r\n");
    assert_true(put_bytes(c, bytes, 2 << 20));
    expect_reply(c, 400, "row 5 is wrong");
    client_close(c);
    wait_for(&seen.releases, 5);
    assert_int_equal(seen.ends, 0);
    free(bytes);
}

static void a_short_body_answered_early_keeps_the_connection(void **state)
{
    struct client *c = client_open(false);

    (void)state;
    put(c, "POST /early" HOST "Content-Length: 5\r\n\r\nhelloGET /x" HOST "\r\n");
    expect_reply(c, 403, "no");
    expect_reply(c, 200, "GET /x 0");
    client_close(c);
}

struct refusal {
    const char *text;
    int status;
};

static const struct refusal refusals[] = {
    {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
    {"GET / HTTP/1.1\r\n\r\n", 400},
    {"TRACE /" HOST "\r\n", 405},
    {"CONNECT a:1" HOST "\r\n", 405},
    {"POST /" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400},
    {"POST /" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {"POST /" HOST "Content-Length: 104857601\r\n\r\n", 413},
    {"POST /" HOST "Transfer-Encoding: gzip\r\n\r\n", 501},
    {"POST /" HOST "Content-Length: 1\r\nExpect: x\r\n\r\n", 417},
    {"POST /" HOST "Transfer-Encoding: chunked\r\n\r\n0x2\r\n", 400},
    {"POST /" HOST "Transfer-Encoding: chunked\r\n\r\n2\r\nabc", 400},
    {"POST /" HOST "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n7fffffffff\r\n", 413},
    {"\x16\x03\x01\x02", 400},
    {"POST /x" HOST "Content-Length: 2\r\n\r\nabcGET /x" HOST "\r\n", 0}, /* surplus: the next request, "cGET", is answered */
};

/* One line each, with the status that the client saw and the bytes that went over. */
static void every_end_is_told_with_its_status_and_bytes(void **state)
{
    struct client *c = client_open(false);
    struct str body;
    (void)state;
    put(c, "POST /echo" HOST "Content-Length: 5\r\n\r\nhello");
    expect_reply(c, 200, "hello");
    assert_int_equal(seen.statuses[200], 1);
    assert_int_equal(seen.told_received, 5);
    assert_true(seen.told_sent > 5 + 100 && seen.told_sent < 5 + 1000);
    put(c, "GET /big" HOST "\r\n");
    assert_int_equal(get_reply(c, &body, true), 200);
    wait_for(&seen.statuses[200], 2);
    assert_true(seen.told_sent > BIG_BYTES && seen.told_sent < BIG_BYTES + 2000);
    put(c, "GET /late" HOST "nonsense\r\n\r\n"); /* no head at all */
    assert_int_equal(get_reply(c, &body, true), 400);
    wait_for(&seen.statuses[400], 1);
    client_close(c);
    c = client_open(false);
    put(c, "PUT /x" HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"); /* one that cannot be built */
    assert_int_equal(get_reply(c, &body, true), 400);
    wait_for(&seen.statuses[400], 2);
    client_close(c);
    assert_int_equal(seen.told_alone, 2);
    c = client_open(false);
    put(c, "PUT /echo" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"); /* the application has begun */
    wait_for(&seen.slices, 2);
    put(c, "x\r\n");
    assert_int_equal(get_reply(c, &body, true), 400);
    wait_for(&seen.statuses[400], 3);
    client_close(c);
    c = client_open(false);
    put(c, "PUT /echo" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    wait_for(&seen.slices, 3);
    client_close(c); /* without a word */
    wait_for(&seen.statuses[400], 4);
    assert_int_equal(seen.told_alone, 2);
}

static void framing_errors_are_answered_in_json_and_close(void **state)
{
    struct str body;

    (void)state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        const struct refusal *r = &refusals[i];
        struct client *c = client_open(i % 2);
        put(c, r->text);
        if (r->status == 0) {
            expect_reply(c, 200, "POST /x 2");
            expect_reply(c, 200, "cGET /x 0");
            client_close(c);
            continue;
        }
        int got = get_reply(c, &body, true);
        if (got != r->status || body.p[0] != '{' || !strstr(body.p, "\"errorCode\":"))
            fail_msg("%s: %d " FMT_STR, r->text, got, ARG_STR(body));
        expect_closed(c);
        client_close(c);
    }
}

static void plain_http_on_the_tls_port_gets_a_hint(void **state)
{
    struct client *c = calloc(1, sizeof(*c));
    struct str body;

    (void)state;
    c->fd = dial(true, NULL);
    put(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(get_reply(c, &body, true), 400);
    assert_non_null(strstr(body.p, "https://"));
    assert_int_equal(body.p[body.n - 1], '\n');
    expect_closed(c);
    client_close(c);
    /* and what is neither is dropped */
    c = calloc(1, sizeof(*c));
    c->fd = dial(true, NULL);
    assert_true(put_bytes(c, "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d", 14));
    while (get_more(c))
        ; /* an alert, perhaps */
    client_close(c);
}

static void slow_heads_idle_connections_and_slow_handshakes_end_in_time(void **state)
{
    struct client *slow = client_open(false), *idle = client_open(true), *mute = calloc(1, sizeof(*mute));
    uint64_t began = clock_mono_ms();

    (void)state;
    mute->fd = dial(true, NULL);
    for (const char *p = "GET / HTTP/1.1\r\nHost:"; clock_mono_ms() - began < 2000; p += *p != 0) {
        struct pollfd ready = {.fd = slow->fd, .events = POLLIN};
        if (poll(&ready, 1, 20) == 1)
            break;
        if (*p)
            assert_true(put_bytes(slow, p, 1)); /* a byte each 20 ms does not move the deadline */
    }
    expect_reply(slow, 408, NULL);
    assert_true(clock_mono_ms() - began >= 250 && clock_mono_ms() - began < 1500);
    expect_closed(mute);
    expect_closed(idle);
    assert_true(clock_mono_ms() - began < 3000);
    client_close(slow);
    client_close(idle);
    client_close(mute);
}

static void a_body_below_the_minimum_rate_is_408(void **state)
{
    struct client *c = client_open(false);
    uint64_t began = clock_mono_ms();

    (void)state;
    put(c, "POST /x" HOST "Content-Length: 1000000\r\n\r\nabc");
    while (clock_mono_ms() - began < 3000) {
        struct pollfd ready = {.fd = c->fd, .events = POLLIN};
        if (poll(&ready, 1, 20) == 1)
            break;
        put(c, "x");
    }
    expect_reply(c, 408, NULL);
    expect_closed(c);
    client_close(c);
    wait_for(&seen.failures[HTTP_CLIENT_SLOW], 1);
}

/* The application's own slowness is not the client's fault. */
static void a_slow_application_does_not_make_the_client_slow(void **state)
{
    struct client *c = client_open(false);
    char *bytes = calloc(1, 300 << 10);

    (void)state;
    put(c, "POST /slow" HOST "Content-Length: 2457600\r\n\r\n");
    for (int i = 0; i < 8; i++)
        assert_true(put_bytes(c, bytes, 300 << 10));
    expect_reply(c, 200, "POST /slow 2457600");
    free(bytes);
    client_close(c);
}

static void a_client_that_does_not_read_is_dropped(void **state)
{
    struct client *c = client_open(false);

    (void)state;
    for (int i = 0; i < 4; i++)
        put(c, "GET /big" HOST "\r\n");
    wait_for(&seen.failures[HTTP_CLIENT_SLOW], 1);
    client_close(c);
}

static void a_client_that_goes_away_is_told_to_the_application(void **state)
{
    struct client *c = client_open(false);
    struct linger reset = {1, 0};

    (void)state;
    put(c, "POST /x" HOST "Content-Length: 1000000\r\n\r\nabc");
    wait_for(&seen.heads, 1);
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    client_close(c);
    wait_for(&seen.failures[HTTP_CLIENT_GONE], 1);
    /* a half-closed one with a short body still reads why */
    c = client_open(false);
    put(c, "POST /x" HOST "Content-Length: 1000000\r\n\r\nabc");
    wait_for(&seen.heads, 2);
    shutdown(c->fd, SHUT_WR);
    expect_reply(c, 400, NULL);
    client_close(c);
    wait_for(&seen.failures[HTTP_CLIENT_GONE], 2);
    assert_int_equal(seen.ends, 0);
    /* and one that half-closes after its request is answered */
    c = client_open(false);
    put(c, "POST /later" HOST "Content-Length: 3\r\n\r\nabc");
    shutdown(c->fd, SHUT_WR);
    expect_reply(c, 200, "later");
    client_close(c);
}

static void error_replies_have_the_house_form_and_clean_headers(void **state)
{
    struct client *c = client_open(true);
    char head[2000];

    (void)state;
    put(c, "GET /error" HOST "X-Socrata-RequestId: abc-1\r\n\r\n");
    while (!strstr(c->in, "}}\n"))
        assert_true(get_more(c));
    snprintf(head, sizeof(head), "%.*s", (int)(strstr(c->in, "\r\n\r\n") - c->in), c->in);
    assert_true(strncmp(head, "HTTP/1.1 429 Too Many Requests\r\n", 32) == 0);
    assert_non_null(strstr(head, "\r\nRetry-After: 7\r\n"));
    assert_non_null(strstr(head, "\r\nX-Socrata-RequestId: abc-1\r\n"));
    assert_non_null(strstr(head, "\r\nX-Bad: a  Injected: b\r\n"));
    assert_non_null(strstr(head, "\r\nStrict-Transport-Security: max-age=31536000\r\n"));
    assert_non_null(strstr(head, "\r\nDate: "));
    assert_null(strstr(head, "Server:"));
    client_close(c);
}

static void only_a_trusted_proxy_speaks_for_others(void **state)
{
    static const struct {
        const char *from, *headers, *want;
    } cases[] = {
        {"127.0.0.1", "X-Forwarded-Proto: https\r\nX-Forwarded-For: 9.9.9.9\r\n", "127.0.0.1 open"},
        {"127.0.0.2", "X-Forwarded-Proto: https\r\nX-Forwarded-For: 9.9.9.9\r\n", "9.9.9.9 secure"},
        {"127.0.0.2", "X-Forwarded-Proto: https\r\nX-Forwarded-For: 9.9.9.9\r\nx-forwarded-proto: HTTPS\r\n", "9.9.9.9 secure"},
        {"127.0.0.2", "X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\nX-Forwarded-For: 9.9.9.9\r\n", "9.9.9.9 open"},
        {"127.0.0.2", "X-Forwarded-Proto: http\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: 9.9.9.9\r\n", "9.9.9.9 open"},
        {"127.0.0.2", "X-Forwarded-Proto: https, http\r\nX-Forwarded-For: 9.9.9.9\r\n", "9.9.9.9 open"},
        {"127.0.0.2", "X-Forwarded-For: 1.1.1.1, 8.8.8.8, 10.1.2.3\r\n", "8.8.8.8 open"},
        {"127.0.0.2", "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2001:db8::7\r\n", "2001:db8::7 open"},
        {"127.0.0.2", "X-Forwarded-For: unknown\r\n", "127.0.0.2 open"},
        {"127.0.0.2", "", "127.0.0.2 open"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct client *c = calloc(1, sizeof(*c));
        char text[500];
        c->fd = dial(false, cases[i].from);
        snprintf(text, sizeof(text), "GET /who" HOST "%s\r\n", cases[i].headers);
        put(c, text);
        expect_reply(c, 200, cases[i].want);
        client_close(c);
    }
}

static void over_the_caps_is_503_with_retry_after(void **state)
{
    struct client *c[4];

    (void)state;
    for (int i = 0; i < 4; i++) {
        c[i] = client_open(i % 2);
        put(c[i], "GET /x" HOST "\r\n");
        if (i < 2) {
            expect_reply(c[i], 200, "GET /x 0");
            continue;
        }
        while (!strstr(c[i]->in, "\r\n\r\n") && get_more(c[i]))
            ;
        assert_non_null(strstr(c[i]->in, "\r\nRetry-After: 5\r\n"));
        expect_reply(c[i], 503, NULL);
        expect_closed(c[i]);
    }
    for (int i = 0; i < 4; i++)
        client_close(c[i]);
    for (int i = 0; i < 100 && atomic_load(&server->n_connections) > 0; i++)
        usleep(10000);
    c[0] = client_open(false);
    put(c[0], "GET /x" HOST "\r\n");
    expect_reply(c[0], 200, "GET /x 0");
    client_close(c[0]);
}

static int set_up_two_connections(void **state)
{
    struct http_limits limits = quick_limits();

    (void)state;
    limits.idle_ms = 3000;
    limits.connections_per_peer_max = 2;
    start(&limits);
    return 0;
}

static long serial_seen(struct client *c)
{
    X509 *cert = SSL_get1_peer_certificate(c->ssl);
    long serial = ASN1_INTEGER_get(X509_get0_serialNumber(cert));

    X509_free(cert);
    return serial;
}

static void a_reload_swaps_the_certificate_or_keeps_the_old(void **state)
{
    struct client *before = client_open(true), *c;
    struct error err;
    FILE *f;

    (void)state;
    assert_int_equal(serial_seen(before), 1);
    write_certificate(2);
    assert_true(http_server_reload_tls(server, &err));
    c = client_open(true);
    assert_int_equal(serial_seen(c), 2);
    client_close(c);
    put(before, "GET /x" HOST "\r\n");
    expect_reply(before, 200, "GET /x 0");
    client_close(before);
    assert_non_null(f = fopen(cert_path, "w"));
    fputs("nonsense", f);
    fclose(f);
    assert_false(http_server_reload_tls(server, &err));
    assert_non_null(strstr(err.message, cert_path));
    c = client_open(true);
    assert_int_equal(serial_seen(c), 2);
    client_close(c);
    write_certificate(1);
}

static void only_tls_1_2_with_aead_and_1_3_are_spoken(void **state)
{
    static const struct {
        int version;
        const char *suites, *alpn;
        bool ok;
    } cases[] = {
        {TLS1_3_VERSION, NULL, "\x08http/1.1", true},
        {TLS1_3_VERSION, NULL, "\x02h2\x08http/1.1", true},
        {TLS1_3_VERSION, NULL, "\x02h2", false},
        {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", NULL, true},
        {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA", NULL, false},
        {TLS1_1_VERSION, "ALL:@SECLEVEL=0", NULL, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
        SSL *ssl;
        int fd = dial(true, NULL);
        SSL_CTX_set_min_proto_version(ctx, cases[i].version);
        SSL_CTX_set_max_proto_version(ctx, cases[i].version);
        if (cases[i].suites)
            SSL_CTX_set_cipher_list(ctx, cases[i].suites);
        ssl = SSL_new(ctx);
        if (cases[i].alpn)
            SSL_set_alpn_protos(ssl, (const unsigned char *)cases[i].alpn, (unsigned)strlen(cases[i].alpn));
        SSL_set_fd(ssl, fd);
        if ((SSL_connect(ssl) == 1) != cases[i].ok)
            fail_msg("case %zu", i);
        SSL_free(ssl);
        SSL_CTX_free(ctx);
        close(fd);
    }
}

static void *stop_server(void *grace)
{
    http_server_stop(server, *(unsigned *)grace);
    return NULL;
}

static void a_graceful_stop_lets_running_exchanges_finish(void **state)
{
    struct client *running = client_open(false), *idle = client_open(false), *stuck = client_open(true);
    unsigned grace = 250;
    uint64_t began = clock_mono_ms();
    pthread_t stopper;

    (void)state;
    put(idle, "GET /x" HOST "\r\n");
    expect_reply(idle, 200, "GET /x 0");
    put(running, "POST /slow" HOST "Content-Length: 5\r\n\r\nhello");
    put(stuck, "POST /x" HOST "Content-Length: 500000\r\n\r\nhello");
    wait_for(&seen.heads, 3);
    pthread_create(&stopper, NULL, stop_server, &grace);
    expect_reply(running, 200, "POST /slow 5");
    expect_closed(running);
    expect_closed(idle);
    pthread_join(stopper, NULL);
    assert_true(clock_mono_ms() - began < 2000);
    assert_int_equal(seen.failures[HTTP_STOPPING], 1);
    client_close(running);
    client_close(idle);
    client_close(stuck);
}

/* Requests with a few on each connection; counts what is not answered as it must be. */
static void *hammer(void *arg)
{
    long *bad = arg;
    struct client *c = NULL;

    for (int i = 0; i < 150; i++) {
        bool later = i % 5 == 4;
        char *end;
        if (!c)
            c = client_open(random_u64() % 2);
        put(c, later ? "GET /later" HOST "\r\n" : "POST /x" HOST "Content-Length: 5\r\n\r\nhello");
        c->n = 0;
        c->in[0] = 0;
        while (!(end = strstr(c->in, "\r\n\r\n")) || strlen(end) < (later ? 9u : 13u))
            if (!get_more(c))
                break;
        *bad += !end || strcmp(end + 4, later ? "later" : "POST /x 5") != 0;
        if (i % 30 == 29) {
            client_close(c);
            c = NULL;
        }
    }
    return NULL;
}

static void many_connections_get_their_own_replies_while_certificates_are_reloaded(void **state)
{
    enum { N = 12 };
    pthread_t threads[N];
    long bad[N] = {0};

    struct error err;

    (void)state;
    for (int i = 0; i < N; i++)
        pthread_create(&threads[i], NULL, hammer, &bad[i]);
    for (int i = 0; i < 20; i++, usleep(20000)) /* certificates come and go meanwhile */
        assert_true(http_server_reload_tls(server, &err));
    for (int i = 0; i < N; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(bad[i], 0);
    }
    assert_int_equal(seen.heads, N * 150);
}

static void a_taken_port_and_a_bad_address_are_clear_errors(void **state)
{
    struct http_listen listen = {http_server_address(server, 0), false};
    struct http_config config = {.listens = &listen, .n_listens = 1, .pool = pool};
    struct error err;

    (void)state;
    assert_null(http_server_open(&config, &err));
    assert_non_null(strstr(err.message, listen.address));
    listen.address = "nonsense";
    assert_null(http_server_open(&config, &err));
    assert_non_null(strstr(err.message, "HOST:PORT"));
    listen = (struct http_listen){"127.0.0.1:0", true};
    assert_null(http_server_open(&config, &err));
    config.tls_cert = config.tls_key = "/nonexistent";
    assert_null(http_server_open(&config, &err));
    assert_non_null(strstr(err.message, "/nonexistent"));
}

#define CLAIM(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(requests_are_answered_plain_and_over_tls),
        CLAIM(any_slicing_gives_the_same_replies),
        CLAIM(a_header_of_which_there_is_one_is_replaced_and_what_is_kept_stays_whole),
        CLAIM(a_hundred_pipelined_requests_are_answered_in_order),
        CLAIM(head_and_204_have_no_body),
        CLAIM(expect_continue_is_asked_for_only_when_the_body_is_wanted),
        CLAIM(large_bodies_and_replies_pass_unharmed),
        CLAIM(what_comes_while_a_slice_is_out_is_read_in_order),
        CLAIM(a_client_that_leaves_while_a_slice_is_out_is_noticed),
        CLAIM(an_answer_in_the_middle_of_an_upload_reaches_the_client),
        CLAIM(a_short_body_answered_early_keeps_the_connection),
        CLAIM(every_end_is_told_with_its_status_and_bytes),
        CLAIM(framing_errors_are_answered_in_json_and_close),
        CLAIM(plain_http_on_the_tls_port_gets_a_hint),
        CLAIM(slow_heads_idle_connections_and_slow_handshakes_end_in_time),
        CLAIM(a_body_below_the_minimum_rate_is_408),
        CLAIM(a_slow_application_does_not_make_the_client_slow),
        CLAIM(a_client_that_does_not_read_is_dropped),
        CLAIM(a_client_that_goes_away_is_told_to_the_application),
        CLAIM(error_replies_have_the_house_form_and_clean_headers),
        CLAIM(only_a_trusted_proxy_speaks_for_others),
        cmocka_unit_test_setup_teardown(over_the_caps_is_503_with_retry_after, set_up_two_connections, tear_down),
        CLAIM(a_reload_swaps_the_certificate_or_keeps_the_old),
        CLAIM(only_tls_1_2_with_aead_and_1_3_are_spoken),
        CLAIM(a_graceful_stop_lets_running_exchanges_finish),
        cmocka_unit_test_setup_teardown(many_connections_get_their_own_replies_while_certificates_are_reloaded, set_up_patient, tear_down),
        CLAIM(a_taken_port_and_a_bad_address_are_clear_errors),
    };
    struct error err;
    int rc;

    if (!random_init() || !mkdtemp(folder) || !(pool = pool_new(4, "work", &err)))
        return 1;
    snprintf(cert_path, sizeof(cert_path), "%s/cert.pem", folder);
    snprintf(key_path, sizeof(key_path), "%s/key.pem", folder);
    write_certificate(1);
    client_tls = SSL_CTX_new(TLS_client_method());
    rc = cmocka_run_group_tests(tests, NULL, NULL);
    SSL_CTX_free(client_tls);
    pool_free(pool);
    unlink(cert_path);
    unlink(key_path);
    rmdir(folder);
    return rc;
}
