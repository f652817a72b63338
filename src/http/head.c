/* Request line and headers (RFC 9112 2 to 5), as strict as the grammar. Two passes: head_scan() checks line by line while bytes
 * come in, so that a bad line is refused when it is complete and every slicing gives the same answer; head_build() reads
 * the checked lines again into a request and decides about framing. Rules and their reasons: docs/wire/http.md. */
#include <inttypes.h>

#include "base/random.h"
#include "http/internal.h"

static const struct {
    struct str name;
    enum http_method method;
} methods[] = {
    {{"GET", 3}, HTTP_GET},     {{"POST", 4}, HTTP_POST},     {{"PUT", 3}, HTTP_PUT},         {{"PATCH", 5}, HTTP_PATCH},
    {{"DELETE", 6}, HTTP_DELETE}, {{"HEAD", 4}, HTTP_HEAD}, {{"OPTIONS", 7}, HTTP_OPTIONS},
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* token (RFC 9110 5.6.2) */
static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_alnum(s.p[i]) && (s.p[i] == 0 || !strchr("!#$%&'*+-.^_`|~", s.p[i])))
            return false;
    return s.n > 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct str trim_blanks(struct str s)
{
    while (s.n && is_blank(s.p[0]))
        s = str_skip(s, 1);
    while (s.n && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

/* ── the first pass ── */

static bool check_version(struct str version, struct error *err)
{
    if (str_eq(version, STR("HTTP/1.1")) || str_eq(version, STR("HTTP/1.0")))
        return true;
    if (version.n == 8 && str_starts(version, STR("HTTP/")) && is_digit(version.p[5]) && version.p[6] == '.' &&
        is_digit(version.p[7]))
        return error_set(err, ERROR_HTTP_VERSION, "this server speaks HTTP/1.1 and HTTP/1.0, not " FMT_STR, ARG_STR(version));
    return error_set(err, ERROR_BAD_REQUEST, "the request line must end in HTTP/1.1 or HTTP/1.0");
}

/* request-line = method SP request-target SP HTTP-version */
static bool split_request_line(struct str line, struct str *ret_method, struct str *ret_target, struct str *ret_version)
{
    struct str rest;

    return str_cut(line, ' ', ret_method, &rest) && str_cut(rest, ' ', ret_target, ret_version) && ret_target->n > 0;
}

static bool check_request_line(struct str line, struct error *err)
{
    struct str method, target, version;

    if (!split_request_line(line, &method, &target, &version))
        return error_set(err, ERROR_BAD_REQUEST,
                         "the request line must be a method, a target and a version with one space between each");
    if (!is_token(method) || method.n > METHOD_MAX)
        return error_set(err, ERROR_BAD_REQUEST, "the method must be a word of at most %d letters", METHOD_MAX);
    for (size_t i = 0; i < target.n; i++)
        if ((unsigned char)target.p[i] <= 0x20 || (unsigned char)target.p[i] >= 0x7f || target.p[i] == '#')
            return error_set(err, ERROR_BAD_REQUEST,
                             "byte 0x%02x in the request target at column %zu: it must be percent-encoded",
                             (unsigned char)target.p[i], method.n + 2 + i);
    return check_version(version, err);
}

/* field-line = field-name ":" OWS field-value OWS */
static bool check_header_line(struct str line, size_t number, struct error *err)
{
    size_t colon;

    if (is_blank(line.p[0]))
        return error_set(err, ERROR_BAD_REQUEST, "header line %zu starts with a blank: folded headers are not taken", number);
    if (!str_find_byte(line, ':', &colon))
        return error_set(err, ERROR_BAD_REQUEST, "header line %zu has no colon", number);
    if (!is_token(str_head(line, colon)))
        return error_set(err, ERROR_BAD_REQUEST, "header line %zu: the name before the colon is not a plain word", number);
    for (size_t i = colon + 1; i < line.n; i++) {
        unsigned char c = (unsigned char)line.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return error_set(err, ERROR_BAD_REQUEST, "header line %zu: control character 0x%02x in the value of " FMT_STR,
                             number, c, ARG_STR(str_head(line, colon < 64 ? colon : 64)));
    }
    return true;
}

static bool too_long(const struct head_scan *s, size_t n, const struct http_limits *limits, struct error *err)
{
    if (!s->has_request_line) {
        if (n - s->line <= limits->request_line_max + 2) /* and its CRLF */
            return false;
        error_set(err, ERROR_URI_TOO_LONG, "the request line is longer than %zu bytes", limits->request_line_max);
        error_data_i64(err, "limit", (int64_t)limits->request_line_max);
        return true;
    }
    if (n <= limits->head_max)
        return false;
    error_set(err, ERROR_HEADERS_TOO_LARGE, "the headers are longer than %zu bytes", limits->head_max);
    error_data_i64(err, "limit", (int64_t)limits->head_max);
    return true;
}

/* One complete line, without its CRLF. */
static enum parse scan_line(struct head_scan *s, struct str line, const struct http_limits *limits, struct error *err)
{
    if (!s->has_request_line) {
        if (line.n == 0 && s->empty_lines++ == 0)
            return PARSE_MORE;
        if (!check_request_line(line, err))
            return PARSE_BAD;
        s->has_request_line = true;
        return PARSE_MORE;
    }
    if (line.n == 0)
        return PARSE_DONE;
    s->n_headers++;
    if (s->n_headers > limits->headers_max) {
        error_set(err, ERROR_HEADERS_TOO_LARGE, "more than %zu headers", limits->headers_max);
        error_data_i64(err, "limit", (int64_t)limits->headers_max);
        return PARSE_BAD;
    }
    return check_header_line(line, s->n_headers, err) ? PARSE_MORE : PARSE_BAD;
}

enum parse head_scan(struct head_scan *s, struct str bytes, const struct http_limits *limits, size_t *ret_head_n,
                     struct error *err)
{
    while (s->at < bytes.n) {
        const char *lf = memchr(bytes.p + s->at, '\n', bytes.n - s->at);
        size_t end = lf ? (size_t)(lf - bytes.p) : bytes.n;
        struct str line = str_make(bytes.p + s->line, end - s->line);
        enum parse got;

        /* What is no HTTP at all (a TLS hello on the plain port) need not wait for a line's end. */
        if (!s->has_request_line && s->line == s->at && line.n > 0 && line.p[0] != '\r' &&
            !is_token(str_head(line, 1))) {
            error_set(err, ERROR_BAD_REQUEST, "this is not an HTTP request");
            return PARSE_BAD;
        }
        if (too_long(s, lf ? end + 1 : end, limits, err))
            return PARSE_BAD;
        s->at = end;
        if (!lf)
            return PARSE_MORE;
        if (line.n == 0 || line.p[line.n - 1] != '\r') {
            error_set(err, ERROR_BAD_REQUEST, "a line of the head ends in a bare line feed: lines end in CR LF");
            return PARSE_BAD;
        }
        line.n--;
        got = scan_line(s, line, limits, err);
        s->line = s->at = end + 1;
        if (got == PARSE_DONE)
            *ret_head_n = s->at;
        if (got != PARSE_MORE)
            return got;
    }
    return PARSE_MORE;
}

/* ── the second pass ── */

/* 128 random bits in base 36; 36^25 > 2^128. */
void request_id_fresh(char *ret)
{
    unsigned __int128 number;

    random_fill(&number, sizeof(number));
    for (int i = 0; i < 25; i++, number /= 36)
        ret[i] = "0123456789abcdefghijklmnopqrstuvwxyz"[number % 36];
    ret[25] = 0;
}

static void set_request_id(struct http_head *h)
{
    struct str sent = http_header(h, "X-Socrata-RequestId");
    bool sane = sent.n >= 1 && sent.n <= REQUEST_ID_MAX;

    for (size_t i = 0; sane && i < sent.n; i++)
        sane = is_alnum(sent.p[i]) || strchr("._-", sent.p[i]);
    if (sane) {
        memcpy(h->request_id, sent.p, sent.n);
        h->request_id[sent.n] = 0;
        return;
    }
    request_id_fresh(h->request_id);
}

/* The next line of a head that is known to be well formed. */
static struct str next_line(struct str *text)
{
    size_t end = (size_t)((const char *)memchr(text->p, '\r', text->n) - text->p);
    struct str line = str_head(*text, end);

    *text = str_skip(*text, end + 2);
    return line;
}

static bool build_headers(struct str text, struct arena *a, struct http_head *h, struct error *err)
{
    struct http_header *headers;
    size_t n = 0;

    for (const char *p = text.p; (p = memchr(p, '\n', (size_t)(text.p + text.n - p))); p++)
        n++;
    headers = arena_alloc(a, n * sizeof(*headers));
    if (!headers)
        return error_no_memory(err);
    h->headers = headers;
    for (;;) {
        struct str line = next_line(&text);
        size_t colon;

        if (line.n == 0)
            return true;
        if (!str_find_byte(line, ':', &colon))
            return error_set(err, ERROR_INTERNAL, "a header line was not checked");
        headers[h->n_headers].name = str_head(line, colon);
        headers[h->n_headers].value = trim_blanks(str_skip(line, colon + 1));
        h->n_headers++;
    }
}

/* Framing headers are taken only as `Name: value`: what stands around a value has been used to make two readers of one
 * message see two messages. The raw line ends at the CR after the value. */
static bool is_plain_value(struct str v, const struct http_header *f)
{
    const char *colon = f->name.p + f->name.n;

    return (v.p == colon + 1 || (v.p == colon + 2 && colon[1] == ' ')) && v.n > 0 && v.p[v.n] == '\r';
}

static const struct http_header *find(const struct http_head *h, struct str name, size_t *ret_n)
{
    const struct http_header *found = NULL;

    *ret_n = 0;
    for (size_t i = 0; i < h->n_headers; i++) {
        if (!str_eq_fold(h->headers[i].name, name))
            continue;
        if (!found)
            found = &h->headers[i];
        ++*ret_n;
    }
    return found;
}

static bool frame_length(struct request *r, const struct http_header *f, size_t n, const struct http_limits *limits,
                         struct error *err)
{
    struct http_head *h = &r->head;

    if (n > 1)
        return error_set(err, ERROR_BAD_REQUEST, "Content-Length is given %zu times", n);
    if (!is_plain_value(f->value, f) || f->value.n > 19 || !str_to_u64(f->value, &h->body_length))
        return error_set(err, ERROR_BAD_REQUEST, "Content-Length must be one decimal number, without sign or blanks");
    h->body_length_known = true;
    h->has_body = h->body_length > 0;
    if (h->body_length <= limits->body_max)
        return true;
    error_set(err, ERROR_BODY_TOO_LARGE, "the body of %" PRIu64 " bytes is over the limit of %" PRIu64 " bytes", h->body_length,
              limits->body_max);
    error_data_i64(err, "limit", (int64_t)limits->body_max);
    return false;
}

static bool frame_chunked(struct request *r, const struct http_header *f, size_t n, struct error *err)
{
    if (r->old)
        return error_set(err, ERROR_BAD_REQUEST, "Transfer-Encoding in an HTTP/1.0 request");
    if (n > 1 || !is_plain_value(f->value, f) || memchr(f->value.p, ',', f->value.n))
        return error_set(err, ERROR_BAD_REQUEST, "Transfer-Encoding must be given once and say just \"chunked\"");
    if (!is_token(f->value))
        return error_set(err, ERROR_BAD_REQUEST, "Transfer-Encoding must say just \"chunked\"");
    if (!str_eq_fold(f->value, STR("chunked")))
        return error_set(err, ERROR_NOT_IMPLEMENTED, "transfer coding \"" FMT_STR "\" is not known: only \"chunked\" is",
                         ARG_STR(str_head(f->value, 64)));
    r->chunked = r->head.has_body = true;
    return true;
}

/* How long the body is (RFC 9112 6.3). */
static bool frame(struct request *r, const struct http_limits *limits, struct error *err)
{
    size_t n_length, n_coding;
    const struct http_header *length = find(&r->head, STR("Content-Length"), &n_length);
    const struct http_header *coding = find(&r->head, STR("Transfer-Encoding"), &n_coding);

    if (length && coding)
        return error_set(err, ERROR_BAD_REQUEST, "Content-Length and Transfer-Encoding in one request");
    if (length)
        return frame_length(r, length, n_length, limits, err);
    if (coding)
        return frame_chunked(r, coding, n_coding, err);
    r->head.body_length_known = true;
    return true;
}

/* Host = uri-host [ ":" port ] (RFC 9110 7.2) */
static bool is_host(struct str s)
{
    struct str name = s, port = STR_NONE;
    bool literal = s.n > 0 && s.p[0] == '[';
    size_t at;

    if (literal) { /* an IPv6 address in brackets, whose colons are no port's */
        if (!str_find_byte(s, ']', &at) || at == 1)
            return false;
        name = str_make(s.p + 1, at - 1);
        port = str_make(s.p + at + 1, s.n - at - 1);
        if (port.n > 0 && port.p[0] != ':')
            return false;
        port = str_make(port.p + (port.n > 0), port.n - (port.n > 0));
    } else if (str_find_byte(s, ':', &at)) {
        name = str_make(s.p, at);
        port = str_make(s.p + at + 1, s.n - at - 1);
    }
    for (size_t i = 0; i < port.n; i++)
        if (port.p[i] < '0' || port.p[i] > '9')
            return false;
    for (size_t i = 0; i < name.n; i++)
        if (!is_alnum(name.p[i]) && (name.p[i] == 0 || !strchr(literal ? ":.%" : "-._~%!$&'()*+;=", name.p[i])))
            return false;
    return name.n > 0;
}

static bool check_host(const struct request *r, struct str authority, struct error *err)
{
    size_t n;
    const struct http_header *host = find(&r->head, STR("Host"), &n);

    if (n > 1 || (n == 0 && !r->old))
        return error_set(err, ERROR_BAD_REQUEST, "Host must be given exactly once, here it is given %zu times", n);
    if (host && !is_host(host->value))
        return error_set(err, ERROR_BAD_REQUEST, "Host must be a host name, with a port or without");
    if (authority.n > 0 && host && !str_eq_fold(authority, host->value))
        return error_set(err, ERROR_BAD_REQUEST, "the request target names another host than the Host header");
    return true;
}

/* origin-form / absolute-form / asterisk-form (RFC 9112 3.2); authority-form is CONNECT's only */
static bool split_target(struct http_head *h, struct str *ret_authority, struct error *err)
{
    struct str rest = h->target;
    size_t at;

    *ret_authority = STR_NONE;
    if (str_eq(rest, STR("*")) && h->method == HTTP_OPTIONS) {
        h->path = rest;
        return true;
    }
    if (rest.p[0] != '/') {
        size_t scheme = 0, n = 0;
        if (str_eq_fold(str_head(rest, 7), STR("http://")))
            scheme = 7;
        else if (str_eq_fold(str_head(rest, 8), STR("https://")))
            scheme = 8;
        else
            return error_set(err, ERROR_BAD_REQUEST, "the request target must start with \"/\"");
        rest = str_skip(rest, scheme);
        while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
            n++;
        *ret_authority = str_head(rest, n);
        if (!is_host(*ret_authority))
            return error_set(err, ERROR_BAD_REQUEST, "the request target names no proper host");
        rest = str_skip(rest, n);
    }
    h->path = rest;
    if (str_find_byte(rest, '?', &at)) {
        h->path = str_head(rest, at);
        h->query = str_skip(rest, at + 1);
    }
    if (h->path.n == 0) /* http://host and http://host?a=b mean the root */
        h->path = STR("/");
    return true;
}

static bool has_word(struct str list, struct str word)
{
    struct str item;

    while (list.n > 0) {
        if (!str_cut(list, ',', &item, &list))
            list = STR_NONE;
        if (str_eq_fold(trim_blanks(item), word))
            return true;
    }
    return false;
}

static void read_connection(struct request *r)
{
    bool close = false, keep = false;

    for (size_t i = 0; i < r->head.n_headers; i++) {
        const struct http_header *f = &r->head.headers[i];
        if (!str_eq_fold(f->name, STR("Connection")))
            continue;
        close = close || has_word(f->value, STR("close"));
        keep = keep || has_word(f->value, STR("keep-alive"));
    }
    r->keep_alive = !close && (!r->old || keep);
}

static bool read_expect(struct request *r, struct error *err)
{
    size_t n;
    const struct http_header *expect = find(&r->head, STR("Expect"), &n);

    if (!expect || r->old)
        return true;
    if (n > 1 || !str_eq_fold(expect->value, STR("100-continue")))
        return error_set(err, ERROR_EXPECTATION_FAILED, "Expect may only say \"100-continue\"");
    r->expects_continue = r->head.has_body;
    return true;
}

static bool read_method(struct http_head *h, struct error *err)
{
    h->method = HTTP_OTHER;
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (str_eq(h->method_text, methods[i].name))
            h->method = methods[i].method;
    if (str_eq(h->method_text, STR("CONNECT")) || str_eq(h->method_text, STR("TRACE")))
        return error_set(err, ERROR_METHOD_NOT_ALLOWED, "method " FMT_STR " is not allowed here", ARG_STR(h->method_text));
    return true;
}

bool head_build(struct str bytes, const struct http_limits *limits, struct arena *a, struct request *ret, struct error *err)
{
    struct http_head *h = &ret->head;
    struct str version, authority, text = arena_str(a, bytes);

    *ret = (struct request){0};
    h->query = STR("");
    if (!text.p)
        return error_no_memory(err);
    if (text.p[0] == '\r') /* the one empty line that may come first */
        text = str_skip(text, 2);
    if (!split_request_line(next_line(&text), &h->method_text, &h->target, &version))
        return error_set(err, ERROR_INTERNAL, "the request line was not checked");
    ret->old = version.p[7] == '0';
    if (!build_headers(text, a, h, err))
        return false;
    set_request_id(h);
    if (!read_method(h, err) || !split_target(h, &authority, err) || !check_host(ret, authority, err) ||
        !frame(ret, limits, err) || !read_expect(ret, err))
        return false;
    read_connection(ret);
    return true;
}

/* ── for the application ── */

struct str http_header(const struct http_head *h, const char *name)
{
    size_t n;
    const struct http_header *f = find(h, str_from(name), &n);

    return f ? f->value : STR_NONE;
}

bool http_header_count(const struct http_head *h, const char *name, size_t *ret_n)
{
    find(h, str_from(name), ret_n);
    return *ret_n > 0;
}
