/* Tables and their open files: who may touch what, when files open and close, and the thread that checkpoints (engine.h). */
#include "store/sqlite/engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/folder.h"
#include "store/sqlite/applier.h"
#include "store/stop_point.h"

/* ── turns ── */

void turn_init(struct turn *t)
{
    *t = (struct turn){0};
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->moved, NULL);
}

void turn_fini(struct turn *t)
{
    pthread_cond_destroy(&t->moved);
    pthread_mutex_destroy(&t->lock);
}

void turn_take(struct turn *t)
{
    pthread_mutex_lock(&t->lock);
    uint64_t mine = t->next++;
    while (t->serving != mine)
        pthread_cond_wait(&t->moved, &t->lock);
    t->refused = false;
    pthread_mutex_unlock(&t->lock);
}

bool turn_try(struct turn *t)
{
    pthread_mutex_lock(&t->lock);
    bool is_free = t->serving == t->next;
    if (is_free)
        t->next++;
    t->refused = !is_free;
    pthread_mutex_unlock(&t->lock);
    return is_free;
}

bool turn_is_wanted(struct turn *t)
{
    pthread_mutex_lock(&t->lock);
    bool is_wanted = t->refused || t->next - t->serving > 1;
    pthread_mutex_unlock(&t->lock);
    return is_wanted;
}

bool turn_is_free(struct turn *t)
{
    pthread_mutex_lock(&t->lock);
    bool is_free = t->serving == t->next;
    pthread_mutex_unlock(&t->lock);
    return is_free;
}

void turn_give(struct turn *t)
{
    pthread_mutex_lock(&t->lock);
    t->serving++;
    pthread_cond_broadcast(&t->moved);
    pthread_mutex_unlock(&t->lock);
}

/* ── the table of tables; all under store->lock ── */

static unsigned bucket_of(const char *id)
{
    unsigned h = 2166136261u;
    for (; *id; id++)
        h = (h ^ (unsigned char)*id) * 16777619u;
    return h % TABLE_BUCKETS;
}

struct table *table_find(struct store *s, const char *id)
{
    struct table *t = s->buckets[bucket_of(id)];
    while (t && strcmp(t->id, id) != 0)
        t = t->next;
    return t;
}

static struct table *add_table(struct store *s, const struct dataset *d)
{
    struct table *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    memcpy(t->id, d->id, sizeof t->id);
    t->generation = d->generation;
    turn_init(&t->turn);
    pthread_mutex_init(&t->early_lock, NULL);
    struct table **bucket = &s->buckets[bucket_of(t->id)];
    t->next = *bucket;
    *bucket = t;
    return t;
}

static void free_table(struct table *t)
{
    turn_fini(&t->turn);
    pthread_mutex_destroy(&t->early_lock);
    free(t);
}

static struct table *ref_table(struct store *s, const struct dataset *d)
{
    struct table *t = table_find(s, d->id);
    if (!t)
        t = add_table(s, d);
    if (t)
        t->refs++;
    return t;
}

struct table *table_ref(struct store *s, struct table *t)
{
    pthread_mutex_lock(&s->lock);
    t->refs++;
    pthread_mutex_unlock(&s->lock);
    return t;
}

void table_unref(struct store *s, struct table *t)
{
    pthread_mutex_lock(&s->lock);
    bool last = --t->refs == 0 && t->dropped;
    pthread_mutex_unlock(&s->lock);
    if (last)
        free_table(t);
}

/* ── open files ── */

static void close_generation(struct generation *g)
{
    for (unsigned i = 0; i < g->idle_n; i++)
        sql_close(g->idle[i]);
    applier_free(g->applier);
    shortlists_free(g);
    sql_close(g->writer); /* last: it takes the WAL into the file and removes it */
    free(g->path);
    free(g);
}

/* Under store->lock: the table's own from now on. */
static void link_generation(struct store *s, struct generation *g)
{
    g->table->current = g;
    g->next = s->open;
    s->open = g;
    s->open_n++;
    g->used = ++s->clock;
}

