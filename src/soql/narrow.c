/* By which rows a query can be narrowed (typed.h, soql_narrow; docs/decisions/shortlists.md says how the engine comes to know them).
 *
 * One select over the dataset's own table, the first there is, that
 *     has SEARCH or $q
 *     has among its conditions, all of which must hold, one of
 *         within_box(p, n, w, s, e)  within_circle(p, lat, lon, m)  within_polygon(p, shape)  intersects(p, shape)  intersects(shape, p)
 *     of a column of points or locations, the rest literals. */
#include <math.h>
#include <stdlib.h>

#include "rows/decimal.h"
#include "soql/typed.h"

/* ── places ── */

static bool is_place(const struct soql_expr *x)
{
    return x->kind == EXPR_COLUMN && x->column >= SYSTEM_COUNT && (x->type->id == TYPE_POINT || x->type->id == TYPE_LOCATION);
}

/* A number as it is written, a sign before it included. */
static bool read_number(const struct soql_expr *x, double *ret)
{
    char text[64];
    bool minus = x->kind == EXPR_CALL && x->n == 1 && strcmp(x->function->name, "op$-") == 0;
    const struct soql_expr *number = minus ? x->args[0] : x;
    if (number->kind != EXPR_LITERAL || number->type->id != TYPE_NUMBER || number->literal.kind != CELL_TEXT || number->literal.s.n >= sizeof text)
        return false;
    memcpy(text, number->literal.s.p, number->literal.s.n);
    text[number->literal.s.n] = 0;
    double v = strtod(text, NULL);
    *ret = minus ? -v : v;
    return isfinite(v);
}

static bool read_numbers(const struct soql_expr *x, struct narrowing *n)
{
    for (size_t i = 1; i < x->n; i++)
        if (!read_number(x->args[i], &n->at[i - 1]))
            return false;
    return true;
}

static bool read_shape(const struct soql_expr *x, struct narrowing *n)
{
    n->shape = x->kind == EXPR_LITERAL && x->literal.kind == CELL_BLOB ? x->literal.s : STR_NONE;
    return n->shape.p;
}

static const struct {
    const char *name;
    size_t n, place;               /* arguments; which of them is the place */
    enum narrowing_kind kind;
} conditions[] = {
    {"within_box", 5, 0, NARROWING_BOX},       {"within_circle", 4, 0, NARROWING_CIRCLE}, {"within_polygon", 2, 0, NARROWING_SHAPE},
    {"intersects", 2, 0, NARROWING_SHAPE},     {"intersects", 2, 1, NARROWING_SHAPE},
};

/* The place's column when the condition is one of these; NULL: it is none. */
static const struct soql_expr *read_condition(const struct soql_expr *x, struct narrowing *ret)
{
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++) {
        size_t place = conditions[i].place;
        if (strcmp(x->function->name, conditions[i].name) != 0 || x->n != conditions[i].n || !is_place(x->args[place]))
            continue;
        ret->kind = conditions[i].kind;
        if (ret->kind == NARROWING_SHAPE ? read_shape(x->args[1 - place], ret) : read_numbers(x, ret))
            return x->args[place];
    }
    return NULL;
}

static const struct soql_expr *find_condition(const struct soql_expr *where, struct narrowing *ret)
{
    const struct soql_expr *place = NULL;
    if (where->kind != EXPR_CALL)
        return NULL;
    bool is_and = strcmp(where->function->name, "op$and") == 0;
    for (size_t i = 0; is_and && !place && i < where->n; i++)
        place = find_condition(where->args[i], ret);
    return is_and ? place : read_condition(where, ret);
}

static bool narrow_by_place(const struct soql_relation *r, const struct columns *columns, struct narrowing *ret)
{
    struct narrowing n = *ret;
    const struct soql_expr *place = find_condition(r->where, &n);
    if (!place)
        return false;
    n.columns[0] = (struct listed_column){columns->v[place->column - SYSTEM_COUNT].physical, place->type->id == TYPE_POINT ? LISTED_POINT : LISTED_LOCATION};
    n.n_columns = 1;
    *ret = n;
    return true;
}

