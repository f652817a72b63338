/* sum, avg and the standard deviations of exact decimals, also over windows whose frame moves.
 *
 * A total is kept in 128 bits at one scale and moved into a text of any length when it no longer fits: most columns never do. The
 * scale of the result is that of the longest fraction among the values in the frame, so the values are counted by scale. */
#include <stdlib.h>

#include "sql/functions/number.h"

struct total {
    __int128 part;
    int scale;
    struct buf big; /* empty: 0 */
};

struct moments {
    int64_t n, place;
    struct total sum, squares;
    uint32_t *by_scale; /* how many values have a scale of so many digits */
    size_t n_scales;
};

static bool in_reach(__int128 v, int digits)
{
    return v < math_tens[digits] && v > -math_tens[digits];
}

static enum math_status add_to_big(struct total *t, struct str value, bool negative)
{
    struct buf sum = {0};
    struct str big = t->big.n ? buf_str(&t->big) : STR("0");
    enum math_status status = negative ? math_subtract(big, value, &sum) : math_add(big, value, &sum);
    if (status == MATH_OK && !buf_ok(&sum))
        status = MATH_NO_MEMORY;
    if (status != MATH_OK) {
        buf_free(&sum);
        return status;
    }
    buf_free(&t->big);
    t->big = sum;
    return MATH_OK;
}

/* The part goes over into the text; the next part has the given scale. */
static enum math_status empty_part(struct total *t, int scale)
{
    struct buf part = {0};
    math_write_small(t->part, t->scale, &part);
    enum math_status status = buf_ok(&part) ? add_to_big(t, buf_str(&part), false) : MATH_NO_MEMORY;
    buf_free(&part);
    t->part = 0;
    t->scale = scale;
    return status;
}

/* |v| has at most 36 digits. */
static enum math_status add_small(struct total *t, __int128 v, int scale)
{
    enum math_status status = MATH_OK;
    int more = scale - t->scale;
    if (more > 0 && more < MATH_SMALL_DIGITS && in_reach(t->part, MATH_INT128_DIGITS - 1 - more)) {
        t->part *= math_tens[more];
        t->scale = scale;
    } else if (more < 0 && -more < MATH_SMALL_DIGITS && in_reach(v, MATH_INT128_DIGITS - 2 + more)) {
        v *= math_tens[-more];
    } else if (more != 0) {
        status = empty_part(t, scale);
    }
    if (status == MATH_OK && !in_reach(t->part, MATH_INT128_DIGITS - 1))
        status = empty_part(t, t->scale);
    t->part += v;
    return status;
}

static enum math_status total_text(const struct total *t, struct buf *out)
{
    struct buf part = {0};
    math_write_small(t->part, t->scale, &part);
    enum math_status status = MATH_NO_MEMORY;
    if (buf_ok(&part))
        status = math_add(buf_str(&part), t->big.n ? buf_str(&t->big) : STR("0"), out);
    buf_free(&part);
    return status == MATH_OK && !buf_ok(out) ? MATH_NO_MEMORY : status;
}

static bool count_scale(struct moments *m, int scale, int change)
{
    size_t at = (size_t)scale;
    if (!m->by_scale || at >= m->n_scales) {
        size_t n = at + 8;
        uint32_t *p = realloc(m->by_scale, n * sizeof *p);
        if (!p)
            return false;
        memset(p + m->n_scales, 0, (n - m->n_scales) * sizeof *p);
        m->by_scale = p;
        m->n_scales = n;
    }
    m->by_scale[at] += (uint32_t)change;
    return true;
}

static int longest_scale(const struct moments *m)
{
    size_t n = m->n_scales;
    while (n > 1 && m->by_scale[n - 1] == 0)
        n--;
    return n ? (int)n - 1 : 0;
}

static enum math_status take_large(struct moments *m, struct str s, bool negative, bool with_squares)
{
    enum math_status status = add_to_big(&m->sum, s, negative);
    if (status != MATH_OK || !with_squares)
        return status;
    struct buf square = {0};
    status = math_multiply(s, s, &square);
    if (status == MATH_OK && !buf_ok(&square))
        status = MATH_NO_MEMORY;
    if (status == MATH_OK)
        status = add_to_big(&m->squares, buf_str(&square), negative);
    buf_free(&square);
    return status;
}

static enum math_status take(struct moments *m, struct str s, int sign, bool with_squares)
{
    int64_t v;
    int scale;
    size_t point;
    bool is_small = math_small(s, &v, &scale);
    if (!is_small)
        scale = str_find_byte(s, '.', &point) ? (int)(s.n - point - 1) : 0;
    if (!count_scale(m, scale, sign))
        return MATH_NO_MEMORY;
    m->n += sign;
    if (!is_small)
        return take_large(m, s, sign < 0, with_squares);
    enum math_status status = add_small(&m->sum, sign * (__int128)v, scale);
    if (status == MATH_OK && with_squares)
        status = add_small(&m->squares, sign * ((__int128)v * v), 2 * scale);
    return status;
}

