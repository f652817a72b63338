/* Expressions, one function a level of precedence, lowest first (docs/wire/soql.md, "Grammar"). */
#include "soql/parse_state.h"

typedef struct soql_node *(*rule)(struct parser *p);

struct operator {
    const char *spelled, *name;
};

static struct soql_node *parse_is(struct parser *p);

/* rule { op rule } */
static struct soql_node *parse_left(struct parser *p, const struct operator *ops, size_t n, rule operand)
{
    struct soql_node *left = operand(p);
    while (left) {
        size_t i = 0;
        while (i < n && !at_operator(p, 0, ops[i].spelled))
            i++;
        if (i == n) {
            missed(p, "an operator");
            return left;
        }
        struct soql_token op = take(p);
        struct soql_node *right = operand(p);
        if (!right)
            return NULL;
        left = make_call(p, FORM_BINARY, ops[i].name, place_from(p, left->place.at), place_of(p, &op), (struct soql_node *[]){left, right}, 2);
        if (left)
            left->spelled = ops[i].spelled;
    }
    return NULL;
}

/* rule { word rule }: one node of all the terms, however many there are */
static struct soql_node *parse_terms(struct parser *p, enum soql_word w, const char *name, rule term)
{
    struct soql_node *first = term(p);
    if (!first || !accept_word(p, w))
        return first;
    struct soql_place op = place_of(p, &p->last);
    struct soql_node *n = make_node(p, NODE_CALL, op), **args = NULL;
    if (!n || !grow(p, &args, 0, sizeof *args))
        return NULL;
    size_t count = 0;
    args[count++] = first;
    do {
        if (!grow(p, &args, count, sizeof *args) || !(args[count] = term(p)))
            return NULL;
        count++;
    } while (accept_word(p, w));
    n->form = FORM_BINARY;
    n->text = str_from(name);
    n->spelled = soql_word_text(w);
    n->place = place_from(p, first->place.at);
    return set_args(p, n, args, count) ? n : NULL;
}

/* not = NOT not | is */
static struct soql_node *parse_not(struct parser *p)
{
    if (!at_word(p, 0, WORD_NOT))
        return parse_is(p);
    struct soql_token op = take(p);
    if (!descend(p))
        return NULL;
    struct soql_node *arg = parse_not(p);
    p->depth--;
    return arg ? make_call(p, FORM_UNARY, "op$NOT", place_from(p, op.at), place_of(p, &op), &arg, 1) : NULL;
}

/* and = not { AND not } */
static struct soql_node *parse_and(struct parser *p)
{
    return parse_terms(p, WORD_AND, "op$AND", parse_not);
}

/* expression = and { OR and } */
struct soql_node *parse_expression(struct parser *p)
{
    if (!descend(p))
        return NULL;
    struct soql_node *n = parse_terms(p, WORD_OR, "op$OR", parse_and);
    p->depth--;
    return n;
}

bool parse_list(struct parser *p, struct soql_node ***ret, size_t *ret_n)
{
    struct soql_node **v = NULL;
    size_t n = 0;
    do {
        if (!grow(p, &v, n, sizeof *v) || !(v[n] = parse_expression(p)))
            return false;
        n++;
    } while (accept_operator(p, ","));
    *ret = v;
    *ret_n = n;
    return true;
}

/* ── IS, LIKE, BETWEEN, IN ── */

/* The operands of LIKE and BETWEEN are of this same level. */
static struct soql_node *parse_is_operand(struct parser *p)
{
    if (!descend(p))
        return NULL;
    struct soql_node *n = parse_is(p);
    p->depth--;
    return n;
}

/* IS [NOT] NULL */
static struct soql_node *parse_is_null(struct parser *p, struct soql_node *left)
{
    struct soql_token op = take(p);
    bool is_not = accept_word(p, WORD_NOT);
    if (!expect_word(p, WORD_NULL))
        return NULL;
    return make_call(p, FORM_IS_NULL, is_not ? "#IS_NOT_NULL" : "#IS_NULL", place_from(p, left->place.at), place_from(p, op.at), &left, 1);
}

