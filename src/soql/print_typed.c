/* The typed tree for people (typed.h): one line a node, what belongs to it indented under it. Expressions say their type. */
#include "soql/typed.h"

struct printer {
    const struct soql_analysis *query;
    const struct soql_relation *relation; /* whose columns are named */
    struct buf *out;
    int depth;
};

static void begin(struct printer *p, const char *what)
{
    for (int i = 0; i < p->depth; i++)
        buf_add_z(p->out, "  ");
    buf_add_z(p->out, what);
}

static void line(struct printer *p, const char *what)
{
    begin(p, what);
    buf_add_byte(p->out, '\n');
}

static void print_literal(struct printer *p, const struct soql_expr *e)
{
    begin(p, "");
    if (e->literal.kind == CELL_NULL) {
        buf_add_z(p->out, "null");
    } else {
        struct type_render r = {.row_ids = e->row_ids ? e->row_ids : p->query->datasets[0].row_ids};
        struct buf text = {0};
        e->type->write_csv(e->type, &e->literal, &r, &text);
        p->out->failed |= !buf_ok(&text);
        buf_add_json(p->out, buf_str(&text));
        buf_free(&text);
    }
    buf_printf(p->out, " %s\n", e->type->soql_name);
}

static void print_expr(struct printer *p, const struct soql_expr *e);

static void print_order(struct printer *p, const struct soql_expr_order *o, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        begin(p, "order ");
        buf_printf(p->out, "%s nulls %s\n", o[i].descending ? "desc" : "asc", o[i].nulls_first ? "first" : "last");
        p->depth++;
        print_expr(p, o[i].by);
        p->depth--;
    }
}

static void print_under(struct printer *p, const char *what, struct soql_expr *const *v, size_t n)
{
    if (!n)
        return;
    line(p, what);
    p->depth++;
    for (size_t i = 0; i < n; i++)
        print_expr(p, v[i]);
    p->depth--;
}

static void print_bound(struct printer *p, const struct soql_bound *b)
{
    static const char *const words[] = {
        [BOUND_UNBOUNDED_PRECEDING] = "unbounded preceding", [BOUND_PRECEDING] = "preceding", [BOUND_CURRENT_ROW] = "current row",
        [BOUND_FOLLOWING] = "following", [BOUND_UNBOUNDED_FOLLOWING] = "unbounded following",
    };
    buf_add_byte(p->out, ' ');
    if (b->kind == BOUND_PRECEDING || b->kind == BOUND_FOLLOWING)
        buf_printf(p->out, "%lld ", (long long)b->n);
    buf_add_z(p->out, words[b->kind]);
}

static void print_window(struct printer *p, const struct soql_expr_window *w)
{
    static const char *const modes[] = {[FRAME_RANGE] = "range", [FRAME_ROWS] = "rows", [FRAME_GROUPS] = "groups"};
    static const char *const excludes[] = {
        [EXCLUDE_NONE] = "", [EXCLUDE_CURRENT_ROW] = " exclude current row", [EXCLUDE_GROUP] = " exclude group", [EXCLUDE_TIES] = " exclude ties",
        [EXCLUDE_NO_OTHERS] = " exclude no others",
    };
    const struct soql_window *f = w->frame;
    begin(p, "over");
    if (f->mode != FRAME_NONE) {
        buf_printf(p->out, " %s", modes[f->mode]);
        print_bound(p, &f->from);
        if (f->between) {
            buf_add_z(p->out, " to");
            print_bound(p, &f->to);
        }
        buf_add_z(p->out, excludes[f->exclude]);
    }
    buf_add_byte(p->out, '\n');
    p->depth++;
    print_under(p, "partition", w->partition, w->n_partition);
    print_order(p, w->order, w->n_order);
    p->depth--;
}

static void print_call(struct printer *p, const struct soql_expr *e)
{
    begin(p, e->function->name);
    buf_printf(p->out, " %s%s\n", e->type->soql_name, e->has_else ? " else" : "");
    p->depth++;
    for (size_t i = 0; i < e->n; i++)
        print_expr(p, e->args[i]);
    if (e->filter)
        print_under(p, "filter", &e->filter, 1);
    if (e->over)
        print_window(p, e->over);
    p->depth--;
}