/* Under store->lock: no longer found by anybody; the caller closes it outside of the lock when this returns true. */
static bool unlink_generation(struct store *s, struct generation *g)
{
    struct generation **at = &s->open;
    while (*at && *at != g)
        at = &(*at)->next;
    if (*at) {
        *at = g->next;
        s->open_n--;
        s->idle_readers -= g->idle_n;
    }
    if (g->table->current == g)
        g->table->current = NULL;
    g->retired = true;
    return g->uses == 0;
}

/* After a fault of the disk the kernel may have forgotten pages of the WAL that it could not write, and show them still.
 * A sync would tell us nothing. So all that the WAL shows goes into the file, is synced there, and the WAL starts empty;
 * until that has worked there is no writing (docs/storage.md, "Faults"). */
static bool mend(struct generation *g, struct error *err)
{
    int left = 0;
    if (!g->table->mend)
        return true;
    if (!sql_checkpoint(g->writer, true, &left, err))
        return false;
    if (left)
        return error_set(err, ERROR_STORE_UNAVAILABLE, "the dataset's files are being mended after a fault of the disk; send it again later");
    g->table->mend = false;
    return true;
}

static bool open_writer(struct store *s, struct generation *g, struct meta *ret, struct error *err)
{
    g->writer = sql_open(g->path, SQL_WRITER, WRITER_CACHE_BYTES, err);
    g->applier = g->writer ? applier_new(g->writer, err) : NULL;
    if (g->applier && layout_check_format(g->writer, err) && mend(g, err) && meta_read(g->writer, ret, err) && indexes_read(s, g, err)) {
        shortlists_watch(g);
        return true;
    }
    generation_break_writer(g);
    return false;
}

void generation_break_writer(struct generation *g)
{
    if (g->writer && sql_is_broken(g->writer))
        g->table->mend = true;
    applier_free(g->applier);
    sql_close(g->writer);
    g->applier = NULL;
    g->writer = NULL;
    atomic_store(&g->wal_frames, 0);
}

static struct generation *open_generation(struct store *s, struct table *t, int64_t number, struct meta *ret, struct error *err)
{
    struct generation *g = calloc(1, sizeof *g);
    char *path = path_of_generation(s, t->id, number);
    if (!g || !path) {
        free(g);
        free(path);
        error_no_memory(err);
        return NULL;
    }
    g->table = t;
    g->number = number;
    g->path = path;
    if (access(path, F_OK) != 0 && errno == ENOENT)
        error_set(err, ERROR_STORE_UNAVAILABLE, "the file of the dataset's rows is missing");
    else if (open_writer(s, g, ret, err))
        return g;
    close_generation(g);
    return NULL;
}

/* Under store->lock: the generation that was used longest ago and whose turn is free, turn taken; or NULL. */
static struct generation *pick_victim(struct store *s)
{
    struct generation *oldest = NULL;
    for (struct generation *g = s->open; g; g = g->next)
        if (g->uses == 0 && (!oldest || g->used < oldest->used))
            oldest = g;
    return oldest && turn_try(&oldest->table->turn) ? oldest : NULL;
}

/* A file may only be opened again when it is closed: both happen under its table's turn. */
static void close_surplus(struct store *s)
{
    for (;;) {
        pthread_mutex_lock(&s->lock);
        struct generation *g = s->open_n > OPEN_FILES_MAX ? pick_victim(s) : NULL;
        struct table *t = g ? g->table : NULL;
        if (g) {
            t->refs++;
            unlink_generation(s, g);
        }
        pthread_mutex_unlock(&s->lock);
        if (!g)
            return;
        close_generation(g);
        turn_give(&t->turn);
        table_unref(s, t);
    }
}

/* Under the turn. */
static bool make_open(struct store *s, struct table *t, struct error *err)
{
    struct meta m;
    struct generation *g = t->current;
    if (g && g->writer)
        return true;
    if (!g) {
        g = open_generation(s, t, t->generation, &m, err);
        if (!g)
            return false;
        pthread_mutex_lock(&s->lock);
        link_generation(s, g);
        pthread_mutex_unlock(&s->lock);
    } else if (!open_writer(s, g, &m, err)) {
        return false;
    }
    table_publish(s, t, &m);
    return true;
}

