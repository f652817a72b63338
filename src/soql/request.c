/* Query parameters to a syntax tree (request.h). Names that start with $ are clauses, in any case; names that start with $$ are switches;
 * everything else filters a column. Nothing may stand twice: two values for one thing are a mistake in the making. */
#include "soql/request.h"

#include <stdlib.h>

#include "soql/problem.h"
#include "soql/request_names.h"
#include "soql/soql.h"

struct reading {
    const struct soql_parameter *parameters;
    size_t n;
    const struct columns *columns;
    struct soql_parsing *parsing;
    struct soql_select *select;
    struct soql_query *query;  /* of $query */
    struct str first_clause;   /* the first clause or filter that was not $query; .p NULL: none */
    bool has_selection, with_system_fields;
    struct soql_node **filters;
    size_t n_filters;
};

static void *zalloc(struct reading *r, size_t n, struct error *err)
{
    void *p = arena_zalloc(r->parsing->arena, n);
    if (!p)
        error_no_memory(err);
    return p;
}

/* ── clauses ── */

static bool read_select(struct reading *r, const struct soql_source *s, struct error *err)
{
    r->has_selection = str_trim(s->text).n != 0;
    r->select->place = (struct soql_place){s, 0, (uint32_t)s->text.n};
    return soql_parse_selection(r->parsing, s, r->select, err);
}

static bool read_where(struct reading *r, const struct soql_source *s, struct error *err)
{
    return soql_parse_expression(r->parsing, s, &r->select->where, err);
}

static bool read_group(struct reading *r, const struct soql_source *s, struct error *err)
{
    return soql_parse_group(r->parsing, s, r->select, err);
}

static bool read_having(struct reading *r, const struct soql_source *s, struct error *err)
{
    return soql_parse_expression(r->parsing, s, &r->select->having, err);
}

static bool read_order(struct reading *r, const struct soql_source *s, struct error *err)
{
    return soql_parse_order(r->parsing, s, r->select, err);
}

static bool read_count(const struct soql_source *s, int64_t *ret, struct error *err)
{
    uint64_t n;
    if (!str_to_u64(str_trim(s->text), &n) || n > INT64_MAX) {
        struct str shown = str_head_utf8(s->text, 200);
        error_set(err, ERROR_QUERY_MALFORMED, FMT_STR " must be a whole number from 0 to 9223372036854775807, not \"" FMT_STR "\"",
                  ARG_STR(s->name), ARG_STR(shown));
        error_data_str(err, "parameter", s->name);
        error_data_str(err, "value", shown);
        return false;
    }
    *ret = (int64_t)n;
    return true;
}

static bool read_limit(struct reading *r, const struct soql_source *s, struct error *err)
{
    r->select->has_limit = true;
    return read_count(s, &r->select->limit, err);
}

static bool read_offset(struct reading *r, const struct soql_source *s, struct error *err)
{
    r->select->has_offset = true;
    return read_count(s, &r->select->offset, err);
}

/* What is taken as it stands, without being parsed. */
static bool check_value(const struct soql_source *s, struct error *err)
{
    size_t bad;
    if (s->text.n > SOQL_TEXT_MAX)
        return error_set(err, ERROR_QUERY_TOO_LARGE, FMT_STR " is %zu bytes long; a value has at most %d", ARG_STR(s->name), s->text.n, SOQL_TEXT_MAX);
    if (str_find_byte(s->text, 0, &bad))
        return error_set(err, ERROR_QUERY_UNEXPECTED_CHARACTER, "Unexpected character: U+0000, at byte %zu of " FMT_STR, bad, ARG_STR(s->name));
    return true;
}

/* A search for nothing is none: forms send an empty field. */
static bool read_search(struct reading *r, const struct soql_source *s, struct error *err)
{
    if (r->select->has_search)
        return error_set(err, ERROR_BAD_PARAMETER, "$q and $search are the same; give one of them");
    r->select->has_search = str_trim(s->text).n != 0;
    r->select->search = s->text;
    r->select->search_place = (struct soql_place){s, 0, (uint32_t)s->text.n};
    return check_value(s, err);
}

static bool read_query(struct reading *r, const struct soql_source *s, struct error *err)
{
    return soql_parse_query(r->parsing, s, &r->query, err);
}

static bool read_exclude_system_fields(struct reading *r, const struct soql_source *s, struct error *err)
{
    bool exclude;
    if (!str_to_bool(str_trim(s->text), &exclude)) {
        struct str shown = str_head_utf8(s->text, 200);
        error_set(err, ERROR_BAD_PARAMETER, "$$exclude_system_fields must be true or false, not \"" FMT_STR "\"", ARG_STR(shown));
        error_data_str(err, "parameter", s->name);
        error_data_str(err, "value", shown);
        return false;
    }
    r->with_system_fields = !exclude;
    return true;
}

