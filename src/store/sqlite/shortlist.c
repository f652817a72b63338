/* Wishes, logs, and who may read which list when (shortlist.h). */
#include "store/sqlite/shortlist.h"

#include <stdlib.h>

#include "base/clock.h"
#include "store/sqlite/engine.h"

/* ── listings; under store->lock ── */

static void hold(struct listing *l)
{
    if (l)
        l->holders++;
}

/* What went, for freeing without the lock: a large file takes its time. */
struct gone {
    struct postings *v[4 * SHORTLISTS_MAX];
    size_t n;
};

static void let_go(struct listing *l, struct gone *gone)
{
    if (!l || --l->holders)
        return;
    gone->v[gone->n++] = l->postings;
    free(l);
}

static void free_gone(struct gone *gone)
{
    while (gone->n)
        postings_free(gone->v[--gone->n]);
}

/* A wish again, that has to come true anew. */
static void end_list(struct shortlist *l, struct gone *gone)
{
    let_go(l->base, gone);
    let_go(l->later, gone);
    l->base = l->later = NULL;
    sids_free(&l->log);
    l->state = SHORTLIST_WISHED;
    l->scans = 0;
    l->scanned = 0;
    l->listed = 0;
}

void shortlists_free(struct generation *g)
{
    struct gone gone = {.n = 0};
    for (size_t i = 0; i < SHORTLISTS_MAX; i++) {
        if (g->shortlists.v[i])
            end_list(g->shortlists.v[i], &gone);
        free(g->shortlists.v[i]);
    }
    sids_free(&g->shortlists.touched);
    free_gone(&gone);
}

/* ── what writes touch ── */

static void touched(void *ctx, int64_t sid)
{
    struct shortlists *x = ctx;
    if (!sids_add(&x->touched, sid))
        x->touched.over = true; /* it need not be known which, then */
}

static void log_touched(struct shortlists *x, struct shortlist *l, struct gone *gone)
{
    bool ok = !x->touched.over;
    for (size_t i = 0; ok && i < x->touched.n && !l->log.over; i++)
        ok = sids_add(&l->log, x->touched.v[i]);
    l->log.over |= !ok;
    if (l->log.over && l->state == SHORTLIST_READY)
        end_list(l, gone);
}

/* On the log before the commit can be seen by anybody. */
static void transaction_ends(void *ctx, bool commits)
{
    struct shortlists *x = ctx;
    struct gone gone = {.n = 0};
    if (!x->touched.n && !x->touched.over)
        return;
    pthread_mutex_lock(&x->store->lock);
    for (size_t i = 0; commits && i < SHORTLISTS_MAX; i++)
        if (x->v[i] && x->v[i]->state != SHORTLIST_WISHED)
            log_touched(x, x->v[i], &gone);
    pthread_mutex_unlock(&x->store->lock);
    free_gone(&gone);
    sids_free(&x->touched);
    x->touched.over = false;
}

void shortlists_watch(struct generation *g)
{
    struct shortlists *x = &g->shortlists;
    x->touched.max = SHORTLIST_LOG_MAX;
    if (x->watched)
        sql_watch_rows(g->writer, &(struct sql_watch){x, touched, transaction_ends});
}

/* ── wishes; under store->lock ── */

static bool has_column(const struct shortlist *l, const struct listed_column *c)
{
    for (size_t i = 0; i < l->n_columns; i++)
        if (l->columns[i].physical == c->physical && l->columns[i].as == c->as)
            return true;
    return false;
}

static bool serves(const struct shortlist *l, const struct narrowing *n)
{
    bool all = l->is_of_words == (n->kind == NARROWING_WORDS);
    for (size_t i = 0; all && i < n->n_columns; i++)
        all = has_column(l, &n->columns[i]);
    return all;
}

static struct shortlist *find(struct shortlists *x, const struct narrowing *n)
{
    struct shortlist *found = NULL;
    for (size_t i = 0; i < SHORTLISTS_MAX; i++)
        if (x->v[i] && serves(x->v[i], n) && (!found || x->v[i]->state == SHORTLIST_READY))
            found = x->v[i];
    return found;
}

