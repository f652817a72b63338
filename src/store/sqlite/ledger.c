/* The rows that a write leaves in the same transaction as its data: its version row, its audit row and, when it came
 * with an Idempotency-Key, its witness row. The audit chain: hash = SHA-256(hash of the row before, or 32 zero bytes,
 * followed by this row's entry), so nothing can be taken out or changed unseen (docs/storage.md, "The ledger"). */
#include <stdio.h>

#include "base/json.h"
#include "store/sqlite/engine.h"

static struct str text_or_null(const char *z)
{
    return z ? str_from(z) : STR_NONE;
}

static void add_member(struct buf *b, const char *key, struct str value)
{
    buf_printf(b, ",\"%s\":", key);
    if (value.n)
        buf_add_json(b, value);
    else
        buf_add_z(b, "null");
}

static void write_counts(struct buf *b, const struct write_counts *c)
{
    buf_printf(b, "\"created\":%llu,\"updated\":%llu,\"deleted\":%llu,\"by_row_identifier\":%llu,\"by_sid\":%llu,\"errors\":%llu",
               (unsigned long long)c->created, (unsigned long long)c->updated, (unsigned long long)c->deleted,
               (unsigned long long)c->by_row_identifier, (unsigned long long)c->by_sid, (unsigned long long)c->errors);
}

static bool add_version(struct sql *db, const struct meta *m, const struct ledger_entry *e, struct error *err)
{
    struct sql_statement *st = sql_cached(db, STR("INSERT INTO versions VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)"), err);
    const struct write_counts *c = &e->counts;
    const struct str by = str_from(e->by->user);
    const struct cell user = by.n ? cell_text(by) : cell_null();
    const struct cell request = e->by->request_id.n ? cell_text(e->by->request_id) : cell_null();
    const struct cell cells[] = {
        cell_int(m->state.version), cell_int(e->at_ms), cell_text(str_from(e->action)), cell_int(e->generation), user, request,
        cell_int((int64_t)c->created), cell_int((int64_t)c->updated), cell_int((int64_t)c->deleted), cell_int((int64_t)c->errors),
        cell_int(m->state.rows),
    };
    return st && sql_bind_cells(db, st, 1, cells, sizeof cells / sizeof *cells, err) && sql_run(db, st, err);
}

static bool add_audit(struct sql *db, struct meta *m, const struct ledger_entry *e, struct error *err)
{
    struct buf b = {0};
    buf_printf(&b, "{\"seq\":%lld,\"at_ms\":%lld,\"version\":%lld,\"generation\":%lld", (long long)m->audit.seq + 1, (long long)e->at_ms,
               (long long)m->state.version, (long long)e->generation);
    add_member(&b, "dataset", str_from(e->dataset));
    add_member(&b, "action", str_from(e->action));
    add_member(&b, "user", str_from(e->by->user));
    add_member(&b, "via", str_from(e->by->via));
    add_member(&b, "peer", str_from(e->by->peer));
    add_member(&b, "request_id", e->by->request_id);
    buf_add_byte(&b, ',');
    write_counts(&b, &e->counts);
    buf_add_byte(&b, '}');
    unsigned char hash[CHAIN_HASH_BYTES];
    bool ok = buf_ok(&b) || error_no_memory(err);
    if (ok) {
        chain_hash(m->audit.hash, buf_str(&b), hash);
        struct sql_statement *st = sql_cached(db, STR("INSERT INTO audit VALUES(?1,?2,?3)"), err);
        const struct cell cells[] = {cell_int(m->audit.seq + 1), cell_text(buf_str(&b)), cell_blob(str_make((const char *)hash, sizeof hash))};
        ok = st && sql_bind_cells(db, st, 1, cells, 3, err) && sql_run(db, st, err);
    }
    buf_free(&b);
    if (ok) {
        m->audit.seq++;
        memcpy(m->audit.hash, hash, sizeof hash);
    }
    return ok;
}

bool ledger_add(struct sql *db, struct meta *m, const struct ledger_entry *e, struct error *err)
{
    return add_version(db, m, e, err) && add_audit(db, m, e, err);
}

/* ── witnesses ── */

static bool read_result(struct str text, struct write *w, struct error *err)
{
    struct arena a = {0};
    struct json *v;
    int64_t n[6] = {0};
    static const char *const names[] = {"created", "updated", "deleted", "by_row_identifier", "by_sid", "errors"};
    bool ok = json_parse(&a, text, &v, err);
    for (size_t i = 0; ok && i < 6; i++)
        ok = json_get_i64(v, str_from(names[i]), &n[i]) || error_set(err, ERROR_STORE_UNAVAILABLE, "a witness row is damaged");
    if (ok) {
        w->counts = (struct write_counts){(uint64_t)n[0], (uint64_t)n[1], (uint64_t)n[2], (uint64_t)n[3], (uint64_t)n[4], (uint64_t)n[5]};
        w->replayed = true;
        if (!json_get_i64(v, STR("shape_version"), &w->state.shape_version))
            w->state.shape_version = w->state.version;
        buf_reset(&w->kept);
        buf_add_str(&w->kept, json_get_str(v, STR("reply")));
        ok = buf_ok(&w->kept) || error_no_memory(err);
    }
    arena_free(&a);
    return ok;
}

