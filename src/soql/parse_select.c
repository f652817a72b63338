/* Selects: the selection, tables, clauses in their one order (docs/wire/soql.md, "Grammar"). */
#include "soql/parse_state.h"

/* ── selection ── */

/* [HINT '(' [hint {',' hint}] ')']: planners' hints of the original; there is nothing here that they could say */
static bool skip_hints(struct parser *p)
{
    static const enum soql_word hints[] = {WORD_MATERIALIZED, WORD_NO_ROLLUP, WORD_NO_CHAIN_MERGE, WORD_COMPOUND_ROLLUP, WORD_ROLLUP_AT_JOIN};
    if (!at_word(p, 0, WORD_HINT) || !at_operator(p, 1, "("))
        return true;
    take(p);
    take(p);
    if (accept_operator(p, ")"))
        return true;
    do {
        size_t i = 0;
        while (i < sizeof hints / sizeof *hints && !at_word(p, 0, hints[i]))
            i++;
        if (i == sizeof hints / sizeof *hints) {
            missed(p, "a hint");
            return refuse(p);
        }
        take(p);
    } while (accept_operator(p, ","));
    return expect_operator(p, ")");
}

/* [DISTINCT [ON '(' expression {',' expression} ')']] */
static bool parse_distinct(struct parser *p, struct soql_select *into)
{
    into->distinct = accept_word(p, WORD_DISTINCT);
    if (!into->distinct || !accept_word(p, WORD_ON))
        return true;
    return expect_operator(p, "(") && parse_list(p, &into->distinct_on, &into->n_distinct_on) && expect_operator(p, ")");
}

/* '(' EXCEPT name {',' name} ')' */
static bool parse_except(struct parser *p, struct soql_star *star)
{
    if (!accept_operator(p, "("))
        return true;
    if (!expect_word(p, WORD_EXCEPT))
        return false;
    do {
        const struct soql_token *t = peek(p, 0);
        if (t->kind != (star->system ? TOKEN_SYSTEM_NAME : TOKEN_NAME)) {
            missed(p, star->system ? "a system identifier" : "a non-system identifier");
            return refuse(p);
        }
        struct soql_node *n = make_node(p, NODE_COLUMN, place_of(p, t));
        if (!n || !grow(p, &star->except, star->n_except, sizeof *star->except))
            return false;
        n->text = take(p).text;
        star->except[star->n_except++] = n;
    } while (accept_operator(p, ","));
    return expect_operator(p, ")");
}

/* Is a star `n` tokens ahead? */
static bool at_star(struct parser *p, unsigned n)
{
    return peek(p, n)->kind == TOKEN_SYSTEM_STAR || at_operator(p, n, "*");
}

static bool at_any_star(struct parser *p)
{
    return at_star(p, 0) || (peek(p, 0)->kind == TOKEN_TABLE && at_operator(p, 1, ".") && at_star(p, 2));
}

/* star = [table '.'] (':*' | '*') except */
static bool parse_star(struct parser *p, struct soql_select *into)
{
    struct soql_token first = *peek(p, 0);
    if (!grow(p, &into->stars, into->n_stars, sizeof *into->stars))
        return false;
    struct soql_star *star = &into->stars[into->n_stars];
    *star = (struct soql_star){0};
    if (first.kind == TOKEN_TABLE) {
        star->qualifier = first.text;
        take(p);
        take(p);
    }
    star->system = take(p).kind == TOKEN_SYSTEM_STAR;
    struct soql_place at = place_from(p, first.at);
    if (into->n_selected)
        return refuse_at(p, ERROR_QUERY_MALFORMED, at, "Star selections must come at the start of the select-list");
    if (star->system && into->n_stars)
        return refuse_at(p, ERROR_QUERY_MALFORMED, at, into->stars[0].system ? "There can be one `:*' in a select-list"
                                                     : "System column star selections must come before user column star selections");
    if (!parse_except(p, star))
        return false;
    star->place = place_from(p, first.at);
    into->n_stars++;
    return true;
}

/* A system name is an alias of that very column, or one of those that every dataset has. */
static bool is_system_alias(const struct soql_node *expr, struct str alias)
{
    static const char *const allowed[] = {":id", ":created_at", ":updated_at", ":version"};
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        if (str_eq_fold(alias, str_from(allowed[i])))
            return true;
    return expr->kind == NODE_COLUMN && str_eq_fold(expr->text, alias);
}

/* expression [AS alias] */
static bool parse_selected_expression(struct parser *p, struct soql_select *into)
{
    if (!grow(p, &into->selected, into->n_selected, sizeof *into->selected))
        return false;
    struct soql_selected *s = &into->selected[into->n_selected];
    *s = (struct soql_selected){.expr = parse_expression(p)};
    if (!s->expr)
        return false;
    into->n_selected++;
    if (!accept_word(p, WORD_AS))
        return true;
    const struct soql_token *t = peek(p, 0);
    bool is_system = t->kind == TOKEN_SYSTEM_NAME && is_system_alias(s->expr, t->text);
    if (t->kind != TOKEN_NAME && !is_system) {
        missed(p, t->kind == TOKEN_SYSTEM_NAME ? "a non-system identifier" : "an identifier");
        return refuse(p);
    }
    s->alias_place = place_of(p, t);
    s->alias = take(p).text;
    return true;
}

