/* catalog.db through the driver: one row at a time, one transaction at a time, and the schema's steps. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog/internal.h"

enum { CACHE_BYTES = 2 << 20, WAL_FRAMES_MAX = 1000 };

static bool bind(struct sql *db, struct sql_statement *st, const char *kinds, va_list args, struct error *err)
{
    for (int i = 0; kinds[i]; i++) {
        bool ok = kinds[i] == 'i' ? sql_bind_i64(db, st, i + 1, va_arg(args, int64_t), err) : sql_bind_text(db, st, i + 1, va_arg(args, struct str), err);
        if (!ok)
            return false;
    }
    return true;
}

bool db_step(struct sql *db, struct sql_statement *st, bool *ret_row, struct error *err)
{
    enum sql_step step = sql_step(db, st, err);
    *ret_row = step == SQL_ROW;
    return step == SQL_ROW || step == SQL_DONE;
}

static bool run(struct sql *db, struct error *err, int64_t *ret, const char *text, const char *kinds, va_list args)
{
    struct sql_statement *st = sql_prepare(db, str_from(text), err);
    bool row = true;
    bool ok = st && bind(db, st, kinds, args, err);
    while (ok && row) {
        ok = db_step(db, st, &row, err);
        if (ok && row && ret)
            *ret = sql_i64(st, 0);
    }
    sql_finalize(st);
    return ok;
}

bool db_run(struct sql *db, struct error *err, const char *text, const char *kinds, ...)
{
    va_list args;
    va_start(args, kinds);
    bool ok = run(db, err, NULL, text, kinds, args);
    va_end(args);
    return ok;
}

bool db_int(struct sql *db, struct error *err, int64_t *ret, const char *text, const char *kinds, ...)
{
    va_list args;
    va_start(args, kinds);
    bool ok = run(db, err, ret, text, kinds, args);
    va_end(args);
    return ok;
}

bool db_begin(struct sql *db, struct error *err)
{
    return sql_exec(db, "BEGIN IMMEDIATE", err);
}

/* The driver leaves checkpoints to whoever writes; a failed one is no loss, the next commit tries again. */
static void checkpoint(struct sql *db)
{
    struct error later;
    int left;
    if (sql_wal_frames(db) > WAL_FRAMES_MAX && !sql_checkpoint(db, false, &left, &later))
        return;
}

bool db_commit(struct sql *db, struct error *err)
{
    if (!sql_exec(db, "COMMIT", err)) {
        db_rollback(db);
        return false;
    }
    checkpoint(db);
    return true;
}

/* Some errors (a full disk) have rolled back already. */
void db_rollback(struct sql *db)
{
    struct error second;
    if (sql_in_transaction(db) && !sql_exec(db, "ROLLBACK", &second))
        return;
}

/* ── the schema ── */

static const struct step {
    int version;
    const char *sql;
} steps[] = {
#define X(version, ...) {version, __VA_ARGS__},
#include "catalog/schema/schema.def"
#undef X
};

static bool migrate_step(struct sql *db, const struct step *step, struct error *err)
{
    char pragma[64];
    int64_t have = 0;
    snprintf(pragma, sizeof pragma, "PRAGMA user_version=%d", step->version);
    if (!db_begin(db, err))
        return false;
    /* Read again now that nobody else can write: two processes may have started together. */
    bool ok = sql_exec_i64(db, "PRAGMA user_version", &have, err);
    if (ok && have < step->version)
        ok = sql_exec(db, step->sql, err) && sql_exec(db, pragma, err);
    if (ok)
        return db_commit(db, err);
    db_rollback(db);
    return false;
}

static bool migrate(struct sql *db, struct error *err)
{
    const size_t n = sizeof steps / sizeof *steps;
    int64_t have = 0;
    if (!sql_exec_i64(db, "PRAGMA user_version", &have, err))
        return false;
    if (have > steps[n - 1].version)
        return error_set(err, ERROR_STORE_UNAVAILABLE, "catalog.db has format %lld, this server knows up to %d: it was written by a newer one", (long long)have, steps[n - 1].version);
    for (size_t i = 0; i < n; i++)
        if (steps[i].version > have && !migrate_step(db, &steps[i], err))
            return false;
    return true;
}

/* Hashes of passwords live in it: made with mode 0600 before SQLite, which would ask the umask, sees it. A file that is
 * there is not opened: closing it here would drop the locks that SQLite holds on it. */
static bool make_private(const char *path, struct error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == EEXIST || error_from_errno(err, errno, "making catalog.db");
    close(fd);
    return true;
}

/* No catalog, but datasets: it was lost or emptied. Starting anew would make them nobody's, to be removed some day. */
static bool check_not_lost(const char *path, struct error *err)
{
    struct stat st;
    char folder[4200];
    const char *slash = strrchr(path, '/');
    if (stat(path, &st) == 0 && st.st_size > 0)
        return true;
    if (snprintf(folder, sizeof folder, "%.*s/datasets", slash ? (int)(slash - path) : 1, slash ? path : ".") >= (int)sizeof folder)
        return error_set(err, ERROR_BAD_REQUEST, "the path of the data directory is too long");
    DIR *d = opendir(folder);
    bool found = false;
    for (const struct dirent *e; d && !found && (e = readdir(d));)
        found = e->d_name[0] != '.';
    if (d)
        closedir(d);
    return !found || error_set(err, ERROR_STORE_UNAVAILABLE, "catalog.db is missing or empty, but there are datasets in %s: put the catalog back, or move them away", folder);
}

static struct sql *open_writer(const char *path, struct error *err)
{
    if (!check_not_lost(path, err) || !make_private(path, err))
        return NULL;
    struct sql *db = sql_open(path, SQL_WRITER, CACHE_BYTES, err);
    if (db && sql_exec(db, "PRAGMA foreign_keys=ON", err) && migrate(db, err))
        return db;
    sql_close(db);
    /* The driver speaks of files in general; whoever starts the server must hear which one. */
    if (!strstr(err->message, "catalog.db")) {
        char said[sizeof err->message];
        snprintf(said, sizeof said, "%s", err->message);
        error_set(err, err->code, "%s: %s", path, said);
    }
    return NULL;
}

bool db_open_writer(const char *path, struct sql **ret, struct error *err)
{
    struct sql *db = open_writer(path, err);
    if (!db)
        return false;
    *ret = db;
    return true;
}
