/* Text to syntax: a recursive descent, one function a rule, the rule above it (docs/wire/soql.md; soql-reference,
 * RecursiveDescentParser.scala). Refusals are 400 query.compiler.malformed with the place (soql/problem.h). No I/O. */
#ifndef SELTZER_SOQL_PARSE_H
#define SELTZER_SOQL_PARSE_H

#include "base/error.h"
#include "soql/syntax.h"

/* Shared by all the texts of one request, so that the limits hold for it as a whole. Zero but for the arena. */
struct soql_parsing {
    struct arena *arena;
    size_t nodes, selects;
};

/* The sources must outlive the tree (they are in the arena, or the caller's). Each takes the whole text: what follows is refused. */
must_use bool soql_parse_query(struct soql_parsing *p, const struct soql_source *s, struct soql_query **ret, struct error *err);
must_use bool soql_parse_selection(struct soql_parsing *p, const struct soql_source *s, struct soql_select *into, struct error *err);
must_use bool soql_parse_expression(struct soql_parsing *p, const struct soql_source *s, struct soql_node **ret, struct error *err);
must_use bool soql_parse_group(struct soql_parsing *p, const struct soql_source *s, struct soql_select *into, struct error *err);
must_use bool soql_parse_order(struct soql_parsing *p, const struct soql_source *s, struct soql_select *into, struct error *err);

/* The tree as SoQL text again: one line, keywords in capitals, every operator's operands in parentheses where the tree
 * needs them. parse(print(t)) is t again. */
void soql_print_query(const struct soql_query *q, struct buf *out);
void soql_print_expression(const struct soql_node *n, struct buf *out);

#endif