static bool (*const readers[REQUEST_NAME_COUNT])(struct reading *r, const struct soql_source *s, struct error *err) = {
    [REQUEST_SELECT] = read_select, [REQUEST_WHERE] = read_where, [REQUEST_GROUP] = read_group,   [REQUEST_HAVING] = read_having,
    [REQUEST_ORDER] = read_order,   [REQUEST_LIMIT] = read_limit, [REQUEST_OFFSET] = read_offset, [REQUEST_Q] = read_search,
    [REQUEST_SEARCH] = read_search, [REQUEST_QUERY] = read_query, [REQUEST_EXCLUDE_SYSTEM_FIELDS] = read_exclude_system_fields,
};

/* ── filters ── */

static struct soql_node *make_node(struct reading *r, enum soql_node_kind kind, struct soql_place at, struct error *err)
{
    if (r->parsing->nodes >= SOQL_NODES_MAX) {
        error_set(err, ERROR_QUERY_TOO_LARGE, "the query has more than %d columns, values and calls, which is the limit", SOQL_NODES_MAX);
        return NULL;
    }
    r->parsing->nodes++;
    struct soql_node *n = zalloc(r, sizeof *n, err);
    if (n) {
        n->kind = kind;
        n->depth = 1;
        n->place = n->name_place = at;
    }
    return n;
}

static struct soql_node *make_parent(struct reading *r, enum soql_node_kind kind, struct soql_node *const *args, size_t n_args,
                                     struct error *err)
{
    struct soql_node *n = make_node(r, kind, args[0]->place, err);
    if (!n || !(n->args = zalloc(r, n_args * sizeof *n->args, err)))
        return NULL;
    memcpy(n->args, args, n_args * sizeof *args);
    n->n = n_args;
    for (size_t i = 0; i < n_args; i++)
        if (args[i]->depth >= n->depth)
            n->depth = (uint16_t)(args[i]->depth + 1);
    return n;
}

/* column=value */
static bool add_filter(struct reading *r, const struct soql_source *s, struct error *err)
{
    struct soql_place at = {s, 0, (uint32_t)s->text.n};
    if (!check_value(s, err))
        return false;
    struct soql_node *column = make_node(r, NODE_COLUMN, at, err), *value = column ? make_node(r, NODE_STRING, at, err) : NULL;
    if (!value)
        return false;
    column->text = s->name;
    value->text = s->text;
    struct soql_node *n = make_parent(r, NODE_CALL, (struct soql_node *[]){column, value}, 2, err);
    if (!n)
        return false;
    n->form = FORM_FILTER;
    n->text = STR("op$=");
    n->spelled = "=";
    r->filters[r->n_filters++] = n;
    return true;
}

/* where = '(' $where ')' AND filter AND filter …, and nothing around what stands alone */
static bool join_filters(struct reading *r, struct error *err)
{
    struct soql_select *s = r->select;
    if (!r->n_filters)
        return true;
    size_t n = 0;
    struct soql_node **terms = zalloc(r, (r->n_filters + 1) * sizeof *terms, err);
    if (!terms)
        return false;
    if (s->where && !(terms[n++] = make_parent(r, NODE_PARENS, &s->where, 1, err)))
        return false;
    memcpy(terms + n, r->filters, r->n_filters * sizeof *terms);
    n += r->n_filters;
    s->where = n == 1 ? terms[0] : make_parent(r, NODE_CALL, terms, n, err);
    if (!s->where)
        return false;
    if (n == 1)
        return true;
    s->where->form = FORM_BINARY;
    s->where->text = STR("op$AND");
    s->where->spelled = "AND";
    if (s->where->depth <= SOQL_DEPTH_MAX)
        return true;
    return soql_problem(err, ERROR_QUERY_TOO_LARGE, &s->where->place,
                        "an expression is nested deeper than %d levels, which is the limit", SOQL_DEPTH_MAX);
}

/* ── the tree ── */

/* What was asked for when nothing was. */
static const struct soql_source everything = {{"$select", 7}, {"*", 1}};

/* No columns chosen, and $$exclude_system_fields=false: :id, :created_at and :updated_at before the dataset's own. */
static bool select_system_fields(struct reading *r, struct error *err)
{
    static const struct soql_source version = {{"$$exclude_system_fields", 23}, {":version", 8}};
    struct soql_star *stars = zalloc(r, 2 * sizeof *stars, err);
    struct soql_node **except = stars ? zalloc(r, sizeof(struct soql_node *), err) : NULL;
    if (!except || !(except[0] = make_node(r, NODE_COLUMN, (struct soql_place){&version, 0, 8}, err)))
        return false;
    except[0]->text = version.text;
    stars[0] = (struct soql_star){.system = true, .except = except, .n_except = 1, .place = except[0]->place};
    stars[1] = (struct soql_star){.place = except[0]->place};
    r->select->stars = stars;
    r->select->n_stars = 2;
    return true;
}

