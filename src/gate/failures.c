/* Failed log-ins are counted, so that guessing becomes slow and nobody is locked out for good (docs/wire/authentication.md).
 *
 * Three counters can stand before a password is looked at:
 *
 *     the account, for addresses where it never logged in      the address, whatever the account
 *     account and address together, where it did log in: then this one alone counts
 *
 * so that a flood of guesses against an account, or from behind a shared address, does not keep its owner out at the place
 * where he works. A try is counted as a failure when it begins, or many at once would all pass; when it turns out good it is
 * taken back. Tables of fixed size under a keyed hash: nobody can aim at a place in them. A full set forgets the smallest
 * count first, so a flood of made-up names does not push out the name that is attacked. */
#include <arpa/inet.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

#include "gate/internal.h"

enum { WAYS = 8, SETS = FAILURES_MAX / WAYS, KEY_BYTES = 16, ADDRESS_DECAY_MS = 10000 };

struct failure {
    unsigned char key[KEY_BYTES];
    uint32_t count;
    uint64_t last_ms, until_ms; /* the last try; when the next is looked at */
};

struct acquaintance {
    unsigned char key[KEY_BYTES];
    uint64_t last_ms; /* 0: free */
};

struct failures {
    unsigned char secret[crypto_generichash_KEYBYTES];
    pthread_mutex_t lock;
    struct failure set[SETS][WAYS];
    struct acquaintance known[SETS][WAYS];
};

struct failures *failures_new(struct error *err)
{
    struct failures *f = calloc(1, sizeof *f);
    if (!f) {
        error_no_memory(err);
        return NULL;
    }
    randombytes_buf(f->secret, sizeof f->secret);
    pthread_mutex_init(&f->lock, NULL);
    return f;
}

void failures_free(struct failures *f)
{
    if (!f)
        return;
    pthread_mutex_destroy(&f->lock);
    free(f);
}

/* ── keys ── */

/* Who holds one IPv6 address holds its /64. */
static struct str network_of(const char *peer, unsigned char room[16])
{
    if (inet_pton(AF_INET6, peer, room) == 1)
        return str_make((const char *)room, 8);
    return str_from(peer);
}

static void key_of(const struct failures *f, char kind, struct str account, struct str network, unsigned char ret[KEY_BYTES])
{
    const uint64_t n = account.n;
    crypto_generichash_state state;
    crypto_generichash_init(&state, f->secret, sizeof f->secret, KEY_BYTES);
    crypto_generichash_update(&state, (const unsigned char *)&kind, 1);
    crypto_generichash_update(&state, (const unsigned char *)&n, sizeof n);
    crypto_generichash_update(&state, (const unsigned char *)(account.n ? account.p : ""), account.n);
    crypto_generichash_update(&state, (const unsigned char *)(network.n ? network.p : ""), network.n);
    crypto_generichash_final(&state, ret, KEY_BYTES);
}

static unsigned place_of(const unsigned char *key)
{
    return (key[0] | (unsigned)key[1] << 8) % SETS;
}

/* ── the tables, under the lock ── */

static struct failure *find(struct failures *f, const unsigned char *key, uint64_t now_ms)
{
    struct failure *set = f->set[place_of(key)];
    for (int i = 0; i < WAYS; i++)
        if (set[i].count && memcmp(set[i].key, key, KEY_BYTES) == 0 && now_ms - set[i].last_ms < FAILURES_KEPT_MS)
            return &set[i];
    return NULL;
}

static bool matters_less(const struct failure *a, const struct failure *b)
{
    return a->count != b->count ? a->count < b->count : a->last_ms < b->last_ms;
}

static struct failure *find_or_make(struct failures *f, const unsigned char *key, uint64_t now_ms)
{
    struct failure *have = find(f, key, now_ms), *set = f->set[place_of(key)], *least = set;
    if (have)
        return have;
    for (int i = 0; i < WAYS; i++) {
        if (now_ms - set[i].last_ms >= FAILURES_KEPT_MS)
            set[i].count = 0;
        if (matters_less(&set[i], least))
            least = &set[i];
    }
    *least = (struct failure){.last_ms = now_ms};
    memcpy(least->key, key, KEY_BYTES);
    return least;
}