/* A dataset whose folder is not there: it was deleted while this snapshot of it was held, or the server ended between the
 * catalog's row and the folder, which is then made now. */
static bool mend_missing(struct store *s, const struct dataset *d, struct error *err)
{
    char *path = path_of_table(s, d->id);
    if (!path)
        return error_no_memory(err);
    bool missing = access(path, F_OK) != 0 && errno == ENOENT;
    free(path);
    if (!missing)
        return true;
    const struct dataset *known = catalog_dataset(s->catalog, str_from(d->id), err);
    bool ok = known && (known->generation != 1 || create_files(s, known, err));
    dataset_release(known);
    return ok;
}

static struct table *hold(struct store *s, const struct dataset *d, const struct early *keep, struct error *err)
{
    pthread_mutex_lock(&s->lock);
    struct table *t = ref_table(s, d);
    pthread_mutex_unlock(&s->lock);
    if (!t) {
        error_no_memory(err);
        return NULL;
    }
    turn_take(&t->turn);
    early_undo(t, keep);
    if (!t->dropped)
        return t;
    turn_give(&t->turn);
    table_unref(s, t);
    error_set(err, ERROR_DATASET_NOT_FOUND, "Not found");
    error_data_str(err, "id", str_from(d->id));
    error_data_str(err, "dataset", str_from(d->id));
    return NULL;
}

struct table *table_hold(struct store *s, const struct dataset *d, struct error *err)
{
    return hold(s, d, NULL, err);
}

struct table *table_take(struct store *s, const struct dataset *d, struct error *err)
{
    return table_take_keeping(s, d, NULL, err);
}

struct table *table_take_keeping(struct store *s, const struct dataset *d, const struct early *keep, struct error *err)
{
    struct table *t = hold(s, d, keep, err);
    if (!t)
        return NULL;
    if ((!t->current && !mend_missing(s, d, err)) || !make_open(s, t, err)) {
        turn_give(&t->turn);
        table_unref(s, t);
        return NULL;
    }
    pthread_mutex_lock(&s->lock);
    t->current->uses++;
    pthread_mutex_unlock(&s->lock);
    return t;
}

bool table_is_known(struct store *s, const char *id)
{
    pthread_mutex_lock(&s->lock);
    bool is_known = table_find(s, id);
    pthread_mutex_unlock(&s->lock);
    return is_known;
}

bool table_has_early(struct table *t)
{
    pthread_mutex_lock(&t->early_lock);
    bool has = t->early || t->early_broken;
    pthread_mutex_unlock(&t->early_lock);
    return has;
}

struct table *table_try(struct store *s, const struct dataset *d)
{
    pthread_mutex_lock(&s->lock);
    struct table *t = table_find(s, d->id);
    if (t)
        t->refs++;
    pthread_mutex_unlock(&s->lock);
    if (!t)
        return NULL;
    struct error ignored;
    bool ours = !table_has_early(t) && turn_try(&t->turn);
    if (ours && !table_has_early(t) && !t->dropped && !t->mend && make_open(s, t, &ignored)) {
        generation_again(s, t->current);
        return t;
    }
    if (ours)
        turn_give(&t->turn);
    table_unref(s, t);
    return NULL;
}

/* The generation may have changed hands meanwhile (table_advance moves the use along). */
void table_give(struct store *s, struct table *t)
{
    struct generation *g = t->current;
    if (g) {
        atomic_store(&g->wal_frames, g->writer ? sql_wal_frames(g->writer) : 0);
        atomic_store(&g->written_ms, (long long)clock_mono_ms());
        generation_leave(s, g);
    }
    turn_give(&t->turn);
    table_unref(s, t);
    close_surplus(s);
}