/* Which place a new wish takes: a free one, or that of what nobody wished for longest, unless it is at work. NULL: none. */
static struct shortlist **find_room(struct shortlists *x, long long now)
{
    struct shortlist **oldest = NULL;
    for (size_t i = 0; i < SHORTLISTS_MAX; i++) {
        const struct shortlist *l = x->v[i];
        if (!l)
            return &x->v[i];
        bool may_go = l->state == SHORTLIST_WISHED || now - l->wished_ms >= INDEX_KEEP_MS;
        if (!l->busy && may_go && (!oldest || l->wished_ms < (*oldest)->wished_ms))
            oldest = &x->v[i];
    }
    return oldest;
}

static struct shortlist *add(struct shortlists *x, const struct narrowing *n, long long now, struct gone *gone)
{
    struct shortlist **room = find_room(x, now), *l = room ? calloc(1, sizeof *l) : NULL;
    if (!l)
        return NULL;
    if (*room)
        end_list(*room, gone);
    free(*room);
    memcpy(l->columns, n->columns, n->n_columns * sizeof *n->columns);
    l->n_columns = n->n_columns;
    l->is_of_words = n->kind == NARROWING_WORDS;
    *room = l;
    return l;
}

static bool is_enough(const struct shortlist *l)
{
    return l->scans >= INDEX_SCANS_MIN || l->scanned >= INDEX_SCANNED_MIN;
}

void shortlists_note(struct store *s, struct generation *g, const struct query *q, int64_t scanned)
{
    struct gone gone = {.n = 0};
    long long now = (long long)clock_mono_ms();
    if (q->narrowing.kind == NARROWING_NONE || scanned < INDEX_ROWS_MIN)
        return;
    pthread_mutex_lock(&s->lock);
    struct shortlist *l = g->retired ? NULL : find(&g->shortlists, &q->narrowing);
    if (!l && !g->retired)
        l = add(&g->shortlists, &q->narrowing, now, &gone);
    if (l) {
        l->scans++;
        l->scanned += scanned;
        l->wished_ms = now;
        if (l->state == SHORTLIST_WISHED && is_enough(l))
            pthread_cond_signal(&s->index_wake);
    }
    pthread_mutex_unlock(&s->lock);
    free_gone(&gone);
}

/* ── a query's rows ── */

size_t shortlist_rows_max(int64_t rows)
{
    int64_t share = rows / SHORTLIST_SHARE, most = share > SHORTLIST_ROWS_MIN ? share : SHORTLIST_ROWS_MIN;
    return (size_t)(most < SHORTLIST_ROWS_MAX ? most : SHORTLIST_ROWS_MAX);
}

/* Under store->lock: what of the log is in no listing goes onto `ret`. */
static bool take_log(const struct shortlist *l, struct sids *ret)
{
    bool ok = true;
    for (size_t i = l->listed; ok && i < l->log.n && !ret->over; i++)
        ok = sids_add(ret, l->log.v[i]);
    return ok && !ret->over;
}

struct holding {
    struct listing *base, *later;
};

/* The list that serves the narrowing in that snapshot, held; the log. Looked at after the snapshot was begun: the log has all that it sees. */
static bool take_list(struct store *s, struct generation *g, const struct narrowing *n, const struct store_state *state, struct holding *ret, struct sids *ret_rows)
{
    pthread_mutex_lock(&s->lock);
    struct shortlist *l = find(&g->shortlists, n);
    bool ok = l && l->state == SHORTLIST_READY && l->base;
    if (ok)
        l->wished_ms = (long long)clock_mono_ms();
    if (ok && l->log.n > l->listed)
        pthread_cond_signal(&s->index_wake);
    ok = ok && state->version >= l->version && take_log(l, ret_rows);
    if (ok) {
        *ret = (struct holding){l->base, l->later};
        hold(l->base);
        hold(l->later);
    }
    pthread_mutex_unlock(&s->lock);
    return ok;
}

static void give_list(struct store *s, struct holding *h)
{
    struct gone gone = {.n = 0};
    pthread_mutex_lock(&s->lock);
    let_go(h->base, &gone);
    let_go(h->later, &gone);
    pthread_mutex_unlock(&s->lock);
    free_gone(&gone);
}

static void write_rows(struct sids *rows, struct buf *out)
{
    sids_settle(rows);
    for (size_t i = 0; i < rows->n; i++) {
        buf_add_byte(out, i ? ',' : '[');
        buf_add_i64(out, rows->v[i]);
    }
    buf_add_z(out, rows->n ? "]" : "[]");
}

