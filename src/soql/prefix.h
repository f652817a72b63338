/* Conditions on how a text begins, which an ordered index can serve. */
#ifndef SELTZER_SOQL_PREFIX_H
#define SELTZER_SOQL_PREFIX_H

#include "base/arena.h"
#include "soql/typed.h"

/* What the column that is the first argument must begin with for the condition to be true; empty: it is no such condition. */
struct str soql_prefix(const struct soql_expr *x);
/* The least text, by code point, that is above all that begin so. .p NULL: no memory. */
struct str soql_prefix_end(struct str prefix, struct arena *a);

#endif
