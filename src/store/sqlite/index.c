/* Indexes that the server makes by itself (index.h). */
#include "store/sqlite/index.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "store/sqlite/engine.h"

enum { NAME_BYTES = 64, TEXT_BYTES = 512 };

/* ── names ── */

/* "c5,c7" or "_c5_c7" */
static void spell(const struct index_columns *c, const char *before, const char *between, char *ret, size_t n)
{
    size_t at = 0;
    for (size_t i = 0; i < c->n && at < n; i++)
        at += (size_t)snprintf(ret + at, n - at, "%sc%d", i ? between : before, c->v[i]);
}

static bool unspell(const char *name, struct index_columns *ret)
{
    struct index_columns c = {.n = 0};
    const char *p = name + strlen("auto");
    while (strncmp(p, "_c", 2) == 0 && c.n < INDEX_COLUMNS_MAX) {
        char *end;
        c.v[c.n++] = (int)strtol(p + 2, &end, 10);
        p = end;
    }
    *ret = c;
    return c.n && *p == 0;
}

/* What serves the longer list serves its beginning too. */
static bool serves(const struct index_columns *index, const struct index_columns *wish)
{
    return wish->n <= index->n && memcmp(index->v, wish->v, wish->n * sizeof *wish->v) == 0;
}

/* ── what there is ── */

bool indexes_read(struct store *s, struct generation *g, struct error *err)
{
    struct index_present present[INDEXES_MAX];
    unsigned n = 0;
    enum sql_step step = SQL_FAILED;
    long long now = (long long)clock_mono_ms();
    struct sql_statement *st = sql_prepare(g->writer, STR("SELECT name FROM sqlite_schema WHERE type='index' AND name GLOB 'auto_*'"), err);
    while (st && n < INDEXES_MAX && (step = sql_step(g->writer, st, err)) == SQL_ROW) {
        char name[NAME_BYTES];
        struct str text = sql_text(st, 0);
        snprintf(name, sizeof name, FMT_STR, ARG_STR(text));
        present[n].wished_ms = now;
        present[n].values = 0;
        n += unspell(name, &present[n].columns);
    }
    sql_finalize(st);
    if (step != SQL_DONE && step != SQL_ROW)
        return false;
    pthread_mutex_lock(&s->lock);
    memcpy(g->indexes.present, present, n * sizeof *present);
    g->indexes.n_present = n;
    pthread_mutex_unlock(&s->lock);
    return true;
}

/* ── wishes; under store->lock ── */

static struct index_wish *find_wish(struct indexes *x, const struct index_columns *columns)
{
    for (unsigned i = 0; i < x->n_wishes; i++)
        if (x->wishes[i].columns.n == columns->n && serves(&x->wishes[i].columns, columns))
            return &x->wishes[i];
    return NULL;
}

/* The one that nobody had for longest makes room. */
static struct index_wish *add_wish(struct indexes *x, const struct index_columns *columns)
{
    struct index_wish *w = &x->wishes[0];
    if (x->n_wishes < INDEX_WISHES_MAX)
        w = &x->wishes[x->n_wishes++];
    else
        for (unsigned i = 1; i < x->n_wishes; i++)
            if (x->wishes[i].wished_ms < w->wished_ms)
                w = &x->wishes[i];
    *w = (struct index_wish){.columns = *columns};
    return w;
}

static void forget_wish(struct indexes *x, struct index_wish *w)
{
    *w = x->wishes[--x->n_wishes];
}

static bool is_enough(const struct index_wish *w)
{
    return w->scans >= INDEX_SCANS_MIN || w->scanned >= INDEX_SCANNED_MIN;
}

static bool note(struct indexes *x, const struct index_columns *columns, int64_t scanned, long long now)
{
    for (unsigned i = 0; i < x->n_present; i++) {
        if (serves(&x->present[i].columns, columns)) {
            x->present[i].wished_ms = now;
            return false;
        }
    }
    if (scanned < INDEX_ROWS_MIN)
        return false;
    struct index_wish *w = find_wish(x, columns);
    if (!w)
        w = add_wish(x, columns);
    w->scans++;
    w->scanned += scanned;
    w->wished_ms = now;
    return is_enough(w);
}

