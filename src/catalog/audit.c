/* Writing and reading the audit chain of catalog.db (audit.h). */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "catalog/internal.h"

enum { READER_CACHE_BYTES = 256 << 10 };

static const struct {
    const char *name, *sentence;
} actions[] = {
#define X(symbol, name, sentence) {name, sentence},
#include "catalog/audit_actions.def"
#undef X
};

const char *audit_action_name(enum audit_action action)
{
    return actions[action].name;
}

const char *audit_action_sentence(enum audit_action action)
{
    return actions[action].sentence;
}

/* ── writing ── */

static bool read_head(struct sql *db, struct chain_head *ret, struct error *err)
{
    struct sql_statement *st = sql_prepare(db, STR("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1"), err);
    bool row = false;
    bool ok = st && db_step(db, st, &row, err);
    *ret = (struct chain_head){0};
    if (ok && row) {
        struct str hash = sql_text(st, 1);
        ret->seq = sql_i64(st, 0);
        ok = hash.n == CHAIN_HASH_BYTES ||
             error_set(err, ERROR_STORE_UNAVAILABLE, "catalog.db is damaged: the hash of audit record %lld has %zu bytes", (long long)ret->seq, hash.n);
        if (ok)
            memcpy(ret->hash, hash.p, hash.n);
    }
    sql_finalize(st);
    return ok;
}

static void add_text(struct buf *b, const char *key, struct str value)
{
    buf_printf(b, ",\"%s\":", key);
    if (value.n)
        buf_add_json(b, value);
    else
        buf_add_z(b, "null");
}

static void write_entry(struct buf *b, int64_t seq, const struct actor *by, const struct audit_record *r)
{
    buf_printf(b, "{\"seq\":%lld,\"at_ms\":%lld", (long long)seq, (long long)clock_wall_ms());
    add_text(b, "action", str_from(audit_action_name(r->action)));
    add_text(b, "user", str_from(by->user));
    add_text(b, "via", str_from(by->via));
    add_text(b, "peer", str_from(by->peer));
    add_text(b, "request_id", by->request_id);
    buf_printf(b, ",\"subject\":{\"%s\":", r->kind);
    buf_add_json(b, r->id);
    buf_add_z(b, "},\"details\":{");
    buf_add_str(b, r->details);
    buf_add_z(b, "}}");
}

bool audit_add(struct catalog *c, const struct actor *by, const struct audit_record *r, struct error *err)
{
    struct chain_head head;
    unsigned char hash[CHAIN_HASH_BYTES];
    struct buf b = {0};
    if (!read_head(c->writer, &head, err))
        return false;
    write_entry(&b, head.seq + 1, by, r);
    struct sql_statement *st = NULL;
    bool ok = buf_ok(&b) || error_no_memory(err);
    if (ok) {
        chain_hash(head.hash, buf_str(&b), hash);
        st = sql_prepare(c->writer, STR("INSERT INTO audit VALUES(?1, ?2, ?3)"), err);
        const struct cell cells[] = {cell_int(head.seq + 1), cell_text(buf_str(&b)), cell_blob(str_make((const char *)hash, sizeof hash))};
        ok = st && sql_bind_cells(c->writer, st, 1, cells, sizeof cells / sizeof *cells, err) && sql_run(c->writer, st, err);
    }
    sql_finalize(st);
    buf_free(&b);
    return ok;
}

enum { ANCHORS_OF_A_RECORD = 1000 };

static bool add_anchors(struct catalog *c, const struct actor *by, const struct chain_anchor *v, size_t n, struct error *err)
{
    struct buf details = {0};
    char count[24], hex[2 * CHAIN_HASH_BYTES + 1];
    snprintf(count, sizeof count, "%zu", n);
    for (size_t i = 0; i < n; i++)
        buf_printf(&details, "%s\"%s\":{\"seq\":%lld,\"hash\":\"%s\"}", i ? "," : "", v[i].dataset, (long long)v[i].head.seq,
                   sodium_bin2hex(hex, sizeof hex, v[i].head.hash, CHAIN_HASH_BYTES));
    const struct audit_record r = {AUDIT_ROWS_HEADS, "datasets", str_from(count), buf_str(&details)};
    bool ok = buf_ok(&details) ? audit_add(c, by, &r, err) : error_no_memory(err);
    buf_free(&details);
    return ok;
}

