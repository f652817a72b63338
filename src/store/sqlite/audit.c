/* Reading the audit chain of a dataset's file (store.h). */
#include "store/sqlite/engine.h"

static bool read_links(struct sql *db, int64_t from, chain_reader take, void *ctx, struct error *err)
{
    struct cell cells[3];
    struct sql_statement *st = sql_prepare(db, STR("SELECT seq,entry,hash FROM audit WHERE seq>=?1 ORDER BY seq"), err);
    bool ok = st && sql_bind_i64(db, st, 1, from, err), enough = false;
    enum sql_step step = SQL_DONE;
    while (ok && !enough && (step = sql_step(db, st, err)) == SQL_ROW) {
        ok = sql_cells(db, st, cells, 3, err);
        const struct chain_link link = {cells[0].i, cells[1].s, cells[2].s};
        ok = ok && take(ctx, &link, &enough, err);
    }
    sql_finalize(st);
    return ok && (step == SQL_ROW || step == SQL_DONE);
}

static bool read_file(struct sql *db, int64_t from, chain_reader take, void *ctx, int64_t *ret_version, struct error *err)
{
    struct store_state state;
    struct error later;
    if (!sql_exec(db, "BEGIN", err))
        return false;
    bool ok = meta_read_state(db, &state, err) && read_links(db, from, take, ctx, err);
    if (ok && ret_version)
        *ret_version = state.version;
    return sql_exec(db, "COMMIT", ok ? err : &later) && ok;
}

bool store_audit_read(struct store *s, const struct dataset *d, int64_t from, chain_reader take, void *ctx, int64_t *ret_version, struct error *err)
{
    struct generation *g = generation_use(s, d, err);
    if (!g)
        return false;
    struct sql *db = reader_take(s, g, err);
    bool ok = db && read_file(db, from, take, ctx, ret_version, err);
    if (db)
        reader_give(s, g, db, ok);
    generation_leave(s, g);
    return ok;
}

/* ── heads, for the catalog's chain ── */

static void add_anchor(const struct table *t, struct buf *found)
{
    struct chain_anchor a = {.head.seq = t->meta.audit_seq};
    memcpy(a.dataset, t->id, sizeof a.dataset);
    memcpy(a.head.hash, t->meta.audit_hash, sizeof a.head.hash);
    buf_add(found, &a, sizeof a);
}

bool store_audit_moved(struct store *s, struct chain_anchor **ret_v, size_t *ret_n, struct error *err)
{
    struct buf found = {0};
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < TABLE_BUCKETS; i++)
        for (const struct table *t = s->buckets[i]; t; t = t->next)
            if (t->has_meta && !t->dropped && t->meta.audit_seq != t->anchored_seq)
                add_anchor(t, &found);
    pthread_mutex_unlock(&s->lock);
    if (!buf_ok(&found)) {
        buf_free(&found);
        return error_no_memory(err);
    }
    *ret_v = (struct chain_anchor *)(void *)found.p;
    *ret_n = found.n / sizeof **ret_v;
    return true;
}

void store_audit_anchored(struct store *s, const struct chain_anchor *v, size_t n)
{
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < n; i++) {
        struct table *t = table_find(s, v[i].dataset);
        if (t)
            t->anchored_seq = v[i].head.seq;
    }
    pthread_mutex_unlock(&s->lock);
}
