/* A fixed set of worker threads and one queue of jobs, first in first out. A job is embedded in its owner: no memory is
 * needed to submit. Jobs may block (disk, locks). pool_free waits for queued jobs. */
#ifndef SELTZER_BASE_POOL_H
#define SELTZER_BASE_POOL_H

#include "base/error.h"

struct job {
    void (*run)(struct job *job);
    struct job *next; /* the pool's */
};

struct pool;
struct pool *pool_new(unsigned workers, const char *name, struct error *err);
void pool_submit(struct pool *p, struct job *job); /* from any thread */
size_t pool_waiting(struct pool *p);                  /* jobs that no worker has taken yet */
void pool_free(struct pool *p);

#endif
