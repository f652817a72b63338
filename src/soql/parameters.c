/* Query parameters to a tree (parameters.h). Names that start with $ are clauses, names that start with $$ are switches,
 * everything else filters a column. Nothing may stand twice: two values for one thing are a mistake in the making. */
#include "soql/parameters.h"

#include <stdlib.h>

#include "soql/parser.h"

struct reading {
    const struct soql_request *request;
    struct arena *arena;
    struct soql_tree tree;
};

static bool read_select(struct reading *r, struct str value, struct error *err)
{
    return soql_parse_select_names(value, r->arena, &r->tree.selection, err);
}

static bool read_order(struct reading *r, struct str value, struct error *err)
{
    return soql_parse_order_names(value, r->arena, &r->tree.order, &r->tree.n_order, err);
}

static bool read_count(const char *name, struct str value, int64_t *ret, struct error *err)
{
    uint64_t n;
    if (!str_to_u64(str_trim(value), &n) || n > INT64_MAX) {
        struct str shown = str_head_utf8(value, 200);
        error_set(err, ERROR_QUERY_MALFORMED, "%s must be a whole number from 0 to 9223372036854775807, not \"" FMT_STR "\"",
                  name, ARG_STR(shown));
        error_data_str(err, "parameter", str_from(name));
        error_data_str(err, "value", shown);
        return false;
    }
    *ret = (int64_t)n;
    return true;
}

static bool read_limit(struct reading *r, struct str value, struct error *err)
{
    return read_count("$limit", value, &r->tree.limit, err);
}

static bool read_offset(struct reading *r, struct str value, struct error *err)
{
    return read_count("$offset", value, &r->tree.offset, err);
}

static bool read_exclude_system_fields(struct reading *r, struct str value, struct error *err)
{
    bool exclude;
    if (!str_to_bool(str_trim(value), &exclude)) {
        struct str shown = str_head_utf8(value, 200);
        error_set(err, ERROR_BAD_PARAMETER, "$$exclude_system_fields must be true or false, not \"" FMT_STR "\"", ARG_STR(shown));
        error_data_str(err, "parameter", STR("$$exclude_system_fields"));
        error_data_str(err, "value", shown);
        return false;
    }
    r->tree.system_fields = !exclude;
    return true;
}

/* read NULL: a clause of the language that cannot be compiled yet. */
static const struct clause {
    const char *name;
    bool (*read)(struct reading *r, struct str value, struct error *err);
} clauses[] = {
    {"$select", read_select},
    {"$order", read_order},
    {"$limit", read_limit},
    {"$offset", read_offset},
    {"$$exclude_system_fields", read_exclude_system_fields},
    {"$where", NULL},
    {"$group", NULL},
    {"$having", NULL},
    {"$q", NULL},
    {"$query", NULL},
    {"$search", NULL},
};

static const struct clause *find_clause(struct str name)
{
    for (size_t i = 0; i < sizeof clauses / sizeof *clauses; i++)
        if (str_eq_fold(name, str_from(clauses[i].name)))
            return &clauses[i];
    return NULL;
}

static bool read_clause(struct reading *r, const struct clause *clause, struct str value, struct error *err)
{
    if (clause->read)
        return clause->read(r, value, err);
    error_set(err, ERROR_QUERY_MALFORMED,
              "the query clause %s is not available yet; available are $select, $order, $limit, $offset and column=value filters",
              clause->name);
    error_data_str(err, "parameter", str_from(clause->name));
    return false;
}

/* What other clients add to every URL: switches that we do not have, soda-java's nbe, old clients' app_token. */
static bool is_ignored(struct str name)
{
    return str_starts(name, STR("$$")) || str_eq(name, STR("nbe")) || str_eq(name, STR("app_token"));
}

static bool is_filter(const struct columns *columns, struct str name)
{
    enum system_column system;
    return columns_find_field(columns, name) >= 0 || system_column_find(name, &system);
}

/* The name that was probably meant: a clause whose $ is missing, or a column that is spelt nearly so. */
static void add_hint(const struct columns *columns, struct str name, struct buf *out)
{
    for (size_t i = 0; i < sizeof clauses / sizeof *clauses; i++) {
        if (!str_eq_fold(name, str_from(clauses[i].name + 1)))
            continue;
        buf_printf(out, "; did you mean %s?", clauses[i].name);
        return;
    }
    int near = name.n && name.p[0] != '$' ? columns_nearest(columns, name) : -1;
    if (near >= 0)
        buf_printf(out, "; did you mean " FMT_STR "?", ARG_STR(columns->v[near].field_name));
}

/* All of them at once, in the order of the URL: "Unrecognized arguments [a, b]" is what clients know. */
static bool refuse_unknown(const struct soql_request *request, struct error *err)
{
    enum { HINTS_MAX = 5 }; /* looking for near names costs a little for each column */
    struct buf list = {0}, json = {0}, hints = {0};
    int n_hints = 0;
    for (size_t i = 0; i < request->n; i++) {
        struct str name = request->parameters[i].name;
        if (find_clause(name) || is_ignored(name) || is_filter(request->columns, name))
            continue;
        struct str shown = str_head_utf8(name, 100);
        if (list.n > 1000)
            continue;
        buf_add_z(&list, list.n ? ", " : "");
        buf_add_str(&list, shown);
        buf_add_z(&json, json.n ? "," : "[");
        buf_add_json(&json, shown);
        if (n_hints++ < HINTS_MAX)
            add_hint(request->columns, name, &hints);
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

static bool check_text(const struct soql_request *request, struct error *err)
{
    for (size_t i = 0; i < request->n; i++) {
        struct soql_parameter p = request->parameters[i];
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

static bool check_repeats(const struct soql_request *request, struct arena *a, struct error *err)
{
    if (request->n < 2)
        return true;
    struct soql_parameter *sorted = arena_alloc(a, request->n * sizeof *sorted);
    if (!sorted)
        return error_no_memory(err);
    memcpy(sorted, request->parameters, request->n * sizeof *sorted);
    qsort(sorted, request->n, sizeof *sorted, order_names);
    for (size_t i = 1; i < request->n; i++) {
        if (order_names(&sorted[i - 1], &sorted[i]))
            continue;
        struct str shown = str_head_utf8(sorted[i].name, 200);
        error_set(err, ERROR_BAD_PARAMETER, "the parameter \"" FMT_STR "\" stands more than once; it may stand once", ARG_STR(shown));
        error_data_str(err, "parameter", shown);
        return false;
    }
    return true;
}

bool soql_parse_parameters(const struct soql_request *request, struct arena *a, struct soql_tree *ret, struct error *err)
{
    struct reading r = {.request = request, .arena = a, .tree = {.limit = SOQL_LIMIT_DEFAULT}};
    if (!check_text(request, err) || !check_repeats(request, a, err))
        return false;
    r.tree.filters = arena_alloc(a, (request->n + 1) * sizeof *r.tree.filters);
    if (!r.tree.filters)
        return error_no_memory(err);
    bool unknown = false;
    for (size_t i = 0; i < request->n; i++) {
        struct soql_parameter p = request->parameters[i];
        const struct clause *clause = find_clause(p.name);
        if (clause) {
            if (!read_clause(&r, clause, p.value, err))
                return false;
        } else if (is_ignored(p.name)) {
            continue;
        } else if (is_filter(request->columns, p.name)) {
            r.tree.filters[r.tree.n_filters++] = (struct soql_filter){p.name, p.value};
        } else {
            unknown = true;
        }
    }
    if (unknown)
        return refuse_unknown(request, err);
    *ret = r.tree;
    return true;
}
