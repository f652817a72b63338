/* The driver (sql.h). How each connection is set up, and why, is in docs/storage.md, "Connections". */
#include "sql/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "rows/decimal.h"
#include "rows/type.h"
#include "sql/functions/functions.h"

enum {
    OPTIMIZATION_BLOOM_FILTER = 0x80000, /* SQLITE_BloomFilter: it hashes text by bytes, blind to our collation */
    PROGRESS_STEPS = 4000,               /* virtual machine steps between two looks at the clock: well under 1 ms */
};

struct cached {
    char *text; /* malloc'ed; NULL: free */
    size_t n;
    sqlite3_stmt *st;
    uint64_t used;
};

struct sql {
    sqlite3 *db;
    enum sql_mode mode;
    char *path;         /* SQL_BUILD */
    int failure;        /* result code (extended) of the last failure, until a step succeeds */
    int64_t failure_place; /* of the expression that failed, -1: of none */
    int wal_frames;
    uint64_t deadline_ms;                /* monotonic, 0 for none */
    unsigned allowed_ms;                 /* how long it was away when it was set */
    bool (*interrupt)(void *ctx);
    void *interrupt_ctx;
    struct sql_watch watch;
    uint64_t uses;
    struct cached cached[SQL_CACHED_MAX];
};

/* Before anything initialises SQLite, whoever that is: these can only be set then. Statistics of its allocator cost a
 * global lock on each malloc; connections are never shared between threads at the same time, so they need no locks. */
__attribute__((constructor)) static void configure(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
}

/* ── result codes ── */

static bool says_full(int system_errno)
{
    return system_errno == ENOSPC || system_errno == EDQUOT || system_errno == EFBIG;
}

static bool file_says_full(sqlite3_file *f)
{
    int e = 0;
    return f && f->pMethods && f->pMethods->xFileControl(f, SQLITE_FCNTL_LAST_ERRNO, &e) == SQLITE_OK && says_full(e);
}

/* SQLite calls only ENOSPC "full", and that not of the WAL's index; a quota or a file size limit is one to the user too. The
 * file and its WAL remember why a write failed, where errno has been through other hands by now. The index's file does not, but
 * there nothing that sets errno comes between. */
static bool is_full(struct sql *s, int rc)
{
    sqlite3_file *file = NULL, *wal = NULL;
    if (rc == SQLITE_IOERR_SHMSIZE && s->db)
        return says_full(sqlite3_system_errno(s->db));
    if (rc != SQLITE_IOERR_WRITE || !s->db)
        return false;
    sqlite3_file_control(s->db, NULL, SQLITE_FCNTL_FILE_POINTER, &file);
    sqlite3_file_control(s->db, NULL, SQLITE_FCNTL_JOURNAL_POINTER, &wal);
    return file_says_full(file) || file_says_full(wal);
}

static enum error_code error_code_of(struct sql *s, int rc)
{
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return ERROR_DISK_FULL;
    case SQLITE_IOERR:
        if (rc == SQLITE_IOERR_NOMEM)
            return ERROR_OUT_OF_MEMORY;
        if (is_full(s, rc))
            return ERROR_DISK_FULL;
        return ERROR_STORE_UNAVAILABLE;
    case SQLITE_NOMEM:
        return ERROR_OUT_OF_MEMORY;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERROR_STORE_BUSY;
    case SQLITE_INTERRUPT:
        return ERROR_QUERY_TIMEOUT;
    case SQLITE_CANTOPEN:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_PROTOCOL:
        return ERROR_STORE_UNAVAILABLE;
    case SQLITE_TOOBIG:
        return ERROR_LIMIT_EXCEEDED;
    default:
        return ERROR_INTERNAL;
    }
}

static const char *message_of(enum error_code code)
{
    switch (code) {
    case ERROR_DISK_FULL:
        return "the disk is full: nothing was written; free some space and send it again";
    case ERROR_OUT_OF_MEMORY:
        return "memory is short: nothing was written; send it again later";
    case ERROR_STORE_BUSY:
        return "another process holds the dataset's files; send it again later";
    case ERROR_STORE_UNAVAILABLE:
        return "the dataset's files cannot be read or written now";
    case ERROR_LIMIT_EXCEEDED:
        return "a value is larger than the store takes";
    default:
        return "the store refused a statement";
    }
}

