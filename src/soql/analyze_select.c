/* One select (analyze.h): its output columns under their names, then its clauses (docs/wire/soql.md, "Names and aliases", "Grouping"). */
#include "soql/alias.h"
#include "soql/analyze.h"

/* ── aliases ── */

static bool duplicate(const struct scope *s, struct str name, const struct soql_place *at, struct error *err)
{
    problem(s->az, err, ERROR_QUERY_DUPLICATE_ALIAS, at, "Duplicate alias: " FMT_STR "; give one of them another name with AS", ARG_STR(shown(name)));
    error_data_str(err, "name", shown(name));
    return false;
}

static bool enter_alias(struct scope *s, size_t at, struct error *err)
{
    struct alias *a = &s->aliases[at];
    if (name_table_find(&s->alias_names, a->name))
        return duplicate(s, a->name, &a->place, err);
    return name_table_add(&s->alias_names, s->az->arena, a->name, (int)at) || error_no_memory(err);
}

/* Which of the table's columns EXCEPT leaves out, one flag a column. */
static bool read_exceptions(struct scope *s, const struct soql_star *star, int table, bool *excepted, struct error *err)
{
    for (size_t i = 0; i < star->n_except; i++) {
        const struct soql_node *n = star->except[i];
        struct str folded;
        if (!name_fold(s->az->arena, n->text, &folded))
            return error_no_memory(err);
        int at = find_column(s, table, folded);
        if (at < 0 || (s->tables[table].columns[at].name.p[0] == ':') != star->system)
            return problem_column(s, n, table, err);
        if (excepted[at]) {
            problem(s->az, err, ERROR_QUERY_REPEATED_EXCEPTION, &n->place, "Repeated exception with column: " FMT_STR, ARG_STR(shown(folded)));
            error_data_str(err, "column", shown(folded));
            return false;
        }
        excepted[at] = true;
    }
    return true;
}

static bool expand_star(struct scope *s, const struct soql_star *star, struct error *err)
{
    int table;
    if (!find_table(s, star->qualifier, &star->place, &table, err))
        return false;
    const struct soql_table *t = &s->tables[table];
    bool *excepted = arena_zalloc(s->az->arena, t->n_columns * sizeof *excepted);
    struct alias *more = arena_grow(s->az->arena, s->aliases, s->n_aliases * sizeof *more, (s->n_aliases + t->n_columns) * sizeof *more);
    if (!excepted || !more)
        return error_no_memory(err);
    s->aliases = more;
    if (!read_exceptions(s, star, table, excepted, err))
        return false;
    for (size_t i = 0; i < t->n_columns; i++) {
        struct str name = t->columns[i].name;
        if (excepted[i] || (!star->every && (name.n && *name.p == ':') != star->system))
            continue;
        struct alias *a = &s->aliases[s->n_aliases];
        *a = (struct alias){.place = star->place, .is_hidden = star->qualifier.p, .state = ALIAS_DONE, .size = 1, .depth = 1};
        a->expr = expr_column(s->az, s->tables, table, (int)i, star->place);
        if (!a->expr || !name_fold(s->az->arena, name, &a->name))
            return error_no_memory(err);
        if (!enter_alias(s, s->n_aliases++, err))
            return false;
    }
    return true;
}

/* AS x, or the name of a column that stands alone. */
static bool name_explicitly(struct scope *s, const struct soql_selected *sel, size_t at, struct error *err)
{
    struct alias *a = &s->aliases[at];
    bool is_column = sel->expr->kind == NODE_COLUMN;
    *a = (struct alias){.node = sel->expr, .place = sel->alias.p ? sel->alias_place : sel->expr->place};
    if (!sel->alias.p && !is_column)
        return true;
    if (!name_fold(s->az->arena, sel->alias.p ? sel->alias : sel->expr->text, &a->name))
        return error_no_memory(err);
    a->is_hidden = !sel->alias.p && sel->expr->qualifier.p;
    return enter_alias(s, at, err);
}

static bool is_taken(const struct scope *s, struct str folded)
{
    if (name_table_find(&s->alias_names, folded))
        return true;
    for (size_t i = 0; i < s->n_tables; i++)
        if (find_column(s, (int)i, folded) >= 0)
            return true;
    return false;
}

/* The first of name, name_1, name_2… that is neither an alias nor a column. `seen` remembers how far the numbers of a name went, so
 * that a thousand equal expressions are not a million look-ups. */
