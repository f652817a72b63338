/* Decimals of any length (decimal_big.h).
 *
 * GMP cannot report that memory is short: its allocator must give memory or not return. Ours gives it from an arena of the running
 * operation and jumps out of the operation when there is none; nothing in it needs to be undone, since the arena is freed as a whole.
 * MPFR keeps constants between calls in memory of the same allocator, so its cache goes with the arena.
 *
 * Scales of inexact results are chosen as PostgreSQL 15 documents its numeric type to behave: at least 16 significant digits, by
 * estimates whose exact steps matter, because they decide how many digits are shown. Verified against it (docs/wire/soql.md). */
#include "sql/functions/decimal_big.h"

#include <gmp.h>
#include <math.h>
#include <mpfr.h>
#include <setjmp.h>
#include <stdlib.h>

enum {
    GROUP_DIGITS = 4,          /* PostgreSQL counts in digits of base 10,000, and so do its scales */
    SIGNIFICANT_MIN = 16,
    SCALE_MAX = 1000,          /* of an inexact result */
    EXPONENT_MAX = 6000,       /* e^x beyond this overflows there */
    EXACT_POWER_DIGITS = 20000,/* powers whose digits are fewer are made exactly */
};

/* ── memory ── */

struct scope {
    jmp_buf short_of_memory;
    struct arena arena;
};

static _Thread_local struct scope *scope;

/* Of the running operation. */
static void *take(size_t n)
{
    void *p = arena_alloc(&scope->arena, n);
    if (!p)
        longjmp(scope->short_of_memory, 1);
    return p;
}

static void *allocate(size_t n)
{
    void *p = scope ? take(n) : malloc(n);
    if (!p)
        abort(); /* GMP is not used outside of an operation */
    return p;
}

static void *grow(void *p, size_t old_n, size_t n)
{
    void *grown = scope ? arena_grow(&scope->arena, p, old_n, n) : realloc(p, n);
    if (!grown && scope)
        longjmp(scope->short_of_memory, 1);
    if (!grown)
        abort();
    return grown;
}

static void give_back(void *p, size_t n)
{
    (void)n;
    if (!scope)
        free(p);
}

__attribute__((constructor)) static void set_memory(void)
{
    mp_set_memory_functions(allocate, grow, give_back);
}

/* ── reading and writing ── */

struct big {
    mpz_t z; /* × 10^-scale */
    int scale;
};

static void big_read(struct big *b, struct str s)
{
    size_t point = 0, n = 0;
    char *digits = take(s.n + 1);
    bool has_point = str_find_byte(s, '.', &point);
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '.')
            digits[n++] = s.p[i];
    digits[n] = 0;
    mpz_init_set_str(b->z, digits, 10);
    b->scale = has_point ? (int)(s.n - point - 1) : 0;
}

/* The digits with their point, in the arena. */
static struct str big_text(const mpz_t z, int scale)
{
    size_t fraction = (size_t)scale, room = mpz_sizeinbase(z, 10) + 2;
    char *digits = mpz_get_str(take(room), 10, z);
    bool negative = *digits == '-';
    digits += negative;
    size_t n = strlen(digits), zeros = n > fraction ? 0 : fraction + 1 - n; /* one before the point */
    char *text = take(n + zeros + 2), *to = text;
    if (negative)
        *to++ = '-';
    for (size_t i = 0; i < zeros + n; i++) {
        if (fraction && zeros + n - i == fraction)
            *to++ = '.';
        *to++ = i < zeros ? '0' : digits[i - zeros];
    }
    return str_make(text, (size_t)(to - text));
}

static enum math_status big_write(const mpz_t z, int scale, struct buf *out)
{
    size_t digits = mpz_sizeinbase(z, 10); /* or one more than there are */
    if (scale > DECIMAL_DIGITS_MAX - 1 || digits > DECIMAL_DIGITS_MAX + 1)
        return MATH_TOO_LONG;
    struct str text = big_text(z, scale);
    if (text.n - (text.p[0] == '-') - (scale > 0) > DECIMAL_DIGITS_MAX)
        return MATH_TOO_LONG;
    buf_add_str(out, text);
    return MATH_OK;
}