struct generation *generation_use(struct store *s, const struct dataset *d, struct error *err)
{
    pthread_mutex_lock(&s->lock);
    struct table *t = table_find(s, d->id);
    struct generation *g = t ? t->current : NULL;
    if (g) {
        g->uses++;
        g->used = ++s->clock;
    }
    pthread_mutex_unlock(&s->lock);
    if (g)
        return g;
    t = table_take(s, d, err);
    if (!t)
        return NULL;
    pthread_mutex_lock(&s->lock);
    g = t->current;
    g->uses++;
    g->used = ++s->clock;
    pthread_mutex_unlock(&s->lock);
    table_give(s, t);
    return g;
}

void generation_leave(struct store *s, struct generation *g)
{
    pthread_mutex_lock(&s->lock);
    bool last = --g->uses == 0 && g->retired;
    pthread_mutex_unlock(&s->lock);
    if (last)
        close_generation(g);
}

struct generation *generation_again(struct store *s, struct generation *g)
{
    pthread_mutex_lock(&s->lock);
    g->uses++;
    pthread_mutex_unlock(&s->lock);
    return g;
}

void table_publish(struct store *s, struct table *t, const struct meta *m)
{
    pthread_mutex_lock(&s->lock);
    if (!t->has_meta)
        t->anchored_seq = m->audit.seq; /* as it was found: what is told is what is written from now on */
    t->meta = *m;
    t->has_meta = true;
    t->committing = false;
    pthread_mutex_unlock(&s->lock);
}

void table_committing(struct store *s, struct table *t, bool yes)
{
    pthread_mutex_lock(&s->lock);
    t->committing = yes;
    pthread_mutex_unlock(&s->lock);
}

struct generation *generation_prepare(struct store *s, struct table *t, int64_t number, struct error *err)
{
    struct meta m;
    return open_generation(s, t, number, &m, err);
}

void generation_discard(struct generation *g)
{
    close_generation(g);
}

void table_advance(struct store *s, struct table *t, struct generation *next, const struct meta *m)
{
    struct generation *old = t->current;
    pthread_mutex_lock(&s->lock);
    bool close_it = false;
    if (old) {
        old->uses--; /* the turn's own */
        close_it = unlink_generation(s, old);
    }
    link_generation(s, next);
    next->uses = 1; /* the turn's own */
    t->generation = next->number;
    t->meta = *m;
    t->has_meta = true;
    pthread_mutex_unlock(&s->lock);
    if (close_it)
        close_generation(old);
}

void table_forget(struct store *s, struct table *t)
{
    pthread_mutex_lock(&s->lock);
    struct table **at = &s->buckets[bucket_of(t->id)];
    while (*at && *at != t)
        at = &(*at)->next;
    if (*at)
        *at = t->next;
    t->dropped = true;
    struct generation *g = t->current;
    if (g && !unlink_generation(s, g))
        g = NULL; /* its last reader closes it */
    pthread_mutex_unlock(&s->lock);
    if (g)
        close_generation(g);
}

void table_release(struct store *s, struct table *t)
{
    turn_give(&t->turn);
    table_unref(s, t);
}

/* ── readers ── */

struct sql *reader_take(struct store *s, struct generation *g, struct error *err)
{
    pthread_mutex_lock(&s->lock);
    struct sql *reader = NULL;
    if (g->idle_n) {
        reader = g->idle[--g->idle_n];
        if (!g->retired)
            s->idle_readers--;
    }
    pthread_mutex_unlock(&s->lock);
    return reader ? reader : sql_open(g->path, SQL_READER, READER_CACHE_BYTES, err);
}

/* Under store->lock: a reader of the generation used longest ago makes room. */
static struct sql *oldest_idle_reader(struct store *s)
{
    struct generation *oldest = NULL;
    for (struct generation *g = s->open; g; g = g->next)
        if (g->idle_n && (!oldest || g->used < oldest->used))
            oldest = g;
    if (!oldest)
        return NULL;
    s->idle_readers--;
    return oldest->idle[--oldest->idle_n];
}

