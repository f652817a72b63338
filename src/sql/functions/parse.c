/* Casts: texts read as other types, and other types as texts (docs/wire/soql.md, "Casts"). A text that is none fails the query. */
#include "base/json.h"
#include "rows/decimal.h"
#include "rows/query_types.h"
#include "rows/scalar.h"
#include "rows/timestamp.h"
#include "sql/functions/functions.h"

enum { SHOWN_BYTES = 60 };

static void refuse_text(sqlite3_context *out, sqlite3_value *place, const char *type, struct str s)
{
    struct str head = str_head_utf8(s, SHOWN_BYTES);
    function_refuse(out, place, "invalid input syntax for type %s: \"" FMT_STR "%s\"", type, ARG_STR(head), head.n < s.n ? "…" : "");
}

static void parse_number(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct str s, canonical;
    struct arena a = {0};
    (void)n;
    if (!function_text(out, v[0], &s))
        return;
    switch (decimal_parse(scalar_trim(s), &a, &canonical)) {
    case DECIMAL_OK:
        function_give_text(out, canonical);
        break;
    case DECIMAL_NOT_A_NUMBER:
        refuse_text(out, v[1], "numeric", s);
        break;
    case DECIMAL_TOO_LONG:
        function_refuse(out, v[1], "value overflows numeric format: more than %d digits", DECIMAL_DIGITS_MAX);
        break;
    case DECIMAL_NO_MEMORY:
        sqlite3_result_error_nomem(out);
        break;
    }
    arena_free(&a);
}

/* As PostgreSQL: the words and their beginnings, as far as they tell one from the other. */
static void parse_bool(sqlite3_context *out, int n, sqlite3_value **v)
{
    static const struct {
        const char *word;
        size_t n_min;
        int value;
    } words[] = {{"true", 1, 1}, {"false", 1, 0}, {"yes", 1, 1}, {"no", 1, 0}, {"on", 2, 1}, {"off", 2, 0}, {"1", 1, 1}, {"0", 1, 0}};
    struct str s;
    (void)n;
    if (!function_text(out, v[0], &s))
        return;
    struct str word = scalar_trim(s);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (word.n >= words[i].n_min && str_eq_fold(word, str_head(str_from(words[i].word), word.n))) {
            sqlite3_result_int(out, words[i].value);
            return;
        }
    refuse_text(out, v[1], "boolean", s);
}

static void parse_timestamp(sqlite3_context *out, sqlite3_value **v, enum timestamp_kind kind)
{
    struct str s;
    int64_t ms;
    const char *hint;
    if (!function_text(out, v[0], &s))
        return;
    if (timestamp_parse(scalar_trim(s), kind, &ms, &hint))
        sqlite3_result_int64(out, ms);
    else
        refuse_text(out, v[1], kind == TIMESTAMP_FIXED ? "fixed_timestamp" : "floating_timestamp", s);
}

static void parse_fixed(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    parse_timestamp(out, v, TIMESTAMP_FIXED);
}

static void parse_floating(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    parse_timestamp(out, v, TIMESTAMP_FLOATING);
}

static void parse_date(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct str s;
    int64_t days;
    (void)n;
    if (!function_text(out, v[0], &s))
        return;
    if (date_read(scalar_trim(s), &days))
        sqlite3_result_int64(out, days);
    else
        refuse_text(out, v[1], "date", s);
}

static void parse_time(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct str s;
    int64_t ms;
    (void)n;
    if (!function_text(out, v[0], &s))
        return;
    if (time_read(scalar_trim(s), &ms))
        sqlite3_result_int64(out, ms);
    else
        refuse_text(out, v[1], "time", s);
}

static void parse_interval(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct str s;
    struct interval i;
    struct buf b = {0};
    (void)n;
    if (!function_text(out, v[0], &s))
        return;
    if (!interval_read(scalar_trim(s), &i)) {
        refuse_text(out, v[1], "interval", s);
        return;
    }
    interval_write(&i, &b);
    function_give_buf(out, &b);
}

static void parse_json(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct str s;
    struct arena a = {0};
    struct json *j;
    struct error err = {0};
    struct buf b = {0};
    (void)n;
    if (!function_text(out, v[0], &s))
        return;
    if (json_parse(&a, s, &j, &err)) {
        json_write(j, &b);
        function_give_buf(out, &b);
    } else if (err.code == ERROR_OUT_OF_MEMORY) {
        sqlite3_result_error_nomem(out);
    } else {
        refuse_text(out, v[1], "json", s);
    }
    arena_free(&a);
}

static void parse_geometry(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct str s, kind;
    struct arena a = {0};
    struct type_context ctx = {.arena = &a};
    struct type_refusal why = {.expected = ""};
    struct cell c = cell_null();
    (void)n;
    if (!function_text(out, v[0], &s) || !function_text(out, v[1], &kind))
        return;
    const struct type *t = type_find_query(kind);
    struct raw raw = {RAW_STRING, s};
    if (!t || !t->parse(t, &raw, &ctx, &c, &why)) {
        if (t && !why.expected[0])
            sqlite3_result_error_nomem(out);
        else
            function_refuse(out, v[2], "expected %s%s%s", why.expected, why.hint[0] ? ": " : "", why.hint);
    } else if (c.kind == CELL_BLOB) {
        sqlite3_result_blob64(out, c.s.p, c.s.n, SQLITE_TRANSIENT);
    } else {
        refuse_text(out, v[2], kind.p, s);
    }
    arena_free(&a);
}

/* ── to text ── */

static void fixed_text(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct buf b = {0};
    (void)n;
    timestamp_write(sqlite3_value_int64(v[0]), TIMESTAMP_FIXED, &b);
    function_give_buf(out, &b);
}

static void floating_text(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct buf b = {0};
    (void)n;
    timestamp_write(sqlite3_value_int64(v[0]), TIMESTAMP_FLOATING, &b);
    function_give_buf(out, &b);
}

static void date_text(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct buf b = {0};
    (void)n;
    date_write(sqlite3_value_int64(v[0]), &b);
    function_give_buf(out, &b);
}

static void time_text(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct buf b = {0};
    (void)n;
    time_write(sqlite3_value_int64(v[0]), &b);
    function_give_buf(out, &b);
}

static void as_csv(sqlite3_context *out, sqlite3_value *v, const struct type *t)
{
    struct buf b = {0};
    struct str s;
    if (!function_text(out, v, &s))
        return;
    struct cell c = cell_text(s);
    t->write_csv(t, &c, NULL, &b);
    function_give_buf(out, &b);
}

static void url_text(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    as_csv(out, v[0], &type_url);
}

static void location_text(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    as_csv(out, v[0], &type_location);
}

const struct function functions_parse[] = {
    {"num_parse", 2, false, parse_number},
    {"bool_parse", 2, false, parse_bool},
    {"fixed_parse", 2, false, parse_fixed},
    {"floating_parse", 2, false, parse_floating},
    {"date_parse", 2, false, parse_date},
    {"time_parse", 2, false, parse_time},
    {"interval_parse", 2, false, parse_interval},
    {"json_parse", 2, false, parse_json},
    {"geo_parse", 3, false, parse_geometry},
    {"fixed_text", 1, false, fixed_text},
    {"floating_text", 1, false, floating_text},
    {"date_text", 1, false, date_text},
    {"time_text", 1, false, time_text},
    {"url_text", 1, false, url_text},
    {"loc_text", 1, false, location_text},
    {NULL, 0, false, NULL},
};
