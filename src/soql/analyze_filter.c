/* name=value of a URL (docs/wire/reading.md, "Filters"): the value is read as an uploaded CSV cell of the column would be, which takes
 * more than the literals of the language do. */
#include "soql/analyze.h"

static bool refuse_value(const struct scope *s, const struct soql_node *n, const struct soql_expr *column, const char *expected, const char *hint,
                         struct error *err)
{
    struct str name = shown(n->args[0]->text), value = shown(n->args[1]->text);
    problem(s->az, err, ERROR_QUERY_TYPE_MISMATCH, &n->args[1]->place, "the filter " FMT_STR "=" FMT_STR " cannot be read: expected %s%s%s",
            ARG_STR(name), ARG_STR(value), expected, hint[0] ? "; " : "", hint);
    error_data_str(err, "column", name);
    error_data_str(err, "value", value);
    error_data_str(err, "type", str_from(column->type->soql_name));
    return false;
}

static bool read_id(const struct scope *s, const struct soql_node *n, const struct soql_expr *column, struct cell *ret, struct error *err)
{
    bool is_id = column->type == &type_row_identifier;
    struct str text = str_trim(n->args[1]->text);
    int64_t number;
    if (!(is_id ? row_id_parse(column->row_ids, text, &number) : row_version_parse(column->row_ids, text, &number)))
        return refuse_value(s, n, column, is_id ? "a row id like row-abcd~efgh~ijkm" : "a row version like rv-abcd~efgh~ijkm", "", err);
    *ret = cell_int(number);
    return true;
}

static bool read_value(const struct scope *s, const struct soql_node *n, const struct soql_expr *column, struct cell *ret, struct error *err)
{
    if (column->row_ids)
        return read_id(s, n, column, ret, err);
    struct type_context context = {.arena = s->az->arena};
    struct type_refusal why = {0};
    if (!column->type->parse(column->type, &(struct raw){RAW_STRING, n->args[1]->text}, &context, ret, &why))
        return why.expected[0] ? refuse_value(s, n, column, why.expected, why.hint, err) : error_no_memory(err);
    if (ret->kind == CELL_NULL)
        return refuse_value(s, n, column, "a value", "a filter compares with a value, nulls are equal to none", err);
    return true;
}

static struct soql_expr *call(struct arena *a, const char *name, const struct type *t, struct soql_expr *x, struct soql_expr *y, struct soql_place place)
{
    size_t n_overloads;
    struct soql_expr *e = arena_zalloc(a, sizeof *e);
    struct soql_expr **args = arena_alloc(a, 2 * sizeof(struct soql_expr *));
    if (!e || !args)
        return NULL;
    args[0] = x;
    args[1] = y;
    *e = (struct soql_expr){.kind = EXPR_CALL, .type = t, .place = place, .function = soql_functions_named(str_from(name), &n_overloads),
                            .args = args, .n = y ? 2 : 1};
    expr_finish(e);
    return e;
}

/* A url counts by its address: its description is no part of what is asked for. */
static bool by_address(struct scope *s, struct soql_expr **column, struct soql_expr *value, struct error *err)
{
    struct str address;
    if (!type_url.key(&value->literal, s->az->arena, &address))
        return error_no_memory(err);
    value->literal = cell_text(address);
    value->type = &type_text;
    *column = call(s->az->arena, "url_url", &type_text, *column, NULL, (*column)->place);
    return *column || error_no_memory(err);
}

bool type_filter(struct scope *s, const struct soql_node *n, struct typing *ret, struct error *err)
{
    struct typing *t;
    struct soql_expr *value = arena_zalloc(s->az->arena, sizeof *value);
    if (!value)
        return error_no_memory(err);
    if (!type_node(s, n->args[0], &t, err))
        return false;
    struct soql_expr *column = t->fixed;
    *value = (struct soql_expr){.kind = EXPR_LITERAL, .type = column->type, .place = n->args[1]->place, .row_ids = column->row_ids};
    if (!read_value(s, n, column, &value->literal, err))
        return false;
    if (column->type == &type_url && !by_address(s, &column, value, err))
        return false;
    expr_finish(value);
    ret->kind = TYPING_FIXED;
    ret->size = 3;
    ret->depth = 2;
    ret->kinds = KIND_BIT(KIND_BOOLEAN);
    ret->fixed = call(s->az->arena, "op$=", &type_boolean, column, value, n->place);
    return ret->fixed || error_no_memory(err);
}
