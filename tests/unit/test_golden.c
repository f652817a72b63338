/* Golden files: tests/golden/NAME.soql, each a query and what becomes of it. The file's name is the claim.
 *
 *     select upper(name) where depth > 10          a whole query; or parameters, a line each: "? $where=depth > 10"
 *     ==== columns                                 what the reply calls them, and their types
 *     ==== sqlite, ==== postgres                   the SQL, then its parameters
 *     ==== error                                   or: status, code, errorCode, then the message
 *
 * tools/golden --write writes what is so today; read the difference before you keep it. Every function of functions.def and every
 * code that a query can be refused with has a case, and a test that says so. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../support/soql_seen.h"
#include "../support/soql_world.h"
#include "soql/request.h"
#include "soql/soql.h"

enum { CASES_MIN = 300, CASES_MAX = 5000, PARAMETERS_MAX = 32 };

static const char folder[] = "tests/golden";
static char *names[CASES_MAX];
static size_t n_names;
static bool seen_code[ERROR_COUNT];

/* ── files ── */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool list_cases(void)
{
    DIR *d = opendir(folder);
    if (!d)
        return false;
    for (struct dirent *entry; (entry = readdir(d)) && n_names < CASES_MAX;)
        if (str_ends(str_from(entry->d_name), STR(".soql")))
            names[n_names++] = strdup(entry->d_name);
    closedir(d);
    qsort(names, n_names, sizeof *names, by_name);
    return true;
}

static void read_case(const char *name, struct buf *out)
{
    char path[512], piece[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    for (size_t n; (n = fread(piece, 1, sizeof piece, f)) > 0;)
        buf_add(out, piece, n);
    fclose(f);
    assert_true(buf_ok(out));
}

static void write_case(const char *name, struct str text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text.p, 1, text.n, f), text.n);
    assert_int_equal(fclose(f), 0);
}

/* What stands before the first line that begins with "====". */
static struct str input_of(struct str file)
{
    for (size_t i = 0; i + 4 <= file.n; i++)
        if ((i == 0 || file.p[i - 1] == '\n') && memcmp(file.p + i, "====", 4) == 0)
            return str_head(file, i);
    return file;
}

static size_t parameters_of(struct str input, struct soql_parameter *ret)
{
    if (!str_starts(input, STR("? "))) {
        if (input.n && input.p[input.n - 1] == '\n')
            input.n--;
        ret[0] = (struct soql_parameter){STR("$query"), input};
        return 1;
    }
    size_t n = 0;
    for (struct str line; input.n; n++) {
        assert_true(n < PARAMETERS_MAX);
        str_cut(input, '\n', &line, &input);
        assert_true(str_starts(line, STR("? ")));
        ret[n] = (struct soql_parameter){0};
        str_cut(str_skip(line, 2), '=', &ret[n].name, &ret[n].value);
    }
    return n;
}

/* ── what becomes of a query ── */

static void show_parameter(size_t number, const struct cell *c, struct buf *out)
{
    buf_printf(out, "  %zu: ", number);
    if (c->kind == CELL_INT)
        buf_add_i64(out, c->i);
    else if (c->kind == CELL_TEXT)
        buf_printf(out, "'" FMT_STR "'", ARG_STR(c->s));
    else
        for (size_t i = 0; i < c->s.n; i++)
            buf_printf(out, "%02x", (unsigned char)c->s.p[i]);
    buf_add_byte(out, '\n');
}

static bool show_sql(const struct soql_analysis *q, enum soql_dialect dialect, const char *title, struct arena *a, struct buf *out, struct error *err)
{
    const char *tables[SOQL_DATASETS_MAX];
    for (size_t i = 0; i < q->n_datasets; i++)
        tables[i] = arena_printf(a, "\"" FMT_STR "\".rows", ARG_STR(q->datasets[i].name));
    const struct soql_emission how = {.dialect = dialect, .postgres_tables = tables};
    struct soql_compiled compiled = {0};
    bool ok = soql_emit_sql(q, &how, a, &compiled, err);
    const struct sql_text *sql = &compiled.query.sql;
    if (ok)
        buf_printf(out, "==== %s\n" FMT_STR "\n", title, ARG_STR(buf_str(&sql->text)));
    for (size_t i = 0; ok && i < sql->n; i++)
        show_parameter(i + 1, &sql->parameters[i], out);
    query_fini(&compiled.query);
    return ok;
}

