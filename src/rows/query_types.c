/* double, date, time, interval (query_types.h). */
#include "rows/query_types.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "rows/decimal.h"
#include "rows/scalar.h"
#include "rows/timestamp.h"

enum { MS_PER_SECOND = 1000, MS_PER_MINUTE = 60 * MS_PER_SECOND, MS_PER_HOUR = 60 * MS_PER_MINUTE, MS_PER_DAY = 24 * MS_PER_HOUR };

/* ── double ── */

enum { PLAIN_EXPONENT_MIN = -4, PLAIN_EXPONENT_MAX = 15, DOUBLE_DIGITS_MAX = 17, DOUBLE_DIGITS_SURE = 15 };

/* "%.*e" of the fewest digits that read back: 15 always suffice for what was written with so many, 17 for anything; below the
 * normal numbers it can be one. */
static int shortest(double v, char *text, size_t size)
{
    int n = 0;
    for (int digits = v < DBL_MIN ? 1 : DOUBLE_DIGITS_SURE; digits <= DOUBLE_DIGITS_MAX; digits++) {
        n = snprintf(text, size, "%.*e", digits - 1, v);
        if (strtod(text, NULL) == v)
            break;
    }
    return n;
}

static void write_plain(const char *digits, int n, int exponent, struct buf *out)
{
    if (exponent < 0) {
        buf_add_z(out, "0.");
        for (int i = exponent; i < -1; i++)
            buf_add_byte(out, '0');
        buf_add(out, digits, (size_t)n);
        return;
    }
    for (int i = 0; i <= exponent; i++)
        buf_add_byte(out, i < n ? digits[i] : '0');
    if (n > exponent + 1) {
        buf_add_byte(out, '.');
        buf_add(out, digits + exponent + 1, (size_t)(n - exponent - 1));
    }
}

void double_write(double v, struct buf *out)
{
    char text[40], digits[DOUBLE_DIGITS_MAX + 1];
    if (isnan(v)) {
        buf_add_z(out, "NaN");
        return;
    }
    if (v < 0 || (v == 0 && signbit(v)))
        buf_add_byte(out, '-');
    v = fabs(v);
    if (isinf(v)) {
        buf_add_z(out, "Infinity");
        return;
    }
    int n = 0, length = shortest(v, text, sizeof text);
    char *e = memchr(text, 'e', (size_t)length);
    for (const char *p = text; p < e; p++)
        if (*p != '.')
            digits[n++] = *p;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    int exponent = (int)strtol(e + 1, NULL, 10);
    if (exponent >= PLAIN_EXPONENT_MIN && exponent < PLAIN_EXPONENT_MAX) {
        write_plain(digits, n, exponent, out);
        return;
    }
    buf_add_byte(out, digits[0]);
    if (n > 1) {
        buf_add_byte(out, '.');
        buf_add(out, digits + 1, (size_t)(n - 1));
    }
    buf_printf(out, "e%+03d", exponent);
}

/* ── date, time ── */

/* Exactly `n` digits at the head of *s, which goes past them. */
static bool take_digits(struct str *s, size_t n, unsigned *ret)
{
    unsigned v = 0;
    if (s->n < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (s->p[i] < '0' || s->p[i] > '9')
            return false;
        v = v * 10 + (unsigned)(s->p[i] - '0');
    }
    *s = str_skip(*s, n);
    *ret = v;
    return true;
}

static bool take(struct str *s, char c)
{
    if (!s->n || s->p[0] != c)
        return false;
    *s = str_skip(*s, 1);
    return true;
}

/* "." digit digit*: the milliseconds. */
static bool take_fraction(struct str *s, unsigned *ret_ms)
{
    unsigned ms = 0, unit = 100;
    if (!s->n || s->p[0] < '0' || s->p[0] > '9')
        return false;
    while (s->n && s->p[0] >= '0' && s->p[0] <= '9') {
        ms += unit * (unsigned)(s->p[0] - '0');
        unit /= 10;
        *s = str_skip(*s, 1);
    }
    *ret_ms = ms;
    return true;
}

