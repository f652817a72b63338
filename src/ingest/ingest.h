/* The write river: bytes of a body in, staged rows, one transaction, a report out.
 *
 *     upload_push* ─► upload_finish ─► ingest_submit ─► (the dataset's queue, store_write_group) ─► done callback
 *
 * Values are checked while the body streams; every refused value is counted and the first 1,000 are kept, so that one
 * reply names them all. Nothing is written before the whole body was good. Rules: docs/wire/rows.md. */
#ifndef SELTZER_INGEST_INGEST_H
#define SELTZER_INGEST_INGEST_H

#include "base/pool.h"
#include "format/reader.h"
#include "store/store.h"

enum { REPORT_ERRORS_MAX = 1000, VALUE_SHOWN_MAX = 200 };

/* A refused value or row, as the reply lists it. Text in the report's arena. */
struct row_problem {
    uint64_t position;        /* 0-based input index */
    uint64_t line;            /* 1-based line of the text */
    uint64_t column;          /* 1-based column of the text, 0 when unknown */
    enum error_code code;
    struct str field;         /* field name, or none */
    struct str value;         /* cut to VALUE_SHOWN_MAX bytes */
    struct str message;       /* what is wrong and what would be right */
    struct str name;          /* of a row error: "no_such_row_to_delete"…, else none */
    struct str primary_key_json; /* the key as JSON, or none */
};

struct problems {
    struct row_problem *v;    /* in input order */
    size_t n;
    uint64_t total;           /* exact */
    bool sorted;              /* problems.c's: v is in order now */
};

enum upload_kind { UPLOAD_UPSERT, UPLOAD_REPLACE };

struct upload_options {
    enum upload_kind kind;
    enum reader_format format;
    struct str charset;        /* none: UTF-8 */
    bool gzip;
    bool errors_are_fatal;
    uint32_t nonfatal;         /* bits of row_error exempted by nonFatalRowErrors[] */
    bool truncate, clear_absent, update_only, dry_run;
    bool has_expected_version;
    int64_t expected_version;
    bool only_one_object;      /* row URLs: the body must be one object (BODY_NOT_OBJECT) */
    bool has_row_key;          /* row URLs: the row that the URL names; the body may repeat the key but not contradict */
    struct cell row_key;       /* when the URL names it by row identifier; CELL_ABSENT else */
    int64_t row_sid;           /* when by :id */
    enum stage_sid row_version_state; /* row URLs: what :version must be if the body says nothing; ABSENT: anything */
    int64_t row_version;
    bool want_all_results;
    /* onError=skip: bad rows are set aside instead of refusing the whole, unless there are more than these. */
    bool skip_errors;
    uint64_t skip_rows_max;     /* UINT64_MAX: any number */
    uint32_t skip_share_max;    /* in hundredths of a percent of the rows; 10,000: any share */
    bool has_expected_rows;     /* X-Expect-Rows */
    uint64_t expected_rows;
    const struct store *store;  /* whose disk the rows must leave room on while they come; NULL: nobody asks */
    const struct error *refusal; /* store.h: of a request that can only be a repetition; a loan until the write is done */
    const char *reports_dir;    /* where set-aside rows are kept */
    const char *scratch_dir;
    const char *request_id, *user_id, *via, *peer;
};

struct upload;
struct upload *upload_new(const struct dataset *d, const struct store_state *state, const struct upload_options *o, struct error *err);
/* False: the body cannot become rows; *err says why (malformed text, unknown columns, limits). Refused values alone
 * do not stop the reading. */
must_use bool upload_push(struct upload *u, struct str bytes, struct error *err);
/* The body is complete. False also when values were refused: ROW_VALUES_REFUSED, problems tell which. */
must_use bool upload_finish(struct upload *u, struct error *err);
/* Idempotency-Key and a digest of the request, kept with the write in its transaction. Loans until the write is done. */
void upload_set_witness(struct upload *u, struct str key, struct str witness);
const struct problems *upload_problems(const struct upload *u);
bool upload_was_single_object(const struct upload *u);
bool upload_single_is_delete(const struct upload *u);
uint64_t upload_rows(const struct upload *u);
uint64_t upload_set_aside(const struct upload *u); /* rows that the failure policy left out; they count as errors */
/* "Warnings" of the reply: a list of texts, in the upload's arena. */
struct warnings {
    struct str *v;
    size_t n;
};
struct warnings upload_warnings(struct upload *u);
void upload_free(struct upload *u); /* NULL is fine */

/* The queues: one a dataset, drained by one worker at a time; small writes that wait are applied together. */
struct ingest_queue;
struct ingest_queue *ingest_queue_new(struct store *s, struct pool *pool, struct error *err);
/* Waits for what runs. */
void ingest_queue_free(struct ingest_queue *q);
/* Complete writes that wait for their turn. */
size_t ingest_queue_waiting(struct ingest_queue *q);
/* Lets what can be built while the body streams be built on this queue's pool. Call before the first push. */
void upload_build_ahead(struct upload *u, struct ingest_queue *q);
/* Applies the finished upload; `done` is called on a worker, once, when it is on disk or refused: the write's counts, state
 * and error are in *write; results are in upload_problems (row errors) and, when asked for, upload_results. */
struct ingest_watcher {
    void *ctx;
    void (*done)(void *ctx, struct upload *u, const struct write *write);
    /* Uploads of one object, before the commit and before keep: the row that it made or changed, to be shown as it is now. */
    bool (*show)(void *ctx, const struct store_within *in, int64_t sid, struct error *err);
    /* With an Idempotency-Key, before the commit: what a repetition is to be answered goes into *out (write->kept then). */
    bool (*keep)(void *ctx, struct upload *u, const struct write *write, struct buf *out);
};
void ingest_submit(struct ingest_queue *q, struct upload *u, const struct ingest_watcher *watcher);
/* want_all_results: result of the i-th row. */
must_use bool upload_result(struct upload *u, uint64_t position, struct row_result *ret, struct error *err);
/* The single row that a single-object upload made or changed; false when it failed. */
bool upload_single_result(const struct upload *u, struct row_result *ret);

#endif
