/* Exact decimal numbers as text: the canonical form in which a number cell is stored, and its order.
 *
 * Canonical: optional '-', digits without leading zeros (one '0' if none), optional '.' and the scale's digits, no
 * exponent. "-0" is "0", "-0.00" is "0.00" (docs/wire/types.md: scale is kept: 1.50 stays 1.50; a positive exponent is
 * written out: 1E21 → 22 digits; negative exponents are written out too: 1e-3 → 0.001). At most 4,096 digits, as
 * given and when written out; a lexeme of at most 4,098 bytes, so that the longest with a sign and a point reads back. */
#ifndef SELTZER_ROWS_DECIMAL_H
#define SELTZER_ROWS_DECIMAL_H

#include "base/arena.h"
#include "base/buf.h"

enum { DECIMAL_DIGITS_MAX = 4096 };

enum decimal_status { DECIMAL_OK, DECIMAL_NOT_A_NUMBER, DECIMAL_TOO_LONG, DECIMAL_NO_MEMORY };
/* [+-]?digits[.digits][e[+-]digits] with either side of the point empty (not both). A lexeme that is canonical is
 * returned as it is, without a copy. */
enum decimal_status decimal_parse(struct str lexeme, struct arena *a, struct str *ret_canonical);
/* Order by value of two canonical texts; scale does not count (1 = 1.00). This is the collation DECIMAL1. */
int decimal_compare(struct str a, struct str b);
/* Without trailing zeros of the scale: the bytes that are equal when the values are. A loan of the input. */
struct str decimal_trim(struct str canonical);
/* As replies show it: plain, scientific only when the scale exceeds 20 (docs/wire/types.md). */
void decimal_write(struct str canonical, struct buf *out);

#endif
