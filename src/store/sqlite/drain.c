/* What writes leave beside their rows goes to the catalog before the file that holds it is left (docs/storage.md, "The ledger").
 *
 *     file: audit, versions ─► (beyond what the catalog has, the chain checked) ─► portions, a catalog transaction each
 *                                                                            └─► the last portion: with the flip
 *
 * So a file begins with the chain's head alone, and leaving it costs what was written since. Repeated after a crash this does
 * nothing: the catalog knows how far it has come. It must never know more than the file will after a power cut, or the file would not
 * join on: so the WAL is synced before the first portion goes. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/sqlite/drain.h"
#include "store/stop_point.h"

enum { DRAIN_CACHE_BYTES = 256 << 10 };

/* ── a portion ── */

static bool copy_cells(struct arena *a, struct cell *cells, size_t n, struct error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (cells[i].kind != CELL_TEXT && cells[i].kind != CELL_BLOB)
            continue;
        cells[i].s = arena_str(a, cells[i].s.n ? cells[i].s : STR(""));
        if (!cells[i].s.p)
            return error_no_memory(err);
    }
    return true;
}

static bool departs(int64_t seq, struct error *err)
{
    return error_set(err, ERROR_STORE_UNAVAILABLE,
                     "the audit chain in the dataset's file departs at entry %lld from what is known of it: the file or catalog.db was changed or is of another time",
                     (long long)seq);
}

struct links {
    struct chain_head *head;
    struct history *h;
};

/* One row of the file's chain. The head, where the file may begin, is known already and must be the same. */
static bool take_link(void *ctx, const struct chain_link *link, bool *ret_enough, struct error *err)
{
    struct links *l = ctx;
    if (link->seq == l->head->seq)
        return (link->hash.n == CHAIN_HASH_BYTES && memcmp(link->hash.p, l->head->hash, CHAIN_HASH_BYTES) == 0) || departs(link->seq, err);
    if (!chain_follow(l->head, link, err))
        return departs(link->seq, err);
    struct chain_link *kept = &l->h->links[l->h->n_links];
    *kept = (struct chain_link){link->seq, arena_str(&l->h->arena, link->entry), arena_str(&l->h->arena, link->hash)};
    *ret_enough = ++l->h->n_links == DRAIN_ROWS;
    return (kept->entry.p && kept->hash.p) || error_no_memory(err);
}

static bool read_links(struct sql *db, struct chain_head *head, struct history *h, struct error *err)
{
    struct links links = {head, h};
    return audit_read(db, head->seq, take_link, &links, err);
}

static bool read_versions(struct sql *db, struct history_head *head, struct history *h, struct error *err)
{
    struct sql_statement *st = sql_prepare(db, STR("SELECT * FROM versions WHERE version>?1 ORDER BY version"), err);
    bool ok = st && sql_bind_i64(db, st, 1, head->version, err);
    enum sql_step step = SQL_DONE;
    while (ok && h->n_versions < DRAIN_ROWS && (step = sql_step(db, st, err)) == SQL_ROW) {
        struct cell *cells = h->versions[h->n_versions].cells;
        ok = sql_cells(db, st, cells, HISTORY_VERSION_CELLS, err) && copy_cells(&h->arena, cells, HISTORY_VERSION_CELLS, err);
        if (ok) {
            head->version = cells[0].i;
            h->n_versions++;
        }
    }
    sql_finalize(st);
    return ok && (step == SQL_ROW || step == SQL_DONE);
}

static bool read_portion(struct sql *db, struct history_head *head, struct history *h, struct error *err)
{
    h->n_links = h->n_versions = 0;
    arena_reset(&h->arena);
    h->links = arena_alloc(&h->arena, DRAIN_ROWS * sizeof *h->links);
    h->versions = arena_alloc(&h->arena, DRAIN_ROWS * sizeof *h->versions);
    if (!h->links || !h->versions)
        return error_no_memory(err);
    return read_links(db, &head->chain, h, err) && read_versions(db, head, h, err);
}

/* ── a file ── */

bool drain(struct store *s, const char *id, struct sql *db, struct history *ret_rest, struct error *err)
{
    struct history_head head;
    bool synced = false;
    if (!catalog_history_head(s->catalog, id, &head, err))
        return false;
    for (;;) {
        if (!read_portion(db, &head, ret_rest, err))
            return false;
        if (ret_rest->n_links < DRAIN_ROWS && ret_rest->n_versions < DRAIN_ROWS)
            return true;
        if ((!synced && !sql_sync_wal(db, err)) || !catalog_add_history(s->catalog, id, ret_rest, err))
            return false;
        synced = true;
        stop_point("portion_drained");
    }
}

bool drain_current(struct store *s, struct table *t, struct history *ret_rest, struct error *err)
{
    struct history_head head;
    if (!catalog_history_head(s->catalog, t->id, &head, err))
        return false;
    if (t->meta.audit.seq < head.chain.seq)
        return departs(t->meta.audit.seq + 1, err);
    return drain(s, t->id, t->current->writer, ret_rest, err);
}

