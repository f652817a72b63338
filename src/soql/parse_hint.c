/* What somebody probably meant who wrote a token that cannot stand there: what comes from SQL and is not in SoQL, clauses out of order, words
 * that need back-ticks. Threads of users are full of these. */
#include "soql/parse_state.h"

static bool is_expected(const struct parser *p, const char *what)
{
    for (size_t i = 0; i < p->n_expected; i++)
        if (strcmp(p->expected[i], what) == 0)
            return true;
    return false;
}

static bool is_name(const struct soql_token *t, const char *text)
{
    return t->kind == TOKEN_NAME && str_eq_fold(t->text, str_from(text));
}

static bool is_operator(const struct soql_token *t, const char *text)
{
    return t->kind == TOKEN_OPERATOR && str_eq(t->text, str_from(text));
}

/* Where an expression was to come. */
static const char *instead_of_expression(struct parser *p, const struct soql_token *t)
{
    if (t->word == WORD_SELECT)
        return "a query cannot stand within an expression; JOIN (SELECT …) AS @a ON … takes one";
    if (t->word == WORD_NOT)
        return "NOT after an operator needs parentheses: (NOT x)";
    if (t->kind == TOKEN_WORD) {
        char *hint = arena_printf(p->shared->arena, "a column of that name is written in back-ticks: `" FMT_STR "`", ARG_STR(t->text));
        return hint;
    }
    if (t->kind == TOKEN_HOLE)
        return "?name stands only in a parameterised view";
    if (is_operator(t, "."))
        return "a number begins with a digit: 0.5";
    if (is_operator(t, "=") || is_operator(t, "=="))
        return "the operators are = != < <= > >=";
    if (is_operator(t, "*") || t->kind == TOKEN_SYSTEM_STAR)
        return "a star stands at the start of a select-list, and in count(*)";
    return NULL;
}

/* Where the expression could have gone on, or ended. */
static const char *after_expression(struct parser *p, const struct soql_token *t)
{
    if (is_name(t, "ilike") || is_name(t, "rlike") || is_name(t, "regexp") || is_name(t, "similar"))
        return "there is LIKE only; caseless_contains(x, 'part') and caseless_starts_with(x, 'start') look for text in any case";
    if (is_name(t, "escape"))
        return "LIKE has no ESCAPE; contains(x, 'part') and starts_with(x, 'start') take % and _ as they stand";
    if (is_operator(t, "~") || is_operator(t, "!"))
        return "there are no regular expressions; use LIKE, contains() or starts_with()";
    if (p->last.word == WORD_CASE)
        return "CASE is followed by WHEN: CASE WHEN x = 1 THEN …";
    if (t->kind == TOKEN_NAME && is_expected(p, "AS"))
        return "a name for a column stands after AS";
    if (t->kind == TOKEN_NAME || t->kind == TOKEN_STRING || t->kind == TOKEN_INTEGER || t->kind == TOKEN_NUMBER)
        return "an operator is missing, or a quote within a text, which is doubled: ''";
    return NULL;
}

static bool is_clause(enum soql_word w)
{
    return w == WORD_SELECT || w == WORD_FROM || w == WORD_JOIN || w == WORD_LEFT || w == WORD_RIGHT || w == WORD_FULL || w == WORD_WHERE ||
           w == WORD_GROUP || w == WORD_HAVING || w == WORD_ORDER || w == WORD_SEARCH || w == WORD_LIMIT || w == WORD_OFFSET;
}

/* Where a query begins. */
static const char *instead_of_select(const struct soql_token *t)
{
    if (is_name(t, "with"))
        return "there is no WITH; pipe queries with |>, or JOIN (SELECT …) AS @a ON …";
    return "a query begins with SELECT";
}

const char *parser_hint(struct parser *p)
{
    const struct soql_token *t = peek(p, 0);
    if (is_expected(p, "SELECT") && p->last.word != WORD_JOIN)
        return instead_of_select(t);
    if (is_expected(p, "a table identifier") && (t->kind == TOKEN_NAME || t->kind == TOKEN_STRING))
        return "tables are named @abcd-1234";
    if (t->word == WORD_INNER)
        return "JOIN alone is the inner join";
    if (t->word == WORD_EXCEPT)
        return "the set operation is called MINUS";
    if (t->word == WORD_FROM && is_expected(p, "end of input") && !is_expected(p, "WHERE"))
        return "FROM stands after the select-list, in $query alone";
    if ((t->word == WORD_GROUP || t->word == WORD_ORDER) && !at_word(p, 1, WORD_BY))
        return t->word == WORD_GROUP ? "GROUP BY are two words; a column of that name is written `group`"
                                     : "ORDER BY are two words; a column of that name is written `order`";
    if (is_expected(p, "an expression"))
        return instead_of_expression(p, t);
    if (is_clause(t->word))
        return "a clause stands once, in this order: SELECT, FROM, JOIN, WHERE, GROUP BY, HAVING, ORDER BY, SEARCH, LIMIT, OFFSET";
    if (p->last.kind == TOKEN_WORD && is_clause(p->last.word) && is_expected(p, "an integer"))
        return is_operator(t, "-") ? "it cannot be negative" : "a whole number is written out here: 10";
    if (is_expected(p, "an operator"))
        return after_expression(p, t);
    return NULL;
}
