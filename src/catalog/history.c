/* Version rows and audit chains of files that are left (history.h). */
#include "catalog/internal.h"

static bool head_of(struct catalog *c, const char *id, struct history_head *ret, struct error *err)
{
    if (!db_int(c->writer, err, &ret->version, "SELECT coalesce(max(version), -1) FROM dataset_version WHERE dataset = ?1", "t", str_from(id)))
        return false;
    struct sql_statement *st = sql_prepare(c->writer, STR("SELECT seq, hash FROM dataset_audit WHERE dataset = ?1 ORDER BY seq DESC LIMIT 1"), err);
    bool row = false;
    bool ok = st && sql_bind_text(c->writer, st, 1, str_from(id), err) && db_step(c->writer, st, &row, err);
    if (ok && row) {
        struct str hash = sql_text(st, 1);
        ret->chain.seq = sql_i64(st, 0);
        ok = hash.n == CHAIN_HASH_BYTES || error_set(err, ERROR_STORE_UNAVAILABLE, "catalog.db is damaged: a hash of an audit chain has %zu bytes", hash.n);
        if (ok)
            memcpy(ret->chain.hash, hash.p, hash.n);
    }
    sql_finalize(st);
    return ok;
}

bool catalog_history_head(struct catalog *c, const char *id, struct history_head *ret, struct error *err)
{
    struct history_head head = {.version = -1};
    pthread_mutex_lock(&c->write);
    bool ok = head_of(c, id, &head, err);
    pthread_mutex_unlock(&c->write);
    if (ok)
        *ret = head;
    return ok;
}

bool catalog_history_has(struct catalog *c, const char *id, int64_t seq, struct str hash, bool *ret, struct error *err)
{
    struct sql_statement *st = NULL;
    bool row = false;
    pthread_mutex_lock(&c->write);
    bool ok = (st = sql_prepare(c->writer, STR("SELECT 1 FROM dataset_audit WHERE dataset = ?1 AND seq = ?2 AND hash = ?3"), err));
    const struct cell cells[] = {cell_text(str_from(id)), cell_int(seq), cell_blob(hash)};
    ok = ok && sql_bind_cells(c->writer, st, 1, cells, sizeof cells / sizeof *cells, err) && db_step(c->writer, st, &row, err);
    sql_finalize(st);
    pthread_mutex_unlock(&c->write);
    if (ok)
        *ret = row;
    return ok;
}

/* Only what is there already is passed over: OR IGNORE would pass over a null too. */
static bool add_links(struct sql *db, const char *id, const struct history *h, struct error *err)
{
    struct sql_statement *st = sql_prepare(db, STR("INSERT INTO dataset_audit VALUES(?1, ?2, ?3, ?4) ON CONFLICT(dataset, seq) DO NOTHING"), err);
    bool ok = st;
    for (size_t i = 0; ok && i < h->n_links; i++) {
        const struct chain_link *l = &h->links[i];
        const struct cell cells[] = {cell_text(str_from(id)), cell_int(l->seq), cell_text(l->entry), cell_blob(l->hash)};
        ok = sql_bind_cells(db, st, 1, cells, sizeof cells / sizeof *cells, err) && sql_run(db, st, err);
    }
    sql_finalize(st);
    return ok;
}

static bool add_versions(struct sql *db, const char *id, const struct history *h, struct error *err)
{
    struct sql_statement *st =
        sql_prepare(db, STR("INSERT INTO dataset_version VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT(dataset, version) DO NOTHING"), err);
    bool ok = st && sql_bind_text(db, st, 1, str_from(id), err);
    for (size_t i = 0; ok && i < h->n_versions; i++)
        ok = sql_bind_cells(db, st, 2, h->versions[i].cells, HISTORY_VERSION_CELLS, err) && sql_run(db, st, err);
    sql_finalize(st);
    return ok;
}

bool history_insert(struct sql *db, const char *id, const struct history *h, struct error *err)
{
    return (!h->n_links || add_links(db, id, h, err)) && (!h->n_versions || add_versions(db, id, h, err));
}

bool catalog_add_history(struct catalog *c, const char *id, const struct history *h, struct error *err)
{
    pthread_mutex_lock(&c->write);
    bool ok = db_begin(c->writer, err);
    if (ok && history_insert(c->writer, id, h, err))
        ok = db_commit(c->writer, err);
    else if (ok) {
        db_rollback(c->writer);
        ok = false;
    }
    pthread_mutex_unlock(&c->write);
    return ok;
}

bool history_knows(struct catalog *c, const char *id, bool *ret, struct error *err)
{
    int64_t n = 0;
    if (!db_int(c->writer, err, &n, "SELECT EXISTS(SELECT 1 FROM dataset_audit WHERE dataset = ?1)", "t", str_from(id)))
        return false;
    *ret = n != 0;
    return true;
}
