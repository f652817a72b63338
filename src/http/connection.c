/* The state machine of one connection (the drawing is in internal.h). Each step_…() does what it can without waiting and says
 * whether the state changed, so that connection_step() goes on; else it has set the deadline of what it waits for.
 * How deadlines, rates and refusals are meant: docs/wire/http.md. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/metrics.h"
#include "http/internal.h"

static const uint64_t NEVER = UINT64_MAX;
enum { LINGER_STOPPING_MS = 200 };

static const struct http_limits *limits_of(const struct connection *c)
{
    return &c->server->config.limits;
}

/* ── closing ── */

static void free_input(struct connection *c)
{
    free(c->in);
    free(c->ahead);
    c->in = c->ahead = NULL;
    c->in_at = c->in_n = c->in_cap = 0;
    c->ahead_n = c->ahead_cap = 0;
}

static void drop(struct connection *c)
{
    c->state = STATE_GONE;
    stream_close(c);
    free_input(c);
    buf_free(&c->out);
    reply_give_back(c);
    if (c->registered) {
        peers_leave(c->server->peers, &c->address);
        atomic_fetch_sub(&c->server->n_connections, 1);
    }
    loop_forget(c);
}

static void release(struct connection *c, enum http_failure failure)
{
    c->x->pub.failed = failure;
    c->state = STATE_RELEASE;
    loop_set_deadline(c, NEVER);
    exchange_submit(c->x, DO_RELEASE);
}

/* The exchange ends without the application: it hears of it if it knows the exchange at all. True: a job has it now. */
static bool abandon(struct connection *c, enum http_failure failure)
{
    if (!c->x)
        return false;
    if (c->x->headed) {
        release(c, failure);
        return true;
    }
    c->x->pub.failed = failure;
    exchange_tell_end(c->x);
    exchange_free(c->x);
    c->x = NULL;
    return false;
}

/* Nothing can be said to the client any more. */
static void fail(struct connection *c, enum http_failure failure)
{
    c->dying = true;
    if (!abandon(c, failure))
        drop(c);
}

/* Says what was wrong, then closes. */
static void refuse(struct connection *c, const struct error *err, enum http_failure failure)
{
    struct request unread = {0}, *r = c->x ? &c->x->request : &unread;
    int status = error_info(err->code)->status;

    buf_reset(&c->out);
    c->out_at = 0;
    c->reply_at = c->reply_n = 0;
    if (!r->head.peer[0])
        address_text(&c->address, r->head.peer, sizeof(r->head.peer));
    if (!r->head.request_id[0])
        request_id_fresh(r->head.request_id);
    reply_refusal(&c->out, r, err);
    if (c->x) {
        c->x->refusal = status;
        c->x->head_bytes = 0;
    } else {
        connection_tell_unread(c, r, status, failure);
    }
    c->keep = false;
    c->state = STATE_REPLY;
    c->rate = (struct rate){0};
    abandon(c, failure); /* and the reply goes out once release() has run */
}

/* Plain HTTP where TLS was due: readable by the person who typed the URL. */
static void refuse_plain(struct connection *c)
{
    static const char reply[] = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
                                "X-Content-Type-Options: nosniff\r\n"
                                "Content-Length: 69\r\nConnection: close\r\n\r\n"
                                "This port speaks HTTPS. Write https:// instead of http:// in the URL\n";

    SSL_free(c->ssl);
    c->ssl = NULL;
    buf_add(&c->out, reply, sizeof(reply) - 1);
    c->keep = false;
    c->state = STATE_REPLY;
}

/* ── the buffer of bytes in ── */

static struct str unread(const struct connection *c)
{
    return str_make(c->in + c->in_at, c->in_n - c->in_at);
}

static void took(struct connection *c, size_t n)
{
    c->in_at += n;
    if (c->in_at == c->in_n)
        c->in_at = c->in_n = 0;
}

