#include "generate.h"

#include <stdio.h>
#include <stdlib.h>

#include "soql/signature.h"

enum { DEPTH_MAX = 3 };

/* Row identifiers have no literals here; they come in as fields. */
#define KINDS_WITHOUT_LITERALS (KIND_BIT(KIND_ROW_IDENTIFIER) | KIND_BIT(KIND_ROW_VERSION))

enum soql_kind generate_kind(struct chance *c, soql_kinds set)
{
    static const enum soql_kind likely[] = {KIND_TEXT, KIND_NUMBER, KIND_NUMBER, KIND_BOOLEAN, KIND_FLOATING, KIND_FIXED};
    set &= ~KINDS_WITHOUT_LITERALS;
    for (int tries = 0; tries < 3; tries++) {
        enum soql_kind k = chance_pick(c, likely);
        if (kinds_have(set, k) && chance_percent(c, 60))
            return k;
    }
    for (;;) {
        enum soql_kind k = (enum soql_kind)chance_below(c, KIND_COUNT);
        if (kinds_have(set, k))
            return k;
    }
}

/* ── leaves ── */

static bool generate_field(struct generator *g, const struct fields *f, enum soql_kind kind)
{
    const struct field *found = NULL;
    unsigned n = 0;
    for (size_t i = 0; i < f->n; i++)
        if (f->v[i].kind == kind && chance_below(&g->chance, ++n) == 0)
            found = &f->v[i];
    if (!found)
        return false;
    buf_add_z(g->out, found->ref);
    return true;
}

static void generate_leaf(struct generator *g, const struct context *c, enum soql_kind kind)
{
    if (chance_percent(&g->chance, 75) && generate_field(g, c->fields, kind))
        return;
    generate_literal(g, kind);
}

/* ── calls ── */

/* Which functions can make a value of the kind here, one of them by chance; its variables bound. */
struct call {
    const struct soql_function *f;
    struct signature s;
    enum soql_kind variables[SIGNATURE_VARIABLES_MAX];
};

/* get_utc_date() is another time on each engine; #TEXT is written ||. */
static bool is_left_out(const struct soql_function *f)
{
    return strcmp(f->name, "get_utc_date") == 0 || strcmp(f->name, "#TEXT") == 0;
}

static bool binds(const struct signature *s, enum soql_kind kind, struct chance *c, enum soql_kind variables[SIGNATURE_VARIABLES_MAX])
{
    const struct signature_slot *r = &s->result;
    soql_kinds may[SIGNATURE_VARIABLES_MAX] = {0};
    for (size_t i = 0; i < s->n_variables; i++)
        may[i] = s->classes[i];
    if (r->variable < 0 && r->kind != kind)
        return false;
    if (r->variable >= 0) {
        soql_kinds fitting = 0;
        for (unsigned k = 0; k < KIND_COUNT; k++)
            if (kinds_have(may[r->variable], (enum soql_kind)k) && (r->is_multi ? kind_multi((enum soql_kind)k) : (enum soql_kind)k) == kind)
                fitting |= KIND_BIT(k);
        may[r->variable] = fitting;
    }
    for (size_t i = 0; i < s->n_variables; i++) {
        if (!(may[i] & ~KINDS_WITHOUT_LITERALS))
            return false;
        variables[i] = generate_kind(c, may[i]);
    }
    return true;
}

static bool may_stand(const struct soql_function *f, const struct context *c)
{
    switch (f->kind) {
    case FUNCTION_SCALAR:
        return true;
    case FUNCTION_AGGREGATE:
        return c->inside || c->windows;
    case FUNCTION_WINDOW:
        return c->windows;
    }
    return false;
}

static bool choose_call(struct generator *g, const struct context *c, enum soql_kind kind, struct call *ret)
{
    size_t n;
    const struct soql_function *all = soql_functions(&n);
    unsigned weight = 0;
    for (size_t i = 0; i < n; i++) {
        struct call one = {.f = &all[i]};
        if (is_left_out(&all[i]) || !may_stand(&all[i], c) || !signature_read(&all[i], &one.s) || !binds(&one.s, kind, &g->chance, one.variables))
            continue;
        unsigned mine = all[i].kind == FUNCTION_SCALAR ? 1 : 4;
        weight += mine;
        if (chance_below(&g->chance, weight) < mine)
            *ret = one;
    }
    return weight > 0;
}

