/* Worker threads, so many of which work at once, and one queue of jobs, first in first out. A job is embedded in its owner: no memory is
 * needed to submit. Jobs may block (disk, locks). pool_free waits for queued jobs.
 *
 * A job that waits for its turn at something which strangers can crowd says so with pool_wait_begin() and _end(): meanwhile another
 * thread works in its place, up to POOL_SPARES_MAX of them, which are made when they are first needed. Else whoever crowds it would
 * stop everything else. */
#ifndef SELTZER_BASE_POOL_H
#define SELTZER_BASE_POOL_H

#include "base/error.h"

struct job {
    void (*run)(struct job *job);
    struct job *next; /* the pool's */
};

enum { POOL_SPARES_MAX = 64 };

struct pool;
struct pool *pool_new(unsigned workers, const char *name, struct error *err);
void pool_submit(struct pool *p, struct job *job); /* from any thread */
size_t pool_waiting(struct pool *p);                  /* jobs that no worker has taken yet */
/* Of the job that this thread runs; nothing on other threads. */
void pool_wait_begin(void);
void pool_wait_end(void);
void pool_free(struct pool *p);

#endif
