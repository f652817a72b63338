/* libsqlite3 alone (reference.h). */
#include "reference.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

enum { BATCH_ROWS = 4096 }; /* made at a time, while the clock stands */

struct reference {
    sqlite3 *db;
    sqlite3_stmt *insert, *upsert;
    int64_t next_sid, version;
    struct workload_row batch[BATCH_ROWS];
};

static bool fail(struct reference *r, const char *what, struct error *err)
{
    return error_set(err, ERROR_STORE_UNAVAILABLE, "reference: %s: %s", what, r->db ? sqlite3_errmsg(r->db) : "no memory");
}

static bool run(struct reference *r, const char *sql, struct error *err)
{
    return sqlite3_exec(r->db, sql, NULL, NULL, NULL) == SQLITE_OK || fail(r, sql, err);
}

/* ── the table ── */

static const char *const storage_names[] = {[STORAGE_TEXT] = "TEXT", [STORAGE_INT] = "INTEGER", [STORAGE_BLOB] = "BLOB"};

static bool run_buf(struct reference *r, struct buf *b, struct error *err)
{
    char *sql = buf_take_z(b);
    bool ok = sql ? run(r, sql, err) : error_no_memory(err);
    free(sql);
    return ok;
}

static bool create_table(struct reference *r, struct error *err)
{
    struct buf b = {0};
    buf_add_z(&b, "CREATE TABLE rows(sid INTEGER PRIMARY KEY, created INTEGER NOT NULL, updated INTEGER NOT NULL,"
                  " version INTEGER NOT NULL");
    for (int c = 0; c < WORKLOAD_COLUMNS; c++)
        buf_printf(&b, ", c%d %s", c + 1, storage_names[type_get(workload_columns[c].type)->storage]);
    buf_add_z(&b, ") STRICT");
    r->next_sid = 1;
    return run_buf(r, &b, err);
}

static bool create_index(struct reference *r, struct error *err)
{
    struct buf b = {0};
    buf_printf(&b, "CREATE UNIQUE INDEX rows_key ON rows(c%d)", WORKLOAD_KEY_COLUMN + 1);
    return run_buf(r, &b, err);
}

/* The parameters of both statements: ?1 sid, ?2 time (created and updated), ?3 version, ?4 … the columns. */
static bool prepare(struct reference *r, bool upsert, sqlite3_stmt **ret, struct error *err)
{
    struct buf b = {0};
    buf_add_z(&b, "INSERT INTO rows VALUES(?1,?2,?2,?3");
    for (int c = 0; c < WORKLOAD_COLUMNS; c++)
        buf_printf(&b, ",?%d", c + 4);
    buf_add_byte(&b, ')');
    if (upsert) {
        buf_printf(&b, " ON CONFLICT(c%d) DO UPDATE SET updated=?2,version=?3", WORKLOAD_KEY_COLUMN + 1);
        for (int c = 0; c < WORKLOAD_COLUMNS; c++) {
            if (c != WORKLOAD_KEY_COLUMN)
                buf_printf(&b, ",c%d=?%d", c + 1, c + 4);
        }
    }
    char *sql = buf_take_z(&b);
    bool ok = sql && sqlite3_prepare_v3(r->db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL) == SQLITE_OK;
    free(sql);
    return ok || fail(r, "prepare", err);
}

struct reference *reference_open(const char *path, size_t cache_bytes, struct error *err)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* refused, and no matter, when the library runs already */
    struct reference *r = calloc(1, sizeof *r);
    char pragmas[256];
    if (!r) {
        error_no_memory(err);
        return NULL;
    }
    snprintf(pragmas, sizeof pragmas,
             "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
             " PRAGMA cache_size=-%zu; PRAGMA locking_mode=NORMAL",
             cache_bytes / 1024);
    if (access(path, F_OK) == 0) {
        error_set(err, ERROR_BAD_REQUEST, "reference: %s exists", path);
    } else if (sqlite3_open_v2(path, &r->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) !=
               SQLITE_OK) {
        fail(r, path, err);
    } else if (run(r, pragmas, err) && create_table(r, err) && create_index(r, err) && prepare(r, false, &r->insert, err) &&
               prepare(r, true, &r->upsert, err)) {
        return r;
    }
    reference_close(r);
    return NULL;
}