static void print_expr(struct printer *p, const struct soql_expr *e)
{
    switch (e->kind) {
    case EXPR_COLUMN:
        begin(p, "");
        buf_printf(p->out, "@%d." FMT_STR " %s\n", e->table, ARG_STR(p->relation->tables[e->table].columns[e->column].name), e->type->soql_name);
        break;
    case EXPR_LITERAL:
        print_literal(p, e);
        break;
    case EXPR_CALL:
        print_call(p, e);
        break;
    }
}

static void print_relation(struct printer *p, const struct soql_relation *r);

static void print_table(struct printer *p, const struct soql_table *t, int at)
{
    static const char *const joins[] = {[JOIN_INNER] = "join", [JOIN_LEFT] = "left join", [JOIN_RIGHT] = "right join", [JOIN_FULL] = "full join"};
    begin(p, at ? joins[t->join] : "from");
    buf_printf(p->out, "%s @%d", t->lateral ? " lateral" : "", at);
    switch (t->kind) {
    case TABLE_DATASET:
        buf_printf(p->out, " dataset " FMT_STR "\n", ARG_STR(p->query->datasets[t->dataset].name));
        break;
    case TABLE_RELATION:
        buf_add_byte(p->out, '\n');
        p->depth++;
        print_relation(p, t->relation);
        p->depth--;
        break;
    case TABLE_SINGLE_ROW:
        buf_add_z(p->out, " single row\n");
        break;
    }
    p->depth++;
    if (t->on)
        print_under(p, "on", (struct soql_expr *const *)&t->on, 1);
    p->depth--;
}

static void print_select(struct printer *p, const struct soql_relation *r)
{
    begin(p, "select");
    buf_printf(p->out, "%s%s%s\n", r->distinct ? " distinct" : "", r->grouped ? " grouped" : "", r->stable_order ? " stable" : "");
    p->depth++;
    p->relation = r;
    for (size_t i = 0; i < r->n_tables; i++)
        print_table(p, &r->tables[i], (int)i);
    print_under(p, "distinct on", r->distinct_on, r->n_distinct_on);
    for (size_t i = 0; i < r->n_columns; i++) {
        begin(p, "column ");
        buf_add_str(p->out, r->columns[i].name);
        buf_add_byte(p->out, '\n');
        p->depth++;
        print_expr(p, r->selected[i]);
        p->depth--;
    }
    if (r->search.p) {
        begin(p, "search ");
        buf_add_json(p->out, r->search);
        buf_add_byte(p->out, '\n');
    }
    print_under(p, "where", (struct soql_expr *const *)&r->where, r->where ? 1 : 0);
    print_under(p, "group", r->group, r->n_group);
    print_under(p, "having", (struct soql_expr *const *)&r->having, r->having ? 1 : 0);
    print_order(p, r->order, r->n_order);
    if (r->has_limit) {
        begin(p, "limit");
        buf_printf(p->out, " %lld\n", (long long)r->limit);
    }
    if (r->has_offset) {
        begin(p, "offset");
        buf_printf(p->out, " %lld\n", (long long)r->offset);
    }
    p->depth--;
}

static void print_relation(struct printer *p, const struct soql_relation *r)
{
    static const char *const operations[] = {
        [SET_UNION] = "union", [SET_UNION_ALL] = "union all", [SET_INTERSECT] = "intersect", [SET_INTERSECT_ALL] = "intersect all",
        [SET_MINUS] = "minus", [SET_MINUS_ALL] = "minus all",
    };
    const struct soql_relation *around = p->relation;
    if (r->is_set) {
        line(p, operations[r->operation]);
        p->depth++;
        print_relation(p, r->left);
        print_relation(p, r->right);
        p->depth--;
    } else {
        print_select(p, r);
    }
    p->relation = around;
}

void soql_print_typed(const struct soql_analysis *q, struct buf *out)
{
    struct printer p = {.query = q, .out = out};
    print_relation(&p, q->relation);
}
