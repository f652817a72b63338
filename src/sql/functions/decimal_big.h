/* The long way of decimal_math.c, by GMP and MPFR. Private to the two files. */
#ifndef SELTZER_SQL_DECIMAL_BIG_H
#define SELTZER_SQL_DECIMAL_BIG_H

#include "sql/functions/decimal_math.h"

enum big_operation {
    BIG_ADD,
    BIG_SUBTRACT,
    BIG_MULTIPLY,
    BIG_DIVIDE, /* b is not zero; scale: the result's */
    BIG_MODULO, /* b is not zero */
    BIG_POWER,
    BIG_LN,     /* a > 0 */
    BIG_ROUND,  /* scale may be negative */
    BIG_BUCKET, /* a within b … c: which of n parts */
    BIG_STDDEV_POP,
    BIG_STDDEV_SAMP, /* n values, a: their sum, b: the sum of their squares */
};

struct big_arguments {
    struct str a, b, c;
    int64_t n;
    int scale;
};

must_use enum math_status big_run(enum big_operation op, const struct big_arguments *args, struct buf *out);
/* How many digits after the point PostgreSQL gives a quotient. */
int big_divide_scale(struct str a, struct str b);

#endif
