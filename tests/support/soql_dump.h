/* A syntax tree as nested lists, everything in it: what tests compare, and what the parser's fuzzer compares before and after printing. */
#ifndef SELTZER_TESTS_SOQL_DUMP_H
#define SELTZER_TESTS_SOQL_DUMP_H

#include "base/buf.h"
#include "soql/syntax.h"

static void dump_node(const struct soql_node *n, struct buf *out);

static void dump_list(const char *name, struct soql_node *const *v, size_t n, struct buf *out)
{
    if (!n)
        return;
    buf_printf(out, " (%s", name);
    for (size_t i = 0; i < n; i++) {
        buf_add_byte(out, ' ');
        dump_node(v[i], out);
    }
    buf_add_byte(out, ')');
}

static void dump_order(const struct soql_order *v, size_t n, struct buf *out)
{
    static const char *const nulls[] = {"", " nulls-first", " nulls-last"};
    for (size_t i = 0; i < n; i++) {
        buf_add_z(out, i ? " " : " (order ");
        dump_node(v[i].by, out);
        buf_printf(out, "%s%s", v[i].descending ? " desc" : "", nulls[v[i].nulls]);
    }
    buf_add_z(out, n ? ")" : "");
}

static void dump_bound(const struct soql_bound *b, struct buf *out)
{
    static const char *const kinds[] = {"unbounded-preceding", "preceding", "current-row", "following", "unbounded-following"};
    buf_printf(out, " %s", kinds[b->kind]);
    if (b->n)
        buf_printf(out, ":%lld", (long long)b->n);
}

static void dump_window(const struct soql_window *w, struct buf *out)
{
    static const char *const modes[] = {"", " range", " rows", " groups"};
    static const char *const excludes[] = {"", " -current-row", " -group", " -ties", " -no-others"};
    buf_add_z(out, " (over");
    dump_list("by", w->partition, w->n_partition, out);
    dump_order(w->order, w->n_order, out);
    buf_add_z(out, modes[w->mode]);
    if (w->mode != FRAME_NONE)
        dump_bound(&w->from, out);
    if (w->between)
        dump_bound(&w->to, out);
    buf_printf(out, "%s)", excludes[w->exclude]);
}

static void dump_name(struct str qualifier, struct str name, struct buf *out)
{
    if (qualifier.p)
        buf_printf(out, "@" FMT_STR ".", ARG_STR(qualifier));
    buf_add_str(out, name);
}

static void dump_call(const struct soql_node *n, struct buf *out)
{
    buf_add_byte(out, '(');
    buf_add_str(out, n->text);
    if (n->spelled && !str_eq(str_skip(n->text, 3), str_from(n->spelled)))
        buf_printf(out, "[%s]", n->spelled);
    if (n->form == FORM_CASE && n->has_else)
        buf_add_z(out, "+else");
    for (size_t i = 0; i < n->n; i++) {
        buf_add_byte(out, ' ');
        dump_node(n->args[i], out);
    }
    if (n->has_filter) {
        buf_add_z(out, " (filter ");
        if (n->filter)
            dump_node(n->filter, out);
        buf_add_byte(out, ')');
    }
    if (n->over)
        dump_window(n->over, out);
    buf_add_byte(out, ')');
}

static void dump_node(const struct soql_node *n, struct buf *out)
{
    switch (n->kind) {
    case NODE_NUMBER:
        buf_add_str(out, n->text);
        break;
    case NODE_STRING:
        buf_add_json(out, n->text);
        break;
    case NODE_BOOLEAN:
        buf_add_z(out, n->is_true ? "TRUE" : "FALSE");
        break;
    case NODE_NULL:
        buf_add_z(out, "NULL");
        break;
    case NODE_COLUMN:
        dump_name(n->qualifier, n->text, out);
        break;
    case NODE_PARENS:
        buf_add_z(out, "(() ");
        dump_node(n->args[0], out);
        buf_add_byte(out, ')');
        break;
    case NODE_CALL:
        dump_call(n, out);
        break;
    case NODE_PARAM:
        buf_add_z(out, "(param ");
        dump_name(n->qualifier, n->text, out);
        buf_add_byte(out, ')');
        break;
    }
}

static void dump_query(const struct soql_query *q, struct buf *out);

static void dump_table(const struct soql_table_name *t, struct buf *out)
{
    buf_printf(out, " @" FMT_STR, ARG_STR(t->name));
    if (t->alias.p)
        buf_printf(out, " as " FMT_STR, ARG_STR(t->alias));
}

static void dump_select_list(const struct soql_select *s, struct buf *out)
{
    if (s->distinct)
        buf_add_z(out, " distinct");
    dump_list("on", s->distinct_on, s->n_distinct_on, out);
    for (size_t i = 0; i < s->n_stars; i++) {
        buf_add_byte(out, ' ');
        dump_name(s->stars[i].qualifier, s->stars[i].every ? STR("**") : s->stars[i].system ? STR(":*") : STR("*"), out);
        dump_list("except", s->stars[i].except, s->stars[i].n_except, out);
    }
    for (size_t i = 0; i < s->n_selected; i++) {
        buf_add_byte(out, ' ');
        dump_node(s->selected[i].expr, out);
        if (s->selected[i].alias.p)
            buf_printf(out, " as " FMT_STR, ARG_STR(s->selected[i].alias));
    }
}

static void dump_select(const struct soql_select *s, struct buf *out)
{
    static const char *const joins[] = {"join", "left-join", "right-join", "full-join"};
    buf_add_z(out, "(select");
    dump_select_list(s, out);
    if (s->has_from) {
        buf_add_z(out, " (from");
        dump_table(&s->from, out);
        buf_add_byte(out, ')');
    }
    for (size_t i = 0; i < s->n_joins; i++) {
        const struct soql_join *j = &s->joins[i];
        buf_printf(out, " (%s%s", joins[j->kind], j->lateral ? " lateral" : "");
        if (j->subselect) {
            buf_add_byte(out, ' ');
            dump_query(j->subselect, out);
        }
        dump_table(&j->table, out);
        buf_add_z(out, j->has_arguments ? " ()" : "");
        dump_list("with", j->arguments, j->n_arguments, out);
        dump_list("on", &j->on, 1, out);
        buf_add_byte(out, ')');
    }
    dump_list("where", &s->where, s->where != NULL, out);
    dump_list("group", s->group, s->n_group, out);
    dump_list("having", &s->having, s->having != NULL, out);
    dump_order(s->order, s->n_order, out);
    if (s->has_search) {
        buf_add_z(out, " (search ");
        buf_add_json(out, s->search);
        buf_add_byte(out, ')');
    }
    if (s->has_limit)
        buf_printf(out, " (limit %lld)", (long long)s->limit);
    if (s->has_offset)
        buf_printf(out, " (offset %lld)", (long long)s->offset);
    buf_add_byte(out, ')');
}

static void dump_query(const struct soql_query *q, struct buf *out)
{
    static const char *const sets[] = {"union", "union-all", "intersect", "intersect-all", "minus", "minus-all"};
    if (q->kind == QUERY_SELECT) {
        dump_select(q->select, out);
        return;
    }
    buf_printf(out, "(%s ", q->kind == QUERY_CHAIN ? "|>" : sets[q->operation]);
    dump_query(q->left, out);
    buf_add_byte(out, ' ');
    dump_query(q->right, out);
    buf_add_byte(out, ')');
}

#endif
