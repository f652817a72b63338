/* The tree as text (parse.h). Parentheses are nodes of the tree, so what is printed token by token is read back as it was; columns always
 * stand in back-ticks, so that no name can be taken for a word. */
#include "soql/parse.h"

#include "base/buf.h"
#include "soql/token.h"

static void print_node(const struct soql_node *n, struct buf *out);

static void print_quoted(struct str name, struct buf *out)
{
    buf_add_byte(out, '`');
    buf_add_str(out, name);
    buf_add_byte(out, '`');
}

/* Functions and types: bare where the name can be. Two have a meaning of their own before a parenthesis. */
static void print_name(struct str name, struct buf *out)
{
    if (soql_is_plain_name(name) && !str_eq(name, STR("param")) && !str_eq_fold(name, STR("hint")))
        buf_add_str(out, name);
    else
        print_quoted(name, out);
}

static void print_string(struct str s, struct buf *out)
{
    buf_add_byte(out, '\'');
    for (size_t i = 0; i < s.n; i++) {
        buf_add_byte(out, s.p[i]);
        if (s.p[i] == '\'')
            buf_add_byte(out, '\'');
    }
    buf_add_byte(out, '\'');
}

static void print_table(struct str name, struct buf *out)
{
    buf_add_byte(out, '@');
    buf_add_str(out, name);
}

static void print_column(const struct soql_node *n, struct buf *out)
{
    if (n->qualifier.p) {
        print_table(n->qualifier, out);
        buf_add_byte(out, '.');
    }
    print_quoted(n->text, out);
}

static void print_list(struct soql_node *const *v, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        buf_add_z(out, i ? ", " : "");
        print_node(v[i], out);
    }
}

static void print_orderings(const struct soql_order *v, size_t n, struct buf *out)
{
    static const char *const nulls[] = {[NULLS_DEFAULT] = "", [NULLS_FIRST] = " NULLS FIRST", [NULLS_LAST] = " NULLS LAST"};
    for (size_t i = 0; i < n; i++) {
        buf_add_z(out, i ? ", " : "");
        print_node(v[i].by, out);
        buf_add_z(out, v[i].descending ? " DESC" : "");
        buf_add_z(out, nulls[v[i].nulls]);
    }
}

/* ── windows ── */

static void print_bound(const struct soql_bound *b, struct buf *out)
{
    switch (b->kind) {
    case BOUND_UNBOUNDED_PRECEDING:
        buf_add_z(out, "UNBOUNDED PRECEDING");
        break;
    case BOUND_PRECEDING:
        buf_printf(out, "%lld PRECEDING", (long long)b->n);
        break;
    case BOUND_CURRENT_ROW:
        buf_add_z(out, "CURRENT ROW");
        break;
    case BOUND_FOLLOWING:
        buf_printf(out, "%lld FOLLOWING", (long long)b->n);
        break;
    case BOUND_UNBOUNDED_FOLLOWING:
        buf_add_z(out, "UNBOUNDED FOLLOWING");
        break;
    }
}

static void print_frame(const struct soql_window *w, const char *gap, struct buf *out)
{
    static const char *const modes[] = {[FRAME_RANGE] = "RANGE ", [FRAME_ROWS] = "ROWS ", [FRAME_GROUPS] = "GROUPS "};
    static const char *const excludes[] = {[EXCLUDE_NONE] = "",
                                           [EXCLUDE_CURRENT_ROW] = " EXCLUDE CURRENT ROW",
                                           [EXCLUDE_GROUP] = " EXCLUDE GROUP",
                                           [EXCLUDE_TIES] = " EXCLUDE TIES",
                                           [EXCLUDE_NO_OTHERS] = " EXCLUDE NO OTHERS"};
    if (w->mode == FRAME_NONE)
        return;
    buf_printf(out, "%s%s%s", gap, modes[w->mode], w->between ? "BETWEEN " : "");
    print_bound(&w->from, out);
    if (w->between) {
        buf_add_z(out, " AND ");
        print_bound(&w->to, out);
    }
    buf_add_z(out, excludes[w->exclude]);
}

static void print_window(const struct soql_window *w, struct buf *out)
{
    buf_add_z(out, " OVER (");
    if (w->n_partition) {
        buf_add_z(out, "PARTITION BY ");
        print_list(w->partition, w->n_partition, out);
    }
    if (w->n_order) {
        buf_add_z(out, w->n_partition ? " ORDER BY " : "ORDER BY ");
        print_orderings(w->order, w->n_order, out);
    }
    print_frame(w, w->n_partition || w->n_order ? " " : "", out);
    buf_add_byte(out, ')');
}

/* ── calls ── */