bool shortlists_find(struct store *s, struct generation *g, const struct query *q, const struct store_state *state, struct buf *ret_rows)
{
    const struct narrowing *n = &q->narrowing;
    struct error ignored; /* all rows will do */
    struct holding h;
    struct sids rows = {.max = shortlist_rows_max(state->rows)};
    if (n->kind == NARROWING_NONE)
        return false;
    bool ok = false;
    if (take_list(s, g, n, state, &h, &rows)) {
        struct listings from = {.n = 0};
        from.v[from.n++] = h.base->postings;
        if (h.later)
            from.v[from.n++] = h.later->postings;
        ok = shortlist_candidates(&from, n, &rows, &ignored) && !rows.over;
        give_list(s, &h);
    }
    if (ok)
        write_rows(&rows, ret_rows);
    sids_free(&rows);
    return ok && buf_ok(ret_rows);
}

/* ── the index thread ── */

struct task {
    struct store *s;
    struct generation *g;
    struct shortlist *l;
};

static size_t log_max(const struct store_state *state)
{
    size_t share = (size_t)state->rows / SHORTLIST_LOG_SHARE, most = share > SHORTLIST_LOG_MIN ? share : SHORTLIST_LOG_MIN;
    return most < SHORTLIST_LOG_MAX ? most : SHORTLIST_LOG_MAX;
}

/* From here on writes are logged. Nobody is in a transaction: it is done under the turn, with no early write under way. */
static bool begin(const struct task *k)
{
    struct table *t = k->g->table;
    struct shortlist *l = k->l;
    if (!turn_try(&t->turn))
        return false;
    bool ok = t->current == k->g && k->g->writer && !t->dropped && !t->mend && t->meta.state.rows >= INDEX_ROWS_MIN && !table_has_early(t);
    if (ok) {
        k->g->shortlists.store = k->s;
        k->g->shortlists.watched = true;
        shortlists_watch(k->g);
        pthread_mutex_lock(&k->s->lock);
        l->log = (struct sids){.max = log_max(&t->meta.state)};
        l->listed = 0;
        l->state = SHORTLIST_IN_THE_MAKING;
        pthread_mutex_unlock(&k->s->lock);
    }
    turn_give(&t->turn);
    return ok;
}

static struct listing *list(const struct task *k, const struct sids *those, int64_t *ret_version, bool *ret_too_large)
{
    struct error ignored;
    struct listing *made = NULL;
    struct postings *p = store_has_room(k->s, 0, &ignored) ? shortlist_rows(k->s, k->g, k->l, those, ret_version, ret_too_large) : NULL;
    if (p && (made = calloc(1, sizeof *made)))
        *made = (struct listing){p, 1};
    else
        postings_free(p);
    return made;
}

/* A turn that was taken is not a failure as one of the work is. Under store->lock. */
static void try_later(struct shortlist *l, bool begun, bool too_large)
{
    unsigned doublings = begun ? INDEX_RETRY_DOUBLINGS : SHORTLIST_BUSY_DOUBLINGS;
    l->not_before_ms = too_large ? INT64_MAX : (long long)clock_mono_ms() + ((long long)INDEX_RETRY_MS << l->failures);
    l->failures += l->failures < doublings;
}

/* Under store->lock: lists of fewer columns are no more of use. */
static void absorb(struct shortlists *x, const struct shortlist *l, struct gone *gone)
{
    for (size_t i = 0; i < SHORTLISTS_MAX; i++) {
        struct shortlist *other = x->v[i];
        bool all = other && other != l && other->is_of_words == l->is_of_words;
        for (size_t c = 0; all && c < other->n_columns; c++)
            all = has_column(l, &other->columns[c]);
        if (!all)
            continue;
        end_list(other, gone);
        free(other);
        x->v[i] = NULL;
    }
}

static void make(const struct task *k)
{
    struct gone gone = {.n = 0};
    struct shortlist *l = k->l;
    int64_t version = 0;
    bool too_large = false, begun = begin(k);
    struct listing *base = begun ? list(k, NULL, &version, &too_large) : NULL;
    pthread_mutex_lock(&k->s->lock);
    if (base && !l->log.over) {
        l->base = base;
        l->version = version;
        l->state = SHORTLIST_READY;
        l->failures = 0;
        l->not_before_ms = 0;
        absorb(&k->g->shortlists, l, &gone);
    } else {
        let_go(base, &gone);
        if (begun)
            end_list(l, &gone); /* which forgets its wishes: they have to come again, or it would be made over and over beside a load */
        try_later(l, begun, too_large);
    }
    pthread_mutex_unlock(&k->s->lock);
    free_gone(&gone);
}

