/* The reference program: the same work done with libsqlite3 alone, by the fastest honest means known to us. The goals of
 * docs/performance.md are ratios to its figures.
 *
 * It keeps the rows as the embedded store does: row number, created, updated and version before the 22 columns, a unique
 * index on the text key, page size 8192, WAL, synchronous=FULL, no checkpoint while it writes, the same page cache. It has
 * no HTTP, no parsing, no stage, no counts by kind, no audit and no witness rows. Rows come from memory: the time to make
 * them is not counted, that of the commit is. One thread; a reference is not shared. */
#ifndef SELTZER_BENCH_REFERENCE_H
#define SELTZER_BENCH_REFERENCE_H

#include "base/error.h"
#include "workload.h"

struct reference;

struct reference_figure {
    double seconds;
    uint64_t rows;
};

/* A new file; one that is there is refused. */
struct reference *reference_open(const char *path, size_t cache_bytes, struct error *err);
/* One transaction of plain INSERTs. The unique index is there from the start. */
must_use bool reference_insert(struct reference *r, const struct workload *w, struct reference_figure *ret, struct error *err);
/* The same into a fresh table without the index, which is built at the end, in the same transaction: what a replace may do. */
must_use bool reference_replace(struct reference *r, const struct workload *w, struct reference_figure *ret, struct error *err);
/* One transaction of INSERT … ON CONFLICT DO UPDATE of all the columns. ret->rows counts the changed rows. */
must_use bool reference_upsert(struct reference *r, const struct workload *w, struct reference_figure *ret, struct error *err);
/* The same, a transaction a row. */
must_use bool reference_upsert_each(struct reference *r, const struct workload *w, struct reference_figure *ret,
                                    struct error *err);
/* `times` times: SELECT of the 22 columns, `limit` rows from `offset` by row number, printed as a JSON array with the
 * server's own printers of values. The bytes of the last one are left in *out, which is emptied first. */
must_use bool reference_select(struct reference *r, uint64_t limit, uint64_t offset, unsigned times, struct buf *out,
                               struct reference_figure *ret, struct error *err);
/* What the WAL holds goes into the file: between two measurements, or measured itself. */
must_use bool reference_checkpoint(struct reference *r, struct reference_figure *ret, struct error *err);
must_use bool reference_count(struct reference *r, uint64_t *ret_rows, struct error *err);
void reference_close(struct reference *r); /* NULL is fine */

#endif