/* A function that refuses what a person's query asks of it says where: "@<place>:<message>" (functions/functions.h). */
static bool fail_at_place(struct sql *s, struct error *err)
{
    struct str digits, text, message = str_from(sqlite3_errmsg(s->db));
    uint64_t place;
    if (!str_starts(message, STR("@")) || !str_cut(str_skip(message, 1), ':', &digits, &text) || !str_to_u64(digits, &place) ||
        place > INT64_MAX)
        return false;
    error_set(err, ERROR_QUERY_RUNTIME, FMT_STR, ARG_STR(text));
    s->failure_place = (int64_t)place;
    return true;
}

/* A header that no SQLite of today wrote: to the library a plain error, to us a file that is none. */
static bool is_strange_file(struct sql *s, int rc)
{
    static const char *const messages[] = {"unsupported file format", "attached databases must use the same text encoding as main database"};
    for (size_t i = 0; rc == SQLITE_ERROR && s->db && i < sizeof messages / sizeof *messages; i++)
        if (strcmp(sqlite3_errmsg(s->db), messages[i]) == 0)
            return true;
    return false;
}

static bool fail(struct sql *s, int rc, struct error *err)
{
    if (is_strange_file(s, rc))
        rc = SQLITE_NOTADB;
    enum error_code code = error_code_of(s, rc);
    s->failure = rc;
    s->failure_place = -1;
    if (rc == SQLITE_ERROR && fail_at_place(s, err))
        return false;
    if (code == ERROR_QUERY_TIMEOUT)
        error_set(err, code, "the query took longer than the %g seconds that it may; narrow it with a filter, or with a lower $limit", s->allowed_ms / 1000.0);
    else
        error_set(err, code, "%s (storage code %d)", message_of(code), rc);
    if (error_info(code)->status == 503)
        err->retry_after_s = 5;
    return false;
}

int64_t sql_failure_place(struct sql *s)
{
    return s->failure_place;
}

bool sql_is_broken(struct sql *s)
{
    switch (s->failure & 0xff) {
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CANTOPEN:
    case SQLITE_PROTOCOL:
    case SQLITE_READONLY: /* opened while the file could not be written: it stays so until it is opened anew */
        return true;
    default:
        return false;
    }
}

bool sql_failure_is_fault(struct sql *s)
{
    switch (s->failure & 0xff) {
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return true;
    default:
        return sql_is_broken(s);
    }
}

/* ── connections ── */

static int collate_decimal(void *ctx, int a_n, const void *a, int b_n, const void *b)
{
    (void)ctx;
    return decimal_compare(str_make(a, (size_t)a_n), str_make(b, (size_t)b_n));
}

/* url_address(cell): what of a url identifies a row. Our own because the JSON functions of SQLite may not stand in an index
 * of a schema that is not trusted. Null when there is no address. */
static void url_address(sqlite3_context *out, int n, sqlite3_value **values)
{
    (void)n;
    struct arena a = {0};
    struct str address;
    struct cell c = cell_text(str_make((const char *)sqlite3_value_text(values[0]), (size_t)sqlite3_value_bytes(values[0])));
    if (sqlite3_value_type(values[0]) != SQLITE_TEXT)
        sqlite3_result_null(out);
    else if (!c.s.p || !type_url.key(&c, &a, &address))
        sqlite3_result_error_nomem(out);
    else if (address.n)
        sqlite3_result_text64(out, address.p, address.n, SQLITE_TRANSIENT, SQLITE_UTF8);
    else
        sqlite3_result_null(out);
    arena_free(&a);
}

static int on_commit(void *ctx, sqlite3 *db, const char *schema, int frames)
{
    struct sql *s = ctx;
    (void)db;
    (void)schema;
    s->wal_frames = frames;
    return SQLITE_OK;
}

static int on_progress(void *ctx)
{
    const struct sql *s = ctx;
    return (s->deadline_ms && clock_mono_ms() > s->deadline_ms) || (s->interrupt && s->interrupt(s->interrupt_ctx));
}

static const char *const setups[] = {
    [SQL_WRITER] = "PRAGMA journal_mode=WAL;"
                   "PRAGMA synchronous=FULL;"
                   "PRAGMA wal_autocheckpoint=0;"
                   "PRAGMA journal_size_limit=67108864;"
                   "PRAGMA temp_store=MEMORY;",
    [SQL_READER] = "PRAGMA query_only=ON;"
                   "PRAGMA wal_autocheckpoint=0;",
    [SQL_BUILD] = "PRAGMA page_size=8192;"
                  "PRAGMA synchronous=OFF;"
                  "PRAGMA locking_mode=EXCLUSIVE;",
};

