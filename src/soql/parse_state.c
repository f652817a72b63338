/* Tokens, refusals and nodes for the rules (parse_state.h). */
#include "soql/parse_state.h"

#include <stdarg.h>
#include <stdio.h>

#include "soql/problem.h"

bool parser_start(struct parser *p, struct soql_parsing *shared, const struct soql_source *s, struct error *err)
{
    *p = (struct parser){.shared = shared, .lexer = {.source = s, .arena = shared->arena}, .err = err};
    size_t bad;
    if (s->text.n > SOQL_TEXT_MAX)
        return error_set(err, ERROR_QUERY_TOO_LARGE, FMT_STR " is %zu bytes long; a query has at most %d", ARG_STR(s->name), s->text.n, SOQL_TEXT_MAX);
    if (!str_is_utf8(s->text, &bad))
        return error_set(err, ERROR_QUERY_MALFORMED, FMT_STR " is not UTF-8 at byte %zu", ARG_STR(s->name), bad);
    if (str_find_byte(s->text, 0, &bad))
        return error_set(err, ERROR_QUERY_UNEXPECTED_CHARACTER, "Unexpected character: U+0000, at byte %zu of " FMT_STR, bad, ARG_STR(s->name));
    return true;
}

bool parser_end(struct parser *p)
{
    if (peek(p, 0)->kind == TOKEN_END)
        return true;
    missed(p, "end of input");
    return refuse(p);
}

/* ── tokens ── */

const struct soql_token *peek(struct parser *p, unsigned n)
{
    for (; p->n_ahead <= n; p->n_ahead++)
        soql_lex(&p->lexer, &p->ahead[(p->first + p->n_ahead) % AHEAD_MAX]);
    return &p->ahead[(p->first + n) % AHEAD_MAX];
}

struct soql_token take(struct parser *p)
{
    p->last = *peek(p, 0);
    p->first = (p->first + 1) % AHEAD_MAX;
    p->n_ahead--;
    p->n_expected = 0;
    p->last_end = p->last.end;
    return p->last;
}

bool at_word(struct parser *p, unsigned n, enum soql_word w)
{
    return peek(p, n)->word == w;
}

bool at_operator(struct parser *p, unsigned n, const char *op)
{
    const struct soql_token *t = peek(p, n);
    return t->kind == TOKEN_OPERATOR && str_eq(t->text, str_from(op));
}

bool missed(struct parser *p, const char *what)
{
    for (size_t i = 0; i < p->n_expected; i++)
        if (strcmp(p->expected[i], what) == 0)
            return false;
    if (p->n_expected < EXPECTED_MAX) /* coverage: more than the grammar can ask for at one place */
        p->expected[p->n_expected++] = what;
    return false;
}

bool accept_word(struct parser *p, enum soql_word w)
{
    if (!at_word(p, 0, w))
        return missed(p, soql_word_text(w));
    take(p);
    return true;
}

bool accept_words(struct parser *p, enum soql_word w, enum soql_word then, const char *both)
{
    if (!at_word(p, 0, w) || !at_word(p, 1, then))
        return missed(p, both);
    take(p);
    take(p);
    return true;
}

bool accept_operator(struct parser *p, const char *op)
{
    if (!at_operator(p, 0, op))
        return missed(p, op);
    take(p);
    return true;
}

bool expect_word(struct parser *p, enum soql_word w)
{
    if (accept_word(p, w))
        return true;
    return refuse(p);
}

bool expect_operator(struct parser *p, const char *op)
{
    if (accept_operator(p, op))
        return true;
    return refuse(p);
}

/* ── refusals ── */

/* Words and operators are shown `LIKE' this, what is of a kind as it is: "an expression". */
static void show_expected(struct buf *b, const char *what)
{
    bool is_kind = str_starts(str_from(what), STR("a ")) || str_starts(str_from(what), STR("an ")) || strcmp(what, "end of input") == 0;
    buf_printf(b, is_kind ? "%s" : "`%s'", what);
}

/* "Expected A", "Expected A or B", "Expected one of A, B, or C" */
static void show_all_expected(struct buf *b, const char *const *v, size_t n)
{
    buf_add_z(b, n > 2 ? "Expected one of " : "Expected ");
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_add_z(b, n == 2 ? " or " : i + 1 < n ? ", " : ", or ");
        show_expected(b, v[i]);
    }
}

