/* Exact decimals as text (decimal.h). Nothing here computes: a lexeme is cut into sign, digits, point and exponent, and
 * put together again without the exponent. The length of the result is known before a byte of it is written, so an
 * exponent of a thousand million costs nothing but its refusal (docs/wire/types.md, number). */
#include "rows/decimal.h"

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') <= 9;
}

/* Where the digits that start at `at` end. */
static size_t digits_end(struct str s, size_t at)
{
    while (at < s.n && is_digit(s.p[at]))
        at++;
    return at;
}

/* The parts of a lexeme: value = ±(whole.fraction) × 10^exponent. */
struct parts {
    bool negative;
    struct str whole, fraction;
    int64_t exponent; /* held at ±EXPONENT_FAR when it is further out */
};

enum { EXPONENT_FAR = 1000000 };

/* exponent = ("e" | "E") ["+" | "-"] digit+ */
static bool cut_exponent(struct str s, int64_t *ret)
{
    size_t at = 1;
    bool negative = at < s.n && s.p[at] == '-';
    if (at < s.n && (s.p[at] == '-' || s.p[at] == '+'))
        at++;
    if (at == s.n || digits_end(s, at) != s.n)
        return false;
    int64_t v = 0;
    for (; at < s.n && v < EXPONENT_FAR; at++)
        v = v * 10 + (s.p[at] - '0');
    if (v > EXPONENT_FAR)
        v = EXPONENT_FAR;
    *ret = negative ? -v : v;
    return true;
}

/* number = ["+" | "-"] (digit+ ["." digit*] | "." digit+) [exponent] */
static bool cut(struct str s, struct parts *ret)
{
    *ret = (struct parts){.fraction = STR("")};
    if (s.n && (s.p[0] == '+' || s.p[0] == '-')) {
        ret->negative = s.p[0] == '-';
        s = str_skip(s, 1);
    }
    size_t end = digits_end(s, 0);
    ret->whole = str_head(s, end);
    s = str_skip(s, end);
    if (s.n && s.p[0] == '.') {
        end = digits_end(s, 1);
        ret->fraction = str_make(s.p + 1, end - 1);
        s = str_skip(s, end);
    }
    if (ret->whole.n + ret->fraction.n == 0)
        return false;
    if (s.n == 0)
        return true;
    return (s.p[0] == 'e' || s.p[0] == 'E') && cut_exponent(s, &ret->exponent);
}

static struct str skip_zeros(struct str s)
{
    while (s.n && s.p[0] == '0')
        s = str_skip(s, 1);
    return s;
}

/* How many zeros lead the digits of whole and fraction taken together. */
static size_t leading_zeros(const struct parts *p)
{
    size_t zeros = p->whole.n - skip_zeros(p->whole).n;
    return zeros < p->whole.n ? zeros : zeros + (p->fraction.n - skip_zeros(p->fraction).n);
}

/* Copies `n` digits from position `at` of whole and fraction taken together; positions outside them are zeros. */
static char *copy_digits(const struct parts *p, char *to, int64_t at, int64_t n)
{
    int64_t whole = (int64_t)p->whole.n, all = whole + (int64_t)p->fraction.n;
    for (int64_t i = at; i < at + n; i++)
        *to++ = i < 0 || i >= all ? '0' : i < whole ? p->whole.p[i] : p->fraction.p[i - whole];
    return to;
}

static enum decimal_status write_out(const struct parts *p, struct arena *a, struct str *ret)
{
    int64_t digits = (int64_t)(p->whole.n + p->fraction.n);
    int64_t zeros = (int64_t)leading_zeros(p);
    bool is_zero = zeros == digits;
    /* The scale as BigDecimal counts it; a negative one is written out as zeros before the point, none after. */
    int64_t scale = (int64_t)p->fraction.n - p->exponent;
    int64_t point = (int64_t)p->whole.n + p->exponent; /* the position of the point among the digits */
    int64_t from = zeros;                              /* the first digit to be written */
    if (scale < 0)
        scale = 0;
    if (is_zero || from >= point)
        from = point - 1; /* the one zero before the point */
    if (is_zero && scale == 0)
        point = from + 1;
    int64_t whole_n = point - from;
    if (whole_n > DECIMAL_DIGITS_MAX || scale > DECIMAL_DIGITS_MAX - whole_n)
        return DECIMAL_TOO_LONG;
    char *out = arena_alloc(a, (size_t)(whole_n + scale + 2));
    if (!out)
        return DECIMAL_NO_MEMORY;
    char *to = out;
    if (p->negative && !is_zero)
        *to++ = '-';
    to = copy_digits(p, to, from, whole_n);
    if (scale > 0) {
        *to++ = '.';
        to = copy_digits(p, to, point, scale);
    }
    *ret = str_make(out, (size_t)(to - out));
    return DECIMAL_OK;
}