void reference_close(struct reference *r)
{
    if (!r)
        return;
    sqlite3_finalize(r->insert);
    sqlite3_finalize(r->upsert);
    sqlite3_close(r->db);
    free(r);
}

/* ── writing ── */

static void bind_cell(sqlite3_stmt *s, int at, const struct cell *c)
{
    switch (c->kind) {
    case CELL_ABSENT:
    case CELL_NULL:
        sqlite3_bind_null(s, at);
        return;
    case CELL_INT:
        sqlite3_bind_int64(s, at, c->i);
        return;
    case CELL_TEXT:
        sqlite3_bind_text(s, at, c->s.p, (int)c->s.n, SQLITE_STATIC);
        return;
    case CELL_BLOB:
        sqlite3_bind_blob(s, at, c->s.p, (int)c->s.n, SQLITE_STATIC);
        return;
    }
}

static bool write_row(struct reference *r, sqlite3_stmt *s, const struct workload_row *row, int64_t now_ms, struct error *err)
{
    sqlite3_bind_int64(s, 1, r->next_sid++);
    sqlite3_bind_int64(s, 2, now_ms);
    sqlite3_bind_int64(s, 3, r->version);
    for (int c = 0; c < WORKLOAD_COLUMNS; c++)
        bind_cell(s, c + 4, &row->cells[c]);
    int rc = sqlite3_step(s);
    return (sqlite3_reset(s) == SQLITE_OK && rc == SQLITE_DONE) || fail(r, "a row", err);
}

static uint64_t make_batch(struct reference *r, const struct workload *w, uint64_t first)
{
    uint64_t n = 0;
    for (; n < BATCH_ROWS && first + n < w->rows; n++)
        workload_make(w, first + n, &r->batch[n]);
    return n;
}

/* Writes all the rows with s, between `begin` and `end`: round everything, or round each row. */
static bool write_all(struct reference *r, sqlite3_stmt *s, const struct workload *w, bool each, int64_t *ret_us,
                      struct error *err)
{
    int64_t us = 0, now_ms = clock_wall_ms();
    for (uint64_t first = 0; first < w->rows;) {
        uint64_t n = make_batch(r, w, first);
        int64_t start = clock_mono_us();
        for (uint64_t i = 0; i < n; i++) {
            if (each &&
                (!run(r, "BEGIN IMMEDIATE", err) || !write_row(r, s, &r->batch[i], now_ms, err) || !run(r, "COMMIT", err)))
                return false;
            if (!each && !write_row(r, s, &r->batch[i], now_ms, err))
                return false;
            r->version += each;
        }
        us += clock_mono_us() - start;
        first += n;
    }
    *ret_us = us;
    return true;
}

static void set_figure(struct reference_figure *ret, int64_t us, uint64_t rows)
{
    ret->seconds = (double)us / 1e6;
    ret->rows = rows;
}

/* One transaction; with `fresh`, it begins with an empty table and ends with its index. */
static bool write_at_once(struct reference *r, bool upsert, bool fresh, const struct workload *w, struct reference_figure *ret,
                          struct error *err)
{
    int64_t us = 0, start;
    sqlite3_int64 before = sqlite3_total_changes64(r->db);
    r->version++;
    if (!run(r, "BEGIN IMMEDIATE", err) || (fresh && (!run(r, "DROP TABLE rows", err) || !create_table(r, err))) ||
        !write_all(r, upsert ? r->upsert : r->insert, w, false, &us, err))
        goto undo;
    start = clock_mono_us();
    if ((fresh && !create_index(r, err)) || !run(r, "COMMIT", err))
        goto undo;
    set_figure(ret, us + clock_mono_us() - start, (uint64_t)(sqlite3_total_changes64(r->db) - before));
    return true;
undo:
    sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL);
    return false;
}

bool reference_insert(struct reference *r, const struct workload *w, struct reference_figure *ret, struct error *err)
{
    return write_at_once(r, false, false, w, ret, err);
}

bool reference_replace(struct reference *r, const struct workload *w, struct reference_figure *ret, struct error *err)
{
    return write_at_once(r, false, true, w, ret, err);
}

bool reference_upsert(struct reference *r, const struct workload *w, struct reference_figure *ret, struct error *err)
{
    return write_at_once(r, true, false, w, ret, err);
}

