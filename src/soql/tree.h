/* What a request asks for, as written: names not yet looked up, values not yet read. The parameters make it, emit.c turns
 * it into SQL. Text is a loan of the request's parameters; arrays live in the arena. */
#ifndef SELTZER_SOQL_TREE_H
#define SELTZER_SOQL_TREE_H

#include "soql/soql.h"

/* A column as the query names it, and where in which text: errors point at it. */
struct soql_name {
    struct str text;        /* without back-ticks; system columns with their colon */
    size_t at;              /* byte offset in `clause` */
    struct str parameter;   /* "$select" */
    struct str clause;      /* the parameter's whole value */
};

enum soql_nulls { SOQL_NULLS_DEFAULT, SOQL_NULLS_FIRST, SOQL_NULLS_LAST };

struct soql_ordering {
    struct soql_name name;
    bool descending;
    enum soql_nulls nulls;
};

struct soql_selection {
    bool system_star, user_star;
    struct soql_name *names;
    size_t n;
};

/* column=value */
struct soql_filter {
    struct str column, value;
};

struct soql_tree {
    struct soql_selection selection; /* all empty: nothing was asked for */
    struct soql_ordering *order;
    size_t n_order;
    struct soql_filter *filters;
    size_t n_filters;
    int64_t limit, offset;
    bool system_fields;              /* $$exclude_system_fields=false */
};

#endif
