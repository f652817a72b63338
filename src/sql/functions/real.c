/* Functions of doubles. What PostgreSQL refuses is refused here: a result that is no longer finite, or that has become zero. */
#include <math.h>

#include "rows/query_types.h"
#include "sql/functions/functions.h"

static void give(sqlite3_context *out, sqlite3_value *place, double v, bool may_be_zero)
{
    if (isnan(v) || isinf(v))
        function_refuse(out, place, "value out of range: overflow");
    else if (v == 0 && !may_be_zero)
        function_refuse(out, place, "value out of range: underflow");
    else
        sqlite3_result_double(out, v);
}

static void add(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    give(out, v[2], sqlite3_value_double(v[0]) + sqlite3_value_double(v[1]), true);
}

static void subtract(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    give(out, v[2], sqlite3_value_double(v[0]) - sqlite3_value_double(v[1]), true);
}

static void multiply(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    double a = sqlite3_value_double(v[0]), b = sqlite3_value_double(v[1]);
    give(out, v[2], a * b, a == 0 || b == 0);
}

static void divide(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    double a = sqlite3_value_double(v[0]), b = sqlite3_value_double(v[1]);
    if (b == 0)
        function_refuse(out, v[2], "division by zero");
    else
        give(out, v[2], a / b, a == 0);
}

/* By the quotient, as postgres_functions.sql does it, so that both engines lose the same digits. */
static void modulo(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    double a = sqlite3_value_double(v[0]), b = sqlite3_value_double(v[1]);
    if (b == 0)
        function_refuse(out, v[2], "division by zero");
    else
        give(out, v[2], a - b * trunc(a / b), true);
}

static void power(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    double a = sqlite3_value_double(v[0]), b = sqlite3_value_double(v[1]);
    if (a == 0 && b < 0)
        function_refuse(out, v[2], "zero raised to a negative power is undefined");
    else if (a < 0 && floor(b) != b)
        function_refuse(out, v[2], "a negative number raised to a non-integer power yields a complex result");
    else
        give(out, v[2], pow(a, b), a == 0);
}

static void real_ln(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    double a = sqlite3_value_double(v[0]);
    if (a == 0)
        function_refuse(out, v[1], "cannot take logarithm of zero");
    else if (a < 0)
        function_refuse(out, v[1], "cannot take logarithm of a negative number");
    else
        give(out, v[1], log(a), true);
}

static void real_ceil(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    sqlite3_result_double(out, ceil(sqlite3_value_double(v[0])));
}

static void real_floor(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    sqlite3_result_double(out, floor(sqlite3_value_double(v[0])));
}

static void signed_magnitude_linear(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    double a = sqlite3_value_double(v[0]), width = sqlite3_value_double(v[1]);
    if (width == 1)
        sqlite3_result_double(out, floor(a));
    else if (width == 0)
        function_refuse(out, v[2], "division by zero");
    else
        give(out, v[2], a == 0 ? 0 : copysign(1, a) * floor(fabs(a) / width + 1), true);
}

static void real_text(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct buf b = {0};
    (void)n;
    double_write(sqlite3_value_double(v[0]), &b);
    function_give_buf(out, &b);
}

static void real_number(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    function_give_rounded(out, sqlite3_value_double(v[0]));
}

const struct function functions_real[] = {
    {"real_add", 3, false, add},
    {"real_subtract", 3, false, subtract},
    {"real_multiply", 3, false, multiply},
    {"real_divide", 3, false, divide},
    {"real_modulo", 3, false, modulo},
    {"real_power", 3, false, power},
    {"real_ln", 2, false, real_ln},
    {"real_ceil", 1, false, real_ceil},
    {"real_floor", 1, false, real_floor},
    {"real_signed_magnitude_linear", 3, false, signed_magnitude_linear},
    {"real_text", 1, false, real_text},
    {"real_number", 1, false, real_number},
    {NULL, 0, false, NULL},
};

/* ── aggregates: Youngs and Cramer's sums, as PostgreSQL keeps them ── */

struct moments {
    int64_t n;
    double sum, squares; /* of the values; of the deviations from their mean */
};

static void take(struct moments *m, double x)
{
    m->n++;
    m->sum += x;
    if (m->n > 1) {
        double d = x * (double)m->n - m->sum;
        m->squares += d * d / ((double)m->n * (double)(m->n - 1));
    }
}

static void drop(struct moments *m, double x)
{
    if (m->n > 1) {
        double d = x * (double)m->n - m->sum;
        m->squares -= d * d / ((double)m->n * (double)(m->n - 1));
    }
    m->n--;
    m->sum -= x;
    if (m->n <= 1)
        m->squares = 0;
}

