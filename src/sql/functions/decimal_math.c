/* The short way of each operation, in 128 bits, and the choice of scales (decimal_math.h). The long way: decimal_big.c. */
#include "sql/functions/decimal_math.h"

#include "sql/functions/decimal_big.h"

const char *math_message(enum math_status status)
{
    static const char *const messages[] = {
        [MATH_OK] = "",
        [MATH_NO_MEMORY] = "",
        [MATH_TOO_LONG] = "value overflows numeric format: the result would have more than 4,096 digits",
        [MATH_DIVISION_BY_ZERO] = "division by zero",
        [MATH_LN_OF_ZERO] = "cannot take logarithm of zero",
        [MATH_LN_OF_NEGATIVE] = "cannot take logarithm of a negative number",
        [MATH_ZERO_TO_NEGATIVE] = "zero raised to a negative power is undefined",
        [MATH_NEGATIVE_TO_FRACTION] = "a negative number raised to a non-integer power yields a complex result",
        [MATH_COUNT_NOT_POSITIVE] = "count must be greater than zero",
        [MATH_EQUAL_BOUNDS] = "lower bound cannot equal upper bound",
    };
    return messages[status];
}

/* ── 128 bits ── */

static __int128 tens[MATH_INT128_DIGITS + 1];
const __int128 *const math_tens = tens;

__attribute__((constructor)) static void make_tens(void)
{
    tens[0] = 1;
    for (int i = 1; i <= MATH_INT128_DIGITS; i++)
        tens[i] = tens[i - 1] * 10;
}

bool math_small(struct str s, int64_t *ret_mantissa, int *ret_scale)
{
    bool negative = s.n && s.p[0] == '-', has_point = false;
    int64_t m = 0;
    size_t scale = 0;
    if (s.n > MATH_SMALL_DIGITS + 2)
        return false;
    for (size_t i = negative; i < s.n; i++) {
        if (s.p[i] == '.') {
            has_point = true;
            continue;
        }
        if (m >= (int64_t)tens[MATH_SMALL_DIGITS - 1])
            return false;
        m = m * 10 + (s.p[i] - '0');
        scale += has_point;
    }
    *ret_mantissa = negative ? -m : m;
    *ret_scale = (int)scale;
    return true;
}

void math_write_small(__int128 mantissa, int scale, struct buf *out)
{
    char text[MATH_INT128_DIGITS + 4];
    char *end = text + sizeof text, *p = end;
    unsigned __int128 v = mantissa < 0 ? -(unsigned __int128)mantissa : (unsigned __int128)mantissa;
    int digits = 0;
    /* Two words of 19 digits each: divisions of 128 bits are slow. */
    while (v || digits <= scale) {
        uint64_t part = (uint64_t)(v % (uint64_t)tens[18]);
        v /= (uint64_t)tens[18];
        for (int i = 0; i < 18 && (part || v || digits <= scale); i++) {
            if (digits == scale && scale)
                *--p = '.';
            *--p = (char)('0' + part % 10);
            part /= 10;
            digits++;
        }
    }
    if (mantissa < 0)
        *--p = '-';
    buf_add(out, p, (size_t)(end - p));
}

bool math_is_zero(struct str a)
{
    for (size_t i = 0; i < a.n; i++)
        if (a.p[i] >= '1' && a.p[i] <= '9')
            return false;
    return true;
}

static int digits_of(__int128 v)
{
    int n = 0;
    if (v < 0)
        v = -v;
    while (n < MATH_INT128_DIGITS && v >= tens[n])
        n++;
    return n;
}

/* Half away from zero. */
static __int128 divide_rounded(__int128 a, __int128 b)
{
    __int128 q = a / b, r = a % b;
    if (r < 0)
        r = -r;
    __int128 abs_b = b < 0 ? -b : b;
    if (r >= abs_b - r)
        q += (a < 0) == (b < 0) ? 1 : -1;
    return q;
}

/* ── operations ── */

static enum math_status add_signed(struct str a, struct str b, int sign, struct buf *out)
{
    int64_t x, y;
    int x_scale, y_scale;
    if (!math_small(a, &x, &x_scale) || !math_small(b, &y, &y_scale))
        return big_run(sign > 0 ? BIG_ADD : BIG_SUBTRACT, &(struct big_arguments){.a = a, .b = b}, out);
    /* 18 digits and at most 18 zeros more. */
    int scale = x_scale > y_scale ? x_scale : y_scale;
    __int128 v = x * tens[scale - x_scale], w = y * tens[scale - y_scale];
    math_write_small(sign > 0 ? v + w : v - w, scale, out);
    return MATH_OK;
}

enum math_status math_add(struct str a, struct str b, struct buf *out)
{
    return add_signed(a, b, 1, out);
}

enum math_status math_subtract(struct str a, struct str b, struct buf *out)
{
    return add_signed(a, b, -1, out);
}

enum math_status math_multiply(struct str a, struct str b, struct buf *out)
{
    int64_t x, y;
    int x_scale, y_scale;
    if (!math_small(a, &x, &x_scale) || !math_small(b, &y, &y_scale))
        return big_run(BIG_MULTIPLY, &(struct big_arguments){.a = a, .b = b}, out);
    math_write_small((__int128)x * y, x_scale + y_scale, out);
    return MATH_OK;
}

