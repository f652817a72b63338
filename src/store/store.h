/* Where rows live. One interface over the engines; today the embedded one (store/sqlite).
 *
 * Writing: a staged write is applied in one transaction, together with its version row, witness row and audit row, or
 * not at all. store_write_group() applies several small ones in one transaction, each under its own savepoint.
 * The caller (ingest's queue) sees to it that one group at a time runs for a dataset; the store locks all the same.
 * A return of true means: committed and on disk (synchronous=FULL). Reading: one snapshot a query.
 * Rules: docs/wire/rows.md; the files: docs/storage.md. */
#ifndef SELTZER_STORE_STORE_H
#define SELTZER_STORE_STORE_H

#include "base/disk.h"
#include "catalog/audit.h"
#include "catalog/catalog.h"
#include "rows/row_id.h"
#include "rows/sql_text.h"
#include "rows/stage.h"

struct store_config {
    const char *dir;           /* the data directory */
    struct catalog *catalog;   /* borrowed */
    size_t cache_bytes;        /* page caches of the process, 96 MiB when 0 */
    struct disk_reserve reserve; /* what writes leave free; none when 0 */
    void (*warn)(const char *text); /* told what had to be left undone, by any thread; NULL is fine */
    unsigned query_deadline_ms; /* how long a query may take until its last row, 30 s when 0 */
};

struct store;
struct store *store_open(const struct store_config *config, struct error *err);
void store_close(struct store *s);

/* ── shape ── */
must_use bool store_create(struct store *s, const struct dataset *d, struct error *err);
/* Adds the physical column; *ret_shape_version is what the catalog must record. Idempotent for the same column. */
must_use bool store_add_column(struct store *s, const struct dataset *d, const struct column *column, int64_t *ret_shape_version, struct error *err);
/* Builds the next generation with (or without, -1) a unique row identifier and flips to it. Duplicates or nulls: 400 naming
 * the value and two rows. Returns the new snapshot. */
const struct dataset *store_set_row_identifier(struct store *s, const struct actor *by, const struct dataset *d, int column, struct error *err);
void store_drop(struct store *s, const char *dataset_id);

/* So many bytes more would leave the disk's reserve free; else DISK_FULL. Everything that makes files grow asks by itself: this is
 * for those who would rather know before they read a body. */
must_use bool store_has_room(const struct store *s, uint64_t bytes, struct error *err);

/* What is free where the data are, and what of it writes leave. */
must_use bool store_disk(const struct store *s, uint64_t *ret_free, uint64_t *ret_reserve, struct error *err);
/* Writes could be taken now, as far as can be told without one. */
must_use bool store_is_ready(const struct store *s, struct error *err);

/* ── state ── */
struct store_state {
    int64_t version;           /* data version, +1 for every write, never goes back */
    int64_t shape_version;
    int64_t rows;
    int64_t modified_ms;       /* wall clock of the last write */
    uint64_t incarnation;      /* random; renewed by restore */
    struct row_id_key row_ids;
};
must_use bool store_state(struct store *s, const struct dataset *d, struct store_state *ret, struct error *err);

/* ── writing ── */
enum row_error {
    ROW_ERROR_NONE,
    ROW_ERROR_NO_SUCH_ROW_TO_DELETE,
    ROW_ERROR_NO_SUCH_ROW_TO_UPDATE,
    ROW_ERROR_NO_PRIMARY_KEY,
    ROW_ERROR_VERSION_MISMATCH,
    ROW_ERROR_VERSION_ON_NEW_ROW,
    ROW_ERROR_INSERT_IN_UPDATE_ONLY,
    ROW_ERROR_COUNT
};
/* The names of write-path: "no_such_row_to_delete"… */
const char *row_error_name(enum row_error e);

enum row_result_kind { ROW_INSERTED, ROW_UPDATED, ROW_DELETED, ROW_FAILED };

struct row_result {
    uint64_t position, line;
    enum row_result_kind kind;
    enum row_error error;
    bool by_sid;               /* matched through :id */
    int64_t sid, version;
    int64_t expected_version;  /* of VERSION_MISMATCH: the stored one, -1 for none */
    int64_t given_version;
    struct cell key;           /* the row identifier or nothing; a loan for the call */
};

struct write_counts {
    uint64_t created, updated, deleted, by_row_identifier, by_sid, errors;
};

/* A write's rows, looked at from inside its transaction. */
struct store_within;

/* Working ahead, while a body still streams. Each step takes what the (live) stage has settled; no step waits for anybody, and
 * nobody waits for more than a part of a step. The write takes what was done if it is still right by then, and else starts anew
 * from the stage.
 * - A replace, or the first rows of an empty table: the next generation's file, nobody's until the catalog points to it. Right
 *   if no rows were numbered meanwhile, every row is plainly new and no key came twice.
 * - An upsert: rows applied in a transaction that anybody who needs the table undoes. Right if nobody did and no row was refused.
 * One thread at a time. */
struct store_ahead;
struct ahead_rows {
    bool replace;      /* the rows become the table, whatever is in it */
    bool clear_absent; /* as the write will have it */
};
/* NULL: not possible now, which is no error. */
struct store_ahead *store_ahead_new(struct store *s, const struct dataset *d, struct stage *stage, const struct ahead_rows *rows);
/* Takes up to about `bytes`. False: nothing more to do now, or ever. */
bool store_ahead_step(struct store_ahead *a, size_t bytes);
void store_ahead_free(struct store_ahead *a); /* NULL is fine; after the write, or instead of it */

