/* A request from head to reply: the http folder's callbacks, and what handlers call (api.h).
 *
 *     head: credentials over plain HTTP? ─► match the route ─► plain HTTP? ─► who ─► which dataset ─► may they ─► begin, or gather the body ─► end: run
 */
#include <stdio.h>

#include "api/traffic.h"
#include "base/clock.h"

/* ── replies ── */

void call_reply_begin(struct call *c, int status, struct str content_type)
{
    http_reply_status(c->x, status);
    http_reply_header(c->x, "Content-Type", content_type);
    if (c->head->method == HTTP_GET || c->head->method == HTTP_HEAD)
        http_reply_header(c->x, "Access-Control-Allow-Origin", STR("*"));
}

void call_reply_json(struct call *c, int status, struct str json)
{
    struct error err;
    call_reply_begin(c, status, STR("application/json; charset=utf-8"));
    struct spool *body = http_reply_body(c->x);
    if (body && !spool_write(body, json.p, json.n, &err)) {
        call_reply_error(c, &err);
        return;
    }
    http_send(c->x);
}

void call_reply_error(struct call *c, const struct error *err)
{
    http_reply_error(c->x, err);
    http_send(c->x);
}

void call_reply_truth(struct call *c, const struct store_state *state)
{
    char text[24];
    struct buf date = {0};
    snprintf(text, sizeof text, "%lld", (long long)state->version);
    http_reply_header(c->x, "X-SODA2-Truth-Version", str_from(text));
    snprintf(text, sizeof text, "%lld", (long long)state->shape_version);
    http_reply_header(c->x, "X-SODA2-Truth-Shape-Version", str_from(text));
    clock_add_http_date(&date, state->modified_ms);
    if (buf_ok(&date))
        http_reply_header(c->x, "X-SODA2-Truth-Last-Modified", buf_str(&date));
    buf_free(&date);
}

/* ── the query string ── */

bool call_query(const struct call *c, const char *name, struct str *ret)
{
    for (size_t i = 0; i < c->n_query; i++)
        if (str_eq(c->query[i].name, str_from(name))) {
            *ret = c->query[i].value;
            return true;
        }
    return false;
}

bool call_query_is(const struct call *c, const char *name, const char *value)
{
    struct str given;
    return call_query(c, name, &given) && str_eq(given, str_from(value));
}

bool call_query_bool(const struct call *c, const char *name, bool *ret, struct error *err)
{
    struct str value;
    if (!call_query(c, name, &value) || str_to_bool(value, ret))
        return true;
    error_set(err, ERROR_BAD_PARAMETER, "Request has bad parameter '%s' with value '" FMT_STR "'; expected true or false", name,
              ARG_STR(str_head_utf8(value, 100)));
    error_data_str(err, "parameter", str_from(name));
    error_data_str(err, "value", str_head_utf8(value, 200));
    return false;
}

/* ── the http folder's callbacks ── */

static bool is_gathered(const struct call *c)
{
    return c->route && c->route->handler->run;
}

/* CORS preflight and plain OPTIONS: what the path takes (docs/wire/http.md). */
static void reply_options(struct call *c, struct str allow)
{
    http_reply_status(c->x, 200);
    http_reply_header(c->x, "Allow", allow);
    http_reply_header(c->x, "Access-Control-Allow-Origin", STR("*"));
    http_reply_header(c->x, "Access-Control-Allow-Methods", allow);
    http_reply_header(c->x, "Access-Control-Allow-Headers", STR("Content-Type, X-App-Token, X-Socrata-RequestId"));
    http_reply_header(c->x, "Content-Type", STR("application/json; charset=utf-8"));
    http_send(c->x);
}

/* Nothing is done over plain HTTP: reads without credentials are sent on to HTTPS (docs/wire/authentication.md). The address
 * is made of the path, not of the target, which may be a whole address of its own (RFC 9112 section 3.2.2). */
static void reply_redirect(struct call *c)
{
    struct str host = http_header(c->head, "Host"), name = host, unused;
    struct error err;
    if (host.n && host.p[0] == '[') {
        size_t end;
        name = str_find_byte(host, ']', &end) ? str_head(host, end + 1) : host;
    } else {
        str_cut(host, ':', &name, &unused);
    }
    char port[16] = "";
    if (c->api->https_port != 443)
        snprintf(port, sizeof port, ":%d", c->api->https_port);
    char *location = arena_printf(c->arena, "https://" FMT_STR "%s" FMT_STR "%s" FMT_STR, ARG_STR(name), port, ARG_STR(c->head->path),
                                  c->head->query.n ? "?" : "", ARG_STR(c->head->query));
    if (!location) {
        error_no_memory(&err);
        call_reply_error(c, &err);
        return;
    }
    http_reply_status(c->x, 301);
    http_reply_header(c->x, "Location", str_from(location));
    http_reply_header(c->x, "Content-Type", STR("application/json; charset=utf-8"));
    http_send(c->x);
}

static void reply_plain(struct call *c)
{
    struct error err = {0};
    bool reads = c->head->method == HTTP_GET || c->head->method == HTTP_HEAD;
    if (reads && http_header(c->head, "Host").n) {
        reply_redirect(c);
        return;
    }
    error_set(&err, ERROR_PLAIN_HTTP, "this request must be sent over HTTPS; nothing was changed");
    call_reply_error(c, &err);
}

