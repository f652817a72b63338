/* Expressions to SQL: columns, parameters, and calls by their templates (functions.h has the notation). */
#include <stdio.h>

#include "soql/emitter.h"
#include "soql/prefix.h"

static bool is(const struct soql_expr *x, const char *name)
{
    return x->kind == EXPR_CALL && strcmp(x->function->name, name) == 0;
}

/* ── parameters ── */

static unsigned bucket_of(const struct type *type, const struct cell *c)
{
    uint64_t h = 14695981039346656037u ^ (uint64_t)type->id ^ (uint64_t)c->i << 8;
    for (size_t i = 0; c->kind >= CELL_TEXT && i < c->s.n; i++)
        h = (h ^ (unsigned char)c->s.p[i]) * 1099511628211u;
    return (unsigned)((h ^ h >> 32) % EMITTER_BUCKETS);
}

static bool same_cell(const struct cell *a, const struct cell *b)
{
    if (a->kind != b->kind)
        return false;
    return a->kind == CELL_INT ? a->i == b->i : str_eq(a->s, b->s);
}

static bool grow(struct emitter *e)
{
    struct emitter_parameters *p = e->parameters;
    struct sql_text *sql = &e->ret->query.sql;
    size_t cap = p->cap ? p->cap * 2 : 16;
    struct cell *cells = arena_grow(e->arena, sql->parameters, p->cap * sizeof *cells, cap * sizeof *cells);
    int *next = arena_grow(e->arena, p->next, p->cap * sizeof *next, cap * sizeof *next);
    const struct type **types = arena_grow(e->arena, p->types, p->cap * sizeof *types, cap * sizeof *types);
    if (!cells || !next || !types) {
        e->text->failed = true;
        return false;
    }
    sql->parameters = cells;
    sql->cap = p->cap = cap;
    p->next = next;
    p->types = types;
    return true;
}

/* The number of the parameter with this value, from 1; 0 without memory. */
static size_t parameter_number(struct emitter *e, const struct type *type, struct cell cell)
{
    struct emitter_parameters *p = e->parameters;
    struct sql_text *sql = &e->ret->query.sql;
    unsigned bucket = bucket_of(type, &cell);
    for (int at = p->head[bucket]; at; at = p->next[at - 1])
        if (p->types[at - 1] == type && same_cell(&sql->parameters[at - 1], &cell))
            return (size_t)at;
    if (sql->n == p->cap && !grow(e))
        return 0;
    sql->parameters[sql->n] = cell;
    p->types[sql->n] = type;
    p->next[sql->n] = p->head[bucket];
    sql->n++;
    return (size_t)(p->head[bucket] = (int)sql->n);
}

void emit_parameter(struct emitter *e, const struct type *type, struct cell cell)
{
    const char *round = dialect_literal(e->dialect, type), *mark = strchr(round, '?');
    buf_add(e->text, round, (size_t)(mark - round));
    buf_add_byte(e->text, e->dialect == DIALECT_SQLITE ? '?' : '$');
    buf_add_u64(e->text, parameter_number(e, type, cell));
    emit_text(e, mark + 1);
}

static void emit_literal(struct emitter *e, const struct soql_expr *x)
{
    if (x->literal.kind != CELL_NULL)
        emit_parameter(e, x->type, x->literal);
    else if (e->dialect == DIALECT_SQLITE)
        emit_text(e, "NULL");
    else
        buf_printf(e->text, "NULL::%s", dialect_null(x->type));
}

/* ── columns ── */

static void emit_expr_column(struct emitter *e, const struct scope *s, const struct soql_expr *x)
{
    static const char *const system[SYSTEM_COUNT] = {
        [SYSTEM_ID] = "sid", [SYSTEM_CREATED_AT] = "created", [SYSTEM_UPDATED_AT] = "updated", [SYSTEM_VERSION] = "version",
    };
    const struct soql_table *t = &s->relation->tables[x->table];
    unsigned number = s->first + (unsigned)x->table;
    if (t->kind != TABLE_DATASET)
        buf_printf(e->text, "t%u.c%d", number, x->column);
    else if (x->column < SYSTEM_COUNT)
        buf_printf(e->text, "t%u.%s", number, system[x->column]);
    else
        emit_column(e, x->type, number, e->analysis->datasets[t->dataset].columns->v[x->column - SYSTEM_COUNT].physical);
}

