/* Compiled queries by what they were compiled from (query_cache.h): a hash table, and a list by last use. */
#include "api/query_cache.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { BUCKETS = 1024 };

struct query_cache {
    pthread_mutex_t lock;
    size_t entries_max, bytes_max;
    /* under the lock */
    struct cached_query *buckets[BUCKETS];
    struct cached_query *newest, *oldest;
    size_t entries, bytes;
};

struct query_cache *query_cache_new(size_t entries_max, size_t bytes_max, struct error *err)
{
    struct query_cache *cache = calloc(1, sizeof *cache);
    if (!cache) {
        error_no_memory(err);
        return NULL;
    }
    pthread_mutex_init(&cache->lock, NULL);
    cache->entries_max = entries_max;
    cache->bytes_max = bytes_max;
    return cache;
}

/* ── keys ── */

static uint64_t mix(uint64_t h, const void *p, size_t n)
{
    const unsigned char *bytes = p;
    for (size_t i = 0; i < n; i++)
        h = (h ^ bytes[i]) * 1099511628211u;
    return h;
}

/* With its length, so that neighbours cannot run into each other. */
static uint64_t mix_str(uint64_t h, struct str s)
{
    return mix(mix(h, &s.n, sizeof s.n), s.p, s.n);
}

static uint64_t hash_of(const struct query_key *key)
{
    uint64_t h = mix(14695981039346656037u, key->dataset->id, DATASET_ID_LENGTH);
    for (size_t i = 0; i < key->n; i++)
        h = mix_str(mix_str(h, key->parameters[i].name), key->parameters[i].value);
    return h ^ h >> 32;
}

/* The snapshot is held by who is compared with it: nobody else's can have its address. */
static bool same_key(const struct query_key *a, const struct query_key *b)
{
    if (a->dataset != b->dataset || a->n != b->n || memcmp(&a->row_ids, &b->row_ids, sizeof a->row_ids) != 0)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!str_eq(a->parameters[i].name, b->parameters[i].name) || !str_eq(a->parameters[i].value, b->parameters[i].value))
            return false;
    return true;
}

static bool copy_parameters(struct cached_query *q, const struct query_key *key)
{
    struct soql_parameter *copy = arena_alloc(&q->arena, (key->n + 1) * sizeof *copy);
    for (size_t i = 0; copy && i < key->n; i++) {
        copy[i].name = arena_str(&q->arena, key->parameters[i].name);
        copy[i].value = arena_str(&q->arena, key->parameters[i].value);
        if (!copy[i].name.p || !copy[i].value.p)
            return false;
    }
    q->key.parameters = copy;
    return copy;
}

/* ── entries ── */

struct cached_query *cached_query_new(const struct query_key *key, struct error *err)
{
    struct cached_query *q = calloc(1, sizeof *q);
    if (!q) {
        error_no_memory(err);
        return NULL;
    }
    q->key = *key;
    q->key.dataset = dataset_retain(key->dataset);
    atomic_init(&q->holders, 1);
    if (!copy_parameters(q, key)) {
        cached_query_release(q);
        error_no_memory(err);
        return NULL;
    }
    return q;
}

void cached_query_release(struct cached_query *q)
{
    if (!q || atomic_fetch_sub(&q->holders, 1) > 1)
        return;
    query_fini(&q->compiled.query);
    dataset_release(q->key.dataset);
    arena_free(&q->arena);
    free(q);
}

/* ── the list by last use, and the table ── */

static void unlink_use(struct query_cache *c, struct cached_query *q)
{
    if (q->newer)
        q->newer->older = q->older;
    else
        c->newest = q->older;
    if (q->older)
        q->older->newer = q->newer;
    else
        c->oldest = q->newer;
    q->newer = q->older = NULL;
}

static void link_newest(struct query_cache *c, struct cached_query *q)
{
    q->older = c->newest;
    if (c->newest)
        c->newest->newer = q;
    else
        c->oldest = q;
    c->newest = q;
}

static struct cached_query **find_link(struct query_cache *c, const struct query_key *key, uint64_t hash)
{
    struct cached_query **link = &c->buckets[hash % BUCKETS];
    while (*link && ((*link)->hash != hash || !same_key(&(*link)->key, key)))
        link = &(*link)->next_in_bucket;
    return link;
}

/* What goes is released after the lock was given back: freeing takes its time. */
static void let_go(struct query_cache *c, struct cached_query *q, struct cached_query **gone)
{
    struct cached_query **link = &c->buckets[q->hash % BUCKETS];
    while (*link != q)
        link = &(*link)->next_in_bucket;
    *link = q->next_in_bucket;
    unlink_use(c, q);
    c->entries--;
    c->bytes -= q->bytes;
    q->next_in_bucket = *gone;
    *gone = q;
}

static void release_all(struct cached_query *gone)
{
    struct cached_query *next;
    for (; gone; gone = next) {
        next = gone->next_in_bucket;
        cached_query_release(gone);
    }
}

/* Nobody will ask for a former snapshot of the dataset again, and keeping it would hold its columns in memory. */
static void let_former_go(struct query_cache *c, const struct dataset *now, struct cached_query **gone)
{
    struct cached_query *older;
    for (struct cached_query *q = c->newest; q; q = older) {
        older = q->older;
        if (q->key.dataset != now && strcmp(q->key.dataset->id, now->id) == 0)
            let_go(c, q, gone);
    }
}

/* ── the front ── */

struct cached_query *query_cache_find(struct query_cache *c, const struct query_key *key)
{
    uint64_t hash = hash_of(key);
    pthread_mutex_lock(&c->lock);
    struct cached_query *q = *find_link(c, key, hash);
    if (q) {
        atomic_fetch_add(&q->holders, 1);
        unlink_use(c, q);
        link_newest(c, q);
    }
    pthread_mutex_unlock(&c->lock);
    return q;
}

void query_cache_keep(struct query_cache *c, struct cached_query *q)
{
    size_t bytes = sizeof *q + q->arena.used + q->compiled.query.sql.text.n + q->compiled.query.narrowing.text.n + q->compiled.query.counting.text.n;
    if (bytes > CACHED_QUERY_BYTES_MAX || bytes > c->bytes_max || c->entries_max == 0)
        return;
    uint64_t hash = hash_of(&q->key);
    struct cached_query *gone = NULL;
    pthread_mutex_lock(&c->lock);
    let_former_go(c, q->key.dataset, &gone);
    struct cached_query **link = find_link(c, &q->key, hash);
    if (!*link) { /* else somebody compiled the same meanwhile */
        q->hash = hash;
        q->bytes = bytes;
        *link = q;
        link_newest(c, q);
        atomic_fetch_add(&q->holders, 1);
        c->entries++;
        c->bytes += bytes;
    }
    while (c->entries > c->entries_max || c->bytes > c->bytes_max)
        let_go(c, c->oldest, &gone);
    pthread_mutex_unlock(&c->lock);
    release_all(gone);
}

size_t query_cache_entries(struct query_cache *c, size_t *ret_bytes)
{
    pthread_mutex_lock(&c->lock);
    size_t n = c->entries;
    *ret_bytes = c->bytes;
    pthread_mutex_unlock(&c->lock);
    return n;
}

void query_cache_free(struct query_cache *c)
{
    if (!c)
        return;
    struct cached_query *older;
    for (struct cached_query *q = c->newest; q; q = older) {
        older = q->older;
        cached_query_release(q);
    }
    pthread_mutex_destroy(&c->lock);
    free(c);
}