/* Room for more, up to `most` unread bytes; 0 when there are as many. */
static bool make_room(struct connection *c, size_t most, size_t *ret_room)
{
    size_t have = c->in_n - c->in_at, cap = c->in_cap;

    *ret_room = 0;
    if (have >= most)
        return true;
    if (c->in && c->in_n == c->in_cap && c->in_at > 0) {
        memmove(c->in, c->in + c->in_at, have);
        c->in_at = 0;
        c->in_n = have;
    }
    if (c->in_n == c->in_cap) {
        char *p;
        cap = cap ? cap * 2 : IN_FIRST;
        if (cap > most)
            cap = most > c->in_cap ? most : c->in_cap;
        p = realloc(c->in, cap);
        if (!p)
            return false;
        c->in = p;
        c->in_cap = cap;
    }
    *ret_room = c->in_cap - c->in_n;
    return true;
}

static enum io read_more(struct connection *c, size_t most)
{
    size_t room, got = 0;
    enum io io;

    if (c->ended != IO_OK)
        return c->ended;
    if (!make_room(c, most, &room))
        return IO_ERROR;
    if (room == 0 || !c->readable)
        return IO_AGAIN;
    io = stream_read(c, c->in + c->in_n, room, &got);
    if (io == IO_OK) {
        c->in_n += got;
        rate_moved(c, got);
        metrics_add(METRIC_RECEIVED_BYTES, got);
    }
    return io;
}

static void shrink(struct connection *c)
{
    if (c->in_n == 0 && c->in_cap > IN_FIRST)
        free_input(c);
}

/* While a worker has a slice: the socket, `ahead` and the rate are the loop's all the same. Without memory it is read later. */
static void read_ahead(struct connection *c)
{
    while (c->reads_ahead && c->readable && c->ended == IO_OK && (!c->ahead || c->ahead_n < c->ahead_cap)) {
        size_t got = 0;
        enum io io;
        if (!c->ahead) {
            c->ahead = malloc(SLICE_MAX);
            c->ahead_cap = c->ahead ? SLICE_MAX : 0;
            c->reads_ahead = c->ahead;
            continue;
        }
        io = stream_read(c, c->ahead + c->ahead_n, c->ahead_cap - c->ahead_n, &got);
        if (io == IO_OK)
            c->ahead_n += got;
        else if (io != IO_AGAIN)
            c->ended = io;
        rate_moved(c, got);
    }
}

/* The slice is back, and used up: what was read ahead is what comes next. */
static void take_ahead(struct connection *c)
{
    char *in = c->in;
    size_t cap = c->in_cap;

    c->reads_ahead = false;
    if (c->ahead_n == 0)
        return;
    c->in = c->ahead;
    c->in_cap = c->ahead_cap;
    c->in_n = c->ahead_n;
    c->in_at = 0;
    c->ahead = in;
    c->ahead_cap = cap;
    c->ahead_n = 0;
}

/* ── HANDSHAKE ── */

static bool step_handshake(struct connection *c)
{
    char first;

    if (!c->readable && !c->hung_up)
        return false;
    if (!c->peeked) {
        ssize_t n = recv(c->fd, &first, 1, MSG_PEEK);
        if (n == 1 && first > ' ' && first < 0x7f) {
            refuse_plain(c);
            return true;
        }
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            metrics_add(METRIC_HANDSHAKES_FAILED, 1);
            drop(c); /* reset before it said anything; the error was told now and no event will tell it again */
            return false;
        }
        if (n < 0) {
            c->readable = errno == EINTR;
            return c->readable;
        }
        c->peeked = true;
    }
    switch (stream_handshake(c)) {
    case IO_OK:
        c->state = STATE_HEAD;
        return true;
    case IO_AGAIN:
        return false;
    case IO_EOF:
    case IO_ERROR:
        break;
    }
    metrics_add(METRIC_HANDSHAKES_FAILED, 1);
    drop(c);
    return false;
}

/* ── HEAD ── */