static void step(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    struct moments *m = sqlite3_aggregate_context(out, sizeof *m);
    if (!m) {
        sqlite3_result_error_nomem(out);
        return;
    }
    take(m, sqlite3_value_double(v[0]));
    if (n > 1 && isinf(m->sum))
        function_refuse(out, v[1], "value out of range: overflow");
}

static void inverse(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    struct moments *m = sqlite3_aggregate_context(out, sizeof *m);
    if (m)
        drop(m, sqlite3_value_double(v[0]));
    else
        sqlite3_result_error_nomem(out);
}

static const struct moments *kept(sqlite3_context *out)
{
    static const struct moments none;
    const struct moments *m = sqlite3_aggregate_context(out, 0);
    return m ? m : &none;
}

static void sum(sqlite3_context *out)
{
    const struct moments *m = kept(out);
    if (m->n)
        sqlite3_result_double(out, m->sum);
}

static void avg(sqlite3_context *out)
{
    const struct moments *m = kept(out);
    if (m->n)
        sqlite3_result_double(out, m->sum / (double)m->n);
}

static void stddev_pop(sqlite3_context *out)
{
    const struct moments *m = kept(out);
    if (m->n)
        sqlite3_result_double(out, sqrt(fmax(m->squares, 0) / (double)m->n));
}

static void stddev_samp(sqlite3_context *out)
{
    const struct moments *m = kept(out);
    if (m->n > 1)
        sqlite3_result_double(out, sqrt(fmax(m->squares, 0) / (double)(m->n - 1)));
}

/* ── lines of least squares: (y, x) of numbers, computed as doubles ── */

struct line {
    int64_t n;
    double x, y, xx, yy, xy; /* sums; sums of the products of deviations */
};

static bool point_of(sqlite3_context *out, sqlite3_value **v, double *x, double *y)
{
    return function_real(out, v[0], v[2], y) && function_real(out, v[1], v[2], x);
}

static void deviations(struct line *l, double x, double y, double sign)
{
    if (l->n < 2)
        return;
    double n = (double)l->n, dx = x * n - l->x, dy = y * n - l->y, scale = sign / (n * (n - 1));
    l->xx += dx * dx * scale;
    l->yy += dy * dy * scale;
    l->xy += dx * dy * scale;
}

static void line_step(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    double x, y;
    struct line *l = sqlite3_aggregate_context(out, sizeof *l);
    if (!l) {
        sqlite3_result_error_nomem(out);
        return;
    }
    if (!point_of(out, v, &x, &y))
        return;
    l->n++;
    l->x += x;
    l->y += y;
    deviations(l, x, y, 1);
    if (isinf(l->xx) || isinf(l->yy) || isinf(l->xy) || isnan(l->xy))
        function_refuse(out, v[2], "value out of range: overflow");
}

static void line_inverse(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    double x, y;
    struct line *l = sqlite3_aggregate_context(out, sizeof *l);
    if (!l) {
        sqlite3_result_error_nomem(out);
        return;
    }
    if (!point_of(out, v, &x, &y))
        return;
    deviations(l, x, y, -1);
    l->n--;
    l->x -= x;
    l->y -= y;
    if (l->n < 2)
        l->xx = l->yy = l->xy = 0;
}

static const struct line *line_kept(sqlite3_context *out)
{
    static const struct line none;
    const struct line *l = sqlite3_aggregate_context(out, 0);
    return l ? l : &none;
}

static void slope(sqlite3_context *out)
{
    const struct line *l = line_kept(out);
    if (l->n && l->xx != 0)
        function_give_rounded(out, l->xy / l->xx);
}

static void intercept(sqlite3_context *out)
{
    const struct line *l = line_kept(out);
    if (l->n && l->xx != 0)
        function_give_rounded(out, (l->y - l->x * l->xy / l->xx) / (double)l->n);
}

static void r2(sqlite3_context *out)
{
    const struct line *l = line_kept(out);
    if (!l->n || l->xx == 0)
        return;
    function_give_rounded(out, l->yy == 0 ? 1 : l->xy * l->xy / (l->xx * l->yy));
}

const struct aggregate aggregates_real[] = {
    {"real_sum", 2, step, inverse, sum, sum},
    {"real_avg", 2, step, inverse, avg, avg},
    {"real_stddev_pop", 2, step, inverse, stddev_pop, stddev_pop},
    {"real_stddev_samp", 2, step, inverse, stddev_samp, stddev_samp},
    {"num_regr_slope", 3, line_step, line_inverse, slope, slope},
    {"num_regr_intercept", 3, line_step, line_inverse, intercept, intercept},
    {"num_regr_r2", 3, line_step, line_inverse, r2, r2},
    {NULL, 0, NULL, NULL, NULL, NULL},
};
