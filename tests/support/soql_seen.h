/* Which lines of functions.def queries call: a test that should try them all can say which it has not. */
#ifndef SELTZER_TESTS_SOQL_SEEN_H
#define SELTZER_TESTS_SOQL_SEEN_H

#include <stdio.h>
#include <stdlib.h>

#include "soql/typed.h"

static bool seen_function[1024];

static inline void see_relation(const struct soql_relation *r);

static inline void see_expr(const struct soql_expr *x);

static inline void see_order(const struct soql_expr_order *order, size_t n)
{
    for (size_t i = 0; i < n; i++)
        see_expr(order[i].by);
}

static inline void see_all(struct soql_expr *const *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        see_expr(v[i]);
}

/* || takes the text form of its arguments, some by lines of their own. */
static inline void see_text_form(const struct type *type)
{
    size_t n, n_all;
    const struct soql_function *f = soql_functions_named(STR("#TEXT"), &n), *all = soql_functions(&n_all);
    for (size_t i = 0; i < n; i++)
        if (strcmp(f[i].arguments, type->is_geometry ? "geometry a" : type->soql_name) == 0)
            seen_function[f + i - all] = true;
}

static inline void see_expr(const struct soql_expr *x)
{
    if (!x || x->kind != EXPR_CALL)
        return;
    size_t n;
    for (size_t i = 0; strcmp(x->function->name, "op$||") == 0 && i < x->n; i++)
        see_text_form(x->args[i]->type);
    const struct soql_function *all = soql_functions(&n);
    if (x->function < all || x->function >= all + n || n > sizeof seen_function)
        abort(); /* no line of the table */
    seen_function[x->function - all] = true;
    see_all(x->args, x->n);
    see_expr(x->filter);
    if (x->over) {
        see_all(x->over->partition, x->over->n_partition);
        see_order(x->over->order, x->over->n_order);
    }
}

static inline void see_relation(const struct soql_relation *r)
{
    if (r->is_set) {
        see_relation(r->left);
        see_relation(r->right);
        return;
    }
    for (size_t i = 0; i < r->n_tables; i++) {
        see_expr(r->tables[i].on);
        if (r->tables[i].relation)
            see_relation(r->tables[i].relation);
    }
    see_all(r->selected, r->n_columns);
    see_all(r->distinct_on, r->n_distinct_on);
    see_all(r->group, r->n_group);
    see_expr(r->where);
    see_expr(r->having);
    see_order(r->order, r->n_order);
}

/* How many were not seen, each named on stderr after the words. case(…) is CASE, and has a line for its description alone. */
static inline size_t print_unseen_functions(const char *words)
{
    size_t n, missing = 0;
    const struct soql_function *f = soql_functions(&n);
    for (size_t i = 0; i < n; i++)
        if (!seen_function[i] && strcmp(f[i].name, "case") != 0) {
            fprintf(stderr, "%s %s(%s)\n", words, f[i].name, f[i].arguments);
            missing++;
        }
    return missing;
}

#endif
