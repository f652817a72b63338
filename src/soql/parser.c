/* Clauses to trees (parser.h): a recursive descent over one token of look-ahead. */
#include "soql/parser.h"

#include <assert.h>

#include "soql/lexer.h"

struct parser {
    struct soql_lexer lexer;
    struct soql_token token; /* the one not yet taken */
    struct arena *arena;
};

static bool refuse(struct parser *p, const char *what, struct error *err)
{
    return soql_error(err, ERROR_QUERY_MALFORMED, p->lexer.parameter, p->lexer.text, p->token.at, "%s", what);
}

static bool advance(struct parser *p, struct error *err)
{
    return soql_next(&p->lexer, &p->token, err);
}

static bool start(struct parser *p, const char *parameter, struct str text, struct arena *a, struct error *err)
{
    *p = (struct parser){.lexer = {.parameter = str_from(parameter), .text = text}, .arena = a};
    return advance(p, err);
}

/* name = identifier | '`' … '`' | ':' … */
static bool parse_name(struct parser *p, struct soql_name *ret, struct error *err)
{
    switch (p->token.kind) {
    case SOQL_IDENTIFIER:
        if (soql_word_is_reserved(p->token.text))
            return soql_error(err, ERROR_QUERY_MALFORMED, p->lexer.parameter, p->lexer.text, p->token.at,
                              "\"" FMT_STR "\" is a word of the language; a column of that name is written `" FMT_STR "`",
                              ARG_STR(p->token.text), ARG_STR(p->token.text));
        break;
    case SOQL_QUOTED_IDENTIFIER:
    case SOQL_SYSTEM_IDENTIFIER:
        break;
    case SOQL_END:
        return refuse(p, "expected the name of a column, but the text ends", err);
    case SOQL_STAR:
    case SOQL_SYSTEM_STAR:
    case SOQL_COMMA:
        return refuse(p, "expected the name of a column", err);
    case SOQL_OTHER:
        return refuse(p, "expected the name of a column (expressions are not available yet)", err);
    }
    *ret = (struct soql_name){p->token.text, p->token.at, p->lexer.parameter, p->lexer.text};
    return advance(p, err);
}

/* After an item: a comma and another one, or the end. */
static bool parse_comma(struct parser *p, bool *ret_more, struct error *err)
{
    *ret_more = p->token.kind == SOQL_COMMA;
    if (*ret_more)
        return advance(p, err);
    if (p->token.kind == SOQL_END)
        return true;
    return refuse(p, "expected a comma or the end (expressions, functions and aliases are not available yet)", err);
}

static bool grow(struct parser *p, void **v, size_t n, size_t size, struct error *err)
{
    if (n & (n - 1)) /* room is a power of two */
        return true;
    size_t room = n ? n * 2 : 1;
    void *more = arena_grow(p->arena, *v, n * size, room * size);
    if (!more)
        return error_no_memory(err);
    *v = more;
    return true;
}

/* item = ':*' | '*' | name, stars first and system star before user star */
static bool parse_selected(struct parser *p, struct soql_selection *s, struct error *err)
{
    if (p->token.kind == SOQL_STAR || p->token.kind == SOQL_SYSTEM_STAR) {
        bool *star = p->token.kind == SOQL_STAR ? &s->user_star : &s->system_star;
        if (s->n)
            return refuse(p, "Star selections must come at the start of the select-list", err);
        if (star == &s->system_star && s->user_star)
            return refuse(p, "System column star selections must come before user column star selections", err);
        if (*star)
            return refuse(p, "the same star is selected twice", err);
        *star = true;
        return advance(p, err);
    }
    if (!grow(p, (void **)&s->names, s->n, sizeof *s->names, err))
        return false;
    if (!parse_name(p, &s->names[s->n], err))
        return false;
    s->n++;
    return true;
}

/* selection = [item {',' item}] */
bool soql_parse_select_names(struct str text, struct arena *a, struct soql_selection *ret, struct error *err)
{
    struct parser p;
    struct soql_selection s = {0};
    if (!start(&p, "$select", text, a, err))
        return false;
    bool more = p.token.kind != SOQL_END;
    while (more)
        if (!parse_selected(&p, &s, err) || !parse_comma(&p, &more, err))
            return false;
    *ret = s;
    return true;
}

/* ordering = name [ASC | DESC] [(NULL | NULLS) (FIRST | LAST)] */
static bool parse_ordering(struct parser *p, struct soql_ordering *ret, struct error *err)
{
    *ret = (struct soql_ordering){0};
    if (!parse_name(p, &ret->name, err))
        return false;
    ret->descending = soql_word_is(&p->token, "desc");
    if ((ret->descending || soql_word_is(&p->token, "asc")) && !advance(p, err))
        return false;
    if (!soql_word_is(&p->token, "null") && !soql_word_is(&p->token, "nulls"))
        return true;
    if (!advance(p, err))
        return false;
    if (soql_word_is(&p->token, "first"))
        ret->nulls = SOQL_NULLS_FIRST;
    else if (soql_word_is(&p->token, "last"))
        ret->nulls = SOQL_NULLS_LAST;
    else
        return refuse(p, "expected FIRST or LAST after NULLS", err);
    return advance(p, err);
}

/* order = ordering {',' ordering} */
bool soql_parse_order_names(struct str text, struct arena *a, struct soql_ordering **ret, size_t *ret_n, struct error *err)
{
    struct parser p;
    struct soql_ordering *v = NULL;
    size_t n = 0;
    if (!start(&p, "$order", text, a, err))
        return false;
    for (bool more = true; more; n++) {
        if (!grow(&p, (void **)&v, n, sizeof *v, err))
            return false;
        assert(v);
        if (!parse_ordering(&p, &v[n], err) || !parse_comma(&p, &more, err))
            return false;
    }
    *ret = v;
    *ret_n = n;
    return true;
}
