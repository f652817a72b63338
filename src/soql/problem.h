/* What is wrong with a query, and where: errors for the one who typed it.
 *
 * The message ends with the offending line of the user's own text and a caret under the place. `data` has the members that
 * Socrata's bodies have ({query, position: {row, column, line}} and those of the code), so that programs can go on
 * reading them. Codes: base/errors.def, the QUERY_… lines; docs/wire/soql.md, "Errors". */
#ifndef SELTZER_SOQL_PROBLEM_H
#define SELTZER_SOQL_PROBLEM_H

#include "base/error.h"
#include "soql/syntax.h"

/* Sets code, message and data; further data members may follow with error_data_…. Always false. */
bool soql_problem(struct error *err, enum error_code code, const struct soql_place *at, const char *fmt, ...) printf_like(4, 5);
/* Adds the place to an error whose message is there already: what the engine says while a query runs (`@` of functions.def). */
void soql_problem_place(struct error *err, const struct soql_place *at);
/* The nearest of the names by edit distance, transpositions counted once; NULL when none is near. */
const char *soql_nearest(struct str name, const char *const *names, size_t n);

#endif