bool date_read(struct str s, int64_t *ret_days)
{
    static const unsigned char lengths[] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned y, m, d;
    if (!take_digits(&s, 4, &y) || !take(&s, '-') || !take_digits(&s, 2, &m) || !take(&s, '-') || !take_digits(&s, 2, &d) || s.n)
        return false;
    if (y < 1 || m < 1 || m > 12 || d < 1)
        return false;
    bool is_leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    if (d > lengths[m] + (unsigned)(m == 2 && is_leap))
        return false;
    *ret_days = clock_days_from_civil(y, m, d);
    return true;
}

void date_write(int64_t days, struct buf *out)
{
    int64_t year;
    unsigned month, day;
    clock_civil_from_days(days, &year, &month, &day);
    buf_printf(out, "%04lld-%02u-%02u", (long long)year, month, day);
}

bool time_read(struct str s, int64_t *ret_ms)
{
    unsigned h, m, second = 0, ms = 0;
    if (!take_digits(&s, 2, &h) || !take(&s, ':') || !take_digits(&s, 2, &m))
        return false;
    if (take(&s, ':') && (!take_digits(&s, 2, &second) || (take(&s, '.') && !take_fraction(&s, &ms))))
        return false;
    if (s.n || h > 23 || m > 59 || second > 59)
        return false;
    *ret_ms = h * (int64_t)MS_PER_HOUR + m * (int64_t)MS_PER_MINUTE + second * (int64_t)MS_PER_SECOND + ms;
    return true;
}

void time_write(int64_t ms, struct buf *out)
{
    unsigned v = (unsigned)ms;
    buf_printf(out, "%02u:%02u:%02u.%03u", v / MS_PER_HOUR, v / MS_PER_MINUTE % 60, v / MS_PER_SECOND % 60, v % MS_PER_SECOND);
}

/* ── interval ── */

/* n = ["+" | "-"] digit+ ["." digit+]; a fraction only where ret_ms is given. */
static bool take_amount(struct str *s, int64_t *ret, int64_t *ret_ms)
{
    bool negative = take(s, '-');
    unsigned digits = 0, ms = 0;
    int64_t v = 0;
    if (!negative)
        take(s, '+');
    for (; s->n && s->p[0] >= '0' && s->p[0] <= '9'; digits++) {
        if (digits == INTERVAL_DIGITS_MAX)
            return false;
        v = v * 10 + (s->p[0] - '0');
        *s = str_skip(*s, 1);
    }
    if (!digits || (take(s, '.') && (!ret_ms || !take_fraction(s, &ms))))
        return false;
    *ret = negative ? -v : v;
    if (ret_ms)
        *ret_ms = negative ? -(int64_t)ms : (int64_t)ms;
    return true;
}

/* Units come in this order, each at most once; T begins the second half. */
static bool take_units(struct str *s, const char *units, int64_t *amounts, int64_t *ret_ms)
{
    size_t from = 0;
    bool some = false;
    while (s->n && s->p[0] != 'T') {
        int64_t v, ms = 0;
        struct str number = *s;
        if (!take_amount(s, &v, ret_ms ? &ms : NULL) || !s->n)
            return false;
        const char *unit = strchr(units + from, s->p[0]);
        if (!unit || !s->p[0])
            return false;
        bool has_point = memchr(number.p, '.', number.n - s->n) != NULL;
        if (has_point && *unit != 'S')
            return false;
        amounts[unit - units] = v;
        if (ret_ms)
            *ret_ms += ms;
        from = (size_t)(unit - units) + 1;
        *s = str_skip(*s, 1);
        some = true;
    }
    return some;
}

/* What comes out as a unit has no more digits than what went in: weeks become days, minutes hours. */
static bool can_be_written(const struct interval *i)
{
    enum { UNIT_MAX = 999999999 }; /* INTERVAL_DIGITS_MAX nines */
    return llabs(i->months / 12) <= UNIT_MAX && llabs(i->days) <= UNIT_MAX && llabs(i->ms / MS_PER_HOUR) <= UNIT_MAX;
}

