/* A write that is made while its body streams (store.h, "Working ahead"): the pool's side of it. Owns the stage from the
 * moment it is made, since a step may still be reading it when the upload is gone.
 *
 *     idle ──nudge, enough has settled──► queued ──► running ──► idle, or queued again while there is more
 *
 * A worker is only held while there are rows to write: a slow body costs nothing in between. */
#ifndef SELTZER_INGEST_AHEAD_H
#define SELTZER_INGEST_AHEAD_H

#include "base/pool.h"
#include "store/store.h"

enum {
    AHEAD_FROM_BYTES = 2 << 20,  /* smaller bodies are sooner written than handed about */
    AHEAD_EACH_BYTES = 1 << 20,  /* settled since the last step: worth another */
    AHEAD_STEP_BYTES = 4 << 20,  /* then the worker looks for other work first */
};

struct ahead;
/* NULL: it cannot be; the stage is still the caller's. */
struct ahead *ahead_new(struct store *s, struct pool *pool, const struct dataset *d, struct stage *stage, const struct ahead_rows *rows);
/* The stage has grown. */
void ahead_nudge(struct ahead *a);
/* No more steps from here on; waits for one that runs. What was done, for write.ahead; a loan. */
struct store_ahead *ahead_claim(struct ahead *a);
/* The stage too; when a step runs, it does the freeing. NULL is fine. */
void ahead_free(struct ahead *a);

#endif