void reader_give(struct store *s, struct generation *g, struct sql *reader, bool good)
{
    struct sql *surplus = NULL;
    pthread_mutex_lock(&s->lock);
    if (good && !g->retired && g->idle_n < IDLE_READERS_MAX) {
        if (s->idle_readers >= IDLE_READERS_ALL_MAX)
            surplus = oldest_idle_reader(s);
        g->idle[g->idle_n++] = reader;
        s->idle_readers++;
        reader = NULL;
    }
    pthread_mutex_unlock(&s->lock);
    sql_close(reader);
    sql_close(surplus);
}

/* ── the cache budget ── */

size_t cache_lend(struct store *s)
{
    pthread_mutex_lock(&s->lock);
    size_t readers = (size_t)IDLE_READERS_ALL_MAX * READER_CACHE_BYTES;
    size_t whole = s->cache_bytes > readers + WRITER_CACHE_BYTES ? s->cache_bytes - readers : WRITER_CACHE_BYTES;
    size_t left = whole > s->cache_lent ? whole - s->cache_lent : 0;
    /* Most of what is left, so that a second bulk write still gets something. */
    size_t lent = left / 8 * 7 > WRITER_CACHE_BYTES ? left / 8 * 7 : WRITER_CACHE_BYTES;
    s->cache_lent += lent;
    pthread_mutex_unlock(&s->lock);
    return lent;
}

void cache_return(struct store *s, size_t bytes)
{
    pthread_mutex_lock(&s->lock);
    s->cache_lent -= bytes;
    pthread_mutex_unlock(&s->lock);
}

/* ── the thread that checkpoints ── */

static bool wants_checkpoint(const struct generation *g, long long now)
{
    int frames = atomic_load(&g->wal_frames);
    long long idle_ms = now - atomic_load(&g->written_ms);
    if (frames >= CHECKPOINT_FRAMES || (frames > 0 && idle_ms >= CHECKPOINT_IDLE_MS))
        return true;
    /* It holds cache and space that others could use. */
    return atomic_load(&g->early) && idle_ms >= EARLY_IDLE_MS;
}

/* Failure is no news here: the WAL stays as it is, and the next write finds out for itself. A fault of the connection
 * is one of the file, though, so the connection goes. */
static void checkpoint(struct generation *g)
{
    struct error ignored;
    int left = 0;
    if (!g->writer || g->retired)
        return;
    if (!sql_checkpoint(g->writer, false, &left, &ignored)) {
        if (sql_is_broken(g->writer))
            generation_break_writer(g);
        left = 0;
    }
    stop_point("checkpointed");
    atomic_store(&g->wal_frames, left);
}

/* Under store->lock, which it leaves for the checkpoint itself. False when nothing wants one. */
static bool checkpoint_one(struct store *s)
{
    long long now = (long long)clock_mono_ms();
    for (struct generation *g = s->open; g; g = g->next) {
        if (!wants_checkpoint(g, now))
            continue;
        struct table *t = g->table;
        t->refs++;
        g->uses++;
        pthread_mutex_unlock(&s->lock);
        turn_take(&t->turn);
        early_undo(t, NULL);
        checkpoint(g);
        atomic_store(&g->written_ms, (long long)clock_mono_ms()); /* frames that readers hold back: not again at once */
        generation_leave(s, g);
        turn_give(&t->turn);
        table_unref(s, t);
        pthread_mutex_lock(&s->lock);
        return true;
    }
    return false;
}

struct timespec store_tick(void)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)TICK_MS * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    return until;
}

