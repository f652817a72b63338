/* argon2id takes 16 ms and scripts send Basic with every call, so a verified password is remembered for a minute: as a
 * keyed hash under a key that never leaves the process, in a table of fixed size. Only good verdicts are kept. */
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

#include "gate/internal.h"

enum { WAYS = 4, SETS = VERDICTS_MAX / WAYS };

struct verdict {
    unsigned char digest[crypto_generichash_BYTES];
    uint64_t until_ms; /* 0: free */
};

struct verdicts {
    unsigned char key[crypto_generichash_KEYBYTES];
    pthread_mutex_t lock;
    struct verdict set[SETS][WAYS];
};

struct verdicts *verdicts_new(struct error *err)
{
    struct verdicts *v = calloc(1, sizeof *v);
    if (!v) {
        error_no_memory(err);
        return NULL;
    }
    randombytes_buf(v->key, sizeof v->key);
    pthread_mutex_init(&v->lock, NULL);
    return v;
}

void verdicts_free(struct verdicts *v)
{
    if (!v)
        return;
    pthread_mutex_destroy(&v->lock);
    sodium_memzero(v, sizeof *v);
    free(v);
}

/* Who, which password of his, and what was sent. */
static void digest_of(const struct verdicts *v, const struct user *user, struct str password, unsigned char ret[crypto_generichash_BYTES])
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, v->key, sizeof v->key, crypto_generichash_BYTES);
    crypto_generichash_update(&state, (const unsigned char *)user->id, sizeof user->id);
    crypto_generichash_update(&state, (const unsigned char *)&user->secret_version, sizeof user->secret_version);
    crypto_generichash_update(&state, (const unsigned char *)(password.p ? password.p : ""), password.n);
    crypto_generichash_final(&state, ret, crypto_generichash_BYTES);
}

static struct verdict *set_of(struct verdicts *v, const unsigned char *digest)
{
    return v->set[(digest[0] | (unsigned)digest[1] << 8) % SETS];
}

bool verdicts_has(struct verdicts *v, const struct user *user, struct str password, uint64_t now_ms)
{
    unsigned char digest[crypto_generichash_BYTES];
    bool found = false;
    digest_of(v, user, password, digest);
    pthread_mutex_lock(&v->lock);
    struct verdict *set = set_of(v, digest);
    for (int i = 0; i < WAYS; i++)
        found |= set[i].until_ms > now_ms && sodium_memcmp(set[i].digest, digest, sizeof digest) == 0;
    pthread_mutex_unlock(&v->lock);
    return found;
}

void verdicts_add(struct verdicts *v, const struct user *user, struct str password, uint64_t now_ms)
{
    unsigned char digest[crypto_generichash_BYTES];
    digest_of(v, user, password, digest);
    pthread_mutex_lock(&v->lock);
    struct verdict *set = set_of(v, digest), *oldest = set;
    for (int i = 1; i < WAYS; i++)
        if (set[i].until_ms < oldest->until_ms)
            oldest = &set[i];
    memcpy(oldest->digest, digest, sizeof digest);
    oldest->until_ms = now_ms + VERDICT_MS;
    pthread_mutex_unlock(&v->lock);
}
