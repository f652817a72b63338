/* The functions of SoQL: one table (functions.def), read by the analyzer (names, signatures), the emitters (templates), the
 * command `seltzer soql functions` and the documentation. An overload is a line of its own.
 *
 * Signatures. Arguments separated by commas, each the SoQL name of a type or a type variable with its class:
 *     "text, number"                   two arguments
 *     "ordered a, a"                   both of one type, any ordered type
 *     "ordered a, a..."                at least one, further ones of the same type
 * Classes: any, ordered, ranked (ordered, but not boolean: what min and max take), equatable, numlike (number, double),
 * timestamplike (fixed, floating), stringable, geometry (the six), puntal, lineal, polygonal (one kind and its multi form). The
 * result is a type, a variable, or "multi a" (the multi form of a). Of CASE, and of case(), the pair condition, value repeats.
 *
 * Templates. Text of the dialect, with
 *     $1 … $9    the argument, in parentheses where it needs them
 *     $1=        the argument where it is compared, ordered or grouped (SQLite: numbers with COLLATE DECIMAL1; PostgreSQL: texts
 *                with COLLATE "C", by code point, whatever the database's own collation is)
 *     $1~        the argument in its text form: by the SQLite or PostgreSQL template of the line "cast$text" that takes its type,
 *                or, of types that cannot be cast to text, of the line "#TEXT"
 *     $*  $2*    all arguments, or those from the second on, separated by ", "; $*= $2*= compared
 *     $@         SQLite: the number of a place in the query text: a function that can fail takes it last and begins its
 *                error message with "@<number>:", by which the message comes to name the expression
 *     $f         aggregates and window functions: where FILTER (…) and OVER (…) go
 * A line whose templates are "" is emitted by code of its own (emit.c): CASE, AND, OR, subscripts.
 *
 * In SQLite a value of a type is what types.def says it is stored as; `double` REAL, `date` days since 1970-01-01, `time`
 * milliseconds of the day, `interval` text (ISO 8601), :id and :version whole numbers. Numbers are text (rows/decimal.h): SQLite's
 * own arithmetic must never see one, and count(*) is CAST(count(*) AS TEXT). In PostgreSQL they are text, numeric, boolean,
 * timestamp, timestamptz, double precision, date, time, interval, bigint; geometry is PostGIS's; url, location
 * and json the same compact JSON text (jsonb would lose the order of members and how numbers are written). How columns are stored
 * is in rows/types.def. The schema "seltzer" of helpers is made by postgres_functions.sql; TimeZone must be UTC. */
#ifndef SELTZER_SOQL_FUNCTIONS_H
#define SELTZER_SOQL_FUNCTIONS_H

#include "base/str.h"

enum soql_function_kind {
    FUNCTION_SCALAR,
    FUNCTION_AGGREGATE,            /* also takes OVER */
    FUNCTION_WINDOW,               /* needs OVER */
};

enum soql_null_rule {
    NULLS_STRICT,                  /* any null argument: null */
    NULLS_IGNORED,                 /* nulls are left out: aggregates, least, greatest */
    NULLS_OWN,                     /* says so itself: coalesce, is null, and, or */
};

struct soql_function {
    enum soql_function_kind kind;
    enum soql_null_rule nulls;
    const char *name;              /* lower case, as typed; operators "op$+", forms "#BETWEEN", casts "cast$number" (syntax.h) */
    const char *arguments, *result;
    const char *sqlite, *postgres;
    const char *group;             /* the chapter in the documentation: "text", "number", "date"… */
    const char *description;       /* one line */
};

const struct soql_function *soql_functions(size_t *ret_n);
/* Every function that the SQLite templates name exists in every connection: sql/functions/. A failure there begins with the place,
 * which sql_failure_place() (sql/sql.h) gives back. */
/* The overloads of a name (any case, - as _): consecutive lines of the table; NULL and 0 if there is none. */
const struct soql_function *soql_functions_named(struct str name, size_t *ret_n);

#endif
