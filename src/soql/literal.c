/* String literals as other types (literal.h; soql-reference, SoQLTypeInfo.scala: potentialExprs). */
#include "soql/literal.h"

#include "rows/decimal.h"
#include "rows/query_types.h"
#include "rows/timestamp.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t digits(struct str s)
{
    size_t n = 0;
    while (n < s.n && is_digit(s.p[n]))
        n++;
    return n;
}

/* [+-] digit+ ["." digit*] ["e" [+-] digit+]: no blanks, no separators, no ".5" */
static bool is_number(struct str s)
{
    if (s.n && (*s.p == '+' || *s.p == '-'))
        s = str_skip(s, 1);
    size_t n = digits(s);
    if (n == 0)
        return false;
    s = str_skip(s, n);
    if (s.n && *s.p == '.') {
        s = str_skip(s, 1);
        s = str_skip(s, digits(s));
    }
    if (s.n && (*s.p == 'e' || *s.p == 'E')) {
        s = str_skip(s, 1);
        if (s.n && (*s.p == '+' || *s.p == '-'))
            s = str_skip(s, 1);
        n = digits(s);
        return n > 0 && n == s.n;
    }
    return s.n == 0;
}

static bool read_boolean(struct str s, int64_t *ret)
{
    bool yes = str_eq_fold(s, STR("true")) || str_eq(s, STR("1"));
    *ret = yes;
    return yes || str_eq_fold(s, STR("false")) || str_eq(s, STR("0"));
}

/* year "-" month ["-" day] ["T" time [offset]]: a year alone would make every number of four digits a date as well, and a blank in
 * the place of T is no ISO 8601. */
static bool read_timestamp(struct str s, enum timestamp_kind kind, int64_t *ret)
{
    const char *hint;
    if (s.n < 7 || digits(s) != 4 || s.p[4] != '-' || digits(str_skip(s, 5)) != 2)
        return false;
    struct str date, time;
    bool is_timed = str_cut(s, 'T', &date, &time);
    if (!is_timed)
        date = s;
    if (date.n != 7 && (date.n != 10 || date.p[7] != '-' || digits(str_skip(date, 8)) != 2))
        return false;
    /* hours and minutes, each with its two digits */
    if (is_timed && (time.n < 5 || digits(time) != 2 || time.p[2] != ':' || digits(str_skip(time, 3)) != 2))
        return false;
    return timestamp_parse(s, kind, ret, &hint);
}

static bool read_date(struct str s, int64_t *ret_days)
{
    return s.n == 10 && digits(s) == 4 && date_read(s, ret_days);
}

static bool read_time(struct str s, int64_t *ret_ms)
{
    return s.n >= 5 && digits(s) == 2 && s.p[2] == ':' && digits(str_skip(s, 3)) == 2 && time_read(s, ret_ms);
}

static bool is_interval(struct str s)
{
    struct interval unused;
    return s.n >= 3 && *s.p == 'P' && interval_read(s, &unused);
}

/* Well-known text begins with the name of its kind: the readers of uploads take more than that. */
static bool may_be_wkt(enum soql_kind kind, struct str s)
{
    static const struct str names[KIND_COUNT] = {
        [KIND_POINT] = {"POINT", 5},           [KIND_MULTIPOINT] = {"MULTIPOINT", 10},     [KIND_LINE] = {"LINESTRING", 10},
        [KIND_MULTILINE] = {"MULTILINESTRING", 15}, [KIND_POLYGON] = {"POLYGON", 7}, [KIND_MULTIPOLYGON] = {"MULTIPOLYGON", 12},
    };
    if (s.n > 5 && str_eq_fold(str_head(s, 5), STR("SRID=")))
        return true;
    return s.n > names[kind].n && str_eq_fold(str_head(s, names[kind].n), names[kind]);
}

/* A URI, by its characters; the rest is said by nobody. */
static bool is_uri(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f || strchr("<>\"{}|\\^`", s.p[i]))
            return false;
    return s.n > 0;
}

enum outcome { OUTCOME_NO, OUTCOME_YES, OUTCOME_NO_MEMORY };

