/* What the rules of the grammar (parse_*.c) share: the tokens ahead, what could have stood here, the limits. Not for others.
 *
 * A rule returns NULL or false when it refused; p->err then says why, and nothing is read any more. A token that is asked for and is not
 * there is remembered until the next one is taken: "Expected one of A, B, or C, but got X" is everything that was asked for. */
#ifndef SELTZER_SOQL_PARSE_STATE_H
#define SELTZER_SOQL_PARSE_STATE_H

#include "soql/parse.h"
#include "soql/token.h"

enum { AHEAD_MAX = 4, EXPECTED_MAX = 80 };

struct parser {
    struct soql_parsing *shared;
    struct soql_lexer lexer;
    struct soql_token ahead[AHEAD_MAX]; /* a ring */
    unsigned first, n_ahead;
    const char *expected[EXPECTED_MAX]; /* at the token ahead */
    size_t n_expected;
    unsigned depth;         /* of rules that call themselves */
    uint32_t last_end;      /* of the token taken last */
    struct soql_token last; /* that token */
    struct error *err;
};

must_use bool parser_start(struct parser *p, struct soql_parsing *shared, const struct soql_source *s, struct error *err);
must_use bool parser_end(struct parser *p);            /* nothing follows, or the error */

/* ── tokens ── */
const struct soql_token *peek(struct parser *p, unsigned n); /* 0: the next one */
struct soql_token take(struct parser *p);
bool at_word(struct parser *p, unsigned n, enum soql_word w);
bool at_operator(struct parser *p, unsigned n, const char *op);
bool accept_word(struct parser *p, enum soql_word w);
bool accept_words(struct parser *p, enum soql_word w, enum soql_word then, const char *both); /* both or none */
bool accept_operator(struct parser *p, const char *op);
must_use bool expect_word(struct parser *p, enum soql_word w);
must_use bool expect_operator(struct parser *p, const char *op);
bool missed(struct parser *p, const char *what);       /* `what` could have stood here; false */

/* ── refusals ── */
bool refuse(struct parser *p);                         /* "Expected …, but got …" at the next token; false */
bool refuse_at(struct parser *p, enum error_code code, struct soql_place at, const char *fmt, ...) printf_like(4, 5);
bool no_memory(struct parser *p);
const char *parser_hint(struct parser *p);             /* what was probably meant by the next token, or NULL (parse_hint.c) */
must_use bool descend(struct parser *p);               /* one level deeper; p->depth-- afterwards */

/* ── making ── */
struct soql_place place_of(const struct parser *p, const struct soql_token *t);
struct soql_place place_from(const struct parser *p, uint32_t at); /* from there to the token taken last */
struct soql_node *make_node(struct parser *p, enum soql_node_kind kind, struct soql_place place); /* counts it */
/* Sets args and the depth; false when it is too deep. */
must_use bool set_args(struct parser *p, struct soql_node *n, struct soql_node **args, size_t n_args);
struct soql_node *make_call(struct parser *p, enum soql_form form, const char *name, struct soql_place place, struct soql_place name_place,
                            struct soql_node *const *args, size_t n);
must_use bool grow(struct parser *p, void *v, size_t n, size_t size); /* room for one more; v: the address of a pointer */

/* ── rules ── */
struct soql_node *parse_expression(struct parser *p);
struct soql_node *parse_call(struct parser *p, const struct soql_token *name); /* the parenthesis is next */
struct soql_node *parse_case(struct parser *p);
struct soql_node *parse_param(struct parser *p);
must_use bool parse_list(struct parser *p, struct soql_node ***ret, size_t *ret_n); /* expr {',' expr} */
must_use bool parse_orderings(struct parser *p, struct soql_order **ret, size_t *ret_n);
must_use bool parse_integer(struct parser *p, int64_t *ret);
must_use bool parse_window(struct parser *p, struct soql_window **ret);
must_use bool parse_selected(struct parser *p, struct soql_select *into);
must_use bool parse_tables(struct parser *p, struct soql_select *into);
struct soql_query *parse_select(struct parser *p);
struct soql_query *parse_compound(struct parser *p);

#endif