/* LIKE is */
static struct soql_node *parse_like(struct parser *p, struct soql_node *left, bool is_not, struct soql_place op)
{
    struct soql_node *pattern = parse_is_operand(p);
    if (!pattern)
        return NULL;
    return make_call(p, FORM_LIKE, is_not ? "#NOT_LIKE" : "#LIKE", place_from(p, left->place.at), op, (struct soql_node *[]){left, pattern}, 2);
}

/* BETWEEN is AND is */
static struct soql_node *parse_between(struct parser *p, struct soql_node *left, bool is_not, struct soql_place op)
{
    struct soql_node *low = parse_is_operand(p);
    if (!low || !expect_word(p, WORD_AND))
        return NULL;
    struct soql_node *high = parse_is_operand(p);
    if (!high)
        return NULL;
    return make_call(p, FORM_BETWEEN, is_not ? "#NOT_BETWEEN" : "#BETWEEN", place_from(p, left->place.at), op,
                     (struct soql_node *[]){left, low, high}, 3);
}

/* IN '(' expression {',' expression} ')' */
static struct soql_node *parse_in(struct parser *p, struct soql_node *left, bool is_not, struct soql_place op)
{
    struct soql_node *n = make_node(p, NODE_CALL, op), **args = NULL;
    if (!n || !grow(p, &args, 0, sizeof *args) || !expect_operator(p, "("))
        return NULL;
    size_t count = 0;
    args[count++] = left;
    do {
        if (count > SOQL_IN_MAX) {
            refuse_at(p, ERROR_QUERY_TOO_LARGE, place_of(p, peek(p, 0)), "IN has more than %d values, which is the limit", SOQL_IN_MAX);
            return NULL;
        }
        if (!grow(p, &args, count, sizeof *args) || !(args[count] = parse_expression(p)))
            return NULL;
        count++;
    } while (accept_operator(p, ","));
    if (!expect_operator(p, ")"))
        return NULL;
    n->form = FORM_IN;
    n->text = is_not ? STR("#NOT_IN") : STR("#IN");
    n->place = place_from(p, left->place.at);
    return set_args(p, n, args, count) ? n : NULL;
}

/* One of them after `left`; *ret stays when there is none. */
static bool parse_postfix(struct parser *p, struct soql_node **ret)
{
    static const struct {
        enum soql_word word;
        const char *text, *not_text;
        struct soql_node *(*parse)(struct parser *p, struct soql_node *left, bool is_not, struct soql_place op);
    } forms[] = {
        {WORD_LIKE, "LIKE", "NOT LIKE", parse_like},
        {WORD_BETWEEN, "BETWEEN", "NOT BETWEEN", parse_between},
        {WORD_IN, "IN", "NOT IN", parse_in},
    };
    if (at_word(p, 0, WORD_IS))
        return (*ret = parse_is_null(p, *ret)) != NULL;
    missed(p, "IS");
    bool is_not = at_word(p, 0, WORD_NOT);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (!at_word(p, is_not, forms[i].word)) {
            missed(p, forms[i].text);
            missed(p, forms[i].not_text);
            continue;
        }
        struct soql_token op = take(p);
        if (is_not)
            take(p);
        return (*ret = forms[i].parse(p, *ret, is_not, place_from(p, op.at))) != NULL;
    }
    return true;
}

/* ── operators ── */

static struct soql_node *parse_sign(struct parser *p);

