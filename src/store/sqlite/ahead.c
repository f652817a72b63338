/* Building ahead (store.h): the next generation's file, made while the body still streams. (An upsert into a table that has
 * rows is early.c's; only the front door is here.)
 *
 *     body ─► stage ─► (settled bytes) ─► steps: pages of plain rows, appended to ahead-<random>.db
 *     body ends ─► ahead_complete(): the last rows, the index if keys did not rise ─► turn taken ─► ahead_take(): still right? ─► generation.c
 *
 * Rows carry numbers, a time and a version before anybody knows whether those will be theirs. Numbers must hold: if others
 * were given out meanwhile, all is thrown away and built again from the stage. Time and version are mended by one
 * UPDATE when another write came between, or when the body took so long that its rows would seem older than what readers of
 * "changed since" have seen (docs/storage.md, "Generations"). */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "store/sqlite/apply.h"
#include "store/sqlite/early.h"
#include "store/sqlite/generation.h"

enum {
    AHEAD_CACHE_BYTES = 4 << 20,
    STEP_RUN_BYTES = 512 << 10,
    /* Keys are sorted in pieces of this size, in a scratch file beyond it: with eight times as much it is a tenth quicker, and a
     * load's memory grows with its rows. */
    INDEX_CACHE_BYTES = 8 << 20,
    TIME_LAG_MAX_MS = 5000,
};

struct store_ahead {
    struct early *early;           /* it is that; all the rest is nothing then */
    struct store *s;
    const struct dataset *dataset; /* held */
    struct write rows;             /* what the rows are read as */
    struct meta from, meta;        /* the table's when it began; the new file's */
    struct apply apply;
    struct steps *steps;
    char *path;
    struct pages *pages;           /* while rows are added */
    struct sql *db;                /* before and after that; in a transaction after */
    struct applier *applier;
    bool has_index, failed, complete;
};

static struct store_ahead *new_early(struct store *s, const struct dataset *d, struct stage *stage, bool clear_absent)
{
    struct store_ahead *a = calloc(1, sizeof *a);
    if (a && (a->early = early_new(s, d, stage, clear_absent)))
        return a;
    free(a);
    return NULL;
}

static struct store_ahead *new_build(struct store *s, const struct dataset *d, struct stage *stage, bool replace, const struct meta *now)
{
    struct store_ahead *a = calloc(1, sizeof *a);
    if (!a || !(a->path = path_of_build(s, d->id))) {
        free(a);
        return NULL;
    }
    a->s = s;
    a->dataset = dataset_retain(d);
    a->rows = (struct write){.stage = stage, .dataset = a->dataset, .replace = replace};
    a->from = a->meta = *now;
    a->meta.state.rows = 0;
    a->meta.key_scaled = 0;
    return a;
}

struct store_ahead *store_ahead_new(struct store *s, const struct dataset *d, struct stage *stage, const struct ahead_rows *rows)
{
    struct meta now;
    if (!table_meta(s, d, &now))
        return NULL;
    if (!rows->replace && now.state.rows)
        return new_early(s, d, stage, rows->clear_absent);
    return new_build(s, d, stage, rows->replace, &now);
}

static void close_file(struct store_ahead *a)
{
    applier_free(a->applier);
    sql_close(a->db);
    pages_free(a->pages);
    a->applier = NULL;
    a->db = NULL;
    a->pages = NULL;
}

/* Nothing will come of it: the space is given back at once. */
static void give_up(struct store_ahead *a)
{
    if (a->steps)
        steps_end(a->steps);
    a->steps = NULL;
    close_file(a);
    if (a->path)
        remove_database(a->path);
    a->failed = true;
}

void store_ahead_free(struct store_ahead *a)
{
    if (!a)
        return;
    if (a->early) {
        early_free(a->early);
        free(a);
        return;
    }
    if (!a->failed)
        give_up(a);
    free(a->path);
    dataset_release(a->dataset);
    free(a);
}

static const struct column *key_of(const struct columns *c)
{
    return c->row_identifier >= 0 ? &c->v[c->row_identifier] : NULL;
}

/* Kept while keys rise; those of urls are compared otherwise than their addresses are. */
static bool has_index_from_the_start(const struct store_ahead *a)
{
    const struct column *key = key_of(&a->dataset->columns);
    return key && key->type->id != TYPE_URL;
}

/* An empty table, and an empty index on it. */
static bool make_file(struct store_ahead *a, struct pages_config *ret)
{
    struct error ignored;
    const struct columns *columns = &a->dataset->columns;
    a->has_index = has_index_from_the_start(a);
    a->db = sql_open(a->path, SQL_BUILD, AHEAD_CACHE_BYTES, &ignored);
    bool ok = a->db && sql_exec(a->db, "BEGIN", &ignored) && layout_create(a->db, columns, &ignored) &&
              (!a->has_index || layout_create_key_index(a->db, key_of(columns), &ignored)) && sql_exec(a->db, "COMMIT", &ignored) &&
              layout_find_roots(a->db, &ret->table_root, &ret->index_root, &ignored);
    sql_close(a->db); /* pages are for nobody else to see */
    a->db = NULL;
    return ok;
}