/* The file's text cannot do anything: a damaged or forged schema may not call functions or write to itself. */
static bool defend(struct sql *s)
{
    int off = 0;
    return sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, &off) == SQLITE_OK &&
           sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, &off) == SQLITE_OK &&
           sqlite3_db_config(s->db, SQLITE_DBCONFIG_DQS_DML, 0, &off) == SQLITE_OK &&
           sqlite3_db_config(s->db, SQLITE_DBCONFIG_DQS_DDL, 0, &off) == SQLITE_OK &&
           sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, s->mode == SQL_READER, &off) == SQLITE_OK;
}

static bool set_up(struct sql *s, size_t cache_bytes, struct error *err)
{
    sqlite3_busy_timeout(s->db, SQL_BUSY_MS);
    sqlite3_test_control(SQLITE_TESTCTRL_OPTIMIZATIONS, s->db, OPTIMIZATION_BLOOM_FILTER);
    int rc = sqlite3_create_collation_v2(s->db, "DECIMAL1", SQLITE_UTF8, NULL, collate_decimal, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_create_function_v2(s->db, "url_address", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, NULL, url_address, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = functions_register(s->db);
    if (rc != SQLITE_OK)
        return fail(s, rc, err);
    /* Before the defensive mode, in which SQLite leaves this out without a word. */
    if (s->mode == SQL_BUILD && !sql_exec(s, "PRAGMA journal_mode=OFF", err))
        return false;
    if (!defend(s))
        return error_set(err, ERROR_INTERNAL, "the SQLite library lacks a setting that the store needs");
    sql_set_cache(s, cache_bytes);
    if (!sql_exec(s, setups[s->mode], err))
        return false;
    sqlite3_wal_hook(s->db, on_commit, s); /* last: PRAGMA wal_autocheckpoint would take it away */
    return true;
}

struct sql *sql_open(const char *path, enum sql_mode mode, size_t cache_bytes, struct error *err)
{
    struct sql *s = calloc(1, sizeof *s);
    if (!s || (mode == SQL_BUILD && !(s->path = strdup(path)))) {
        free(s);
        error_no_memory(err);
        return NULL;
    }
    s->mode = mode;
    s->failure_place = -1;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | (mode == SQL_BUILD ? SQLITE_OPEN_CREATE : 0);
    int rc = sqlite3_open_v2(path, &s->db, flags, NULL);
    /* SQLite falls back to reading only when an open for writing fails, once; a writer must not live with that. */
    if (rc == SQLITE_OK && mode != SQL_READER && sqlite3_db_readonly(s->db, "main") == 1)
        rc = SQLITE_READONLY;
    bool ok = rc == SQLITE_OK ? set_up(s, cache_bytes, err) : fail(s, rc, err);
    if (!ok) {
        sql_close(s);
        return NULL;
    }
    return s;
}

void sql_close(struct sql *s)
{
    if (!s)
        return;
    for (int i = 0; i < SQL_CACHED_MAX; i++) {
        sqlite3_finalize(s->cached[i].st);
        free(s->cached[i].text);
    }
    sqlite3_close_v2(s->db);
    free(s->path);
    free(s);
}

/* Written by a connection that is closed by now: our own descriptor drops nobody's lock. */
static bool sync_file(const char *path, struct error *err)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return error_from_errno(err, errno, "opening the rows' new file");
    int rc = fsync(fd), saved = errno;
    close(fd);
    return rc == 0 || error_from_errno(err, saved, "syncing the rows' new file");
}

bool sql_build_finish(struct sql *s, struct error *err)
{
    /* The header's two version bytes; the WAL itself is made when a writer opens. */
    bool ok = sql_exec(s, "PRAGMA locking_mode=NORMAL; PRAGMA journal_mode=WAL; PRAGMA wal_checkpoint(TRUNCATE)", err);
    char *path = s->path;
    s->path = NULL;
    sql_close(s);
    ok = ok && sync_file(path, err);
    free(path);
    return ok;
}

void sql_set_cache(struct sql *s, size_t bytes)
{
    char text[64];
    struct error ignored;
    snprintf(text, sizeof text, "PRAGMA cache_size=-%zu", bytes / 1024 ? bytes / 1024 : 1);
    /* A cache that stays as it was is slower or larger, not wrong. */
    if (!sql_exec(s, text, &ignored))
        s->failure = 0;
    else
        sqlite3_db_release_memory(s->db);
}

static void watch_progress(struct sql *s)
{
    bool watch = s->deadline_ms || s->interrupt;
    sqlite3_progress_handler(s->db, watch ? PROGRESS_STEPS : 0, watch ? on_progress : NULL, s);
}

void sql_set_deadline(struct sql *s, unsigned ms)
{
    s->deadline_ms = ms ? clock_mono_ms() + ms : 0;
    s->allowed_ms = ms;
    watch_progress(s);
}

void sql_set_interrupt(struct sql *s, bool (*wanted)(void *ctx), void *ctx)
{
    s->interrupt = wanted;
    s->interrupt_ctx = ctx;
    watch_progress(s);
}

static void on_change(void *ctx, int operation, const char *schema, const char *table, sqlite3_int64 rowid)
{
    const struct sql *s = ctx;
    (void)operation;
    (void)schema;
    if (strcmp(table, "rows") == 0)
        s->watch.changed(s->watch.ctx, rowid);
}

static int on_committing(void *ctx)
{
    const struct sql *s = ctx;
    s->watch.ends(s->watch.ctx, true);
    return 0; /* goes on */
}

static void on_rollback(void *ctx)
{
    const struct sql *s = ctx;
    s->watch.ends(s->watch.ctx, false);
}

void sql_watch_rows(struct sql *s, const struct sql_watch *watch)
{
    s->watch = *watch;
    sqlite3_update_hook(s->db, on_change, s);
    sqlite3_commit_hook(s->db, on_committing, s);
    sqlite3_rollback_hook(s->db, on_rollback, s);
}

bool sql_in_transaction(struct sql *s)
{
    return !sqlite3_get_autocommit(s->db);
}

int64_t sql_changes(struct sql *s)
{
    return sqlite3_changes64(s->db);
}

int64_t sql_last_inserted(struct sql *s)
{
    return sqlite3_last_insert_rowid(s->db);
}

void sql_forget_inserted(struct sql *s)
{
    sqlite3_set_last_insert_rowid(s->db, 0);
}

/* Locks are on the file and its index, never on the WAL: our own descriptor drops nobody's. */
bool sql_sync_wal(struct sql *s, struct error *err)
{
    int fd = open(sqlite3_filename_wal(sqlite3_db_filename(s->db, "main")), O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || error_from_errno(err, errno, "opening the rows' WAL");
    int rc = fdatasync(fd), saved = errno;
    close(fd);
    if (rc != 0)
        s->failure = SQLITE_IOERR_FSYNC;
    return rc == 0 || error_from_errno(err, saved, "syncing the rows' WAL");
}

int sql_wal_frames(struct sql *s)
{
    return s->wal_frames;
}

bool sql_checkpoint(struct sql *s, bool truncate, int *ret_frames_left, struct error *err)
{
    int in_wal = 0, moved = 0;
    int rc = sqlite3_wal_checkpoint_v2(s->db, NULL, truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, &in_wal, &moved);
    if (rc != SQLITE_OK && rc != SQLITE_BUSY)
        return fail(s, rc, err);
    s->wal_frames = in_wal > moved ? in_wal - moved : 0;
    *ret_frames_left = s->wal_frames;
    return true;
}

bool sql_exec(struct sql *s, const char *text, struct error *err)
{
    int rc = sqlite3_exec(s->db, text, NULL, NULL, NULL);
    return rc == SQLITE_OK || fail(s, rc, err);
}

bool sql_exec_i64(struct sql *s, const char *text, int64_t *ret, struct error *err)
{
    struct sql_statement *st = sql_prepare(s, str_from(text), err);
    if (!st)
        return false;
    enum sql_step step = sql_step(s, st, err);
    if (step == SQL_ROW)
        *ret = sql_i64(st, 0);
    else if (step == SQL_DONE)
        error_set(err, ERROR_INTERNAL, "a statement gave no row where one was due");
    sql_finalize(st);
    return step == SQL_ROW;
}

/* ── statements ── */

static sqlite3_stmt *own(struct sql_statement *st)
{
    return (sqlite3_stmt *)st;
}

/* Limits of SQLite that a person's query can meet. Its parser has a stack of a hundred symbols, its trees a thousand levels. Its words, and ours. */
static const struct {
    const char *says, *message;
} limits[] = {
    {"parser stack overflow", "the query is nested too deeply for its store, which takes about 30 calls within each other"},
    {"Expression tree is too large", "an expression is nested too deeply for its store, which takes 1,000 levels, selects within each other included"},
    {"too many arguments on function", "a call has more arguments than the store takes, which is about 120; put one call into another"},
    {"too many terms in", "a list has more terms than the store takes, which is 2,000 in GROUP BY, ORDER BY and OVER"},
    {"too many columns", "a select has more columns than the store takes, which is 2,000"},
    {"at most 64 tables in a join", "the query joins more tables than the store takes, which is 64"},
};

static const char *limit_met(struct sql *s, int rc)
{
    for (size_t i = 0; rc == SQLITE_ERROR && i < sizeof limits / sizeof *limits; i++)
        if (strstr(sqlite3_errmsg(s->db), limits[i].says))
            return limits[i].message;
    return NULL;
}

struct sql_statement *sql_prepare(struct sql *s, struct str text, struct error *err)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v3(s->db, text.p, (int)text.n, SQLITE_PREPARE_PERSISTENT, &st, NULL);
    const char *limit = limit_met(s, rc);
    if (rc == SQLITE_OK && st)
        return (struct sql_statement *)st;
    if (rc == SQLITE_OK)
        error_set(err, ERROR_INTERNAL, "an empty statement");
    else if (limit)
        error_set(err, ERROR_QUERY_TOO_LARGE, "%s", limit);
    else
        fail(s, rc, err);
    return NULL;
}

static bool cached_matches(const struct cached *c, struct str text)
{
    return c->text && c->n == text.n && memcmp(c->text, text.p, text.n) == 0;
}

struct sql_statement *sql_cached(struct sql *s, struct str text, struct error *err)
{
    struct cached *oldest = &s->cached[0];
    for (int i = 0; i < SQL_CACHED_MAX; i++) {
        struct cached *c = &s->cached[i];
        if (cached_matches(c, text)) {
            c->used = ++s->uses;
            sqlite3_reset(c->st);
            return (struct sql_statement *)c->st;
        }
        if (c->used < oldest->used)
            oldest = c;
    }
    char *copy = str_dup_z(text);
    struct sql_statement *st = copy ? sql_prepare(s, text, err) : NULL;
    if (!st) {
        if (!copy)
            error_no_memory(err);
        free(copy);
        return NULL;
    }
    sqlite3_finalize(oldest->st);
    free(oldest->text);
    *oldest = (struct cached){.text = copy, .n = text.n, .st = own(st), .used = ++s->uses};
    return st;
}

void sql_finalize(struct sql_statement *st)
{
    sqlite3_finalize(own(st));
}

static int bind_cell(sqlite3_stmt *st, int at, const struct cell *c)
{
    /* A NULL pointer would bind null where the empty text is meant. */
    const char *p = c->s.p ? c->s.p : "";
    switch (c->kind) {
    case CELL_ABSENT:
    case CELL_NULL:
        return sqlite3_bind_null(st, at);
    case CELL_INT:
        return sqlite3_bind_int64(st, at, c->i);
    case CELL_TEXT:
        return sqlite3_bind_text64(st, at, p, c->s.n, SQLITE_STATIC, SQLITE_UTF8);
    case CELL_BLOB:
        return sqlite3_bind_blob64(st, at, p, c->s.n, SQLITE_STATIC);
    }
    return SQLITE_MISUSE;
}

bool sql_bind(struct sql *s, struct sql_statement *st, int at, const struct cell *c, struct error *err)
{
    int rc = bind_cell(own(st), at, c);
    return rc == SQLITE_OK || fail(s, rc, err);
}

bool sql_bind_i64(struct sql *s, struct sql_statement *st, int at, int64_t v, struct error *err)
{
    int rc = sqlite3_bind_int64(own(st), at, v);
    return rc == SQLITE_OK || fail(s, rc, err);
}

bool sql_bind_text(struct sql *s, struct sql_statement *st, int at, struct str v, struct error *err)
{
    struct cell c = v.p ? cell_text(v) : cell_null();
    return sql_bind(s, st, at, &c, err);
}

bool sql_bind_cells(struct sql *s, struct sql_statement *st, int from, const struct cell *cells, size_t n, struct error *err)
{
    int rc = SQLITE_OK;
    for (size_t i = 0; i < n && rc == SQLITE_OK; i++)
        rc = bind_cell(own(st), from + (int)i, &cells[i]);
    return rc == SQLITE_OK || fail(s, rc, err);
}

enum sql_step sql_step(struct sql *s, struct sql_statement *st, struct error *err)
{
    int rc = sqlite3_step(own(st));
    if (rc == SQLITE_ROW)
        return SQL_ROW;
    sqlite3_reset(own(st));
    if (rc == SQLITE_DONE) {
        s->failure = SQLITE_OK;
        return SQL_DONE;
    }
    fail(s, rc, err);
    return (rc & 0xff) == SQLITE_CONSTRAINT ? SQL_CONSTRAINT : SQL_FAILED;
}

bool sql_run(struct sql *s, struct sql_statement *st, struct error *err)
{
    switch (sql_step(s, st, err)) {
    case SQL_DONE:
        return true;
    case SQL_ROW:
        sqlite3_reset(own(st));
        return error_set(err, ERROR_INTERNAL, "a statement gave a row where none was due");
    case SQL_CONSTRAINT:
    case SQL_FAILED:
        break;
    }
    return false;
}

void sql_reset(struct sql_statement *st)
{
    sqlite3_reset(own(st));
}

void sql_cell(struct sql_statement *st, int column, struct cell *ret)
{
    switch (sqlite3_column_type(own(st), column)) {
    case SQLITE_INTEGER:
        *ret = cell_int(sqlite3_column_int64(own(st), column));
        break;
    case SQLITE_BLOB: {
        const char *p = sqlite3_column_blob(own(st), column);
        *ret = cell_blob(str_make(p, (size_t)sqlite3_column_bytes(own(st), column)));
        break;
    }
    case SQLITE_NULL:
        *ret = cell_null();
        break;
    default: { /* text; our tables hold no floats */
        const char *p = (const char *)sqlite3_column_text(own(st), column);
        *ret = cell_text(str_make(p, (size_t)sqlite3_column_bytes(own(st), column)));
        break;
    }
    }
}

bool sql_cells(struct sql *s, struct sql_statement *st, struct cell *ret, size_t n, struct error *err)
{
    for (size_t i = 0; i < n; i++) {
        sql_cell(st, (int)i, &ret[i]);
        if (ret[i].kind == CELL_TEXT && !ret[i].s.p)
            return fail(s, SQLITE_NOMEM, err);
    }
    return true;
}

int64_t sql_scanned(struct sql_statement *st)
{
    return sqlite3_stmt_status(own(st), SQLITE_STMTSTATUS_FULLSCAN_STEP, 1);
}

int64_t sql_i64(struct sql_statement *st, int column)
{
    return sqlite3_column_int64(own(st), column);
}

struct str sql_text(struct sql_statement *st, int column)
{
    struct cell c;
    sql_cell(st, column, &c);
    return c.kind == CELL_TEXT || c.kind == CELL_BLOB ? c.s : STR_NONE;
}

/* ── the start-up test ── */

/* 3,000 numbers in two scales must all find their partner. */
bool sql_self_test(struct error *err)
{
    struct sql *s = sql_open(":memory:", SQL_BUILD, 4 << 20, err);
    int64_t n = 0;
    if (!s)
        return false;
    bool ok = sql_exec(s,
                       "CREATE TABLE a(x TEXT COLLATE DECIMAL1) STRICT; CREATE TABLE b(x TEXT COLLATE DECIMAL1, y INTEGER) STRICT;"
                       "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<3000) INSERT INTO a SELECT CAST(i AS TEXT) FROM n;"
                       "INSERT INTO b SELECT x||'.00', 1 FROM a; ANALYZE",
                       err) &&
              sql_exec_i64(s, "SELECT count(*) FROM a JOIN b ON a.x=b.x COLLATE DECIMAL1 WHERE b.y=1", &n, err);
    sql_close(s);
    if (ok && n != 3000)
        return error_set(err, ERROR_INTERNAL, "this SQLite library counts a join wrong (%lld for 3000): it cannot be used", (long long)n);
    return ok;
}