enum math_status math_divide(struct str a, struct str b, struct buf *out)
{
    int64_t x, y;
    int x_scale, y_scale;
    if (math_is_zero(b))
        return MATH_DIVISION_BY_ZERO;
    int scale = big_divide_scale(a, b);
    if (math_small(a, &x, &x_scale) && math_small(b, &y, &y_scale)) {
        int shift = scale + y_scale - x_scale;
        if (shift >= 0 && shift < MATH_INT128_DIGITS && digits_of(x) + shift < MATH_INT128_DIGITS) {
            math_write_small(divide_rounded(x * tens[shift], y), scale, out);
            return MATH_OK;
        }
    }
    return big_run(BIG_DIVIDE, &(struct big_arguments){.a = a, .b = b, .scale = scale}, out);
}

enum math_status math_modulo(struct str a, struct str b, struct buf *out)
{
    int64_t x, y;
    int x_scale, y_scale;
    if (math_is_zero(b))
        return MATH_DIVISION_BY_ZERO;
    if (!math_small(a, &x, &x_scale) || !math_small(b, &y, &y_scale))
        return big_run(BIG_MODULO, &(struct big_arguments){.a = a, .b = b}, out);
    int scale = x_scale > y_scale ? x_scale : y_scale;
    math_write_small(x * tens[scale - x_scale] % (y * tens[scale - y_scale]), scale, out);
    return MATH_OK;
}

enum math_status math_power(struct str a, struct str b, struct buf *out)
{
    return big_run(BIG_POWER, &(struct big_arguments){.a = a, .b = b}, out);
}

enum math_status math_ln(struct str a, struct buf *out)
{
    if (math_is_zero(a))
        return MATH_LN_OF_ZERO;
    if (a.p[0] == '-')
        return MATH_LN_OF_NEGATIVE;
    return big_run(BIG_LN, &(struct big_arguments){.a = a}, out);
}

enum { ROUND_DIGITS_MAX = 16383 }; /* as PostgreSQL bounds it */

enum math_status math_round(struct str a, int64_t digits, struct buf *out)
{
    return math_rescale(a, digits > ROUND_DIGITS_MAX ? ROUND_DIGITS_MAX : digits < -ROUND_DIGITS_MAX ? -ROUND_DIGITS_MAX : (int)digits, out);
}

enum math_status math_rescale(struct str a, int scale, struct buf *out)
{
    int64_t x;
    int x_scale;
    if (!math_small(a, &x, &x_scale) || scale > MATH_SMALL_DIGITS || scale < -MATH_SMALL_DIGITS)
        return big_run(BIG_ROUND, &(struct big_arguments){.a = a, .scale = scale}, out);
    __int128 v = scale >= x_scale ? x * tens[scale - x_scale] : divide_rounded(x, tens[x_scale - scale]);
    if (scale < 0)
        v *= tens[-scale];
    math_write_small(v, scale > 0 ? scale : 0, out);
    return MATH_OK;
}

/* The whole part, and one more away from zero when the fraction is not nothing and `sign` is the number's. */
static enum math_status whole_towards(struct str a, bool towards_minus, struct buf *out)
{
    struct str whole, fraction;
    bool negative = a.n && a.p[0] == '-';
    if (!str_cut(a, '.', &whole, &fraction)) {
        buf_add_str(out, a);
        return MATH_OK;
    }
    if (negative == towards_minus && !math_is_zero(fraction))
        return math_add(str_eq(whole, STR("-0")) ? STR("0") : whole, negative ? STR("-1") : STR("1"), out);
    buf_add_str(out, str_eq(whole, STR("-0")) ? STR("0") : whole);
    return MATH_OK;
}

enum math_status math_floor(struct str a, struct buf *out)
{
    return whole_towards(a, true, out);
}

enum math_status math_ceil(struct str a, struct buf *out)
{
    return whole_towards(a, false, out);
}

enum math_status math_width_bucket(struct str x, struct str low, struct str high, int64_t count, struct buf *out)
{
    int order = decimal_compare(low, high);
    if (count <= 0)
        return MATH_COUNT_NOT_POSITIVE;
    if (order == 0)
        return MATH_EQUAL_BOUNDS;
    int to_low = decimal_compare(x, low), to_high = decimal_compare(x, high);
    if (order < 0 ? to_low < 0 : to_low > 0) {
        buf_add_byte(out, '0');
        return MATH_OK;
    }
    if (order < 0 ? to_high >= 0 : to_high <= 0) {
        buf_add_i64(out, count + 1);
        return MATH_OK;
    }
    return big_run(BIG_BUCKET, &(struct big_arguments){.a = x, .b = low, .c = high, .n = count}, out);
}

enum math_status math_stddev(int64_t n, struct str sum, struct str squares, bool is_sample, struct buf *out)
{
    return big_run(is_sample ? BIG_STDDEV_SAMP : BIG_STDDEV_POP, &(struct big_arguments){.a = sum, .b = squares, .n = n}, out);
}
