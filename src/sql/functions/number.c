/* Functions of exact decimals: the arguments of decimal_math.c out of SQLite, and its answers back. */
#include "sql/functions/decimal_math.h"
#include "sql/functions/functions.h"
#include "sql/functions/number.h"

void number_give(sqlite3_context *out, int64_t place, enum math_status status, struct buf *b)
{
    if (status == MATH_OK) {
        function_give_buf(out, b);
        return;
    }
    buf_free(b);
    if (status == MATH_NO_MEMORY)
        sqlite3_result_error_nomem(out);
    else
        function_refuse_at(out, place, "%s", math_message(status));
}

typedef enum math_status binary(struct str a, struct str b, struct buf *out);

static void call_binary(sqlite3_context *out, sqlite3_value **v, binary *op)
{
    struct str a, b;
    struct buf result = {0};
    if (function_text(out, v[0], &a) && function_text(out, v[1], &b))
        number_give(out, sqlite3_value_int64(v[2]), op(a, b, &result), &result);
}

static void add(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    call_binary(out, v, math_add);
}

static void subtract(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    call_binary(out, v, math_subtract);
}

static void multiply(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    call_binary(out, v, math_multiply);
}

static void divide(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    call_binary(out, v, math_divide);
}

static void modulo(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    call_binary(out, v, math_modulo);
}

static void power(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    call_binary(out, v, math_power);
}

static void ln(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct str a;
    struct buf b = {0};
    (void)n;
    if (function_text(out, v[0], &a))
        number_give(out, sqlite3_value_int64(v[1]), math_ln(a, &b), &b);
}

static void num_round(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct str a;
    struct buf b = {0};
    int64_t digits;
    (void)n;
    if (function_int(out, v[1], v[2], &digits) && function_text(out, v[0], &a))
        number_give(out, sqlite3_value_int64(v[2]), math_round(a, digits, &b), &b);
}

static void num_floor(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct str a;
    struct buf b = {0};
    (void)n;
    if (function_text(out, v[0], &a))
        number_give(out, 0, math_floor(a, &b), &b);
}

static void num_ceil(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct str a;
    struct buf b = {0};
    (void)n;
    if (function_text(out, v[0], &a))
        number_give(out, 0, math_ceil(a, &b), &b);
}

static void num_abs(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct str a;
    (void)n;
    if (function_text(out, v[0], &a))
        function_give_text(out, str_skip(a, a.n && a.p[0] == '-'));
}

static void negate(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct str a;
    struct buf b = {0};
    (void)n;
    if (!function_text(out, v[0], &a))
        return;
    if (a.n && a.p[0] == '-')
        a = str_skip(a, 1);
    else if (!math_is_zero(a))
        buf_add_byte(&b, '-');
    buf_add_str(&b, a);
    function_give_buf(out, &b);
}

/* sign(x) × the digits of the whole part of |x|; 0 has one digit, but no sign. */
static void signed_magnitude_10(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct str a, whole, fraction;
    (void)n;
    if (!function_text(out, v[0], &a))
        return;
    bool negative = a.n && a.p[0] == '-';
    str_cut(str_skip(a, negative), '.', &whole, &fraction);
    function_give_number(out, math_is_zero(a) ? 0 : negative ? -(int64_t)whole.n : (int64_t)whole.n);
}

/* sign(x) × floor(|x| / width + 1) */
static enum math_status magnitude(struct str a, struct str width, struct buf *out)
{
    struct buf part = {0}, more = {0};
    bool negative = a.n && a.p[0] == '-';
    enum math_status status = math_divide(str_skip(a, negative), width, &part);
    if (status == MATH_OK && buf_ok(&part))
        status = math_add(buf_str(&part), STR("1"), &more);
    if (status == MATH_OK && !math_is_zero(a)) {
        size_t at = out->n;
        if (negative)
            buf_add_byte(out, '-');
        status = math_floor(buf_ok(&more) ? buf_str(&more) : STR("0"), out);
        if (status == MATH_OK && negative && buf_ok(out) && out->p[at + 1] == '-') {
            memmove(out->p + at, out->p + at + 2, out->n - at - 2); /* of a negative width */
            out->n -= 2;
        } else if (status == MATH_OK && negative && buf_ok(out) && math_is_zero(str_skip(buf_str(out), at))) {
            memmove(out->p + at, out->p + at + 1, out->n - at - 1);
            out->n--;
        }
    } else if (status == MATH_OK) {
        buf_add_byte(out, '0');
    }
    if (!buf_ok(&part) || !buf_ok(&more))
        status = MATH_NO_MEMORY;
    buf_free(&part);
    buf_free(&more);
    return status;
}

