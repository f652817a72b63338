/* Who pays for a request, and what he is told of what he has left (docs/wire/http.md, "Throttling"; draft-ietf-httpapi-ratelimit-headers). */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "catalog/apps.h"
#include "gate/internal.h"

struct payer {
    enum throttle_kind kind;
    struct str id;
    struct throttle_policy policy;
};
enum { PAYERS_MAX = 2 };

static uint64_t seconds_up(uint64_t ns)
{
    return (ns + 999999999) / 1000000000;
}

static void tell(struct http_exchange *x, const struct payer *p, const struct throttle_state *state)
{
    char text[128];
    uint64_t window_s = seconds_up(p->policy.burst * p->policy.interval_ns);
    snprintf(text, sizeof text, "\"%s\";q=%" PRIu64 ";w=%" PRIu64, throttle_name(p->kind), p->policy.burst, window_s ? window_s : 1);
    http_reply_header(x, "RateLimit-Policy", str_from(text));
    snprintf(text, sizeof text, "\"%s\";r=%" PRIu64 ";t=%" PRIu64, throttle_name(p->kind), state->left, seconds_up(state->next_ns));
    http_reply_header(x, "RateLimit", str_from(text));
    http_reply_keep(x); /* a reply that becomes an error half-way was counted all the same */
}

static bool refuse(struct http_exchange *x, const struct payer *p, const struct throttle_state *state, struct error *err)
{
    static const char *const whom[THROTTLE_KINDS] = {
        [THROTTLE_ADDRESS] = "from this address; whoever signs in, or sends the token of a registered application, may ask more often",
        [THROTTLE_LOOPBACK] = "from this machine",
        [THROTTLE_APP] = "with this application's token",
        [THROTTLE_USER] = "of this user",
        [THROTTLE_PUBLISHER] = "of this user",
    };
    uint64_t wait_s = seconds_up(state->next_ns);
    tell(x, p, state);
    metrics_add(METRIC_THROTTLED_ADDRESS + p->kind, 1);
    error_set(err, ERROR_TOO_MANY_REQUESTS, "too many requests %s: try again in %" PRIu64 " s; nothing was done", whom[p->kind], wait_s);
    error_data_str(err, "throttle", str_from(throttle_name(p->kind)));
    error_data_i64(err, "limit", (int64_t)p->policy.burst);
    err->retry_after_s = (uint32_t)wait_s;
    return false;
}

/* The first who can, pays. */
static bool charge(struct throttle *t, struct http_exchange *x, const struct payer *payers, size_t n, struct error *err)
{
    struct throttle_state state[PAYERS_MAX];
    uint64_t now_ns = clock_mono_us() * 1000;
    size_t soonest = 0;
    for (size_t i = 0; i < n; i++)
        if (payers[i].policy.burst == 0)
            return true;
    for (size_t i = 0; i < n; i++) {
        if (throttle_take(t, payers[i].kind, payers[i].id, &payers[i].policy, now_ns, &state[i])) {
            tell(x, &payers[i], &state[i]);
            return true;
        }
        if (state[i].next_ns < state[soonest].next_ns)
            soonest = i;
    }
    return refuse(x, &payers[soonest], &state[soonest], err);
}

static struct payer payer_of_address(const struct limits *l, const char *peer, unsigned char room[16])
{
    enum throttle_kind kind = strncmp(peer, "127.", 4) == 0 || strcmp(peer, "::1") == 0 ? THROTTLE_LOOPBACK : THROTTLE_ADDRESS;
    bool is_v6 = inet_pton(AF_INET6, peer, room) == 1; /* who holds one holds its /64 */
    return (struct payer){kind, is_v6 ? str_make((const char *)room, 8) : str_from(peer), l->policies[kind]};
}

/* A key or token that may only read is not a publisher's at work, whoever it belongs to. */
static struct payer payer_of_user(const struct limits *l, const struct principal *p)
{
    bool writes = p->user.role >= ROLE_EDITOR && (p->scope.rights & ~(unsigned)KEY_READ);
    enum throttle_kind kind = writes ? THROTTLE_PUBLISHER : THROTTLE_USER;
    return (struct payer){kind, str_from(p->user.id), l->policies[kind]};
}

/* What its own setting leaves open is as usual. */
static struct throttle_policy policy_of_app(const struct app *app, const struct throttle_policy *usual)
{
    struct throttle_policy p = *usual;
    if (app->requests_per_s >= 0)
        p = throttle_policy_of((uint64_t)app->requests_per_s, (uint64_t)app->requests_per_s * THROTTLE_USUAL_BURST_S);
    if (app->burst >= 0 && p.burst)
        p.burst = app->burst < THROTTLE_BURST_MAX ? (uint64_t)app->burst : THROTTLE_BURST_MAX;
    return p;
}

/* Anybody who can sign in may register applications: those of one who is not trusted with the site's data share a bucket, or he would
 * have a hundred. Not one to which the administrator gave a limit of its own. */
static bool shares(const struct app *app, struct catalog *catalog, bool *ret, struct error *err)
{
    struct user owner;
    bool found = false;
    *ret = false;
    if (!*app->owner || app->requests_per_s >= 0 || app->burst >= 0)
        return true;
    if (!catalog_user_by_id(catalog, app->owner, &owner, &found, err))
        return false;
    *ret = found && owner.role < ROLE_EDITOR;
    return true;
}

/* Of a token that is registered; any other is as none, or everybody would make up his own. */
static bool payer_of_app(const struct limits *l, struct catalog *catalog, struct str token, struct arena *a, struct payer *ret, bool *ret_is, struct error *err)
{
    struct app app;
    bool shared;
    if (!gate_app(catalog, token, a, &app, ret_is, err))
        return false;
    if (!*ret_is)
        return true;
    if (!shares(&app, catalog, &shared, err))
        return false;
    char *owner = shared ? arena_printf(a, "owner %s", app.owner) : NULL;
    *ret = (struct payer){THROTTLE_APP, owner ? str_from(owner) : token, policy_of_app(&app, &l->policies[THROTTLE_APP])};
    return true;
}

static bool is_off(const struct limits *l)
{
    for (unsigned i = 0; i < THROTTLE_KINDS; i++)
        if (l->policies[i].burst)
            return false;
    return true;
}

/* The application pays for whoever uses it, and when it has nothing left everybody pays for himself: a token that is public, as those in
 * a page's script are, can be emptied by anybody, which is not to stop the others. */
bool limits_charge(const struct limits *l, struct catalog *catalog, struct http_exchange *x, const struct principal *p, struct error *err)
{
    struct payer payers[PAYERS_MAX];
    unsigned char room[16];
    bool has_app;
    if (is_off(l))
        return true;
    if (!payer_of_app(l, catalog, p->app_token, x->arena, &payers[0], &has_app, err))
        return false;
    size_t n = has_app;
    if (principal_is_anonymous(p))
        payers[n++] = payer_of_address(l, x->head->peer, room);
    else
        payers[n++] = payer_of_user(l, p);
    return charge(l->throttle, x, payers, n, err);
}