void indexes_note(struct store *s, struct generation *g, const struct query *q, int64_t scanned)
{
    bool enough = false;
    long long now = (long long)clock_mono_ms();
    if (!q->n_indexes)
        return;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < q->n_indexes && !g->retired; i++)
        enough |= note(&g->indexes, &q->indexes[i], scanned, now);
    if (enough)
        pthread_cond_signal(&s->index_wake);
    pthread_mutex_unlock(&s->lock);
}

/* ── counting ── */

/* Under store->lock. */
static struct index_present *find_single(struct indexes *x, int column)
{
    for (unsigned i = 0; i < x->n_present; i++)
        if (x->present[i].columns.n == 1 && x->present[i].columns.v[0] == column)
            return &x->present[i];
    return NULL;
}

/* From one value to the next, and no further than a query would. */
static bool count_values(struct sql *db, int column, int64_t most, int64_t *ret, struct error *err)
{
    char text[TEXT_BYTES];
    int c = column;
    snprintf(text, sizeof text,
             "SELECT count(*) FROM (WITH RECURSIVE g(v) AS (SELECT min(c%d) FROM rows UNION ALL SELECT (SELECT min(c%d) FROM rows WHERE c%d > g.v) FROM g WHERE v IS NOT NULL)"
             " SELECT v FROM g LIMIT %lld)", c, c, c, (long long)most + 1);
    return sql_exec_i64(db, text, ret, err);
}

/* The index may have gone, or come, since the snapshot was begun: the snapshot's own schema tells. */
static bool has_single(struct sql *db, int column)
{
    struct error ignored;
    char text[TEXT_BYTES];
    int64_t has = 0;
    snprintf(text, sizeof text, "SELECT EXISTS(SELECT 1 FROM sqlite_schema WHERE type='index' AND name='auto_c%d')", column);
    return sql_exec_i64(db, text, &has, &ignored) && has;
}

bool indexes_serve_counting(struct store *s, struct generation *g, const struct query *q, struct sql *db, int64_t rows)
{
    struct error ignored;
    int64_t values = 0, most = rows / INDEX_ROWS_A_VALUE;
    int column = q->counting.column;
    if (!column)
        return false;
    pthread_mutex_lock(&s->lock);
    struct index_present *present = find_single(&g->indexes, column);
    bool known = present;
    if (known)
        values = present->values;
    pthread_mutex_unlock(&s->lock);
    if (!known || !has_single(db, column) || (!values && !count_values(db, column, most, &values, &ignored)))
        return false;
    pthread_mutex_lock(&s->lock);
    present = find_single(&g->indexes, column);
    if (present)
        present->values = values;
    pthread_mutex_unlock(&s->lock);
    return values && values <= most;
}

/* ── writes ── */

bool indexes_before_write(struct generation *g, int64_t rows, int64_t table_rows, bool *ret_dropped, struct error *err)
{
    const struct indexes *x = &g->indexes;
    int64_t share = table_rows / INDEX_WRITTEN_SHARE, most = share > INDEX_WRITTEN_MIN ? share : INDEX_WRITTEN_MIN;
    *ret_dropped = false;
    if (!x->n_present || (rows <= most && x->written <= most - rows))
        return true;
    for (unsigned i = 0; i < x->n_present; i++) {
        char columns[NAME_BYTES], text[TEXT_BYTES];
        spell(&x->present[i].columns, "", "_", columns, sizeof columns);
        snprintf(text, sizeof text, "DROP INDEX auto_%s", columns);
        if (!sql_exec(g->writer, text, err))
            return false;
    }
    *ret_dropped = true;
    return true;
}

void indexes_after_write(struct store *s, struct generation *g, int64_t rows, bool dropped)
{
    pthread_mutex_lock(&s->lock);
    if (dropped)
        g->indexes.n_present = 0;
    g->indexes.written += rows;
    pthread_mutex_unlock(&s->lock);
}

/* ── making one; under the turn ── */

struct task {
    struct store *s;
    struct generation *g;
    struct index_columns columns;
    int goes;            /* which of those present makes room, -1: none */
};