static void signed_magnitude_linear(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct str a, width;
    struct buf b = {0};
    (void)n;
    if (!function_text(out, v[0], &a) || !function_text(out, v[1], &width))
        return;
    enum math_status status = decimal_compare(width, STR("1")) == 0 ? math_floor(a, &b) : magnitude(a, width, &b);
    number_give(out, sqlite3_value_int64(v[2]), status, &b);
}

static void width_bucket(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct str x, low, high;
    struct buf b = {0};
    int64_t count;
    (void)n;
    if (function_text(out, v[0], &x) && function_text(out, v[1], &low) && function_text(out, v[2], &high) &&
        function_int(out, v[3], v[4], &count))
        number_give(out, sqlite3_value_int64(v[4]), math_width_bucket(x, low, high, count, &b), &b);
}

/* The extreme by value; of equal ones the first. */
static void extreme(sqlite3_context *out, int n, sqlite3_value **v, int sign)
{
    struct str best = STR_NONE, s;
    for (int i = 0; i < n; i++) {
        if (sqlite3_value_type(v[i]) == SQLITE_NULL)
            continue;
        if (!function_text(out, v[i], &s))
            return;
        if (!best.p || decimal_compare(s, best) * sign > 0)
            best = s;
    }
    if (best.p)
        function_give_text(out, best);
}

static void greatest(sqlite3_context *out, int n, sqlite3_value **v)
{
    extreme(out, n, v, 1);
}

static void least(sqlite3_context *out, int n, sqlite3_value **v)
{
    extreme(out, n, v, -1);
}

static void num_int(sqlite3_context *out, int n, sqlite3_value **v)
{
    int64_t i;
    (void)n;
    if (function_int(out, v[0], v[1], &i))
        sqlite3_result_int64(out, i);
}

/* SQLite's ntile() would fail without a word of ours. */
static void num_positive(sqlite3_context *out, int n, sqlite3_value **v)
{
    int64_t i;
    (void)n;
    bool is_null = sqlite3_value_type(v[0]) == SQLITE_NULL;
    if (!is_null && !function_int(out, v[0], v[1], &i))
        return;
    if (!is_null && i > 0)
        sqlite3_result_int64(out, i);
    else
        function_refuse(out, v[1], "argument of ntile must be greater than zero");
}

static void num_real(sqlite3_context *out, int n, sqlite3_value **v)
{
    double d;
    (void)n;
    if (function_real(out, v[0], v[1], &d))
        sqlite3_result_double(out, d);
}

const struct function functions_number[] = {
    {"num_add", 3, false, add},
    {"num_subtract", 3, false, subtract},
    {"num_multiply", 3, false, multiply},
    {"num_divide", 3, false, divide},
    {"num_modulo", 3, false, modulo},
    {"num_power", 3, false, power},
    {"num_ln", 2, false, ln},
    {"num_round", 3, false, num_round},
    {"num_floor", 1, false, num_floor},
    {"num_ceil", 1, false, num_ceil},
    {"num_abs", 1, false, num_abs},
    {"num_negate", 1, false, negate},
    {"num_signed_magnitude_10", 1, false, signed_magnitude_10},
    {"num_signed_magnitude_linear", 3, false, signed_magnitude_linear},
    {"num_width_bucket", 5, false, width_bucket},
    {"num_greatest", -1, true, greatest},
    {"num_least", -1, true, least},
    {"num_int", 2, false, num_int},
    {"num_positive", 2, true, num_positive},
    {"num_real", 2, false, num_real},
    {NULL, 0, false, NULL},
};
