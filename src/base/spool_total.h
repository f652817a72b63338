/* What many spools may take in all, of memory and of the scratch area. A spool that gets no more memory goes to its file early;
 * one that gets no more of the scratch area waits until others give back, and is refused when that takes too long, or when as
 * many wait as may. Any thread may call. */
#ifndef SELTZER_BASE_SPOOL_TOTAL_H
#define SELTZER_BASE_SPOOL_TOTAL_H

#include "base/error.h"

struct spool_total_config {
    uint64_t memory_max, file_max; /* bytes */
    unsigned wait_ms, waiting_max; /* who waits keeps a worker: not all of them */
};

struct spool_total;
struct spool_total *spool_total_new(const struct spool_total_config *config, struct error *err);
void spool_total_free(struct spool_total *t); /* NULL is fine; nobody holds anything of it any more */
must_use bool spool_total_take_memory(struct spool_total *t, uint64_t n); /* false: there is no more now */
void spool_total_give_memory(struct spool_total *t, uint64_t n);
/* own: what the caller holds of the scratch area. When all that is taken is held by those who wait, the last to come is refused. */
must_use bool spool_total_take_file(struct spool_total *t, uint64_t n, uint64_t own, struct error *err);
void spool_total_give_file(struct spool_total *t, uint64_t n);
void spool_total_used(struct spool_total *t, uint64_t *ret_memory, uint64_t *ret_file, unsigned *ret_waiting);

#endif
