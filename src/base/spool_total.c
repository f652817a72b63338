/* The sums (spool_total.h). Memory is asked for with every reply, so it is counted without a lock. */
#include "base/spool_total.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { RETRY_AFTER_S = 5 };

struct spool_total {
    struct spool_total_config config;
    atomic_uint_fast64_t memory;
    pthread_mutex_t lock;
    pthread_cond_t given_back;
    uint64_t file;
    unsigned waiting;
    uint64_t waiting_own; /* what those who wait hold themselves: none of it comes back while they wait */
};

struct spool_total *spool_total_new(const struct spool_total_config *config, struct error *err)
{
    struct spool_total *t = calloc(1, sizeof(*t));
    pthread_condattr_t attributes;

    if (!t) {
        error_no_memory(err);
        return NULL;
    }
    t->config = *config;
    pthread_mutex_init(&t->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&t->given_back, &attributes);
    pthread_condattr_destroy(&attributes);
    return t;
}

void spool_total_free(struct spool_total *t)
{
    if (!t)
        return;
    pthread_cond_destroy(&t->given_back);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

bool spool_total_take_memory(struct spool_total *t, uint64_t n)
{
    uint64_t had = atomic_fetch_add(&t->memory, n);

    if (had + n <= t->config.memory_max)
        return true;
    atomic_fetch_sub(&t->memory, n);
    return false;
}

void spool_total_give_memory(struct spool_total *t, uint64_t n)
{
    atomic_fetch_sub(&t->memory, n);
}

static bool fits(const struct spool_total *t, uint64_t n)
{
    return t->file <= t->config.file_max && n <= t->config.file_max - t->file;
}

/* Under the lock. False: it was in vain. */
static bool wait_for_room(struct spool_total *t, uint64_t n, uint64_t own)
{
    struct timespec until;

    if (t->waiting >= t->config.waiting_max)
        return false;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += t->config.wait_ms / 1000;
    until.tv_nsec += (long)(t->config.wait_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    t->waiting++;
    t->waiting_own += own;
    while (!fits(t, n) && t->file > t->waiting_own && pthread_cond_timedwait(&t->given_back, &t->lock, &until) != ETIMEDOUT)
        ;
    t->waiting--;
    t->waiting_own -= own;
    return fits(t, n);
}

bool spool_total_take_file(struct spool_total *t, uint64_t n, uint64_t own, struct error *err)
{
    bool ok;

    pthread_mutex_lock(&t->lock);
    ok = fits(t, n) || wait_for_room(t, n, own);
    if (ok)
        t->file += n;
    pthread_mutex_unlock(&t->lock);
    if (ok)
        return true;
    error_set(err, ERROR_SCRATCH_BUSY, "the %" PRIu64 " bytes of the scratch area that replies may use in all are taken by replies which their clients "
                                       "have yet to read; try again later, or ask for fewer rows at once",
              t->config.file_max);
    err->retry_after_s = RETRY_AFTER_S;
    return false;
}

void spool_total_give_file(struct spool_total *t, uint64_t n)
{
    if (n == 0)
        return;
    pthread_mutex_lock(&t->lock);
    t->file -= n;
    if (t->waiting)
        pthread_cond_broadcast(&t->given_back);
    pthread_mutex_unlock(&t->lock);
}

void spool_total_used(struct spool_total *t, uint64_t *ret_memory, uint64_t *ret_file, unsigned *ret_waiting)
{
    *ret_memory = atomic_load(&t->memory);
    pthread_mutex_lock(&t->lock);
    *ret_file = t->file;
    *ret_waiting = t->waiting;
    pthread_mutex_unlock(&t->lock);
}
