/* Building the next generation of a dataset's rows, and what writes share with it. */
#ifndef SELTZER_STORE_SQLITE_GENERATION_H
#define SELTZER_STORE_SQLITE_GENERATION_H

#include "store/sqlite/engine.h"

/* A write that is a replace or that truncates first. Fills in done or error. */
void generation_replace(struct store *s, struct write *w);

/* ── write.c ── */
must_use bool write_check(const struct meta *m, const struct write *w, struct error *err);
int64_t write_time(const struct meta *m); /* now, but never before the last write */
/* The write's own look at the row that it made or changed last. */
must_use bool write_show(struct sql *db, const struct meta *m, struct write *w, int64_t sid, struct error *err);
must_use bool write_ledger(struct sql *db, struct meta *m, const struct write *w, const char *action, int64_t generation, int64_t at_ms,
                           const struct write_counts *counts, struct error *err);

#endif
