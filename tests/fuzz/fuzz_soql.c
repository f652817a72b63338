/* Any query string: it compiles or is refused with a 400, and what comes out holds nothing of it but in parameters. */
#include <stdlib.h>

#include "base/random.h"
#include "soql/soql.h"

static struct column shape[] = {
    {.physical = 1, .type = &type_text, .field_name = {"name", 4}, .name = {"Name", 4}},
    {.physical = 2, .type = &type_number, .field_name = {"n", 1}, .name = {"N", 1}},
    {.physical = 3, .type = &type_boolean, .field_name = {"c", 1}, .name = {"C", 1}},
    {.physical = 4, .type = &type_fixed_timestamp, .field_name = {"t", 1}, .name = {"T", 1}},
    {.physical = 5, .type = &type_url, .field_name = {"u", 1}, .name = {"U", 1}},
    {.physical = 6, .type = &type_location, .field_name = {"l", 1}, .name = {"L", 1}},
    {.physical = 7, .type = &type_multipolygon, .field_name = {"g", 1}, .name = {"G", 1}},
    {.physical = 8, .type = &type_json, .field_name = {"j", 1}, .name = {"J", 1}},
};
static struct columns columns = {.v = shape, .n = sizeof shape / sizeof *shape, .row_identifier = -1};
static const struct row_id_key row_ids = {{1, 2, 3, 4}};
enum { PARAMETERS_MAX = 64 };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    return random_init() && columns_index(&columns) ? 0 : -1;
}

/* Every byte of the SQL is one that the emitter writes; a double quote, a semicolon or a comment is none. */
static void check_sql(struct str sql)
{
    static const char ours[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ,?=()$._'";
    for (size_t i = 0; i < sql.n; i++)
        if (!memchr(ours, sql.p[i], sizeof ours - 1))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct soql_parameter parameters[PARAMETERS_MAX];
    size_t n = 0;
    for (struct str rest = str_make((const char *)data, size), piece; rest.n && n < PARAMETERS_MAX; n++) {
        str_cut(rest, '&', &piece, &rest);
        if (!str_cut(piece, '=', &parameters[n].name, &parameters[n].value))
            parameters[n].value = STR("");
    }
    struct arena arena = {0};
    struct query query;
    struct error err = {0};
    if (soql_compile(&(struct soql_request){&columns, &row_ids, parameters, n}, &arena, &query, &err)) {
        check_sql(buf_str(&query.sql.text));
        if (query.n_columns > SYSTEM_COUNT + columns.n || query.sql.n > n + 2)
            abort();
        query_fini(&query);
    } else if (error_info(err.code)->status != 400 || !err.message[0]) {
        abort();
    }
    arena_free(&arena);
    return 0;
}