/* Nothing selected: the text ends, or a clause follows. */
static bool at_selection_end(struct parser *p)
{
    const struct soql_token *t = peek(p, 0);
    bool is_expression = t->word == WORD_NOT || t->word == WORD_TRUE || t->word == WORD_FALSE || t->word == WORD_NULL;
    return t->kind == TOKEN_END || (t->kind == TOKEN_WORD && !is_expression) || at_operator(p, 0, ")") || at_operator(p, 0, "|>");
}

/* selection = [hints] [distinct] [item {',' item}], stars first */
bool parse_selected(struct parser *p, struct soql_select *into)
{
    if (!skip_hints(p) || !parse_distinct(p, into))
        return false;
    if (at_selection_end(p)) {
        missed(p, "an expression");
        return true;
    }
    do
        if (at_any_star(p) ? !parse_star(p, into) : !parse_selected_expression(p, into))
            return false;
    while (accept_operator(p, ","));
    return true;
}

/* ── tables ── */

static bool refuse_without(struct parser *p, const char *required)
{
    missed(p, required);
    return refuse(p);
}

/* [AS (name | table)] */
static bool parse_table_alias(struct parser *p, struct soql_table_name *ret, const char *required)
{
    if (!accept_word(p, WORD_AS))
        return !required || refuse_without(p, required);
    const struct soql_token *t = peek(p, 0);
    if (t->kind != TOKEN_NAME && t->kind != TOKEN_TABLE) {
        missed(p, "an identifier");
        missed(p, "a table identifier");
        return refuse(p);
    }
    ret->alias_place = place_of(p, t);
    ret->alias = take(p).text;
    return true;
}

static bool parse_table_name(struct parser *p, struct soql_table_name *ret)
{
    const struct soql_token *t = peek(p, 0);
    if (t->kind != TOKEN_TABLE) {
        missed(p, "a table identifier");
        return refuse(p);
    }
    ret->place = place_of(p, t);
    ret->name = take(p).text;
    return true;
}

/* from = FROM table [AS alias] */
static bool parse_from(struct parser *p, struct soql_select *into)
{
    into->has_from = accept_word(p, WORD_FROM);
    if (!into->has_from)
        return true;
    if (!parse_table_name(p, &into->from))
        return false;
    return parse_table_alias(p, &into->from, str_eq_fold(into->from.name, STR("this")) ? "an alias for `@this'" : NULL);
}

/* '(' compound ')' | select, with its alias */
static bool parse_subselect(struct parser *p, struct soql_join *j)
{
    j->table.place = place_of(p, peek(p, 0));
    if (!descend(p))
        return false;
    if (accept_operator(p, "(")) {
        if (!(j->subselect = parse_compound(p)) || !expect_operator(p, ")"))
            return false;
    } else if (!(j->subselect = parse_select(p))) {
        return false;
    }
    p->depth--;
    return parse_table_alias(p, &j->table, "an alias for the sub-select");
}

/* table ['(' [expression {',' expression}] ')'] [AS alias] */
static bool parse_joined_table(struct parser *p, struct soql_join *j)
{
    if (!parse_table_name(p, &j->table))
        return false;
    j->has_arguments = accept_operator(p, "(");
    if (j->has_arguments && !accept_operator(p, ")") && (!parse_list(p, &j->arguments, &j->n_arguments) || !expect_operator(p, ")")))
        return false;
    return parse_table_alias(p, &j->table, NULL);
}

/* [ (LEFT | RIGHT | FULL) [OUTER] ] JOIN; *ret_none: there is none */
static bool parse_join_kind(struct parser *p, struct soql_join *j, bool *ret_none)
{
    j->kind = JOIN_INNER;
    if (accept_word(p, WORD_LEFT))
        j->kind = JOIN_LEFT;
    else if (accept_word(p, WORD_RIGHT))
        j->kind = JOIN_RIGHT;
    else if (accept_word(p, WORD_FULL))
        j->kind = JOIN_FULL;
    *ret_none = j->kind == JOIN_INNER && !accept_word(p, WORD_JOIN);
    if (j->kind == JOIN_INNER)
        return true;
    accept_word(p, WORD_OUTER);
    return expect_word(p, WORD_JOIN);
}

/* join = kind [LATERAL] source ON expression */
static bool parse_join(struct parser *p, struct soql_join *j, bool *ret_none)
{
    uint32_t at = peek(p, 0)->at;
    *j = (struct soql_join){0};
    if (!parse_join_kind(p, j, ret_none) || *ret_none)
        return *ret_none;
    j->lateral = accept_word(p, WORD_LATERAL);
    bool is_subselect = at_operator(p, 0, "(") || at_word(p, 0, WORD_SELECT);
    if (!is_subselect) {
        missed(p, "(");
        missed(p, "SELECT");
    }
    if (!(is_subselect ? parse_subselect(p, j) : parse_joined_table(p, j)) || !expect_word(p, WORD_ON) || !(j->on = parse_expression(p)))
        return false;
    j->place = place_from(p, at);
    return true;
}

/* tables = [from] {join} */
bool parse_tables(struct parser *p, struct soql_select *into)
{
    if (!parse_from(p, into))
        return false;
    for (;;) {
        bool none = false;
        if (!grow(p, &into->joins, into->n_joins, sizeof *into->joins) || !parse_join(p, &into->joins[into->n_joins], &none))
            return false;
        if (none)
            return true;
        into->n_joins++;
    }
}
