/* Applying early: a bulk upsert's transaction, begun while its body still comes in, so that reading and applying share the time.
 *
 *     body ─► stage ─► (settled bytes) ─► steps: rows applied in the open transaction of the table's writer
 *     body ends ─► the queue ─► early_write(): still ours? ─► last rows, ledger, meta ─► COMMIT
 *
 * Nobody sees anything of it before the commit, and nobody waits for it. It does not hold the table's turn: whoever takes the
 * turn undoes it first (early_undo), be it another write, a change of the shape, a deletion, or the thread that checkpoints, when
 * the body has brought nothing for a while. Whatever is not plain (a row's error, a fault, a repetition of an idempotency key)
 * undoes it too. What was undone is applied again, the ordinary way, from the stage: then, errors and all, nothing is
 * different from a write that was never begun.
 *
 * Only for a file that fits in the cache that is lent: beyond it, one long sorted run beats many short ones.
 *
 * table->early_lock guards table->early and, while that is set, the connection. It comes after the turn. */
#include "store/sqlite/early.h"

#include <stdlib.h>

#include "base/clock.h"
#include "store/sqlite/apply.h"
#include "store/sqlite/generation.h"
#include "store/stop_point.h"

enum {
    EARLY_RUN_BYTES = 2 << 20, /* sorted, and what others wait for at most before they get the table */
    TIME_LAG_MAX_MS = 5000,    /* as in ahead.c: rows must not seem older than what readers of "changed since" have seen */
};

struct early {
    struct store *s;
    struct table *table;           /* referenced from the first step that found it free; NULL before */
    const struct dataset *dataset; /* held */
    struct write rows;             /* what the rows are read as */
    bool over;                     /* the owner's: begun once, it is not begun again */
    /* under the table's early_lock, while table->early is this one */
    struct generation *g;          /* in use */
    struct meta from, meta;
    struct apply apply;
    struct steps *steps;
    size_t lent;
    bool unindexed;                /* the transaction has dropped the server's own indexes */
};

struct early *early_new(struct store *s, const struct dataset *d, struct stage *stage, bool clear_absent)
{
    struct early *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->s = s;
    e->dataset = dataset_retain(d);
    e->rows = (struct write){.stage = stage, .dataset = e->dataset, .clear_absent = clear_absent, .fatal = ~(uint32_t)0};
    return e;
}

/* ── the end, with or without a commit; under early_lock ── */

static void leave(struct early *e)
{
    struct generation *g = e->g;
    if (e->steps)
        steps_end(e->steps);
    e->steps = NULL;
    if (g->writer)
        sql_set_cache(g->writer, WRITER_CACHE_BYTES);
    cache_return(e->s, e->lent);
    e->lent = 0;
    e->g = NULL;
    e->table->early = NULL;
    atomic_store(&g->early, false);
    generation_leave(e->s, g);
}

/* A connection that met a fault can only be closed under the turn: its next holder does. */
static void undo(struct early *e)
{
    struct error ignored;
    struct sql *db = e->g->writer;
    if ((sql_in_transaction(db) && !sql_exec(db, "ROLLBACK", &ignored)) || sql_is_broken(db))
        e->table->early_broken = true;
    leave(e);
}

void early_undo(struct table *t, const struct early *keep)
{
    pthread_mutex_lock(&t->early_lock);
    if (t->early && t->early != keep)
        undo(t->early);
    bool broken = t->early_broken && !t->early;
    if (broken)
        t->early_broken = false;
    pthread_mutex_unlock(&t->early_lock);
    if (broken && t->current)
        generation_break_writer(t->current);
}

void early_free(struct early *e)
{
    if (!e)
        return;
    if (e->table) {
        pthread_mutex_lock(&e->table->early_lock);
        if (e->table->early == e)
            undo(e);
        pthread_mutex_unlock(&e->table->early_lock);
        table_unref(e->s, e->table);
    }
    dataset_release(e->dataset);
    free(e);
}

/* ── the beginning ── */

static bool fits_in(struct sql *db, size_t cache_bytes)
{
    struct error ignored;
    int64_t bytes = 0;
    return sql_exec_i64(db, "SELECT page_count*page_size FROM pragma_page_count,pragma_page_size", &bytes, &ignored) && (uint64_t)bytes <= cache_bytes;
}

static bool begin(struct early *e, struct generation *g)
{
    struct error ignored;
    struct sql *db = g->writer;
    sql_set_cache(db, e->lent);
    if (!fits_in(db, e->lent) || !sql_exec(db, "BEGIN IMMEDIATE", &ignored))
        return false;
    if (!indexes_before_write(g, INT64_MAX, e->from.state.rows, &e->unindexed, &ignored)) /* it is large */
        return false;
    e->apply = (struct apply){
        .db = db, .applier = g->applier, .write = &e->rows, .meta = &e->meta, .at_ms = write_time(&e->from), .version = e->from.state.version + 1,
    };
    e->steps = steps_begin(&e->apply, false, EARLY_RUN_BYTES, &ignored);
    return e->steps;
}

/* Under the turn, which is given back: from here on the transaction is anybody's to undo. */
static void take_table(struct early *e, struct table *t)
{
    struct generation *g = t->current;
    pthread_mutex_lock(&t->early_lock);
    e->over = true;
    e->table = table_ref(e->s, t);
    e->from = e->meta = t->meta;
    e->g = generation_again(e->s, g);
    e->lent = cache_lend(e->s);
    t->early = e;
    atomic_store(&g->early, true);
    if (!begin(e, g))
        undo(e);
    pthread_mutex_unlock(&t->early_lock);
}

