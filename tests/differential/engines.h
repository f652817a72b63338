/* The two engines with the same rows: SQLite in memory, through the project's own driver, and a PostgreSQL that the caller started. */
#ifndef SELTZER_TESTS_ENGINES_H
#define SELTZER_TESTS_ENGINES_H

#include "chance.h"
#include "soql/soql.h"

enum { DEADLINE_MS = 20000 };

/* A value as text: numbers as they are written, booleans and times as whole numbers, geometries as hex; .p NULL: null. */
struct answer {
    struct str *values; /* row by row */
    size_t n_rows, n_columns;
    bool failed, is_late;
    bool is_own;        /* the query's own failure: a value that cannot be computed */
    char message[2048];
};

struct engines;
struct engines *engines_open(const char *postgres, const struct columns *quakes, const struct columns *regions);
void engines_close(struct engines *e);
/* New random rows, the same in both. False: said to stderr. */
bool engines_fill(struct engines *e, struct chance *c);
void engines_ask_sqlite(struct engines *e, const struct query *q, struct arena *a, struct answer *ret);
void engines_ask_postgres(struct engines *e, const struct query *q, struct arena *a, struct answer *ret);

#endif