static void *run_thread(void *ctx)
{
    struct store *s = ctx;
    uint64_t gone_ms = clock_mono_ms();
    pthread_mutex_lock(&s->lock);
    while (!s->stopping) {
        struct timespec until = store_tick();
        pthread_cond_timedwait(&s->wake, &s->lock, &until);
        if (!s->stopping && clock_mono_ms() - gone_ms >= GONE_AGAIN_MS) {
            pthread_mutex_unlock(&s->lock);
            clean_gone(s);
            gone_ms = clock_mono_ms();
            pthread_mutex_lock(&s->lock);
        }
        for (unsigned i = 0; !s->stopping && i < OPEN_FILES_MAX && checkpoint_one(s); i++)
            ;
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* ── the store ── */

static bool make_folders(const struct store *s, struct error *err)
{
    char *datasets;
    if (asprintf(&datasets, "%s/datasets", s->dir) < 0)
        return error_no_memory(err);
    bool ok = folder_make(s->dir, err) && folder_make(datasets, err);
    free(datasets);
    return ok;
}

static bool init_locks(struct store *s, struct error *err)
{
    pthread_condattr_t attr;
    if (pthread_mutex_init(&s->lock, NULL) != 0 || pthread_condattr_init(&attr) != 0)
        return error_no_memory(err);
    bool ok = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 && pthread_cond_init(&s->wake, &attr) == 0 &&
              pthread_cond_init(&s->index_wake, &attr) == 0;
    pthread_condattr_destroy(&attr);
    return ok || error_no_memory(err);
}

struct store *store_open(const struct store_config *config, struct error *err)
{
    struct store *s = calloc(1, sizeof *s);
    if (!s || !(s->dir = strdup(config->dir))) {
        free(s);
        error_no_memory(err);
        return NULL;
    }
    s->catalog = config->catalog;
    s->reserve = config->reserve;
    s->warn = config->warn;
    s->query_deadline_ms = config->query_deadline_ms ? config->query_deadline_ms : QUERY_DEADLINE_MS;
    s->cache_bytes = config->cache_bytes ? config->cache_bytes : (size_t)96 << 20;
    if (!init_locks(s, err)) {
        free(s->dir);
        free(s);
        return NULL;
    }
    bool ok = sql_self_test(err) && make_folders(s, err);
    if (ok) {
        clean_up(s);
        s->thread_runs = pthread_create(&s->thread, NULL, run_thread, s) == 0;
        ok = s->thread_runs ? indexes_start_thread(s, err) : error_no_memory(err);
    }
    if (!ok) {
        store_close(s);
        return NULL;
    }
    return s;
}

bool store_has_room(const struct store *s, uint64_t bytes, struct error *err)
{
    return disk_has_room(&s->reserve, s->dir, bytes, err);
}

bool store_disk(const struct store *s, uint64_t *ret_free, uint64_t *ret_reserve, struct error *err)
{
    uint64_t all;
    if (!disk_space(s->dir, ret_free, &all, err))
        return false;
    *ret_reserve = disk_reserve_bytes(&s->reserve, all);
    return true;
}

bool store_is_ready(const struct store *s, struct error *err)
{
    enum { LEAST_BYTES = 64 << 10 };
    return disk_can_give(s->dir, LEAST_BYTES, err);
}

void store_close(struct store *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    if (s->thread_runs)
        pthread_join(s->thread, NULL);
    indexes_stop_thread(s);
    while (s->open) {
        struct generation *g = s->open;
        unlink_generation(s, g);
        close_generation(g);
    }
    for (int i = 0; i < TABLE_BUCKETS; i++) {
        for (struct table *t = s->buckets[i], *next; t; t = next) {
            next = t->next;
            free_table(t);
        }
    }
    pthread_cond_destroy(&s->wake);
    pthread_cond_destroy(&s->index_wake);
    pthread_mutex_destroy(&s->lock);
    free(s->dir);
    free(s);
}

bool table_meta(struct store *s, const struct dataset *d, struct meta *ret)
{
    pthread_mutex_lock(&s->lock);
    const struct table *t = table_find(s, d->id);
    bool known = t && t->has_meta;
    if (known)
        *ret = t->meta;
    pthread_mutex_unlock(&s->lock);
    return known;
}

bool store_state(struct store *s, const struct dataset *d, struct store_state *ret, struct error *err)
{
    pthread_mutex_lock(&s->lock);
    struct table *t = table_find(s, d->id);
    bool known = t && t->has_meta, committing = known && t->committing;
    if (known)
        *ret = t->meta.state;
    pthread_mutex_unlock(&s->lock);
    if (committing)
        state_in_file(s, d, ret);
    if (known)
        return true;
    t = table_take(s, d, err);
    if (!t)
        return false;
    *ret = t->meta.state;
    table_give(s, t);
    return true;
}
