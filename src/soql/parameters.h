/* Query parameters to a tree: which parameter is which clause, and which are no parameters at all. */
#ifndef SELTZER_SOQL_PARAMETERS_H
#define SELTZER_SOQL_PARAMETERS_H

#include "soql/tree.h"

enum { SOQL_LIMIT_DEFAULT = 1000 };

must_use bool soql_parse_parameters(const struct soql_request *request, struct arena *a, struct soql_tree *ret, struct error *err);

#endif
