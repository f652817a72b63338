/* OVER and FILTER (docs/wire/soql.md, "Aggregates and windows"; soql-reference, analyzer2's Typechecker.scala). */
#include "soql/analyze.h"

static bool is_groups(const struct soql_expr *e)
{
    return kinds_have(kind_class(STR("equatable")), kind_of(e->type));
}

static bool refuse_frame(struct analyzer *az, const struct soql_place *at, const char *why, struct error *err)
{
    return problem(az, err, ERROR_QUERY_BAD_USE, at, "Bad parse: %s", why);
}

/* RANGE by a distance needs one ordering, and one whose values have distances. */
static bool check_range(struct analyzer *az, const struct soql_expr_window *w, const struct soql_bound *b, struct error *err)
{
    if (b->kind != BOUND_PRECEDING && b->kind != BOUND_FOLLOWING)
        return true;
    if (w->n_order == 1 && kinds_have(kind_class(STR("numlike")), kind_of(w->order[0].by->type)))
        return true;
    return refuse_frame(az, &b->place, "RANGE with a number needs exactly one ORDER BY, of type number; ROWS counts rows", err);
}

static bool check_frame(struct analyzer *az, const struct soql_expr_window *w, struct error *err)
{
    const struct soql_window *f = w->frame;
    enum soql_bound_kind to = f->between ? f->to.kind : BOUND_CURRENT_ROW;
    const struct soql_place *to_place = f->between ? &f->to.place : &f->from.place;
    if (f->mode == FRAME_NONE)
        return true;
    if (f->mode == FRAME_GROUPS && !w->n_order)
        return refuse_frame(az, &f->place, "GROUPS needs an ORDER BY", err);
    if (f->from.kind == BOUND_UNBOUNDED_FOLLOWING)
        return refuse_frame(az, &f->from.place, "a frame cannot begin with UNBOUNDED FOLLOWING", err);
    if (to == BOUND_UNBOUNDED_PRECEDING)
        return refuse_frame(az, to_place, "a frame cannot end with UNBOUNDED PRECEDING", err);
    if ((f->from.kind == BOUND_FOLLOWING && to < BOUND_FOLLOWING) || (f->from.kind == BOUND_CURRENT_ROW && to < BOUND_CURRENT_ROW))
        return refuse_frame(az, to_place, "a frame cannot end before it begins", err);
    return f->mode != FRAME_RANGE || (check_range(az, w, &f->from, err) && (!f->between || check_range(az, w, &f->to, err)));
}

static bool build_window(struct scope *s, const struct soql_window *syntax, struct soql_expr_window **ret, struct error *err)
{
    struct arena *a = s->az->arena;
    struct soql_expr_window *w = arena_zalloc(a, sizeof *w);
    if (!w)
        return error_no_memory(err);
    *w = (struct soql_expr_window){.n_partition = syntax->n_partition, .n_order = syntax->n_order, .frame = syntax};
    w->partition = arena_alloc(a, syntax->n_partition * sizeof(struct soql_expr *));
    w->order = arena_alloc(a, syntax->n_order * sizeof *w->order);
    if (!w->partition || !w->order)
        return error_no_memory(err);
    for (size_t i = 0; i < w->n_partition; i++) {
        const struct soql_place *at = &syntax->partition[i]->place;
        if (!analyze_expression(s, syntax->partition[i], &w->partition[i], err))
            return false;
        if (!is_groups(w->partition[i]))
            return problem(s->az, err, ERROR_QUERY_NON_GROUPABLE_GROUP, at, "Non-groupable group by: values of type %s make no groups",
                           w->partition[i]->type->soql_name);
    }
    *ret = w;
    return analyze_order(s, syntax->order, w->n_order, w->order, err) && check_frame(s->az, w, err);
}

static bool check_over(struct analyzer *az, const struct soql_node *n, const struct soql_function *f, struct error *err)
{
    struct str name = shown(n->text);
    if (f->kind == FUNCTION_WINDOW && !n->over)
        return problem(az, err, ERROR_QUERY_BAD_USE, &n->name_place, "Bad parse: Function " FMT_STR " requires window information: write OVER (…) after it",
                       ARG_STR(name));
    if (f->kind == FUNCTION_SCALAR && n->over)
        return problem(az, err, ERROR_QUERY_BAD_USE, &n->over->place, "Bad parse: Function " FMT_STR " does not accept window information", ARG_STR(name));
    if (n->over && n->form == FORM_DISTINCT)
        return problem(az, err, ERROR_QUERY_BAD_USE, &n->over->place, "Bad parse: DISTINCT and OVER do not go together");
    return true;
}

bool analyze_calls_extras(struct scope *s, const struct soql_node *n, const struct soql_function *f, struct typing *t, struct error *err)
{
    if (!check_over(s->az, n, f, err))
        return false;
    if (n->has_filter && f->kind != FUNCTION_AGGREGATE)
        return problem(s->az, err, ERROR_QUERY_BAD_USE, &n->name_place, "Bad parse: FILTER goes with aggregates only; " FMT_STR " is none",
                       ARG_STR(shown(n->text)));
    if (n->filter && !analyze_condition(s, n->filter, ERROR_QUERY_TYPE_MISMATCH, "FILTER", &t->filter, err))
        return false;
    return !n->over || build_window(s, n->over, &t->over, err);
}
