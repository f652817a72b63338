/* Which indexes would serve a query (typed.h, soql_wish_indexes; docs/decisions/indexes.md says what becomes of the wishes).
 *
 * At most one wish a select over the dataset's own table:
 *     WHERE a = … AND b > …            a, b: equal ones first, then one range
 *     WHERE a = … ORDER BY b           a, b
 *     ORDER BY a                       a: the rows come in order, a page needs no sort
 *     GROUP BY a, aggregates of b      a, b: if these are all the columns that it reads, the index alone answers
 * Only plain columns whose values are short and compared as they are stored. */
#include "soql/prefix.h"
#include "soql/typed.h"

/* ── columns ── */

static bool is_indexable(const struct type *t)
{
    return t->id == TYPE_TEXT || t->id == TYPE_NUMBER || t->id == TYPE_CHECKBOX || t->id == TYPE_FLOATING_TIMESTAMP || t->id == TYPE_FIXED_TIMESTAMP;
}

struct wish {
    const struct columns *columns;
    struct index_columns index;
    bool misses; /* something was to be added that is no column for an index, or one too many */
};

static bool is_column(const struct soql_expr *x)
{
    return x->kind == EXPR_COLUMN && x->column >= SYSTEM_COUNT && is_indexable(x->type);
}

static void add(struct wish *w, const struct soql_expr *column)
{
    int physical = w->columns->v[column->column - SYSTEM_COUNT].physical;
    for (size_t i = 0; i < w->index.n; i++)
        if (w->index.v[i] == physical)
            return;
    if (w->index.n == INDEX_COLUMNS_MAX)
        w->misses = true;
    else
        w->index.v[w->index.n++] = physical;
}

/* Every column that an expression reads. The row number is in every index. */
static void add_read(struct wish *w, const struct soql_expr *x)
{
    if (is_column(x))
        add(w, x);
    else if (x->kind == EXPR_COLUMN)
        w->misses |= x->column != SYSTEM_ID;
    for (size_t i = 0; x->kind == EXPR_CALL && i < x->n; i++)
        add_read(w, x->args[i]);
    if (x->kind == EXPR_CALL && x->filter)
        add_read(w, x->filter);
    w->misses |= x->kind == EXPR_CALL && x->over;
}

/* ── WHERE ── */

static bool is_called(const struct soql_expr *x, const char *name)
{
    return x->kind == EXPR_CALL && strcmp(x->function->name, name) == 0;
}

static bool are_literals(struct soql_expr *const *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (v[i]->kind != EXPR_LITERAL)
            return false;
    return true;
}

/* The column that a condition compares with literals; NULL: it is no such condition. */
static const struct soql_expr *compared(const struct soql_expr *x)
{
    if (x->kind != EXPR_CALL || x->n == 0)
        return NULL;
    if (is_column(x->args[0]) && are_literals(x->args + 1, x->n - 1))
        return x->args[0];
    return x->n == 2 && is_column(x->args[1]) && are_literals(x->args, 1) ? x->args[1] : NULL;
}

static bool is_equality(const struct soql_expr *x)
{
    return is_called(x, "op$=") || is_called(x, "#IN") || is_called(x, "#IS_NULL");
}

static bool is_range(const struct soql_expr *x)
{
    return is_called(x, "op$<") || is_called(x, "op$<=") || is_called(x, "op$>") || is_called(x, "op$>=") || is_called(x, "#BETWEEN") ||
           soql_prefix(x).n;
}

static void add_equal(struct wish *w, const struct soql_expr *where)
{
    for (size_t i = 0; is_called(where, "op$and") && i < where->n; i++)
        add_equal(w, where->args[i]);
    if (is_equality(where) && compared(where))
        add(w, compared(where));
}

static const struct soql_expr *first_range(const struct soql_expr *where)
{
    const struct soql_expr *found = NULL;
    for (size_t i = 0; !found && is_called(where, "op$and") && i < where->n; i++)
        found = first_range(where->args[i]);
    return found ? found : is_range(where) ? compared(where) : NULL;
}

/* ── a select ── */

static void add_order(struct wish *w, const struct soql_relation *r)
{
    for (size_t i = 0; i < r->n_order && is_column(r->order[i].by) && r->order[i].descending == r->order[0].descending; i++)
        add(w, r->order[i].by);
}

static void add_all_read(struct wish *w, const struct soql_relation *r)
{
    for (size_t i = 0; i < r->n_group; i++)
        add_read(w, r->group[i]);
    for (size_t i = 0; i < r->n_columns; i++)
        add_read(w, r->selected[i]);
    for (size_t i = 0; i < r->n_order; i++)
        add_read(w, r->order[i].by);
    if (r->where)
        add_read(w, r->where);
    if (r->having)
        add_read(w, r->having);
}

static struct index_columns wish_of(const struct soql_relation *r, const struct columns *columns)
{
    struct wish w = {.columns = columns}, whole;
    if (r->where)
        add_equal(&w, r->where);
    whole = w;
    if (r->grouped)
        add_all_read(&whole, r);
    if (r->grouped && !whole.misses && !r->search.p)
        return whole.index;
    const struct soql_expr *range = r->where ? first_range(r->where) : NULL;
    if (range)
        add(&w, range);
    else if (!r->grouped && !r->distinct && !r->n_distinct_on)
        add_order(&w, r);
    return w.index;
}

/* ── the query ── */

static bool same(const struct index_columns *a, const struct index_columns *b)
{
    return a->n == b->n && memcmp(a->v, b->v, a->n * sizeof *a->v) == 0;
}

static void wish(const struct index_columns *index, struct query *ret)
{
    for (size_t i = 0; i < ret->n_indexes; i++)
        if (same(&ret->indexes[i], index))
            return;
    if (index->n && ret->n_indexes < QUERY_INDEXES_MAX)
        ret->indexes[ret->n_indexes++] = *index;
}

static void wish_relation(const struct soql_relation *r, const struct columns *columns, struct query *ret)
{
    if (r->is_set) {
        wish_relation(r->left, columns, ret);
        wish_relation(r->right, columns, ret);
        return;
    }
    if (r->n_tables == 1 && r->tables[0].kind == TABLE_DATASET) {
        const struct index_columns index = wish_of(r, columns);
        wish(&index, ret);
    }
    for (size_t i = 0; i < r->n_tables; i++)
        if (r->tables[i].kind == TABLE_RELATION)
            wish_relation(r->tables[i].relation, columns, ret);
}

void soql_wish_indexes(const struct soql_analysis *q, struct query *ret)
{
    if (q->n_datasets == 1)
        wish_relation(q->relation, q->datasets[0].columns, ret);
}
