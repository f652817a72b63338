/* Functions of values of any type, and of the types that are JSON inside: json, url, location. */
#include <stdlib.h>

#include "base/json.h"
#include "rows/decimal.h"
#include "sql/functions/functions.h"
#include "sql/functions/geometry.h"
#include "sql/functions/value.h"

/* ── least and greatest of what SQLite orders as we do: whole numbers, doubles, texts by code point ── */

int value_compare(sqlite3_value *a, sqlite3_value *b)
{
    if (sqlite3_value_type(a) == SQLITE_INTEGER) {
        int64_t x = sqlite3_value_int64(a), y = sqlite3_value_int64(b);
        return x < y ? -1 : x > y;
    }
    if (sqlite3_value_type(a) == SQLITE_FLOAT) {
        double x = sqlite3_value_double(a), y = sqlite3_value_double(b);
        return x < y ? -1 : x > y;
    }
    /* The pointer before the length, as SQLite asks for. */
    const char *x = sqlite3_value_blob(a), *y = sqlite3_value_blob(b);
    return str_cmp(str_make(x, (size_t)sqlite3_value_bytes(a)), str_make(y, (size_t)sqlite3_value_bytes(b)));
}

static void extreme(sqlite3_context *out, int n, sqlite3_value **v, int sign)
{
    sqlite3_value *best = NULL;
    for (int i = 0; i < n; i++)
        if (sqlite3_value_type(v[i]) != SQLITE_NULL && (!best || value_compare(v[i], best) * sign > 0))
            best = v[i];
    if (best)
        sqlite3_result_value(out, best);
}

static void greatest(sqlite3_context *out, int n, sqlite3_value **v)
{
    extreme(out, n, v, 1);
}

static void least(sqlite3_context *out, int n, sqlite3_value **v)
{
    extreme(out, n, v, -1);
}

/* ── JSON ── */

/* A stored value; NULL and the result settled when memory is short, NULL and null when it is damaged. */
static const struct json *read_stored(sqlite3_context *out, sqlite3_value *v, struct arena *a)
{
    struct str s;
    struct json *j;
    struct error err = {0};
    if (!function_text(out, v, &s))
        return NULL;
    if (json_parse(a, s, &j, &err))
        return j;
    if (err.code == ERROR_OUT_OF_MEMORY)
        sqlite3_result_error_nomem(out);
    return NULL;
}

static void give_json(sqlite3_context *out, const struct json *j)
{
    struct buf b = {0};
    if (!j)
        return;
    json_write(j, &b);
    function_give_buf(out, &b);
}

static void json_field(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct arena a = {0};
    struct str key;
    (void)n;
    if (function_text(out, v[1], &key))
        give_json(out, json_get(read_stored(out, v[0], &a), key));
    arena_free(&a);
}

static void json_element(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct arena a = {0};
    int64_t at;
    (void)n;
    if (!function_int(out, v[1], v[2], &at))
        return;
    const struct json *j = read_stored(out, v[0], &a);
    if (j && j->kind == JSON_ARRAY) {
        if (at < 0)
            at += (int64_t)j->n;
        const struct json *element = at < 0 ? NULL : j->first;
        for (; element && at > 0; at--)
            element = element->next;
        give_json(out, element);
    }
    arena_free(&a);
}

static void give_member(sqlite3_context *out, sqlite3_value *v, struct str key)
{
    struct arena a = {0};
    const struct json *j = read_stored(out, v, &a);
    struct str s = j ? json_get_str(j, key) : STR_NONE;
    if (s.p)
        function_give_text(out, s);
    arena_free(&a);
}

static void url_description(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    give_member(out, v[0], STR("description"));
}

static void human_address(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    give_member(out, v[0], STR("human_address"));
}

static void url_make(sqlite3_context *out, int n, sqlite3_value **v)
{
    static const char *const keys[] = {"{\"url\":", ",\"description\":"};
    struct buf b = {0};
    for (int i = 0; i < n; i++) {
        struct str s;
        if (sqlite3_value_type(v[i]) == SQLITE_NULL)
            continue;
        if (!function_text(out, v[i], &s)) {
            buf_free(&b);
            return;
        }
        buf_add_z(&b, i && !b.n ? "{\"description\":" : keys[i]);
        buf_add_json(&b, s);
    }
    if (b.n == 0 && buf_ok(&b))
        return;
    buf_add_byte(&b, '}');
    function_give_buf(out, &b);
}

/* ── location ── */

/* The number that a member's string is; false: there is none, or the result says what went wrong. */
static bool degrees(sqlite3_context *out, const struct json *j, struct str key, struct arena *a, struct str *ret)
{
    struct str s = j ? json_get_str(j, key) : STR_NONE;
    if (!s.p)
        return false;
    switch (decimal_parse(s, a, ret)) {
    case DECIMAL_OK:
        return true;
    case DECIMAL_NO_MEMORY:
        sqlite3_result_error_nomem(out);
        return false;
    case DECIMAL_NOT_A_NUMBER:
    case DECIMAL_TOO_LONG:
        break;
    }
    return false;
}

static void give_degrees(sqlite3_context *out, sqlite3_value *v, struct str key)
{
    struct arena a = {0};
    struct str s;
    if (degrees(out, read_stored(out, v, &a), key, &a, &s))
        function_give_text(out, s);
    arena_free(&a);
}

static void latitude(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    give_degrees(out, v[0], STR("latitude"));
}

static void longitude(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    give_degrees(out, v[0], STR("longitude"));
}

static void location_point(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct arena a = {0};
    struct str x, y;
    (void)n;
    const struct json *j = read_stored(out, v[0], &a);
    if (degrees(out, j, STR("longitude"), &a, &x) && degrees(out, j, STR("latitude"), &a, &y)) {
        struct str x_z = arena_str(&a, x), y_z = arena_str(&a, y);
        if (x_z.p && y_z.p)
            geometry_give_point(out, strtod(x_z.p, NULL), strtod(y_z.p, NULL));
        else
            sqlite3_result_error_nomem(out);
    }
    arena_free(&a);
}

const struct function functions_value[] = {
    {"any_greatest", -1, true, greatest},
    {"any_least", -1, true, least},
    {"json_field", 2, false, json_field},
    {"json_element", 3, false, json_element},
    {"url_description", 1, false, url_description},
    {"url_make", 2, true, url_make},
    {"loc_latitude", 1, false, latitude},
    {"loc_longitude", 1, false, longitude},
    {"loc_human_address", 1, false, human_address},
    {"loc_point", 1, false, location_point},
    {NULL, 0, false, NULL},
};