static bool number_name(struct scope *s, struct name_table *seen, struct str base, struct str *ret, struct error *err)
{
    struct arena *a = s->az->arena;
    struct name_slot *slot = name_table_find(seen, base);
    if (!slot) {
        if (!name_table_add(seen, a, base, 0))
            return error_no_memory(err);
        slot = name_table_find(seen, base);
    }
    *ret = base;
    while (is_taken(s, *ret)) {
        char *z = arena_printf(a, FMT_STR "%s%d", ARG_STR(base), base.p[base.n - 1] == '_' ? "" : "_", ++slot->value);
        if (!z)
            return error_no_memory(err);
        *ret = str_from(z);
    }
    return true;
}

static bool name_implicitly(struct scope *s, struct name_table *seen, size_t at, struct error *err)
{
    struct buf words = {0};
    alias_of(s->aliases[at].node, &words);
    struct str copy = buf_ok(&words) ? arena_str(s->az->arena, buf_str(&words)) : STR_NONE, base;
    buf_free(&words);
    if (!copy.p || !name_fold(s->az->arena, copy, &base))
        return error_no_memory(err);
    return number_name(s, seen, base, &s->aliases[at].name, err) && enter_alias(s, at, err);
}

bool make_aliases(struct scope *s, const struct soql_select *sel, struct error *err)
{
    if (!name_table_init(&s->alias_names, s->az->arena, sel->n_selected + 16))
        return error_no_memory(err);
    for (size_t i = 0; i < sel->n_stars; i++)
        if (!expand_star(s, &sel->stars[i], err))
            return false;
    size_t first = s->n_aliases;
    struct alias *more = arena_grow(s->az->arena, s->aliases, first * sizeof *more, (first + sel->n_selected) * sizeof *more);
    if (!more)
        return error_no_memory(err);
    s->aliases = more;
    for (size_t i = 0; i < sel->n_selected; i++)
        if (!name_explicitly(s, &sel->selected[i], s->n_aliases++, err))
            return false;
    struct name_table seen = {0};
    for (size_t i = first; i < s->n_aliases; i++) {
        if (s->aliases[i].name.p)
            continue;
        if (!seen.slots && !name_table_init(&seen, s->az->arena, 16))
            return error_no_memory(err);
        if (!name_implicitly(s, &seen, i, err))
            return false;
    }
    return true;
}

bool resolve_alias(struct scope *s, size_t at, struct error *err)
{
    struct alias *a = &s->aliases[at];
    if (a->state == ALIAS_DONE)
        return true;
    if (a->state == ALIAS_BEGUN) {
        problem(s->az, err, ERROR_QUERY_CIRCULAR_ALIAS, &a->place, "Circular alias definition: " FMT_STR, ARG_STR(shown(a->name)));
        error_data_str(err, "name", shown(a->name));
        return false;
    }
    int around = s->defining;
    struct typing *t = NULL;
    a->state = ALIAS_BEGUN;
    s->defining = (int)at;
    bool ok = type_node(s, a->node, &t, err) && build_typing(s, t, typing_best(t), s->az->datasets[0].row_ids, &a->expr, err);
    s->defining = around;
    if (!ok)
        return false;
    a->size = t->size;
    a->depth = t->depth;
    a->state = ALIAS_DONE;
    return true;
}

/* ── clauses ── */

static bool analyze_group(struct scope *s, const struct soql_select *sel, struct soql_relation *r, struct error *err)
{
    r->group = arena_alloc(s->az->arena, sel->n_group * sizeof(struct soql_expr *));
    if (!r->group)
        return error_no_memory(err);
    for (size_t i = 0; i < sel->n_group; i++) {
        struct soql_expr *e = NULL;
        if (!analyze_expression(s, sel->group[i], &e, err) || !check_plain(s->az, e, CLAUSE_GROUP, err))
            return false;
        if (!kinds_have(kind_class(STR("equatable")), kind_of(e->type)))
            return problem(s->az, err, ERROR_QUERY_NON_GROUPABLE_GROUP, &sel->group[i]->place,
                           "Non-groupable group by: values of type %s make no groups", e->type->soql_name);
        if (e->kind != EXPR_LITERAL)
            r->group[r->n_group++] = e;
    }
    return true;
}

/* Constants order nothing; ORDER BY 1 is no position. */
static bool analyze_order_by(struct scope *s, const struct soql_select *sel, struct soql_relation *r, struct error *err)
{
    r->order = arena_alloc(s->az->arena, sel->n_order * sizeof *r->order);
    if (!r->order)
        return error_no_memory(err);
    if (!analyze_order(s, sel->order, sel->n_order, r->order, err))
        return false;
    for (size_t i = 0; i < sel->n_order; i++)
        if (r->order[i].by->kind != EXPR_LITERAL)
            r->order[r->n_order++] = r->order[i];
    return true;
}