/* Who writes does not wait: an index can be made another time. */
static bool is_in_the_way(void *ctx)
{
    const struct task *k = ctx;
    pthread_mutex_lock(&k->s->lock);
    bool stopping = k->s->stopping;
    pthread_mutex_unlock(&k->s->lock);
    return stopping || turn_is_wanted(&k->g->table->turn);
}

/* From the first rows; what an entry takes beside its values is about a dozen bytes. */
static bool estimate(const struct task *k, int64_t *ret_bytes, struct error *err)
{
    enum { SAMPLE = 1000, BESIDE = 12 };
    char columns[TEXT_BYTES], text[2 * TEXT_BYTES];
    int64_t bytes, rows = k->g->table->meta.state.rows;
    spell(&k->columns, "coalesce(length(CAST(", " AS BLOB)),0)+coalesce(length(CAST(", columns, sizeof columns);
    snprintf(text, sizeof text, "SELECT coalesce(sum(%s AS BLOB)),0)),0) FROM (SELECT * FROM rows LIMIT %d)", columns, SAMPLE);
    if (!sql_exec_i64(k->g->writer, text, &bytes, err))
        return false;
    *ret_bytes = rows * (bytes / SAMPLE + BESIDE);
    return true;
}

/* With what the planner wants to know of it, from a sample: an index of two values must not seem as good as one of a million. The
 * sorter's memory is a few MiB, the rest goes to a temporary file: kept in memory it would grow with the table. */
static bool create(const struct task *k, struct error *err)
{
    char name[NAME_BYTES], columns[NAME_BYTES], drop[TEXT_BYTES] = "", text[3 * TEXT_BYTES];
    spell(&k->columns, "", "_", name, sizeof name);
    spell(&k->columns, "", ",", columns, sizeof columns);
    if (k->goes >= 0) {
        char goes[NAME_BYTES];
        spell(&k->g->indexes.present[k->goes].columns, "", "_", goes, sizeof goes);
        snprintf(drop, sizeof drop, "DROP INDEX auto_%s;", goes);
    }
    snprintf(text, sizeof text, "PRAGMA temp_store=FILE; PRAGMA analysis_limit=1000; BEGIN IMMEDIATE; %s CREATE INDEX auto_%s ON rows(%s); ANALYZE auto_%s; COMMIT", drop,
             name, columns, name);
    return sql_exec(k->g->writer, text, err);
}

static bool make(struct task *k, struct error *err)
{
    struct error ignored;
    struct generation *g = k->g;
    sql_set_deadline(g->writer, INDEX_BUILD_MS);
    sql_set_interrupt(g->writer, is_in_the_way, k);
    bool ok = create(k, err);
    sql_set_interrupt(g->writer, NULL, NULL);
    sql_set_deadline(g->writer, 0);
    bool stuck = sql_in_transaction(g->writer) && !sql_exec(g->writer, "ROLLBACK", &ignored);
    if (stuck || sql_is_broken(g->writer) || !sql_exec(g->writer, "PRAGMA temp_store=MEMORY", &ignored))
        generation_break_writer(g);
    return ok;
}

static void made(const struct task *k)
{
    struct indexes *x = &k->g->indexes;
    pthread_mutex_lock(&k->s->lock);
    unsigned at = k->goes >= 0 ? (unsigned)k->goes : x->n_present++;
    x->present[at] = (struct index_present){.columns = k->columns, .wished_ms = (long long)clock_mono_ms()};
    x->written = 0;
    struct index_wish *w = find_wish(x, &k->columns);
    if (w)
        forget_wish(x, w);
    pthread_mutex_unlock(&k->s->lock);
}

/* Later again, more and more rarely; what is too large, when it is wished anew after a restart. */
static void failed(const struct task *k, bool for_good)
{
    pthread_mutex_lock(&k->s->lock);
    struct index_wish *w = find_wish(&k->g->indexes, &k->columns);
    if (w) {
        long long wait = (long long)INDEX_RETRY_MS << w->failures;
        w->failures += w->failures < INDEX_RETRY_DOUBLINGS;
        w->not_before_ms = for_good ? INT64_MAX : (long long)clock_mono_ms() + wait;
    }
    pthread_mutex_unlock(&k->s->lock);
}