void drain_before(struct store *s, const struct dataset *d)
{
    struct error later;
    struct history rest = {0};
    struct generation *g = generation_use(s, d, &later);
    struct sql *db = g ? reader_take(s, g, &later) : NULL;
    if (db) {
        bool ok = drain(s, d->id, db, &rest, &later);
        reader_give(s, g, db, ok);
    }
    if (g)
        generation_leave(s, g);
    arena_free(&rest.arena);
}

/* The file's last link is in the catalog: one that was put back from another time, and written to since, may be shorter than the
 * chain there and yet have links of its own. */
static bool is_drained(struct store *s, const char *id, struct sql *db, struct error *err)
{
    struct cell cells[2];
    bool has = false;
    struct sql_statement *st = sql_prepare(db, STR("SELECT seq,hash FROM audit ORDER BY seq DESC LIMIT 1"), err);
    enum sql_step step = st ? sql_step(db, st, err) : SQL_FAILED;
    bool ok = step == SQL_DONE || (step == SQL_ROW && sql_cells(db, st, cells, 2, err) &&
                                   catalog_history_has(s->catalog, id, cells[0].i, cells[1].s, &has, err) && (has || departs(cells[0].i, err)));
    sql_finalize(st);
    return ok;
}

static bool drain_open(struct store *s, const char *id, struct sql *db, struct error *err)
{
    struct history rest = {0};
    bool ok = layout_check_format(db, err) && drain(s, id, db, &rest, err) &&
              ((!rest.n_links && !rest.n_versions) || catalog_add_history(s->catalog, id, &rest, err)) && is_drained(s, id, db, err);
    arena_free(&rest.arena);
    return ok;
}

bool drain_file(struct store *s, const char *id, const char *path, struct error *err)
{
    struct sql *db = sql_open(path, SQL_READER, DRAIN_CACHE_BYTES, err);
    bool ok = db && drain_open(s, id, db, err);
    sql_close(db);
    return ok;
}

void drain_warn(const struct store *s, const char *id, const char *path, const struct error *why)
{
    char text[2 * sizeof why->message];
    if (!s->warn)
        return;
    snprintf(text, sizeof text, "%s stays: the history of dataset %s could not be taken out of it: %s", path + strlen(s->dir) + 1, id, why->message);
    s->warn(text);
}

/* ── a folder ── */

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

struct numbers {
    int64_t *v;
    size_t n;
};

static bool add_number(struct numbers *numbers, int64_t number, struct error *err)
{
    int64_t *v = realloc(numbers->v, (numbers->n + 1) * sizeof *v);
    if (!v)
        return error_no_memory(err);
    v[numbers->n++] = number;
    numbers->v = v;
    return true;
}

/* All of them: a file that was not seen would be removed with what it alone has. */
static bool add_generations(DIR *dir, struct numbers *numbers, struct error *err)
{
    for (;;) {
        int64_t number;
        errno = 0;
        const struct dirent *e = readdir(dir); /* NOLINT(concurrency-mt-unsafe): one thread alone has dir */
        if (!e)
            return errno == 0 || error_from_errno(err, errno, "looking into the dataset's folder");
        if (generation_number(e->d_name, &number) && !add_number(numbers, number, err))
            return false;
    }
}

/* The generations in the folder, rising; ret->v is malloc'ed, on failure too. */
static bool list_generations(const char *path, struct numbers *ret, struct error *err)
{
    DIR *dir = opendir(path);
    if (!dir)
        return errno == ENOENT || error_from_errno(err, errno, "looking into the dataset's folder");
    bool ok = add_generations(dir, ret, err);
    closedir(dir);
    if (ok && ret->n)
        qsort(ret->v, ret->n, sizeof *ret->v, by_number);
    return ok;
}

/* Nothing will be added to the chain any more: where it ends is told to the catalog's, so that its end cannot be cut off. */
static bool anchor_end(struct store *s, const char *id, struct error *err)
{
    struct history_head end;
    if (!catalog_history_head(s->catalog, id, &end, err))
        return false;
    struct chain_anchor a = {.head = end.chain};
    snprintf(a.dataset, sizeof a.dataset, "%s", id);
    return end.chain.seq == 0 || catalog_audit_anchor(s->catalog, &actor_server, &a, 1, err);
}

bool drain_away(struct store *s, const char *id, const char *path, struct error *err)
{
    struct numbers numbers = {0};
    bool ok = list_generations(path, &numbers, err);
    for (size_t i = 0; ok && i < numbers.n; i++) {
        char *file;
        if (asprintf(&file, "%s/rows-%lld.db", path, (long long)numbers.v[i]) < 0) {
            ok = error_no_memory(err);
        } else {
            ok = drain_file(s, id, file, err);
            if (ok)
                remove_database(file);
            free(file);
        }
    }
    ok = ok && (numbers.n == 0 || anchor_end(s, id, err));
    free(numbers.v);
    if (ok)
        remove_folder(path);
    return ok;
}
