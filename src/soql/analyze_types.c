/* The types that an expression may have (analyze.h; docs/wire/soql.md, "Types and literals"; soql-reference,
 * FunctionCallTypechecker.scala): literals are polymorphic, everything else has the types that its functions can give. */
#include "soql/analyze.h"

#include "soql/literal.h"

uint32_t typing_cost(const struct typing *t, enum soql_kind k)
{
    switch (t->kind) {
    case TYPING_FIXED:
    case TYPING_NULL:
        return 0;
    case TYPING_NUMBER:
        return k != KIND_NUMBER;
    case TYPING_STRING:
        return k != KIND_TEXT;
    case TYPING_CALL:
        break;
    }
    for (size_t i = 0; i < t->n_choices; i++)
        if (t->choices[i].kind == k)
            return t->choices[i].cost;
    return UINT32_MAX / 2;
}

enum soql_kind typing_best(const struct typing *t)
{
    enum soql_kind best = kind_first(t->kinds);
    for (enum soql_kind k = best + 1; k < KIND_COUNT; k++)
        if (kinds_have(t->kinds, k) && typing_cost(t, k) < typing_cost(t, best))
            best = k;
    return best;
}

/* ── calls ── */

/* The kinds that fit the slot, of those that its variable may still be. */
static soql_kinds slot_kinds(const struct signature_slot *slot, const soql_kinds *variables)
{
    return slot->variable >= 0 ? variables[slot->variable] : KIND_BIT(slot->kind);
}

/* How far an overload got: the index of the argument that does not fit, or n. */
struct attempt {
    size_t reached;
    soql_kinds wanted;             /* there */
    soql_kinds variables[SIGNATURE_VARIABLES_MAX];
};

static void try_signature(const struct signature *sig, const struct typing *t, struct attempt *ret)
{
    memcpy(ret->variables, sig->classes, sizeof ret->variables);
    for (ret->reached = 0; ret->reached < t->n; ret->reached++) {
        const struct signature_slot *slot = signature_argument(sig, ret->reached);
        soql_kinds fit = slot_kinds(slot, ret->variables) & t->args[ret->reached]->kinds;
        if (!fit) {
            ret->wanted = slot_kinds(slot, ret->variables);
            return;
        }
        if (slot->variable >= 0)
            ret->variables[slot->variable] = fit;
    }
}

/* What the arguments cost that the variable stands for (-1: those without one). */
static uint32_t cost_of(const struct signature *sig, const struct typing *t, int variable, enum soql_kind kind)
{
    uint32_t cost = 0;
    for (size_t i = 0; i < t->n; i++) {
        const struct signature_slot *slot = signature_argument(sig, i);
        if (slot->variable == variable)
            cost += typing_cost(t->args[i], variable >= 0 ? kind : slot->kind);
    }
    return cost;
}

static enum soql_kind cheapest(const struct signature *sig, const struct typing *t, int variable, soql_kinds among, uint32_t *ret_cost)
{
    enum soql_kind best = kind_first(among);
    *ret_cost = cost_of(sig, t, variable, best);
    for (enum soql_kind k = best + 1; k < KIND_COUNT; k++) {
        uint32_t cost = kinds_have(among, k) ? cost_of(sig, t, variable, k) : UINT32_MAX;
        if (cost < *ret_cost) {
            *ret_cost = cost;
            best = k;
        }
    }
    return best;
}

/* Keeps the cheapest choice of each kind, of equal ones the first. */
static bool keep_choice(struct analyzer *az, struct typing *t, const struct choice *c, struct error *err)
{
    if (kinds_have(t->kinds, c->kind)) {
        for (size_t i = 0; i < t->n_choices; i++)
            if (t->choices[i].kind == c->kind && c->cost < t->choices[i].cost)
                t->choices[i] = *c;
        return true;
    }
    struct choice *more = arena_grow(az->arena, t->choices, t->n_choices * sizeof *more, (t->n_choices + 1) * sizeof *more);
    if (!more)
        return error_no_memory(err);
    more[t->n_choices++] = *c;
    t->choices = more;
    t->kinds |= KIND_BIT(c->kind);
    return true;
}

