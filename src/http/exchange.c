/* One request and its reply: the job that runs the application's callbacks on a worker, and everything that the
 * application may say meanwhile. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "http/internal.h"

/* The exchange whose callback this thread runs: its http_send() needs no message, the end of the job is one. */
static _Thread_local struct exchange *running;

static const struct {
    int status;
    const char *text;
} statuses[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

const char *http_status_text(int status)
{
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        if (statuses[i].status == status)
            return statuses[i].text;
    return "Status";
}

static struct exchange *of(struct http_exchange *x)
{
    return (struct exchange *)(void *)x;
}

struct exchange *exchange_new(struct connection *c)
{
    struct exchange *x = calloc(1, sizeof(*x));

    if (!x)
        return NULL;
    x->pub.head = &x->request.head;
    x->pub.arena = &x->arena;
    x->c = c;
    x->server = c->server;
    x->status = 200;
    x->started_us = clock_mono_us();
    return x;
}

void exchange_free(struct exchange *x)
{
    if (!x)
        return;
    spool_free(x->body);
    buf_free(&x->headers);
    free(x->fill);
    spool_total_give_memory(x->server->replies, x->fill_taken);
    arena_free(&x->arena);
    free(x);
}

/* ── the reply ── */

void http_reply_status(struct http_exchange *x, int status)
{
    of(x)->status = status;
}

static void add_header(struct buf *out, const char *name, struct str value)
{
    char *p;

    buf_add_z(out, name);
    buf_add(out, ": ", 2);
    p = buf_room(out, value.n);
    if (!p)
        return;
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        p[i] = (c < 0x20 && c != '\t') || c == 0x7f ? ' ' : (char)c;
    }
    out->n += value.n;
    buf_add(out, "\r\n", 2);
}

static void drop_header(struct exchange *x, struct str name)
{
    struct buf *headers = &x->headers;

    for (size_t at = 0, n; at < headers->n; at += n) {
        struct str rest = str_skip(buf_str(headers), at);
        const char *lf = memchr(rest.p, '\n', rest.n);

        n = lf ? (size_t)(lf - rest.p) + 1 : rest.n;
        if (n <= name.n || rest.p[name.n] != ':' || !str_eq_fold(str_head(rest, name.n), name))
            continue;
        memmove(headers->p + at, headers->p + at + n, headers->n - at - n);
        headers->n -= n;
        x->kept -= at < x->kept ? n : 0;
        n = 0;
    }
}

void http_reply_header(struct http_exchange *xp, const char *name, struct str value)
{
    struct exchange *x = of(xp);

    if (http_sent(xp))
        return;
    /* There can be only one; an error replaces a half-made reply's, and a stricter word a general one. */
    if (str_eq_fold(str_from(name), STR("Content-Type")) || str_eq_fold(str_from(name), STR("Cache-Control")))
        drop_header(x, str_from(name));
    add_header(&x->headers, name, value);
}

struct spool *http_reply_body(struct http_exchange *xp)
{
    struct exchange *x = of(xp);
    struct spool_config config = {.scratch_dir = x->server->config.scratch_dir, .bytes_max = x->server->config.reply_bytes_max,
                                  .total = x->server->replies};
    struct error err;

    if (!x->body)
        x->body = spool_new(&config, &err);
    if (!x->body)
        x->reply_failed = true;
    return x->body;
}

void http_reply_keep(struct http_exchange *xp)
{
    struct exchange *x = of(xp);

    if (!http_sent(xp) && buf_ok(&x->headers))
        x->kept = x->headers.n;
}

void http_reply_reset(struct http_exchange *xp)
{
    struct exchange *x = of(xp);

    if (http_sent(xp))
        return;
    spool_free(x->body);
    x->body = NULL;
    buf_reset(&x->headers);
    x->headers.n = x->kept;
    x->status = 200;
    x->reply_failed = false;
}

void http_reply_done(struct http_exchange *x)
{
    of(x)->done = true;
}

void http_reply_error(struct http_exchange *xp, const struct error *err)
{
    struct exchange *x = of(xp);
    struct buf body = {0};
    struct spool *spool;
    struct error ignored;
    char seconds[16];

    if (http_sent(xp))
        return;
    if (x->done) {
        x->reply_failed = true;
        return;
    }
    spool_free(x->body);
    x->body = NULL;
    x->status = error_info(err->code)->status;
    http_reply_header(xp, "Content-Type", STR("application/json; charset=utf-8"));
    if (err->retry_after_s) {
        snprintf(seconds, sizeof(seconds), "%u", err->retry_after_s);
        http_reply_header(xp, "Retry-After", str_from(seconds));
    }
    error_write_json(err, &body);
    spool = http_reply_body(xp);
    if (!spool || !buf_ok(&body) || !spool_write(spool, body.p, body.n, &ignored))
        x->reply_failed = true;
    buf_free(&body);
}

