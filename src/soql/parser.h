/* Clauses to their part of the tree. One function a clause; each takes the whole text of its parameter, so nothing can
 * be smuggled into another clause. (docs/wire/reading.md) */
#ifndef SELTZER_SOQL_PARSER_H
#define SELTZER_SOQL_PARSER_H

#include "soql/tree.h"

must_use bool soql_parse_select_names(struct str text, struct arena *a, struct soql_selection *ret, struct error *err);
must_use bool soql_parse_order_names(struct str text, struct arena *a, struct soql_ordering **ret, size_t *ret_n, struct error *err);

#endif