/* power = sign ['^' power] */
static struct soql_node *parse_power(struct parser *p)
{
    struct soql_node *left = parse_sign(p);
    if (!left || !at_operator(p, 0, "^"))
        return left;
    struct soql_token op = take(p);
    if (!descend(p))
        return NULL;
    struct soql_node *right = parse_power(p);
    p->depth--;
    if (!right)
        return NULL;
    struct soql_node *n =
        make_call(p, FORM_BINARY, "op$^", place_from(p, left->place.at), place_of(p, &op), (struct soql_node *[]){left, right}, 2);
    if (n)
        n->spelled = "^";
    return n;
}

/* product = power { ('*' | '/' | '%') power } */
static struct soql_node *parse_product(struct parser *p)
{
    static const struct operator ops[] = {{"*", "op$*"}, {"/", "op$/"}, {"%", "op$%"}};
    return parse_left(p, ops, sizeof ops / sizeof *ops, parse_power);
}

/* sum = product { ('+' | '-' | '||') product } */
static struct soql_node *parse_sum(struct parser *p)
{
    static const struct operator ops[] = {{"+", "op$+"}, {"-", "op$-"}, {"||", "op$||"}};
    return parse_left(p, ops, sizeof ops / sizeof *ops, parse_product);
}

/* comparison = sum { ('=' | '==' | '<>' | '!=' | '<' | '<=' | '>' | '>=') sum } */
static struct soql_node *parse_comparison(struct parser *p)
{
    static const struct operator ops[] = {{"=", "op$="}, {"==", "op$="}, {"<>", "op$<>"}, {"!=", "op$<>"},
                                          {"<", "op$<"}, {"<=", "op$<="}, {">", "op$>"}, {">=", "op$>="}};
    return parse_left(p, ops, sizeof ops / sizeof *ops, parse_sum);
}

/* is = comparison { IS [NOT] NULL | [NOT] LIKE is | [NOT] BETWEEN is AND is | [NOT] IN '(' … ')' } */
static struct soql_node *parse_is(struct parser *p)
{
    struct soql_node *n = parse_comparison(p), *had = NULL;
    while (n && n != had) {
        had = n;
        if (!parse_postfix(p, &n))
            return NULL;
    }
    return n;
}

/* ── atoms ── */

static struct soql_node *parse_literal(struct parser *p, enum soql_node_kind kind)
{
    struct soql_token t = take(p);
    struct soql_node *n = make_node(p, kind, place_of(p, &t));
    if (n) {
        n->text = t.text;
        n->is_true = t.word == WORD_TRUE;
    }
    return n;
}

/* '(' expression ')' */
static struct soql_node *parse_parens(struct parser *p)
{
    struct soql_token open = take(p);
    struct soql_node *arg = parse_expression(p);
    if (!arg || !expect_operator(p, ")"))
        return NULL;
    struct soql_node *n = make_call(p, FORM_FUNCTION, "", place_from(p, open.at), place_of(p, &open), &arg, 1);
    if (n)
        n->kind = NODE_PARENS;
    return n;
}

/* table '.' (name | system-name) */
static struct soql_node *parse_qualified(struct parser *p)
{
    struct soql_token table = take(p);
    if (!expect_operator(p, "."))
        return NULL;
    const struct soql_token *t = peek(p, 0);
    if (t->kind != TOKEN_NAME && t->kind != TOKEN_SYSTEM_NAME) {
        missed(p, "an identifier");
        refuse(p);
        return NULL;
    }
    struct soql_node *n = parse_literal(p, NODE_COLUMN);
    if (n) {
        n->qualifier = table.text;
        n->place = place_from(p, table.at);
    }
    return n;
}

static struct soql_node *parse_name(struct parser *p)
{
    const struct soql_token *t = peek(p, 0);
    bool is_call = at_operator(p, 1, "(");
    if (t->word == WORD_CASE && at_word(p, 1, WORD_WHEN))
        return parse_case(p);
    if (t->word == WORD_PARAM && is_call && str_eq(t->text, STR("param")))
        return parse_param(p);
    if (!is_call)
        return parse_literal(p, NODE_COLUMN);
    struct soql_token name = take(p);
    return parse_call(p, &name);
}