static void times_ten_to(mpz_t z, unsigned long n)
{
    mpz_t ten;
    if (n == 0)
        return;
    mpz_init(ten);
    mpz_ui_pow_ui(ten, 10, n);
    mpz_mul(z, z, ten);
}

/* q = a / b, half away from zero; b is not zero. */
static void quotient(mpz_t q, const mpz_t a, const mpz_t b)
{
    mpz_t r;
    bool is_positive = mpz_sgn(a) == mpz_sgn(b); /* q may be a */
    mpz_init(r);
    mpz_tdiv_qr(q, r, a, b);
    mpz_mul_2exp(r, r, 1);
    if (mpz_cmpabs(r, b) < 0)
        return;
    if (is_positive)
        mpz_add_ui(q, q, 1);
    else
        mpz_sub_ui(q, q, 1);
}

static void rescale(struct big *b, int scale)
{
    mpz_t ten;
    if (scale >= b->scale) {
        times_ten_to(b->z, (unsigned long)(scale - b->scale));
    } else {
        mpz_init(ten);
        mpz_ui_pow_ui(ten, 10, (unsigned long)(b->scale - scale));
        quotient(b->z, b->z, ten);
    }
    b->scale = scale;
}

static void align(struct big *a, struct big *b)
{
    int scale = a->scale > b->scale ? a->scale : b->scale;
    rescale(a, scale);
    rescale(b, scale);
}

/* ── the head of a number in groups of four digits, the point being a border ── */

struct head {
    long weight;       /* of the first group that is not zero: × 10000^weight */
    int first, second; /* second: -1 when all that follows the first is zero */
};

static int digit_at(struct str whole, struct str fraction, long at) /* at: power of ten */
{
    if (at >= 0)
        return at < (long)whole.n ? whole.p[(long)whole.n - 1 - at] - '0' : 0;
    long i = -at - 1;
    return i < (long)fraction.n ? fraction.p[i] - '0' : 0;
}

static int group_at(struct str whole, struct str fraction, long weight)
{
    int v = 0;
    for (int i = GROUP_DIGITS - 1; i >= 0; i--)
        v = v * 10 + digit_at(whole, fraction, weight * GROUP_DIGITS + i);
    return v;
}

static struct head head_of(struct str s)
{
    struct str whole, fraction = STR("");
    str_cut(str_skip(s, s.n && s.p[0] == '-'), '.', &whole, &fraction);
    long lowest = -((long)fraction.n + GROUP_DIGITS - 1) / GROUP_DIGITS;
    long weight = ((long)whole.n - 1) / GROUP_DIGITS;
    while (weight >= lowest && group_at(whole, fraction, weight) == 0)
        weight--;
    if (weight < lowest)
        return (struct head){0, 0, -1};
    struct head h = {weight, group_at(whole, fraction, weight), -1};
    for (long w = weight - 1; w >= lowest && h.second < 0; w--)
        if (group_at(whole, fraction, w))
            h.second = group_at(whole, fraction, weight - 1);
    return h;
}

static int scale_of(struct str s)
{
    size_t point;
    return str_find_byte(s, '.', &point) ? (int)(s.n - point - 1) : 0;
}

static int at_least(int a, int b)
{
    return a > b ? a : b;
}

static int at_most(int a, int b)
{
    return a < b ? a : b;
}

int big_divide_scale(struct str a, struct str b)
{
    struct head x = head_of(a), y = head_of(b);
    long weight = x.weight - y.weight - (x.first <= y.first);
    int scale = (int)(SIGNIFICANT_MIN - weight * GROUP_DIGITS);
    scale = at_least(at_least(scale, scale_of(a)), at_least(scale_of(b), 0));
    return at_most(scale, SCALE_MAX);
}

/* ── logarithms and powers ── */

/* The power of ten of the first digit of ln(a), estimated as PostgreSQL does: exactly the same steps. */
static int ln_weight(struct str a)
{
    if (decimal_compare(a, STR("0.9")) >= 0 && decimal_compare(a, STR("1.1")) <= 0) {
        struct big x, one;
        big_read(&x, a);
        big_read(&one, STR("1"));
        align(&x, &one);
        mpz_sub(x.z, x.z, one.z);
        if (mpz_sgn(x.z) == 0)
            return 0;
        struct head h = head_of(big_text(x.z, x.scale));
        return (int)h.weight * GROUP_DIGITS + (int)log10(h.first);
    }
    struct head h = head_of(a);
    double digits = h.first;
    long weight = h.weight * GROUP_DIGITS;
    if (h.second >= 0) {
        digits = digits * 10000 + h.second;
        weight -= GROUP_DIGITS;
    }
    return (int)log10(fabs(log(digits) + (double)weight * 2.302585092994046));
}