/* ── calls ── */

static const char *template_of(const struct emitter *e, const struct soql_expr *x)
{
    return e->dialect == DIALECT_SQLITE ? x->function->sqlite : x->function->postgres;
}

/* name(…): what needs no parentheses to be part of something. */
static bool is_one_call(const char *template)
{
    size_t n = strspn(template, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.");
    if (n == 0 || template[n] != '(')
        return false;
    int depth = 0;
    for (const char *p = template + n; *p; p++) {
        depth += (*p == '(') - (*p == ')');
        if (depth == 0)
            return p[1] == 0;
    }
    return false;
}

static bool is_atom(const struct emitter *e, const struct soql_expr *x)
{
    switch (x->kind) {
    case EXPR_COLUMN:
        return true;
    case EXPR_LITERAL:
        return e->dialect == DIALECT_SQLITE || x->literal.kind != CELL_NULL;
    case EXPR_CALL:
        return is_one_call(template_of(e, x));
    }
    return false;
}

static void emit_atom(struct emitter *e, const struct scope *s, const struct soql_expr *x)
{
    bool atom = is_atom(e, x);
    emit_text(e, atom ? "" : "(");
    emit_expression(e, s, x);
    emit_text(e, atom ? "" : ")");
}

/* SQLite takes any COLLATE within an expression for the expression's own: of CASE WHEN x COLLATE DECIMAL1 > 1 THEN name END it compares
 * names as if they were numbers, and so the texts of a column of numbers, whose cast is the column itself. Not so of a table's column of
 * text and of a literal; of a sub-select's column it is not looked for. */
static bool hides_collation(const struct emitter *e, const struct scope *s, const struct soql_expr *x)
{
    if (x->kind != EXPR_CALL)
        return x->kind == EXPR_COLUMN && s->relation->tables[x->table].kind == TABLE_RELATION;
    bool lets_through = strchr(template_of(e, x), '=') || !is_one_call(template_of(e, x));
    for (size_t i = 0; i < x->n; i++)
        if ((lets_through && x->args[i]->type->id == TYPE_NUMBER) || hides_collation(e, s, x->args[i]))
            return true;
    return false;
}

const char *emit_collation_of(const struct emitter *e, const struct scope *s, const struct soql_expr *x)
{
    const char *collation = dialect_collation(e->dialect, x->type);
    bool is_text = x->type->storage == STORAGE_TEXT && x->type->id != TYPE_NUMBER;
    return e->dialect == DIALECT_SQLITE && is_text && hides_collation(e, s, x) ? " COLLATE BINARY" : collation;
}

void emit_compared(struct emitter *e, const struct scope *s, const struct soql_expr *x)
{
    const char *collation = emit_collation_of(e, s, x);
    if (*collation)
        emit_atom(e, s, x);
    else
        emit_expression(e, s, x);
    emit_text(e, collation);
}

void emit_order(struct emitter *e, const struct scope *s, const struct soql_expr_order *o)
{
    emit_compared(e, s, o->by);
    emit_text(e, o->descending ? " DESC" : " ASC");
    emit_text(e, o->nulls_first ? " NULLS FIRST" : " NULLS LAST");
}

void emit_list(struct emitter *e, const struct scope *s, struct soql_expr *const *v, size_t n,
               void (*each)(struct emitter *e, const struct scope *s, const struct soql_expr *x))
{
    for (size_t i = 0; i < n; i++) {
        emit_text(e, i ? ", " : "");
        each(e, s, v[i]);
    }
}

/* ── FILTER and OVER ── */

static void emit_bound(struct emitter *e, const struct soql_bound *b)
{
    switch (b->kind) {
    case BOUND_UNBOUNDED_PRECEDING:
        emit_text(e, "UNBOUNDED PRECEDING");
        break;
    case BOUND_PRECEDING:
        buf_printf(e->text, "%lld PRECEDING", (long long)b->n);
        break;
    case BOUND_CURRENT_ROW:
        emit_text(e, "CURRENT ROW");
        break;
    case BOUND_FOLLOWING:
        buf_printf(e->text, "%lld FOLLOWING", (long long)b->n);
        break;
    case BOUND_UNBOUNDED_FOLLOWING:
        emit_text(e, "UNBOUNDED FOLLOWING");
        break;
    }
}

static bool is_distance(const struct soql_bound *b)
{
    return b->kind == BOUND_PRECEDING || b->kind == BOUND_FOLLOWING;
}

/* Sums of doubles cannot be had back by subtracting what leaves the frame: a great value takes the small ones' digits with it. EXCLUDE NO
 * OTHERS leaves nothing out, but SQLite then sums each row's frame anew, as PostgreSQL does. */
static bool sums_doubles(const struct emitter *e, const struct soql_expr *x)
{
    const char *template = template_of(e, x);
    return e->dialect == DIALECT_SQLITE && (strncmp(template, "real_", 5) == 0 || strncmp(template, "num_regr_", 9) == 0);
}

static void emit_frame(struct emitter *e, const struct soql_window *w, bool anew)
{
    static const char *const modes[] = {"", " RANGE ", " ROWS ", " GROUPS "};
    static const char *const excludes[] = {"", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP", " EXCLUDE TIES", " EXCLUDE NO OTHERS"};
    emit_text(e, modes[w->mode]);
    emit_text(e, w->between ? "BETWEEN " : "");
    emit_bound(e, &w->from);
    if (w->between) {
        emit_text(e, " AND ");
        emit_bound(e, &w->to);
    }
    bool moves = w->from.kind != BOUND_UNBOUNDED_PRECEDING;
    emit_text(e, excludes[anew && moves && w->exclude == EXCLUDE_NONE ? EXCLUDE_NO_OTHERS : w->exclude]);
}

/* RANGE with a distance adds to the ordering value: SQLite can do so only with its own numbers. */
static bool orders_by_real(const struct emitter *e, const struct soql_expr_window *w)
{
    const struct soql_window *f = w->frame;
    return e->dialect == DIALECT_SQLITE && f && f->mode == FRAME_RANGE && (is_distance(&f->from) || (f->between && is_distance(&f->to))) &&
           w->n_order == 1 && w->order[0].by->type->id == TYPE_NUMBER;
}

static void emit_over(struct emitter *e, const struct scope *s, const struct soql_expr_window *w, bool anew)
{
    emit_text(e, " OVER (");
    if (w->n_partition) {
        emit_text(e, "PARTITION BY ");
        emit_list(e, s, w->partition, w->n_partition, emit_compared);
    }
    bool real = orders_by_real(e, w);
    for (size_t i = 0; i < w->n_order; i++) {
        emit_text(e, i ? ", " : w->n_partition ? " ORDER BY " : "ORDER BY ");
        if (real) {
            emit_text(e, "CAST(");
            emit_expression(e, s, w->order[i].by);
            buf_printf(e->text, " AS REAL) %s", w->order[i].descending ? "DESC" : "ASC");
            emit_text(e, w->order[i].nulls_first ? " NULLS FIRST" : " NULLS LAST");
        } else {
            emit_order(e, s, &w->order[i]);
        }
    }
    if (w->frame && w->frame->mode != FRAME_NONE)
        emit_frame(e, w->frame, anew);
    emit_text(e, ")");
}

static void emit_filter_and_over(struct emitter *e, const struct scope *s, const struct soql_expr *x)
{
    if (x->filter) {
        emit_text(e, " FILTER (WHERE ");
        emit_expression(e, s, x->filter);
        emit_text(e, ")");
    }
    if (x->over)
        emit_over(e, s, x->over, sums_doubles(e, x));
}

/* ── templates ── */

/* Where a function fails, its message begins with this number. */
static void emit_place(struct emitter *e, const struct soql_place *at)
{
    struct soql_compiled *r = e->ret;
    if ((r->n_places & (r->n_places - 1)) == 0) { /* full at every power of two */
        size_t cap = r->n_places ? r->n_places * 2 : 1;
        struct soql_place *more = arena_grow(e->arena, r->places, r->n_places * sizeof *more, cap * sizeof *more);
        if (!more) {
            e->text->failed = true;
            return;
        }
        r->places = more;
    }
    r->places[r->n_places] = *at;
    buf_add_u64(e->text, r->n_places++);
}

/* Between commas and parentheses an argument stands alone. */
static bool stands_alone(const char *template, const char *from, const char *after)
{
    while (from > template && from[-1] == ' ')
        from--;
    bool opens = from == template || from[-1] == '(' || from[-1] == ',';
    return opens && (*after == 0 || *after == ')' || *after == ',');
}

static const struct soql_function *text_form_of(const struct type *type, const char *name)
{
    size_t n;
    const struct soql_function *f = soql_functions_named(str_from(name), &n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(f[i].arguments, type->soql_name) == 0 || (type->is_geometry && strncmp(f[i].arguments, "geometry", strlen("geometry")) == 0))
            return &f[i];
    return NULL;
}

static void emit_text_form(struct emitter *e, const struct scope *s, struct soql_expr *x)
{
    const struct soql_function *f = text_form_of(x->type, "cast$text");
    if (!f)
        f = text_form_of(x->type, "#TEXT");
    if (!f || x->type->id == TYPE_TEXT) {
        emit_atom(e, s, x);
        return;
    }
    struct soql_expr *arguments[] = {x};
    const struct soql_expr call = {.kind = EXPR_CALL, .type = &type_text, .place = x->place, .function = f, .args = arguments, .n = 1};
    emit_atom(e, s, &call);
}

static const char *emit_argument(struct emitter *e, const struct scope *s, const struct soql_expr *x, const char *template, const char *p)
{
    const char *from = p++;
    size_t first = *p >= '1' && *p <= '9' ? (size_t)(*p++ - '1') : 0;
    bool all = *p == '*';
    p += all;
    bool compared = *p == '=', as_text = *p == '~';
    p += compared || as_text;
    if (all) {
        if (first < x->n)
            emit_list(e, s, x->args + first, x->n - first, compared ? emit_compared : emit_expression);
    } else if (first < x->n) {
        struct soql_expr *argument = x->args[first];
        if (as_text)
            emit_text_form(e, s, argument);
        else if (stands_alone(template, from, p))
            (compared ? emit_compared : emit_expression)(e, s, argument);
        else if (compared && *emit_collation_of(e, s, argument))
            emit_compared(e, s, argument);
        else
            emit_atom(e, s, argument);
    }
    return p;
}

static void emit_by_template(struct emitter *e, const struct scope *s, const struct soql_expr *x)
{
    const char *template = template_of(e, x);
    e->ret->reads_clock |= is(x, "get_utc_date");
    for (const char *p = template; *p;) {
        size_t plain = strcspn(p, "$");
        buf_add(e->text, p, plain);
        p += plain;
        if (!*p)
            break;
        if (p[1] == '@') {
            emit_place(e, &x->place);
            p += 2;
        } else if (p[1] == 'f') {
            emit_filter_and_over(e, s, x);
            p += 2;
        } else {
            p = emit_argument(e, s, x, template, p);
        }
    }
}

/* ── calls with code of their own ── */

/* An index, and a glance at the text, tell most rows apart; the function has the last word. */
static void emit_prefixed(struct emitter *e, const struct scope *s, const struct soql_expr *x, struct str prefix)
{
    struct str end = soql_prefix_end(prefix, e->arena);
    if (!end.p)
        e->text->failed = true;
    emit_text(e, "(");
    emit_compared(e, s, x->args[0]);
    emit_text(e, " >= ");
    emit_parameter(e, &type_text, cell_text(prefix));
    emit_text(e, " AND ");
    emit_compared(e, s, x->args[0]);
    emit_text(e, " < ");
    emit_parameter(e, &type_text, cell_text(end));
    emit_text(e, " AND ");
    emit_by_template(e, s, x);
    emit_text(e, ")");
}

static bool is_extreme(const struct soql_expr *x)
{
    return is(x, "min") || is(x, "max") || is(x, "bool_and") || is(x, "bool_or") || is(x, "extent");
}

/* SQLite's min and max forget their FILTER over a frame whose beginning moves (seen in 3.40.1); nulls they do leave out. */
static void emit_filtered_extreme(struct emitter *e, const struct scope *s, const struct soql_expr *x)
{
    size_t n;
    struct soql_expr *pair[] = {x->filter, x->args[0]};
    struct soql_expr chosen = {.kind = EXPR_CALL, .type = x->args[0]->type, .function = soql_functions_named(STR("#CASE"), &n), .args = pair, .n = 2};
    struct soql_expr *argument = &chosen, extreme = *x;
    extreme.args = &argument;
    extreme.filter = NULL;
    emit_by_template(e, s, &extreme);
}

static void emit_case(struct emitter *e, const struct scope *s, const struct soql_expr *x)
{
    size_t pairs = x->n / 2;
    emit_text(e, "CASE");
    for (size_t i = 0; i < pairs; i++) {
        emit_text(e, " WHEN ");
        emit_expression(e, s, x->args[2 * i]);
        emit_text(e, " THEN ");
        emit_expression(e, s, x->args[2 * i + 1]);
    }
    if (x->n % 2) {
        emit_text(e, " ELSE ");
        emit_expression(e, s, x->args[x->n - 1]);
    }
    emit_text(e, " END");
}

/* Thousands of terms as a tree of logarithmic depth: SQLite takes 1,000 levels at most. */
static void emit_balanced(struct emitter *e, const struct scope *s, struct soql_expr *const *terms, size_t n, const char *word)
{
    if (n == 1) {
        emit_atom(e, s, terms[0]);
        return;
    }
    size_t left = n / 2;
    emit_text(e, left > 1 ? "(" : "");
    emit_balanced(e, s, terms, left, word);
    emit_text(e, left > 1 ? ")" : "");
    emit_text(e, word);
    emit_text(e, n - left > 1 ? "(" : "");
    emit_balanced(e, s, terms + left, n - left, word);
    emit_text(e, n - left > 1 ? ")" : "");
}

static bool is_equal_to_literal(const struct soql_expr *x)
{
    return is(x, "op$=") && x->args[0]->kind != EXPR_LITERAL && x->args[1]->kind == EXPR_LITERAL && x->args[1]->literal.kind != CELL_NULL;
}

/* How many terms from the first on say of one value that it equals a literal. */
static size_t equals_run(struct soql_expr *const *terms, size_t n)
{
    size_t run = 0;
    while (run < n && is_equal_to_literal(terms[run]) && soql_expr_equal(terms[run]->args[0], terms[0]->args[0]))
        run++;
    return run;
}

static void emit_equals_any(struct emitter *e, const struct scope *s, struct soql_expr *const *terms, size_t n)
{
    const struct soql_expr *x = terms[0]->args[0];
    if (*emit_collation_of(e, s, x))
        emit_compared(e, s, x);
    else
        emit_atom(e, s, x);
    emit_text(e, " IN (");
    for (size_t i = 0; i < n; i++) {
        emit_text(e, i ? ", " : "");
        emit_expression(e, s, terms[i]->args[1]);
    }
    emit_text(e, ")");
}

static void emit_and(struct emitter *e, const struct scope *s, const struct soql_expr *x)
{
    emit_balanced(e, s, x->args, x->n, " AND ");
}

/* a = 1 OR a = 2 OR … is what IN is for: one look-up structure instead of a chain. Not in a grouped select of PostgreSQL, which would not
 * find a = 1 in it again when that is what it groups by. */
static void emit_or(struct emitter *e, const struct scope *s, const struct soql_expr *x)
{
    bool may_be_in = e->dialect == DIALECT_SQLITE || !s->relation->grouped;
    if (may_be_in && equals_run(x->args, x->n) == x->n)
        emit_equals_any(e, s, x->args, x->n);
    else
        emit_balanced(e, s, x->args, x->n, " OR ");
}

/* Whether it does not matter which of a + b + c is added first: of exact numbers and of texts. */
static bool is_associative(const struct soql_expr *x)
{
    return is(x, "op$||") || (x->kind == EXPR_CALL && x->n == 2 && x->type->id == TYPE_NUMBER && (is(x, "op$+") || is(x, "op$*")));
}

/* How many operands a + b + … has; of a call that is no such chain, 1. */
static size_t chain_length(const struct soql_expr *x)
{
    size_t n = 1;
    for (; is_associative(x) && x->n == 2; x = x->args[0]) {
        n++;
        if (x->args[0]->kind != EXPR_CALL || x->args[0]->function != x->function)
            break;
    }
    return n;
}

/* The n operands of x's chain, as a tree of x's function that is as shallow as can be. NULL without memory. */
static struct soql_expr *balanced(struct emitter *e, const struct soql_expr *x, struct soql_expr **operands, size_t n)
{
    if (n == 1)
        return operands[0];
    struct soql_expr *ret = arena_alloc(e->arena, sizeof *ret);
    struct soql_expr **args = arena_alloc(e->arena, 2 * sizeof(struct soql_expr *));
    if (!ret || !args)
        return NULL;
    *ret = *x;
    ret->args = args;
    args[0] = balanced(e, x, operands, n / 2);
    args[1] = balanced(e, x, operands + n / 2, n - n / 2);
    return args[0] && args[1] ? ret : NULL;
}

enum { CHAIN_MAX = 10 }; /* operands of a chain that is emitted as it was written; no chain is longer once it is balanced */

/* SQLite's parser goes some thirty calls deep, which the sum of so many columns already is. */
static void emit_chain(struct emitter *e, const struct scope *s, const struct soql_expr *x, size_t n)
{
    struct soql_expr **operands = arena_alloc(e->arena, n * sizeof(struct soql_expr *)), *root = NULL;
    if (operands) {
        const struct soql_expr *at = x;
        for (size_t i = n - 1; i > 0; i--, at = at->args[0]) {
            operands[i] = at->args[1];
            operands[i - 1] = at->args[0];
        }
        root = balanced(e, x, operands, n);
    }
    if (root)
        emit_by_template(e, s, root);
    else
        e->text->failed = true;
}

void emit_expression(struct emitter *e, const struct scope *s, const struct soql_expr *x)
{
    size_t operands = e->dialect == DIALECT_SQLITE ? chain_length(x) : 1;
    if (++e->depth > e->deepest && x->place.source) {
        e->deepest = e->depth;
        e->ret->deepest = x->place;
    }
    switch (x->kind) {
    case EXPR_COLUMN:
        emit_expr_column(e, s, x);
        break;
    case EXPR_LITERAL:
        emit_literal(e, x);
        break;
    case EXPR_CALL:
        if (is(x, "op$and"))
            emit_and(e, s, x);
        else if (is(x, "op$or"))
            emit_or(e, s, x);
        else if (is(x, "#CASE") || is(x, "case"))
            emit_case(e, s, x);
        else if (s->relation == e->how->counted && is(x, "count/*"))
            buf_printf(e->text, "CAST(sum(t%u.n) AS TEXT)", s->first);
        else if (operands > CHAIN_MAX)
            emit_chain(e, s, x, operands);
        else if (e->dialect == DIALECT_SQLITE && x->filter && x->over && is_extreme(x))
            emit_filtered_extreme(e, s, x);
        else if (e->dialect == DIALECT_SQLITE && soql_prefix(x).n)
            emit_prefixed(e, s, x, soql_prefix(x));
        else
            emit_by_template(e, s, x);
        break;
    }
    e->depth--;
}