static void next_request(struct connection *c)
{
    c->state = STATE_HEAD;
    c->scan = (struct head_scan){0};
    c->chunked = (struct chunked){0};
    c->rate = (struct rate){0};
    c->head_since_ms = 0;
    c->sent_seen = c->body_done = c->continue_due = false;
    shrink(c);
}

static void begin_request(struct connection *c, size_t head_n)
{
    struct error err;
    struct exchange *x = c->x = exchange_new(c);

    if (!x) {
        error_no_memory(&err);
        refuse(c, &err, HTTP_OK);
        return;
    }
    if (!head_build(str_head(unread(c), head_n), limits_of(c), &x->arena, &x->request, &err)) {
        refuse(c, &err, HTTP_FRAMING);
        return;
    }
    if (c->refused) {
        error_set(&err, ERROR_TOO_MANY_CONNECTIONS, "too many connections, try again later");
        err.retry_after_s = 5;
        refuse(c, &err, HTTP_OK);
        return;
    }
    if (c->server->config.strict_host && !tls_is_meant_for_us(c, &x->request.head)) {
        error_set(&err, ERROR_MISDIRECTED, "this server's certificate does not name the host that the request is for");
        refuse(c, &err, HTTP_OK);
        return;
    }
    peer_set_client(c, &x->request.head);
    took(c, head_n);
    c->body_left = x->request.head.body_length;
    c->body_done = !x->request.head.has_body;
    c->continue_due = x->request.expects_continue;
    c->rate = (struct rate){0};
    c->state = STATE_BODY;
}

static void set_head_deadline(struct connection *c)
{
    const struct http_limits *l = limits_of(c);

    if (c->head_since_ms)
        loop_set_deadline(c, c->head_since_ms + l->head_ms);
    else
        loop_set_deadline(c, c->loop->now_ms + (c->refused ? l->head_ms : l->idle_ms));
}

static bool step_head(struct connection *c)
{
    struct error err;
    size_t head_n;

    for (;;) {
        if (c->in_n > c->in_at) {
            if (!c->head_since_ms)
                c->head_since_ms = c->loop->now_ms;
            switch (head_scan(&c->scan, unread(c), limits_of(c), &head_n, &err)) {
            case PARSE_DONE:
                begin_request(c, head_n);
                return true;
            case PARSE_BAD:
                refuse(c, &err, HTTP_FRAMING);
                return true;
            case PARSE_MORE:
                break;
            }
        }
        switch (read_more(c, limits_of(c)->head_max + limits_of(c)->request_line_max + IN_FIRST)) {
        case IO_OK:
            continue;
        case IO_AGAIN:
            set_head_deadline(c);
            return false;
        case IO_EOF:
        case IO_ERROR:
            drop(c);
            return false;
        }
    }
}

/* ── out ── */

static enum io flush(struct connection *c)
{
    while (c->out_at < c->out.n) {
        size_t n = 0;
        enum io io = c->writable ? stream_write(c, c->out.p + c->out_at, c->out.n - c->out_at, &n) : IO_AGAIN;
        if (io != IO_OK)
            return io;
        c->out_at += n;
        rate_moved(c, n);
        metrics_add(METRIC_SENT_BYTES, n);
    }
    c->out_at = 0;
    buf_free(&c->out);
    reply_give_back(c);
    return IO_OK;
}

/* ── BODY ── */

/* Of a body that streams the next slice is decrypted while this one is parsed; a crowd has no memory for that. */
static void work(struct connection *c, unsigned todo)
{
    rate_pause(c);
    c->x->request_done = c->body_done;
    c->reads_ahead = !c->body_done && c->x->slice.n >= BULK_SLICE && c->in_n == c->in_at && atomic_load(&c->server->n_connections) <= CROWD;
    c->state = STATE_WORK;
    loop_set_deadline(c, NEVER);
    exchange_submit(c->x, todo);
    read_ahead(c);
}

static bool is_enough(const struct connection *c)
{
    size_t have = c->in_n - c->in_at;

    return have >= SLICE_MAX || c->body_done || (!c->x->request.chunked && have >= c->body_left);
}

