/* Working ahead on the pool (ahead.h). */
#include "ingest/ahead.h"

#include <pthread.h>
#include <stdlib.h>

struct ahead {
    struct job job; /* first: the pool hands it back */
    struct pool *pool;
    struct stage *stage;
    struct store_ahead *build;
    uint64_t seen; /* settled bytes at the last nudge that counted; the upload's thread alone */
    pthread_mutex_t lock;
    pthread_cond_t moved;
    enum { IDLE, QUEUED, RUNNING } state;
    bool claimed, abandoned;
};

static void free_all(struct ahead *a)
{
    store_ahead_free(a->build);
    stage_free(a->stage);
    pthread_cond_destroy(&a->moved);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

static void step(struct job *job)
{
    struct ahead *a = (struct ahead *)job;
    pthread_mutex_lock(&a->lock);
    bool wanted = !a->claimed && !a->abandoned;
    a->state = RUNNING;
    pthread_mutex_unlock(&a->lock);

    bool more = wanted && store_ahead_step(a->build, AHEAD_STEP_BYTES);

    pthread_mutex_lock(&a->lock);
    bool again = more && !a->claimed && !a->abandoned, last = a->abandoned;
    a->state = again ? QUEUED : IDLE;
    pthread_cond_broadcast(&a->moved);
    if (again)
        pool_submit(a->pool, &a->job);
    pthread_mutex_unlock(&a->lock);
    if (last)
        free_all(a);
}

struct ahead *ahead_new(struct store *s, struct pool *pool, const struct dataset *d, struct stage *stage, const struct ahead_rows *rows)
{
    struct ahead *a = calloc(1, sizeof *a);
    if (!a || !(a->build = store_ahead_new(s, d, stage, rows))) {
        free(a);
        return NULL;
    }
    a->job.run = step;
    a->pool = pool;
    a->stage = stage;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->moved, NULL);
    return a;
}

void ahead_nudge(struct ahead *a)
{
    uint64_t settled = stage_settled(a->stage);
    if (settled - a->seen < AHEAD_EACH_BYTES)
        return;
    pthread_mutex_lock(&a->lock);
    if (a->state == IDLE) {
        a->seen = settled;
        a->state = QUEUED;
        pool_submit(a->pool, &a->job);
    }
    pthread_mutex_unlock(&a->lock);
}

struct store_ahead *ahead_claim(struct ahead *a)
{
    pthread_mutex_lock(&a->lock);
    a->claimed = true;
    while (a->state == RUNNING)
        pthread_cond_wait(&a->moved, &a->lock);
    pthread_mutex_unlock(&a->lock);
    return a->build;
}

void ahead_free(struct ahead *a)
{
    if (!a)
        return;
    pthread_mutex_lock(&a->lock);
    a->abandoned = true;
    bool idle = a->state == IDLE;
    pthread_mutex_unlock(&a->lock);
    if (idle)
        free_all(a);
}
