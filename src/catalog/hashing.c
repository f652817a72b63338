/* Threads that hash passwords, so many as half of the processors, and behind everybody else: a hash takes 16 ms and 19 MiB, and whoever
 * guesses passwords from many addresses asks for as many as he likes. Where requests run, those of who is signed in already would
 * wait for the processor behind his. */
#include <stdlib.h>
#include <unistd.h>

#include "base/pool.h"
#include "catalog/internal.h"

enum { HASHING_NICE = 10 };

struct hashing {
    struct pool *pool;
    unsigned threads;
    atomic_uint n; /* under way or waiting */
};

struct hash_job {
    struct job job; /* first */
    void (*f)(void *ctx);
    void *ctx;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
};

struct hashing *hashing_new(struct error *err)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct hashing *h = calloc(1, sizeof *h);
    if (!h) {
        error_no_memory(err);
        return NULL;
    }
    h->threads = cores > 2 ? (unsigned)cores / 2 : 1;
    h->pool = pool_new(h->threads, "log-in", err);
    if (h->pool)
        return h;
    free(h);
    return NULL;
}

void hashing_free(struct hashing *h)
{
    if (h)
        pool_free(h->pool);
    free(h);
}

static void run(struct job *job)
{
    static _Thread_local bool is_lowered;
    struct hash_job *j = (struct hash_job *)(void *)job;
    if (!is_lowered)
        is_lowered = nice(HASHING_NICE) != 0; /* of this thread alone, as Linux has it; nobody is kept from being nicer */
    j->f(j->ctx);
    pthread_mutex_lock(&j->lock);
    j->done = true;
    pthread_cond_signal(&j->changed);
    pthread_mutex_unlock(&j->lock);
}

/* Who waits here does not keep a worker from others. */
static void run_there(struct hashing *h, void (*f)(void *ctx), void *ctx)
{
    struct hash_job j = {.job = {.run = run}, .f = f, .ctx = ctx};
    pthread_mutex_init(&j.lock, NULL);
    pthread_cond_init(&j.changed, NULL);
    pool_wait_begin();
    pool_submit(h->pool, &j.job);
    pthread_mutex_lock(&j.lock);
    while (!j.done)
        pthread_cond_wait(&j.changed, &j.lock);
    pthread_mutex_unlock(&j.lock);
    pool_wait_end();
    pthread_cond_destroy(&j.changed);
    pthread_mutex_destroy(&j.lock);
}

bool hashing_run(struct hashing *h, void (*f)(void *ctx), void *ctx, struct error *err)
{
    bool ok = atomic_fetch_add(&h->n, 1) < h->threads + HASHING_WAITERS_MAX;
    if (ok) {
        run_there(h, f, ctx);
    } else {
        error_set(err, ERROR_TOO_MANY_REQUESTS, "too many log-ins at once, try again in a second");
        err->retry_after_s = 1;
    }
    atomic_fetch_sub(&h->n, 1);
    return ok;
}
