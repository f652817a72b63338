/* Which queries count rows by one column, and how they do it over an index (typed.h, soql_count; docs/decisions/indexes.md).
 *
 *     SELECT c, count(*) GROUP BY c     and whatever is made of these two, in the list, HAVING and ORDER BY
 *
 * The select may stand at the beginning of a chain. Not by numbers, of which equal ones may be written in several ways. */
#include "soql/typed.h"

static bool is_counted_by(const struct soql_expr *x)
{
    if (x->kind != EXPR_COLUMN || x->column < SYSTEM_COUNT)
        return false;
    enum type_id id = x->type->id;
    return id == TYPE_TEXT || id == TYPE_CHECKBOX || id == TYPE_FLOATING_TIMESTAMP || id == TYPE_FIXED_TIMESTAMP;
}

/* Made of the column and of how many rows have its value, of nothing else. */
static bool is_made_of(const struct soql_expr *x, const struct soql_expr *column)
{
    if (x->kind != EXPR_CALL)
        return x->kind == EXPR_LITERAL || soql_expr_equal(x, column);
    if (x->over || x->filter)
        return false;
    if (x->function->kind == FUNCTION_AGGREGATE)
        return strcmp(x->function->name, "count/*") == 0;
    for (size_t i = 0; i < x->n; i++)
        if (!is_made_of(x->args[i], column))
            return false;
    return x->function->kind == FUNCTION_SCALAR;
}

static bool counts(const struct soql_relation *r)
{
    if (r->is_set || !r->grouped || r->n_group != 1 || !is_counted_by(r->group[0]) || r->where || r->search.p || r->distinct || r->n_distinct_on)
        return false;
    if (r->n_tables != 1 || r->tables[0].kind != TABLE_DATASET)
        return false;
    bool all = !r->having || is_made_of(r->having, r->group[0]);
    for (size_t i = 0; all && i < r->n_columns; i++)
        all = is_made_of(r->selected[i], r->group[0]);
    for (size_t i = 0; all && i < r->n_order; i++)
        all = is_made_of(r->order[i].by, r->group[0]);
    return all;
}

bool soql_count(const struct soql_analysis *q, const struct soql_emission *how, struct arena *a, struct soql_compiled *ret, struct error *err)
{
    const struct soql_relation *r = q->relation;
    struct soql_emission counted = *how;
    struct soql_compiled again = {0};
    while (!r->is_set && r->n_tables == 1 && r->tables[0].kind == TABLE_RELATION)
        r = r->tables[0].relation;
    if (q->n_datasets != 1 || !counts(r))
        return true;
    counted.counted = r;
    counted.counted_column = q->datasets[0].columns->v[r->group[0]->column - SYSTEM_COUNT].physical;
    bool ok = soql_emit_sql(q, &counted, a, &again, err);
    ret->query.counting = (struct counting){counted.counted_column, again.query.sql.text};
    return ok;
}
