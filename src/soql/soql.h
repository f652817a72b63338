/* The read river's head: the query parameters of a GET, to SQL with parameters over one dataset's table. No I/O.
 *
 * Today: $select of column names, `*` and `:*`; $order of columns with asc/desc; $limit, $offset; column=value filters.
 * The language itself comes behind this same door. Identifiers in the SQL are c<n>, sid, created, updated, version of
 * the table `rows`; values are always parameters. (docs/wire/reading.md) */
#ifndef SELTZER_SOQL_SOQL_H
#define SELTZER_SOQL_SOQL_H

#include "base/error.h"
#include "rows/row_id.h"
#include "rows/sql_text.h"

struct soql_parameter {
    struct str name, value; /* decoded */
};

struct soql_request {
    const struct columns *columns;        /* of the dataset; outlives the query */
    const struct row_id_key *row_ids;
    const struct soql_parameter *parameters; /* all that the query string had, but those the API layer took */
    size_t n;
};

/* Everything of *ret lives in the arena (parameters) and in ret->sql.text (free with query_fini). */
must_use bool soql_compile(const struct soql_request *request, struct arena *a, struct query *ret, struct error *err);
/* One row by its number: the same columns as `select :*, *` or `select *`. */
must_use bool soql_compile_row(const struct columns *columns, bool system_columns, int64_t sid, struct arena *a, struct query *ret, struct error *err);
void query_fini(struct query *q);

#endif