static mpfr_prec_t bits_for(long digits)
{
    return (mpfr_prec_t)(digits * 10 / 3 + 64);
}

static void real_of(mpfr_t r, const struct big *b)
{
    mpfr_t ten;
    mpfr_init2(ten, mpfr_get_prec(r));
    mpfr_set_z(r, b->z, MPFR_RNDN);
    mpfr_ui_pow_ui(ten, 10, (unsigned long)b->scale, MPFR_RNDN);
    mpfr_div(r, r, ten, MPFR_RNDN);
}

/* z = r × 10^scale, half away from zero; z is initialised, here and below. */
static void whole_of(mpz_t z, const mpfr_t r, int scale)
{
    mpfr_t scaled;
    mpfr_init2(scaled, mpfr_get_prec(r) + bits_for(scale));
    mpfr_ui_pow_ui(scaled, 10, (unsigned long)scale, MPFR_RNDN);
    mpfr_mul(scaled, scaled, r, MPFR_RNDN);
    mpfr_round(scaled, scaled);
    mpfr_get_z(z, scaled, MPFR_RNDN);
}

static void ln_of(mpz_t z, const struct big *a, int scale)
{
    mpfr_t r;
    mpfr_init2(r, bits_for((long)scale + 30) + (mpfr_prec_t)mpz_sizeinbase(a->z, 2));
    real_of(r, a);
    mpfr_log(r, r, MPFR_RNDN);
    whole_of(z, r, scale);
}

static enum math_status ln(const struct big_arguments *args, struct buf *out)
{
    struct big a;
    mpz_t z;
    int scale = at_least(at_least(SIGNIFICANT_MIN - ln_weight(args->a), scale_of(args->a)), 0);
    scale = at_most(scale, SCALE_MAX);
    mpz_init(z);
    big_read(&a, args->a);
    ln_of(z, &a, scale);
    return big_write(z, scale, out);
}

/* Near enough to tell how long a power will be. */
static double log10_of(const struct big *b)
{
    long twos;
    double head = mpz_get_d_2exp(&twos, b->z);
    return log10(fabs(head)) + (double)twos * 0.301029995663981195 - b->scale;
}

/* base^n exactly, as ± numerator / denominator; rounded to scale. */
static void exact_power(mpz_t ret, const struct big *base, long n, int scale)
{
    unsigned long times = (unsigned long)labs(n);
    mpz_t top, bottom;
    mpz_inits(top, bottom, NULL);
    mpz_pow_ui(top, base->z, times);
    mpz_ui_pow_ui(bottom, 10, times * (unsigned long)base->scale);
    if (n < 0)
        mpz_swap(top, bottom);
    times_ten_to(top, (unsigned long)scale);
    quotient(ret, top, bottom);
}

static enum math_status whole_power(const struct big *base, long n, struct buf *out)
{
    int scale = at_most(at_least(SIGNIFICANT_MIN, base->scale), SCALE_MAX);
    mpz_t z;
    mpz_init(z);
    if (mpz_sgn(base->z) == 0 || n == 0) {
        mpz_set_ui(z, n == 0);
        times_ten_to(z, (unsigned long)scale);
        return big_write(z, scale, out);
    }
    double magnitude = (double)n * log10_of(base);
    if (magnitude > DECIMAL_DIGITS_MAX)
        return MATH_TOO_LONG;
    if (magnitude + 1 < -scale)
        return big_write(z, scale, out); /* zero */
    if ((double)labs(n) * ((double)mpz_sizeinbase(base->z, 10) + base->scale) <= EXACT_POWER_DIGITS) {
        exact_power(z, base, n, scale);
        return big_write(z, scale, out);
    }
    mpfr_t r;
    mpfr_init2(r, bits_for((long)fmax(magnitude, 0) + scale + 40) + (mpfr_prec_t)mpz_sizeinbase(base->z, 2));
    real_of(r, base);
    mpfr_pow_si(r, r, n, MPFR_RNDN);
    whole_of(z, r, scale);
    return big_write(z, scale, out);
}

