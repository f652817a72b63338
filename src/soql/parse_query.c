/* Selects with their clauses, compound queries, and the doors of the parser (parse.h). */
#include "soql/parse_state.h"

/* [WHERE expression] [GROUP BY expression {',' expression}] [HAVING expression] */
static bool parse_conditions(struct parser *p, struct soql_select *s)
{
    if (accept_word(p, WORD_WHERE) && !(s->where = parse_expression(p)))
        return false;
    if (accept_words(p, WORD_GROUP, WORD_BY, "GROUP BY") && !parse_list(p, &s->group, &s->n_group))
        return false;
    return !accept_word(p, WORD_HAVING) || (s->having = parse_expression(p)) != NULL;
}

static bool parse_search(struct parser *p, struct soql_select *s)
{
    const struct soql_token *t = peek(p, 0);
    if (t->kind != TOKEN_STRING) {
        missed(p, "a string");
        return refuse(p);
    }
    s->has_search = true;
    s->search_place = place_of(p, t);
    s->search = take(p).text;
    return true;
}

/* [ORDER BY ordering {',' ordering}] [SEARCH string], in either order */
static bool parse_order_and_search(struct parser *p, struct soql_select *s)
{
    for (;;) {
        if (!s->n_order && accept_words(p, WORD_ORDER, WORD_BY, "ORDER BY")) {
            if (!parse_orderings(p, &s->order, &s->n_order))
                return false;
        } else if (!s->has_search && accept_word(p, WORD_SEARCH)) {
            if (!parse_search(p, s))
                return false;
        } else {
            return true;
        }
    }
}

/* [LIMIT integer] [OFFSET integer], in either order */
static bool parse_page(struct parser *p, struct soql_select *s)
{
    for (;;) {
        if (!s->has_limit && accept_word(p, WORD_LIMIT))
            s->has_limit = true;
        else if (!s->has_offset && accept_word(p, WORD_OFFSET))
            s->has_offset = true;
        else
            return true;
        if (!parse_integer(p, p->last.word == WORD_LIMIT ? &s->limit : &s->offset))
            return false;
    }
}

static struct soql_query *make_query(struct parser *p, enum soql_query_kind kind, struct soql_place place)
{
    struct soql_query *q = arena_zalloc(p->shared->arena, sizeof *q);
    if (!q)
        return no_memory(p), NULL;
    q->kind = kind;
    q->place = place;
    return q;
}

/* select = SELECT selection tables conditions order page */
struct soql_query *parse_select(struct parser *p)
{
    uint32_t at = peek(p, 0)->at;
    if (!expect_word(p, WORD_SELECT))
        return NULL;
    struct soql_place place = place_from(p, at);
    if (p->shared->selects++ == SOQL_SELECTS_MAX) {
        refuse_at(p, ERROR_QUERY_TOO_LARGE, place, "the query has more than %d selects, which is the limit", SOQL_SELECTS_MAX);
        return NULL;
    }
    struct soql_query *q = make_query(p, QUERY_SELECT, place);
    struct soql_select *s = q ? arena_zalloc(p->shared->arena, sizeof *s) : NULL;
    if (!s)
        return no_memory(p), NULL;
    q->select = s;
    if (!parse_selected(p, s) || !parse_tables(p, s) || !parse_conditions(p, s) || !parse_order_and_search(p, s) || !parse_page(p, s))
        return NULL;
    s->place = q->place = place_from(p, at);
    return q;
}

/* atom = select | '(' compound ')' */
static struct soql_query *parse_query_atom(struct parser *p)
{
    if (!accept_operator(p, "("))
        return parse_select(p);
    if (!descend(p))
        return NULL;
    struct soql_query *q = parse_compound(p);
    p->depth--;
    return q && expect_operator(p, ")") ? q : NULL;
}

/* '|>' or a set operation; false: neither */
static bool accept_compounding(struct parser *p, struct soql_query *ret)
{
    static const struct {
        enum soql_word word;
        enum soql_set_operation operation, all;
    } sets[] = {
        {WORD_UNION, SET_UNION, SET_UNION_ALL},
        {WORD_INTERSECT, SET_INTERSECT, SET_INTERSECT_ALL},
        {WORD_MINUS, SET_MINUS, SET_MINUS_ALL},
    };
    ret->kind = QUERY_CHAIN;
    if (accept_operator(p, "|>"))
        return true;
    ret->kind = QUERY_SET;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        if (accept_word(p, sets[i].word)) {
            ret->operation = accept_word(p, WORD_ALL) ? sets[i].all : sets[i].operation;
            return true;
        }
    return false;
}

/* compound = atom { ('|>' | set-operation) atom }: one level, from the left; after |> one select stands alone */
struct soql_query *parse_compound(struct parser *p)
{
    struct soql_query *left = parse_query_atom(p);
    while (left) {
        struct soql_query found = {0};
        uint32_t at = peek(p, 0)->at;
        if (!accept_compounding(p, &found))
            return left;
        struct soql_query *q = make_query(p, found.kind, place_from(p, at));
        if (!q)
            return NULL;
        uint32_t right_at = peek(p, 0)->at;
        q->operation = found.operation;
        q->left = left;
        q->right = parse_query_atom(p);
        if (!q->right)
            return NULL;
        if (q->kind == QUERY_CHAIN && q->right->kind != QUERY_SELECT) {
            refuse_at(p, ERROR_QUERY_CHAIN_NOT_LEAF, place_from(p, right_at), "Expected a non-compound query on the right side of a pipe operator");
            return NULL;
        }
        left = q;
    }
    return NULL;
}

/* ── doors ── */

bool soql_parse_query(struct soql_parsing *shared, const struct soql_source *s, struct soql_query **ret, struct error *err)
{
    struct parser p;
    struct soql_query *q;
    if (!parser_start(&p, shared, s, err) || !(q = parse_compound(&p)) || !parser_end(&p))
        return false;
    *ret = q;
    return true;
}

bool soql_parse_selection(struct soql_parsing *shared, const struct soql_source *s, struct soql_select *into, struct error *err)
{
    struct parser p;
    return parser_start(&p, shared, s, err) && parse_selected(&p, into) && parser_end(&p);
}

bool soql_parse_expression(struct soql_parsing *shared, const struct soql_source *s, struct soql_node **ret, struct error *err)
{
    struct parser p;
    struct soql_node *n;
    if (!parser_start(&p, shared, s, err) || !(n = parse_expression(&p)) || !parser_end(&p))
        return false;
    *ret = n;
    return true;
}

bool soql_parse_group(struct soql_parsing *shared, const struct soql_source *s, struct soql_select *into, struct error *err)
{
    struct parser p;
    return parser_start(&p, shared, s, err) && parse_list(&p, &into->group, &into->n_group) && parser_end(&p);
}

bool soql_parse_order(struct soql_parsing *shared, const struct soql_source *s, struct soql_select *into, struct error *err)
{
    struct parser p;
    return parser_start(&p, shared, s, err) && parse_orderings(&p, &into->order, &into->n_order) && parser_end(&p);
}
