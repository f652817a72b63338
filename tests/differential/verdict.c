#include "verdict.h"

#include "soql/request.h"

struct judge {
    struct arena *arena;
    const char *skipped;
};

/* What a relation gives. */
struct judged {
    enum certainty *columns;
    bool is_total;     /* its rows have one order */
    bool has_row_ids;  /* one dataset's rows, each once: a select from it can be ordered by creation */
};

struct select {
    struct judge *judge;
    const struct soql_relation *r;
    struct judged *tables;
    bool in_groups;    /* expressions of a grouped select, outside of aggregates */
};

static enum certainty expr_certainty(struct select *s, const struct soql_expr *x);

static enum certainty skip(struct judge *j, const char *why)
{
    if (!j->skipped)
        j->skipped = why;
    return EXACT;
}

static bool is_named(const struct soql_expr *x, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(x->function->name, *names) == 0)
            return true;
    return false;
}

static bool is_real(const struct soql_expr *x)
{
    return x->type->id == TYPE_DOUBLE;
}

static enum certainty max(enum certainty a, enum certainty b)
{
    return a > b ? a : b;
}

/* ── windows ── */

static bool is_row_number(const struct soql_relation *r, const struct soql_expr *x)
{
    return r->n_tables == 1 && x->kind == EXPR_COLUMN && r->tables[0].kind == TABLE_DATASET && x->column == SYSTEM_ID;
}

/* What a row gets may depend on which of its peers comes first. */
static bool depends_on_peers(const struct soql_expr *x)
{
    static const char *const names[] = {"row_number", "ntile", "first_value", "last_value", "lead", "lag", NULL};
    return is_named(x, names) || (x->over->frame && x->over->frame->mode == FRAME_ROWS);
}

static void judge_order(struct select *s, const struct soql_expr_order *order, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (expr_certainty(s, order[i].by) >= NEARLY)
            skip(s->judge, "ordered by what is only nearly the same");
}

static void judge_condition(struct select *s, const struct soql_expr *x)
{
    if (x)
        expr_certainty(s, x);
}

static void judge_window(struct select *s, const struct soql_expr *x)
{
    bool total = false;
    for (size_t i = 0; i < x->over->n_partition; i++)
        if (expr_certainty(s, x->over->partition[i]) >= NEARLY)
            skip(s->judge, "parted by what is only nearly the same");
    judge_order(s, x->over->order, x->over->n_order);
    for (size_t i = 0; i < x->over->n_order; i++)
        total = total || is_row_number(s->r, x->over->order[i].by);
    if (!total && depends_on_peers(x))
        skip(s->judge, "a window without total order");
}

/* ── calls ── */

static enum certainty arguments_certainty(struct select *s, const struct soql_expr *x)
{
    enum certainty most = CANONICAL;
    bool aggregate = x->function->kind == FUNCTION_AGGREGATE && !x->over, was = s->in_groups;
    if (aggregate)
        s->in_groups = false;
    for (size_t i = 0; i < x->n; i++)
        most = max(most, expr_certainty(s, x->args[i]));
    judge_condition(s, x->filter);
    s->in_groups = was;
    return most;
}

static bool is_regression(const struct soql_expr *x)
{
    return strncmp(x->function->name, "regr_", 5) == 0;
}

static bool is_point(const struct soql_expr *x)
{
    return x->type->id == TYPE_POINT || x->type->id == TYPE_LOCATION;
}

static enum certainty number_certainty(struct select *s, const struct soql_expr *x, enum certainty of)
{
    static const char *const nearly[] = {"area", "regr_slope", "regr_intercept", "regr_r2", NULL};
    static const char *const counts[] = {"count", "count/*", "row_number", "rank", "dense_rank", "ntile", "length", "date_extract_y", "date_extract_m", "date_extract_d", "num_points", NULL};
    static const char *const choose[] = {"min", "max", "median", "greatest", "least", NULL};
    static const char *const digits[] = {"op$/", "op$^", "ln", "avg", "stddev_pop", "stddev_samp", "median", NULL};
    static const char *const steps[] = {"round", "ceil", "floor", "op$%", "width_bucket", "signed_magnitude_10", "signed_magnitude_linear", "count_distinct", "num_points", NULL};
    static const char *const sums[] = {"sum", "avg", "stddev_pop", "stddev_samp", "median", "op$^", "ln", NULL};
    if (strcmp(x->function->name, "distance_in_meters") == 0)
        return is_point(x->args[0]) && is_point(x->args[1]) ? max(of, NEARLY) : PROPERTY;
    if (is_regression(x) && (s->r->n_tables > 1 || x->args[0]->kind != EXPR_COLUMN || x->args[1]->kind != EXPR_COLUMN))
        return skip(s->judge, "a regression of values that may be all the same, whose spread is then the rounding of sums");
    if (is_named(x, nearly) || (is_real(x) && is_named(x, sums)))
        return max(of, NEARLY);
    if (of >= NEARLY && is_named(x, steps))
        return skip(s->judge, "a step in what is only nearly the same");
    if (is_named(x, counts))
        return CANONICAL;
    if (of == SCALE && is_named(x, digits))
        return NEARLY;
    if (of >= EXACT && is_named(x, choose))
        return max(of, SCALE);
    return max(of, EXACT);
}