/* Of a hidden dataset a stranger hears what he hears of none, byte for byte. */
const struct dataset *call_dataset(struct call *c, struct str id_or_name, enum gate_action action, struct error *err)
{
    struct error unused;
    const struct dataset *d = catalog_dataset(c->api->catalog, id_or_name, err);
    if (!d || gate_authorize(&c->principal, action, d, err))
        return d;
    if (c->api->private_is_hidden && !gate_authorize(&c->principal, GATE_READ_VIEW, d, &unused))
        dataset_not_found(err, id_or_name);
    dataset_release(d);
    return NULL;
}

static bool admit(struct call *c, struct error *err)
{
    bool looks_itself = c->route->action == GATE_OAUTH_CLIENT, takes_forms = c->route->action == GATE_PAGE;
    if (!looks_itself && !gate_authenticate(c->api->gate, c->x, &c->principal, err))
        return false;
    if (!takes_forms && !gate_check_csrf(&c->principal, c->head, err))
        return false;
    c->actor = gate_actor(&c->principal, c->head);
    /* A reply without it a shared cache may keep for a while and show to whoever asks next: where Authorization was sent it must not, of
     * a session's cookie it knows nothing (RFC 9111 sections 3.5 and 4.2.2). A handler may say no-store instead. */
    if (!principal_is_anonymous(&c->principal)) {
        http_reply_header(c->x, "Cache-Control", STR("private, no-cache"));
        http_reply_keep(c->x);
    }
    if (c->route->action != GATE_PROBE && !gate_throttle(c->api->gate, c->x, &c->principal, err))
        return false;
    if (!c->route->has_dataset)
        return gate_authorize(&c->principal, c->route->action, NULL, err);
    c->dataset = call_dataset(c, c->part[0], c->route->action, err);
    return c->dataset != NULL;
}

static bool body_fits(const struct call *c, uint64_t n, struct error *err)
{
    size_t max = c->route->handler->body_max;
    if (!is_gathered(c) || max == 0 || n <= max)
        return true;
    error_set(err, ERROR_BODY_TOO_LARGE, "The request body is too large; the limit is %zu bytes", max);
    error_data_i64(err, "limit", (int64_t)max);
    return false;
}

static void on_head(void *ctx, struct http_exchange *x)
{
    struct error err = {0};
    struct call *c = arena_zalloc(x->arena, sizeof *c);
    x->state = c;
    if (!c) {
        error_no_memory(&err);
        http_reply_error(x, &err);
        http_send(x);
        return;
    }
    c->api = ctx;
    c->x = x;
    c->head = x->head;
    c->arena = x->arena;

    /* First of all, whatever the path: who sent credentials in the clear must hear of it. None are looked at. */
    if (!c->head->secure && !gate_authenticate(c->api->gate, x, &c->principal, &err)) {
        call_reply_error(c, &err);
        return;
    }
    struct str allow;
    if (!router_match(c, &allow, &err)) {
        if (allow.n && c->head->method == HTTP_OPTIONS) {
            reply_options(c, allow);
            return;
        }
        if (allow.n)
            http_reply_header(x, "Allow", allow);
        call_reply_error(c, &err);
        return;
    }
    if (!c->head->secure && c->route->action != GATE_PROBE) {
        reply_plain(c);
        return;
    }
    if (!http_decode_query(c->head->query, c->arena, &c->query, &c->n_query, &err) || !admit(c, &err)) {
        call_reply_error(c, &err);
        return;
    }
    if (c->head->body_length_known && !body_fits(c, c->head->body_length, &err)) {
        call_reply_error(c, &err);
        return;
    }
    if (!is_gathered(c))
        c->route->handler->begin(c);
}

static void on_body(void *ctx, struct http_exchange *x, struct str bytes)
{
    struct call *c = x->state;
    struct error err = {0};
    (void)ctx;
    if (!is_gathered(c)) {
        c->route->handler->body(c, bytes);
        return;
    }
    if (c->route->handler->body_max == 0)
        return;
    if (!body_fits(c, c->body.n + bytes.n, &err)) {
        call_reply_error(c, &err);
        return;
    }
    buf_add_str(&c->body, bytes);
}

/* A body may take hours. What was allowed when it began must still be when it is complete: the user may be disabled, the
 * dataset deleted or another's by then (docs/wire/authentication.md, "Rights"). */
static bool still_allowed(struct call *c, struct error *err)
{
    bool reads = c->head->method == HTTP_GET || c->head->method == HTTP_HEAD;
    if (!c->head->has_body || reads)
        return true;
    if (!gate_still_good(c->api->gate, c->x, &c->principal, err))
        return false;
    if (!c->dataset)
        return gate_authorize(&c->principal, c->route->action, NULL, err);
    const struct dataset *d = call_dataset(c, str_from(c->dataset->id), c->route->action, err);
    dataset_release(d);
    return d != NULL;
}

static void on_end(void *ctx, struct http_exchange *x)
{
    struct call *c = x->state;
    struct error err = {0};
    (void)ctx;
    if (!still_allowed(c, &err)) {
        call_reply_error(c, &err);
    } else if (!is_gathered(c)) {
        c->route->handler->end(c);
    } else if (!buf_ok(&c->body)) {
        error_no_memory(&err);
        call_reply_error(c, &err);
    } else {
        c->route->handler->run(c);
    }
}

static void on_release(void *ctx, struct http_exchange *x)
{
    struct call *c = x->state;
    (void)ctx;
    if (!c)
        return;
    if (c->route && c->route->handler->release)
        c->route->handler->release(c);
    dataset_release(c->dataset);
    buf_free(&c->body);
}

struct http_app api_http_app(struct api *api)
{
    return (struct http_app){api, on_head, on_body, on_end, on_release, traffic_ended};
}
