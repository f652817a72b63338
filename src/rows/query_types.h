/* The types that only queries have: double, date, time and interval (docs/wire/soql.md, "Types and literals"). No column can be of
 * them; casts, literals and functions make their values.
 *
 * A literal's cell, as their parse() gives it, is what a statement is bound to: double and interval CELL_TEXT, date CELL_INT (days
 * since 1970-01-01), time CELL_INT (milliseconds of the day). In a result all four come as CELL_TEXT, already in the form in which
 * they are shown; write_json and write_csv take both. */
#ifndef SELTZER_ROWS_QUERY_TYPES_H
#define SELTZER_ROWS_QUERY_TYPES_H

#include "rows/type.h"

/* As PostgreSQL shows double precision: the fewest digits that read back as the same number, with an exponent below 1e-4 and from
 * 1e15 on. Infinity, -Infinity, NaN. */
void double_write(double v, struct buf *out);

/* year "-" month "-" day of 0001-01-01 … 9999-12-31 */
bool date_read(struct str s, int64_t *ret_days);
void date_write(int64_t days, struct buf *out);

/* hour ":" minute [":" second ["." digits]]; digits past the third are dropped */
bool time_read(struct str s, int64_t *ret_ms);
void time_write(int64_t ms, struct buf *out); /* 05:06:07.000 */

/* Months, days and milliseconds do not make each other up: a month has no fixed days, a day no fixed hours. */
struct interval {
    int64_t months, days, ms;
};
enum { INTERVAL_DIGITS_MAX = 9 }; /* of each of its numbers */

/* "P" [n "Y"] [n "M"] [n "W"] [n "D"] ["T" [n "H"] [n "M"] [n ["." digits] "S"]], n with or without sign, at least one of them;
 * digits past the third are dropped */
bool interval_read(struct str s, struct interval *ret);
void interval_write(const struct interval *i, struct buf *out); /* P1Y2M3DT4H5M6.5S, PT0S */

extern const struct type type_double, type_date, type_time, type_interval;

/* Any type that a query can name: the column types, the system columns' and those above; by SoQL name only, any case. */
const struct type *type_find_query(struct str name);

#endif