/* Most numbers are canonical as they come: one pass, no copy. False: not surely canonical, take the long way. */
static bool is_canonical(struct str s)
{
    const char *p = s.p, *end = s.p + s.n;
    if (p < end && *p == '-')
        p++;
    const char *whole = p;
    bool some = false; /* a digit other than 0, without which "-" is not canonical */
    while (p < end && is_digit(*p))
        some |= *p++ != '0';
    if (p == whole || (*whole == '0' && p - whole > 1))
        return false;
    if (p < end) {
        if (*p++ != '.' || p == end)
            return false;
        while (p < end && is_digit(*p))
            some |= *p++ != '0';
        if (p != end)
            return false;
    }
    return some || whole == s.p;
}

enum decimal_status decimal_parse(struct str lexeme, struct arena *a, struct str *ret_canonical)
{
    if (lexeme.n <= DECIMAL_DIGITS_MAX && is_canonical(lexeme)) {
        *ret_canonical = lexeme;
        return DECIMAL_OK;
    }
    struct parts parts;
    if (!cut(lexeme, &parts))
        return DECIMAL_NOT_A_NUMBER;
    /* What was written out at full length, with its sign and its point, must read back. */
    if (lexeme.n > DECIMAL_DIGITS_MAX + 2 || parts.whole.n + parts.fraction.n > DECIMAL_DIGITS_MAX)
        return DECIMAL_TOO_LONG;
    return write_out(&parts, a, ret_canonical);
}

/* Whether one of the eight bytes at p is a point: the bytes that are become zero, and taking 1 from each byte sets the top
 * bit of a zero first. */
static bool has_point(const char *p)
{
    const uint64_t ones = 0x0101010101010101;
    uint64_t v;
    memcpy(&v, p, 8);
    v ^= ones * '.';
    return ((v - ones) & ~v & ones * 0x80) != 0;
}

/* Digits before the point. This is most of the cost of a comparison, hence eight at a time. */
static size_t whole_length(struct str s)
{
    size_t n = 0;
    while (n + 8 <= s.n && !has_point(s.p + n))
        n += 8;
    if (s.n >= 8 && n + 8 > s.n && !has_point(s.p + s.n - 8))
        return s.n;
    while (n < s.n && s.p[n] != '.')
        n++;
    return n;
}

static int compare_magnitudes(struct str a, struct str b)
{
    size_t whole = whole_length(a), whole_b = whole_length(b);
    if (whole != whole_b)
        return whole < whole_b ? -1 : 1;
    /* The points are at the same place, so that the bytes compare as the digits do. */
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    if (c != 0)
        return c < 0 ? -1 : 1;
    int sign = a.n > b.n ? 1 : -1;
    struct str rest = str_skip(a.n > b.n ? a : b, n);
    for (size_t i = 0; i < rest.n; i++)
        if (rest.p[i] != '0' && rest.p[i] != '.')
            return sign;
    return 0;
}

int decimal_compare(struct str a, struct str b)
{
    if (a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0))
        return 0;
    bool a_negative = a.n && a.p[0] == '-', b_negative = b.n && b.p[0] == '-';
    if (a_negative != b_negative)
        return a_negative ? -1 : 1;
    if (a_negative)
        return compare_magnitudes(str_skip(b, 1), str_skip(a, 1));
    return compare_magnitudes(a, b);
}

struct str decimal_trim(struct str canonical)
{
    size_t point;
    if (!str_find_byte(canonical, '.', &point))
        return canonical;
    size_t n = canonical.n;
    while (n > point + 1 && canonical.p[n - 1] == '0')
        n--;
    return str_head(canonical, n == point + 1 ? point : n);
}

enum { SCALE_PLAIN_MAX = 20, LEADING_ZEROS_PLAIN_MAX = 6 };

/* d[.ddd]E-x: the digits from the first that is not zero. */
static void write_scientific(struct str digits, int64_t exponent, struct buf *out)
{
    buf_add_str(out, str_head(digits, 1));
    if (digits.n > 1) {
        buf_add_byte(out, '.');
        buf_add_str(out, str_skip(digits, 1));
    }
    buf_add_byte(out, 'E');
    buf_add_i64(out, exponent);
}

void decimal_write(struct str canonical, struct buf *out)
{
    size_t point;
    if (!str_find_byte(canonical, '.', &point) || canonical.n - point - 1 <= SCALE_PLAIN_MAX) {
        buf_add_str(out, canonical);
        return;
    }
    /* As Java's BigDecimal prints a scale beyond 20: plain while the first digit that counts is at most the sixth after
     * the point (docs/wire/types.md). */
    struct str fraction = str_skip(canonical, point + 1), significant = skip_zeros(fraction);
    bool negative = canonical.p[0] == '-';
    bool whole_is_zero = point == (size_t)negative + 1 && canonical.p[negative] == '0';
    size_t zeros = fraction.n - significant.n;
    if (!whole_is_zero || zeros < LEADING_ZEROS_PLAIN_MAX) {
        buf_add_str(out, canonical);
        return;
    }
    if (negative)
        buf_add_byte(out, '-');
    if (significant.n == 0)
        write_scientific(STR("0"), -(int64_t)fraction.n, out);
    else
        write_scientific(significant, -(int64_t)zeros - 1, out);
}