static bool analyze_distinct_on(struct scope *s, const struct soql_select *sel, struct soql_relation *r, struct error *err)
{
    r->distinct_on = arena_alloc(s->az->arena, sel->n_distinct_on * sizeof(struct soql_expr *));
    if (!r->distinct_on)
        return error_no_memory(err);
    for (size_t i = 0; i < sel->n_distinct_on; i++) {
        struct soql_expr *e = NULL;
        if (!analyze_expression(s, sel->distinct_on[i], &e, err))
            return false;
        if (!kinds_have(kind_class(STR("equatable")), kind_of(e->type)))
            return problem(s->az, err, ERROR_QUERY_NON_GROUPABLE_GROUP, &sel->distinct_on[i]->place,
                           "Non-groupable group by: DISTINCT ON cannot tell values of type %s apart", e->type->soql_name);
        if (e->kind != EXPR_LITERAL)
            r->distinct_on[r->n_distinct_on++] = e;
    }
    return true;
}

static bool has(struct soql_expr *const *v, size_t n, const struct soql_expr *e)
{
    for (size_t i = 0; i < n; i++)
        if (soql_expr_equal(v[i], e))
            return true;
    return false;
}

/* ORDER BY says which of the rows that DISTINCT takes for one is kept, and must speak of them alone. */
/* The first of each group is found by numbering rows, and windows do not nest. */
static bool no_window_with_distinct_on(struct scope *s, const struct soql_expr *x, struct error *err)
{
    return problem(s->az, err, ERROR_QUERY_BAD_USE, &x->place,
                   "Bad parse: DISTINCT ON and its ORDER BY take no window functions; name it in a select before: ... |> select distinct on (name) ...");
}

static bool check_distinct(struct scope *s, const struct soql_relation *r, struct error *err)
{
    size_t n_leading = 0;
    for (size_t i = 0; i < r->n_distinct_on; i++)
        if (expr_has_window(r->distinct_on[i]))
            return no_window_with_distinct_on(s, r->distinct_on[i], err);
    for (size_t i = 0; i < r->n_order; i++) {
        const struct soql_expr *by = r->order[i].by;
        if (r->n_distinct_on && expr_has_window(by))
            return no_window_with_distinct_on(s, by, err);
        if (r->distinct && !has(r->selected, r->n_columns, by))
            return problem(s->az, err, ERROR_QUERY_BAD_USE, &by->place, "Bad parse: with DISTINCT, ORDER BY takes only expressions that are selected");
        bool is_on = has(r->distinct_on, r->n_distinct_on, by);
        n_leading += is_on && n_leading == i;
        if (is_on || n_leading == r->n_distinct_on)
            continue;
        size_t covered = 0;
        for (size_t k = 0; k < r->n_distinct_on; k++)
            for (size_t j = 0; j < i; j++)
                if (soql_expr_equal(r->order[j].by, r->distinct_on[k])) {
                    covered++;
                    break;
                }
        if (covered < r->n_distinct_on)
            return problem(s->az, err, ERROR_QUERY_BAD_USE, &by->place, "Bad parse: the expressions of DISTINCT ON must come first in ORDER BY");
        break;
    }
    return true;
}

/* ── grouping ── */

static bool is_grouped(const struct scope *s, const struct soql_select *sel, const struct soql_relation *r)
{
    bool grouped = sel->n_group || sel->having;
    for (size_t i = 0; i < s->n_aliases && !grouped; i++)
        grouped = expr_has_aggregate(s->aliases[i].expr);
    for (size_t i = 0; i < r->n_order && !grouped; i++)
        grouped = expr_has_aggregate(r->order[i].by);
    return grouped;
}

static bool check_one(struct scope *s, const struct soql_relation *r, const struct soql_expr *e, enum clause clause, struct error *err)
{
    return r->grouped ? check_grouped(s, r, e, clause, err) : check_ungrouped(s->az, e, clause, err);
}

static bool check_clauses(struct scope *s, const struct soql_relation *r, struct error *err)
{
    for (size_t i = 0; i < r->n_columns; i++)
        if (!check_one(s, r, r->selected[i], CLAUSE_SELECT, err))
            return false;
    for (size_t i = 0; i < r->n_distinct_on; i++)
        if (!check_one(s, r, r->distinct_on[i], CLAUSE_SELECT, err))
            return false;
    for (size_t i = 0; i < r->n_order; i++)
        if (!check_one(s, r, r->order[i].by, CLAUSE_ORDER, err))
            return false;
    return !r->having || check_one(s, r, r->having, CLAUSE_HAVING, err);
}

