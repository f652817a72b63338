/* A write that is applied while its body still streams (early.c). */
#ifndef SELTZER_STORE_SQLITE_EARLY_H
#define SELTZER_STORE_SQLITE_EARLY_H

#include "store/sqlite/engine.h"

struct early;
/* The stage must be live and outlive it. NULL: out of memory. */
struct early *early_new(struct store *s, const struct dataset *d, struct stage *stage, bool clear_absent);
/* Applies what has settled, up to about `bytes`. False: nothing more to do now, or ever. */
bool early_step(struct early *e, size_t bytes);
/* All of it undone, unless it was committed. NULL is fine. */
void early_free(struct early *e);
/* The rest of the rows, what goes with them, and the commit. False: it could not be had this way, nothing was changed and
 * nothing told; write it the ordinary way. */
bool early_write(struct early *e, struct write *w);

#endif
