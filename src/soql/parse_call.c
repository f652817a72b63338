/* Calls, with FILTER and OVER; CASE; param(). */
#include "soql/parse_state.h"

/* A further part of a call, beside its arguments. */
static bool deepen(struct parser *p, struct soql_node *n, const struct soql_node *part)
{
    if (part->depth >= n->depth)
        n->depth = (uint16_t)(part->depth + 1);
    if (n->depth <= SOQL_DEPTH_MAX)
        return true;
    return refuse_at(p, ERROR_QUERY_TOO_LARGE, n->name_place, "an expression is nested deeper than %d levels, which is the limit", SOQL_DEPTH_MAX);
}

static bool set_name(struct parser *p, struct soql_node *n, struct str name, const char *suffix)
{
    char *text = arena_printf(p->shared->arena, FMT_STR "%s", ARG_STR(name), suffix);
    if (!text)
        return no_memory(p);
    n->text = str_from(text);
    return true;
}

/* The name of f(DISTINCT x): lower case, "_distinct" after it. */
static bool set_distinct_name(struct parser *p, struct soql_node *n, struct str name)
{
    if (!set_name(p, n, name, "_distinct"))
        return false;
    char *text = (char *)n->text.p; /* ours: the arena's copy */
    for (size_t i = 0; i < name.n; i++)
        if (text[i] >= 'A' && text[i] <= 'Z')
            text[i] |= 0x20;
    return true;
}

/* '(' ( '*' | DISTINCT expression | [expression {',' expression}] ) ')' */
static bool parse_arguments(struct parser *p, struct soql_node *n, struct str name)
{
    struct soql_node **args = NULL;
    size_t count = 0;
    take(p);
    n->text = name;
    if (accept_operator(p, ")"))
        return true;
    if (accept_operator(p, "*")) {
        n->form = FORM_STAR;
        return set_name(p, n, name, "/*") && expect_operator(p, ")");
    }
    if (accept_word(p, WORD_DISTINCT)) {
        n->form = FORM_DISTINCT;
        if (!set_distinct_name(p, n, name) || !grow(p, &args, 0, sizeof *args) || !(args[0] = parse_expression(p)))
            return false;
        count = 1;
    } else if (!parse_list(p, &args, &count)) {
        return false;
    }
    return expect_operator(p, ")") && set_args(p, n, args, count);
}

/* FILTER '(' [WHERE expression] ')' */
static bool parse_filter(struct parser *p, struct soql_node *n)
{
    if (!accept_word(p, WORD_FILTER))
        return true;
    n->has_filter = true;
    if (!expect_operator(p, "("))
        return false;
    if (accept_word(p, WORD_WHERE) && (!(n->filter = parse_expression(p)) || !deepen(p, n, n->filter)))
        return false;
    return expect_operator(p, ")");
}

static bool parse_over(struct parser *p, struct soql_node *n)
{
    if (!accept_word(p, WORD_OVER))
        return true;
    if (!parse_window(p, &n->over))
        return false;
    for (size_t i = 0; i < n->over->n_partition; i++)
        if (!deepen(p, n, n->over->partition[i]))
            return false;
    for (size_t i = 0; i < n->over->n_order; i++)
        if (!deepen(p, n, n->over->order[i].by))
            return false;
    return true;
}

/* call = name arguments [FILTER …] [OVER window] */
struct soql_node *parse_call(struct parser *p, const struct soql_token *name)
{
    struct soql_node *n = make_node(p, NODE_CALL, place_of(p, name));
    if (!n)
        return NULL;
    n->form = FORM_FUNCTION;
    if (!parse_arguments(p, n, name->text) || !parse_filter(p, n) || !parse_over(p, n))
        return NULL;
    n->place = place_from(p, name->at);
    return n;
}

/* ── CASE ── */

static bool add(struct parser *p, struct soql_node ***args, size_t *n, struct soql_node *arg)
{
    if (!arg || !grow(p, args, *n, sizeof **args))
        return false;
    (*args)[(*n)++] = arg;
    return true;
}

/* The last pair: TRUE and the value of ELSE, or FALSE and NULL. */
static bool parse_else(struct parser *p, struct soql_node *n, struct soql_node ***args, size_t *count)
{
    n->has_else = accept_word(p, WORD_ELSE);
    struct soql_node *condition = make_node(p, NODE_BOOLEAN, place_of(p, &p->last));
    if (!condition || !add(p, args, count, condition))
        return false;
    condition->is_true = n->has_else;
    return add(p, args, count, n->has_else ? parse_expression(p) : make_node(p, NODE_NULL, condition->place));
}

/* case = CASE WHEN expression THEN expression {WHEN expression THEN expression} [ELSE expression] END */
struct soql_node *parse_case(struct parser *p)
{
    struct soql_token word = take(p);
    struct soql_node *n = make_node(p, NODE_CALL, place_of(p, &word)), **args = NULL;
    size_t count = 0;
    if (!n)
        return NULL;
    while (accept_word(p, WORD_WHEN))
        if (!add(p, &args, &count, parse_expression(p)) || !expect_word(p, WORD_THEN) || !add(p, &args, &count, parse_expression(p)))
            return NULL;
    if (!parse_else(p, n, &args, &count) || !expect_word(p, WORD_END))
        return NULL;
    n->form = FORM_CASE;
    n->text = STR("#CASE");
    n->place = place_from(p, word.at);
    return set_args(p, n, args, count) ? n : NULL;
}

/* ── param() ── */

/* param = 'param' '(' [table ','] string ')' */
struct soql_node *parse_param(struct parser *p)
{
    struct soql_token word = take(p);
    take(p);
    struct soql_node *n = make_node(p, NODE_PARAM, place_of(p, &word));
    if (!n)
        return NULL;
    if (peek(p, 0)->kind == TOKEN_TABLE) {
        n->qualifier = take(p).text;
        if (!expect_operator(p, ","))
            return NULL;
    } else {
        missed(p, "a table identifier");
    }
    if (peek(p, 0)->kind != TOKEN_STRING) {
        missed(p, "a string");
        refuse(p);
        return NULL;
    }
    n->text = take(p).text;
    if (!expect_operator(p, ")"))
        return NULL;
    n->place = place_from(p, word.at);
    return n;
}
