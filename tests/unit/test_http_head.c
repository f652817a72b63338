/* Heads, chunked bodies and URLs: what is taken, what is refused and with which status. Every case runs whole and cut at every
 * byte, and must come out the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "http/internal.h"

#define REST " HTTP/1.1\r\nHost: a\r\n"
#define LINE "POST / HTTP/1.1\r\nHost: a\r\n"

struct head_case {
    const char *text;
    int status; /* 0: taken */
};

/* The status of a head fed in two parts; its request in *ret. */
static int feed(struct str text, size_t cut, struct arena *a, struct request *ret, struct error *err)
{
    struct head_scan scan = {0};
    size_t n = 0;
    enum parse got = PARSE_MORE;

    err->code = ERROR_NONE;
    if (cut > 0)
        got = head_scan(&scan, str_head(text, cut), &http_limits_default, &n, err);
    if (got == PARSE_MORE)
        got = head_scan(&scan, text, &http_limits_default, &n, err);
    if (got == PARSE_MORE)
        return -1;
    if (got == PARSE_DONE && head_build(str_head(text, n), &http_limits_default, a, ret, err))
        return 0;
    return error_info(err->code)->status;
}

static void expect(struct str text, int status)
{
    struct arena a = {0};
    struct request r;
    struct error err, cut_err;

    int got = feed(text, 0, &a, &r, &err);
    if (got != status)
        fail_msg("\"%.200s\": %d instead of %d (%s)", text.p, got, status, got > 0 ? err.message : "");
    for (size_t cut = 1; cut < text.n; cut += text.n > 5000 ? 997 : 1) {
        got = feed(text, cut, &a, &r, &cut_err);
        if (got != status || (status && strcmp(err.message, cut_err.message) != 0))
            fail_msg("\"%.200s\" cut at %zu: %d instead of %d", text.p, cut, got, status);
    }
    arena_free(&a);
}