/* Every result that the overload can have; a variable that the result does not depend on is bound to what costs least. */
static bool keep_choices(struct analyzer *az, struct typing *t, const struct soql_function *f, const struct signature *sig,
                         const struct attempt *a, bool free_of_cost, struct error *err)
{
    struct choice c = {.function = f, .signature = sig};
    uint32_t fixed_cost = cost_of(sig, t, -1, KIND_TEXT);
    int open = sig->result.variable;
    for (size_t v = 0; v < sig->n_variables; v++) {
        uint32_t cost;
        c.variables[v] = cheapest(sig, t, (int)v, a->variables[v], &cost);
        fixed_cost += (int)v == open ? 0 : cost;
    }
    soql_kinds results = open >= 0 ? a->variables[open] : KIND_BIT(KIND_TEXT);
    for (enum soql_kind k = 0; k < KIND_COUNT; k++) {
        if (!kinds_have(results, k))
            continue;
        if (open >= 0)
            c.variables[open] = k;
        c.kind = signature_slot_kind(&sig->result, c.variables);
        c.cost = free_of_cost ? 0 : fixed_cost + (open >= 0 ? cost_of(sig, t, open, k) : 0);
        if (!keep_choice(az, t, &c, err))
            return false;
    }
    return true;
}

/* Overloads of a call, tried one after the other. */
struct overloads {
    bool is_arity_known;
    struct attempt best;           /* of the failed ones, that which got furthest */
    bool has_failed;
};

static bool try_overloads(struct analyzer *az, struct typing *t, const struct soql_function *f, size_t n, struct overloads *o,
                          struct error *err)
{
    /* A cast takes the first line that fits: a literal that can be of the type is of the type, and nothing is left to do at run time. */
    bool is_cast = t->node->form == FORM_CAST;
    for (size_t i = 0; i < n; i++) {
        struct signature *sig = arena_alloc(az->arena, sizeof *sig);
        if (!sig)
            return error_no_memory(err);
        if (!signature_read(&f[i], sig) || !signature_takes(sig, t->n))
            continue;
        o->is_arity_known = true;
        struct attempt a = {0};
        try_signature(sig, t, &a);
        if (a.reached == t->n) {
            if (!keep_choices(az, t, &f[i], sig, &a, is_cast, err))
                return false;
        } else if (!o->has_failed || a.reached > o->best.reached) {
            o->best = a;
            o->has_failed = true;
        } else if (a.reached == o->best.reached) {
            o->best.wanted |= a.wanted;
        }
    }
    return true;
}

static bool mismatch_at(struct analyzer *az, const struct typing *t, struct str function, const struct overloads *o, struct error *err)
{
    const struct typing *arg = t->args[o->best.reached];
    return problem_mismatch(az, t->node, function, &arg->node->place, arg->kinds, o->best.wanted, err);
}

static bool type_function(struct analyzer *az, struct typing *t, struct error *err)
{
    size_t n;
    struct overloads o = {0};
    const struct soql_function *f = soql_functions_named(t->node->text, &n);
    if (!try_overloads(az, t, f, n, &o, err))
        return false;
    if (!o.is_arity_known)
        return problem_function(az, t->node, t->node->text, t->n, err);
    if (!t->kinds)
        return mismatch_at(az, t, t->node->text, &o, err);
    return true;
}

/* x.name: the function <type>_name of every type that x may have, then a member of JSON (soql-reference, Typechecker.scala). */
static bool type_field(struct analyzer *az, struct typing *t, struct error *err)
{
    struct typing *x = t->args[0];
    struct str name = t->node->args[1]->text;
    struct overloads o = {0};
    size_t n_all = t->n, n;
    t->n = 1;
    for (enum soql_kind k = 0; k < KIND_COUNT; k++) {
        if (!kinds_have(x->kinds, k))
            continue;
        char *z = arena_printf(az->arena, "%s_" FMT_STR, kind_type(k)->soql_name, ARG_STR(shown(name)));
        if (!z)
            return error_no_memory(err);
        const struct soql_function *f = soql_functions_named(str_from(z), &n);
        if (!try_overloads(az, t, f, n, &o, err))
            return false;
    }
    if (t->kinds)
        return true;
    t->n = n_all;
    const struct soql_function *f = soql_functions_named(STR("#SUBSCRIPT"), &n);
    if (!try_overloads(az, t, f, n, &o, err))
        return false;
    if (t->kinds)
        return true;
    char *z = arena_printf(az->arena, "%s_" FMT_STR, kind_type(typing_best(x))->soql_name, ARG_STR(shown(name)));
    return z ? problem_function(az, t->node, str_from(z), 1, err) : error_no_memory(err);
}

