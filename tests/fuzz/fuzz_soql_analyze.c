/* Any query that parses: it gets a meaning or is refused with a 400 that says where, and what comes out holds together: columns have types
 * and names that differ, expressions name columns that are there, and the tree prints. */
#include <stdlib.h>

#include "base/random.h"
#include "soql/parse.h"
#include "soql/typed.h"

static struct column shape[] = {
    {.physical = 1, .type = &type_text, .field_name = {"t", 1}, .name = {"t", 1}},
    {.physical = 2, .type = &type_number, .field_name = {"n", 1}, .name = {"n", 1}},
    {.physical = 3, .type = &type_boolean, .field_name = {"b", 1}, .name = {"b", 1}},
    {.physical = 4, .type = &type_floating_timestamp, .field_name = {"f", 1}, .name = {"f", 1}},
    {.physical = 5, .type = &type_fixed_timestamp, .field_name = {"x", 1}, .name = {"x", 1}},
    {.physical = 6, .type = &type_point, .field_name = {"p", 1}, .name = {"p", 1}},
    {.physical = 7, .type = &type_multipolygon, .field_name = {"g", 1}, .name = {"g", 1}},
    {.physical = 8, .type = &type_url, .field_name = {"u", 1}, .name = {"u", 1}},
    {.physical = 9, .type = &type_location, .field_name = {"l", 1}, .name = {"l", 1}},
    {.physical = 10, .type = &type_json, .field_name = {"j", 1}, .name = {"j", 1}},
};
static struct columns columns = {.v = shape, .n = sizeof shape / sizeof *shape, .row_identifier = -1};
static const struct row_id_key keys[2] = {{{1, 2, 3, 4}}, {{5, 6, 7, 8}}};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    return random_init() && columns_index(&columns) ? 0 : -1;
}

static void claim(bool holds)
{
    if (!holds)
        abort();
}

static bool find(void *ctx, struct str name, struct soql_dataset *ret, struct error *err)
{
    (void)ctx, (void)err;
    *ret = (struct soql_dataset){STR("bbbb-bbbb"), &columns, &keys[1]};
    return name.n <= 2; /* short names are quickly found by chance */
}

static void check_expr(const struct soql_relation *r, const struct soql_expr *e)
{
    claim(e && e->type);
    if (e->kind == EXPR_COLUMN) {
        claim((size_t)e->table < r->n_tables && (size_t)e->column < r->tables[e->table].n_columns);
        claim(r->tables[e->table].columns[e->column].type == e->type);
    }
    if (e->kind != EXPR_CALL)
        return;
    claim(e->function);
    for (size_t i = 0; i < e->n; i++)
        check_expr(r, e->args[i]);
    if (e->filter)
        check_expr(r, e->filter);
    for (size_t i = 0; e->over && i < e->over->n_order; i++)
        check_expr(r, e->over->order[i].by);
    for (size_t i = 0; e->over && i < e->over->n_partition; i++)
        check_expr(r, e->over->partition[i]);
}

static void check_relation(const struct soql_relation *r)
{
    if (r->is_set) {
        check_relation(r->left);
        check_relation(r->right);
        return;
    }
    for (size_t i = 0; i < r->n_tables; i++) {
        if (r->tables[i].kind == TABLE_RELATION)
            check_relation(r->tables[i].relation);
        if (r->tables[i].on)
            check_expr(r, r->tables[i].on);
    }
    for (size_t i = 0; i < r->n_columns; i++) {
        check_expr(r, r->selected[i]);
        claim(r->columns[i].type == r->selected[i]->type);
        for (size_t j = 0; j < i && i < 100; j++)
            claim(!str_eq(r->columns[i].name, r->columns[j].name));
    }
    for (size_t i = 0; i < r->n_group; i++)
        check_expr(r, r->group[i]);
    for (size_t i = 0; i < r->n_order; i++)
        check_expr(r, r->order[i].by);
    if (r->where)
        check_expr(r, r->where);
    if (r->having)
        check_expr(r, r->having);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct soql_source source = {STR("$query"), str_make((const char *)data, size)};
    struct soql_parsing parsing = {.arena = &arena};
    struct soql_dataset primary = {STR("aaaa-aaaa"), &columns, &keys[0]};
    const struct soql_catalog catalog = {NULL, find};
    struct soql_query *q;
    struct soql_analysis analysis;
    struct error err = {0};
    size_t bad_at;
    if (soql_parse_query(&parsing, &source, &q, &err)) {
        if (soql_analyze(q, &primary, &catalog, &arena, &analysis, &err)) {
            struct buf out = {0};
            check_relation(analysis.relation);
            soql_print_typed(&analysis, &out);
            claim(buf_ok(&out) && out.n > 0);
            buf_free(&out);
        } else {
            claim(error_info(err.code)->status == 400 && err.message[0] && str_is_utf8(str_from(err.message), &bad_at));
        }
    }
    arena_free(&arena);
    return 0;
}
