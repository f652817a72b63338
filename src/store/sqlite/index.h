/* Indexes that the server makes by itself, of the queries that it saw; why so: docs/decisions/indexes.md.
 *
 *     query ─► indexes_note(): wishes and rows gone over ─► enough? ─► the index thread: CREATE INDEX auto_c5 while nobody writes
 *     write ─► indexes_before_write(): would it cost more than the index saves? ─► DROP INDEX in the write's own transaction
 *
 * The names in the file are the record of what there is: auto_c5, auto_c5_c7. Nothing else depends on these indexes. */
#ifndef SELTZER_STORE_SQLITE_INDEX_H
#define SELTZER_STORE_SQLITE_INDEX_H

#include "base/error.h"
#include "rows/sql_text.h"

enum {
    INDEXES_MAX = 4,                 /* of a dataset */
    INDEX_WISHES_MAX = 16,           /* remembered of a dataset */
    INDEX_ROWS_MIN = 20000,          /* of a table, and gone over by a query that is to count */
    INDEX_SCANS_MIN = 3,             /* such queries, … */
    INDEX_SCANNED_MIN = 1000000,     /* … or rows that they went over together */
    INDEX_IDLE_MS = 500,             /* without a write before one is made */
    INDEX_KEEP_MS = 600000,          /* not wished for so long, one may have to go for another */
    INDEX_BUILD_MS = 60000,          /* what takes longer is given up */
    INDEX_RETRY_MS = 1000,           /* doubled with every failure … */
    INDEX_RETRY_DOUBLINGS = 9,       /* … so often */
    INDEX_BYTES_MAX = 256 << 20,     /* as estimated from a sample */
    INDEX_WRITTEN_MIN = 1000,        /* rows written with the indexes in place, … */
    INDEX_WRITTEN_SHARE = 100,       /* … or the table's rows by this if that is more; then they are dropped */
    INDEX_ROWS_A_VALUE = 200,        /* of those that a query counts, at least, for it to go from value to value */
};

struct store;
struct generation;
struct sql;

struct index_present {
    struct index_columns columns;
    long long wished_ms;             /* monotonic */
    int64_t values;                  /* different ones, up to a row in INDEX_ROWS_A_VALUE; 0: not yet counted */
};

struct index_wish {
    struct index_columns columns;
    unsigned scans, failures;
    int64_t scanned;
    long long wished_ms, not_before_ms;
};

/* Of a generation. Under store->lock; `present` and `written` are changed only by who holds the turn too. */
struct indexes {
    struct index_present present[INDEXES_MAX];
    unsigned n_present;
    struct index_wish wishes[INDEX_WISHES_MAX];
    unsigned n_wishes;
    int64_t written;                 /* rows, since the last one was made */
};

/* Under the turn, the writer just opened: what the file has. */
must_use bool indexes_read(struct store *s, struct generation *g, struct error *err);
/* A query was run, to whatever end, and went over so many rows. */
void indexes_note(struct store *s, struct generation *g, const struct query *q, int64_t scanned);
/* In a query's snapshot of so many rows: it can count over an index, and gains by that. */
bool indexes_serve_counting(struct store *s, struct generation *g, const struct query *q, struct sql *db, int64_t rows);
/* Inside the writer's transaction, before `rows` are written into a table of `table_rows`: drops the indexes if it does not pay to keep
 * them up. After the commit say so; undone with the transaction, they are there again. */
must_use bool indexes_before_write(struct generation *g, int64_t rows, int64_t table_rows, bool *ret_dropped, struct error *err);
void indexes_after_write(struct store *s, struct generation *g, int64_t rows, bool dropped);

must_use bool indexes_start_thread(struct store *s, struct error *err);
void indexes_stop_thread(struct store *s); /* after store->stopping */

#endif
