/* Queries over one or several datasets (resource_query.h). */
#include "api/resource_query.h"

static bool hold(struct call *c, struct resource_query *q, const struct dataset *d, struct error *err)
{
    if (!store_state(c->api->store, d, &q->states[q->n], err))
        return false;
    q->datasets[q->n] = dataset_retain(d);
    q->known[q->n] = (struct soql_dataset){str_from(d->id), &d->columns, &q->states[q->n].row_ids};
    q->n++;
    return true;
}

bool resource_query_begin(struct call *c, struct resource_query *q, struct error *err)
{
    q->n = 0;
    q->cached = NULL;
    return hold(c, q, c->dataset, err);
}

void resource_query_fini(struct resource_query *q)
{
    if (q->cached)
        cached_query_release(q->cached);
    else
        query_fini(&q->compiled.query);
    while (q->n)
        dataset_release(q->datasets[--q->n]);
}

struct asking {
    struct call *c;
    struct resource_query *q;
};

static bool known_already(const struct resource_query *q, const struct dataset *d, struct soql_dataset *ret)
{
    for (size_t i = 0; i < q->n; i++)
        if (strcmp(q->datasets[i]->id, d->id) == 0) {
            *ret = q->known[i];
            return true;
        }
    return false;
}

/* A dataset that the caller may not read is one that is not there. */
static bool find(void *ctx, struct str name, struct soql_dataset *ret, struct error *err)
{
    const struct asking *ask = ctx;
    struct resource_query *q = ask->q;
    q->asked_for_others = true;
    const struct dataset *d = catalog_dataset(ask->c->api->catalog, name, err);
    bool ok = d && gate_authorize(&ask->c->principal, GATE_READ_ROWS, d, err);
    if (!ok && (!d ? err->code == ERROR_DATASET_NOT_FOUND : err->code == ERROR_AUTHENTICATION_REQUIRED || err->code == ERROR_PERMISSION_DENIED))
        err->code = ERROR_NONE;
    if (ok && !known_already(q, d, ret)) {
        if (q->n == STORE_DATASETS_MAX)
            ok = error_set(err, ERROR_LIMIT_EXCEEDED, "a query may read %d datasets", STORE_DATASETS_MAX);
        ok = ok && hold(ask->c, q, d, err);
        if (ok)
            *ret = q->known[q->n - 1];
    }
    dataset_release(d);
    return ok;
}

/* The analyzer's order becomes ours: its n is d<n> in the SQL. */
static void put_in_order(struct resource_query *q)
{
    for (size_t i = 0; i < q->compiled.n_datasets; i++)
        for (size_t k = i; k < q->n; k++)
            if (str_eq(q->compiled.datasets[i].name, str_from(q->datasets[k]->id))) {
                const struct dataset *d = q->datasets[i];
                q->datasets[i] = q->datasets[k];
                q->datasets[k] = d;
                break;
            }
}

/* Into `into`, which has copies of all that the query points at, so that it can outlive the call. */
static bool compile(struct call *c, struct resource_query *q, struct cached_query *into, struct error *err)
{
    struct asking ask = {c, q};
    const struct soql_catalog catalog = {&ask, find};
    q->known[0].row_ids = &into->key.row_ids;
    const struct soql_request request = {&q->known[0], &catalog, into->key.parameters, into->key.n};
    return soql_compile(&request, &into->arena, &into->compiled, err);
}

bool resource_query_compile(struct call *c, struct resource_query *q, struct error *err)
{
    struct soql_parameter *parameters = arena_alloc(c->arena, (c->n_query + 1) * sizeof *parameters);
    if (!parameters)
        return error_no_memory(err);
    for (size_t i = 0; i < c->n_query; i++)
        parameters[i] = (struct soql_parameter){c->query[i].name, c->query[i].value};
    const struct query_key key = {q->datasets[0], q->states[0].row_ids, parameters, c->n_query};
    q->cached = query_cache_find(c->api->queries, &key);
    if (!q->cached) {
        q->cached = cached_query_new(&key, err);
        if (!q->cached || !compile(c, q, q->cached, err))
            return false;
        if (!q->asked_for_others)
            query_cache_keep(c->api->queries, q->cached);
    }
    q->compiled = q->cached->compiled;
    put_in_order(q);
    return true;
}

void resource_query_explain(const struct resource_query *q, int64_t at, struct error *err)
{
    if (err->code == ERROR_QUERY_TOO_LARGE && q->compiled.deepest.source)
        soql_problem_place(err, &q->compiled.deepest);
    if (at < 0 || (size_t)at >= q->compiled.n_places)
        return;
    const struct soql_place *place = &q->compiled.places[at];
    struct error said = *err;
    struct str expression = str_make(place->source->text.p + place->at, place->end - place->at), shown = str_head_utf8(expression, 300);
    error_set(err, said.code, "%.1000s, in " FMT_STR "%s", said.message, ARG_STR(shown), shown.n < expression.n ? "…" : "");
    soql_problem_place(err, place);
}
