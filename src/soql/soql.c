/* The way through all stages (soql.h). */
#include "soql/soql.h"

#include "soql/request.h"

void query_fini(struct query *q)
{
    buf_free(&q->sql.text);
    buf_free(&q->narrowing.text);
    buf_free(&q->counting.text);
}

static const struct soql_emission sqlite = {.dialect = DIALECT_SQLITE};

static bool nothing_found(void *ctx, struct str name, struct soql_dataset *ret, struct error *err)
{
    (void)ctx;
    (void)name;
    (void)ret;
    err->code = ERROR_NONE;
    return false;
}

bool soql_compile(const struct soql_request *request, struct arena *a, struct soql_compiled *ret, struct error *err)
{
    static const struct soql_catalog nothing = {.find = nothing_found};
    struct soql_parsing parsing = {.arena = a};
    struct soql_query *query;
    struct soql_analysis analysis;
    bool ok = soql_request_query(request->parameters, request->n, request->primary->columns, &parsing, &query, err) &&
              soql_analyze(query, request->primary, request->catalog ? request->catalog : &nothing, a, &analysis, err) &&
              soql_emit_sql(&analysis, &sqlite, a, ret, err);
    if (ok)
        soql_wish_indexes(&analysis, &ret->query);
    return ok && soql_narrow(&analysis, &sqlite, a, ret, err) && soql_count(&analysis, &sqlite, a, ret, err);
}

/* ── one row ── */

static bool select_all(const struct soql_dataset *d, bool system_columns, struct arena *a, struct soql_relation *r, struct soql_table *t)
{
    size_t n = SYSTEM_COUNT + d->columns->n, first = system_columns ? 0 : SYSTEM_COUNT;
    struct soql_relation_column *columns = arena_zalloc(a, n * sizeof *columns);
    struct soql_expr *expressions = arena_zalloc(a, n * sizeof *expressions), **selected = arena_alloc(a, n * sizeof *selected);
    if (!columns || !expressions || !selected)
        return false;
    for (size_t i = 0; i < n; i++) {
        bool system = i < SYSTEM_COUNT;
        columns[i].name = system ? str_from(system_column_name((enum system_column)i)) : d->columns->v[i - SYSTEM_COUNT].field_name;
        columns[i].type = system ? system_column_type((enum system_column)i) : d->columns->v[i - SYSTEM_COUNT].type;
        columns[i].row_ids = system ? d->row_ids : NULL;
        expressions[i] = (struct soql_expr){.kind = EXPR_COLUMN, .type = columns[i].type, .column = (int)i};
        selected[i] = &expressions[i];
    }
    *t = (struct soql_table){.kind = TABLE_DATASET, .columns = columns, .n_columns = n};
    r->columns = columns + first;
    r->n_columns = n - first;
    r->selected = selected + first;
    r->tables = t;
    r->n_tables = 1;
    return true;
}

bool soql_compile_row(const struct soql_dataset *dataset, bool system_columns, int64_t sid, struct arena *a, struct soql_compiled *ret, struct error *err)
{
    size_t overloads;
    const struct soql_function *equal = soql_functions_named(STR("op$="), &overloads);
    struct soql_table table;
    struct soql_relation relation = {0};
    struct soql_expr id = {.kind = EXPR_COLUMN, .type = &type_row_identifier, .column = SYSTEM_ID};
    struct soql_expr number = {.kind = EXPR_LITERAL, .type = &type_row_identifier, .literal = cell_int(sid)};
    struct soql_expr *both[] = {&id, &number};
    struct soql_expr where = {.kind = EXPR_CALL, .type = &type_boolean, .function = equal, .args = both, .n = 2};
    struct soql_dataset *one = arena_alloc(a, sizeof *one);
    if (!one || !select_all(dataset, system_columns, a, &relation, &table))
        return error_no_memory(err);
    *one = *dataset;
    relation.where = &where;
    const struct soql_analysis analysis = {.relation = &relation, .datasets = one, .n_datasets = 1};
    return soql_emit_sql(&analysis, &sqlite, a, ret, err);
}
