#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog/internal.h"

enum { BUSY_MS = 5000 };

bool db_error(struct error *err, sqlite3 *db, const char *what)
{
    enum error_code code;
    switch (sqlite3_errcode(db) & 0xff) {
    case SQLITE_FULL: code = ERROR_DISK_FULL; break;
    case SQLITE_NOMEM: code = ERROR_OUT_OF_MEMORY; break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: code = ERROR_STORE_BUSY; break;
    default: code = ERROR_STORE_UNAVAILABLE; break;
    }
    return error_set(err, code, "catalog.db: %s: %s", what, sqlite3_errmsg(db));
}

/* Passwords' hashes live in it: made for its owner alone before SQLite, which would ask the umask, sees it. */
static bool make_private(const char *path, struct error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_from_errno(err, errno, "opening catalog.db");
    close(fd);
    return true;
}

bool db_open(const char *path, sqlite3 **ret, struct error *err)
{
    if (!make_private(path, err))
        return false;
    sqlite3 *db = NULL;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK) {
        if (db)
            db_error(err, db, "opening");
        else
            error_no_memory(err);
        sqlite3_close(db);
        return false;
    }
    sqlite3_busy_timeout(db, BUSY_MS);
    if (!db_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF", err)) {
        sqlite3_close(db);
        return false;
    }
    *ret = db;
    return true;
}

bool db_exec(sqlite3 *db, const char *sql, struct error *err)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK || db_error(err, db, "running SQL");
}

bool db_prepare(sqlite3 *db, sqlite3_stmt **ret, struct error *err, const char *sql)
{
    return sqlite3_prepare_v2(db, sql, -1, ret, NULL) == SQLITE_OK || db_error(err, db, "preparing SQL");
}

bool db_step(sqlite3 *db, sqlite3_stmt *s, bool *ret_row, struct error *err)
{
    int rc = sqlite3_step(s);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return db_error(err, db, "reading or writing");
    *ret_row = rc == SQLITE_ROW;
    return true;
}

struct str db_text(sqlite3_stmt *s, int column)
{
    const char *p = (const char *)sqlite3_column_text(s, column);
    return p ? str_make(p, (size_t)sqlite3_column_bytes(s, column)) : STR_NONE;
}

static bool bind(sqlite3 *db, sqlite3_stmt *s, const char *kinds, va_list args, struct error *err)
{
    for (int i = 0; kinds[i]; i++) {
        int rc;
        if (kinds[i] == 'i') {
            rc = sqlite3_bind_int64(s, i + 1, va_arg(args, int64_t));
        } else {
            struct str t = va_arg(args, struct str);
            rc = t.p ? sqlite3_bind_text64(s, i + 1, t.p, t.n, SQLITE_STATIC, SQLITE_UTF8) : sqlite3_bind_null(s, i + 1);
        }
        if (rc != SQLITE_OK)
            return db_error(err, db, "binding a value");
    }
    return true;
}

static bool run(sqlite3 *db, struct error *err, int64_t *ret, const char *sql, const char *kinds, va_list args)
{
    sqlite3_stmt *s = NULL;
    bool row = true;
    bool ok = db_prepare(db, &s, err, sql) && bind(db, s, kinds, args, err);
    while (ok && row) {
        ok = db_step(db, s, &row, err);
        if (ok && row && ret)
            *ret = sqlite3_column_int64(s, 0);
    }
    sqlite3_finalize(s);
    return ok;
}

bool db_run(sqlite3 *db, struct error *err, const char *sql, const char *kinds, ...)
{
    va_list args;
    va_start(args, kinds);
    bool ok = run(db, err, NULL, sql, kinds, args);
    va_end(args);
    return ok;
}

bool db_int(sqlite3 *db, struct error *err, int64_t *ret, const char *sql, const char *kinds, ...)
{
    va_list args;
    va_start(args, kinds);
    bool ok = run(db, err, ret, sql, kinds, args);
    va_end(args);
    return ok;
}

bool db_begin(sqlite3 *db, struct error *err)
{
    return db_exec(db, "BEGIN IMMEDIATE", err);
}

bool db_commit(sqlite3 *db, struct error *err)
{
    if (db_exec(db, "COMMIT", err))
        return true;
    db_rollback(db);
    return false;
}

/* Some errors (a full disk) have rolled back already. */
void db_rollback(sqlite3 *db)
{
    if (!sqlite3_get_autocommit(db))
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
}

static const struct step {
    int version;
    const char *sql;
} steps[] = {
#define X(version, ...) {version, __VA_ARGS__},
#include "catalog/schema/schema.def"
#undef X
};

static bool migrate_step(sqlite3 *db, const struct step *step, struct error *err)
{
    char pragma[64];
    snprintf(pragma, sizeof pragma, "PRAGMA user_version=%d", step->version);
    if (!db_begin(db, err))
        return false;
    /* Read again now that nobody else can write: two processes may have started together. */
    int64_t have = 0;
    bool ok = db_int(db, err, &have, "PRAGMA user_version", "");
    if (ok && have < step->version)
        ok = db_exec(db, step->sql, err) && db_exec(db, pragma, err);
    if (ok)
        return db_commit(db, err);
    db_rollback(db);
    return false;
}

bool db_migrate(sqlite3 *db, struct error *err)
{
    const size_t n = sizeof steps / sizeof *steps;
    int64_t have = 0;
    if (!db_int(db, err, &have, "PRAGMA user_version", ""))
        return false;
    if (have > steps[n - 1].version)
        return error_set(err, ERROR_STORE_UNAVAILABLE, "catalog.db has format %lld, this server knows up to %d: it was written by a newer one", (long long)have, steps[n - 1].version);
    for (size_t i = 0; i < n; i++)
        if (steps[i].version > have && !migrate_step(db, &steps[i], err))
            return false;
    return true;
}
