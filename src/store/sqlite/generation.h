/* Building the next generation of a dataset's rows, and what writes share with it. */
#ifndef SELTZER_STORE_SQLITE_GENERATION_H
#define SELTZER_STORE_SQLITE_GENERATION_H

#include "store/sqlite/drain.h"
#include "store/sqlite/engine.h"

/* A generation in the making; all but what ahead.c does is under the table's turn. */
struct build {
    struct store *s;
    struct table *t;
    int64_t number;
    char *path;              /* the file's name so far; the generation's own from build_settle() on */
    size_t lent;
    struct sql *db;          /* NULL when not open */
    struct applier *applier;
    struct meta meta;        /* what the new file will say */
    struct history history;  /* what the file that is left has beyond the catalog: it goes with the flip */
};

/* ── ahead.c: a build that began while the body was still coming ── */

/* What is applied early instead; NULL for a build. */
struct early *ahead_early(const struct store_ahead *a);
/* All rows in and the index made, without the turn. False: it cannot be had this way. */
bool ahead_complete(struct store_ahead *a);
/* Under the turn: the table is still empty and what was built can be its first rows. */
bool ahead_is_first_load(const struct store_ahead *a, const struct meta *now);
/* Under the turn. True: what was built is this write as of now; it is b's, and *ret_counts, *ret_at_ms are the write's. */
bool ahead_take(struct store_ahead *a, struct build *b, const struct write *w, struct write_counts *ret_counts, int64_t *ret_at_ms);

/* A first load that was built ahead. False: the table is not as it was, nothing was done; write it the ordinary way. */
bool generation_load(struct store *s, struct write *w);
/* A write that is a replace or that truncates first. Fills in done or error. */
void generation_replace(struct store *s, struct write *w);

/* ── write.c ── */
must_use bool write_check(const struct meta *m, const struct write *w, struct error *err);
must_use bool write_has_room(const struct store *s, const struct write *w, struct error *err);
int64_t write_time(const struct meta *m); /* now, but never before the last write */
/* The write's own look at the row that it made or changed last. */
must_use bool write_show(struct sql *db, const struct meta *m, struct write *w, int64_t sid, struct error *err);
must_use bool write_ledger(struct sql *db, struct meta *m, const struct write *w, const char *action, int64_t generation, int64_t at_ms,
                           const struct write_counts *counts, struct error *err);

#endif
