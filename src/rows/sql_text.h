/* SQL text with parameters: the only form in which a query reaches an engine. Parameters are ?1, ?2… in SQLite's
 * spelling; identifiers in the text are ours (c1, c2…), never a user's. */
#ifndef SELTZER_ROWS_SQL_TEXT_H
#define SELTZER_ROWS_SQL_TEXT_H

#include "base/arena.h"
#include "base/buf.h"
#include "rows/column.h"

enum { SQL_PARAMETERS_MAX = 30000 };

struct sql_text {
    struct buf text;
    struct cell *parameters; /* bytes in the query's arena */
    size_t n, cap;
};

/* One column of a result. */
struct result_column {
    struct str name;
    const struct type *type;
    const struct row_id_key *row_ids; /* whose :id and :version these are; NULL: of the dataset that is read */
};

/* An index that would serve a query: columns of the first dataset by physical number, in its order. */
enum { INDEX_COLUMNS_MAX = 3, QUERY_INDEXES_MAX = 4 };
struct index_columns {
    int v[INDEX_COLUMNS_MAX];
    size_t n;
};

/* A compiled query over one dataset. Everything in it lives in the arena that it was compiled into. */
struct query {
    struct sql_text sql;
    struct result_column *columns;
    size_t n_columns;
    struct index_columns indexes[QUERY_INDEXES_MAX]; /* those that would serve it, were they there */
    size_t n_indexes;
};

#endif
