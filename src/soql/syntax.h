/* What was written: the syntax tree, as the parser makes it, nothing looked up and nothing typed (docs/wire/soql.md).
 *
 *     text ─► lexer ─► parser ─► [syntax] ─► analyzer ─► typed tree ─► emitter ─► SQL with parameters
 *
 * Everything lives in the arena of the request; names and literals are loans of the request's text, unless they had to be
 * unescaped. Nodes are never changed once made: the analyzer makes its own tree (typed.h). */
#ifndef SELTZER_SOQL_SYNTAX_H
#define SELTZER_SOQL_SYNTAX_H

#include "base/arena.h"

/* robustness.md 1.3: bounds of what one query may be; each is refused with 400 by name. */
enum {
    SOQL_TEXT_MAX = 64 * 1024,     /* bytes of one query or clause */
    SOQL_DEPTH_MAX = 200,          /* of nested expressions, selects and parentheses */
    SOQL_NODES_MAX = 20000,        /* of one request */
    SOQL_IN_MAX = 10000,           /* values of one IN */
    SOQL_SELECTS_MAX = 64,         /* selects of one query: chained, combined, joined */
    SOQL_DATASETS_MAX = 10,        /* datasets of one query, the primary one included */
};

/* A text that somebody wrote: the value of $query, or of one clause parameter, or one made of a filter. */
struct soql_source {
    struct str name;               /* "$query", "$where", "magnitude": as errors call it */
    struct str text;
};

/* Where something stands: bytes [at, end) of source->text. */
struct soql_place {
    const struct soql_source *source;
    uint32_t at, end;
};

/* ── expressions ── */

enum soql_node_kind {
    NODE_NUMBER,                   /* text: the lexeme */
    NODE_STRING,                   /* text: the value, unescaped */
    NODE_BOOLEAN,                  /* is_true */
    NODE_NULL,
    NODE_COLUMN,                   /* text: the name without back-ticks, system columns with ":"; qualifier */
    NODE_PARENS,                   /* args[0]; only matters to aliases */
    NODE_CALL,                     /* text: the function's name (below); args */
    NODE_PARAM,                    /* param('x'): text; qualifier: the table's, or none. Never has a value here */
};

/* How a call was written; its name in `text`: */
enum soql_form {
    FORM_FUNCTION,                 /* f(a, b): the name as typed */
    FORM_STAR,                     /* f of a star: the name, a slash and a star */
    FORM_DISTINCT,                 /* f(DISTINCT a): "f_distinct", lower case */
    FORM_UNARY,                    /* "op$-" "op$+" "op$NOT" */
    FORM_BINARY,                   /* "op$+" "op$-" "op$*" "op$/" "op$%" "op$^" "op$||" "op$=" "op$<>" "op$<" … "op$AND" "op$OR";
                                      == is "op$=" with `spelled` "==", != is "op$<>" with "!=". A chain of ANDs, or of ORs, is one
                                      node with all its terms, so that thousands of them are no deep tree; every other
                                      operator has two arguments and counts against SOQL_DEPTH_MAX */
    FORM_CAST,                     /* x::number: "cast$number" as typed after cast$ */
    FORM_IS_NULL,                  /* "#IS_NULL", "#IS_NOT_NULL" */
    FORM_LIKE,                     /* "#LIKE", "#NOT_LIKE" */
    FORM_BETWEEN,                  /* "#BETWEEN", "#NOT_BETWEEN" */
    FORM_IN,                       /* "#IN", "#NOT_IN" */
    FORM_CASE,                     /* CASE … END: "#CASE"; args: condition, value, …, then TRUE, v when has_else, or FALSE, NULL */
    FORM_FIELD,                    /* x.name: "#FIELD"; args: x, a NODE_STRING of the name */
    FORM_SUBSCRIPT,                /* x[e]: "#SUBSCRIPT"; args: x, e */
    FORM_FILTER,                   /* name=value of the URL: "op$="; args: a NODE_COLUMN, a NODE_STRING that is read as an uploaded
                                      CSV cell of the column would be (docs/wire/reading.md); never parsed, prints as column = 'value' */
};

enum soql_nulls { NULLS_DEFAULT, NULLS_FIRST, NULLS_LAST };

