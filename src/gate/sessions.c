/* Sessions of people who logged in on a page: in memory, in a table of fixed size, under the SHA-256 of the cookie's secret. A
 * restart ends them all. A full set forgets the one that was used longest ago; one user has so many at most that he cannot
 * push out everybody else's. */
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

#include "gate/internal.h"

enum { WAYS = 8, SETS = SESSIONS_MAX / WAYS };

struct session {
    unsigned char hash[SECRET_HASH_BYTES];
    char user[USER_ID_LENGTH + 1]; /* empty: free */
    int64_t secret_version;        /* of the password it was opened with */
    uint64_t opened_ms, used_ms;
};

struct sessions {
    pthread_mutex_t lock;
    struct session all[SESSIONS_MAX]; /* in sets of WAYS */
};

struct sessions *sessions_new(struct error *err)
{
    struct sessions *s = calloc(1, sizeof *s);
    if (!s) {
        error_no_memory(err);
        return NULL;
    }
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

void sessions_free(struct sessions *s)
{
    if (!s)
        return;
    pthread_mutex_destroy(&s->lock);
    free(s);
}

static struct session *set_of(struct sessions *s, const unsigned char *hash)
{
    return &s->all[(size_t)((hash[0] | (unsigned)hash[1] << 8) % SETS) * WAYS];
}

static bool is_over(const struct session *one, uint64_t now_ms)
{
    return !*one->user || now_ms - one->opened_ms >= SESSION_MS || now_ms - one->used_ms >= SESSION_IDLE_MS;
}

/* With `lock` held: the user's oldest goes when there are as many as he may have. */
static void make_room(struct sessions *s, const char *user, uint64_t now_ms)
{
    struct session *oldest = NULL;
    unsigned n = 0;
    for (struct session *one = s->all; one < s->all + SESSIONS_MAX; one++) {
        if (is_over(one, now_ms) || strcmp(one->user, user) != 0)
            continue;
        n++;
        if (!oldest || one->used_ms < oldest->used_ms)
            oldest = one;
    }
    if (n >= SESSIONS_OF_USER_MAX)
        *oldest = (struct session){0};
}

void sessions_add(struct sessions *s, struct str secret, const struct user *user, uint64_t now_ms)
{
    struct session fresh = {.secret_version = user->secret_version, .opened_ms = now_ms, .used_ms = now_ms};
    secret_hash(secret, fresh.hash);
    memcpy(fresh.user, user->id, sizeof fresh.user);
    pthread_mutex_lock(&s->lock);
    make_room(s, user->id, now_ms);
    struct session *set = set_of(s, fresh.hash), *to = set;
    for (int i = 1; i < WAYS && !is_over(to, now_ms); i++)
        if (is_over(&set[i], now_ms) || set[i].used_ms < to->used_ms)
            to = &set[i];
    *to = fresh;
    pthread_mutex_unlock(&s->lock);
}

/* With `lock` held. */
static struct session *find(struct sessions *s, struct str secret)
{
    unsigned char hash[SECRET_HASH_BYTES];
    struct session *found = NULL;
    if (!secret_looks_like(secret, SECRET_SESSION))
        return NULL;
    secret_hash(secret, hash);
    struct session *set = set_of(s, hash);
    for (int i = 0; i < WAYS; i++)
        if (*set[i].user && secret_hash_is(set[i].hash, hash))
            found = &set[i];
    return found;
}

bool sessions_find(struct sessions *s, struct str secret, uint64_t now_ms, struct session_found *ret)
{
    pthread_mutex_lock(&s->lock);
    struct session *one = find(s, secret);
    bool good = one && !is_over(one, now_ms);
    if (good) {
        one->used_ms = now_ms;
        memcpy(ret->user, one->user, sizeof ret->user);
        ret->secret_version = one->secret_version;
        sodium_bin2hex(ret->id, sizeof ret->id, one->hash, sizeof ret->id / 2);
    }
    pthread_mutex_unlock(&s->lock);
    return good;
}

void sessions_end(struct sessions *s, struct str secret)
{
    pthread_mutex_lock(&s->lock);
    struct session *one = find(s, secret);
    if (one)
        *one = (struct session){0};
    pthread_mutex_unlock(&s->lock);
}