/* f(a), f(*), f(DISTINCT a), with FILTER and OVER */
static void print_function(const struct soql_node *n, struct buf *out)
{
    size_t suffix = n->form == FORM_STAR ? strlen("/*") : n->form == FORM_DISTINCT ? strlen("_distinct") : 0;
    print_name(str_head(n->text, n->text.n - suffix), out);
    buf_add_z(out, n->form == FORM_STAR ? "(*" : n->form == FORM_DISTINCT ? "(DISTINCT " : "(");
    print_list(n->args, n->n, out);
    buf_add_byte(out, ')');
    if (n->has_filter) {
        buf_add_z(out, " FILTER (");
        if (n->filter) {
            buf_add_z(out, "WHERE ");
            print_node(n->filter, out);
        }
        buf_add_byte(out, ')');
    }
    if (n->over)
        print_window(n->over, out);
}

static void print_case(const struct soql_node *n, struct buf *out)
{
    buf_add_z(out, "CASE");
    for (size_t i = 0; i + 2 < n->n; i += 2) {
        buf_add_z(out, " WHEN ");
        print_node(n->args[i], out);
        buf_add_z(out, " THEN ");
        print_node(n->args[i + 1], out);
    }
    if (n->has_else) {
        buf_add_z(out, " ELSE ");
        print_node(n->args[n->n - 1], out);
    }
    buf_add_z(out, " END");
}

static void print_binary(const struct soql_node *n, struct buf *out)
{
    for (size_t i = 0; i < n->n; i++) {
        if (i)
            buf_printf(out, " %s ", n->spelled);
        print_node(n->args[i], out);
    }
}

/* LIKE, BETWEEN, IN, IS NULL: the name says which, "#NOT_…" that it is denied */
static void print_postfix(const struct soql_node *n, struct buf *out)
{
    bool is_not = str_starts(n->text, STR("#NOT_"));
    print_node(n->args[0], out);
    buf_add_z(out, is_not ? " NOT" : "");
    if (n->form == FORM_IS_NULL) {
        buf_add_z(out, str_eq(n->text, STR("#IS_NULL")) ? " IS NULL" : " IS NOT NULL");
    } else if (n->form == FORM_LIKE) {
        buf_add_z(out, " LIKE ");
        print_node(n->args[1], out);
    } else if (n->form == FORM_BETWEEN) {
        buf_add_z(out, " BETWEEN ");
        print_node(n->args[1], out);
        buf_add_z(out, " AND ");
        print_node(n->args[2], out);
    } else {
        buf_add_z(out, " IN (");
        print_list(n->args + 1, n->n - 1, out);
        buf_add_byte(out, ')');
    }
}

static void print_call(const struct soql_node *n, struct buf *out)
{
    switch (n->form) {
    case FORM_FUNCTION:
    case FORM_STAR:
    case FORM_DISTINCT:
        print_function(n, out);
        break;
    case FORM_UNARY: /* the blank keeps two minus signs from being a comment */
        buf_printf(out, "%s ", n->text.p + strlen("op$"));
        print_node(n->args[0], out);
        break;
    case FORM_BINARY:
        print_binary(n, out);
        break;
    case FORM_CAST:
        print_node(n->args[0], out);
        buf_add_z(out, "::");
        print_name(str_skip(n->text, strlen("cast$")), out);
        break;
    case FORM_IS_NULL:
    case FORM_LIKE:
    case FORM_BETWEEN:
    case FORM_IN:
        print_postfix(n, out);
        break;
    case FORM_CASE:
        print_case(n, out);
        break;
    case FORM_FIELD: /* 1.`x` would be the number 1. */
        print_node(n->args[0], out);
        buf_add_z(out, n->args[0]->kind == NODE_NUMBER ? " ." : ".");
        print_quoted(n->args[1]->text, out);
        break;
    case FORM_SUBSCRIPT:
        print_node(n->args[0], out);
        buf_add_byte(out, '[');
        print_node(n->args[1], out);
        buf_add_byte(out, ']');
        break;
    case FORM_FILTER:
        print_node(n->args[0], out);
        buf_add_z(out, " = ");
        print_node(n->args[1], out);
        break;
    }
}

static void print_param(const struct soql_node *n, struct buf *out)
{
    buf_add_z(out, "param(");
    if (n->qualifier.p) {
        print_table(n->qualifier, out);
        buf_add_z(out, ", ");
    }
    print_string(n->text, out);
    buf_add_byte(out, ')');
}

static void print_node(const struct soql_node *n, struct buf *out)
{
    switch (n->kind) {
    case NODE_NUMBER:
        buf_add_str(out, n->text);
        break;
    case NODE_STRING:
        print_string(n->text, out);
        break;
    case NODE_BOOLEAN:
        buf_add_z(out, n->is_true ? "TRUE" : "FALSE");
        break;
    case NODE_NULL:
        buf_add_z(out, "NULL");
        break;
    case NODE_COLUMN:
        print_column(n, out);
        break;
    case NODE_PARENS:
        buf_add_byte(out, '(');
        print_node(n->args[0], out);
        buf_add_byte(out, ')');
        break;
    case NODE_CALL:
        print_call(n, out);
        break;
    case NODE_PARAM:
        print_param(n, out);
        break;
    }
}