static bool may_be_made(const struct generation *g)
{
    struct table *t = g->table;
    return t->current == g && g->writer && !t->dropped && !t->mend && t->meta.state.rows >= INDEX_ROWS_MIN && !table_has_early(t);
}

static void work(struct task *k)
{
    struct error ignored;
    int64_t bytes = 0;
    bool known = estimate(k, &bytes, &ignored), fits = known && bytes <= INDEX_BYTES_MAX;
    /* Twice: in the WAL, and in the file. */
    bool ok = fits && store_has_room(k->s, 2 * (uint64_t)bytes, &ignored) && make(k, &ignored);
    if (ok)
        made(k);
    else
        failed(k, known && !fits);
    atomic_store(&k->g->wal_frames, k->g->writer ? sql_wal_frames(k->g->writer) : 0);
    atomic_store(&k->g->written_ms, (long long)clock_mono_ms());
}

/* ── the thread; under store->lock ── */

/* The one not wished for longest may go, if that is long. -2: none may, and there is no room. */
static int which_goes(const struct indexes *x, long long now)
{
    int oldest = 0;
    if (x->n_present < INDEXES_MAX)
        return -1;
    for (int i = 1; i < INDEXES_MAX; i++)
        if (x->present[i].wished_ms < x->present[oldest].wished_ms)
            oldest = i;
    return now - x->present[oldest].wished_ms >= INDEX_KEEP_MS ? oldest : -2;
}

/* An idle file, its WAL put away: else a checkpoint would soon want the turn. */
static bool is_idle(const struct generation *g, long long now)
{
    return atomic_load(&g->wal_frames) == 0 && !atomic_load(&g->early) && now - atomic_load(&g->written_ms) >= INDEX_IDLE_MS;
}

static bool find_task(struct generation *g, long long now, struct task *ret, bool *ret_waiting)
{
    struct indexes *x = &g->indexes;
    for (unsigned i = 0; i < x->n_wishes; i++) {
        const struct index_wish *w = &x->wishes[i];
        if (!is_enough(w) || w->not_before_ms == INT64_MAX)
            continue;
        *ret_waiting = true;
        ret->goes = which_goes(x, now);
        if (ret->goes == -2 || now < w->not_before_ms || !is_idle(g, now))
            continue;
        ret->g = g;
        ret->columns = w->columns;
        return true;
    }
    return false;
}

/* Leaves the lock for the work. False: no wish waits. */
static bool do_one(struct store *s)
{
    bool waiting = false;
    struct task k = {.s = s};
    long long now = (long long)clock_mono_ms();
    struct generation *g = s->open;
    while (g && !find_task(g, now, &k, &waiting))
        g = g->next;
    if (!g)
        return waiting;
    struct table *t = g->table;
    t->refs++;
    g->uses++;
    pthread_mutex_unlock(&s->lock);
    bool ours = turn_try(&t->turn);
    if (ours && may_be_made(g))
        work(&k);
    generation_leave(s, g);
    if (ours)
        turn_give(&t->turn);
    table_unref(s, t);
    pthread_mutex_lock(&s->lock);
    return true;
}

static void *run_thread(void *ctx)
{
    struct store *s = ctx;
    pthread_mutex_lock(&s->lock);
    while (!s->stopping) {
        bool waiting = do_one(s);
        if (!s->stopping)
            waiting |= shortlists_work(s);
        if (!waiting) {
            pthread_cond_wait(&s->index_wake, &s->lock);
        } else if (!s->stopping) {
            struct timespec until = store_tick();
            pthread_cond_timedwait(&s->index_wake, &s->lock, &until);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

bool indexes_start_thread(struct store *s, struct error *err)
{
    s->index_thread_runs = pthread_create(&s->index_thread, NULL, run_thread, s) == 0;
    return s->index_thread_runs || error_no_memory(err);
}

void indexes_stop_thread(struct store *s)
{
    if (!s->index_thread_runs)
        return;
    pthread_mutex_lock(&s->lock);
    pthread_cond_signal(&s->index_wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->index_thread, NULL);
}