/* ── the forms that repeat ── */

static bool keep_special(struct analyzer *az, struct typing *t, const char *function, enum soql_kind kind, uint32_t cost, struct error *err)
{
    size_t n;
    struct choice c = {.kind = kind, .cost = cost, .function = soql_functions_named(str_from(function), &n)};
    if (!c.function)
        return error_set(err, ERROR_INTERNAL, "functions.def has no %s", function);
    return keep_choice(az, t, &c, err);
}

static bool type_logic(struct analyzer *az, struct typing *t, struct error *err)
{
    uint32_t cost = 0;
    for (size_t i = 0; i < t->n; i++) {
        if (!kinds_have(t->args[i]->kinds, KIND_BOOLEAN))
            return problem_mismatch(az, t->node, t->node->text, &t->args[i]->node->place, t->args[i]->kinds, KIND_BIT(KIND_BOOLEAN), err);
        cost += typing_cost(t->args[i], KIND_BOOLEAN);
    }
    return keep_special(az, t, str_eq_fold(t->node->text, STR("op$AND")) ? "op$and" : "op$or", KIND_BOOLEAN, cost, err);
}

/* Conditions and values in turn; with an odd number the last one is what is left (an ELSE). */
static bool type_case(struct analyzer *az, struct typing *t, struct error *err)
{
    soql_kinds common = KINDS_ALL;
    uint32_t conditions = 0;
    for (size_t i = 0; i < t->n; i++) {
        const struct typing *a = t->args[i];
        bool is_condition = i % 2 == 0 && i + 1 < t->n;
        soql_kinds wanted = is_condition ? KIND_BIT(KIND_BOOLEAN) : common;
        if (!(a->kinds & wanted))
            return problem_mismatch(az, t->node, t->node->text, &a->node->place, a->kinds, wanted, err);
        if (is_condition)
            conditions += typing_cost(a, KIND_BOOLEAN);
        else
            common &= a->kinds;
    }
    for (enum soql_kind k = 0; k < KIND_COUNT; k++) {
        if (!kinds_have(common, k))
            continue;
        uint32_t cost = conditions;
        for (size_t i = 0; i < t->n; i++)
            cost += i % 2 == 0 && i + 1 < t->n ? 0 : typing_cost(t->args[i], k);
        if (!keep_special(az, t, "#CASE", k, cost, err))
            return false;
    }
    return true;
}

static bool is_true_literal(const struct soql_node *n)
{
    return n->kind == NODE_BOOLEAN && n->is_true;
}

/* Of CASE … END and of case(): how many arguments stay, and whether the one before the last goes, because a condition that always
 * holds makes its value an ELSE. */
static bool case_arguments(struct analyzer *az, const struct soql_node *n, size_t *ret_n, bool *ret_else, struct error *err)
{
    *ret_else = n->form == FORM_CASE ? n->has_else : n->n > 2 && n->n % 2 == 0 && is_true_literal(n->args[n->n - 2]);
    if (n->n < 2 || n->n % 2)
        return problem_function(az, n, n->text, n->n, err);
    *ret_n = n->form == FORM_CASE && !n->has_else ? n->n - 2 : n->n;
    return true;
}

static bool is_case(const struct soql_node *n)
{
    return n->form == FORM_CASE || (n->form == FORM_FUNCTION && str_eq_fold(n->text, STR("case")));
}

static bool is_logic(const struct soql_node *n)
{
    return n->form == FORM_BINARY && (str_eq_fold(n->text, STR("op$AND")) || str_eq_fold(n->text, STR("op$OR")));
}