bool reference_upsert_each(struct reference *r, const struct workload *w, struct reference_figure *ret, struct error *err)
{
    int64_t us;
    r->version++;
    if (!write_all(r, r->upsert, w, true, &us, err)) {
        sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL);
        return false;
    }
    set_figure(ret, us, w->rows);
    return true;
}

/* ── reading ── */

static bool take_cell(sqlite3_stmt *s, int at, struct cell *ret)
{
    switch (sqlite3_column_type(s, at)) {
    case SQLITE_NULL:
        return false;
    case SQLITE_INTEGER:
        *ret = cell_int(sqlite3_column_int64(s, at));
        return true;
    case SQLITE_BLOB:
        ret->kind = CELL_BLOB;
        ret->s.p = sqlite3_column_blob(s, at);
        break;
    default:
        ret->kind = CELL_TEXT;
        ret->s.p = (const char *)sqlite3_column_text(s, at);
    }
    ret->s.n = (size_t)sqlite3_column_bytes(s, at);
    return true;
}

static void print_row(sqlite3_stmt *s, struct buf *out)
{
    static const struct type_render plain;
    const char *before = "{\"";
    struct cell c;
    for (int i = 0; i < WORKLOAD_COLUMNS; i++) {
        if (!take_cell(s, i, &c))
            continue;
        const struct type *t = type_get(workload_columns[i].type);
        buf_add_z(out, before);
        buf_add_z(out, workload_columns[i].field_name);
        buf_add_z(out, "\":");
        t->write_json(t, &c, &plain, out);
        before = ",\"";
    }
    buf_add_byte(out, '}');
}

static bool print_page(struct reference *r, sqlite3_stmt *s, uint64_t limit, uint64_t offset, struct buf *out, uint64_t *rows,
                       struct error *err)
{
    int rc;
    buf_reset(out);
    buf_add_byte(out, '[');
    sqlite3_bind_int64(s, 1, (int64_t)limit);
    sqlite3_bind_int64(s, 2, (int64_t)offset);
    uint64_t n = 0;
    while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
        if (n++)
            buf_add_z(out, "\n,");
        print_row(s, out);
    }
    buf_add_z(out, "]\n");
    *rows += n;
    if (sqlite3_reset(s) != SQLITE_OK || rc != SQLITE_DONE)
        return fail(r, "select", err);
    return buf_ok(out) || error_no_memory(err);
}

bool reference_select(struct reference *r, uint64_t limit, uint64_t offset, unsigned times, struct buf *out,
                      struct reference_figure *ret, struct error *err)
{
    struct buf sql = {0};
    sqlite3_stmt *s = NULL;
    for (int c = 0; c < WORKLOAD_COLUMNS; c++)
        buf_printf(&sql, "%sc%d", c ? "," : "SELECT ", c + 1);
    buf_add_z(&sql, " FROM rows ORDER BY sid LIMIT ?1 OFFSET ?2");
    bool ok = buf_ok(&sql) && sqlite3_prepare_v2(r->db, sql.p, (int)sql.n, &s, NULL) == SQLITE_OK;
    buf_free(&sql);
    if (!ok)
        return fail(r, "select", err);
    uint64_t rows = 0;
    int64_t start = clock_mono_us();
    for (unsigned i = 0; ok && i < times; i++)
        ok = print_page(r, s, limit, offset, out, &rows, err);
    if (ok)
        set_figure(ret, clock_mono_us() - start, rows);
    sqlite3_finalize(s);
    return ok;
}

bool reference_count(struct reference *r, uint64_t *ret_rows, struct error *err)
{
    sqlite3_stmt *s = NULL;
    bool ok = sqlite3_prepare_v2(r->db, "SELECT count(*) FROM rows", -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW;
    if (ok)
        *ret_rows = (uint64_t)sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return ok || fail(r, "count", err);
}

bool reference_checkpoint(struct reference *r, struct reference_figure *ret, struct error *err)
{
    int frames = 0, done = 0;
    int64_t start = clock_mono_us();
    if (sqlite3_wal_checkpoint_v2(r->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, &frames, &done) != SQLITE_OK)
        return fail(r, "checkpoint", err);
    set_figure(ret, clock_mono_us() - start, 0);
    return true;
}
