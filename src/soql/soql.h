/* The read river's head: SoQL to SQL with parameters. No I/O.
 *
 *     parameters ─► request ─► parse ─► analyze ─► emit ─► SQL
 *
 * Each stage has a door of its own (request.h, parse.h, typed.h); this is the way through all of them. Identifiers in the SQL are ours
 * alone, values are always parameters. The language, for users: docs/soql.md; where it comes from: docs/wire/soql.md. */
#ifndef SELTZER_SOQL_SOQL_H
#define SELTZER_SOQL_SOQL_H

#include "soql/problem.h"
#include "soql/typed.h"

struct soql_parameter {
    struct str name, value; /* decoded */
};

struct soql_request {
    const struct soql_dataset *primary;      /* outlives what is compiled, as do the columns and keys of the others */
    const struct soql_catalog *catalog;      /* NULL: there are no other datasets */
    const struct soql_parameter *parameters; /* all that the query string had, but those the API layer took */
    size_t n;
};

/* For the embedded engine. query_fini(&ret->query) afterwards, also when it failed; everything else is the arena's. */
must_use bool soql_compile(const struct soql_request *request, struct arena *a, struct soql_compiled *ret, struct error *err);
/* One row by its number: the same columns as `select :*, *` or `select *`. */
must_use bool soql_compile_row(const struct soql_dataset *dataset, bool system_columns, int64_t sid, struct arena *a, struct soql_compiled *ret, struct error *err);
void query_fini(struct query *q);

#endif
