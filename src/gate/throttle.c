/* The buckets (throttle.h). */
#include "gate/throttle.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

enum { WAYS = 8, SETS = THROTTLE_BUCKETS / WAYS };
static const uint64_t second_ns = 1000000000;

struct bucket {
    uint64_t key;
    uint64_t full_ns; /* when it is full again; in the past: as good as no bucket */
};

struct throttle {
    unsigned char secret[crypto_shorthash_KEYBYTES];
    pthread_mutex_t lock;
    struct bucket set[SETS][WAYS];
};

static const struct {
    const char *name;
    uint64_t rate, burst;
} kinds[THROTTLE_KINDS] = {
#define X(kind, name, rate, burst, whose) {name, rate, burst},
#include "gate/throttle.def"
#undef X
};

const char *throttle_name(enum throttle_kind kind)
{
    return kinds[kind].name;
}

/* ── policies ── */

struct throttle_policy throttle_policy_of(uint64_t per_second, uint64_t burst)
{
    if (per_second == 0 || burst == 0)
        return (struct throttle_policy){0};
    return (struct throttle_policy){second_ns / (per_second < THROTTLE_RATE_MAX ? per_second : THROTTLE_RATE_MAX), burst < THROTTLE_BURST_MAX ? burst : THROTTLE_BURST_MAX};
}

void throttle_defaults(struct throttle_policy ret[THROTTLE_KINDS])
{
    for (unsigned i = 0; i < THROTTLE_KINDS; i++)
        ret[i] = throttle_policy_of(kinds[i].rate, kinds[i].burst);
}

static bool refuse(struct str text, struct error *err)
{
    return error_set(err, ERROR_BAD_REQUEST,
                     "\"" FMT_STR "\" is no throttle: expected none, or address, loopback, app, user or publisher, then =none or =RATE or =RATE:BURST, with RATE a number up to "
                     "%d a second (/m: a minute, /h: an hour) and BURST one up to %d",
                     ARG_STR(str_head_utf8(text, 100)), THROTTLE_RATE_MAX, THROTTLE_BURST_MAX);
}

/* "10", "10/s", "600/m", "36000/h" */
static bool parse_rate(struct str text, uint64_t *ret_interval_ns)
{
    struct str number, unit;
    uint64_t n, per_ns = second_ns;
    if (str_cut(text, '/', &number, &unit)) {
        if (str_eq(unit, STR("m")))
            per_ns *= 60;
        else if (str_eq(unit, STR("h")))
            per_ns *= 3600;
        else if (!str_eq(unit, STR("s")))
            return false;
    }
    if (!str_to_u64(number, &n) || n == 0 || n > THROTTLE_RATE_MAX)
        return false;
    *ret_interval_ns = per_ns / n;
    return true;
}

static bool parse_policy(struct str text, struct throttle_policy *ret)
{
    struct str rate, burst;
    struct throttle_policy p = {0};
    if (str_eq(text, STR("none"))) {
        *ret = p;
        return true;
    }
    bool has_burst = str_cut(text, ':', &rate, &burst);
    if (!parse_rate(rate, &p.interval_ns))
        return false;
    p.burst = THROTTLE_USUAL_BURST_S * second_ns / p.interval_ns;
    if (has_burst && !str_to_u64(burst, &p.burst))
        return false;
    if (!has_burst && p.burst == 0)
        p.burst = 1;
    if (p.burst == 0 || p.burst > (has_burst ? THROTTLE_BURST_MAX : UINT64_MAX))
        return false;
    *ret = p;
    return true;
}

bool throttle_parse(struct str text, struct throttle_policy policies[THROTTLE_KINDS], struct error *err)
{
    struct str name, rest;
    if (str_eq(text, STR("none"))) {
        memset(policies, 0, THROTTLE_KINDS * sizeof *policies);
        return true;
    }
    if (!str_cut(text, '=', &name, &rest))
        return refuse(text, err);
    for (unsigned i = 0; i < THROTTLE_KINDS; i++)
        if (str_eq(name, str_from(kinds[i].name)))
            return parse_policy(rest, &policies[i]) || refuse(text, err);
    return refuse(text, err);
}

/* ── buckets ── */

struct throttle *throttle_new(struct error *err)
{
    struct throttle *t = calloc(1, sizeof *t);
    if (!t) {
        error_no_memory(err);
        return NULL;
    }
    randombytes_buf(t->secret, sizeof t->secret);
    pthread_mutex_init(&t->lock, NULL);
    return t;
}

void throttle_free(struct throttle *t)
{
    if (!t)
        return;
    pthread_mutex_destroy(&t->lock);
    free(t);
}

enum { ID_MAX = 64 };

/* An id that is too long is not cut: what tells it from others may be its end. */
static uint64_t key_of(const struct throttle *t, enum throttle_kind kind, struct str id)
{
    unsigned char text[1 + ID_MAX] = {(unsigned char)kind}, hash[crypto_shorthash_BYTES];
    uint64_t key;
    if (id.n > ID_MAX) {
        crypto_shorthash(hash, (const unsigned char *)id.p, id.n, t->secret);
        id = str_make((const char *)hash, sizeof hash);
    }
    memcpy(text + 1, id.n ? id.p : "", id.n);
    crypto_shorthash(hash, text, 1 + id.n, t->secret);
    memcpy(&key, hash, sizeof key);
    return key;
}

/* Its bucket, or the place of the one that is full first. */
static struct bucket *find(struct throttle *t, uint64_t key, uint64_t now_ns)
{
    struct bucket *set = t->set[key % SETS], *first = set;
    for (int i = 0; i < WAYS; i++) {
        if (set[i].key == key && set[i].full_ns > now_ns)
            return &set[i];
        if (set[i].full_ns < first->full_ns)
            first = &set[i];
    }
    return first;
}

bool throttle_take(struct throttle *t, enum throttle_kind kind, struct str id, const struct throttle_policy *policy, uint64_t now_ns, struct throttle_state *ret)
{
    const uint64_t interval = policy->interval_ns, most = interval * policy->burst, key = key_of(t, kind, id);
    pthread_mutex_lock(&t->lock);
    struct bucket *b = find(t, key, now_ns);
    uint64_t missing = b->key == key && b->full_ns > now_ns ? b->full_ns - now_ns : 0;
    if (missing > most) { /* the policy was changed to a smaller one */
        missing = most;
        b->full_ns = now_ns + missing;
    }
    bool taken = missing + interval <= most;
    if (taken) {
        missing += interval;
        *b = (struct bucket){key, now_ns + missing};
    }
    pthread_mutex_unlock(&t->lock);
    ret->left = (most - missing) / interval;
    ret->next_ns = missing - (most - (ret->left + 1) * interval);
    return taken;
}
