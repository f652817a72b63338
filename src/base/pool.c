/* Worker threads over one queue. A mutex and a condition are enough: a job here is a parsed slice, a query or a file
 * operation, each thousands of times dearer than the lock. */
#include "base/pool.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct job *first, **last;
    size_t n_waiting;
    unsigned n_idle; /* threads without a job: a submit signals only when there is one */
    unsigned n_active, active_max; /* with one that does not wait */
    bool stopping;
    char name[16];
    unsigned n_threads, threads_max;
    pthread_t threads[];
};

static _Thread_local struct pool *mine; /* whose job this thread runs */

enum { WORKERS_MAX = 1024 };

static void *work(void *arg);

/* Signals are the main thread's: workers inherit a mask that takes none. */
static int add_thread(struct pool *p)
{
    sigset_t all, before;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&p->threads[p->n_threads], NULL, work, p);
    if (rc == 0)
        p->n_threads++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

static bool may_take(const struct pool *p)
{
    return p->first && p->n_active < p->active_max;
}

/* One job is done: who was kept from the next because enough worked may take it now, or hears that it is the end. */
static void end_job(struct pool *p)
{
    p->n_active--;
    if (p->stopping)
        pthread_cond_broadcast(&p->wake);
}

/* Waits for a job; NULL when the pool stops and none is left. */
static struct job *take(struct pool *p, bool after_another)
{
    struct job *job;

    pthread_mutex_lock(&p->lock);
    if (after_another)
        end_job(p);
    while (!may_take(p) && !(p->stopping && !p->first)) {
        p->n_idle++;
        pthread_cond_wait(&p->wake, &p->lock);
        p->n_idle--;
    }
    job = p->first;
    if (job) {
        p->first = job->next;
        p->n_waiting--;
        p->n_active++;
        if (!p->first)
            p->last = &p->first;
    }
    pthread_mutex_unlock(&p->lock);
    return job;
}

static void *work(void *arg)
{
    struct pool *p = arg;
    struct job *job;

    pthread_setname_np(pthread_self(), p->name);
    mine = p;
    for (bool another = false; (job = take(p, another)); another = true)
        job->run(job); /* the job may be gone afterwards */
    return NULL;
}

/* Without a thread to spare it is as it would be without the call. */
void pool_wait_begin(void)
{
    struct pool *p = mine;

    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->n_active--;
    if (p->n_idle == 0 && p->n_threads < p->threads_max && !p->stopping)
        (void)add_thread(p);
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
}

/* One more than should may work for the rest of a job. */
void pool_wait_end(void)
{
    struct pool *p = mine;

    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->n_active++;
    pthread_mutex_unlock(&p->lock);
}

struct pool *pool_new(unsigned workers, const char *name, struct error *err)
{
    struct pool *p;
    int rc = 0;

    if (workers == 0)
        workers = 1;
    if (workers > WORKERS_MAX)
        workers = WORKERS_MAX;
    p = calloc(1, sizeof(*p) + (workers + POOL_SPARES_MAX) * sizeof(p->threads[0]));
    if (!p) {
        error_no_memory(err);
        return NULL;
    }
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    p->last = &p->first;
    snprintf(p->name, sizeof(p->name), "%s", name ? name : "worker");
    p->active_max = workers;
    p->threads_max = workers + POOL_SPARES_MAX;
    pthread_mutex_lock(&p->lock);
    while (p->n_threads < workers && rc == 0)
        rc = add_thread(p);
    pthread_mutex_unlock(&p->lock);
    if (rc == 0)
        return p;
    error_from_errno(err, rc, "start worker threads");
    pool_free(p);
    return NULL;
}

void pool_submit(struct pool *p, struct job *job)
{
    bool someone_waits;

    job->next = NULL;
    pthread_mutex_lock(&p->lock);
    *p->last = job;
    p->last = &job->next;
    p->n_waiting++;
    someone_waits = p->n_idle > 0;
    pthread_mutex_unlock(&p->lock);
    if (someone_waits)
        pthread_cond_signal(&p->wake);
}

size_t pool_waiting(struct pool *p)
{
    size_t n;

    pthread_mutex_lock(&p->lock);
    n = p->n_waiting;
    pthread_mutex_unlock(&p->lock);
    return n;
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->n_threads; i++)
        pthread_join(p->threads[i], NULL);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