/* The Date line, made once a second a thread. */
static void add_date(struct buf *out)
{
    static _Thread_local struct {
        int64_t second;
        char text[40];
        size_t n;
    } cache;
    int64_t now = clock_wall_ms();

    if (cache.n == 0 || cache.second != now / 1000) {
        struct buf b = {0};
        clock_add_http_date(&b, now);
        cache.n = buf_ok(&b) && b.n < sizeof(cache.text) ? b.n : 0;
        memcpy(cache.text, cache.n ? b.p : "", cache.n);
        cache.second = now / 1000;
        buf_free(&b);
    }
    add_header(out, "Date", str_make(cache.text, cache.n));
}

static void start_head(struct buf *out, int status, const char *request_id, bool hsts)
{
    buf_add_z(out, "HTTP/1.1 ");
    buf_add_i64(out, status);
    buf_add_byte(out, ' ');
    buf_add_z(out, http_status_text(status));
    buf_add(out, "\r\n", 2);
    add_date(out);
    add_header(out, "X-Socrata-RequestId", str_from(request_id));
    /* Rows are anybody's text: no browser shall take a reply for a page because it looks like one. */
    add_header(out, "X-Content-Type-Options", STR("nosniff"));
    if (hsts)
        add_header(out, "Strict-Transport-Security", STR("max-age=31536000"));
}

static void add_length(struct buf *out, int status, uint64_t n)
{
    if (status == 204 || status == 304) /* RFC 9110 8.6 */
        return;
    buf_add_z(out, "Content-Length: ");
    buf_add_u64(out, n);
    buf_add(out, "\r\n", 2);
}

void reply_end_head(struct buf *out, const struct request *r, bool keep)
{
    if (!keep)
        buf_add_z(out, "Connection: close\r\n");
    else if (r->old)
        buf_add_z(out, "Connection: keep-alive\r\n");
    buf_add(out, "\r\n", 2);
}

bool reply_has_body(const struct exchange *x)
{
    return x->request.head.method != HTTP_HEAD && x->status != 204 && x->status != 304;
}