/* ── the whole ── */

/* SELECT of nothing is *; of a grouped query it is the groups, and how many rows each has (soql-reference, SoQLAnalyzer.scala). */
static bool fill_selection(struct analyzer *az, struct soql_select *sel, struct error *err)
{
    if (sel->n_stars || sel->n_selected)
        return true;
    if (!sel->n_group && !sel->having) {
        sel->stars = arena_zalloc(az->arena, sizeof *sel->stars);
        if (!sel->stars)
            return error_no_memory(err);
        sel->stars->place = sel->place;
        sel->n_stars = 1;
        return true;
    }
    struct soql_node *count = arena_zalloc(az->arena, sizeof *count);
    sel->selected = arena_zalloc(az->arena, (sel->n_group + 1) * sizeof *sel->selected);
    if (!count || !sel->selected)
        return error_no_memory(err);
    *count = (struct soql_node){.kind = NODE_CALL, .form = FORM_STAR, .text = STR("count/*"), .place = sel->place, .name_place = sel->place};
    for (size_t i = 0; i < sel->n_group; i++)
        sel->selected[sel->n_selected++].expr = sel->group[i];
    sel->selected[sel->n_selected++].expr = count;
    return true;
}

static bool make_output(struct scope *s, struct soql_relation *r, struct error *err)
{
    struct soql_relation_column *c = arena_alloc(s->az->arena, s->n_aliases * sizeof *c);
    r->selected = arena_alloc(s->az->arena, s->n_aliases * sizeof(struct soql_expr *));
    if (!c || !r->selected)
        return error_no_memory(err);
    for (size_t i = 0; i < s->n_aliases; i++) {
        if (!resolve_alias(s, i, err))
            return false;
        struct soql_expr *e = s->aliases[i].expr;
        r->selected[i] = e;
        c[i] = (struct soql_relation_column){s->aliases[i].name, e->type, e->row_ids};
    }
    r->columns = c;
    r->n_columns = s->n_aliases;
    return true;
}

static bool analyze_conditions(struct scope *s, const struct soql_select *sel, struct soql_relation *r, struct error *err)
{
    if (sel->where && (!analyze_condition(s, sel->where, ERROR_QUERY_NON_BOOLEAN_WHERE, "WHERE", &r->where, err) ||
                       !check_plain(s->az, r->where, CLAUSE_WHERE, err)))
        return false;
    return !sel->having || analyze_condition(s, sel->having, ERROR_QUERY_NON_BOOLEAN_HAVING, "HAVING", &r->having, err);
}

/* Rows keep the order of their creation when each comes from a row of a dataset, the first of those that it joins. */
static bool is_stable(const struct soql_relation *r)
{
    if (r->grouped || r->distinct || r->n_distinct_on || r->n_tables == 0)
        return false;
    const struct soql_table *t = &r->tables[0];
    return t->kind == TABLE_DATASET || (t->kind == TABLE_RELATION && t->relation->stable_order);
}

bool analyze_select(struct analyzer *az, const struct soql_select *written, const struct input *in, const struct scope *around,
                    struct relation_box **ret, struct error *err)
{
    struct scope s = {.az = az, .selects = 1, .defining = -1, .around = around};
    struct soql_select sel = *written;
    struct relation_box *box = arena_zalloc(az->arena, sizeof *box);
    if (!box)
        return error_no_memory(err);
    struct soql_relation *r = &box->relation;
    if (!analyze_tables(&s, &sel, in, err) || !fill_selection(az, &sel, err) || !make_aliases(&s, &sel, err) || !make_output(&s, r, err) ||
        !analyze_joins_on(&s, &sel, err) || !analyze_conditions(&s, &sel, r, err) || !analyze_group(&s, &sel, r, err) ||
        !analyze_order_by(&s, &sel, r, err) || !analyze_distinct_on(&s, &sel, r, err))
        return false;
    r->tables = s.tables;
    r->n_tables = s.n_tables;
    r->grouped = is_grouped(&s, &sel, r);
    r->distinct = sel.distinct && !sel.n_distinct_on;
    r->search = sel.has_search ? sel.search : STR_NONE;
    r->has_limit = sel.has_limit;
    r->limit = sel.limit;
    r->has_offset = sel.has_offset;
    r->offset = sel.offset;
    r->stable_order = is_stable(r);
    box->selects = s.selects;
    *ret = box;
    return check_clauses(&s, r, err) && check_distinct(&s, r, err);
}