static bool type_arguments(struct scope *s, struct typing *t, size_t n, bool has_else, struct error *err)
{
    t->args = arena_alloc(s->az->arena, n * sizeof *t->args);
    if (!t->args)
        return error_no_memory(err);
    for (size_t i = 0; i < n; i++) {
        if (has_else && i == n - 2)
            continue;
        struct typing *a;
        if (!type_node(s, t->node->args[i], &a, err))
            return false;
        t->args[t->n++] = a;
        t->size += a->size;
        t->depth = a->depth > t->depth ? a->depth : t->depth;
        if (!t->row_ids)
            t->row_ids = a->row_ids;
    }
    return true;
}

static bool type_call(struct scope *s, const struct soql_node *n, struct typing *t, struct error *err)
{
    size_t n_args = n->n;
    bool has_else = false;
    t->kind = TYPING_CALL;
    if (is_case(n) && !case_arguments(s->az, n, &n_args, &has_else, err))
        return false;
    if (!type_arguments(s, t, n_args, has_else, err))
        return false;
    bool ok;
    if (is_case(n))
        ok = type_case(s->az, t, err);
    else if (is_logic(n))
        ok = type_logic(s->az, t, err);
    else if (n->form == FORM_FIELD)
        ok = type_field(s->az, t, err);
    else
        ok = type_function(s->az, t, err);
    if (!ok || !t->n_choices)
        return false; /* a typing that is right has a choice */
    t->size++;
    t->depth++;
    return analyze_calls_extras(s, n, t->choices[0].function, t, err);
}

/* ── leaves ── */

static bool type_truth(struct analyzer *az, const struct soql_node *n, struct typing *t, struct error *err)
{
    struct soql_expr *e = arena_zalloc(az->arena, sizeof *e);
    if (!e)
        return error_no_memory(err);
    *e = (struct soql_expr){.kind = EXPR_LITERAL, .type = &type_boolean, .place = n->place, .literal = cell_int(n->is_true)};
    expr_finish(e);
    t->fixed = e;
    t->kinds = KIND_BIT(KIND_BOOLEAN);
    return true;
}

static bool type_leaf_or_call(struct scope *s, const struct soql_node *n, struct typing *t, struct error *err)
{
    switch (n->kind) {
    case NODE_NUMBER:
        t->kind = TYPING_NUMBER;
        t->kinds = KIND_BIT(KIND_NUMBER) | KIND_BIT(KIND_DOUBLE);
        return true;
    case NODE_STRING:
        t->kind = TYPING_STRING;
        return literal_kinds(n->text, s->az->arena, &t->kinds) || error_no_memory(err);
    case NODE_NULL:
        t->kind = TYPING_NULL;
        t->kinds = KINDS_ALL;
        return true;
    case NODE_BOOLEAN:
        return type_truth(s->az, n, t, err);
    case NODE_COLUMN:
        return type_name(s, n, t, err);
    case NODE_CALL:
        return n->form == FORM_FILTER ? type_filter(s, n, t, err) : type_call(s, n, t, err);
    case NODE_PARAM:
        return problem(s->az, err, ERROR_QUERY_BAD_USE, &n->place, "Bad parse: param('" FMT_STR "') has no value here; write the value itself",
                       ARG_STR(shown(n->text)));
    case NODE_PARENS:
        break; /* not here: type_node looks through them */
    }
    return error_set(err, ERROR_INTERNAL, "an expression of no kind");
}

bool type_node(struct scope *s, const struct soql_node *n, struct typing **ret, struct error *err)
{
    while (n->kind == NODE_PARENS)
        n = n->args[0];
    struct typing *t = arena_zalloc(s->az->arena, sizeof *t);
    if (!t)
        return error_no_memory(err);
    *t = (struct typing){.node = n, .kind = TYPING_FIXED, .size = 1, .depth = 1};
    if (++s->depth > SOQL_DEPTH_MAX * 2)
        return problem(s->az, err, ERROR_LIMIT_EXCEEDED, &n->place, "expressions nest at most %d deep, aliases unfolded", SOQL_DEPTH_MAX);
    if (n->kind == NODE_CALL)
        t->size = t->depth = 0;
    bool ok = type_leaf_or_call(s, n, t, err);
    s->depth--;
    if (ok && t->depth > SOQL_DEPTH_MAX)
        return problem(s->az, err, ERROR_LIMIT_EXCEEDED, &n->place, "expressions nest at most %d deep, aliases unfolded", SOQL_DEPTH_MAX);
    *ret = t;
    return ok;
}
