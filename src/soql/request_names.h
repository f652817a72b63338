/* The names of query parameters, for request.c alone: what each one is, and what is wrong with those that are nothing. */
#ifndef SELTZER_SOQL_REQUEST_NAMES_H
#define SELTZER_SOQL_REQUEST_NAMES_H

#include "base/arena.h"
#include "base/error.h"
#include "rows/column.h"

enum request_name {
    REQUEST_SELECT,
    REQUEST_WHERE,
    REQUEST_GROUP,
    REQUEST_HAVING,
    REQUEST_ORDER,
    REQUEST_LIMIT,
    REQUEST_OFFSET,
    REQUEST_Q,
    REQUEST_SEARCH,
    REQUEST_QUERY,
    REQUEST_EXCLUDE_SYSTEM_FIELDS,
    REQUEST_NAME_COUNT,
    REQUEST_FILTER = REQUEST_NAME_COUNT, /* a column */
    REQUEST_IGNORED,
    REQUEST_UNKNOWN,
};

struct soql_parameter;

enum request_name request_name_find(struct str name, const struct columns *columns);
must_use bool request_check_texts(const struct soql_parameter *v, size_t n, struct error *err);   /* UTF-8 */
must_use bool request_check_repeats(const struct soql_parameter *v, size_t n, struct arena *a, struct error *err);
/* "Unrecognized arguments [a, b]" and what was probably meant; always false. */
bool request_refuse_unknown(const struct soql_parameter *v, size_t n, const struct columns *columns, struct error *err);

#endif
