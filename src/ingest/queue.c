/* The queues (ingest.h): one a dataset, while it has writes. A queue is drained by one job at a time, a group a turn, so
 * that a busy dataset holds one worker and others get theirs. Small writes that wait together are one group: they share
 * a transaction and its sync.
 *
 *     idle ──submit──► draining ──group applied, more wait──► draining
 *       ▲                  └──────── nothing waits ───────────┘
 *
 * A write that has waited WAIT_MAX_MS behind others is answered 409 by the watch thread; it was not applied. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "ingest/upload.h"

enum {
    WAIT_MAX_MS = 30000,
    GROUP_WRITES_MAX = 256,
    GROUP_ROWS_EACH_MAX = 1000,
    GROUP_BYTES_MAX = 1 << 20,
    BUCKETS = 256,
};

struct dataset_queue {
    struct job job; /* first: the pool hands it back */
    struct ingest_queue *owner;
    char id[DATASET_ID_LENGTH + 1];
    struct upload *first, **last;
    struct dataset_queue *next; /* in its bucket */
};

struct ingest_queue {
    struct store *store;
    struct pool *pool;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct dataset_queue *buckets[BUCKETS];
    size_t n_queues, n_waiting;
    bool stopping;
    pthread_t watch;
};

static unsigned bucket_of(const char *id)
{
    unsigned h = 5381;
    for (; *id; id++)
        h = h * 33 + (unsigned char)*id;
    return h % BUCKETS;
}

static bool is_small(const struct upload *u)
{
    return !u->write.replace && !u->write.truncate && !u->ahead && stage_rows(u->stage) <= GROUP_ROWS_EACH_MAX && stage_bytes(u->stage) <= GROUP_BYTES_MAX;
}

static struct upload *take_first(struct dataset_queue *q)
{
    struct upload *u = q->first;
    q->first = u->next;
    q->owner->n_waiting--;
    if (!q->first)
        q->last = &q->first;
    u->next = NULL;
    return u;
}

/* The next write, and the small ones behind it when it is small. Order is kept: a large one ends the group. */
static size_t take_group(struct dataset_queue *q, struct upload *group[GROUP_WRITES_MAX])
{
    size_t n = 0;
    uint64_t bytes = 0;
    while (q->first && n < GROUP_WRITES_MAX) {
        bool small = is_small(q->first);
        if (n && (!small || bytes + stage_bytes(q->first->stage) > GROUP_BYTES_MAX))
            break;
        group[n++] = take_first(q);
        bytes += stage_bytes(group[n - 1]->stage);
        if (!small)
            break;
    }
    return n;
}

static void finish(struct upload *u)
{
    upload_close_report(u);
    u->watcher.done(u->watcher.ctx, u, &u->write); /* u may be gone afterwards */
}

static void remove_queue(struct ingest_queue *owner, struct dataset_queue *q)
{
    struct dataset_queue **at = &owner->buckets[bucket_of(q->id)];
    while (*at != q)
        at = &(*at)->next;
    *at = q->next;
    owner->n_queues--;
    pthread_cond_broadcast(&owner->changed);
    free(q);
}

static void count(const struct write *w)
{
    metrics_add(w->done ? METRIC_WRITES_DONE : METRIC_WRITES_REFUSED, 1);
    if (!w->done || w->dry_run || w->replayed)
        return;
    metrics_add(METRIC_ROWS_CREATED, w->counts.created);
    metrics_add(METRIC_ROWS_UPDATED, w->counts.updated);
    metrics_add(METRIC_ROWS_DELETED, w->counts.deleted);
    metrics_add(METRIC_ROWS_REFUSED, w->counts.errors);
}

static void apply(struct ingest_queue *owner, struct upload *const *group, struct write *const *writes, size_t n)
{
    uint64_t now_ms = clock_mono_ms(), start_us = clock_mono_us();
    for (size_t i = 0; i < n; i++)
        metrics_duration(DURATION_WRITE_WAIT, (now_ms - group[i]->queued_ms) * 1000);
    store_write_group(owner->store, writes, n);
    metrics_duration(DURATION_WRITE_APPLY, clock_mono_us() - start_us);
    metrics_add(METRIC_GROUP_COMMITS, 1);
    for (size_t i = 0; i < n; i++)
        count(writes[i]);
}

static void drain(struct job *job)
{
    struct dataset_queue *q = (struct dataset_queue *)job;
    struct ingest_queue *owner = q->owner;
    struct upload *group[GROUP_WRITES_MAX];
    struct write *writes[GROUP_WRITES_MAX];

    pthread_mutex_lock(&owner->lock);
    size_t n = take_group(q, group);
    pthread_mutex_unlock(&owner->lock);

    for (size_t i = 0; i < n; i++)
        writes[i] = &group[i]->write;
    if (n == 1 && group[0]->ahead)
        writes[0]->ahead = ahead_claim(group[0]->ahead);
    if (n)
        apply(owner, group, writes, n);
    for (size_t i = 0; i < n; i++)
        finish(group[i]);

    pthread_mutex_lock(&owner->lock);
    if (q->first)
        pool_submit(owner->pool, &q->job);
    else
        remove_queue(owner, q);
    pthread_mutex_unlock(&owner->lock);
}