static bool copy_log(const struct shortlist *l, struct sids *ret)
{
    bool ok = true;
    ret->max = l->log.max;
    for (size_t i = 0; ok && i < l->log.n; i++)
        ok = sids_add(ret, l->log.v[i]);
    return ok;
}

/* Under store->lock: of the log's first `n`, `those` are left, and listed. */
static void shorten_log(struct shortlist *l, size_t n, const struct sids *those)
{
    memcpy(l->log.v, those->v, those->n * sizeof *those->v);
    memmove(l->log.v + those->n, l->log.v + n, (l->log.n - n) * sizeof *l->log.v);
    l->log.n -= n - those->n;
    l->listed = those->n;
}

/* All that was ever logged is listed anew: it is a part of the table, and one list of it is read faster than many. What is on the log was
 * committed, or never will be: else the table would be committing. */
static void catch_up(const struct task *k)
{
    struct gone gone = {.n = 0};
    struct sids those = {0};
    struct shortlist *l = k->l;
    int64_t version = 0;
    bool too_large = false;
    long long begun_ms = (long long)clock_mono_ms();
    pthread_mutex_lock(&k->s->lock);
    size_t n = l->log.n;
    bool ok = l->state == SHORTLIST_READY && !k->g->table->committing && copy_log(l, &those);
    pthread_mutex_unlock(&k->s->lock);
    sids_settle(&those); /* by number, each once */
    struct listing *later = ok ? list(k, &those, &version, &too_large) : NULL;
    pthread_mutex_lock(&k->s->lock);
    long long now = (long long)clock_mono_ms();
    l->caught_up_ms = begun_ms;
    l->not_before_ms = now + SHORTLIST_REST_MS + SHORTLIST_REST_SHARE * (now - begun_ms);
    if (later && l->state == SHORTLIST_READY) {
        shorten_log(l, n, &those);
        let_go(l->later, &gone);
        l->later = later;
        if (version > l->version)
            l->version = version;
    } else {
        let_go(later, &gone);
    }
    pthread_mutex_unlock(&k->s->lock);
    free_gone(&gone);
    sids_free(&those);
}

/* Nobody asked for so long: what it takes of disk and memory goes. */
static bool is_forgotten(const struct shortlist *l, long long now)
{
    return now - l->wished_ms >= INDEX_KEEP_MS;
}

/* Under store->lock. What nobody asks for is not kept up. */
static bool wants_work(const struct shortlist *l, long long now, bool *ret_waiting)
{
    bool is_wish = l->state == SHORTLIST_WISHED;
    bool wants = is_wish ? is_enough(l) && l->not_before_ms != INT64_MAX : l->log.n > l->listed && l->wished_ms >= l->caught_up_ms;
    *ret_waiting |= wants || !is_wish;
    return (wants && now >= l->not_before_ms) || (!is_wish && is_forgotten(l, now));
}

static bool find_task(struct generation *g, long long now, struct task *ret, bool *ret_waiting)
{
    for (size_t i = 0; i < SHORTLISTS_MAX && !g->retired; i++) {
        if (!g->shortlists.v[i] || !wants_work(g->shortlists.v[i], now, ret_waiting))
            continue;
        ret->g = g;
        ret->l = g->shortlists.v[i];
        return true;
    }
    return false;
}

static void forget(const struct task *k)
{
    struct gone gone = {.n = 0};
    pthread_mutex_lock(&k->s->lock);
    end_list(k->l, &gone);
    pthread_mutex_unlock(&k->s->lock);
    free_gone(&gone);
}

/* Without the lock; the shortlist is busy. */
static void work(const struct task *k, bool is_wish, bool is_due)
{
    if (is_wish)
        make(k);
    else if (is_due)
        forget(k);
    else
        catch_up(k);
}

bool shortlists_work(struct store *s)
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
    bool is_wish = k.l->state == SHORTLIST_WISHED, is_due = is_forgotten(k.l, now);
    k.l->busy = true;
    t->refs++;
    g->uses++;
    pthread_mutex_unlock(&s->lock);
    work(&k, is_wish, is_due);
    pthread_mutex_lock(&s->lock);
    k.l->busy = false;
    pthread_mutex_unlock(&s->lock);
    generation_leave(s, g);
    table_unref(s, t);
    pthread_mutex_lock(&s->lock);
    return true;
}
