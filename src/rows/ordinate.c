/* Decimal text to double and back (rows/ordinate.h).
 *
 * Both fast ways rest on one fact: an integer below 2^53 and a power of ten up to 10^22 are exact doubles, so their
 * product or quotient, rounded once by the processor, is the double nearest to the decimal. */
#include "rows/ordinate.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { POWER_MAX = 22, DIGITS_SAFE = 15, DIGITS_U64 = 19 };

static const double powers_of_ten[POWER_MAX + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* Where the processor computes in more than double precision, a result would be rounded twice. */
static const bool arithmetic_is_exact = FLT_EVAL_METHOD == 0;

/* ── reading ── */

/* A decimal as it is scanned: mantissa × 10^exponent, `cut` when it has more digits than the mantissa holds. */
struct scan {
    uint64_t mantissa;
    int exponent;
    unsigned digits;
    bool any, cut;
};

static const char *scan_digits(struct scan *s, const char *p, const char *end, int step)
{
    for (; p < end && (unsigned char)(*p - '0') < 10; p++) {
        s->any = true;
        if (s->digits < DIGITS_U64) {
            s->mantissa = s->mantissa * 10 + (unsigned)(*p - '0');
            s->digits += s->mantissa != 0;
            s->exponent -= step;
        } else {
            s->cut = true;
            s->exponent += 1 - step;
        }
    }
    return p;
}

/* The exponent after the mantissa, if it is one: in "5e" the number ends before the letter. */
static const char *scan_exponent(struct scan *s, const char *p, const char *end)
{
    const char *q = p + 1;
    bool negative = false;
    int e = 0;
    if (q < end && (*q == '-' || *q == '+'))
        negative = *q++ == '-';
    if (q == end || (unsigned char)(*q - '0') >= 10)
        return p;
    for (; q < end && (unsigned char)(*q - '0') < 10; q++)
        e = e < 100000 ? e * 10 + (*q - '0') : e;
    s->exponent += negative ? -e : e;
    return q;
}

/* strtod reads the decimal point of the locale; the server never leaves the "C" locale. */
static double read_slowly(const char *p, size_t n)
{
    char z[ORDINATE_BYTES_MAX + 1];
    memcpy(z, p, n);
    z[n] = 0;
    return strtod(z, NULL);
}

size_t ordinate_read(struct str text, double *ret)
{
    const char *p = text.p, *end = text.p + text.n;
    struct scan s = {0};
    bool negative = false;
    if (p < end && (*p == '-' || *p == '+'))
        negative = *p++ == '-';
    p = scan_digits(&s, p, end, 0);
    if (p < end && *p == '.')
        p = scan_digits(&s, p + 1, end, 1);
    if (!s.any)
        return 0;
    if (p < end && (*p == 'e' || *p == 'E'))
        p = scan_exponent(&s, p, end);
    size_t n = (size_t)(p - text.p);
    if (n > ORDINATE_BYTES_MAX)
        return 0;
    double v;
    if (!s.cut && s.mantissa <= (1ull << 53) && s.exponent >= -POWER_MAX && s.exponent <= POWER_MAX && arithmetic_is_exact) {
        v = (double)s.mantissa;
        v = s.exponent < 0 ? v / powers_of_ten[-s.exponent] : v * powers_of_ten[s.exponent];
        v = negative ? -v : v;
    } else {
        v = read_slowly(text.p, n);
    }
    *ret = v;
    return n;
}

/* ── writing ── */

/* Digits d1 d2 … dn and the place of the point: 0.d1d2…dn × 10^point. */
struct digits {
    char d[32];
    int n, point;
};

static void digits_of_integer(uint64_t m, struct digits *ret)
{
    char t[24], *p = t + sizeof t;
    do
        *--p = (char)('0' + m % 10);
    while (m /= 10);
    ret->n = (int)(t + sizeof t - p);
    memcpy(ret->d, p, (size_t)ret->n);
}

/* Looks for a decimal of at most 15 digits that is v. Two such decimals are never the same double, so if there is one it
 * is the shortest. v > 0. */
static bool digits_fast(double v, struct digits *ret)
{
    if (!(v >= 1e-6 && v < 1e15) || !arithmetic_is_exact)
        return false;
    int whole = -5; /* digits before the point, negative for zeros after it */
    if (v >= 1) {
        whole = 1;
        while (whole < DIGITS_SAFE && v >= powers_of_ten[whole])
            whole++;
    } else {
        whole = 0;
        while (v * powers_of_ten[1 - whole] < 1)
            whole--;
    }
    int places = DIGITS_SAFE - whole;
    uint64_t m = (uint64_t)llrint(v * powers_of_ten[places]);
    if ((double)m / powers_of_ten[places] != v)
        return false;
    while (m % 10 == 0) {
        m /= 10;
        places--;
    }
    digits_of_integer(m, ret);
    ret->point = ret->n - places;
    return true;
}

/* All the others: the C library's 15, 16 or 17 digits, whichever first reads back as v. Subnormal doubles have fewer. */
static void digits_slow(double v, struct digits *ret)
{
    char z[40];
    for (int precision = v < DBL_MIN ? 1 : DIGITS_SAFE; precision <= 17; precision++) {
        snprintf(z, sizeof z, "%.*e", precision - 1, v);
        if (strtod(z, NULL) == v)
            break;
    }
    ret->n = 0;
    const char *p = z;
    for (; *p && *p != 'e'; p++) {
        if (*p != '.')
            ret->d[ret->n++] = *p;
    }
    while (ret->n > 1 && ret->d[ret->n - 1] == '0')
        ret->n--;
    ret->point = 1 + (*p ? (int)strtol(p + 1, NULL, 10) : 0);
}

enum { PLAIN_POINT_MIN = -6, PLAIN_POINT_MAX = 21 }; /* 0.000000123 … 100000000000000000000.0, then with an exponent */

static char *put(char *p, const char *from, int n)
{
    memcpy(p, from, (size_t)n);
    return p + n;
}

static char *put_zeros(char *p, int n)
{
    memset(p, '0', (size_t)n);
    return p + n;
}

static char *put_plain(char *p, const struct digits *d)
{
    if (d->point <= 0) {
        p = put(p, "0.", 2);
        p = put_zeros(p, -d->point);
        return put(p, d->d, d->n);
    }
    if (d->point >= d->n) {
        p = put(p, d->d, d->n);
        p = put_zeros(p, d->point - d->n);
        return put(p, ".0", 2);
    }
    p = put(p, d->d, d->point);
    *p++ = '.';
    return put(p, d->d + d->point, d->n - d->point);
}

static char *put_scientific(char *p, const struct digits *d)
{
    *p++ = d->d[0];
    *p++ = '.';
    p = d->n > 1 ? put(p, d->d + 1, d->n - 1) : put_zeros(p, 1);
    return p + sprintf(p, "e%+d", d->point - 1);
}

void ordinate_write(double v, struct buf *out)
{
    char *start = buf_room(out, 64), *p = start;
    if (!start)
        return;
    if (signbit(v)) {
        *p++ = '-';
        v = -v;
    }
    struct digits d = {.d = "0", .n = 1, .point = 1};
    if (v != 0 && !digits_fast(v, &d))
        digits_slow(v, &d);
    p = d.point >= PLAIN_POINT_MIN && d.point <= PLAIN_POINT_MAX ? put_plain(p, &d) : put_scientific(p, &d);
    out->n += (size_t)(p - start);
}