static struct acquaintance *find_known(struct failures *f, const unsigned char *key, uint64_t now_ms)
{
    struct acquaintance *set = f->known[place_of(key)];
    for (int i = 0; i < WAYS; i++)
        if (set[i].last_ms && memcmp(set[i].key, key, KEY_BYTES) == 0 && now_ms - set[i].last_ms < KNOWN_KEPT_MS)
            return &set[i];
    return NULL;
}

static void make_known(struct failures *f, const unsigned char *key, uint64_t now_ms)
{
    struct acquaintance *have = find_known(f, key, now_ms), *set = f->known[place_of(key)];
    for (int i = 0; !have && i < WAYS; i++)
        if (!set[i].last_ms)
            have = &set[i];
    for (int i = 0; !have && i < WAYS; i++)
        if (i == 0 || set[i].last_ms < set[0].last_ms)
            have = &set[i];
    memcpy(have->key, key, KEY_BYTES);
    have->last_ms = now_ms ? now_ms : 1;
}

/* ── tries ── */

static unsigned delay_s(uint32_t count)
{
    uint32_t beyond = count > FAILURES_FREE ? count - FAILURES_FREE : 0;
    return beyond == 0 ? 0 : beyond > 6 ? BACK_OFF_MAX_S : 1u << (beyond - 1);
}

/* An address may be that of many: its count falls with time, not with somebody's success, which an attacker could have too. */
static void decay(struct failure *address, uint64_t now_ms)
{
    uint64_t fall = (now_ms - address->last_ms) / ADDRESS_DECAY_MS;
    address->count = fall >= address->count ? 0 : address->count - (uint32_t)fall;
}

static void count(struct failure *one, uint64_t now_ms)
{
    if (one->count < UINT32_MAX)
        one->count++;
    one->last_ms = now_ms;
    one->until_ms = now_ms + 1000u * delay_s(one->count);
}

static uint64_t wait_ms(const struct failure *one, uint64_t now_ms)
{
    return one && one->until_ms > now_ms ? one->until_ms - now_ms : 0;
}

bool failures_begin(struct failures *f, struct str account, const char *peer, uint64_t now_ms, struct log_in_try *ret, unsigned *ret_wait_s)
{
    unsigned char room[16], account_key[KEY_BYTES];
    struct str network = network_of(peer, room);
    *ret = (struct log_in_try){0};
    key_of(f, 'k', account, network, ret->pair);
    key_of(f, 'a', account, STR_NONE, account_key);
    key_of(f, 'n', STR_NONE, network, ret->network);
    pthread_mutex_lock(&f->lock);
    ret->known = find_known(f, ret->pair, now_ms);
    memcpy(ret->account, ret->known ? ret->pair : account_key, KEY_BYTES);
    uint64_t wait = wait_ms(find(f, ret->account, now_ms), now_ms);
    uint64_t other = ret->known ? 0 : wait_ms(find(f, ret->network, now_ms), now_ms);
    wait = other > wait ? other : wait;
    if (wait == 0) {
        struct failure *one = find_or_make(f, ret->account, now_ms);
        count(one, now_ms);
        ret->count = one->count;
        if (!ret->known) {
            one = find_or_make(f, ret->network, now_ms);
            decay(one, now_ms);
            count(one, now_ms);
        }
    }
    pthread_mutex_unlock(&f->lock);
    *ret_wait_s = (unsigned)((wait + 999) / 1000);
    return wait == 0;
}

static void take_back(struct failure *one)
{
    if (one && one->count && --one->count <= FAILURES_FREE)
        one->until_ms = 0;
}

void failures_end(struct failures *f, const struct log_in_try *t, enum log_in_end end, uint64_t now_ms)
{
    if (end == LOG_IN_WRONG)
        return;
    pthread_mutex_lock(&f->lock);
    struct failure *account = find(f, t->account, now_ms), *network = t->known ? NULL : find(f, t->network, now_ms);
    take_back(network);
    if (end == LOG_IN_UNDECIDED) {
        take_back(account);
    } else {
        if (account)
            account->count = 0;
        make_known(f, t->pair, now_ms);
    }
    pthread_mutex_unlock(&f->lock);
}