static void show_got(struct buf *b, const struct parser *p, const struct soql_token *t)
{
    enum { SHOWN_BYTES = 60 };
    if (t->kind == TOKEN_END) {
        buf_add_z(b, ", but got end of input");
        return;
    }
    struct str text = str_make(p->lexer.source->text.p + t->at, t->end - t->at), shown = str_head_utf8(text, SHOWN_BYTES);
    const char *more = shown.n < text.n ? "…" : "";
    buf_printf(b, ", but got `" FMT_STR "%s'", ARG_STR(shown), more);
}

bool no_memory(struct parser *p)
{
    return error_no_memory(p->err);
}

bool refuse(struct parser *p)
{
    const struct soql_token *t = peek(p, 0);
    struct soql_place at = place_of(p, t);
    if (t->kind == TOKEN_BAD)
        return t->bad == ERROR_OUT_OF_MEMORY ? no_memory(p) : soql_problem(p->err, t->bad, &at, FMT_STR, ARG_STR(t->text));
    struct buf b = {0};
    show_all_expected(&b, p->expected, p->n_expected);
    show_got(&b, p, t);
    const char *hint = parser_hint(p);
    if (hint)
        buf_printf(&b, "; %s", hint);
    if (buf_ok(&b))
        soql_problem(p->err, ERROR_QUERY_MALFORMED, &at, FMT_STR, ARG_STR(buf_str(&b)));
    else
        no_memory(p);
    buf_free(&b);
    return false;
}

bool refuse_at(struct parser *p, enum error_code code, struct soql_place at, const char *fmt, ...)
{
    char what[600];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    return soql_problem(p->err, code, &at, "%s", what);
}

bool descend(struct parser *p)
{
    if (p->depth < SOQL_DEPTH_MAX)
        return p->depth++, true;
    return refuse_at(p, ERROR_QUERY_TOO_LARGE, place_of(p, peek(p, 0)),
                     "expressions, selects and parentheses are nested deeper than %d levels, which is the limit", SOQL_DEPTH_MAX);
}

/* ── making ── */

struct soql_place place_of(const struct parser *p, const struct soql_token *t)
{
    return (struct soql_place){p->lexer.source, t->at, t->end};
}

struct soql_place place_from(const struct parser *p, uint32_t at)
{
    return (struct soql_place){p->lexer.source, at, p->last_end};
}

struct soql_node *make_node(struct parser *p, enum soql_node_kind kind, struct soql_place place)
{
    if (p->shared->nodes >= SOQL_NODES_MAX) {
        refuse_at(p, ERROR_QUERY_TOO_LARGE, place, "the query has more than %d columns, values and calls, which is the limit", SOQL_NODES_MAX);
        return NULL;
    }
    p->shared->nodes++;
    struct soql_node *n = arena_zalloc(p->shared->arena, sizeof *n);
    if (!n) {
        no_memory(p);
        return NULL;
    }
    n->kind = kind;
    n->depth = 1;
    n->place = n->name_place = place;
    return n;
}

bool set_args(struct parser *p, struct soql_node *n, struct soql_node **args, size_t n_args)
{
    n->args = args;
    n->n = n_args;
    for (size_t i = 0; i < n_args; i++)
        if (args[i]->depth >= n->depth)
            n->depth = (uint16_t)(args[i]->depth + 1);
    if (n->depth <= SOQL_DEPTH_MAX)
        return true;
    return refuse_at(p, ERROR_QUERY_TOO_LARGE, n->name_place,
                     "an expression is nested deeper than %d levels, which is the limit; a chain of one operator counts a level each", SOQL_DEPTH_MAX);
}

struct soql_node *make_call(struct parser *p, enum soql_form form, const char *name, struct soql_place place, struct soql_place name_place,
                            struct soql_node *const *args, size_t n)
{
    struct soql_node *call = make_node(p, NODE_CALL, place);
    if (!call)
        return NULL;
    struct soql_node **copy = arena_alloc(p->shared->arena, n * sizeof *copy);
    if (!copy)
        return no_memory(p), NULL;
    memcpy(copy, args, n * sizeof *copy);
    call->form = form;
    call->text = str_from(name);
    call->name_place = name_place;
    return set_args(p, call, copy, n) ? call : NULL;
}

bool grow(struct parser *p, void *v, size_t n, size_t size)
{
    if (n & (n - 1)) /* room is a power of two */
        return true;
    size_t room = n ? n * 2 : 1;
    void *had;
    memcpy(&had, v, sizeof had);
    void *more = arena_grow(p->shared->arena, had, n * size, room * size);
    if (!more)
        return no_memory(p);
    memcpy(v, &more, sizeof more);
    return true;
}
