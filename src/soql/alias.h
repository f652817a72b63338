/* The name of an output column that nobody named: made of the expression's own words (docs/wire/soql.md, "Names and aliases";
 * soql-reference, AliasAnalysis.scala). */
#ifndef SELTZER_SOQL_ALIAS_H
#define SELTZER_SOQL_ALIAS_H

#include "base/buf.h"
#include "soql/syntax.h"

/* Appends max_magnitude for max(magnitude); not yet folded, not yet told apart from others. */
void alias_of(const struct soql_node *n, struct buf *out);

#endif