bool interval_read(struct str s, struct interval *ret)
{
    int64_t date[4] = {0}, time[3] = {0}, ms = 0; /* YMWD, HMS */
    if (!take(&s, 'P') || !s.n)
        return false;
    if (s.p[0] != 'T' && !take_units(&s, "YMWD", date, NULL))
        return false;
    if (take(&s, 'T') && (!take_units(&s, "HMS", time, &ms) || s.n))
        return false;
    *ret = (struct interval){
        .months = date[0] * 12 + date[1],
        .days = date[2] * 7 + date[3],
        .ms = time[0] * MS_PER_HOUR + time[1] * MS_PER_MINUTE + time[2] * MS_PER_SECOND + ms,
    };
    return can_be_written(ret);
}

static void write_unit(struct buf *out, int64_t v, char unit)
{
    if (v == 0)
        return;
    buf_add_i64(out, v);
    buf_add_byte(out, unit);
}

static void write_seconds(struct buf *out, int64_t ms)
{
    if (ms == 0)
        return;
    if (ms < 0)
        buf_add_byte(out, '-');
    ms = ms < 0 ? -ms : ms;
    buf_add_i64(out, ms / MS_PER_SECOND);
    unsigned fraction = (unsigned)(ms % MS_PER_SECOND);
    if (fraction) {
        buf_printf(out, ".%03u", fraction);
        while (!out->failed && out->p[out->n - 1] == '0')
            out->n--;
    }
    buf_add_byte(out, 'S');
}

void interval_write(const struct interval *i, struct buf *out)
{
    if (!i->months && !i->days && !i->ms) {
        buf_add_z(out, "PT0S");
        return;
    }
    buf_add_byte(out, 'P');
    write_unit(out, i->months / 12, 'Y');
    write_unit(out, i->months % 12, 'M');
    write_unit(out, i->days, 'D');
    if (!i->ms)
        return;
    buf_add_byte(out, 'T');
    write_unit(out, i->ms / MS_PER_HOUR, 'H');
    write_unit(out, i->ms / MS_PER_MINUTE % 60, 'M');
    write_seconds(out, i->ms % MS_PER_MINUTE);
}

/* ── the types ── */

static bool own(struct str s, struct type_context *ctx, struct cell *ret, struct type_refusal *why)
{
    struct str copy = arena_str(ctx->arena, s);
    if (!copy.p)
        return scalar_no_memory(why);
    *ret = cell_text(copy);
    return true;
}

static bool own_buf(struct buf *b, struct type_context *ctx, struct cell *ret, struct type_refusal *why)
{
    bool ok = buf_ok(b) ? own(buf_str(b), ctx, ret, why) : scalar_no_memory(why);
    buf_free(b);
    return ok;
}

/* True: there is a text to read. False: *ret and what the caller returns are settled. */
static bool text_of(const struct raw *raw, struct cell *ret, struct str *ret_text)
{
    *ret_text = raw->kind == RAW_STRING || raw->kind == RAW_NUMBER ? scalar_trim(raw->text) : STR_NONE;
    if (raw->kind != RAW_NULL && (raw->kind != RAW_STRING || ret_text->n))
        return true;
    *ret = cell_null();
    return false;
}

static bool parse_double(const struct type *t, const struct raw *raw, struct type_context *ctx, struct cell *ret, struct type_refusal *why)
{
    static const char expected[] = "a number like 42, -1.50 or 6.02e23";
    struct str s, canonical;
    (void)t;
    if (!text_of(raw, ret, &s))
        return true;
    switch (decimal_parse(s, ctx->arena, &canonical)) {
    case DECIMAL_OK:
        break;
    case DECIMAL_NO_MEMORY:
        return scalar_no_memory(why);
    case DECIMAL_NOT_A_NUMBER:
    case DECIMAL_TOO_LONG:
        return scalar_refuse(why, expected, NULL);
    }
    struct str z = arena_str(ctx->arena, canonical);
    if (!z.p)
        return scalar_no_memory(why);
    double v = strtod(z.p, NULL);
    if (isinf(v))
        return scalar_refuse(why, "a number between -1.8e308 and 1.8e308", NULL);
    struct buf b = {0};
    double_write(v, &b);
    return own_buf(&b, ctx, ret, why);
}

