/* The expression of the type that was chosen (analyze.h), and what needs one: conditions, orderings. */
#include "soql/analyze.h"

#include <assert.h>

#include "rows/decimal.h"
#include "soql/literal.h"

/* ── equality ── */

static uint32_t mix(uint32_t h, uint64_t v)
{
    v = (v ^ h) * 0x9e3779b97f4a7c15;
    return (uint32_t)(v >> 32) ^ (uint32_t)v;
}

static uint32_t mix_cell(uint32_t h, const struct cell *c)
{
    h = mix(mix(h, (uint64_t)c->kind), (uint64_t)c->i);
    for (size_t i = 0; i < c->s.n; i++)
        h = (h ^ (unsigned char)c->s.p[i]) * 0x01000193;
    return h;
}

static uint32_t mix_window(uint32_t h, const struct soql_expr_window *w)
{
    for (size_t i = 0; i < w->n_partition; i++)
        h = mix(h, w->partition[i]->hash);
    for (size_t i = 0; i < w->n_order; i++)
        h = mix(h, w->order[i].by->hash + w->order[i].descending);
    return mix(h, w->n_partition * 31 + w->n_order);
}

void expr_finish(struct soql_expr *e)
{
    uint32_t h = mix((uint32_t)e->kind, (uint64_t)e->type->id);
    switch (e->kind) {
    case EXPR_COLUMN:
        h = mix(mix(h, (uint64_t)e->table), (uint64_t)e->column);
        break;
    case EXPR_LITERAL:
        h = mix_cell(h, &e->literal);
        break;
    case EXPR_CALL:
        h = mix(h, (uint64_t)(uintptr_t)e->function + e->has_else);
        for (size_t i = 0; i < e->n; i++)
            h = mix(h, e->args[i]->hash);
        if (e->filter)
            h = mix(h, e->filter->hash);
        if (e->over)
            h = mix_window(h, e->over);
        break;
    }
    e->hash = h;
}

static bool all_equal(struct soql_expr *const *a, struct soql_expr *const *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!soql_expr_equal(a[i], b[i]))
            return false;
    return true;
}

static bool frames_equal(const struct soql_window *a, const struct soql_window *b)
{
    return a->mode == b->mode && a->between == b->between && a->from.kind == b->from.kind && a->from.n == b->from.n &&
           a->to.kind == b->to.kind && a->to.n == b->to.n && a->exclude == b->exclude;
}

static bool windows_equal(const struct soql_expr_window *a, const struct soql_expr_window *b)
{
    if (!a || !b)
        return a == b;
    if (a->n_partition != b->n_partition || a->n_order != b->n_order || !frames_equal(a->frame, b->frame))
        return false;
    for (size_t i = 0; i < a->n_order; i++)
        if (a->order[i].descending != b->order[i].descending || a->order[i].nulls_first != b->order[i].nulls_first ||
            !soql_expr_equal(a->order[i].by, b->order[i].by))
            return false;
    return all_equal(a->partition, b->partition, a->n_partition);
}

bool soql_expr_equal(const struct soql_expr *a, const struct soql_expr *b)
{
    if (a == b)
        return true;
    if (!a || !b || a->hash != b->hash || a->kind != b->kind || a->type != b->type)
        return false;
    switch (a->kind) {
    case EXPR_COLUMN:
        return a->table == b->table && a->column == b->column;
    case EXPR_LITERAL:
        return a->literal.kind == b->literal.kind && a->literal.i == b->literal.i && str_eq(a->literal.s, b->literal.s);
    case EXPR_CALL:
        break;
    }
    return a->function == b->function && a->n == b->n && a->has_else == b->has_else && all_equal(a->args, b->args, a->n) &&
           soql_expr_equal(a->filter, b->filter) && windows_equal(a->over, b->over);
}

/* ── building ── */

static bool is_row_id(const struct type *t)
{
    return t == &type_row_identifier || t == &type_row_version;
}

struct soql_expr *expr_column(struct analyzer *az, const struct soql_table *tables, int table, int column, struct soql_place place)
{
    struct soql_expr *e = arena_zalloc(az->arena, sizeof *e);
    if (!e)
        return NULL;
    const struct soql_relation_column *c = &tables[table].columns[column];
    *e = (struct soql_expr){.kind = EXPR_COLUMN, .type = c->type, .place = place, .table = table, .column = column, .row_ids = c->row_ids};
    expr_finish(e);
    return e;
}

static bool read_number(struct analyzer *az, const struct soql_node *n, struct cell *ret, struct error *err)
{
    struct str canonical = STR_NONE;
    switch (decimal_parse(n->text, az->arena, &canonical)) {
    case DECIMAL_OK:
        *ret = cell_text(canonical);
        return true;
    case DECIMAL_NO_MEMORY:
        return error_no_memory(err);
    case DECIMAL_NOT_A_NUMBER:
    case DECIMAL_TOO_LONG:
        break;
    }
    return problem(az, err, ERROR_LIMIT_EXCEEDED, &n->place, "a number has at most %d digits when it is written out", DECIMAL_DIGITS_MAX);
}

static bool build_literal(struct analyzer *az, const struct typing *t, enum soql_kind k, const struct row_id_key *row_ids,
                          struct soql_expr *e, struct error *err)
{
    e->kind = EXPR_LITERAL;
    e->row_ids = is_row_id(e->type) ? row_ids : NULL;
    if (t->kind == TYPING_NULL)
        e->literal = cell_null();
    else if (t->kind == TYPING_NUMBER)
        return read_number(az, t->node, &e->literal, err);
    else if (!literal_read(k, t->node->text, row_ids, az->arena, &e->literal))
        return error_no_memory(err); /* that it is of that kind has been seen before */
    return true;
}

