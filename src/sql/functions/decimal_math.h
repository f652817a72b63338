/* Arithmetic of exact decimals (rows/decimal.h), with the scales of PostgreSQL's numeric: how many digits a result shows after the
 * point is part of the answer (docs/wire/soql.md, "Numbers"). Arguments are canonical texts; the result is appended to `out`, whose
 * own failure the caller checks.
 *
 * What fits is computed in 128 bits, the rest by GMP and MPFR, whose memory is an arena of the call: when it is short, the call
 * ends and all of it is freed. */
#ifndef SELTZER_SQL_DECIMAL_MATH_H
#define SELTZER_SQL_DECIMAL_MATH_H

#include "rows/decimal.h"

enum math_status {
    MATH_OK,
    MATH_NO_MEMORY,
    MATH_TOO_LONG, /* over DECIMAL_DIGITS_MAX digits */
    MATH_DIVISION_BY_ZERO,
    MATH_LN_OF_ZERO,
    MATH_LN_OF_NEGATIVE,
    MATH_ZERO_TO_NEGATIVE,
    MATH_NEGATIVE_TO_FRACTION,
    MATH_COUNT_NOT_POSITIVE,
    MATH_EQUAL_BOUNDS,
};

const char *math_message(enum math_status status); /* for a person; of what the arguments were */

must_use enum math_status math_add(struct str a, struct str b, struct buf *out);
must_use enum math_status math_subtract(struct str a, struct str b, struct buf *out);
must_use enum math_status math_multiply(struct str a, struct str b, struct buf *out);
must_use enum math_status math_divide(struct str a, struct str b, struct buf *out);
must_use enum math_status math_modulo(struct str a, struct str b, struct buf *out);
must_use enum math_status math_power(struct str a, struct str b, struct buf *out);
must_use enum math_status math_ln(struct str a, struct buf *out);
must_use enum math_status math_round(struct str a, int64_t digits, struct buf *out);
must_use enum math_status math_rescale(struct str a, int scale, struct buf *out); /* the same without bounds */
must_use enum math_status math_floor(struct str a, struct buf *out);
must_use enum math_status math_ceil(struct str a, struct buf *out);
must_use enum math_status math_width_bucket(struct str x, struct str low, struct str high, int64_t count, struct buf *out);
/* From the count, the sum and the sum of the squares. */
must_use enum math_status math_stddev(int64_t n, struct str sum, struct str squares, bool is_sample, struct buf *out);
bool math_is_zero(struct str a);

/* A number of at most 18 digits: value = mantissa × 10^-scale. False: more digits. */
bool math_small(struct str s, int64_t *ret_mantissa, int *ret_scale);
void math_write_small(__int128 mantissa, int scale, struct buf *out);

enum { MATH_SMALL_DIGITS = 18, MATH_INT128_DIGITS = 38 };
extern const __int128 *const math_tens; /* 10^0 … 10^38 */

#endif
