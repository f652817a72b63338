/* Refusals of the analyzer: the contract's words, the data that programs read, and what may have been meant (docs/wire/soql.md,
 * "Errors"). The hints are for what people stumble over most in public questions. */
#include "soql/analyze.h"

#include <stdarg.h>
#include <stdio.h>

bool problem(const struct analyzer *az, struct error *err, enum error_code code, const struct soql_place *at, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    struct str whole = str_head_utf8(str_from(text), sizeof text - 1);
    soql_problem(err, code, at, FMT_STR, ARG_STR(whole));
    error_data_str(err, "dataset", az->datasets[0].name);
    return false;
}

/* ── columns ── */

/* Names that could have been meant, with a NUL after each. */
struct candidates {
    struct arena *arena;
    const char **v;
    size_t n, cap;
};

static void add_candidate(struct candidates *c, struct str name)
{
    struct str z = c->n < c->cap ? arena_str(c->arena, name) : STR_NONE;
    if (z.p)
        c->v[c->n++] = z.p;
}

/* Not an alias of that very name, which is what does not know what it means. */
static const char *near_column(const struct scope *s, struct str name, int table, bool with_aliases)
{
    struct str folded;
    if (!name_fold(s->az->arena, name, &folded))
        return NULL;
    const struct soql_table *t = &s->tables[table];
    size_t cap = t->n_columns + (with_aliases ? s->n_aliases : 0);
    struct candidates c = {s->az->arena, arena_alloc(s->az->arena, cap * sizeof(const char *)), 0, cap};
    if (!c.v)
        return NULL;
    for (size_t i = 0; i < t->n_columns; i++)
        add_candidate(&c, t->columns[i].name);
    for (size_t i = 0; with_aliases && i < s->n_aliases; i++)
        if (s->aliases[i].name.p && !s->aliases[i].is_hidden && !str_eq(s->aliases[i].name, folded))
            add_candidate(&c, s->aliases[i].name);
    return soql_nearest(name, c.v, c.n);
}

/* A table whose column it is, when the name is that of another table's. */
static const struct str *table_with(const struct scope *s, struct str name, int but)
{
    struct str folded;
    if (!name_fold(s->az->arena, name, &folded))
        return NULL;
    for (size_t i = 0; i < s->n_tables; i++)
        if ((int)i != but && s->table_names[i].p && find_column(s, (int)i, folded) >= 0)
            return &s->table_names[i];
    return NULL;
}

bool problem_column(const struct scope *s, const struct soql_node *n, int table, struct error *err)
{
    struct str name = shown(n->text);
    const struct str *other = table_with(s, n->text, table);
    const char *near = other ? NULL : near_column(s, n->text, table, !n->qualifier.p);
    const char *piped = s->tables[table].kind == TABLE_RELATION && !n->qualifier.p ? "; what is before |> does not select it" : "";
    if (other)
        problem(s->az, err, ERROR_QUERY_NO_SUCH_COLUMN, &n->place, "No such column: " FMT_STR "; did you mean @" FMT_STR "." FMT_STR "?", ARG_STR(name),
                ARG_STR(*other), ARG_STR(name));
    else
        problem(s->az, err, ERROR_QUERY_NO_SUCH_COLUMN, &n->place, "No such column: " FMT_STR "%s%s%s", ARG_STR(name),
                near ? "; did you mean " : piped, near ? near : "", near ? "?" : "");
    error_data_str(err, "column", name);
    return false;
}

/* ── functions ── */

static const struct {
    const char *name, *hint;
} known_wishes[] = {
    {"to_number", "write x::number"}, {"to_text", "write x::text"}, {"to_boolean", "write x::boolean"}, {"cast", "write x::number"},
    {"parse_date", "write x::floating_timestamp"}, {"sqrt", "write x ^ 0.5"}, {"power", "write x ^ y"}, {"pow", "write x ^ y"},
    {"mod", "write x % y"}, {"concat", "write a || b"}, {"ifnull", "coalesce(x, y) does that"}, {"nvl", "coalesce(x, y) does that"},
    {"isnull", "write x IS NULL"}, {"if", "iif(condition, x, y) does that"}, {"now", "get_utc_date() does that"},
    {"len", "length(x) does that"}, {"substr", "substring(x, start, length) does that"}, {"ucase", "upper(x) does that"},
    {"lcase", "lower(x) does that"}, {"year", "date_extract_y(x) does that"}, {"month", "date_extract_m(x) does that"},
    {"day", "date_extract_d(x) does that"}, {"hour", "date_extract_hh(x) does that"}, {"mean", "avg(x) does that"},
    {"average", "avg(x) does that"}, {"stddev", "stddev_pop(x) and stddev_samp(x) do that"}, {"date_trunc", "date_trunc_y, date_trunc_ym and date_trunc_ymd do that"},
    {"date_diff", "date_diff_d(x, y) counts days"}, {"ilike", "caseless_contains(x, y) does that"}, {"like", "write x LIKE 'a%'"},
    {"within", "within_box, within_circle and within_polygon do that"}, {"distance", "distance_in_meters(x, y) does that"},
    {"exists", "write x IS NOT NULL"}, {"median_absolute", "median(x) is there"}, {"string_agg", "nothing joins the texts of a group"},
};

