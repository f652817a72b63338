/* Registration, and what the functions have in common (functions.h). */
#include "sql/functions/functions.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "rows/decimal.h"

/* ── arguments ── */

static bool has_null(int n, sqlite3_value **values)
{
    for (int i = 0; i < n; i++)
        if (sqlite3_value_type(values[i]) == SQLITE_NULL)
            return true;
    return false;
}

bool function_text(sqlite3_context *out, sqlite3_value *v, struct str *ret)
{
    const char *p = (const char *)sqlite3_value_text(v);
    *ret = str_make(p, (size_t)sqlite3_value_bytes(v));
    if (p)
        return true;
    sqlite3_result_error_nomem(out);
    return false;
}

bool function_blob(sqlite3_context *out, sqlite3_value *v, struct str *ret)
{
    const char *p = sqlite3_value_blob(v);
    size_t n = (size_t)sqlite3_value_bytes(v);
    *ret = str_make(p ? p : "", n);
    if (p || n == 0)
        return true;
    sqlite3_result_error_nomem(out);
    return false;
}

/* The digits before the point, then a look at the first after it. */
static bool whole_of(struct str s, int64_t *ret)
{
    bool negative = s.n && s.p[0] == '-';
    s = str_skip(s, negative);
    struct str whole, fraction;
    bool has_fraction = str_cut(s, '.', &whole, &fraction);
    uint64_t v;
    if (!str_to_u64(whole, &v) || v > INT64_MAX / 2)
        return false;
    if (has_fraction && fraction.n && fraction.p[0] >= '5')
        v++;
    *ret = negative ? -(int64_t)v : (int64_t)v;
    return true;
}

bool function_int(sqlite3_context *out, sqlite3_value *v, sqlite3_value *place, int64_t *ret)
{
    struct str s;
    if (!function_text(out, v, &s))
        return false;
    if (whole_of(s, ret) && *ret >= INT32_MIN && *ret <= INT32_MAX)
        return true;
    function_refuse(out, place, "integer out of range: " FMT_STR, ARG_STR(str_head(s, 40)));
    return false;
}

bool function_real(sqlite3_context *out, sqlite3_value *v, sqlite3_value *place, double *ret)
{
    struct str s;
    if (!function_text(out, v, &s))
        return false;
    *ret = strtod(s.p, NULL); /* SQLite ends texts with a NUL */
    if (!isinf(*ret))
        return true;
    function_refuse(out, place, "\"" FMT_STR "…\" is out of range for type double", ARG_STR(str_head(s, 40)));
    return false;
}

/* ── results ── */

static void refuse(sqlite3_context *out, int64_t place, const char *fmt, va_list args)
{
    char text[512];
    int n = snprintf(text, sizeof text, "@%lld:", (long long)place);
    vsnprintf(text + n, sizeof text - (size_t)n, fmt, args);
    sqlite3_result_error(out, text, (int)str_head_utf8(str_from(text), sizeof text - 1).n);
}

void function_refuse(sqlite3_context *out, sqlite3_value *place, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    refuse(out, sqlite3_value_int64(place), fmt, args);
    va_end(args);
}

void function_refuse_at(sqlite3_context *out, int64_t place, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    refuse(out, place, fmt, args);
    va_end(args);
}

void function_give_text(sqlite3_context *out, struct str s)
{
    sqlite3_result_text64(out, s.p ? s.p : "", s.n, SQLITE_TRANSIENT, SQLITE_UTF8);
}

void function_give_buf(sqlite3_context *out, struct buf *b)
{
    if (!buf_ok(b))
        sqlite3_result_error_nomem(out);
    else
        function_give_text(out, buf_str(b));
    buf_free(b);
}

void function_give_number(sqlite3_context *out, int64_t v)
{
    char text[24];
    sqlite3_result_text(out, text, snprintf(text, sizeof text, "%lld", (long long)v), SQLITE_TRANSIENT);
}

void function_give_rounded(sqlite3_context *out, double v)
{
    char text[40];
    struct arena a = {0};
    struct str s;
    int n = snprintf(text, sizeof text, "%.15g", v);
    switch (decimal_parse(str_make(text, (size_t)n), &a, &s)) {
    case DECIMAL_OK:
        function_give_text(out, s);
        break;
    case DECIMAL_NO_MEMORY:
        sqlite3_result_error_nomem(out);
        break;
    case DECIMAL_NOT_A_NUMBER:
    case DECIMAL_TOO_LONG:
        sqlite3_result_error(out, "@0:the result is not a number", -1);
        break;
    }
    arena_free(&a);
}

/* ── registration ── */

static void call_strict(sqlite3_context *out, int n, sqlite3_value **values)
{
    const struct function *f = sqlite3_user_data(out);
    if (!has_null(n, values))
        f->call(out, n, values);
}

static void step(sqlite3_context *out, int n, sqlite3_value **values)
{
    const struct aggregate *f = sqlite3_user_data(out);
    if (!has_null(n, values))
        f->step(out, n, values);
}

static void inverse(sqlite3_context *out, int n, sqlite3_value **values)
{
    const struct aggregate *f = sqlite3_user_data(out);
    if (!has_null(n, values))
        f->inverse(out, n, values);
}

enum { FLAGS = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS };

int functions_register(sqlite3 *db)
{
    static const struct function *const scalars[] = {
        functions_number, functions_real,     functions_text,          functions_time, functions_parse,
        functions_value,  functions_geometry, functions_geometry_make, functions_search,
    };
    static const struct aggregate *const aggregates[] = {aggregates_number, aggregates_real, aggregates_median, aggregates_geometry};
    int rc = SQLITE_OK;
    for (size_t i = 0; i < sizeof scalars / sizeof *scalars; i++)
        for (const struct function *f = scalars[i]; f->name && rc == SQLITE_OK; f++)
            rc = sqlite3_create_function_v2(db, f->name, f->n, FLAGS, (void *)f, f->takes_nulls ? f->call : call_strict, NULL, NULL, NULL);
    for (size_t i = 0; i < sizeof aggregates / sizeof *aggregates; i++)
        for (const struct aggregate *f = aggregates[i]; f->name && rc == SQLITE_OK; f++)
            rc = sqlite3_create_window_function(db, f->name, f->n, FLAGS, (void *)f, step, f->final, f->value, inverse, NULL);
    return rc;
}