/* What is buffered becomes the next slice. */
static bool take_slice(struct connection *c, struct error *err)
{
    struct str raw = unread(c);
    size_t used, n;

    if (!c->x->request.chunked) {
        n = used = raw.n < c->body_left ? raw.n : (size_t)c->body_left;
        c->body_left -= n;
        c->body_done = c->body_left == 0;
    } else {
        enum parse got = chunked_push(&c->chunked, raw, limits_of(c)->body_max, c->in + c->in_at, &used, &n, err);
        if (got == PARSE_BAD)
            return false;
        c->body_done = got == PARSE_DONE;
    }
    c->x->slice = str_make(c->in + c->in_at, n);
    took(c, used); /* the bytes stay where they are: nothing is read while the slice is out */
    return true;
}

static void refuse_short_body(struct connection *c)
{
    struct error err;

    if (c->x->request.chunked)
        error_set(&err, ERROR_BAD_REQUEST, "the connection ended inside a chunked body");
    else
        error_set(&err, ERROR_BAD_REQUEST, "the body ended %" PRIu64 " bytes before its Content-Length of %" PRIu64,
                  c->body_left - (c->in_n - c->in_at), c->x->request.head.body_length);
    refuse(c, &err, HTTP_CLIENT_GONE);
}

static bool refuse_slow(struct connection *c)
{
    struct error err;

    error_set(&err, ERROR_REQUEST_TIMEOUT, "the body came slower than %u bytes per second", limits_of(c)->rate_bytes_per_s);
    refuse(c, &err, HTTP_CLIENT_SLOW);
    return true;
}

/* A short body comes in whole before the application hears of it; not when the client waits for our leave to send it. */
static bool is_gathering(const struct connection *c)
{
    const struct request *r = &c->x->request;

    return !c->x->headed && !r->chunked && r->head.body_length <= GATHER_MAX && !r->expects_continue && !is_enough(c);
}

static bool step_body(struct connection *c)
{
    struct error err;
    enum io io = flush(c); /* 100 Continue */
    unsigned todo = c->x->headed ? 0 : DO_HEAD;

    while (io == IO_OK && !is_enough(c))
        io = read_more(c, SLICE_MAX);
    if (io == IO_ERROR) {
        fail(c, HTTP_CLIENT_GONE);
        return true;
    }
    if (io == IO_EOF && !c->x->request.chunked) {
        refuse_short_body(c);
        return true;
    }
    if (is_gathering(c)) {
        if (!rate_wait(c))
            return refuse_slow(c);
        return false;
    }
    c->x->slice = STR_NONE;
    if (!c->body_done && !take_slice(c, &err)) {
        refuse(c, &err, HTTP_FRAMING);
        return true;
    }
    if (c->x->slice.n > 0)
        todo |= DO_BODY;
    if (c->body_done)
        todo |= DO_END;
    if (todo) {
        work(c, todo);
        return false;
    }
    if (io == IO_EOF) {
        refuse_short_body(c);
        return true;
    }
    if (!rate_wait(c))
        return refuse_slow(c);
    /* Of hundreds of uploads that wait for their clients none keeps a buffer; among a few it would be made anew for every slice. */
    if (atomic_load(&c->server->n_connections) > CROWD)
        shrink(c);
    return false;
}

/* ── REPLY ── */

static void begin_reply(struct connection *c)
{
    struct exchange *x = c->x;

    c->keep = x->request.keep_alive && c->body_done && !atomic_load(&c->server->stopping);
    reply_end_head(&x->headers, &x->request, c->keep);
    buf_free(&c->out);
    c->out = x->headers;
    c->out_at = 0;
    x->head_bytes = x->headers.n;
    x->headers = (struct buf){0};
    c->reply_at = 0;
    c->reply_n = x->body && reply_has_body(x) ? spool_bytes(x->body) : 0;
    c->rate = (struct rate){0};
    c->state = STATE_REPLY;
}