/* atom = number | string | TRUE | FALSE | NULL | '(' expression ')' | name | system-name | qualified | call | case | param */
static struct soql_node *parse_atom(struct parser *p)
{
    const struct soql_token *t = peek(p, 0);
    switch (t->kind) {
    case TOKEN_INTEGER:
    case TOKEN_NUMBER:
        return parse_literal(p, NODE_NUMBER);
    case TOKEN_STRING:
        return parse_literal(p, NODE_STRING);
    case TOKEN_NAME:
        return parse_name(p);
    case TOKEN_SYSTEM_NAME:
        return parse_literal(p, NODE_COLUMN);
    case TOKEN_TABLE:
        return parse_qualified(p);
    case TOKEN_WORD:
        if (t->word == WORD_TRUE || t->word == WORD_FALSE)
            return parse_literal(p, NODE_BOOLEAN);
        if (t->word == WORD_NULL)
            return parse_literal(p, NODE_NULL);
        break;
    case TOKEN_OPERATOR:
        if (at_operator(p, 0, "("))
            return parse_parens(p);
        break;
    case TOKEN_END:
    case TOKEN_SYSTEM_STAR:
    case TOKEN_HOLE:
    case TOKEN_BAD:
        break;
    }
    missed(p, "an expression");
    refuse(p);
    return NULL;
}

/* '.' name */
static struct soql_node *parse_field(struct parser *p, struct soql_node *of)
{
    if (peek(p, 0)->kind != TOKEN_NAME) {
        missed(p, "a non-system identifier");
        refuse(p);
        return NULL;
    }
    struct soql_node *name = parse_literal(p, NODE_STRING);
    if (!name)
        return NULL;
    return make_call(p, FORM_FIELD, "#FIELD", place_from(p, of->place.at), name->place, (struct soql_node *[]){of, name}, 2);
}

/* path = atom { '.' name | '[' expression ']' } */
static struct soql_node *parse_path(struct parser *p)
{
    struct soql_node *n = parse_atom(p);
    while (n) {
        if (accept_operator(p, ".")) {
            n = parse_field(p, n);
        } else if (accept_operator(p, "[")) {
            struct soql_place open = place_of(p, &p->last);
            struct soql_node *by = parse_expression(p);
            if (!by || !expect_operator(p, "]"))
                return NULL;
            n = make_call(p, FORM_SUBSCRIPT, "#SUBSCRIPT", place_from(p, n->place.at), open, (struct soql_node *[]){n, by}, 2);
        } else {
            return n;
        }
    }
    return NULL;
}

/* cast = path { '::' name } */
static struct soql_node *parse_cast(struct parser *p)
{
    struct soql_node *n = parse_path(p);
    while (n && accept_operator(p, "::")) {
        if (peek(p, 0)->kind != TOKEN_NAME) {
            missed(p, "an identifier");
            refuse(p);
            return NULL;
        }
        struct soql_token type = take(p);
        char *name = arena_printf(p->shared->arena, "cast$" FMT_STR, ARG_STR(type.text));
        if (!name) {
            no_memory(p);
            return NULL;
        }
        n = make_call(p, FORM_CAST, name, place_from(p, n->place.at), place_of(p, &type), &n, 1);
    }
    return n;
}

/* sign = ('+' | '-') sign | cast */
static struct soql_node *parse_sign(struct parser *p)
{
    bool is_minus = at_operator(p, 0, "-");
    if (!is_minus && !at_operator(p, 0, "+"))
        return parse_cast(p);
    struct soql_token op = take(p);
    if (!descend(p))
        return NULL;
    struct soql_node *arg = parse_sign(p);
    p->depth--;
    return arg ? make_call(p, FORM_UNARY, is_minus ? "op$-" : "op$+", place_from(p, op.at), place_of(p, &op), &arg, 1) : NULL;
}