static enum certainty geometry_certainty(const struct soql_expr *x, enum certainty of)
{
    static const char *const simplified[] = {"simplify", "simplify_preserve_topology", NULL};
    static const char *const made[] = {"convex_hull", "concave_hull", "polygon_intersection", "spatial_union", "extent", "geo_make_valid", "snap_to_grid", "reduce_precision", NULL};
    return is_named(x, simplified) ? PROPERTY : is_named(x, made) ? max(of, NEARLY) : of;
}

static enum certainty call_certainty(struct select *s, const struct soql_expr *x)
{
    static const char *const tolerant[] = {"#IS_NULL", "#IS_NOT_NULL", "is_empty", NULL};
    static const char *const texts[] = {"cast$text", "op$||", NULL};
    enum certainty of = arguments_certainty(s, x);
    if (strcmp(x->function->name, "get_utc_date") == 0)
        return skip(s->judge, "the present time");
    if (x->over)
        judge_window(s, x);
    if (x->type->is_geometry)
        return geometry_certainty(x, of);
    if (x->type->id == TYPE_NUMBER || is_real(x))
        return number_certainty(s, x, of);
    if (of >= NEARLY && !is_named(x, tolerant))
        return skip(s->judge, "made of what is only nearly the same");
    if (of == PROPERTY)
        return skip(s->judge, "whether anything is left when simplified");
    if (of == SCALE && is_named(x, texts))
        return skip(s->judge, "the text of one of several equal numbers");
    return CANONICAL;
}

static enum certainty column_certainty(struct select *s, const struct soql_expr *x)
{
    const struct judged *judged = &s->tables[x->table];
    const struct soql_table *t = &s->r->tables[x->table];
    if (judged->columns)
        return judged->columns[x->column];
    /* Depths come with zeros at their end, all other numbers without (engines.c). */
    return x->type->id == TYPE_NUMBER && str_eq(t->columns[x->column].name, STR("depth")) ? EXACT : CANONICAL;
}

/* One of the group's equal values stands for all. */
static enum certainty group_certainty(struct select *s, enum certainty of)
{
    return of >= NEARLY ? skip(s->judge, "grouped by what is only nearly the same") : of == EXACT ? SCALE : of;
}

static enum certainty expr_certainty(struct select *s, const struct soql_expr *x)
{
    for (size_t i = 0; s->in_groups && i < s->r->n_group; i++)
        if (soql_expr_equal(x, s->r->group[i])) {
            s->in_groups = false;
            enum certainty of = expr_certainty(s, x);
            s->in_groups = true;
            return group_certainty(s, of);
        }
    switch (x->kind) {
    case EXPR_COLUMN:
        return column_certainty(s, x);
    case EXPR_LITERAL:
        return x->type->id == TYPE_NUMBER || is_real(x) ? EXACT : CANONICAL;
    case EXPR_CALL:
        return call_certainty(s, x);
    }
    return EXACT;
}

/* ── relations ── */

static struct judged judge_relation(struct judge *j, const struct soql_relation *r);

static struct judged judge_set(struct judge *j, const struct soql_relation *r)
{
    struct judged left = judge_relation(j, r->left), right = judge_relation(j, r->right);
    for (size_t i = 0; i < r->n_columns; i++) {
        enum certainty of = max(left.columns[i], right.columns[i]);
        if (of >= NEARLY && r->operation != SET_UNION_ALL)
            skip(j, "rows compared that are only nearly the same");
        left.columns[i] = of == EXACT && r->operation != SET_UNION_ALL ? SCALE : of;
    }
    return (struct judged){.columns = left.columns};
}

static bool orders_by_all(const struct soql_relation *r, struct soql_expr *const *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool found = v[i]->kind == EXPR_LITERAL;
        for (size_t k = 0; k < r->n_order && !found; k++)
            found = soql_expr_equal(v[i], r->order[k].by);
        if (!found)
            return false;
    }
    return true;
}

