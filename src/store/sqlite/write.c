/* Writes (store.h, store_write_group): the transaction round the rows.
 *
 *     BEGIN IMMEDIATE ─► each write, under its own savepoint when there are several: rows, version, audit, witness
 *                     ─► the meta row ─► COMMIT (on disk) ─► the new state is seen
 *
 * A refused write leaves its savepoint alone undone. A fault of disk, memory or lock undoes the whole transaction in
 * SQLite, whatever savepoints there are; its members are then applied alone, each from its stage. Replaces and truncates
 * take generation.c's way. (docs/storage.md) */
#include <stdlib.h>

#include "base/clock.h"
#include "store/sqlite/apply.h"
#include "store/sqlite/early.h"
#include "store/sqlite/generation.h"
#include "store/stop_point.h"

/* ── one write inside the transaction ── */

static bool check_shape(const struct meta *m, const struct write *w, struct error *err)
{
    const struct columns *c = &w->dataset->columns;
    int64_t key = c->row_identifier >= 0 ? c->v[c->row_identifier].physical : 0;
    if (key == m->key_column)
        return true;
    return error_set(err, ERROR_DATASET_SHAPE_CHANGED, "the dataset's row identifier was changed during the upload: nothing was written; send it again");
}

bool write_check(const struct meta *m, const struct write *w, struct error *err)
{
    if (w->refusal) {
        *err = *w->refusal;
        return false;
    }
    if (w->has_expected_version && w->expected_version != m->state.version) {
        error_set(err, ERROR_DATASET_VERSION_MISMATCH, "the dataset has version %lld, not the expected %lld: read it again", (long long)m->state.version,
                  (long long)w->expected_version);
        error_data_str(err, "dataset", str_from(w->dataset->id));
        error_data_i64(err, "version", m->state.version);
        return false;
    }
    return check_shape(m, w, err);
}

/* Asked after the repetitions: what was done before is answered as it was, whatever is left of the disk. Rows take about the
 * room that their stage takes; those that were built ahead have theirs already. */
bool write_has_room(const struct store *s, const struct write *w, struct error *err)
{
    return store_has_room(s, w->stage && !w->ahead ? stage_bytes(w->stage) : 0, err);
}

int64_t write_time(const struct meta *m)
{
    int64_t now = clock_wall_ms();
    return now > m->state.modified_ms ? now : m->state.modified_ms;
}

bool write_show(struct sql *db, const struct meta *m, struct write *w, int64_t sid, struct error *err)
{
    const struct store_within in = {db, &m->state};
    return !w->show || w->dry_run || !sid || w->show(w->ctx, &in, sid, err);
}

struct actor write_actor(const struct write *w)
{
    return (struct actor){.user = w->user_id, .via = w->via, .request_id = str_from(w->request_id), .peer = w->peer};
}

bool write_ledger(struct sql *db, struct meta *m, const struct write *w, const char *action, int64_t generation, int64_t at_ms, const struct write_counts *counts,
                  struct error *err)
{
    const struct actor by = write_actor(w);
    const struct ledger_entry entry = {
        .dataset = w->dataset->id, .action = action, .by = &by, .at_ms = at_ms, .generation = generation, .counts = *counts,
    };
    if (!ledger_add(db, m, &entry, err))
        return false;
    return !w->idempotency_key.n || witness_add(db, w, &m->state, at_ms, counts, err);
}

static enum apply_outcome from_bool(struct sql *db, bool ok, const struct error *err)
{
    return ok ? APPLY_DONE : apply_failure(db, err);
}

/* *ret_replayed: done before, under the same Idempotency-Key; nothing was changed now. */
static enum apply_outcome apply_one(const struct store *s, struct generation *g, struct meta *m, struct write *w, bool *ret_replayed, struct error *err)
{
    struct sql *db = g->writer;
    *ret_replayed = false;
    if (w->idempotency_key.n && !witness_find(db, w, ret_replayed, err))
        return apply_failure(db, err);
    if (*ret_replayed)
        return APPLY_DONE;
    if (!write_check(m, w, err) || !write_has_room(s, w, err))
        return APPLY_REFUSED;
    struct apply a = {
        .db = db, .applier = g->applier, .write = w, .meta = m, .at_ms = write_time(m), .version = m->state.version + 1, .sink = {w->result, w->ctx},
    };
    enum apply_outcome outcome = apply_rows(&a, err);
    if (outcome != APPLY_DONE)
        return outcome;
    m->state.version = a.version;
    m->state.modified_ms = a.at_ms;
    w->counts = a.counts;
    w->at_ms = a.at_ms;
    return from_bool(db, write_show(db, m, w, a.last_sid, err) && write_ledger(db, m, w, "upsert", g->number, a.at_ms, &a.counts, err), err);
}

/* ── a transaction of one or several ── */

struct member {
    struct write *w;
    bool good;            /* applied; done when the commit is */
    struct store_state state;
};

static bool begin(struct sql *db, struct error *err)
{
    struct sql_statement *st = sql_cached(db, STR("BEGIN IMMEDIATE"), err);
    return st && sql_run(db, st, err);
}

static bool commit(struct sql *db, struct error *err)
{
    struct sql_statement *st = sql_cached(db, STR("COMMIT"), err);
    return st && sql_run(db, st, err);
}

/* Some faults have rolled back already. A rollback that fails leaves a connection that must go. */
static void roll_back(struct generation *g)
{
    struct error ignored;
    if (g->writer && sql_in_transaction(g->writer) && !sql_exec(g->writer, "ROLLBACK", &ignored))
        generation_break_writer(g);
}

/* Undone alone: by its savepoint. */
static bool undo_member(struct sql *db, struct error *err)
{
    return sql_exec(db, "ROLLBACK TO one; RELEASE one", err);
}