/* e^(exponent × ln(base)) for a base above zero. */
static enum math_status real_power(const struct big_arguments *args, struct big *base, struct big *exponent, bool is_negative, struct buf *out)
{
    int weight = ln_weight(args->a), low_scale = at_least(8 - weight, 0), base_scale = base->scale;
    struct big estimate = {.scale = low_scale + exponent->scale};
    mpz_t z;
    mpz_inits(z, estimate.z, NULL);
    /* The first, coarse logarithm only tells the size of the result; its rounding decides the number of digits shown. */
    ln_of(estimate.z, base, low_scale);
    mpz_mul(estimate.z, estimate.z, exponent->z);
    rescale(&estimate, low_scale);
    mpfr_t r, e;
    mpfr_init2(r, 120);
    real_of(r, &estimate);
    double size = mpfr_get_d(r, MPFR_RNDN);
    if (size > EXPONENT_MAX)
        return MATH_TOO_LONG;
    if (fabs(size) > EXPONENT_MAX * 1.00333)
        return big_write(z, SCALE_MAX, out); /* zero */
    size *= 0.434294481903252;
    int scale = at_least(at_least(SIGNIFICANT_MIN - (int)size, base_scale), at_least(exponent->scale, 0));
    scale = at_most(scale, SCALE_MAX);
    mpfr_prec_t bits = bits_for((long)fabs(size) + scale + 60) + (mpfr_prec_t)(mpz_sizeinbase(exponent->z, 2) + mpz_sizeinbase(base->z, 2));
    mpfr_inits2(bits, r, e, (mpfr_ptr)NULL);
    real_of(r, base);
    real_of(e, exponent);
    mpfr_pow(r, r, e, MPFR_RNDN);
    whole_of(z, r, scale);
    if (is_negative)
        mpz_neg(z, z);
    return big_write(z, scale, out);
}

static enum math_status power(const struct big_arguments *args, struct buf *out)
{
    struct big base, exponent, whole;
    big_read(&base, args->a);
    big_read(&exponent, args->b);
    if (mpz_sgn(base.z) == 0 && mpz_sgn(exponent.z) < 0)
        return MATH_ZERO_TO_NEGATIVE;
    big_read(&whole, str_head(args->b, args->b.n - (size_t)exponent.scale - (exponent.scale > 0)));
    struct str fraction = str_skip(args->b, args->b.n - (size_t)exponent.scale);
    bool is_whole = math_is_zero(fraction);
    if (mpz_sgn(base.z) < 0 && !is_whole)
        return MATH_NEGATIVE_TO_FRACTION;
    if (is_whole && mpz_fits_sint_p(whole.z))
        return whole_power(&base, mpz_get_si(whole.z), out);
    if (mpz_sgn(base.z) == 0) {
        mpz_t z;
        mpz_init(z);
        return big_write(z, SIGNIFICANT_MIN, out);
    }
    bool is_negative = mpz_sgn(base.z) < 0 && mpz_odd_p(whole.z);
    struct big_arguments positive = *args;
    if (args->a.p[0] == '-')
        positive.a = str_skip(args->a, 1);
    mpz_abs(base.z, base.z);
    return real_power(&positive, &base, &exponent, is_negative, out);
}

/* ── the others ── */

static enum math_status bucket(const struct big_arguments *args, struct buf *out)
{
    struct big x, low, high;
    mpz_t n;
    big_read(&x, args->a);
    big_read(&low, args->b);
    big_read(&high, args->c);
    align(&x, &low);
    align(&high, &low);
    align(&x, &low);
    mpz_sub(x.z, x.z, low.z);
    mpz_sub(high.z, high.z, low.z);
    mpz_init_set_si(n, args->n);
    mpz_mul(x.z, x.z, n);
    mpz_abs(x.z, x.z);
    mpz_abs(high.z, high.z);
    /* Rounded before it is cut, as PostgreSQL does: just below the upper bound that can give one bucket more. */
    int scale = big_divide_scale(big_text(x.z, x.scale), big_text(high.z, high.scale));
    times_ten_to(x.z, (unsigned long)scale);
    quotient(x.z, x.z, high.z);
    mpz_ui_pow_ui(n, 10, (unsigned long)scale);
    mpz_fdiv_q(x.z, x.z, n);
    mpz_add_ui(x.z, x.z, 1);
    return big_write(x.z, 0, out);
}

