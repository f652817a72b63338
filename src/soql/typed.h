/* What is meant: the analyzer's tree. Names are looked up, stars expanded, aliases put in place of their names, every expression
 * has one type, every call one function, every literal a cell of its type. The emitters need nothing else.
 *
 * A query is a tree of relations. A relation has columns (named, typed) and is made of a select or of two relations. The tables of
 * a select are its FROM and JOINs, numbered from 0; a column is (table, index in that table's columns). */
#ifndef SELTZER_SOQL_TYPED_H
#define SELTZER_SOQL_TYPED_H

#include "base/error.h"
#include "rows/column.h"
#include "rows/row_id.h"
#include "rows/sql_text.h"
#include "soql/functions.h"
#include "soql/syntax.h"

/* ── expressions ── */

enum soql_expr_kind { EXPR_COLUMN, EXPR_LITERAL, EXPR_CALL };

struct soql_expr_order {
    struct soql_expr *by;
    bool descending, nulls_first;
};

struct soql_expr_window {
    struct soql_expr **partition;
    size_t n_partition;
    struct soql_expr_order *order;
    size_t n_order;
    const struct soql_window *frame; /* mode, bounds and exclude; expressions are those above */
};

struct soql_expr {
    enum soql_expr_kind kind;
    const struct type *type;       /* of types.def, or one that only queries have (rows/type.h) */
    struct soql_place place;
    /* EXPR_COLUMN */
    int table, column;             /* of the select at hand */
    /* EXPR_LITERAL: in the type's storage kind; null of a type is CELL_NULL. double: the decimal text as written; date: CELL_INT,
     * days since 1970-01-01; time: CELL_INT, milliseconds of the day; interval: its ISO 8601 text (rows/query_types.h) */
    struct cell literal;
    /* EXPR_CALL; CASE (function "#CASE"): condition, value, … with has_else the last argument alone is the ELSE value */
    const struct soql_function *function;
    struct soql_expr **args;
    size_t n;
    bool has_else;
    struct soql_expr *filter;      /* NULL: none */
    struct soql_expr_window *over; /* NULL: none */
    /* of :id and :version, and of what is made of them: whose row numbers they are */
    const struct row_id_key *row_ids;
    uint32_t hash;                 /* of equal expressions equal */
};

bool soql_expr_equal(const struct soql_expr *a, const struct soql_expr *b); /* same structure, whatever the spelling */

bool expr_has_window(const struct soql_expr *x); /* a call with OVER, anywhere in it */

/* ── relations ── */

struct soql_relation_column {
    struct str name;               /* as the reply calls it: lower case */
    const struct type *type;
    const struct row_id_key *row_ids;
};

enum soql_table_kind {
    TABLE_DATASET,                 /* dataset: index into the analysis' datasets; columns: the four system ones, then its own */
    TABLE_RELATION,                /* relation: a sub-select, or what was before the pipe; columns: its output */
    TABLE_SINGLE_ROW,              /* one row, no columns */
};

struct soql_table {
    enum soql_table_kind kind;
    int dataset;
    struct soql_relation *relation;
    const struct soql_relation_column *columns;
    size_t n_columns;
    enum soql_join_kind join;      /* of tables from 1 on */
    bool lateral;
    struct soql_expr *on;
};

struct soql_relation {
    const struct soql_relation_column *columns; /* its output */
    size_t n_columns;
    /* a set operation: both, and nothing else */
    bool is_set;
    enum soql_set_operation operation;
    struct soql_relation *left, *right;
    /* a select */
    struct soql_table *tables;
    size_t n_tables;
    struct soql_expr **selected;   /* n_columns */
    bool distinct, grouped;
    struct soql_expr **distinct_on;
    size_t n_distinct_on;
    struct soql_expr *where, *having;
    struct soql_expr **group;
    size_t n_group;
    struct soql_expr_order *order; /* as written; the tie-break by row number is the emitter's: stable_order */
    size_t n_order;
    bool stable_order;             /* rows keep the order of their creation where nothing else is said */
    struct str search;             /* SEARCH, $q; .p NULL: none */
    bool has_limit, has_offset;
    int64_t limit, offset;
};

/* ── analysis ── */

/* A dataset that a query may read. Names as in the catalog; columns outlive the query. */
struct soql_dataset {
    struct str name;               /* 4x4 */
    const struct columns *columns;
    const struct row_id_key *row_ids;
};

/* How the analyzer asks for another dataset, by 4x4 or resource name. False with err->code NONE: there is none that this caller may
 * read (one answer for both). The analyzer asks once a name. */
struct soql_catalog {
    void *ctx;
    bool (*find)(void *ctx, struct str name, struct soql_dataset *ret, struct error *err);
};

struct soql_analysis {
    struct soql_relation *relation;
    struct soql_dataset *datasets; /* [0]: the primary one; the others in the order of their first naming */
    size_t n_datasets;
};

must_use bool soql_analyze(const struct soql_query *q, const struct soql_dataset *primary, const struct soql_catalog *catalog,
                           struct arena *a, struct soql_analysis *ret, struct error *err);
/* The tree for people: `seltzer soql explain`. */
void soql_print_typed(const struct soql_analysis *q, struct buf *out);

/* ── SQL ── */

enum soql_dialect { DIALECT_SQLITE, DIALECT_POSTGRES };

/* Table names: SQLite: main.rows, then d1.rows, d2.rows… (attached); PostgreSQL: what `postgres_tables` says, one a dataset.
 * The result's columns come in the storage kind of their type on both engines; `double`, `date`, `time` and `interval` as text. */
struct soql_emission {
    enum soql_dialect dialect;
    const char *const *postgres_tables;
    const struct soql_relation *narrowed; /* NULL: none. SQLite: this select takes only rows that the last parameter lists */
    size_t narrowed_parameter;            /* its number */
    const struct soql_relation *counted;  /* NULL: none. SQLite: this select groups what was counted by value already */
    int counted_column;                   /* by which; physical */
};

/* SQL, and what is needed to run it and to tell what went wrong then. All in the arena but query.sql.text (query_fini). */
struct soql_compiled {
    struct query query;
    const struct soql_dataset *datasets; /* [0] the primary one; n is d<n> in SQLite's text */
    size_t n_datasets;
    struct soql_place *places;     /* what a failing function's "@<number>:" means */
    size_t n_places;
    bool reads_clock;              /* asks for the present time: another answer every time, though no data change */
    struct soql_place deepest;     /* the expression that stands deepest within others; a query of none has no source here */
};

/* Which indexes would serve the query: a help to the engine, which may have none of them. One dataset alone, else none. */
void soql_wish_indexes(const struct soql_analysis *q, struct query *ret);
/* By which rows the query can be narrowed, and its text then (rows/sql_text.h); none for most. After soql_emit_sql. */
must_use bool soql_narrow(const struct soql_analysis *q, const struct soql_emission *how, struct arena *a, struct soql_compiled *ret, struct error *err);
/* The text by which the query counts over an index, if it counts rows by one column (rows/sql_text.h). After soql_emit_sql. */
must_use bool soql_count(const struct soql_analysis *q, const struct soql_emission *how, struct arena *a, struct soql_compiled *ret, struct error *err);
must_use bool soql_emit_sql(const struct soql_analysis *q, const struct soql_emission *how, struct arena *a, struct soql_compiled *ret, struct error *err);

#endif
