/* Datasets come, grow columns and go. A new dataset's folder is made under a name that nobody reads and renamed when it is
 * whole and on disk, so a folder that exists has its file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/folder.h"
#include "store/sqlite/drain.h"
#include "store/sqlite/engine.h"
#include "store/sqlite/generation.h"
#include "store/stop_point.h"

static bool create_file(const char *path, const struct dataset *d, struct error *err)
{
    struct meta m;
    meta_init(&m, &d->columns);
    m.state.modified_ms = clock_wall_ms();
    m.state.shape_version = m.state.version;
    const struct column *key = d->columns.row_identifier >= 0 ? &d->columns.v[d->columns.row_identifier] : NULL;
    const struct actor by = {.user = d->owner};
    const struct ledger_entry entry = {.dataset = d->id, .action = "create", .by = &by, .at_ms = m.state.modified_ms, .generation = d->generation};
    struct sql *db = sql_open(path, SQL_BUILD, READER_CACHE_BYTES, err);
    if (!db)
        return false;
    bool ok = sql_exec(db, "BEGIN", err) && layout_create(db, &d->columns, err) && (!key || layout_create_key_index(db, key, err)) &&
              ledger_add(db, &m, &entry, err) && meta_insert(db, &m, err) && sql_exec(db, "COMMIT", err);
    if (ok)
        return sql_build_finish(db, err);
    sql_close(db);
    return false;
}

/* mkdir, the file, and both on disk; then the name that counts. */
static bool create_folder(const char *datasets, const char *making, const char *path, const struct dataset *d, struct error *err)
{
    char *file;
    remove_folder(making);
    if (mkdir(making, 0700) != 0)
        return error_from_errno(err, errno, "making the dataset's folder");
    if (asprintf(&file, "%s/rows-%lld.db", making, (long long)d->generation) < 0)
        return error_no_memory(err);
    bool ok = create_file(file, d, err) && folder_sync(making, err);
    free(file);
    if (ok && rename(making, path) != 0)
        ok = error_from_errno(err, errno, "naming the dataset's folder");
    return ok && folder_sync(datasets, err);
}

bool create_files(struct store *s, const struct dataset *d, struct error *err)
{
    char *datasets = NULL, *making = NULL, *path = path_of_table(s, d->id);
    bool ok = asprintf(&datasets, "%s/datasets", s->dir) >= 0 && asprintf(&making, "%s/datasets/.%s", s->dir, d->id) >= 0 && path;
    if (!ok)
        error_no_memory(err);
    else if (access(path, F_OK) == 0)
        ok = error_set(err, ERROR_INTERNAL, "dataset %s has its files already", d->id);
    else if (!(ok = create_folder(datasets, making, path, d, err)))
        remove_folder(making);
    free(datasets);
    free(making);
    free(path);
    return ok;
}

bool store_create(struct store *s, const struct dataset *d, struct error *err)
{
    return store_has_room(s, 0, err) && create_files(s, d, err);
}

/* ── columns ── */

static bool has_column(struct sql *db, const struct column *c, bool *ret, struct error *err)
{
    char text[96];
    int64_t n = 0;
    snprintf(text, sizeof text, "SELECT count(*) FROM pragma_table_info('rows') WHERE name='c%d'", c->physical);
    if (!sql_exec_i64(db, text, &n, err))
        return false;
    *ret = n != 0;
    return true;
}

static bool alter(struct sql *db, struct meta *m, const char *dataset, const struct column *c, int64_t generation, struct error *err)
{
    char text[128];
    snprintf(text, sizeof text, "ALTER TABLE rows ADD COLUMN c%d %s", c->physical, layout_column_type(c->type));
    m->state.modified_ms = write_time(m);
    m->state.version++;
    m->state.shape_version = m->state.version;
    const struct actor nobody = {.user = ""}; /* the catalog's record of the column tells who */
    const struct ledger_entry entry = {.dataset = dataset, .action = "add_column", .by = &nobody, .at_ms = m->state.modified_ms, .generation = generation};
    if (!sql_exec(db, "BEGIN IMMEDIATE", err))
        return false;
    if (sql_exec(db, text, err) && ledger_add(db, m, &entry, err) && meta_update(db, m, err) && sql_exec(db, "COMMIT", err))
        return true;
    struct error ignored;
    if (sql_in_transaction(db) && !sql_exec(db, "ROLLBACK", &ignored))
        *err = ignored;
    return false;
}

bool store_add_column(struct store *s, const struct dataset *d, const struct column *column, int64_t *ret_shape_version, struct error *err)
{
    struct table *t = table_take(s, d, err);
    if (!t)
        return false;
    struct generation *g = t->current;
    struct meta m = t->meta;
    bool there = false;
    bool ok = store_has_room(s, 0, err) && has_column(g->writer, column, &there, err);
    if (ok && !there) {
        table_committing(s, t, true);
        ok = alter(g->writer, &m, d->id, column, g->number, err);
        if (ok)
            table_publish(s, t, &m);
        else
            table_committing(s, t, false);
        if (!ok && (sql_is_broken(g->writer) || sql_in_transaction(g->writer)))
            generation_break_writer(g);
    }
    if (ok)
        *ret_shape_version = m.state.shape_version;
    table_give(s, t);
    return ok;
}

/* ── the end ── */

/* The folder loses its name in one step, before anybody else's turn can begin: who opens it piece by piece while it is being
 * removed would meet half a dataset. Its history goes to the catalog; where that fails (a full disk, a damaged file) the folder stays
 * under the name of what is gone. That, and what a crash leaves, is drained and removed later (clean.c). */
void store_drop(struct store *s, const char *dataset_id)
{
    struct dataset d = {.generation = 0};
    struct error ignored; /* no memory, or a folder that is not right: it goes all the same */
    char *path = path_of_table(s, dataset_id), *going = NULL;
    snprintf(d.id, sizeof d.id, "%s", dataset_id);
    struct table *t = table_hold(s, &d, &ignored);
    if (asprintf(&going, "%s/datasets/.%s" GONE, s->dir, dataset_id) < 0)
        going = NULL;
    bool renamed = path && going && rename(path, going) == 0;
    if (t)
        table_forget(s, t);
    const char *at = renamed ? going : path;
    stop_point("dropped");
    if (at)
        finish_gone(s, dataset_id, at, false);
    if (t)
        table_release(s, t);
    free(path);
    free(going);
}