static bool check_together(const struct reading *r, struct error *err)
{
    if (r->query && r->first_clause.p) {
        error_set(err, ERROR_BAD_PARAMETER, "$query is the whole query; \"" FMT_STR "\" cannot be given beside it, write it into $query",
                  ARG_STR(str_head_utf8(r->first_clause, 200)));
        error_data_str(err, "parameter", str_head_utf8(r->first_clause, 200));
        return false;
    }
    if (r->select->n_group && !r->has_selection) {
        error_set(err, ERROR_QUERY_MALFORMED, "$group must be used together with $select: name there what each group shows, as in $select=a,count(*)&$group=a");
        error_data_str(err, "parameter", STR("$group"));
        return false;
    }
    return true;
}

/* The default limit, on what comes out last. A set operation has no LIMIT of its own: it is piped into a select of everything that has. */
static bool limit_query(struct reading *r, struct soql_query *q, struct soql_query **ret, struct error *err)
{
    struct soql_select *last = q->kind == QUERY_SELECT ? q->select : q->kind == QUERY_CHAIN ? q->right->select : NULL;
    if (!last) {
        struct soql_query *chain = zalloc(r, sizeof *chain, err), *right = chain ? zalloc(r, sizeof *right, err) : NULL;
        if (!right || !(last = zalloc(r, sizeof *last, err)) || !(last->stars = zalloc(r, sizeof *last->stars, err)))
            return false;
        last->stars[0] = (struct soql_star){.every = true, .place = q->place};
        last->n_stars = 1;
        last->place = q->place;
        *right = (struct soql_query){.kind = QUERY_SELECT, .select = last, .place = q->place};
        *chain = (struct soql_query){.kind = QUERY_CHAIN, .left = q, .right = right, .place = q->place};
        q = chain;
    }
    if (!last->has_limit) {
        last->has_limit = true;
        last->limit = SOQL_DEFAULT_LIMIT;
    }
    *ret = q;
    return true;
}

static bool read_parameter(struct reading *r, struct soql_parameter parameter, enum request_name name, struct error *err)
{
    struct soql_source *s = zalloc(r, sizeof *s, err);
    if (!s)
        return false;
    *s = (struct soql_source){parameter.name, parameter.value};
    if (name != REQUEST_QUERY && name != REQUEST_EXCLUDE_SYSTEM_FIELDS && !r->first_clause.p)
        r->first_clause = parameter.name;
    return name == REQUEST_FILTER ? add_filter(r, s, err) : readers[name](r, s, err);
}

static bool read_all(struct reading *r, struct error *err)
{
    bool unknown = false;
    for (size_t i = 0; i < r->n; i++) {
        enum request_name name = request_name_find(r->parameters[i].name, r->columns);
        unknown |= name == REQUEST_UNKNOWN;
        if (name == REQUEST_UNKNOWN || name == REQUEST_IGNORED)
            continue;
        if (!read_parameter(r, r->parameters[i], name, err))
            return false;
    }
    if (unknown)
        return request_refuse_unknown(r->parameters, r->n, r->columns, err);
    return true;
}

bool soql_request_query(const struct soql_parameter *parameters, size_t n, const struct columns *columns, struct soql_parsing *p,
                        struct soql_query **ret, struct error *err)
{
    struct reading r = {.parameters = parameters, .n = n, .columns = columns, .parsing = p};
    if (!request_check_texts(parameters, n, err) || !request_check_repeats(parameters, n, p->arena, err))
        return false;
    if (!(r.select = zalloc(&r, sizeof *r.select, err)) || !(r.filters = zalloc(&r, (n + 1) * sizeof *r.filters, err)))
        return false;
    if (!read_all(&r, err) || !check_together(&r, err) || !join_filters(&r, err))
        return false;
    if (r.with_system_fields && !r.has_selection && !r.query && !select_system_fields(&r, err))
        return false;
    struct soql_query *q = r.query;
    if (!q) {
        if (!(q = zalloc(&r, sizeof *q, err)))
            return false;
        if (!r.select->place.source)
            r.select->place = (struct soql_place){.source = &everything};
        *q = (struct soql_query){.kind = QUERY_SELECT, .select = r.select, .place = r.select->place};
        p->selects++;
    }
    return limit_query(&r, q, ret, err);
}
