/* What a GET over /resource asks for, compiled: the datasets that it reads (each of them one that the caller may read), their states,
 * and the SQL. Held for one call. */
#ifndef SELTZER_API_RESOURCE_QUERY_H
#define SELTZER_API_RESOURCE_QUERY_H

#include "api/api.h"
#include "api/query_cache.h"
#include "soql/soql.h"

struct resource_query {
    struct soql_compiled compiled;      /* of `cached`, where that is not NULL */
    struct cached_query *cached;        /* held; NULL: the query is this call's alone */
    const struct dataset *datasets[STORE_DATASETS_MAX]; /* [0]: the call's; all held */
    struct store_state states[STORE_DATASETS_MAX];      /* before the query ran; soql's keys of row numbers point into them */
    struct soql_dataset known[STORE_DATASETS_MAX];
    size_t n;
    bool asked_for_others;              /* named a dataset, whether there is one or not: what it means is this caller's alone */
};

/* The dataset of the call, with its state; the others come as queries name them. *q must stay where it is. */
must_use bool resource_query_begin(struct call *c, struct resource_query *q, struct error *err);
/* The call's query string; from the cache, where somebody asked the same before. */
must_use bool resource_query_compile(struct call *c, struct resource_query *q, struct error *err);
void resource_query_fini(struct resource_query *q);
/* What went wrong while it ran, with the expression that it went wrong in (store_reader.failed_at). */
void resource_query_explain(const struct resource_query *q, int64_t place, struct error *err);

#endif