/* Ids of two datasets are numbers that have nothing to do with each other. */
static bool same_row_ids(struct scope *s, const struct typing *t, struct soql_expr *e, struct error *err)
{
    for (size_t i = 0; i < e->n; i++) {
        const struct soql_expr *a = e->args[i];
        if (!is_row_id(a->type) || !a->row_ids)
            continue;
        if (e->row_ids && memcmp(e->row_ids, a->row_ids, sizeof *a->row_ids) != 0) {
            problem(s->az, err, ERROR_QUERY_TYPE_MISMATCH, &a->place,
                    "Type mismatch for " FMT_STR ", is %s; row ids of two datasets are never comparable", ARG_STR(shown(t->node->text)),
                    a->type->soql_name);
            error_data_str(err, "function", shown(t->node->text));
            error_data_str(err, "type", str_from(a->type->soql_name));
            return false;
        }
        e->row_ids = a->row_ids;
    }
    if (!is_row_id(e->type))
        e->row_ids = NULL;
    return true;
}

static enum soql_kind argument_kind(const struct choice *c, size_t at, size_t n)
{
    if (c->signature)
        return signature_slot_kind(signature_argument(c->signature, at), c->variables);
    bool is_condition = str_eq(str_from(c->function->name), STR("#CASE")) && at % 2 == 0 && at + 1 < n;
    return is_condition ? KIND_BOOLEAN : c->kind;
}

static bool build_call(struct scope *s, const struct typing *t, enum soql_kind k, const struct row_id_key *row_ids, struct soql_expr *e,
                       struct error *err)
{
    const struct choice *c = t->choices;
    while (c->kind != k)
        c++;
    e->kind = EXPR_CALL;
    e->function = c->function;
    e->n = t->n;
    e->has_else = !c->signature && t->n % 2 && str_eq(str_from(c->function->name), STR("#CASE"));
    e->filter = t->filter;
    e->over = t->over;
    e->args = arena_alloc(s->az->arena, t->n * sizeof(struct soql_expr *));
    if (!e->args)
        return error_no_memory(err);
    const struct row_id_key *key = t->row_ids ? t->row_ids : row_ids;
    for (size_t i = 0; i < t->n; i++)
        if (!build_typing(s, t->args[i], argument_kind(c, i, t->n), key, &e->args[i], err))
            return false;
    return same_row_ids(s, t, e, err);
}

bool build_typing(struct scope *s, const struct typing *t, enum soql_kind k, const struct row_id_key *row_ids, struct soql_expr **ret,
                  struct error *err)
{
    if (t->kind == TYPING_FIXED) {
        *ret = t->fixed;
        return true;
    }
    struct soql_expr *e = arena_zalloc(s->az->arena, sizeof *e);
    if (!e)
        return error_no_memory(err);
    *e = (struct soql_expr){.type = kind_type(k), .place = t->node->place};
    bool ok = t->kind == TYPING_CALL ? build_call(s, t, k, row_ids, e, err) : build_literal(s->az, t, k, row_ids, e, err);
    if (ok) {
        expr_finish(e);
        *ret = e;
    }
    return ok;
}

bool analyze_expression(struct scope *s, const struct soql_node *n, struct soql_expr **ret, struct error *err)
{
    struct typing *t;
    if (!type_node(s, n, &t, err) || !build_typing(s, t, typing_best(t), s->az->datasets[0].row_ids, ret, err))
        return false;
    assert(*ret);
    return true;
}

bool analyze_condition(struct scope *s, const struct soql_node *n, enum error_code code, const char *function, struct soql_expr **ret,
                       struct error *err)
{
    struct typing *t;
    if (!type_node(s, n, &t, err))
        return false;
    if (kinds_have(t->kinds, KIND_BOOLEAN))
        return build_typing(s, t, KIND_BOOLEAN, s->az->datasets[0].row_ids, ret, err);
    const char *is = kind_type(typing_best(t))->soql_name;
    switch (code) {
    case ERROR_QUERY_NON_BOOLEAN_WHERE:
        return problem(s->az, err, code, &n->place, "Non-boolean where: a condition is boolean, this is %s", is);
    case ERROR_QUERY_NON_BOOLEAN_HAVING:
        return problem(s->az, err, code, &n->place, "Non-boolean having: a condition is boolean, this is %s", is);
    default:
        return problem_mismatch(s->az, n, str_from(function), &n->place, t->kinds, KIND_BIT(KIND_BOOLEAN), err);
    }
}

bool analyze_order(struct scope *s, const struct soql_order *order, size_t n, struct soql_expr_order *ret, struct error *err)
{
    for (size_t i = 0; i < n; i++) {
        struct soql_expr *e = NULL;
        if (!analyze_expression(s, order[i].by, &e, err))
            return false;
        if (!kinds_have(kind_class(STR("ordered")), kind_of(e->type)))
            return problem(s->az, err, ERROR_QUERY_UN_ORDERABLE_ORDER, &order[i].by->place, "Un-orderable order by: values of type %s have no order",
                           e->type->soql_name);
        bool descending = order[i].descending;
        ret[i] = (struct soql_expr_order){e, descending, order[i].nulls == NULLS_DEFAULT ? descending : order[i].nulls == NULLS_FIRST};
    }
    return true;
}

bool expr_has_window(const struct soql_expr *x)
{
    if (x->over)
        return true;
    for (size_t i = 0; i < x->n; i++)
        if (expr_has_window(x->args[i]))
            return true;
    return x->filter && expr_has_window(x->filter);
}