static bool show_query(struct str input, struct arena *a, struct buf *out, struct error *err)
{
    struct soql_parameter parameters[PARAMETERS_MAX];
    struct soql_parsing parsing = {.arena = a};
    struct soql_query *query;
    struct soql_analysis q;
    size_t n = parameters_of(input, parameters);
    if (!soql_request_query(parameters, n, &world_quake_columns, &parsing, &query, err) ||
        !soql_analyze(query, &world_quakes, &world_catalog, a, &q, err))
        return false;
    buf_add_z(out, "==== columns\n");
    for (size_t i = 0; i < q.relation->n_columns; i++)
        buf_printf(out, FMT_STR " %s\n", ARG_STR(q.relation->columns[i].name), q.relation->columns[i].type->soql_name);
    if (!show_sql(&q, DIALECT_SQLITE, "sqlite", a, out, err) || !show_sql(&q, DIALECT_POSTGRES, "postgres", a, out, err))
        return false;
    see_relation(q.relation);
    return true;
}

static void show_outcome(struct str input, struct buf *out)
{
    struct arena a = {0};
    struct error err = {0};
    struct buf shown = {0};
    buf_add_str(out, input);
    if (show_query(input, &a, &shown, &err)) {
        buf_add_str(out, buf_str(&shown));
    } else {
        const struct error_info *info = error_info(err.code);
        seen_code[err.code] = true;
        buf_printf(out, "==== error\n%d %s %s\n%s\n", info->status, info->code, info->error_code, err.message);
    }
    assert_true(buf_ok(out) && buf_ok(&shown));
    buf_free(&shown);
    arena_free(&a);
}

/* ── differences ── */

static void print_difference(const char *name, struct str recorded, struct str now)
{
    fprintf(stderr, "%s/%s\n", folder, name);
    while (recorded.n || now.n) {
        struct str was = STR_NONE, is = STR_NONE;
        bool had = recorded.n, has = now.n;
        if (had)
            str_cut(recorded, '\n', &was, &recorded);
        if (has)
            str_cut(now, '\n', &is, &now);
        if (had && has && str_eq(was, is))
            continue;
        if (had)
            fprintf(stderr, "  - " FMT_STR "\n", ARG_STR(was));
        if (has)
            fprintf(stderr, "  + " FMT_STR "\n", ARG_STR(is));
    }
}

/* ── the tests ── */

static void every_query_becomes_what_its_file_says(void **state)
{
    (void)state;
    bool write = getenv("SELTZER_GOLDEN_WRITE") != NULL;
    size_t different = 0;
    for (size_t i = 0; i < n_names; i++) {
        struct buf file = {0}, now = {0};
        read_case(names[i], &file);
        show_outcome(input_of(buf_str(&file)), &now);
        if (!str_eq(buf_str(&file), buf_str(&now))) {
            different++;
            print_difference(names[i], buf_str(&file), buf_str(&now));
            if (write)
                write_case(names[i], buf_str(&now));
        }
        buf_free(&file);
        buf_free(&now);
    }
    if (different && !write)
        fail_msg("%zu of %zu golden files say something else; if that is meant: tools/golden --write", different, n_names);
    printf("%zu golden files, %zu written\n", n_names, write ? different : 0);
}

static void there_are_enough_cases(void **state)
{
    (void)state;
    assert_in_range(n_names, CASES_MIN, CASES_MAX - 1);
}

static void every_function_has_a_case(void **state)
{
    (void)state;
    assert_int_equal(print_unseen_functions("no golden file calls"), 0);
}

/* QUERY_RUNTIME and QUERY_TIMEOUT need rows: the wire tests have them. */
static void every_code_of_a_query_has_a_case(void **state)
{
    static const char *const names_of_codes[ERROR_COUNT] = {
#define X(name, status, code, error_code, title) [ERROR_##name] = #name,
#include "base/errors.def"
#undef X
    };
    size_t missing = 0;
    (void)state;
    for (int i = 0; i < ERROR_COUNT; i++) {
        bool wanted = i == ERROR_LIMIT_EXCEEDED || i == ERROR_BAD_PARAMETER || strncmp(names_of_codes[i], "QUERY_", 6) == 0;
        if (wanted && i != ERROR_QUERY_RUNTIME && i != ERROR_QUERY_TIMEOUT && !seen_code[i]) {
            fprintf(stderr, "no golden file is refused with %s\n", names_of_codes[i]);
            missing++;
        }
    }
    assert_int_equal(missing, 0);
}

static int set_up(void **state)
{
    (void)state;
    return world_open() && list_cases() ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_names; i++)
        free(names[i]);
    world_close();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_query_becomes_what_its_file_says),
        cmocka_unit_test(there_are_enough_cases),
        cmocka_unit_test(every_function_has_a_case),
        cmocka_unit_test(every_code_of_a_query_has_a_case),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