bool catalog_audit_anchor(struct catalog *c, const struct actor *by, const struct chain_anchor *v, size_t n, struct error *err)
{
    pthread_mutex_lock(&c->write);
    bool ok = db_begin(c->writer, err);
    if (ok) {
        for (size_t at = 0; ok && at < n; at += ANCHORS_OF_A_RECORD)
            ok = add_anchors(c, by, v + at, n - at < ANCHORS_OF_A_RECORD ? n - at : ANCHORS_OF_A_RECORD, err);
        if (!ok)
            db_rollback(c->writer);
        else
            ok = db_commit(c->writer, err);
    }
    pthread_mutex_unlock(&c->write);
    return ok;
}

/* ── reading: a connection of its own, so that a long export keeps no change waiting ── */

static struct sql *open_reader(struct catalog *c, struct error *err)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/catalog.db", c->dir);
    return sql_open(path, SQL_READER, READER_CACHE_BYTES, err);
}

bool catalog_audit_head(struct catalog *c, struct chain_head *ret, struct error *err)
{
    pthread_mutex_lock(&c->write);
    bool ok = read_head(c->writer, ret, err);
    pthread_mutex_unlock(&c->write);
    return ok;
}

bool catalog_audit_read(struct catalog *c, int64_t from, chain_reader take, void *ctx, struct error *err)
{
    struct sql *db = open_reader(c, err);
    struct sql_statement *st = db ? sql_prepare(db, STR("SELECT seq, entry, hash FROM audit WHERE seq >= ?1 ORDER BY seq"), err) : NULL;
    bool ok = st && sql_bind_i64(db, st, 1, from, err) && chain_read(db, st, take, ctx, err);
    sql_finalize(st);
    sql_close(db);
    return ok;
}

bool catalog_history_read(struct catalog *c, const char *id, int64_t from, chain_reader take, void *ctx, struct error *err)
{
    struct sql *db = open_reader(c, err);
    struct sql_statement *st = db ? sql_prepare(db, STR("SELECT seq, entry, hash FROM dataset_audit WHERE dataset = ?1 AND seq >= ?2 ORDER BY seq"), err) : NULL;
    bool ok = st && sql_bind_text(db, st, 1, str_from(id), err) && sql_bind_i64(db, st, 2, from, err) && chain_read(db, st, take, ctx, err);
    sql_finalize(st);
    sql_close(db);
    return ok;
}

static bool add_ids_of_history(struct catalog *c, struct buf *ids, struct error *err)
{
    struct sql *db = open_reader(c, err);
    struct sql_statement *st = db ? sql_prepare(db, STR("SELECT DISTINCT dataset FROM dataset_audit"), err) : NULL;
    bool row = true, ok = st;
    while (ok && (ok = db_step(db, st, &row, err)) && row) {
        char id[DATASET_ID_LENGTH + 1] = "";
        struct str text = str_head(sql_text(st, 0), DATASET_ID_LENGTH);
        if (text.n)
            memcpy(id, text.p, text.n);
        buf_add(ids, id, sizeof id);
    }
    sql_finalize(st);
    sql_close(db);
    return ok;
}

static bool add_ids_of_datasets(struct catalog *c, struct buf *ids, struct error *err)
{
    char(*v)[DATASET_ID_LENGTH + 1];
    size_t n;
    if (!catalog_list(c, &v, &n, err))
        return false;
    buf_add(ids, v, n * sizeof *v);
    free(v);
    return true;
}

static int by_id(const void *a, const void *b)
{
    return memcmp(a, b, DATASET_ID_LENGTH);
}

bool catalog_chain_list(struct catalog *c, const struct chain_anchor *anchored, size_t n, char (**ret_ids)[DATASET_ID_LENGTH + 1], size_t *ret_n, struct error *err)
{
    struct buf ids = {0};
    bool ok = add_ids_of_datasets(c, &ids, err) && add_ids_of_history(c, &ids, err);
    for (size_t i = 0; ok && i < n; i++)
        buf_add(&ids, anchored[i].dataset, sizeof anchored[i].dataset);
    ok = ok && (buf_ok(&ids) || error_no_memory(err));
    if (!ok) {
        buf_free(&ids);
        return false;
    }
    char(*v)[DATASET_ID_LENGTH + 1] = (char(*)[DATASET_ID_LENGTH + 1])ids.p;
    size_t all = ids.n / sizeof *v, kept = 0;
    if (all)
        qsort(v, all, sizeof *v, by_id);
    for (size_t i = 0; i < all; i++)
        if (kept == 0 || memcmp(v[kept - 1], v[i], sizeof *v) != 0)
            memmove(v[kept++], v[i], sizeof *v);
    *ret_ids = v;
    *ret_n = kept;
    return true;
}