/* The bytes at reply_at, from memory or from the piece that a worker read; none: a worker must read. */
static struct str reply_piece(const struct connection *c)
{
    const struct exchange *x = c->x;
    struct str piece = spool_peek(x->body, c->reply_at);

    if (piece.n == 0 && x->fill && c->reply_at >= x->fill_at && c->reply_at - x->fill_at < x->fill_n)
        piece = str_skip(str_make(x->fill, x->fill_n), (size_t)(c->reply_at - x->fill_at));
    return piece;
}

/* IO_OK: all is out, or (state FILL) a worker reads on. */
static enum io write_reply(struct connection *c)
{
    enum io io = flush(c);

    while (io == IO_OK && c->reply_at < c->reply_n) {
        struct str piece = reply_piece(c);
        size_t n = 0;
        if (piece.n == 0) {
            rate_pause(c);
            c->state = STATE_FILL;
            loop_set_deadline(c, NEVER);
            exchange_submit(c->x, DO_FILL);
            return IO_OK;
        }
        io = c->writable ? stream_write(c, piece.p, piece.n, &n) : IO_AGAIN;
        c->reply_at += n;
        rate_moved(c, n);
        metrics_add(METRIC_SENT_BYTES, n);
    }
    return io;
}

static void linger(struct connection *c)
{
    stream_finish(c);
    c->state = STATE_LINGER;
    c->lingered = 0;
    c->linger_until_ms = c->loop->now_ms + (atomic_load(&c->server->stopping) ? LINGER_STOPPING_MS : LINGER_MS);
    loop_set_deadline(c, c->linger_until_ms);
    free_input(c);
}

static void after_reply(struct connection *c)
{
    if (c->keep)
        next_request(c);
    else
        linger(c);
}

static bool step_reply(struct connection *c)
{
    if (c->out.failed) {
        fail(c, HTTP_OK);
        return true;
    }
    switch (write_reply(c)) {
    case IO_OK:
        if (c->state == STATE_FILL)
            return false;
        if (c->x) {
            release(c, HTTP_OK);
            return false;
        }
        after_reply(c);
        return true;
    case IO_AGAIN:
        if (!rate_wait(c))
            fail(c, HTTP_CLIENT_SLOW);
        return false;
    case IO_EOF:
    case IO_ERROR:
        break;
    }
    fail(c, HTTP_CLIENT_GONE);
    return false;
}

/* ── LINGER ── */

static void step_linger(struct connection *c)
{
    char scrap[16 << 10];

    while (c->readable || c->hung_up) {
        ssize_t n = recv(c->fd, scrap, sizeof(scrap), 0); /* not decrypted: it is dropped */
        if (n < 0) {
            c->readable = false;
            if (!c->hung_up)
                return;
        }
        if (n > 0)
            c->lingered += (uint64_t)n;
        if (n <= 0 || c->lingered > limits_of(c)->drain_max) {
            drop(c);
            return;
        }
    }
}

/* ── what drives it ── */

void connection_step(struct connection *c)
{
    bool more = true;

    while (more) {
        more = false;
        switch (c->state) {
        case STATE_HANDSHAKE:
            more = step_handshake(c);
            break;
        case STATE_HEAD:
            more = step_head(c);
            break;
        case STATE_BODY:
            more = step_body(c);
            break;
        case STATE_REPLY:
            more = step_reply(c);
            break;
        case STATE_LINGER:
            step_linger(c);
            break;
        case STATE_WORK:
            read_ahead(c);
            break;
        case STATE_WAIT:
        case STATE_FILL:
        case STATE_RELEASE:
        case STATE_GONE:
            break;
        }
    }
}

