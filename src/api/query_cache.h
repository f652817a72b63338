/* Compiled queries, kept for who asks the same of the same dataset again.
 *
 * A key is all that compiling looks at: the dataset's snapshot (the catalog makes another with every change of its columns), the key of
 * its row numbers, and the parameters as they were sent. Who is asking does not matter, so a query that named another dataset,
 * which one caller may read and the next may not, must not be kept. Any thread may call; what is found is held until it is released, also
 * when the cache has let go of it meanwhile. */
#ifndef SELTZER_API_QUERY_CACHE_H
#define SELTZER_API_QUERY_CACHE_H

#include "catalog/catalog.h"
#include "soql/soql.h"

enum {
    QUERY_CACHE_ENTRIES_MAX = 1024,
    QUERY_CACHE_BYTES_MAX = 16 << 20,
    CACHED_QUERY_BYTES_MAX = 256 << 10, /* a larger one is not kept */
};

struct query_cache;
struct query_cache *query_cache_new(size_t entries_max, size_t bytes_max, struct error *err);
void query_cache_free(struct query_cache *cache); /* NULL is fine; what is held stays until it is released */

struct query_key {
    const struct dataset *dataset;
    struct row_id_key row_ids;
    const struct soql_parameter *parameters;
    size_t n;
};

/* `key` and the compiled query live in its arena, which holds copies of what the caller's key had. */
struct cached_query {
    struct query_key key;
    struct arena arena;
    struct soql_compiled compiled;
    /* private */
    struct cached_query *next_in_bucket, *newer, *older;
    uint64_t hash;
    size_t bytes;
    _Atomic unsigned holders;
};

/* NULL: it is not there. */
struct cached_query *query_cache_find(struct query_cache *cache, const struct query_key *key);
/* With nothing compiled yet; NULL without memory. */
struct cached_query *cached_query_new(const struct query_key *key, struct error *err);
/* It is compiled: from now on others find it, until it is the one that was not asked for longest. */
void query_cache_keep(struct query_cache *cache, struct cached_query *q);
void cached_query_release(struct cached_query *q); /* NULL is fine */

/* For tests and measurements. */
size_t query_cache_entries(struct query_cache *cache, size_t *ret_bytes);

#endif