struct write {
    /* in */
    struct stage *stage;              /* finished; borrowed; NULL: no rows */
    const struct dataset *dataset;    /* the snapshot that the stage was coerced against; borrowed */
    bool replace;                     /* PUT: the rows become the table */
    bool truncate;                    /* empty it first, in the same transaction */
    bool clear_absent;                /* mergeInsteadOfReplace=false, PUT of a row: columns not given become null */
    bool update_only;                 /* a row that does not exist is an error: row-… in the URL */
    bool dry_run;                     /* everything but the commit */
    uint32_t fatal;                   /* bit (1 << row_error): that error refuses the whole write */
    bool has_expected_version;
    int64_t expected_version;
    const char *request_id, *user_id; /* for the version, witness and audit rows */
    const char *via, *peer;           /* for the audit row: what the user showed, and from where (catalog/actor.h); NULL is fine */
    struct str idempotency_key;       /* empty: none */
    struct store_ahead *ahead;        /* of the same stage, nobody steps it any more; borrowed; NULL: none */
    struct str witness;               /* kept with the key: a digest of the request */
    const struct error *refusal;      /* what it is told unless it is a repetition; NULL: it is to be done */
    bool want_all_results;            /* results for every row, else only for errors */
    void (*begin)(void *ctx);         /* before each try: results so far do not count; NULL: none */
    void (*result)(void *ctx, const struct row_result *r); /* in the transaction, in no order when the apply is sorted; NULL: none */
    /* Before the commit, with the number of the last row made or changed: what it looks like now, since the next write may
     * change it before anybody could read it. Not for a dry run. False refuses the write. NULL: none. */
    bool (*show)(void *ctx, const struct store_within *in, int64_t sid, struct error *err);
    /* With an idempotency key: what a repetition is to be answered, asked for in the transaction and kept with the witness. */
    bool (*keep)(void *ctx, const struct write_counts *counts, int64_t version, int64_t shape_version, struct buf *out);
    void *ctx;
    /* out */
    bool replayed;                    /* done before under the same key; nothing was changed now: state has the versions of then */
    struct buf kept;                  /* what that write kept; free with buf_free */
    bool done;                        /* committed (or, dry run, would have been) */
    struct error error;               /* when not done */
    struct write_counts counts;
    struct store_state state;         /* after the write */
    int64_t at_ms;                    /* :created_at and :updated_at of the rows it made */
    struct write *next;               /* the queue's */
};

/* Applies the writes in order; each gets done or error. They are of one dataset and none is a replace unless n is 1. */
void store_write_group(struct store *s, struct write *const *writes, size_t n);

/* ── reading ── */
/* The audit chain that the dataset's file holds, from record `from` on: the file begins with the last record of what the catalog
 * has of it (catalog/history.h). One snapshot; *ret_version: the data version in it, NULL for nobody wants to know. */
must_use bool store_audit_read(struct store *s, const struct dataset *d, int64_t from, chain_reader take, void *ctx, int64_t *ret_version, struct error *err);

/* The heads of the chains that have moved since they were last anchored; *ret_v is malloc'ed. Once the catalog has them
 * (catalog_audit_anchor), they are told to be. */
must_use bool store_audit_moved(struct store *s, struct chain_anchor **ret_v, size_t *ret_n, struct error *err);
void store_audit_anchored(struct store *s, const struct chain_anchor *v, size_t n);
/* A whole chain, from record `from` on: "catalog", or a dataset's id: what the catalog has of it, then what its file has. */
must_use bool store_chain_read(struct store *s, struct catalog *c, const char *chain, int64_t from, chain_reader take, void *ctx, struct error *err);

struct store_reader {
    void *ctx;
    /* Before the first row; the snapshot's state, of several datasets one each in their order. False stops. */
    bool (*begin)(void *ctx, const struct store_state *states, struct error *err);
    /* cells: n_columns of the query, in the columns' storage kind; a loan for the call. */
    bool (*row)(void *ctx, const struct cell *cells, struct error *err);
    /* QUERY_RUNTIME: which of the query's places failed (soql/functions.h, "$@"). NULL: nobody wants to know. */
    void (*failed_at)(void *ctx, int64_t place);
};
must_use bool store_query(struct store *s, const struct dataset *d, const struct query *q, const struct store_reader *reader, struct error *err);
/* Over several: the first is `main` in the text, the others d1, d2…. Each is read in one snapshot of its own, all taken before the
 * first row. */
enum { STORE_DATASETS_MAX = 10 };
must_use bool store_query_joined(struct store *s, const struct dataset *const *datasets, size_t n, const struct query *q,
                                 const struct store_reader *reader, struct error *err);
must_use bool store_query_within(const struct store_within *in, const struct query *q, const struct store_reader *reader, struct error *err);
/* The number of the row that a row URL means: by row identifier (coerced cell) or NULL key and the number itself. */
must_use bool store_find_row(struct store *s, const struct dataset *d, const struct cell *key, int64_t sid, bool *ret_found, int64_t *ret_sid, int64_t *ret_version, struct error *err);

#endif