static const char *wish(struct str name)
{
    for (size_t i = 0; i < sizeof known_wishes / sizeof *known_wishes; i++)
        if (str_eq_fold(name, str_from(known_wishes[i].name)))
            return known_wishes[i].hint;
    return NULL;
}

/* Other databases' names of types. */
static const char *near_type(struct str name)
{
    static const struct {
        const char *name, *type;
    } others[] = {
        {"int", "number"}, {"integer", "number"}, {"bigint", "number"}, {"numeric", "number"}, {"decimal", "number"}, {"float", "double"},
        {"real", "double"}, {"string", "text"}, {"varchar", "text"}, {"char", "text"}, {"bool", "boolean"}, {"checkbox", "boolean"},
        {"calendar_date", "floating_timestamp"}, {"timestamp", "floating_timestamp"}, {"datetime", "floating_timestamp"},
        {"timestamptz", "fixed_timestamp"}, {"money", "number"}, {"percent", "number"}, {"linestring", "line"}, {"geometry", "point"},
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (str_eq_fold(name, str_from(others[i].name)))
            return others[i].type;
    const char *names[KIND_COUNT];
    for (enum soql_kind k = 0; k < KIND_COUNT; k++)
        names[k] = kind_type(k)->soql_name;
    return soql_nearest(name, names, KIND_COUNT);
}

static const char *near_function(const struct analyzer *az, struct str name)
{
    size_t n;
    const struct soql_function *f = soql_functions(&n);
    struct candidates c = {az->arena, arena_alloc(az->arena, n * sizeof(const char *)), 0, n};
    for (size_t i = 0; c.v && i < n; i++)
        if (!strpbrk(f[i].name, "$#/") && (i == 0 || strcmp(f[i].name, f[i - 1].name) != 0))
            c.v[c.n++] = f[i].name;
    return c.v ? soql_nearest(name, c.v, c.n) : NULL;
}

/* "takes 2 or 3 arguments" of the overloads there are; false if the name is unknown. */
static bool say_arities(struct str name, char *ret, size_t size)
{
    size_t n, at = 0, last = SIZE_MAX;
    const struct soql_function *f = soql_functions_named(name, &n);
    for (size_t i = 0; i < n; i++) {
        struct signature sig;
        if (!signature_read(&f[i], &sig) || sig.n == last || at >= size)
            continue;
        size_t least = sig.repeats ? sig.n - 1 : sig.n;
        int wrote = snprintf(ret + at, size - at, "%s%zu%s", at ? " or " : "", least, sig.repeats ? " or more" : "");
        at += wrote > 0 ? (size_t)wrote : 0;
        last = sig.n;
    }
    return n > 0;
}

static void hint_function(const struct analyzer *az, const struct soql_node *n, struct str name, char *ret, size_t size)
{
    char arities[64] = "";
    const char *wished = wish(name), *near;
    ret[0] = 0;
    if (n->form == FORM_CASE || str_eq_fold(name, STR("case")))
        snprintf(ret, size, "; case takes pairs of a condition and a value");
    else if (n->form == FORM_CAST && (near = near_type(str_skip(name, 5))))
        snprintf(ret, size, "; there is no such type, did you mean %s?", near);
    else if (n->form == FORM_CAST)
        snprintf(ret, size, "; there is no such type");
    else if (n->form == FORM_DISTINCT)
        snprintf(ret, size, "; only count takes DISTINCT");
    else if (n->form == FORM_STAR)
        snprintf(ret, size, "; only count takes a star");
    else if (say_arities(name, arities, sizeof arities))
        snprintf(ret, size, "; " FMT_STR " takes %s argument%s", ARG_STR(shown(name)), arities, strcmp(arities, "1") == 0 ? "" : "s");
    else if (wished)
        snprintf(ret, size, "; %s", wished);
    else if ((near = near_function(az, name)))
        snprintf(ret, size, "; did you mean %s?", near);
}

bool problem_function(const struct analyzer *az, const struct soql_node *n, struct str name, size_t arity, struct error *err)
{
    char hint[400];
    hint_function(az, n, name, hint, sizeof hint);
    problem(az, err, ERROR_QUERY_NO_SUCH_FUNCTION, &n->name_place, "No such function '" FMT_STR "'; arity=%zu%s", ARG_STR(shown(name)), arity, hint);
    error_data_str(err, "function", shown(name));
    error_data_i64(err, "arity", (int64_t)arity);
    return false;
}

/* ── types ── */

static void list_kinds(soql_kinds set, char *ret, size_t size)
{
    size_t at = 0;
    ret[0] = 0;
    for (enum soql_kind k = 0; k < KIND_COUNT && at < size; k++) {
        if (!kinds_have(set, k))
            continue;
        int wrote = snprintf(ret + at, size - at, "%s%s", at ? ", " : "", kind_type(k)->soql_name);
        at += wrote > 0 ? (size_t)wrote : 0;
    }
}

/* What would help. */
static const char *advise(struct str function, enum soql_kind is, soql_kinds wanted)
{
    if (str_eq_fold(function, STR("#LIKE")) || str_eq_fold(function, STR("#NOT_LIKE")) || str_eq_fold(function, STR("contains")) ||
        str_eq_fold(function, STR("starts_with")))
        return is == KIND_NUMBER || is == KIND_BOOLEAN ? "; write x::text" : "";
    if (is == KIND_TEXT && kinds_have(wanted, KIND_NUMBER))
        return "; a text that holds a number is made one by x::number, and a number in quotes must be written plainly";
    if (is == KIND_TEXT && kinds_have(wanted, KIND_FLOATING))
        return "; dates are written '2014-10-13' or '2014-10-13T05:06:07'";
    if (is == KIND_TEXT && kinds_have(wanted, KIND_FIXED))
        return "; times are written '2014-10-13T05:06:07Z'";
    if (is == KIND_TEXT && kinds_have(wanted, KIND_BOOLEAN))
        return "; a checkbox is compared with true or false";
    if (is == KIND_TEXT && kinds_have(wanted, KIND_POINT))
        return "; geometries are written as text like 'POINT (-87.6 41.9)'";
    if (is == KIND_NUMBER && wanted == KIND_BIT(KIND_TEXT))
        return "; write x::text";
    if (is == KIND_NUMBER && kinds_have(wanted, KIND_POINT))
        return "; it takes a point: make_point(latitude, longitude) makes one";
    if (is == KIND_FIXED && kinds_have(wanted, KIND_FLOATING))
        return "; to_floating_timestamp(x, 'UTC') makes it a floating_timestamp";
    return "";
}

/* amount > 5, where amount is text: what most people stumble over. */
static bool is_text_against_number(const struct soql_node *n, enum soql_kind is, soql_kinds wanted)
{
    bool compares = n->kind == NODE_CALL && (n->form == FORM_BINARY || n->form == FORM_BETWEEN || n->form == FORM_IN);
    return compares && is == KIND_NUMBER && wanted == KIND_BIT(KIND_TEXT) && n->args[0]->kind == NODE_COLUMN;
}

bool problem_mismatch(const struct analyzer *az, const struct soql_node *n, struct str function, const struct soql_place *at, soql_kinds found,
                      soql_kinds wanted, struct error *err)
{
    enum soql_kind is = kind_first(found);
    char expected[200], text_column[300];
    list_kinds(wanted, expected, sizeof expected);
    const char *advice = advise(function, is, wanted);
    if (is_text_against_number(n, is, wanted)) {
        struct str column = shown(n->args[0]->text);
        snprintf(text_column, sizeof text_column, "; " FMT_STR " is text: write " FMT_STR "::number", ARG_STR(column), ARG_STR(column));
        advice = text_column;
    }
    problem(az, err, ERROR_QUERY_TYPE_MISMATCH, at, "Type mismatch for " FMT_STR ", is %s; expected %s%s", ARG_STR(shown(function)),
            kind_type(is)->soql_name, expected, advice);
    error_data_str(err, "function", shown(function));
    error_data_str(err, "type", str_from(kind_type(is)->soql_name));
    return false;
}
