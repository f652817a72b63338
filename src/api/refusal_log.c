#include "api/refusal_log.h"

#include <pthread.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"

bool refusal_quota_take(struct refusal_quota *q, uint64_t now_ms, uint64_t *ret_left_out)
{
    uint64_t second = now_ms / 1000;
    if (second != q->second) {
        q->second = second;
        q->lines = 0;
    }
    if (q->lines == REFUSAL_LINES_A_SECOND) {
        q->left_out++;
        return false;
    }
    q->lines++;
    *ret_left_out = q->left_out;
    q->left_out = 0;
    return true;
}

static bool is_refusal(int status)
{
    return status == 401 || status == 403 || status == 429;
}

/* The route, not the path: a path may hold what somebody typed into the wrong field. */
void refusal_log(const struct call *c, const struct http_end *end)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct refusal_quota quota;
    uint64_t left_out = 0;
    char more[64] = "";
    if (!is_refusal(end->status))
        return;
    pthread_mutex_lock(&lock);
    bool told = refusal_quota_take(&quota, clock_mono_ms(), &left_out);
    pthread_mutex_unlock(&lock);
    if (!told)
        return;
    if (left_out)
        snprintf(more, sizeof more, "; %llu others were not logged", (unsigned long long)left_out);
    const char *user = c && c->actor.user && c->actor.user[0] ? c->actor.user : "nobody";
    const char *via = c && c->actor.via && c->actor.via[0] ? c->actor.via : "no credentials that are good";
    log_line(LOG_WARN, "refused with %d: %s by %s from %s, request %s: " FMT_STR " %s%s%s%s", end->status, user, via, end->head->peer, end->head->request_id,
             ARG_STR(str_head_utf8(end->head->method_text, 20)), c && c->route ? c->route->pattern : "no route", c && c->dataset ? " of dataset " : "",
             c && c->dataset ? c->dataset->id : "", more);
}