/* Moves what has waited too long from every queue to one list. */
static struct upload *take_expired(struct ingest_queue *owner, uint64_t now)
{
    struct upload *expired = NULL;
    for (int b = 0; b < BUCKETS; b++)
        for (struct dataset_queue *q = owner->buckets[b]; q; q = q->next)
            while (q->first && now - q->first->queued_ms > WAIT_MAX_MS) {
                struct upload *u = take_first(q);
                u->next = expired;
                expired = u;
            }
    return expired;
}

static void refuse_expired(struct upload *expired)
{
    for (struct upload *u = expired, *next; u; u = next) {
        next = u->next;
        metrics_add(METRIC_WRITES_EXPIRED, 1);
        u->write.done = false;
        error_set(&u->write.error, ERROR_DATASET_BUSY,
                  "Dataset %s cannot acquire a write lock: other writes to it have run for %d s; nothing was changed, try again",
                  u->dataset->id, WAIT_MAX_MS / 1000);
        error_data_str(&u->write.error, "dataset", str_from(u->dataset->id));
        u->write.error.retry_after_s = 30;
        finish(u);
    }
}

static void *watch(void *arg)
{
    struct ingest_queue *owner = arg;
    pthread_mutex_lock(&owner->lock);
    while (!owner->stopping) {
        struct timespec until; /* monotonic: somebody may set the clock back an hour */
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += 1;
        pthread_cond_timedwait(&owner->changed, &owner->lock, &until);
        struct upload *expired = owner->n_queues ? take_expired(owner, clock_mono_ms()) : NULL;
        if (!expired)
            continue;
        pthread_mutex_unlock(&owner->lock);
        refuse_expired(expired);
        pthread_mutex_lock(&owner->lock);
    }
    pthread_mutex_unlock(&owner->lock);
    return NULL;
}

struct ingest_queue *ingest_queue_new(struct store *s, struct pool *pool, struct error *err)
{
    struct ingest_queue *owner = calloc(1, sizeof *owner);
    if (!owner) {
        error_no_memory(err);
        return NULL;
    }
    owner->store = s;
    owner->pool = pool;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&owner->lock, NULL);
    pthread_cond_init(&owner->changed, &attr);
    pthread_condattr_destroy(&attr);
    int rc = pthread_create(&owner->watch, NULL, watch, owner);
    if (rc) {
        error_from_errno(err, rc, "start the write queue's watch");
        free(owner);
        return NULL;
    }
    return owner;
}

void ingest_queue_free(struct ingest_queue *owner)
{
    if (!owner)
        return;
    pthread_mutex_lock(&owner->lock);
    while (owner->n_queues)
        pthread_cond_wait(&owner->changed, &owner->lock);
    owner->stopping = true;
    pthread_cond_broadcast(&owner->changed);
    pthread_mutex_unlock(&owner->lock);
    pthread_join(owner->watch, NULL);
    pthread_cond_destroy(&owner->changed);
    pthread_mutex_destroy(&owner->lock);
    free(owner);
}

size_t ingest_queue_waiting(struct ingest_queue *owner)
{
    pthread_mutex_lock(&owner->lock);
    size_t n = owner->n_waiting;
    pthread_mutex_unlock(&owner->lock);
    return n;
}

struct ahead *ingest_build_ahead(struct ingest_queue *owner, struct upload *u)
{
    const struct ahead_rows rows = {.replace = u->options.kind == UPLOAD_REPLACE || u->options.truncate, .clear_absent = u->options.clear_absent};
    return ahead_new(owner->store, owner->pool, u->dataset, u->stage, &rows);
}

static struct dataset_queue *find_queue(struct ingest_queue *owner, const char *id)
{
    for (struct dataset_queue *q = owner->buckets[bucket_of(id)]; q; q = q->next)
        if (strcmp(q->id, id) == 0)
            return q;
    return NULL;
}

static struct dataset_queue *new_queue(struct ingest_queue *owner, const char *id)
{
    struct dataset_queue *q = calloc(1, sizeof *q);
    if (!q)
        return NULL;
    q->job.run = drain;
    q->owner = owner;
    snprintf(q->id, sizeof q->id, "%s", id);
    q->last = &q->first;
    q->next = owner->buckets[bucket_of(id)];
    owner->buckets[bucket_of(id)] = q;
    owner->n_queues++;
    return q;
}

void ingest_submit(struct ingest_queue *owner, struct upload *u, const struct ingest_watcher *watcher)
{
    u->watcher = *watcher;
    upload_prepare_write(u);
    u->queued_ms = clock_mono_ms();
    u->next = NULL;
    pthread_mutex_lock(&owner->lock);
    struct dataset_queue *q = find_queue(owner, u->dataset->id);
    bool fresh = !q;
    if (fresh)
        q = new_queue(owner, u->dataset->id);
    if (q) {
        *q->last = u;
        q->last = &u->next;
        owner->n_waiting++;
    }
    pthread_mutex_unlock(&owner->lock);
    if (!q) {
        error_no_memory(&u->write.error);
        finish(u);
    } else if (fresh) {
        pool_submit(owner->pool, &q->job);
    }
}
