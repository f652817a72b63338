/* Reading the audit chain of a dataset's file (store.h). */
#include "store/sqlite/engine.h"

bool audit_read(struct sql *db, int64_t from, chain_reader take, void *ctx, struct error *err)
{
    struct sql_statement *st = sql_prepare(db, STR("SELECT seq,entry,hash FROM audit WHERE seq>=?1 ORDER BY seq"), err);
    bool ok = st && sql_bind_i64(db, st, 1, from, err) && chain_read(db, st, take, ctx, err);
    sql_finalize(st);
    return ok;
}

static bool read_file(struct sql *db, int64_t from, chain_reader take, void *ctx, int64_t *ret_version, struct error *err)
{
    struct store_state state;
    struct error later;
    if (!sql_exec(db, "BEGIN", err))
        return false;
    bool ok = meta_read_state(db, &state, err) && audit_read(db, from, take, ctx, err);
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
    struct chain_anchor a = {.head = t->meta.audit};
    memcpy(a.dataset, t->id, sizeof a.dataset);
    buf_add(found, &a, sizeof a);
}

bool store_audit_moved(struct store *s, struct chain_anchor **ret_v, size_t *ret_n, struct error *err)
{
    struct buf found = {0};
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < TABLE_BUCKETS; i++)
        for (const struct table *t = s->buckets[i]; t; t = t->next)
            if (t->has_meta && !t->dropped && t->meta.audit.seq != t->anchored_seq)
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
