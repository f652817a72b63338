/* Where aggregates and windows may stand, and what a grouped query may name (docs/wire/soql.md, "Grouping"; soql-reference,
 * AggregateChecker.scala). The expressions are as deep as SOQL_DEPTH_MAX allows, so these walks are bounded. */
#include "soql/analyze.h"

static const char *const clause_names[] = {
    [CLAUSE_SELECT] = "selected columns", [CLAUSE_WHERE] = "WHERE", [CLAUSE_GROUP] = "GROUP BY", [CLAUSE_HAVING] = "HAVING",
    [CLAUSE_ORDER] = "ORDER BY",          [CLAUSE_JOIN] = "JOIN",   [CLAUSE_FILTER] = "FILTER",
};

static bool is_aggregate(const struct soql_expr *e)
{
    return e->kind == EXPR_CALL && e->function->kind == FUNCTION_AGGREGATE && !e->over;
}

bool expr_has_aggregate(const struct soql_expr *e)
{
    if (e->kind != EXPR_CALL)
        return false;
    if (is_aggregate(e))
        return true;
    for (size_t i = 0; i < e->n; i++)
        if (expr_has_aggregate(e->args[i]))
            return true;
    for (size_t i = 0; e->over && i < e->over->n_partition; i++)
        if (expr_has_aggregate(e->over->partition[i]))
            return true;
    for (size_t i = 0; e->over && i < e->over->n_order; i++)
        if (expr_has_aggregate(e->over->order[i].by))
            return true;
    return false;
}

static bool refuse_aggregate(struct analyzer *az, const struct soql_expr *e, enum clause clause, struct error *err)
{
    struct str name = str_from(e->function->name);
    problem(az, err, ERROR_QUERY_AGGREGATE_IN_UNGROUPED_CONTEXT, &e->place, "Aggregate function '" FMT_STR "' used in ungrouped context: %s%s",
            ARG_STR(name), clause_names[clause], clause == CLAUSE_WHERE ? "; conditions on aggregates go into HAVING" : "");
    error_data_str(err, "function", name);
    error_data_str(err, "clause", str_from(clause_names[clause]));
    return false;
}

static bool refuse_window(struct analyzer *az, const struct soql_expr *e, const char *where, struct error *err)
{
    return problem(az, err, ERROR_QUERY_BAD_USE, &e->place,
                   "Bad parse: a window function cannot stand in %s; select it under a name and write |> select * where … after the query", where);
}

/* Inside an aggregate, or where no groups are: neither aggregates nor windows. */
static bool check_inner(struct analyzer *az, const struct soql_expr *e, enum clause clause, const char *where, struct error *err)
{
    if (e->kind != EXPR_CALL)
        return true;
    if (e->over)
        return refuse_window(az, e, where, err);
    if (is_aggregate(e))
        return refuse_aggregate(az, e, clause, err);
    for (size_t i = 0; i < e->n; i++)
        if (!check_inner(az, e->args[i], clause, where, err))
            return false;
    return true;
}

bool check_plain(struct analyzer *az, const struct soql_expr *e, enum clause clause, struct error *err)
{
    return check_inner(az, e, clause, clause_names[clause], err);
}

/* The arguments and the filter of an aggregate. */
static bool check_aggregated(struct analyzer *az, const struct soql_expr *e, enum clause clause, struct error *err)
{
    for (size_t i = 0; i < e->n; i++)
        if (!check_inner(az, e->args[i], clause, "an aggregate", err))
            return false;
    return !e->filter || check_inner(az, e->filter, CLAUSE_FILTER, "FILTER", err);
}

/* ── grouped ── */

struct grouping {
    struct scope *scope;
    const struct soql_relation *relation;
    enum clause clause;
    bool is_ungrouped;             /* there are no groups: every column may be named */
    bool in_window;
};

static bool check_walk(const struct grouping *g, const struct soql_expr *e, struct error *err);

static bool check_walk_window(const struct grouping *g, const struct soql_expr *e, struct error *err)
{
    struct analyzer *az = g->scope->az;
    if (g->in_window)
        return refuse_window(az, e, "another window", err);
    if (g->clause == CLAUSE_HAVING)
        return refuse_window(az, e, "HAVING", err);
    struct grouping inner = *g;
    inner.in_window = true;
    for (size_t i = 0; i < e->n; i++)
        if (!check_walk(&inner, e->args[i], err))
            return false;
    for (size_t i = 0; i < e->over->n_partition; i++)
        if (!check_walk(&inner, e->over->partition[i], err))
            return false;
    for (size_t i = 0; i < e->over->n_order; i++)
        if (!check_walk(&inner, e->over->order[i].by, err))
            return false;
    return !e->filter || check_walk(&inner, e->filter, err);
}

static bool is_group(const struct soql_relation *r, const struct soql_expr *e)
{
    for (size_t i = 0; i < r->n_group; i++)
        if (soql_expr_equal(r->group[i], e))
            return true;
    return false;
}

static bool refuse_column(const struct grouping *g, const struct soql_expr *e, struct error *err)
{
    struct str name = g->relation->tables[e->table].columns[e->column].name;
    problem(g->scope->az, err, ERROR_QUERY_COLUMN_NOT_IN_GROUP_BYS, &e->place,
            "Column '" FMT_STR "' is not in group by; group by it, or make one value of each group's with min, max, sum…", ARG_STR(shown(name)));
    error_data_str(err, "column", shown(name));
    return false;
}

static bool check_walk(const struct grouping *g, const struct soql_expr *e, struct error *err)
{
    if (!g->is_ungrouped && is_group(g->relation, e))
        return true;
    switch (e->kind) {
    case EXPR_LITERAL:
        return true;
    case EXPR_COLUMN:
        return g->is_ungrouped || refuse_column(g, e, err);
    case EXPR_CALL:
        break;
    }
    if (e->over)
        return check_walk_window(g, e, err);
    if (is_aggregate(e))
        return check_aggregated(g->scope->az, e, g->clause, err);
    for (size_t i = 0; i < e->n; i++)
        if (!check_walk(g, e->args[i], err))
            return false;
    return true;
}

bool check_ungrouped(struct analyzer *az, const struct soql_expr *e, enum clause clause, struct error *err)
{
    struct scope scope = {.az = az};
    return check_walk(&(struct grouping){.scope = &scope, .clause = clause, .is_ungrouped = true}, e, err);
}

bool check_grouped(struct scope *s, const struct soql_relation *r, const struct soql_expr *e, enum clause clause, struct error *err)
{
    return check_walk(&(struct grouping){.scope = s, .relation = r, .clause = clause}, e, err);
}