struct soql_order {
    struct soql_node *by;
    bool descending;
    enum soql_nulls nulls;
};

enum soql_frame_mode { FRAME_NONE, FRAME_RANGE, FRAME_ROWS, FRAME_GROUPS };
enum soql_bound_kind { BOUND_UNBOUNDED_PRECEDING, BOUND_PRECEDING, BOUND_CURRENT_ROW, BOUND_FOLLOWING, BOUND_UNBOUNDED_FOLLOWING };
enum soql_exclude { EXCLUDE_NONE, EXCLUDE_CURRENT_ROW, EXCLUDE_GROUP, EXCLUDE_TIES, EXCLUDE_NO_OTHERS };

struct soql_bound {
    enum soql_bound_kind kind;
    int64_t n;                     /* of PRECEDING and FOLLOWING */
    struct soql_place place;
};

struct soql_window {
    struct soql_node **partition;
    size_t n_partition;
    struct soql_order *order;
    size_t n_order;
    enum soql_frame_mode mode;
    bool between;                  /* else only `from` was given */
    struct soql_bound from, to;
    enum soql_exclude exclude;
    struct soql_place place;
};

struct soql_node {
    enum soql_node_kind kind;
    enum soql_form form;
    bool is_true, has_else, has_filter;
    uint16_t depth;                /* of the tree below and this node: 1 for a leaf, at most SOQL_DEPTH_MAX */
    struct str text, qualifier;    /* qualifier without "@"; .p NULL: none */
    const char *spelled;           /* FORM_BINARY: the operator as typed */
    struct soql_node **args;
    size_t n;
    struct soql_node *filter;      /* FILTER (WHERE …); has_filter with NULL: FILTER () */
    struct soql_window *over;
    struct soql_place place;       /* of the whole expression */
    struct soql_place name_place;  /* of the name or operator alone: where errors about it point */
};

/* ── selects ── */

struct soql_star {
    bool system;                   /* :* */
    bool every;                    /* never parsed: every column of the input, system ones too, in its order; a set operation without
                                      LIMIT is piped into one with the default limit */
    struct str qualifier;
    struct soql_node **except;     /* NODE_COLUMN each */
    size_t n_except;
    struct soql_place place;
};

struct soql_selected {
    struct soql_node *expr;
    struct str alias;              /* .p NULL: none */
    struct soql_place alias_place;
};

/* @name, as it is called in FROM and JOIN. */
struct soql_table_name {
    struct str name;               /* without "@": a 4x4, a resource name, this, single_row */
    struct str alias;              /* without "@"; .p NULL: none */
    struct soql_place place, alias_place;
};

enum soql_join_kind { JOIN_INNER, JOIN_LEFT, JOIN_RIGHT, JOIN_FULL };

struct soql_join {
    enum soql_join_kind kind;
    bool lateral;
    struct soql_table_name table;  /* of a sub-select: only the alias */
    struct soql_query *subselect;  /* NULL: a table */
    struct soql_node **arguments;  /* of a parameterised view */
    size_t n_arguments;
    bool has_arguments;
    struct soql_node *on;
    struct soql_place place;
};

struct soql_select {
    bool distinct;
    struct soql_node **distinct_on;
    size_t n_distinct_on;
    struct soql_star *stars;
    size_t n_stars;
    struct soql_selected *selected;
    size_t n_selected;
    bool has_from;
    struct soql_table_name from;
    struct soql_join *joins;
    size_t n_joins;
    struct soql_node *where, *having;
    struct soql_node **group;
    size_t n_group;
    struct soql_order *order;
    size_t n_order;
    bool has_search, has_limit, has_offset;
    struct str search;
    int64_t limit, offset;
    struct soql_place place, search_place;
};

enum soql_set_operation { SET_UNION, SET_UNION_ALL, SET_INTERSECT, SET_INTERSECT_ALL, SET_MINUS, SET_MINUS_ALL };

enum soql_query_kind {
    QUERY_SELECT,                  /* select */
    QUERY_CHAIN,                   /* left |> right */
    QUERY_SET,                     /* left UNION right … */
};

struct soql_query {
    enum soql_query_kind kind;
    struct soql_select *select;
    enum soql_set_operation operation;
    struct soql_query *left, *right;
    struct soql_place place;       /* of the operator, or of the select */
};

#endif