static const struct head_case heads[] = {
    {"GET /" REST "\r\n", 0},
    {"\r\nGET /" REST "\r\n", 0},
    {"\r\n\r\nGET /" REST "\r\n", 400},
    {"GET / HTTP/1.0\r\n\r\n", 0},
    {"GET /a?b=c&d" REST "X: \r\n\r\n", 0},
    {"PURGE /" REST "\r\n", 0},
    {"OPTIONS *" REST "\r\n", 0},
    {"GET *" REST "\r\n", 400},
    {"GET /" REST, -1},
    /* lengths: Content-Length and Transfer-Encoding */
    {LINE "Content-Length: 5\r\n\r\n", 0},
    {LINE "Content-Length:5\r\n\r\n", 0},
    {LINE "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {LINE "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400},
    {LINE "Content-Length: 5\r\ncontent-length: 6\r\n\r\n", 400},
    {LINE "Content-Length: +5\r\n\r\n", 400},
    {LINE "Content-Length: -5\r\n\r\n", 400},
    {LINE "Content-Length: 5, 5\r\n\r\n", 400},
    {LINE "Content-Length: 0x5\r\n\r\n", 400},
    {LINE "Content-Length: 5 \r\n\r\n", 400},
    {LINE "Content-Length: \t5\r\n\r\n", 400},
    {LINE "Content-Length:  5\r\n\r\n", 400},
    {LINE "Content-Length: 5 5\r\n\r\n", 400},
    {LINE "Content-Length: \r\n\r\n", 400},
    {LINE "Content-Length:\r\n\r\n", 400},
    {LINE "Content-Length: 8589934592\r\n\r\n", 0},
    {LINE "Content-Length: 8589934593\r\n\r\n", 413},
    {LINE "Content-Length: 99999999999999999999\r\n\r\n", 400},
    {LINE "Transfer-Encoding: chunked\r\n\r\n", 0},
    {LINE "Transfer-Encoding: Chunked\r\n\r\n", 0},
    {LINE "Transfer-Encoding: chunked, identity\r\n\r\n", 400},
    {LINE "Transfer-Encoding: identity, chunked\r\n\r\n", 400},
    {LINE "Transfer-Encoding: xchunked\r\n\r\n", 501},
    {LINE "Transfer-Encoding: gzip\r\n\r\n", 501},
    {LINE "Transfer-Encoding: identity\r\n\r\n", 501},
    {LINE "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {LINE "Transfer-Encoding: chunked, chunked\r\n\r\n", 400},
    {LINE "Transfer-Encoding:\tchunked\r\n\r\n", 400},
    {LINE "Transfer-Encoding: chunked\t\r\n\r\n", 400},
    {LINE "Transfer-Encoding: \x0b" "chunked\r\n\r\n", 400},
    {LINE "Transfer-Encoding: \"chunked\"\r\n\r\n", 400},
    {LINE "Transfer-Encoding:\r\n\r\n", 400},
    {LINE "Transfer-Encoding : chunked\r\n\r\n", 400},
    {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    /* header lines */
    {"GET /" REST "A: b\rc\r\n\r\n", 400},
    {"GET /" REST "A: b\nB: c\r\n\r\n", 400},
    {"GET / HTTP/1.1\nHost: a\n\n", 400},
    {"GET /" REST "A : b\r\n\r\n", 400},
    {"GET /" REST "A: b\r\n c\r\n\r\n", 400},
    {"GET /" REST "A: b\r\n\tc\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
    {"GET /" REST ": b\r\n\r\n", 400},
    {"GET /" REST "A\r\n\r\n", 400},
    {"GET /" REST "A(b): c\r\n\r\n", 400},
    {"GET /" REST "A\xc3\xa4: c\r\n\r\n", 400},
    {"GET /" REST "A: \xc3\xa4\t\"x\"\r\n\r\n", 0},
    {"GET /" REST "A: \x7f\r\n\r\n", 400},
    /* Host */
    {"GET / HTTP/1.1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
    {"GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", 0},
    {"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: []\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a:x\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: :80\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a:\r\n\r\n", 0},
    {"GET http://a/x" REST "\r\n", 0},
    {"GET https://A?q" REST "\r\n", 0},
    {"GET http://b/x" REST "\r\n", 400},
    {"GET http:///x" REST "\r\n", 400},
    {"GET ftp://a/x" REST "\r\n", 400},
    /* version */
    {"GET / HTTP/1.32\r\nHost: a\r\n\r\n", 400},
    {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
    {"GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505},
    {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
    {"GET / http/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
    {"PRI * HTTP/2.0\r\n\r\n", 505},
    {"GET /\r\n\r\n", 400},
    /* method and target */
    {"GET !" REST "\r\n", 400},
    {"GET  /" REST "\r\n", 400},
    {" GET /" REST "\r\n", 400},
    {"G(T /" REST "\r\n", 400},
    {"\x16\x03\x01", 400},
    {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA /" REST "\r\n", 400},
    {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA /" REST "\r\n", 0},
    {"get /" REST "\r\n", 0}, /* a method of its own: the application says 405 */
    {"TRACE /" REST "\r\n", 405},
    {"CONNECT a:443" REST "\r\n", 405},
    {"GET /a\tb" REST "\r\n", 400},
    {"GET /\xc3\xa4" REST "\r\n", 400},
    {"GET /#x" REST "\r\n", 400},
    {"GET /../x" REST "\r\n", 0}, /* no such path: the router's */
    {"GET /?$where=a>'b'|\"{}" REST "\r\n", 0},
    /* Expect, Upgrade */
    {LINE "Content-Length: 5\r\nExpect: 100-Continue\r\n\r\n", 0},
    {LINE "Content-Length: 5\r\nExpect: x\r\n\r\n", 417},
    {LINE "Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n", 0},
};

static void heads_are_taken_or_refused_as_the_table_says_at_any_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        expect(str_from(heads[i].text), heads[i].status);
    expect(STR("GET /" REST "A: b\0c\r\n\r\n"), 400);
    expect(STR("GET /\0" REST "\r\n"), 400);
    expect(STR("GET /" REST "A\0: c\r\n\r\n"), 400);
    expect(STR(LINE "Transfer-Encoding: chunked\0\r\n\r\n"), 400);
    expect(STR("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n"), 400);
}

static void expect_sized(size_t target_n, size_t header_n, size_t headers, int status)
{
    struct buf b = {0};

    buf_add_z(&b, "GET /");
    for (size_t i = 0; i < target_n; i++)
        buf_add_byte(&b, 'a');
    buf_add_z(&b, " HTTP/1.1\r\nHost: a\r\n");
    for (size_t i = 0; i < headers; i++)
        buf_add_z(&b, "A: b\r\n");
    if (header_n) {
        buf_add_z(&b, "B: ");
        while (b.n + 4 < header_n)
            buf_add_byte(&b, 'b');
        buf_add_z(&b, "\r\n");
    }
    buf_add_z(&b, "\r\n");
    expect(buf_str(&b), status);
    buf_free(&b);
}

static void limits_take_the_last_byte_and_refuse_the_next(void **state)
{
    (void)state;
    expect_sized((32 << 10) - 14, 0, 0, 0); /* "GET /" and " HTTP/1.1" are 14 bytes */
    expect_sized((32 << 10) - 13, 0, 0, 414);
    expect_sized(1 << 20, 0, 0, 414);
    expect_sized(1, 128 << 10, 0, 0);
    expect_sized(1, (128 << 10) + 1, 0, 431);
    expect_sized(1, 0, 99, 0);
    expect_sized(1, 0, 100, 431);
}

static void a_request_is_read_as_sent(void **state)
{
    struct str text = STR("POST http://A:1/p%20q?x=1&y HTTP/1.1\r\nhost: a:1\r\nX-Two:  b \t\r\nx-two: c\r\n"
                          "Transfer-Encoding: chunked\r\nX-Socrata-RequestId: My.Id_7-x\r\nExpect: 100-continue\r\n\r\nrest");
    struct arena a = {0};
    struct request r;
    struct error err;
    size_t n;

    (void)state;
    assert_int_equal(feed(text, 0, &a, &r, &err), 0);
    assert_int_equal(r.head.method, HTTP_POST);
    assert_true(str_eq(r.head.path, STR("/p%20q")));
    assert_true(str_eq(r.head.query, STR("x=1&y")));
    assert_true(str_eq(http_header(&r.head, "X-TWO"), STR("b")));
    assert_true(http_header_count(&r.head, "x-two", &n));
    assert_int_equal(n, 2);
    assert_null(http_header(&r.head, "Nothing").p);
    assert_true(r.chunked && r.head.has_body && !r.head.body_length_known && r.expects_continue && r.keep_alive);
    assert_string_equal(r.head.request_id, "My.Id_7-x");
    arena_free(&a);
}

static void keep_alive_follows_version_and_connection(void **state)
{
    static const struct {
        const char *text;
        bool keep;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n", false},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena a = {0};
        struct request r;
        struct error err;
        assert_int_equal(feed(str_from(cases[i].text), 0, &a, &r, &err), 0);
        assert_int_equal(r.keep_alive, cases[i].keep);
        arena_free(&a);
    }
}

static void a_request_id_that_is_not_sane_is_replaced(void **state)
{
    static const char *const bad[] = {"", "a b", "a\"b", "a\xc3\xa4", "a;b",
                                      "12345678901234567890123456789012345678901234567890123456789012345"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct arena a = {0};
        struct request r;
        struct error err;
        char text[256];
        snprintf(text, sizeof(text), "GET /" REST "X-Socrata-RequestId: %s\r\n\r\n", bad[i]);
        assert_int_equal(feed(str_from(text), 0, &a, &r, &err), 0);
        assert_int_equal(strlen(r.head.request_id), 25);
        assert_string_not_equal(r.head.request_id, bad[i]);
        arena_free(&a);
    }
}

/* ── chunked ── */

struct chunk_case {
    const char *text;
    const char *data; /* NULL: refused */
    const char *rest;
};

static const struct chunk_case chunks[] = {
    {"5\r\nhello\r\n0\r\n\r\n", "hello", ""},
    {"5\r\nhello\r\n0\r\n\r\nGET", "hello", "GET"},
    {"0\r\n\r\n", "", ""},
    {"000\r\n\r\n", "", ""},
    {"0000000000000005\r\nhello\r\n0\r\n\r\n", "hello", ""},
    {"00000000000000005\r\nhello\r\n0\r\n\r\n", NULL, ""},
    {"A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789", ""},
    {"5;a=b;c=\"d\"\r\nhello\r\n0;x\r\n\r\n", "hello", ""},
    {"5\r\nhello\r\n0\r\nContent-Length: 7\r\nAuthorization: Basic x\r\n\r\n", "hello", ""},
    {"0_2e\r\n", NULL, ""},
    {"0x2\r\nhi\r\n0\r\n\r\n", NULL, ""},
    {"+2\r\nhi\r\n0\r\n\r\n", NULL, ""},
    {"-1\r\nhi\r\n0\r\n\r\n", NULL, ""},
    {" 2\r\nhi\r\n0\r\n\r\n", NULL, ""},
    {"2 \r\nhi\r\n0\r\n\r\n", NULL, ""},
    {"\r\nhi\r\n0\r\n\r\n", NULL, ""},
    {";a\r\nhi\r\n0\r\n\r\n", NULL, ""},
    {"2\nhi\r\n0\r\n\r\n", NULL, ""},
    {"2\rXhi\r\n0\r\n\r\n", NULL, ""},
    {"2;a\nhi\r\n0\r\n\r\n", NULL, ""},
    {"2;a\rb\r\nhi\r\n0\r\n\r\n", NULL, ""},
    {"2\r\nhiX\r\n0\r\n\r\n", NULL, ""},
    {"2\r\nhi0\r\n\r\n", NULL, ""},
    {"2\r\nhi\n0\r\n\r\n", NULL, ""},
    {"0\r\nX\r\n\r\n", NULL, ""},
    {"0\r\n: b\r\n\r\n", NULL, ""},
    {"0\r\nA : b\r\n\r\n", NULL, ""},
    {"0\r\nA: b\nB: c\r\n\r\n", NULL, ""},
    {"0\r\nA: b\r\n c\r\n\r\n", NULL, ""},
    {"0\r\n\n", NULL, ""},
    {"ffffffffffffffff\r\n", NULL, ""},
    {"200000001\r\n", NULL, ""}, /* 8 GiB and one */
};

static void push_cut(const struct chunk_case *k, size_t cut)
{
    struct chunked d = {0};
    struct str text = str_from(k->text);
    struct error err;
    char *out = malloc(text.n + 1);
    size_t at = 0, n = 0, used, got_n;
    enum parse got = PARSE_MORE;

    while (got == PARSE_MORE && at < text.n) {
        size_t end = at < cut ? cut : text.n;
        got = chunked_push(&d, str_make(text.p + at, end - at), http_limits_default.body_max, out + n, &used, &got_n, &err);
        if (got == PARSE_BAD)
            break;
        at += used;
        n += got_n;
    }
    if (!k->data) {
        if (got != PARSE_BAD)
            fail_msg("\"%s\" cut at %zu was taken", k->text, cut);
    } else if (got != PARSE_DONE || !str_eq(str_make(out, n), str_from(k->data)) || strcmp(k->rest, text.p + at) != 0) {
        fail_msg("\"%s\" cut at %zu: %d, \"%.*s\"", k->text, cut, (int)got, (int)n, out);
    }
    free(out);
}

static void chunked_bodies_are_read_or_refused_at_any_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++)
        for (size_t cut = 0; cut < strlen(chunks[i].text); cut++)
            push_cut(&chunks[i], cut);
}

static enum parse push_repeated(const char *before, const char *unit, size_t times)
{
    struct buf b = {0};
    struct chunked d = {0};
    struct error err;
    size_t used, n;
    enum parse got;

    buf_add_z(&b, before);
    for (size_t i = 0; i < times; i++)
        buf_add_z(&b, unit);
    got = chunked_push(&d, buf_str(&b), 1000000, b.p, &used, &n, &err);
    buf_free(&b);
    return got;
}

static void extensions_and_trailers_have_a_ceiling(void **state)
{
    (void)state;
    assert_int_equal(push_repeated("5;", "a", CHUNK_EXTENSION_MAX), PARSE_MORE);
    assert_int_equal(push_repeated("5;", "a", CHUNK_EXTENSION_MAX + 1), PARSE_BAD);
    assert_int_equal(push_repeated("", "1;aaaaaaaa\r\nx\r\n", CHUNK_EXTENSIONS_MAX / 8), PARSE_MORE);
    assert_int_equal(push_repeated("", "1;aaaaaaaa\r\nx\r\n", CHUNK_EXTENSIONS_MAX / 8 + 1), PARSE_BAD);
    assert_int_equal(push_repeated("0\r\n", "A: bcd\r\n", TRAILERS_MAX / 8), PARSE_MORE);
    assert_int_equal(push_repeated("0\r\n", "A: bcd\r\n", TRAILERS_MAX / 4), PARSE_BAD);
}

/* ── URLs ── */

static void percent_is_decoded_once_and_strictly(void **state)
{
    static const struct {
        const char *text, *want;
        bool plus;
    } cases[] = {
        {"a%20b+c", "a b+c", false}, {"a%20b+c", "a b c", true}, {"%2525", "%25", false}, {"%c3%A4", "\xc3\xa4", false},
        {"", "", false},             {"%zz", NULL, false},       {"%4", NULL, false},     {"%", NULL, false},
        {"%00", NULL, false},        {"%c0%af", NULL, false},    {"%ff", NULL, false},    {"a%4g", NULL, false},
        {"%2e%2e%2f", "../", false}, {"%ed%a0%80", NULL, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena a = {0};
        struct str got;
        struct error err;
        bool ok = http_decode_percent(str_from(cases[i].text), cases[i].plus, &a, &got, &err);
        if (ok != (cases[i].want != NULL) || (ok && !str_eq(got, str_from(cases[i].want))))
            fail_msg("\"%s\"", cases[i].text);
        arena_free(&a);
    }
}

static void queries_split_in_order(void **state)
{
    struct arena a = {0};
    struct http_parameter *p;
    struct error err;
    struct buf b = {0};
    size_t n;

    (void)state;
    assert_true(http_decode_query(STR("&$limit=1&a=b=c&&x&%24y=+1&"), &a, &p, &n, &err));
    assert_int_equal(n, 4);
    assert_true(str_eq(p[0].name, STR("$limit")) && str_eq(p[0].value, STR("1")));
    assert_true(str_eq(p[1].value, STR("b=c")));
    assert_true(str_eq(p[2].name, STR("x")) && p[2].value.n == 0);
    assert_true(str_eq(p[3].name, STR("$y")) && str_eq(p[3].value, STR(" 1")));
    for (int i = 0; i < PARAMETERS_MAX; i++)
        buf_add_z(&b, "a=b&");
    assert_true(http_decode_query(buf_str(&b), &a, &p, &n, &err));
    assert_int_equal(n, PARAMETERS_MAX);
    buf_add_z(&b, "a=b");
    assert_false(http_decode_query(buf_str(&b), &a, &p, &n, &err));
    buf_free(&b);
    arena_free(&a);
}

/* ── peers ── */

static void networks_hold_their_addresses(void **state)
{
    static const struct {
        const char *network, *address;
        bool has;
    } cases[] = {
        {"10.0.0.0/8", "10.255.0.1", true},   {"10.0.0.0/8", "11.0.0.1", false},      {"10.0.0.128/25", "10.0.0.127", false},
        {"127.0.0.1", "127.0.0.1", true},     {"0.0.0.0/0", "9.9.9.9", true},         {"0.0.0.0/0", "::1", false},
        {"fd00::/8", "fd12::1", true},        {"::/0", "10.0.0.1", true},             {"2001:db8::/33", "2001:db8:8000::1", false},
    };
    struct network n;
    struct address a;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(network_parse(cases[i].network, &n));
        assert_true(address_parse(str_from(cases[i].address), &a));
        if (network_has(&n, &a) != cases[i].has)
            fail_msg("%s in %s", cases[i].address, cases[i].network);
    }
    assert_false(network_parse("10.0.0.0/33", &n));
    assert_false(network_parse("10.0.0/8", &n));
    assert_false(network_parse("", &n));
    assert_false(address_parse(STR("unknown"), &a));
    assert_true(address_parse(STR("10.0.0.1:8080"), &a));
    assert_true(address_parse(STR("[::1]:8080"), &a));
}

static void peers_are_counted_by_address_and_by_64_bits_of_ipv6(void **state)
{
    struct peers *p = peers_new();
    struct address a, b, c;

    (void)state;
    assert_true(address_parse(STR("2001:db8::1"), &a) && address_parse(STR("2001:db8::2"), &b));
    assert_true(address_parse(STR("10.0.0.1"), &c));
    assert_int_equal(peers_enter(p, &a), 1);
    assert_int_equal(peers_enter(p, &b), 2);
    assert_int_equal(peers_enter(p, &c), 1);
    peers_leave(p, &a);
    assert_int_equal(peers_enter(p, &b), 2);
    peers_leave(p, &a);
    peers_leave(p, &b);
    assert_int_equal(peers_enter(p, &b), 1);
    peers_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_taken_or_refused_as_the_table_says_at_any_cut),
        cmocka_unit_test(limits_take_the_last_byte_and_refuse_the_next),
        cmocka_unit_test(a_request_is_read_as_sent),
        cmocka_unit_test(keep_alive_follows_version_and_connection),
        cmocka_unit_test(a_request_id_that_is_not_sane_is_replaced),
        cmocka_unit_test(chunked_bodies_are_read_or_refused_at_any_cut),
        cmocka_unit_test(extensions_and_trailers_have_a_ceiling),
        cmocka_unit_test(percent_is_decoded_once_and_strictly),
        cmocka_unit_test(queries_split_in_order),
        cmocka_unit_test(networks_hold_their_addresses),
        cmocka_unit_test(peers_are_counted_by_address_and_by_64_bits_of_ipv6),
    };

    if (!random_init())
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
