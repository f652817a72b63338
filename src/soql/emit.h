/* A tree to SQL with parameters, over the columns of one dataset: names are looked up, values read by their column's type. */
#ifndef SELTZER_SOQL_EMIT_H
#define SELTZER_SOQL_EMIT_H

#include "soql/tree.h"

must_use bool soql_emit(const struct soql_request *request, const struct soql_tree *tree, struct arena *a, struct query *ret, struct error *err);

#endif
