/* The rows of one write, applied to one file inside a transaction that is the caller's. */
#ifndef SELTZER_STORE_SQLITE_APPLY_H
#define SELTZER_STORE_SQLITE_APPLY_H

#include "store/sqlite/applier.h"
#include "store/sqlite/engine.h"
#include "store/sqlite/pages.h"

enum apply_outcome {
    APPLY_DONE,
    APPLY_REFUSED,   /* this write alone cannot be: undo it, others are untouched */
    APPLY_FAULT,     /* disk, memory, lock: the transaction is lost */
    APPLY_DUPLICATE, /* apply_plain only: not all rows are plainly new; take apply_rows on a fresh file */
};

/* Where results go. */
struct result_sink {
    void (*result)(void *ctx, const struct row_result *r); /* NULL: nowhere */
    void *ctx;
};

struct apply {
    struct sql *db;
    struct applier *applier;
    struct write *write;
    struct meta *meta;         /* next_sid, rows, key_scaled move; the rest is the caller's */
    int64_t at_ms, version;    /* of the rows */
    struct result_sink sink;
    /* out */
    struct write_counts counts;
    int64_t last_sid;          /* of the last row made or changed, if all results are wanted; else 0 */
    /* Plain rows of a file that has just been made: written as pages of it, db and applier are not touched. */
    struct pages *pages;       /* NULL: inserted */
    bool indexed;              /* in and out: with the index on the row identifier, for as long as keys rise */
};

/* Any rows, with the index on the row identifier in place. */
enum apply_outcome apply_rows(struct apply *a, struct error *err);
/* Into a fresh table without that index: inserts in input order. */
enum apply_outcome apply_plain(struct apply *a, struct error *err);
/* Either, in steps over a live stage: each takes what has settled, up to about `bytes`, in runs of `run_bytes`. *ret_idle: there
 * was no more. The apply's counts and rows move with the steps, its next_sid with steps_end(). */
struct steps;
struct steps *steps_begin(struct apply *a, bool plain, size_t run_bytes, struct error *err);
enum apply_outcome steps_go(struct steps *p, size_t bytes, bool *ret_idle, struct error *err);
void steps_end(struct steps *p);
/* What an error of the connection means for the transaction. */
enum apply_outcome apply_failure(struct sql *db, const struct error *err);

#endif
