/* How slow a client may be: docs/wire/http.md, "Time and number". */
#include "http/internal.h"

void rate_moved(struct connection *c, uint64_t n)
{
    c->rate.bytes += n;
}

void rate_pause(struct connection *c)
{
    if (c->rate.since_ms)
        c->rate.waited_ms += c->loop->now_ms - c->rate.since_ms;
    c->rate.since_ms = 0;
}

/* Waiting for the client from now on. False: a whole window has gone by with too little. */
bool rate_wait(struct connection *c)
{
    const struct http_limits *l = &c->server->config.limits;

    rate_pause(c);
    if (c->rate.waited_ms >= l->rate_window_ms) {
        if (c->rate.bytes < (uint64_t)l->rate_bytes_per_s * l->rate_window_ms / 1000)
            return false;
        c->rate = (struct rate){0};
    }
    c->rate.since_ms = c->loop->now_ms;
    loop_set_deadline(c, c->loop->now_ms + (l->rate_window_ms - c->rate.waited_ms));
    return true;
}