static void generate_argument(struct generator *g, const struct context *c, const struct call *call, size_t at, unsigned depth)
{
    enum soql_kind kind = signature_slot_kind(signature_argument(&call->s, at), call->variables);
    if (strncmp(call->f->name, "regr_", 5) == 0 && generate_field(g, c->fields, kind))
        return; /* what is the same in all rows has no slope */
    if (chance_percent(&g->chance, 85) && generate_suited(g, call->f->name, at, kind))
        return;
    generate_expression(g, c, kind, depth);
}

static void generate_between(struct generator *g, const struct context *c, const struct call *call, unsigned depth, const char *const *words)
{
    for (size_t i = 0; i < call->s.n; i++) {
        buf_add_z(g->out, words[i]);
        buf_add_z(g->out, "(");
        generate_argument(g, c, call, i, depth);
        buf_add_z(g->out, ")");
    }
}

static void generate_list(struct generator *g, const struct context *c, const struct call *call, unsigned depth, size_t from)
{
    size_t n = call->s.n + (call->s.repeats ? chance_below(&g->chance, 3) : 0);
    for (size_t i = from; i < n; i++) {
        buf_add_z(g->out, i > from ? ", " : "");
        generate_argument(g, c, call, i, depth);
    }
}

static void generate_case(struct generator *g, const struct context *c, enum soql_kind kind, unsigned depth)
{
    buf_add_z(g->out, "case");
    for (unsigned pairs = 1 + chance_below(&g->chance, 2); pairs > 0; pairs--) {
        buf_add_z(g->out, " when ");
        generate_expression(g, c, KIND_BOOLEAN, depth);
        buf_add_z(g->out, " then ");
        generate_expression(g, c, kind, depth);
    }
    if (chance_percent(&g->chance, 70)) {
        buf_add_z(g->out, " else ");
        generate_expression(g, c, kind, depth);
    }
    buf_add_z(g->out, " end");
}

static void generate_filter(struct generator *g, const struct context *c)
{
    if (!chance_percent(&g->chance, 20))
        return;
    buf_add_z(g->out, " filter (where ");
    generate_expression(g, c, KIND_BOOLEAN, 1);
    buf_add_z(g->out, ")");
}

static void generate_frame(struct generator *g)
{
    static const char *const frames[] = {
        " rows 2 preceding", " rows between 1 preceding and 1 following", " rows between unbounded preceding and unbounded following",
        " rows between current row and unbounded following exclude current row", " rows between 2 preceding and 1 preceding",
        " range between unbounded preceding and current row", " groups between 1 preceding and 1 following", " groups 1 preceding exclude ties",
        " rows unbounded preceding exclude group",
    };
    if (chance_percent(&g->chance, 30))
        buf_add_z(g->out, chance_pick(&g->chance, frames));
}

/* Mostly over a total order: what a row sees of others must not be left to chance. */
static void generate_over(struct generator *g, const struct context *c)
{
    const struct context plain = {.fields = c->fields};
    static const soql_kinds equatable = KIND_BIT(KIND_TEXT) | KIND_BIT(KIND_NUMBER) | KIND_BIT(KIND_BOOLEAN) | KIND_BIT(KIND_FLOATING) | KIND_BIT(KIND_FIXED);
    buf_add_z(g->out, " over (");
    if (chance_percent(&g->chance, 50)) {
        buf_add_z(g->out, "partition by ");
        generate_expression(g, &plain, generate_kind(&g->chance, equatable), 1);
    }
    if (chance_percent(&g->chance, 85)) {
        buf_add_z(g->out, " order by ");
        generate_expression(g, &plain, generate_kind(&g->chance, equatable), 1);
        buf_add_z(g->out, chance_percent(&g->chance, 30) ? " desc" : "");
        if (c->fields->have_id && chance_percent(&g->chance, 95))
            buf_add_z(g->out, ", :id");
        generate_frame(g);
    }
    buf_add_z(g->out, ")");
}

/* Aggregates and window functions: arguments are of the rows that they run over. */
static void generate_summary(struct generator *g, const struct context *c, const struct call *call, unsigned depth)
{
    bool over = c->windows && (call->f->kind == FUNCTION_WINDOW || !c->inside);
    const struct context inner = {.fields = over ? c->fields : c->inside};
    if (strcmp(call->f->name, "count/*") == 0) {
        buf_add_z(g->out, "count(*)");
    } else if (strcmp(call->f->name, "count_distinct") == 0) {
        buf_add_z(g->out, "count(distinct ");
        generate_list(g, &inner, call, depth, 0);
        buf_add_z(g->out, ")");
    } else {
        buf_printf(g->out, "%s(", call->f->name);
        generate_list(g, &inner, call, depth, 0);
        buf_add_z(g->out, ")");
    }
    if (call->f->kind == FUNCTION_AGGREGATE)
        generate_filter(g, &inner);
    if (over)
        generate_over(g, c);
}