static void work_is_back(struct connection *c)
{
    take_ahead(c);
    if (!c->x) { /* replied and released at once */
        c->rate = (struct rate){0};
        c->reply_at = c->reply_n = 0;
        c->state = STATE_REPLY;
    } else if (c->sent_seen) {
        begin_reply(c);
    } else if (c->x->ended) {
        c->state = STATE_WAIT;
    } else if (c->dying) {
        fail(c, HTTP_STOPPING);
    } else {
        if (c->continue_due && c->in_n == c->in_at)
            buf_add_z(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
        c->continue_due = false;
        c->state = STATE_BODY;
    }
}

void connection_posted(struct connection *c, unsigned bits)
{
    if (bits & POST_NEW) {
        loop_set_deadline(c, c->loop->now_ms + (c->ssl ? limits_of(c)->handshake_ms : limits_of(c)->idle_ms));
        return;
    }
    if (bits & POST_SENT)
        c->sent_seen = true;
    if (bits & POST_JOB) {
        if (c->state == STATE_WORK) {
            work_is_back(c);
        } else if (c->state == STATE_FILL) {
            c->state = STATE_REPLY;
            if (c->dying || c->x->failed_fill)
                fail(c, c->dying ? HTTP_STOPPING : HTTP_OK);
        } else if (c->state == STATE_RELEASE) {
            if (c->dying) {
                drop(c);
                return;
            }
            c->reply_at = c->reply_n = 0;
            if (c->out.n > c->out_at || c->out.failed)
                c->state = STATE_REPLY; /* a refusal */
            else
                after_reply(c);
        }
    } else if ((bits & POST_SENT) && (c->state == STATE_WAIT || c->state == STATE_BODY)) {
        begin_reply(c);
    }
    connection_step(c);
}

void connection_expired(struct connection *c)
{
    struct error err;

    switch (c->state) {
    case STATE_HEAD:
        if (c->in_n == c->in_at) {
            drop(c);
            return;
        }
        error_set(&err, ERROR_REQUEST_TIMEOUT, "the headers were not complete after %u ms", limits_of(c)->head_ms);
        refuse(c, &err, HTTP_CLIENT_SLOW);
        break;
    case STATE_BODY:
    case STATE_REPLY:
        break; /* the step looks at the rate */
    case STATE_HANDSHAKE:
        metrics_add(METRIC_HANDSHAKES_FAILED, 1);
        drop(c);
        return;
    case STATE_LINGER:
        drop(c);
        return;
    case STATE_WORK:
    case STATE_WAIT:
    case STATE_FILL:
    case STATE_RELEASE:
    case STATE_GONE:
        return;
    }
    connection_step(c);
}

void connection_stop(struct connection *c, bool now)
{
    switch (c->state) {
    case STATE_HANDSHAKE:
        drop(c);
        return;
    case STATE_HEAD:
        if (now || c->in_n == c->in_at)
            drop(c);
        return;
    case STATE_LINGER:
        if (now)
            drop(c);
        else
            loop_set_deadline(c, c->loop->now_ms + LINGER_STOPPING_MS);
        return;
    case STATE_BODY:
    case STATE_REPLY:
        if (now)
            fail(c, HTTP_STOPPING);
        return;
    case STATE_WORK:
    case STATE_FILL:
    case STATE_WAIT:
    case STATE_RELEASE:
        c->dying = c->dying || now; /* the job, or the application's reply, comes first */
        return;
    case STATE_GONE:
        return;
    }
}

struct connection *connection_new(struct http_server *s, int fd, const struct address *a, bool tls)
{
    struct connection *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->source = SOURCE_CONNECTION;
    c->server = s;
    c->fd = fd;
    c->address = *a;
    c->heap_at = SIZE_MAX;
    c->deadline_ms = NEVER;
    c->state = tls ? STATE_HANDSHAKE : STATE_HEAD;
    for (size_t i = 0; i < s->n_proxies; i++)
        c->from_proxy = c->from_proxy || network_has(&s->proxies[i], a);
    if (tls) {
        pthread_mutex_lock(&s->tls_lock);
        c->ssl = SSL_new(s->tls);
        pthread_mutex_unlock(&s->tls_lock);
        if (!c->ssl || SSL_set_fd(c->ssl, fd) != 1) {
            SSL_free(c->ssl);
            free(c);
            return NULL;
        }
        SSL_set_accept_state(c->ssl);
    }
    return c;
}