/* Ours, because SQLite's own memory is not aligned for 128 bits. NULL: short of memory, and the result says so. */
static struct moments *context(sqlite3_context *out)
{
    struct moments **kept = sqlite3_aggregate_context(out, sizeof *kept), *m = kept ? *kept : NULL;
    if (kept && !m)
        *kept = m = calloc(1, sizeof *m);
    if (!m)
        sqlite3_result_error_nomem(out);
    return m;
}

static void change(sqlite3_context *out, sqlite3_value **v, int sign, bool with_squares)
{
    struct str s;
    struct buf none = {0};
    struct moments *m = context(out);
    if (!m || !function_text(out, v[0], &s))
        return;
    m->place = sqlite3_value_int64(v[1]);
    enum math_status status = take(m, s, sign, with_squares);
    if (status != MATH_OK)
        number_give(out, m->place, status, &none);
}

static void add(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    change(out, v, 1, false);
}

static void drop(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    change(out, v, -1, false);
}

static void add_squared(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    change(out, v, 1, true);
}

static void drop_squared(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    change(out, v, -1, true);
}

/* The total at the scale of the values in the frame. */
static enum math_status total_at(const struct total *t, int scale, struct buf *out)
{
    struct buf text = {0};
    enum math_status status = total_text(t, &text);
    if (status == MATH_OK)
        status = math_rescale(buf_str(&text), scale, out);
    buf_free(&text);
    return status == MATH_OK && !buf_ok(out) ? MATH_NO_MEMORY : status;
}

static void give_sum(sqlite3_context *out, struct moments *m)
{
    struct buf b = {0};
    number_give(out, m->place, total_at(&m->sum, longest_scale(m), &b), &b);
}

static void give_avg(sqlite3_context *out, struct moments *m)
{
    struct buf sum = {0}, n = {0}, b = {0};
    enum math_status status = total_at(&m->sum, longest_scale(m), &sum);
    buf_add_i64(&n, m->n);
    if (status == MATH_OK)
        status = buf_ok(&n) ? math_divide(buf_str(&sum), buf_str(&n), &b) : MATH_NO_MEMORY;
    buf_free(&sum);
    buf_free(&n);
    number_give(out, m->place, status, &b);
}

static void give_stddev(sqlite3_context *out, struct moments *m, bool is_sample)
{
    struct buf sum = {0}, squares = {0}, b = {0};
    if (m->n < 2 && is_sample)
        return;
    enum math_status status = total_at(&m->sum, longest_scale(m), &sum);
    if (status == MATH_OK)
        status = total_at(&m->squares, 2 * longest_scale(m), &squares);
    if (status == MATH_OK)
        status = math_stddev(m->n, buf_str(&sum), buf_str(&squares), is_sample, &b);
    buf_free(&sum);
    buf_free(&squares);
    number_give(out, m->place, status, &b);
}

static struct moments *some(sqlite3_context *out)
{
    struct moments **m = sqlite3_aggregate_context(out, 0);
    return m && *m && (*m)->n > 0 ? *m : NULL;
}

static void drop_all(sqlite3_context *out)
{
    struct moments **m = sqlite3_aggregate_context(out, 0);
    if (!m || !*m)
        return;
    buf_free(&(*m)->sum.big);
    buf_free(&(*m)->squares.big);
    free((*m)->by_scale);
    free(*m);
    *m = NULL;
}

static void sum(sqlite3_context *out)
{
    if (some(out))
        give_sum(out, some(out));
}

static void sum_final(sqlite3_context *out)
{
    sum(out);
    drop_all(out);
}

static void avg(sqlite3_context *out)
{
    if (some(out))
        give_avg(out, some(out));
}

static void avg_final(sqlite3_context *out)
{
    avg(out);
    drop_all(out);
}

static void stddev_pop(sqlite3_context *out)
{
    if (some(out))
        give_stddev(out, some(out), false);
}

static void stddev_pop_final(sqlite3_context *out)
{
    stddev_pop(out);
    drop_all(out);
}

static void stddev_samp(sqlite3_context *out)
{
    if (some(out))
        give_stddev(out, some(out), true);
}

static void stddev_samp_final(sqlite3_context *out)
{
    stddev_samp(out);
    drop_all(out);
}

const struct aggregate aggregates_number[] = {
    {"num_sum", 2, add, drop, sum, sum_final},
    {"num_avg", 2, add, drop, avg, avg_final},
    {"num_stddev_pop", 2, add_squared, drop_squared, stddev_pop, stddev_pop_final},
    {"num_stddev_samp", 2, add_squared, drop_squared, stddev_samp, stddev_samp_final},
    {NULL, 0, NULL, NULL, NULL, NULL},
};
