/* The SQL functions of queries: what the templates of soql/functions.def call, registered on every connection. A file a group of
 * functions, each with a table of them at its end. They are pure: the same arguments give the same value, nothing is kept between
 * calls but what SQLite keeps for us (aggregate contexts, auxiliary data).
 *
 * Numbers are texts (rows/decimal.h), timestamps and dates whole numbers, geometries WKB: as functions.h of soql says. A function that
 * can fail for what a person wrote takes the place of its expression last, and fails by function_refuse(). */
#ifndef SELTZER_SQL_FUNCTIONS_H
#define SELTZER_SQL_FUNCTIONS_H

#include <sqlite3.h>

#include "base/buf.h"

enum {
    FUNCTION_TEXT_MAX = 64 << 20, /* bytes of a text that a function makes: as large as a stored value may be */
    FUNCTION_PATTERN_MAX = 256,   /* bytes of a LIKE pattern (docs/wire/soql.md) */
};

typedef void function_call(sqlite3_context *out, int n, sqlite3_value **values);

struct function {
    const char *name;
    int n;               /* of arguments, -1: any */
    bool takes_nulls;    /* else any null argument makes null, and the call is not made */
    function_call *call;
};

struct aggregate {
    const char *name;
    int n;
    function_call *step, *inverse; /* rows with a null among the arguments are left out before either */
    void (*value)(sqlite3_context *out);
    void (*final)(sqlite3_context *out);
};

/* Tables of the files here, each ended by a NULL name. */
extern const struct function functions_number[], functions_real[], functions_text[], functions_time[], functions_parse[], functions_value[],
    functions_geometry[], functions_geometry_make[], functions_search[];
extern const struct aggregate aggregates_number[], aggregates_real[], aggregates_median[], aggregates_geometry[];

int functions_register(sqlite3 *db); /* a result code of SQLite */

/* Refuses: "@<place>:" and the message, in words that a person can use (sql_failure_place()). */
void function_refuse(sqlite3_context *out, sqlite3_value *place, const char *fmt, ...) printf_like(3, 4);
void function_refuse_at(sqlite3_context *out, int64_t place, const char *fmt, ...) printf_like(3, 4); /* where a step has kept it */

/* A loan. False: memory is short, and the result says so. */
bool function_text(sqlite3_context *out, sqlite3_value *v, struct str *ret);
bool function_blob(sqlite3_context *out, sqlite3_value *v, struct str *ret);
/* A number as a whole one, half away from zero. False: it is not within 32 bits, and the result says so. */
bool function_int(sqlite3_context *out, sqlite3_value *v, sqlite3_value *place, int64_t *ret);
/* A number as the nearest double. False: refused or no memory, and the result says so. */
bool function_real(sqlite3_context *out, sqlite3_value *v, sqlite3_value *place, double *ret);

void function_give_text(sqlite3_context *out, struct str s); /* copies */
void function_give_buf(sqlite3_context *out, struct buf *b);  /* and frees it; short of memory if it failed */
void function_give_number(sqlite3_context *out, int64_t v);  /* a whole number, as a number is stored: text */
/* A double as a number: 15 digits, as PostgreSQL turns double precision into numeric. */
void function_give_rounded(sqlite3_context *out, double v);

#endif