/* As an upload reads it. */
static enum outcome read_uploaded(enum soql_kind kind, struct str s, struct arena *a, struct cell *ret)
{
    struct type_context ctx = {.arena = a};
    struct type_refusal why = {0};
    const struct type *t = kind_type(kind);
    if (t->parse(t, &(struct raw){RAW_STRING, s}, &ctx, ret, &why))
        return ret->kind == CELL_NULL ? OUTCOME_NO : OUTCOME_YES;
    return why.expected[0] ? OUTCOME_NO : OUTCOME_NO_MEMORY;
}

static enum outcome read_number(struct str s, struct arena *a, struct cell *ret)
{
    if (!is_number(s))
        return OUTCOME_NO;
    struct str canonical;
    switch (decimal_parse(s, a, &canonical)) {
    case DECIMAL_OK:
        *ret = cell_text(canonical);
        return OUTCOME_YES;
    case DECIMAL_NO_MEMORY:
        return OUTCOME_NO_MEMORY;
    case DECIMAL_NOT_A_NUMBER:
    case DECIMAL_TOO_LONG:
        break;
    }
    return OUTCOME_NO;
}

static enum outcome read_interval(struct str s, struct arena *a, struct cell *ret)
{
    return is_interval(s) ? read_uploaded(KIND_INTERVAL, s, a, ret) : OUTCOME_NO;
}

/* The kinds whose cells are whole numbers. */
static bool read_int(enum soql_kind kind, struct str s, const struct row_id_key *row_ids, int64_t *ret)
{
    switch (kind) {
    case KIND_BOOLEAN:
        return read_boolean(s, ret);
    case KIND_FIXED:
        return read_timestamp(s, TIMESTAMP_FIXED, ret);
    case KIND_FLOATING:
        return read_timestamp(s, TIMESTAMP_FLOATING, ret);
    case KIND_DATE:
        return read_date(s, ret);
    case KIND_TIME:
        return read_time(s, ret);
    case KIND_ROW_IDENTIFIER:
        return row_id_parse(row_ids, s, ret);
    default:
        return kind == KIND_ROW_VERSION && row_version_parse(row_ids, s, ret);
    }
}

static enum outcome read_kind(enum soql_kind kind, struct str s, const struct row_id_key *row_ids, struct arena *a, struct cell *ret)
{
    switch (kind) {
    case KIND_TEXT:
        *ret = cell_text(s);
        return OUTCOME_YES;
    case KIND_NUMBER:
    case KIND_DOUBLE:
        return read_number(s, a, ret);
    case KIND_BOOLEAN:
    case KIND_FIXED:
    case KIND_FLOATING:
    case KIND_DATE:
    case KIND_TIME:
    case KIND_ROW_IDENTIFIER:
    case KIND_ROW_VERSION:
        *ret = cell_int(0);
        return read_int(kind, s, row_ids, &ret->i) ? OUTCOME_YES : OUTCOME_NO;
    case KIND_INTERVAL:
        return read_interval(s, a, ret);
    case KIND_POINT:
    case KIND_MULTIPOINT:
    case KIND_LINE:
    case KIND_MULTILINE:
    case KIND_POLYGON:
    case KIND_MULTIPOLYGON:
        return may_be_wkt(kind, s) ? read_uploaded(kind, s, a, ret) : OUTCOME_NO;
    case KIND_LOCATION:
        return s.n && *s.p == '{' ? read_uploaded(kind, s, a, ret) : OUTCOME_NO;
    case KIND_URL:
        return s.n && (*s.p == '{' || is_uri(s)) ? read_uploaded(kind, s, a, ret) : OUTCOME_NO;
    case KIND_JSON:
    case KIND_COUNT:
        break;
    }
    return OUTCOME_NO;
}

bool literal_kinds(struct str text, struct arena *a, soql_kinds *ret)
{
    static const struct row_id_key any_key; /* whether a text has the form of a row id does not depend on the key */
    *ret = KIND_BIT(KIND_TEXT);
    for (enum soql_kind k = KIND_TEXT + 1; k < KIND_COUNT; k++) {
        struct cell unused;
        enum outcome o = read_kind(k, text, &any_key, a, &unused);
        if (o == OUTCOME_NO_MEMORY)
            return false;
        if (o == OUTCOME_YES)
            *ret |= KIND_BIT(k);
    }
    return true;
}

bool literal_read(enum soql_kind kind, struct str text, const struct row_id_key *row_ids, struct arena *a, struct cell *ret)
{
    return read_kind(kind, text, row_ids, a, ret) == OUTCOME_YES;
}
