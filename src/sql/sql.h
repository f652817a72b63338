/* A thin driver over libsqlite3: connections, prepared statements, typed cells in and out, and what its result codes
 * mean to a client. Nothing here knows rows, datasets or the catalog.
 *
 * A connection belongs to one thread at a time. Statements made by sql_prepare() are yours (sql_finalize); those of
 * sql_cached() belong to the connection. Bound text and blobs are loans until the statement is bound anew or finalized.
 * Every connection knows the collation DECIMAL1 (rows/decimal.h) and the function url_address(cell) (rows/url.c), and
 * the functions of queries (sql/functions/functions.h).
 * Messages carry SQLite's numeric code, never SQL text or a path: they may reach a client. */
#ifndef SELTZER_SQL_SQL_H
#define SELTZER_SQL_SQL_H

#include "base/error.h"
#include "rows/cell.h"

struct sql;
struct sql_statement; /* a sqlite3_stmt */

enum sql_mode {
    SQL_WRITER, /* the one that writes and checkpoints a WAL file; the file must exist */
    SQL_READER, /* query_only, never checkpoints */
    SQL_BUILD,  /* makes a new file that nobody else knows: no journal, no syncs. sql_build_finish() makes it a WAL file */
};

enum { SQL_PAGE_BYTES = 8192, SQL_BUSY_MS = 5000, SQL_CACHED_MAX = 16 };

/* cache_bytes: the page cache's ceiling. */
must_use struct sql *sql_open(const char *path, enum sql_mode mode, size_t cache_bytes, struct error *err);
void sql_close(struct sql *s); /* NULL is fine */
/* SQL_BUILD: closes the connection and syncs the file; the folder's entry is the caller's to sync. s is gone either way. */
must_use bool sql_build_finish(struct sql *s, struct error *err);
/* Joins text in our number collation and counts: some SQLite releases count wrong. False: this one does. */
must_use bool sql_self_test(struct error *err);

void sql_set_cache(struct sql *s, size_t bytes);
/* Statements that step for longer than ms from now end in QUERY_TIMEOUT; 0: no deadline. */
void sql_set_deadline(struct sql *s, unsigned ms);
/* Statements end in QUERY_TIMEOUT once this says so; it is asked about every millisecond. NULL: none. */
void sql_set_interrupt(struct sql *s, bool (*wanted)(void *ctx), void *ctx);
/* What this connection's transactions do to rows of the table "rows": `changed` for each that is made or changed (deletions are told too),
 * then `ends`, before a commit and after a rollback. What a savepoint undoes has been told all the same. *watch is copied. */
struct sql_watch {
    void *ctx;
    void (*changed)(void *ctx, int64_t sid);
    void (*ends)(void *ctx, bool commits);
};
void sql_watch_rows(struct sql *s, const struct sql_watch *watch);
bool sql_in_transaction(struct sql *s);
int64_t sql_changes(struct sql *s); /* rows that the last statement changed */
/* The number of the row that was inserted last; an upsert that found its row leaves it as it was. It outlives rollbacks, so
 * whoever compares sets it to 0 first. */
int64_t sql_last_inserted(struct sql *s);
void sql_forget_inserted(struct sql *s);
/* The last failure means that this connection must not be used further: an I/O error or a damaged file. */
bool sql_is_broken(struct sql *s);
/* After a QUERY_RUNTIME failure, which is the query's own (division by zero, a text that is no number): the place that the query gave
 * to the function that failed; -1 after any other failure. */
int64_t sql_failure_place(struct sql *s);
/* The last failure is of the machine, not of the statement: disk, I/O, memory, lock. */
bool sql_failure_is_fault(struct sql *s);
/* Moves the WAL's content into the file as far as readers allow. *ret_frames_left: frames still in the WAL. */
must_use bool sql_checkpoint(struct sql *s, bool truncate, int *ret_frames_left, struct error *err);
/* What the WAL shows is on disk, whoever wrote it: one that was killed between writing and syncing left what only the kernel has. */
must_use bool sql_sync_wal(struct sql *s, struct error *err);
int sql_wal_frames(struct sql *s); /* in the WAL after the last commit of this connection, 0 after a full checkpoint */

must_use bool sql_exec(struct sql *s, const char *text, struct error *err); /* one or more statements, no rows */
must_use bool sql_exec_i64(struct sql *s, const char *text, int64_t *ret, struct error *err); /* the first column of the first row */
struct sql_statement *sql_prepare(struct sql *s, struct str text, struct error *err);
struct sql_statement *sql_cached(struct sql *s, struct str text, struct error *err); /* reset; may still be bound */
void sql_finalize(struct sql_statement *st); /* NULL is fine */

/* Parameters count from 1. CELL_ABSENT binds null. */
must_use bool sql_bind(struct sql *s, struct sql_statement *st, int at, const struct cell *c, struct error *err);
must_use bool sql_bind_i64(struct sql *s, struct sql_statement *st, int at, int64_t v, struct error *err);
must_use bool sql_bind_text(struct sql *s, struct sql_statement *st, int at, struct str v, struct error *err); /* .p NULL: null */
must_use bool sql_bind_cells(struct sql *s, struct sql_statement *st, int from, const struct cell *cells, size_t n, struct error *err);

enum sql_step { SQL_ROW, SQL_DONE, SQL_CONSTRAINT, SQL_FAILED };
/* On DONE, CONSTRAINT and FAILED the statement is reset. CONSTRAINT: a unique or not-null rule refused; err is set too. */
must_use enum sql_step sql_step(struct sql *s, struct sql_statement *st, struct error *err);
must_use bool sql_run(struct sql *s, struct sql_statement *st, struct error *err); /* a step that gives no row */
void sql_reset(struct sql_statement *st);
/* Loans until the next step or reset. */
void sql_cell(struct sql_statement *st, int column, struct cell *ret);
/* True when all could be read: a value that memory did not suffice for would else look like null. */
must_use bool sql_cells(struct sql *s, struct sql_statement *st, struct cell *ret, size_t n, struct error *err);
/* How many rows the statement has gone over one by one, in a table or an index, since this was last asked. */
int64_t sql_scanned(struct sql_statement *st);
int64_t sql_i64(struct sql_statement *st, int column);
struct str sql_text(struct sql_statement *st, int column);

#endif