static bool open_file(struct store_ahead *a)
{
    struct error ignored;
    struct pages_config config = {.path = a->path};
    if (!make_file(a, &config) || !(a->pages = pages_open(&config, &ignored)))
        return false;
    a->apply = (struct apply){
        .write = &a->rows, .meta = &a->meta, .at_ms = write_time(&a->from), .version = a->from.state.version + 1,
        .pages = a->pages, .indexed = a->has_index,
    };
    a->steps = steps_begin(&a->apply, true, STEP_RUN_BYTES, &ignored);
    return a->steps;
}

/* The rows are in: SQLite has the file again. */
static bool reopen_file(struct store_ahead *a)
{
    struct error ignored;
    bool ok = pages_finish(a->pages, &ignored);
    pages_free(a->pages);
    a->pages = NULL;
    a->db = ok ? sql_open(a->path, SQL_BUILD, AHEAD_CACHE_BYTES, &ignored) : NULL;
    a->applier = a->db ? applier_new(a->db, &ignored) : NULL;
    return a->applier && sql_exec(a->db, "BEGIN", &ignored);
}

bool store_ahead_step(struct store_ahead *a, size_t bytes)
{
    struct error ignored;
    bool idle = true;
    if (a->early)
        return early_step(a->early, bytes);
    if (a->failed)
        return false;
    if ((!a->steps && !open_file(a)) || steps_go(a->steps, bytes, &idle, &ignored) != APPLY_DONE) {
        give_up(a);
        return false;
    }
    return !idle;
}

/* A key that came twice shows here. */
static bool make_index(struct store_ahead *a)
{
    struct error ignored;
    const struct column *key = key_of(&a->dataset->columns);
    if (!key || a->apply.indexed)
        return true;
    sql_set_cache(a->db, INDEX_CACHE_BYTES);
    bool ok = (!a->has_index || sql_exec(a->db, "DROP INDEX rows_key", &ignored)) && layout_create_key_index(a->db, key, &ignored);
    sql_set_cache(a->db, AHEAD_CACHE_BYTES);
    return ok;
}

bool ahead_complete(struct store_ahead *a)
{
    enum { STEP_BYTES = 8 << 20 };
    if (a->complete)
        return true;
    if (a->early)
        return false;
    while (store_ahead_step(a, STEP_BYTES))
        ;
    if (a->failed)
        return false;
    steps_end(a->steps);
    a->steps = NULL;
    if (!reopen_file(a) || !make_index(a))
        give_up(a);
    a->complete = !a->failed;
    return a->complete;
}

struct early *ahead_early(const struct store_ahead *a)
{
    return a->early;
}

/* ── under the turn ── */

static bool fits(const struct store_ahead *a, const struct meta *now)
{
    return a->complete && a->from.next_sid == now->next_sid && a->from.key_column == now->key_column &&
           a->from.state.shape_version == now->state.shape_version && a->from.state.incarnation == now->state.incarnation;
}

bool ahead_is_first_load(const struct store_ahead *a, const struct meta *now)
{
    return fits(a, now) && now->state.rows == 0;
}

static bool mend(struct store_ahead *a, int64_t at_ms, int64_t version)
{
    struct error ignored;
    struct sql_statement *st = sql_cached(a->db, STR("UPDATE rows SET created=?1,updated=?1,version=?2"), &ignored);
    return st && sql_bind_i64(a->db, st, 1, at_ms, &ignored) && sql_bind_i64(a->db, st, 2, version, &ignored) && sql_run(a->db, st, &ignored);
}

bool ahead_take(struct store_ahead *a, struct build *b, const struct write *w, struct write_counts *ret_counts, int64_t *ret_at_ms)
{
    const struct meta *now = &b->t->meta;
    int64_t at_ms = a->apply.at_ms, time = write_time(now);
    bool same = a->from.state.version == now->state.version && time - at_ms <= TIME_LAG_MAX_MS;
    if (w->dry_run || !fits(a, now) || (!same && !mend(a, at_ms = time, now->state.version + 1))) {
        give_up(a);
        return false;
    }
    struct meta meta = *now;
    meta.next_sid = a->meta.next_sid;
    meta.state.rows = a->meta.state.rows;
    meta.key_scaled = a->meta.key_scaled;
    b->meta = meta;
    free(b->path);
    b->path = a->path;
    b->db = a->db;
    b->applier = a->applier;
    a->path = NULL;
    a->db = NULL;
    a->applier = NULL;
    close_file(a);
    a->failed = true;
    *ret_counts = a->apply.counts;
    *ret_at_ms = at_ms;
    return true;
}