void reply_refusal(struct buf *out, const struct request *r, const struct error *err)
{
    struct buf body = {0};
    char request_id[REQUEST_ID_MAX + 1];
    int status = error_info(err->code)->status;

    if (r && r->head.request_id[0])
        memcpy(request_id, r->head.request_id, sizeof(request_id));
    else
        request_id_fresh(request_id);
    error_write_json(err, &body);
    start_head(out, status, request_id, false);
    add_header(out, "Content-Type", STR("application/json; charset=utf-8"));
    if (err->code == ERROR_METHOD_NOT_ALLOWED)
        add_header(out, "Allow", STR("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
    if (err->retry_after_s) {
        buf_add_z(out, "Retry-After: ");
        buf_add_u64(out, err->retry_after_s);
        buf_add(out, "\r\n", 2);
    }
    add_length(out, status, body.n);
    reply_end_head(out, r, false);
    if (!r || r->head.method != HTTP_HEAD)
        buf_add_str(out, buf_str(&body));
    if (!buf_ok(&body))
        out->failed = true;
    buf_free(&body);
}

/* Status line and our headers before the application's. */
static bool finish_head(struct exchange *x, struct buf *ret)
{
    struct buf head = {0};

    buf_room(&head, 512);
    start_head(&head, x->status, x->request.head.request_id, x->server->config.hsts && x->request.head.secure);
    buf_add_str(&head, buf_str(&x->headers));
    add_length(&head, x->status, x->body ? spool_bytes(x->body) : 0);
    if (!buf_ok(&head) || !buf_ok(&x->headers)) {
        buf_free(&head);
        return false;
    }
    *ret = head;
    return true;
}

/* All of the body is where it will be sent from, or an error takes its place: later it would be too late to say so. */
static void settle_body(struct http_exchange *xp)
{
    struct exchange *x = of(xp);
    struct error err;

    if (!x->body || x->reply_failed || spool_settle(x->body, &err))
        return;
    http_reply_reset(xp);
    http_reply_error(xp, &err);
}

void http_send(struct http_exchange *xp)
{
    struct exchange *x = of(xp);
    struct buf head = {0};

    if (atomic_load(&x->sent))
        return;
    settle_body(xp);
    if (x->reply_failed || !finish_head(x, &head)) {
        struct error err;
        http_reply_reset(xp);
        error_no_memory(&err);
        http_reply_error(xp, &err);
        if (x->reply_failed || !finish_head(x, &head))
            head.failed = true; /* not even that, or it would not be true: the connection closes */
    }
    buf_free(&x->headers);
    x->headers = head;
    if (atomic_exchange(&x->sent, true))
        return;
    if (running == x)
        x->sent_in_job = true;
    else
        loop_post(x->c, POST_SENT);
}

bool http_sent(const struct http_exchange *x)
{
    return atomic_load(&((const struct exchange *)(const void *)x)->sent);
}

/* Of a request whose head could not even be told from the next. */
void connection_tell_unread(const struct connection *c, const struct request *r, int status, enum http_failure failure)
{
    const struct http_app *app = &c->server->config.app;
    struct http_end end = {.head = &r->head, .status = status, .sent_bytes = c->out.n, .failed = failure};

    if (app->ended)
        app->ended(app->ctx, NULL, &end);
}

/* A reply that was copied out stands in the connection, head and body; a long one goes from its spool. */
void exchange_tell_end(struct exchange *x)
{
    const struct http_app *app = &x->server->config.app;
    const struct connection *c = x->c;
    struct http_end end = {.head = &x->request.head, .received_bytes = x->received_bytes, .failed = x->pub.failed};

    if (!app->ended)
        return;
    end.status = x->refusal ? x->refusal : http_sent(&x->pub) ? x->status : 0;
    end.sent_bytes = x->head_bytes ? x->head_bytes + c->reply_at : end.status ? c->out.n : 0;
    end.us = clock_mono_us() - x->started_us;
    app->ended(app->ctx, x->headed ? &x->pub : NULL, &end);
}

/* ── the job ── */

void reply_give_back(struct connection *c)
{
    spool_total_give_memory(c->server->replies, c->out_taken);
    c->out_taken = 0;
}

/* A short reply moves to the connection, so that the exchange can end at once and no second job is needed. */
static bool detach(struct exchange *x)
{
    struct connection *c = x->c;
    struct str body = STR_NONE;
    bool keep = x->request.keep_alive && !atomic_load(&x->server->stopping);

    if (!x->request_done || x->headers.failed)
        return false;
    if (x->body && reply_has_body(x)) {
        if (spool_bytes(x->body) > DETACH_MAX)
            return false;
        body = spool_peek(x->body, 0);
        if (body.n != spool_bytes(x->body))
            return false;
    }
    if (body.n > SPOOL_MEMORY_FREE && !spool_total_take_memory(c->server->replies, body.n))
        return false;
    reply_give_back(c);
    c->out_taken = body.n > SPOOL_MEMORY_FREE ? body.n : 0;
    reply_end_head(&x->headers, &x->request, keep);
    buf_add_str(&x->headers, body);
    if (!buf_ok(&x->headers))
        return false;
    buf_free(&c->out);
    c->out = x->headers;
    c->out_at = 0;
    c->keep = keep;
    x->headers = (struct buf){0};
    return true;
}

static bool make_fill(struct exchange *x)
{
    if (x->fill)
        return true;
    x->fill_taken = spool_total_take_memory(x->server->replies, SLICE_MAX) ? SLICE_MAX : 0;
    x->fill_cap = x->fill_taken ? SLICE_MAX : FILL_LEAST;
    x->fill = malloc(x->fill_cap);
    return x->fill != NULL;
}

static void fill(struct exchange *x)
{
    struct error err;

    x->fill_at = x->c->reply_at;
    x->fill_n = 0;
    spool_forget(x->body, x->fill_at);
    x->failed_fill = !make_fill(x) || !spool_read(x->body, x->fill_at, x->fill, x->fill_cap, &x->fill_n, &err) || x->fill_n == 0;
}

static void run(struct job *job)
{
    struct exchange *x = (struct exchange *)(void *)((char *)job - offsetof(struct exchange, job));
    const struct http_app *app = &x->server->config.app;
    struct connection *c = x->c;
    unsigned todo = x->todo, bits = POST_JOB;

    running = x;
    if (todo & DO_HEAD)
        app->head(app->ctx, &x->pub);
    if (todo & DO_BODY)
        x->received_bytes += x->slice.n;
    if ((todo & DO_BODY) && !http_sent(&x->pub))
        app->body(app->ctx, &x->pub, x->slice);
    if ((todo & DO_END) && !http_sent(&x->pub))
        app->end(app->ctx, &x->pub);
    if (todo & DO_FILL)
        fill(x);
    running = NULL;
    if (x->sent_in_job && !(todo & (DO_FILL | DO_RELEASE)))
        bits |= POST_SENT;
    if ((todo & DO_RELEASE) || ((bits & POST_SENT) && detach(x))) {
        exchange_tell_end(x);
        app->release(app->ctx, &x->pub);
        exchange_free(x);
        c->x = NULL;
    }
    loop_post(c, bits);
}

void exchange_submit(struct exchange *x, unsigned todo)
{
    if (todo & DO_HEAD)
        x->headed = true;
    if (todo & DO_END)
        x->ended = true;
    x->todo = todo;
    x->job.run = run;
    pool_submit(x->server->config.pool, &x->job);
}