void soql_print_expression(const struct soql_node *n, struct buf *out)
{
    print_node(n, out);
}

/* ── selects ── */

static void print_star(const struct soql_star *star, struct buf *out)
{
    if (star->qualifier.p) {
        print_table(star->qualifier, out);
        buf_add_byte(out, '.');
    }
    buf_add_z(out, star->every ? ":*, *" : star->system ? ":*" : "*");
    if (!star->n_except)
        return;
    buf_add_z(out, " (EXCEPT ");
    print_list(star->except, star->n_except, out);
    buf_add_byte(out, ')');
}

static void print_selection(const struct soql_select *s, struct buf *out)
{
    if (s->distinct)
        buf_add_z(out, " DISTINCT");
    if (s->n_distinct_on) {
        buf_add_z(out, " ON (");
        print_list(s->distinct_on, s->n_distinct_on, out);
        buf_add_byte(out, ')');
    }
    const char *gap = " ";
    for (size_t i = 0; i < s->n_stars; i++, gap = ", ") {
        buf_add_z(out, gap);
        print_star(&s->stars[i], out);
    }
    for (size_t i = 0; i < s->n_selected; i++, gap = ", ") {
        buf_add_z(out, gap);
        print_node(s->selected[i].expr, out);
        if (s->selected[i].alias.p) {
            buf_add_z(out, " AS ");
            print_quoted(s->selected[i].alias, out);
        }
    }
}

static void print_table_alias(const struct soql_table_name *t, struct buf *out)
{
    if (!t->alias.p)
        return;
    buf_add_z(out, " AS ");
    print_table(t->alias, out);
}

static void print_join(const struct soql_join *j, struct buf *out)
{
    static const char *const kinds[] = {[JOIN_INNER] = " JOIN ", [JOIN_LEFT] = " LEFT JOIN ", [JOIN_RIGHT] = " RIGHT JOIN ", [JOIN_FULL] = " FULL JOIN "};
    buf_printf(out, "%s%s", kinds[j->kind], j->lateral ? "LATERAL " : "");
    if (j->subselect) {
        buf_add_byte(out, '(');
        soql_print_query(j->subselect, out);
        buf_add_byte(out, ')');
    } else {
        print_table(j->table.name, out);
    }
    if (j->has_arguments) {
        buf_add_byte(out, '(');
        print_list(j->arguments, j->n_arguments, out);
        buf_add_byte(out, ')');
    }
    print_table_alias(&j->table, out);
    buf_add_z(out, " ON ");
    print_node(j->on, out);
}

static void print_clauses(const struct soql_select *s, struct buf *out)
{
    if (s->where) {
        buf_add_z(out, " WHERE ");
        print_node(s->where, out);
    }
    if (s->n_group) {
        buf_add_z(out, " GROUP BY ");
        print_list(s->group, s->n_group, out);
    }
    if (s->having) {
        buf_add_z(out, " HAVING ");
        print_node(s->having, out);
    }
    if (s->n_order) {
        buf_add_z(out, " ORDER BY ");
        print_orderings(s->order, s->n_order, out);
    }
    if (s->has_search) {
        buf_add_z(out, " SEARCH ");
        print_string(s->search, out);
    }
    if (s->has_limit)
        buf_printf(out, " LIMIT %lld", (long long)s->limit);
    if (s->has_offset)
        buf_printf(out, " OFFSET %lld", (long long)s->offset);
}

static void print_select(const struct soql_select *s, struct buf *out)
{
    buf_add_z(out, "SELECT");
    print_selection(s, out);
    if (s->has_from) {
        buf_add_z(out, " FROM ");
        print_table(s->from.name, out);
        print_table_alias(&s->from, out);
    }
    for (size_t i = 0; i < s->n_joins; i++)
        print_join(&s->joins[i], out);
    print_clauses(s, out);
}

void soql_print_query(const struct soql_query *q, struct buf *out)
{
    static const char *const sets[] = {[SET_UNION] = "UNION", [SET_UNION_ALL] = "UNION ALL", [SET_INTERSECT] = "INTERSECT",
                                       [SET_INTERSECT_ALL] = "INTERSECT ALL", [SET_MINUS] = "MINUS", [SET_MINUS_ALL] = "MINUS ALL"};
    if (q->kind == QUERY_SELECT) {
        print_select(q->select, out);
        return;
    }
    soql_print_query(q->left, out);
    bool is_compound = q->right->kind != QUERY_SELECT;
    buf_printf(out, " %s %s", q->kind == QUERY_CHAIN ? "|>" : sets[q->operation], is_compound ? "(" : "");
    soql_print_query(q->right, out);
    buf_add_z(out, is_compound ? ")" : "");
}