static void generate_operator(struct generator *g, const struct context *c, const struct call *call, unsigned depth, const char *word)
{
    char between[16];
    snprintf(between, sizeof between, " %s ", word);
    const char *const one[] = {between}, *const two[] = {"", between};
    generate_between(g, c, call, depth, call->s.n == 1 ? one : two);
}

static void generate_form(struct generator *g, const struct context *c, const struct call *call, unsigned depth)
{
    static const struct {
        const char *name, *words[4];
    } forms[] = {
        {"#IS_NULL", {"", " is null"}},           {"#IS_NOT_NULL", {"", " is not null"}},
        {"#BETWEEN", {"", " between ", " and "}}, {"#NOT_BETWEEN", {"", " not between ", " and "}},
        {"#LIKE", {"", " like "}},                {"#NOT_LIKE", {"", " not like "}},
        {"#IN", {"", " in "}},                    {"#NOT_IN", {"", " not in "}},
        {"#SUBSCRIPT", {""}},
    };
    const char *name = call->f->name;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (strcmp(forms[i].name, name) != 0)
            continue;
        if (strstr(name, "NULL")) {
            generate_between(g, c, call, depth, forms[i].words);
            buf_add_z(g->out, forms[i].words[1]);
        } else if (strstr(name, "IN") && strlen(name) <= 7) {
            buf_add_z(g->out, "(");
            generate_argument(g, c, call, 0, depth);
            buf_printf(g->out, ")%s(", forms[i].words[1]);
            generate_list(g, c, call, depth, 1);
            buf_add_z(g->out, ")");
        } else if (strcmp(name, "#SUBSCRIPT") == 0) {
            buf_add_z(g->out, "(");
            generate_argument(g, c, call, 0, depth);
            buf_add_z(g->out, ")[");
            generate_argument(g, c, call, 1, depth);
            buf_add_z(g->out, "]");
        } else {
            generate_between(g, c, call, depth, forms[i].words);
        }
        return;
    }
}

static void generate_call(struct generator *g, const struct context *c, const struct call *call, enum soql_kind kind, unsigned depth)
{
    const char *name = call->f->name;
    if (call->f->kind != FUNCTION_SCALAR)
        generate_summary(g, c, call, depth);
    else if (strcmp(name, "#CASE") == 0 || strcmp(name, "case") == 0)
        generate_case(g, c, kind, depth);
    else if (strcmp(name, "#TEXT") == 0) {
        generate_argument(g, c, call, 0, depth);
        buf_add_z(g->out, " || ''");
    } else if (strncmp(name, "op$", 3) == 0)
        generate_operator(g, c, call, depth, name + 3);
    else if (strncmp(name, "cast$", 5) == 0) {
        buf_add_z(g->out, "(");
        generate_argument(g, c, call, 0, depth);
        buf_printf(g->out, ")::%s", name + 5);
    } else if (name[0] == '#')
        generate_form(g, c, call, depth);
    else {
        buf_printf(g->out, "%s(", name);
        generate_list(g, c, call, depth, 0);
        buf_add_z(g->out, ")");
    }
}

void generate_expression(struct generator *g, const struct context *c, enum soql_kind kind, unsigned depth)
{
    struct call call;
    unsigned leaf = depth == 0 ? 100 : depth >= DEPTH_MAX ? 5 : 45;
    if (c->inside && depth > 0)
        leaf /= 3;
    if (chance_percent(&g->chance, leaf) || !choose_call(g, c, kind, &call))
        generate_leaf(g, c, kind);
    else
        generate_call(g, c, &call, kind, depth ? depth - 1 : 0);
}

enum soql_kind generate_call_of(struct generator *g, const struct context *c, size_t line)
{
    size_t n;
    const struct soql_function *all = soql_functions(&n);
    struct call call = {.f = &all[line % n]};
    if (!signature_read(call.f, &call.s))
        abort(); /* the table has a test of its own */
    for (size_t i = 0; i < call.s.n_variables; i++)
        call.variables[i] = generate_kind(&g->chance, call.s.classes[i]);
    enum soql_kind kind = signature_slot_kind(&call.s.result, call.variables);
    generate_call(g, c, &call, kind, 1);
    return kind;
}