bool witness_find(struct sql *db, struct write *w, bool *ret_found, struct error *err)
{
    w->replayed = false;
    struct sql_statement *st = sql_cached(db, STR("SELECT digest,result,version FROM witness WHERE idempotency_key=?1"), err);
    if (!st || !sql_bind_text(db, st, 1, w->idempotency_key, err))
        return false;
    bool ok = true;
    enum sql_step step = sql_step(db, st, err);
    *ret_found = step == SQL_ROW;
    if (step == SQL_ROW) {
        w->state.version = sql_i64(st, 2);
        if (str_eq(sql_text(st, 0), w->witness))
            ok = read_result(sql_text(st, 1), w, err);
        else
            ok = error_set(err, ERROR_IDEMPOTENCY_MISMATCH, "the Idempotency-Key was used within a day with another body or other options: use a new key");
        sql_reset(st);
    }
    return ok && (step == SQL_ROW || step == SQL_DONE);
}

static bool write_result(const struct write *w, const struct store_state *state, const struct write_counts *counts, struct buf *out)
{
    struct buf reply = {0};
    buf_add_byte(out, '{');
    write_counts(out, counts);
    bool ok = !w->keep || w->keep(w->ctx, counts, state->version, state->shape_version, &reply);
    buf_printf(out, ",\"shape_version\":%lld,\"reply\":", (long long)state->shape_version);
    buf_add_json(out, buf_str(&reply));
    buf_add_byte(out, '}');
    ok = ok && buf_ok(&reply) && buf_ok(out);
    buf_free(&reply);
    return ok;
}

bool witness_add(struct sql *db, const struct write *w, const struct store_state *state, int64_t at_ms, const struct write_counts *counts, struct error *err)
{
    struct buf b = {0};
    bool ok = write_result(w, state, counts, &b) || error_no_memory(err);
    struct sql_statement *old = ok ? sql_cached(db, STR("DELETE FROM witness WHERE at_ms<?1"), err) : NULL;
    ok = old && sql_bind_i64(db, old, 1, at_ms - WITNESS_KEEP_MS, err) && sql_run(db, old, err);
    struct sql_statement *st = ok ? sql_cached(db, STR("INSERT INTO witness VALUES(?1,?2,?3,?4,?5,?6)"), err) : NULL;
    ok = st && sql_bind_text(db, st, 1, w->idempotency_key, err) && sql_bind_text(db, st, 2, w->witness.p ? w->witness : STR(""), err) &&
         sql_bind_i64(db, st, 3, at_ms, err) && sql_bind_i64(db, st, 4, state->version, err) && sql_bind_text(db, st, 5, text_or_null(w->request_id), err) &&
         sql_bind_text(db, st, 6, buf_str(&b), err) && sql_run(db, st, err);
    buf_free(&b);
    return ok;
}

/* ── to the next generation ── */

/* All rows that `query`, about ?1, gives. */
static bool copy_rows(struct sql *from, struct sql *to, struct str query, int64_t about, struct str insert, size_t columns, struct error *err)
{
    struct cell cells[8];
    struct sql_statement *in = sql_prepare(from, query, err);
    struct sql_statement *out = in ? sql_prepare(to, insert, err) : NULL;
    bool ok = out && sql_bind_i64(from, in, 1, about, err);
    enum sql_step step = SQL_DONE;
    while (ok && (step = sql_step(from, in, err)) == SQL_ROW)
        ok = sql_cells(from, in, cells, columns, err) && sql_bind_cells(to, out, 1, cells, columns, err) && sql_run(to, out, err);
    sql_finalize(out);
    sql_finalize(in);
    return ok && step == SQL_DONE;
}

bool ledger_begin(struct sql *from, struct sql *to, const struct meta *m, int64_t at_ms, struct error *err)
{
    return copy_rows(from, to, STR("SELECT seq,entry,hash FROM audit WHERE seq=?1"), m->audit.seq, STR("INSERT INTO audit VALUES(?1,?2,?3)"), 3, err) &&
           copy_rows(from, to, STR("SELECT * FROM witness WHERE at_ms>=?1"), at_ms - WITNESS_KEEP_MS, STR("INSERT INTO witness VALUES(?1,?2,?3,?4,?5,?6)"), 6, err);
}