static enum apply_outcome apply_member(const struct store *s, struct generation *g, struct meta *m, struct member *member, bool several, bool *ret_changed)
{
    struct sql *db = g->writer;
    struct write *w = member->w;
    struct error fault;
    struct meta before = *m;
    bool replayed, savepoint = several || w->dry_run;
    member->good = false;
    if (savepoint && !sql_exec(db, "SAVEPOINT one", &w->error))
        return APPLY_FAULT;
    enum apply_outcome outcome = apply_one(s, g, m, w, &replayed, &w->error);
    if (outcome == APPLY_FAULT)
        return outcome;
    member->good = outcome == APPLY_DONE;
    bool keep = member->good && !w->dry_run && !replayed;
    if (!keep)
        *m = before;
    member->state = m->state;
    if (replayed) {
        member->state.version = w->state.version;
        member->state.shape_version = w->state.shape_version;
    }
    *ret_changed |= keep;
    if (!savepoint)
        return outcome;
    if (keep ? sql_exec(db, "RELEASE one", &fault) : undo_member(db, &fault))
        return outcome;
    w->error = fault;
    return APPLY_FAULT;
}

/* What a fault says to the members that were well until then. */
static void spread_fault(struct member *members, size_t n, const struct error *fault)
{
    for (size_t i = 0; i < n; i++) {
        members[i].good = false;
        if (&members[i].w->error != fault)
            members[i].w->error = *fault;
    }
}

static int64_t rows_of(const struct member *members, size_t n)
{
    int64_t rows = 0;
    for (size_t i = 0; i < n; i++)
        rows += members[i].w->stage ? (int64_t)stage_rows(members[i].w->stage) : 0;
    return rows;
}

/* False: a fault; nothing of any member stands, all carry the error. */
static bool transact(struct store *s, struct table *t, struct member *members, size_t n)
{
    struct generation *g = t->current;
    struct meta m = t->meta;
    struct error fault;
    int64_t rows = rows_of(members, n);
    bool changed = false, unindexed = false, ok = begin(g->writer, &fault) && indexes_before_write(g, rows, m.state.rows, &unindexed, &fault);
    for (size_t i = 0; i < n && ok; i++) {
        ok = apply_member(s, g, &m, &members[i], n > 1, &changed) != APPLY_FAULT;
        if (!ok)
            fault = members[i].w->error;
    }
    ok = ok && (!changed || meta_update(g->writer, &m, &fault));
    stop_point("before_commit");
    if (ok && changed) {
        table_committing(s, t, true);
        ok = commit(g->writer, &fault);
    } else {
        roll_back(g);
    }
    if (ok && changed) {
        stop_point("after_commit");
        table_publish(s, t, &m);
        indexes_after_write(s, g, rows, unindexed);
    }
    if (ok)
        return true;
    table_committing(s, t, false);
    roll_back(g);
    if (g->writer && sql_is_broken(g->writer))
        generation_break_writer(g);
    spread_fault(members, n, &fault);
    return false;
}

static void finish_member(struct member *m)
{
    struct write *w = m->w;
    w->done = m->good;
    w->state = m->state;
}

/* ── groups ── */

static bool is_bulk(const struct write *w)
{
    return w->stage && stage_bytes(w->stage) >= BULK_FROM_BYTES;
}

static void fail_all(struct write *const *writes, size_t n, const struct error *err)
{
    for (size_t i = 0; i < n; i++) {
        writes[i]->done = false;
        writes[i]->error = *err;
    }
}

/* One transaction under the table's turn. */
static bool write_together(struct store *s, struct write *const *writes, size_t n, struct member *members)
{
    struct error err;
    struct table *t = table_take(s, writes[0]->dataset, &err);
    if (!t) {
        fail_all(writes, n, &err);
        for (size_t i = 0; i < n; i++)
            members[i].good = false;
        return n == 1; /* alone it may go better only if it was not alone */
    }
    size_t lent = n == 1 && is_bulk(writes[0]) ? cache_lend(s) : 0;
    if (lent)
        sql_set_cache(t->current->writer, lent);
    bool ok = transact(s, t, members, n);
    if (lent && t->current->writer)
        sql_set_cache(t->current->writer, WRITER_CACHE_BYTES);
    if (lent)
        cache_return(s, lent);
    table_give(s, t);
    return ok;
}

static void write_alone(struct store *s, struct write *w)
{
    struct member member = {.w = w};
    w->done = false;
    if (w->replace || w->truncate) {
        generation_replace(s, w);
        return;
    }
    if (w->ahead && (ahead_early(w->ahead) ? early_write(ahead_early(w->ahead), w) : generation_load(s, w)))
        return;
    w->ahead = NULL; /* undone: its rows take their room anew */
    write_together(s, &w, 1, &member);
    finish_member(&member);
}

static void write_several(struct store *s, struct write *const *writes, size_t n)
{
    struct member *members = calloc(n, sizeof *members);
    bool ok = members;
    for (size_t i = 0; i < n && ok; i++)
        members[i].w = writes[i];
    ok = ok && write_together(s, writes, n, members);
    for (size_t i = 0; i < n && ok; i++)
        finish_member(&members[i]);
    free(members);
    for (size_t i = 0; i < n && !ok; i++)
        write_alone(s, writes[i]);
}

void store_write_group(struct store *s, struct write *const *writes, size_t n)
{
    size_t at = 0;
    while (at < n) {
        size_t end = at;
        while (end < n && !writes[end]->replace && !writes[end]->truncate && !writes[end]->ahead)
            end++;
        if (end - at > 1) {
            write_several(s, writes + at, end - at);
            at = end;
        } else {
            write_alone(s, writes[at++]);
        }
    }
}
