/* Names of query parameters (request_names.h). */
#include "soql/request_names.h"

#include <stdlib.h>

#include "soql/soql.h"

static const char *const names[REQUEST_NAME_COUNT] = {
    [REQUEST_SELECT] = "$select",
    [REQUEST_WHERE] = "$where",
    [REQUEST_GROUP] = "$group",
    [REQUEST_HAVING] = "$having",
    [REQUEST_ORDER] = "$order",
    [REQUEST_LIMIT] = "$limit",
    [REQUEST_OFFSET] = "$offset",
    [REQUEST_Q] = "$q",
    [REQUEST_SEARCH] = "$search",
    [REQUEST_QUERY] = "$query",
    [REQUEST_EXCLUDE_SYSTEM_FIELDS] = "$$exclude_system_fields",
};

/* What other clients add to every URL: switches that we do not have, soda-java's nbe, old clients' app_token. */
static bool is_ignored(struct str name)
{
    return str_starts(name, STR("$$")) || str_eq(name, STR("nbe")) || str_eq(name, STR("app_token"));
}

enum request_name request_name_find(struct str name, const struct columns *columns)
{
    enum system_column system;
    for (int i = 0; i < REQUEST_NAME_COUNT; i++)
        if (str_eq_fold(name, str_from(names[i])))
            return (enum request_name)i;
    if (is_ignored(name))
        return REQUEST_IGNORED;
    return columns_find_field(columns, name) >= 0 || system_column_find(name, &system) ? REQUEST_FILTER : REQUEST_UNKNOWN;
}

/* The name that was probably meant: a clause whose $ is missing, or a column that is spelt nearly so. */
static void add_hint(const struct columns *columns, struct str name, struct buf *out)
{
    for (size_t i = 0; i < REQUEST_NAME_COUNT; i++) {
        if (!str_eq_fold(name, str_from(names[i] + 1)))
            continue;
        buf_printf(out, "; did you mean %s?", names[i]);
        return;
    }
    int near = name.n && name.p[0] != '$' ? columns_nearest(columns, name) : -1;
    if (near >= 0)
        buf_printf(out, "; did you mean " FMT_STR "?", ARG_STR(columns->v[near].field_name));
}

/* All of them at once, in the order of the URL: "Unrecognized arguments [a, b]" is what clients know. */
bool request_refuse_unknown(const struct soql_parameter *v, size_t n, const struct columns *columns, struct error *err)
{
    enum { HINTS_MAX = 5 }; /* looking for near names costs a little for each column */
    struct buf list = {0}, json = {0}, hints = {0};
    int n_hints = 0;
    for (size_t i = 0; i < n; i++) {
        struct str name = v[i].name;
        if (request_name_find(name, columns) != REQUEST_UNKNOWN)
            continue;
        struct str shown = str_head_utf8(name, 100);
        if (list.n > 1000)
            continue;
        buf_add_z(&list, list.n ? ", " : "");
        buf_add_str(&list, shown);
        buf_add_z(&json, json.n ? "," : "[");
        buf_add_json(&json, shown);
        if (n_hints++ < HINTS_MAX)
            add_hint(columns, name, &hints);
    }
    buf_add_byte(&json, ']');
    if (buf_ok(&list) && buf_ok(&json) && buf_ok(&hints)) {
        error_set(err, ERROR_BAD_PARAMETER, "Unrecognized arguments [" FMT_STR "]" FMT_STR, ARG_STR(buf_str(&list)),
                  ARG_STR(buf_str(&hints)));
        error_data_raw(err, "arguments", buf_str(&json));
    } else {
        error_no_memory(err);
    }
    buf_free(&list);
    buf_free(&json);
    buf_free(&hints);
    return false;
}

bool request_check_texts(const struct soql_parameter *v, size_t n, struct error *err)
{
    for (size_t i = 0; i < n; i++) {
        struct soql_parameter p = v[i];
        if (str_is_utf8(p.name, NULL) && str_is_utf8(p.value, NULL))
            continue;
        return error_set(err, ERROR_BAD_REQUEST, "query parameter %zu is not valid UTF-8 once decoded", i + 1);
    }
    return true;
}

static int order_names(const void *a, const void *b)
{
    struct str x = ((const struct soql_parameter *)a)->name, y = ((const struct soql_parameter *)b)->name;
    for (size_t i = 0; i < x.n && i < y.n; i++) {
        unsigned char p = (unsigned char)x.p[i], q = (unsigned char)y.p[i];
        p = p >= 'A' && p <= 'Z' ? p + 32 : p;
        q = q >= 'A' && q <= 'Z' ? q + 32 : q;
        if (p != q)
            return p < q ? -1 : 1;
    }
    return x.n < y.n ? -1 : x.n > y.n;
}

bool request_check_repeats(const struct soql_parameter *v, size_t n, struct arena *a, struct error *err)
{
    if (n < 2)
        return true;
    struct soql_parameter *sorted = arena_alloc(a, n * sizeof *sorted);
    if (!sorted)
        return error_no_memory(err);
    memcpy(sorted, v, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, order_names);
    for (size_t i = 1; i < n; i++) {
        if (order_names(&sorted[i - 1], &sorted[i]))
            continue;
        struct str shown = str_head_utf8(sorted[i].name, 200);
        error_set(err, ERROR_BAD_PARAMETER, "the parameter \"" FMT_STR "\" stands more than once; it may stand once", ARG_STR(shown));
        error_data_str(err, "parameter", shown);
        return false;
    }
    return true;
}
