/* Any query string: it compiles or is refused with a 400, and what comes out holds nothing of it but in parameters. */
#include <stdlib.h>

#include "base/random.h"
#include "soql/request.h"
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

/* Nothing that a person typed is in the SQL: all the bytes there are ours, and ours hold none of these. */
static void check_sql(struct str sql)
{
    for (size_t i = 0; i < sql.n; i++) {
        unsigned char c = (unsigned char)sql.p[i], next = i + 1 < sql.n ? (unsigned char)sql.p[i + 1] : 0;
        if (c < ' ' || c > '~' || strchr(";\\`#!", c) || (c == '-' && next == '-') || (c == '/' && next == '*'))
            abort();
    }
}

static void check_refusal(const struct error *err)
{
    if (error_info(err->code)->status != 400 || !err->message[0])
        abort();
}

static bool nothing_found(void *ctx, struct str name, struct soql_dataset *ret, struct error *err)
{
    (void)ctx, (void)name, (void)ret;
    err->code = ERROR_NONE;
    return false;
}

static void check_postgres(const struct soql_parameter *parameters, size_t n, const struct soql_dataset *primary)
{
    static const char *const tables[] = {"rows"};
    const struct soql_catalog catalog = {NULL, nothing_found};
    struct arena arena = {0};
    struct soql_parsing parsing = {.arena = &arena};
    struct soql_query *query;
    struct soql_analysis analysis;
    struct soql_compiled compiled = {0};
    struct error err = {0};
    const struct soql_emission how = {.dialect = DIALECT_POSTGRES, .postgres_tables = tables};
    if (!soql_request_query(parameters, n, primary->columns, &parsing, &query, &err) || !soql_analyze(query, primary, &catalog, &arena, &analysis, &err) ||
        !soql_emit_sql(&analysis, &how, &arena, &compiled, &err))
        check_refusal(&err);
    else
        check_sql(buf_str(&compiled.query.sql.text));
    query_fini(&compiled.query);
    arena_free(&arena);
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
    const struct soql_dataset primary = {STR("four-by44"), &columns, &row_ids};
    const struct soql_request request = {.primary = &primary, .parameters = parameters, .n = n};
    struct arena arena = {0};
    struct soql_compiled compiled = {0};
    struct error err = {0};
    if (soql_compile(&request, &arena, &compiled, &err)) {
        check_sql(buf_str(&compiled.query.sql.text));
        check_sql(buf_str(&compiled.query.narrowing.text));
        check_sql(buf_str(&compiled.query.counting.text));
    } else {
        check_refusal(&err);
    }
    query_fini(&compiled.query);
    arena_free(&arena);
    check_postgres(parameters, n, &primary);
    return 0;
}