static bool is_total(const struct soql_relation *r, const struct judged *tables)
{
    if (orders_by_all(r, r->selected, r->n_columns))
        return true;
    if (r->grouped)
        return orders_by_all(r, r->group, r->n_group);
    if (r->distinct)
        return false;
    for (size_t i = 0; i < r->n_tables; i++)
        if (r->tables[i].kind != TABLE_SINGLE_ROW && !tables[i].has_row_ids)
            return false;
    return r->stable_order || r->n_distinct_on;
}

static bool cuts(const struct soql_relation *r)
{
    return (r->has_limit && r->limit < SOQL_DEFAULT_LIMIT) || (r->has_offset && r->offset > 0);
}

static void judge_clauses(struct select *s)
{
    const struct soql_relation *r = s->r;
    for (size_t i = 1; i < r->n_tables; i++)
        judge_condition(s, r->tables[i].on);
    judge_condition(s, r->where);
    for (size_t i = 0; i < r->n_group; i++)
        if (expr_certainty(s, r->group[i]) >= NEARLY)
            skip(s->judge, "grouped by what is only nearly the same");
    for (size_t i = 0; i < r->n_distinct_on; i++)
        if (expr_certainty(s, r->distinct_on[i]) >= NEARLY)
            skip(s->judge, "made distinct by what is only nearly the same");
    s->in_groups = r->grouped;
    judge_condition(s, r->having);
    judge_order(s, r->order, r->n_order);
}

static struct judged judge_relation(struct judge *j, const struct soql_relation *r)
{
    if (r->is_set)
        return judge_set(j, r);
    struct judged tables[SOQL_SELECTS_MAX] = {{0}};
    for (size_t i = 0; i < r->n_tables; i++)
        if (r->tables[i].kind == TABLE_RELATION)
            tables[i] = judge_relation(j, r->tables[i].relation);
        else
            tables[i].has_row_ids = r->tables[i].kind == TABLE_DATASET;
    struct select s = {.judge = j, .r = r, .tables = tables};
    judge_clauses(&s);
    struct judged ret = {.columns = arena_alloc(j->arena, (r->n_columns + 1) * sizeof *ret.columns)};
    for (size_t i = 0; i < r->n_columns; i++) {
        enum certainty of = expr_certainty(&s, r->selected[i]);
        ret.columns[i] = r->distinct ? group_certainty(&s, of) : of;
    }
    ret.is_total = is_total(r, tables);
    ret.has_row_ids = !r->grouped && !r->distinct && !r->n_distinct_on && r->n_tables == 1 && tables[0].has_row_ids;
    if (!ret.is_total && (cuts(r) || r->n_distinct_on))
        skip(j, "which rows are taken is left to chance");
    return ret;
}

/* ── failures ── */

static bool is_null_literal(const struct soql_expr *x)
{
    return (x->kind == EXPR_LITERAL && x->literal.kind == CELL_NULL) || (x->kind == EXPR_CALL && x->n == 1 && is_null_literal(x->args[0]));
}

/* Of a function that gives null for any null, a null written out spares the other arguments. */
static bool looks_at_all(const struct soql_expr *x)
{
    static const char *const lazy[] = {"op$and", "op$or", "#CASE", "case", "iif", "coalesce", "#IN", "#NOT_IN", "#BETWEEN", "#NOT_BETWEEN", "caseless_one_of", "caseless_not_one_of", NULL};
    if (x->kind != EXPR_CALL)
        return true;
    if (is_named(x, lazy) || x->filter || x->over)
        return false;
    for (size_t i = 0; i < x->n; i++)
        if (!looks_at_all(x->args[i]) || is_null_literal(x->args[i]))
            return false;
    return true;
}

static bool failures_are_sure(const struct soql_relation *r)
{
    if (r->is_set || r->n_tables != 1 || r->tables[0].kind != TABLE_DATASET || r->where || r->search.p || r->having || r->distinct || r->n_distinct_on ||
        r->n_group || r->n_order || cuts(r))
        return false;
    for (size_t i = 0; i < r->n_columns; i++)
        if (!looks_at_all(r->selected[i]))
            return false;
    return true;
}

struct verdict verdict_of(const struct soql_relation *r, struct arena *a)
{
    struct judge j = {.arena = a};
    struct judged of = judge_relation(&j, r);
    return (struct verdict){.skipped = j.skipped, .is_ordered = of.is_total, .failures_are_sure = failures_are_sure(r), .columns = of.columns};
}
