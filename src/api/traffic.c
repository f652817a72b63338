/* Requests counted (traffic.h): a field of counters, a row a route, the last row for what no route answered. */
#include "api/traffic.h"

#include <stdio.h>

#include "api/access_log.h"
#include "api/refusal_log.h"
#include "base/log.h"
#include "base/metrics.h"

/* 0: the connection ended without a reply. The last is for one that is missing here, which a unit test keeps from happening. */
static const int statuses[] = {0,   200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 406, 408, 409,
                               410, 411, 412, 413, 414, 415, 416, 417, 421, 422, 428, 429, 431, 500, 501, 502, 503, 504, 505, 507, 599};
enum { STATUSES = sizeof statuses / sizeof *statuses };

static struct {
    atomic_uint_fast64_t ended[STATUSES];
    struct histogram seconds;
} counts[ROUTES + 1];

static unsigned place_of(int status)
{
    unsigned i = 0;
    while (i + 1 < STATUSES && statuses[i] != status)
        i++;
    return i;
}

static const char *method_name(enum http_method method)
{
    static const char *const names[] = {[HTTP_GET] = "GET",     [HTTP_HEAD] = "HEAD",     [HTTP_POST] = "POST",       [HTTP_PUT] = "PUT",
                                        [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE", [HTTP_OPTIONS] = "OPTIONS", [HTTP_OTHER] = ""};
    return names[method];
}

void traffic_ended(void *ctx, struct http_exchange *x, const struct http_end *end)
{
    const struct call *c = x ? x->state : NULL;
    unsigned route = c && c->route ? router_number(c->route) : ROUTES;
    const struct api *api = ctx;
    if (api && api->access_log)
        access_log_add(api->access_log, c, end);
    refusal_log(c, end);
    if (end->status == 500)
        log_line(LOG_ERROR, "request %s ended in status 500: %s %s", end->head->request_id, c && c->route ? method_name(c->route->method) : "",
                 c && c->route ? c->route->pattern : "");
    atomic_fetch_add_explicit(&counts[route].ended[place_of(end->status)], 1, memory_order_relaxed);
    histogram_add(&counts[route].seconds, end->us);
}

enum { LABELS_MAX = 256 };

static void write_labels(char ret[LABELS_MAX], unsigned i)
{
    const struct route *r = router_route(i);
    snprintf(ret, LABELS_MAX, "route=\"%s\",method=\"%s\"", r ? r->pattern : "", r ? method_name(r->method) : "");
}

void traffic_write(struct buf *out)
{
    char labels[LABELS_MAX], one[LABELS_MAX + 20];
    metrics_write_head(out, "seltzer_requests_total", "counter", "Requests by route, its method (HEAD counts as GET) and status of the reply");
    for (unsigned i = 0; i <= ROUTES; i++) {
        write_labels(labels, i);
        for (unsigned k = 0; k < STATUSES; k++) {
            uint64_t n = atomic_load_explicit(&counts[i].ended[k], memory_order_relaxed);
            snprintf(one, sizeof one, "%s,status=\"%d\"", labels, statuses[k]);
            if (n)
                metrics_write_u64(out, "seltzer_requests_total", one, n);
        }
    }
    metrics_write_head(out, "seltzer_request_seconds", "histogram", "From the end of a request's head until its reply was handed over");
    for (unsigned i = 0; i <= ROUTES; i++) {
        write_labels(labels, i);
        if (histogram_count(&counts[i].seconds))
            metrics_write_histogram(out, "seltzer_request_seconds", labels, &counts[i].seconds);
    }
}