static void try_to_begin(struct early *e)
{
    struct table *t = table_try(e->s, e->dataset);
    if (!t)
        return;
    if (t->meta.state.rows)
        take_table(e, t);
    else
        e->over = true; /* emptied meanwhile */
    table_give(e->s, t);
}

/* ── rows ── */

/* The time is noted before each run, so that a slow machine is not taken for a slow client. */
static bool step(struct early *e, bool *ret_idle)
{
    struct error ignored;
    atomic_store(&e->g->written_ms, (long long)clock_mono_ms());
    return steps_go(e->steps, EARLY_RUN_BYTES, ret_idle, &ignored) == APPLY_DONE && !e->apply.counts.errors;
}

/* Under early_lock. False: nothing more to do now, or undone. */
static bool steps_while_nobody_waits(struct early *e, size_t bytes)
{
    bool idle = false, wanted = false;
    for (size_t done = 0; done < bytes && !idle && !wanted; done += EARLY_RUN_BYTES) {
        if (!step(e, &idle)) {
            undo(e);
            return false;
        }
        wanted = !turn_is_free(&e->table->turn);
    }
    return !idle && !wanted;
}

bool early_step(struct early *e, size_t bytes)
{
    if (!e->over)
        try_to_begin(e);
    if (!e->table)
        return false;
    pthread_mutex_lock(&e->table->early_lock);
    bool more = e->table->early == e && steps_while_nobody_waits(e, bytes);
    pthread_mutex_unlock(&e->table->early_lock);
    return more;
}

/* ── the write, under the turn and early_lock ── */

static bool is_the_write(const struct early *e, const struct write *w)
{
    return w->stage == e->rows.stage && w->clear_absent == e->rows.clear_absent && !w->replace && !w->truncate && !w->update_only && !w->dry_run &&
           !w->want_all_results;
}

/* Refusals, repetitions and faults are told by the ordinary way. */
static bool may_go_on(struct early *e, struct write *w)
{
    struct error ignored;
    bool repeated = false;
    struct write asked = *w;
    bool ok = is_the_write(e, w) && (!w->idempotency_key.n || witness_find(e->g->writer, &asked, &repeated, &ignored));
    buf_free(&asked.kept);
    return ok && !repeated && write_check(&e->from, w, &ignored) && store_has_room(e->s, 0, &ignored);
}

/* Rows of before the body's end, when that took long, are given the time of now. */
static bool mend_time(struct early *e)
{
    struct error ignored;
    struct apply *a = &e->apply;
    int64_t now = write_time(&e->from);
    if (now - a->at_ms <= TIME_LAG_MAX_MS)
        return true;
    a->at_ms = now;
    struct sql_statement *st =
        sql_cached(a->db, STR("UPDATE rows SET created=CASE WHEN sid>=?1 THEN ?2 ELSE created END,updated=?2 WHERE version=?3"), &ignored);
    return st && sql_bind_i64(a->db, st, 1, e->from.next_sid, &ignored) && sql_bind_i64(a->db, st, 2, now, &ignored) &&
           sql_bind_i64(a->db, st, 3, a->version, &ignored) && sql_run(a->db, st, &ignored);
}

static bool finish_rows(struct early *e)
{
    bool idle = false;
    while (!idle)
        if (!step(e, &idle))
            return false;
    steps_end(e->steps);
    e->steps = NULL;
    return mend_time(e);
}

static bool finish(struct early *e, struct write *w)
{
    struct error ignored;
    struct apply *a = &e->apply;
    struct sql *db = e->g->writer;
    if (!may_go_on(e, w) || !finish_rows(e))
        return false;
    e->meta.state.version = a->version;
    e->meta.state.modified_ms = a->at_ms;
    if (!write_ledger(db, &e->meta, w, "upsert", e->g->number, a->at_ms, &a->counts, &ignored) || !meta_update(db, &e->meta, &ignored))
        return false;
    stop_point("before_commit");
    table_committing(e->s, e->table, true);
    if (sql_exec(db, "COMMIT", &ignored))
        return true;
    table_committing(e->s, e->table, false);
    return false;
}

bool early_write(struct early *e, struct write *w)
{
    struct error ignored;
    if (!e->table)
        return false;
    struct table *t = table_take_keeping(e->s, e->dataset, e, &ignored);
    if (!t)
        return false;
    bool ok = false;
    pthread_mutex_lock(&t->early_lock);
    if (t->early == e) {
        ok = finish(e, w);
        if (ok) {
            indexes_after_write(e->s, e->g, (int64_t)stage_rows(w->stage), e->unindexed);
            leave(e);
        } else {
            undo(e);
        }
    }
    pthread_mutex_unlock(&t->early_lock);
    if (ok) {
        stop_point("after_commit");
        table_publish(e->s, t, &e->meta);
        w->counts = e->apply.counts;
        w->at_ms = e->apply.at_ms;
        w->state = e->meta.state;
        w->done = true;
    } else {
        early_undo(t, NULL); /* a connection that met a fault is closed now */
    }
    table_give(e->s, t);
    return ok;
}
