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

/* What an engine that keeps lists of its rows can narrow a query by: only rows that have all the words, or whose point is at the place,
 * make its answer. The query asks for that itself too, exactly: rows too many on the list are no matter. */
enum narrowing_kind { NARROWING_NONE, NARROWING_WORDS, NARROWING_BOX, NARROWING_CIRCLE, NARROWING_SHAPE, NARROWING_KINDS };
enum listed_as { LISTED_TEXT, LISTED_URL, LISTED_NUMBER, LISTED_POINT, LISTED_LOCATION };
struct listed_column {
    int physical;
    enum listed_as as;
};
enum { LISTED_COLUMNS_MAX = 120 }; /* of words; a query over more is not narrowed */
struct narrowing {
    enum narrowing_kind kind;
    struct listed_column *columns; /* WORDS: all that are looked through; else one */
    size_t n_columns;
    struct str words, number;      /* WORDS; number: the words as a number in canonical form, .p NULL: they are none */
    double at[4];                  /* BOX: north, west, south, east; CIRCLE: latitude, longitude, metres */
    struct str shape;              /* SHAPE: WKB */
    struct buf text;               /* the query's text, narrowed: with one parameter more, last, the row numbers as a JSON array */
};

/* Rows counted by one column: over an index of it the text here takes one value after the other and counts the entries of each, which is
 * quicker than comparing each entry with the one before, as long as there are many a value. Without the index it is hopeless. */
struct counting {
    int column;                    /* physical number, 0: the query is none such */
    struct buf text;               /* with the same parameters */
};

/* A compiled query over one dataset. Everything in it lives in the arena that it was compiled into. */
struct query {
    struct sql_text sql;
    struct result_column *columns;
    size_t n_columns;
    struct index_columns indexes[QUERY_INDEXES_MAX]; /* those that would serve it, were they there */
    size_t n_indexes;
    struct narrowing narrowing;
    struct counting counting;
};

#endif