static bool parse_date(const struct type *t, const struct raw *raw, struct type_context *ctx, struct cell *ret, struct type_refusal *why)
{
    struct str s;
    int64_t v;
    (void)t, (void)ctx;
    if (!text_of(raw, ret, &s))
        return true;
    if (!date_read(s, &v))
        return scalar_refuse(why, "a date like 2014-10-13", NULL);
    *ret = cell_int(v);
    return true;
}

static bool parse_time(const struct type *t, const struct raw *raw, struct type_context *ctx, struct cell *ret, struct type_refusal *why)
{
    struct str s;
    int64_t v;
    (void)t, (void)ctx;
    if (!text_of(raw, ret, &s))
        return true;
    if (!time_read(s, &v))
        return scalar_refuse(why, "a time of day like 05:06 or 05:06:07.250", NULL);
    *ret = cell_int(v);
    return true;
}

static bool parse_interval(const struct type *t, const struct raw *raw, struct type_context *ctx, struct cell *ret, struct type_refusal *why)
{
    struct str s;
    struct interval v;
    (void)t;
    if (!text_of(raw, ret, &s))
        return true;
    if (!interval_read(s, &v))
        return scalar_refuse(why, "an interval like P1Y2M3DT4H5M6S or P1W", NULL);
    struct buf b = {0};
    interval_write(&v, &b);
    return own_buf(&b, ctx, ret, why);
}

static void write_csv(const struct type *t, const struct cell *c, const struct type_render *r, struct buf *out)
{
    (void)r;
    if (c->kind == CELL_TEXT)
        buf_add_str(out, c->s);
    else if (t->id == TYPE_DATE)
        date_write(c->i, out);
    else
        time_write(c->i, out);
}

static void write_json(const struct type *t, const struct cell *c, const struct type_render *r, struct buf *out)
{
    /* JSON has no word for what is not a number. */
    bool is_bare = t->id == TYPE_DOUBLE && c->s.n && (unsigned char)(c->s.p[c->s.n - 1] - '0') <= 9;
    if (!is_bare)
        buf_add_byte(out, '"');
    write_csv(t, c, r, out);
    if (!is_bare)
        buf_add_byte(out, '"');
}

static int compare_double(const struct cell *a, const struct cell *b)
{
    char x[40], y[40];
    snprintf(x, sizeof x, FMT_STR, ARG_STR(a->s));
    snprintf(y, sizeof y, FMT_STR, ARG_STR(b->s));
    double v = strtod(x, NULL), w = strtod(y, NULL);
    return v < w ? -1 : v > w;
}

static int compare_text(const struct cell *a, const struct cell *b)
{
    return str_cmp(a->s, b->s);
}

#define QUERY_TYPE(ID, name, kind, order)                                                                                       \
    const struct type type_##name = {                                                                                            \
        .id = TYPE_##ID, .storage = STORAGE_##kind, .soql_name = #name, .view_name = #name, .parse = parse_##name,               \
        .write_json = write_json, .write_csv = write_csv, .compare = order,                                                      \
    }
QUERY_TYPE(DOUBLE, double, TEXT, compare_double);
QUERY_TYPE(DATE, date, INT, scalar_compare_int);
QUERY_TYPE(TIME, time, INT, scalar_compare_int);
QUERY_TYPE(INTERVAL, interval, TEXT, compare_text);

static const struct type *const others[] = {
    &type_double, &type_date, &type_time, &type_interval, &type_row_identifier, &type_row_version,
};

const struct type *type_find_query(struct str name)
{
    for (int id = 0; id < TYPE_COUNT; id++)
        if (str_eq_fold(name, str_from(type_get(id)->soql_name)))
            return type_get(id);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (str_eq_fold(name, str_from(others[i]->soql_name)))
            return others[i];
    return NULL;
}
