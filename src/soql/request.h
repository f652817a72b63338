/* The query parameters of a GET to one syntax tree: which parameter is which clause, which one filters a column, and which are none at all
 * (docs/wire/reading.md). Each clause is parsed alone, so that nothing written in one can become another. */
#ifndef SELTZER_SOQL_REQUEST_H
#define SELTZER_SOQL_REQUEST_H

#include "rows/column.h"
#include "soql/parse.h"

enum { SOQL_DEFAULT_LIMIT = 1000 };

struct soql_parameter;

/* `parameters`: all that the query string had, decoded, but those that the API layer took; they outlive the tree, or `p`'s arena has them.
 * The outermost select of *ret always has a limit. */
must_use bool soql_request_query(const struct soql_parameter *parameters, size_t n, const struct columns *columns, struct soql_parsing *p,
                                 struct soql_query **ret, struct error *err);

#endif