/* ── words ── */

static void look_through(struct narrowing *n, const struct columns *columns, enum type_id type, enum listed_as as)
{
    for (size_t i = 0; i < columns->n && n->n_columns <= LISTED_COLUMNS_MAX; i++) {
        if (columns->v[i].type->id != type)
            continue;
        if (n->n_columns < LISTED_COLUMNS_MAX)
            n->columns[n->n_columns] = (struct listed_column){columns->v[i].physical, as};
        n->n_columns++;
    }
}

static bool narrow_by_words(const struct soql_relation *r, const struct columns *columns, struct arena *a, struct narrowing *ret)
{
    struct narrowing n = *ret;
    n.words = r->search;
    if (decimal_parse(str_trim(r->search), a, &n.number) != DECIMAL_OK)
        n.number = STR_NONE;
    look_through(&n, columns, TYPE_TEXT, LISTED_TEXT);
    look_through(&n, columns, TYPE_URL, LISTED_URL);
    if (n.number.p)
        look_through(&n, columns, TYPE_NUMBER, LISTED_NUMBER);
    if (n.n_columns < 1 || n.n_columns > LISTED_COLUMNS_MAX)
        return false;
    n.kind = NARROWING_WORDS;
    *ret = n;
    return true;
}

/* ── the query ── */

/* The first select that can be narrowed. A dataset that is joined to itself is read as several: its rows cannot be told apart by one list. */
static const struct soql_relation *find_select(const struct soql_relation *r, const struct columns *columns, struct arena *a, struct narrowing *ret)
{
    const struct soql_relation *found = NULL;
    if (r->is_set) {
        found = find_select(r->left, columns, a, ret);
        return found ? found : find_select(r->right, columns, a, ret);
    }
    if (r->n_tables == 1 && r->tables[0].kind == TABLE_DATASET)
        return (r->search.p && narrow_by_words(r, columns, a, ret)) || (r->where && narrow_by_place(r, columns, ret)) ? r : NULL;
    for (size_t i = 0; !found && i < r->n_tables; i++)
        if (r->tables[i].kind == TABLE_RELATION)
            found = find_select(r->tables[i].relation, columns, a, ret);
    return found;
}

static bool is_worth_looking(const struct soql_relation *r)
{
    if (r->is_set)
        return is_worth_looking(r->left) || is_worth_looking(r->right);
    if (r->search.p || r->where)
        return true;
    for (size_t i = 0; i < r->n_tables; i++)
        if (r->tables[i].kind == TABLE_RELATION && is_worth_looking(r->tables[i].relation))
            return true;
    return false;
}

bool soql_narrow(const struct soql_analysis *q, const struct soql_emission *how, struct arena *a, struct soql_compiled *ret, struct error *err)
{
    struct listed_column columns[LISTED_COLUMNS_MAX];
    struct narrowing n = {.columns = columns};
    struct soql_emission narrowed = *how;
    struct soql_compiled again = {0};
    if (q->n_datasets != 1 || ret->query.sql.n >= SQL_PARAMETERS_MAX || !is_worth_looking(q->relation))
        return true;
    narrowed.narrowed = find_select(q->relation, q->datasets[0].columns, a, &n);
    if (!narrowed.narrowed)
        return true;
    narrowed.narrowed_parameter = ret->query.sql.n + 1;
    n.columns = arena_alloc(a, n.n_columns * sizeof *n.columns);
    if (!n.columns)
        return error_no_memory(err);
    memcpy(n.columns, columns, n.n_columns * sizeof *columns);
    bool ok = soql_emit_sql(q, &narrowed, a, &again, err);
    n.text = again.query.sql.text;
    ret->query.narrowing = n;
    return ok;
}