/* sqrt((n × Σx² − (Σx)²) / (n × (n − 1 or 0))): the variance rounded to the scale of that quotient, then the root to the same. */
static enum math_status stddev(const struct big_arguments *args, bool is_sample, struct buf *out)
{
    struct big sum, squares, divisor = {.scale = 0};
    big_read(&sum, args->a);
    big_read(&squares, args->b);
    mpz_mul(sum.z, sum.z, sum.z);
    sum.scale *= 2;
    mpz_t n;
    mpz_init_set_si(n, args->n);
    mpz_mul(squares.z, squares.z, n);
    align(&sum, &squares);
    mpz_sub(squares.z, squares.z, sum.z);
    if (mpz_sgn(squares.z) <= 0) {
        buf_add_byte(out, '0');
        return MATH_OK;
    }
    mpz_init_set(divisor.z, n);
    if (is_sample)
        mpz_sub_ui(divisor.z, divisor.z, 1);
    mpz_mul(divisor.z, divisor.z, n);
    int scale = big_divide_scale(big_text(squares.z, squares.scale), big_text(divisor.z, 0));
    times_ten_to(squares.z, (unsigned long)at_least(scale - squares.scale, 0));
    times_ten_to(divisor.z, (unsigned long)at_least(squares.scale - scale, 0));
    quotient(squares.z, squares.z, divisor.z);
    /* The root of v × 10^-scale to as many digits, and one digit more to round by. */
    times_ten_to(squares.z, (unsigned long)scale + 2);
    mpz_sqrt(squares.z, squares.z);
    struct big root = {.scale = scale + 1};
    mpz_init_set(root.z, squares.z);
    rescale(&root, scale);
    return big_write(root.z, scale, out);
}

static enum math_status run(enum big_operation op, const struct big_arguments *args, struct buf *out)
{
    struct big a, b;
    if (op <= BIG_MODULO) {
        big_read(&a, args->a);
        big_read(&b, args->b);
    }
    switch (op) {
    case BIG_ADD:
        align(&a, &b);
        mpz_add(a.z, a.z, b.z);
        return big_write(a.z, a.scale, out);
    case BIG_SUBTRACT:
        align(&a, &b);
        mpz_sub(a.z, a.z, b.z);
        return big_write(a.z, a.scale, out);
    case BIG_MULTIPLY:
        mpz_mul(a.z, a.z, b.z);
        return big_write(a.z, a.scale + b.scale, out);
    case BIG_DIVIDE:
        times_ten_to(a.z, (unsigned long)at_least(args->scale + b.scale - a.scale, 0));
        times_ten_to(b.z, (unsigned long)at_least(a.scale - args->scale - b.scale, 0));
        quotient(a.z, a.z, b.z);
        return big_write(a.z, args->scale, out);
    case BIG_MODULO:
        align(&a, &b);
        mpz_tdiv_r(a.z, a.z, b.z);
        return big_write(a.z, a.scale, out);
    case BIG_ROUND:
        big_read(&a, args->a);
        rescale(&a, args->scale);
        rescale(&a, at_least(args->scale, 0));
        return big_write(a.z, a.scale, out);
    case BIG_POWER:
        return power(args, out);
    case BIG_LN:
        return ln(args, out);
    case BIG_BUCKET:
        return bucket(args, out);
    case BIG_STDDEV_POP:
        return stddev(args, false, out);
    case BIG_STDDEV_SAMP:
        return stddev(args, true, out);
    }
    return MATH_OK;
}

enum math_status big_run(enum big_operation op, const struct big_arguments *args, struct buf *out)
{
    struct scope own = {.arena = {0}};
    enum math_status status;
    scope = &own;
    if (setjmp(own.short_of_memory) == 0)
        status = run(op, args, out);
    else
        status = MATH_NO_MEMORY;
    mpfr_free_cache();
    scope = NULL;
    arena_free(&own.arena);
    return status;
}
