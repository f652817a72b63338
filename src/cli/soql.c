/* seltzer soql: the functions of the language, and what becomes of a query. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "catalog/catalog.h"
#include "cli/cli.h"
#include "soql/parse.h"
#include "soql/soql.h"

const char *const cli_soql_details =
    "  seltzer soql functions [--markdown]  every function and operator: name, arguments, result, what it does\n"
    "  seltzer soql explain \"QUERY\"         the typed tree of a query, and its SQL for SQLite and for PostgreSQL\n"
    "\n"
    "explain needs --dataset, the 4x4 or the resource name of the dataset that the query is asked of. Joined datasets are found by\n"
    "their @names. Works beside a running server; reads names and columns only, never rows.\n";

static const char *data = "./data", *dataset_name;
static bool markdown;

/* ── functions ── */

static int functions(void)
{
    struct buf out = {0};
    struct error err;
    cli_add_functions(markdown, &out);
    bool ok = buf_ok(&out) ? fwrite(out.p, 1, out.n, stdout) == out.n || error_from_errno(&err, errno, "write") : error_no_memory(&err);
    buf_free(&out);
    return ok ? EXIT_DONE : cli_fail(&err);
}

/* ── explain ── */

enum { DATASETS = 10 };

struct explaining {
    struct catalog *catalog;
    const struct dataset *held[DATASETS];
    size_t n;
};

/* Row numbers have a key that is with the rows; without them :id literals are read by this one. */
static const struct row_id_key no_key;

static bool find(void *ctx, struct str name, struct soql_dataset *ret, struct error *err)
{
    struct explaining *e = ctx;
    if (e->n == DATASETS)
        return error_set(err, ERROR_LIMIT_EXCEEDED, "a query may read %d datasets", DATASETS);
    const struct dataset *d = catalog_dataset(e->catalog, name, err);
    if (!d) {
        if (err->code == ERROR_DATASET_NOT_FOUND)
            err->code = ERROR_NONE;
        return false;
    }
    e->held[e->n++] = d;
    *ret = (struct soql_dataset){str_from(d->id), &d->columns, &no_key};
    return true;
}

static void print_sql(const char *title, const struct query *q)
{
    printf("\n%s\n  " FMT_STR "\n", title, ARG_STR(buf_str(&q->sql.text)));
    for (size_t i = 0; i < q->sql.n; i++) {
        const struct cell *c = &q->sql.parameters[i];
        if (c->kind == CELL_INT)
            printf("  %zu: %lld\n", i + 1, (long long)c->i);
        else if (c->kind == CELL_TEXT)
            printf("  %zu: '" FMT_STR "'\n", i + 1, ARG_STR(c->s));
        else
            printf("  %zu: %zu bytes\n", i + 1, c->s.n);
    }
}

static bool emit(const struct soql_analysis *analysis, enum soql_dialect dialect, const char *title, struct arena *a, struct error *err)
{
    char names[DATASETS][32];
    const char *tables[DATASETS];
    for (size_t i = 0; i < analysis->n_datasets && i < DATASETS; i++) {
        snprintf(names[i], sizeof names[i], "\"%.9s\".rows", analysis->datasets[i].name.p);
        tables[i] = names[i];
    }
    const struct soql_emission how = {.dialect = dialect, .postgres_tables = tables};
    struct soql_compiled compiled = {0};
    bool ok = soql_emit_sql(analysis, &how, a, &compiled, err);
    if (ok)
        print_sql(title, &compiled.query);
    query_fini(&compiled.query);
    return ok;
}

static bool explain_query(const struct soql_dataset *primary, struct explaining *e, struct str text, struct arena *a, struct error *err)
{
    const struct soql_source source = {STR("QUERY"), text};
    const struct soql_catalog catalog = {e, find};
    struct soql_parsing parsing = {.arena = a};
    struct soql_query *query;
    struct soql_analysis analysis;
    if (!str_is_utf8(text, NULL))
        return error_set(err, ERROR_BAD_REQUEST, "the query is not UTF-8");
    if (!soql_parse_query(&parsing, &source, &query, err) || !soql_analyze(query, primary, &catalog, a, &analysis, err))
        return false;
    struct buf tree = {0};
    soql_print_typed(&analysis, &tree);
    bool ok = buf_ok(&tree) || error_no_memory(err);
    if (ok)
        fwrite(tree.p, 1, tree.n, stdout);
    buf_free(&tree);
    return ok && emit(&analysis, DIALECT_SQLITE, "SQLite", a, err) && emit(&analysis, DIALECT_POSTGRES, "PostgreSQL", a, err);
}

static int explain(const char *text)
{
    struct error err = {0};
    struct data_dir dir;
    struct explaining e = {0};
    struct soql_dataset primary;
    struct arena arena = {0};
    if (!random_init() || !data_dir_open(data, false, &dir, &err))
        return cli_fail(&err);
    e.catalog = catalog_open(data, &err);
    bool ok = e.catalog && find(&e, str_from(dataset_name), &primary, &err) && explain_query(&primary, &e, str_from(text), &arena, &err);
    if (!ok && err.code == ERROR_NONE)
        error_set(&err, ERROR_DATASET_NOT_FOUND, "there is no dataset \"%s\" in %s", dataset_name, data);
    while (e.n)
        dataset_release(e.held[--e.n]);
    catalog_close(e.catalog);
    data_dir_close(&dir);
    arena_free(&arena);
    return ok ? EXIT_DONE : cli_fail(&err);
}

int cli_soql(int argc, char **argv)
{
    const struct cli_option options[] = {
        {"data", "DIR", "explain: the data directory (./data)", NULL, &data, NULL, NULL, 0},
        {"dataset", "4x4", "explain: the dataset that is asked", NULL, &dataset_name, NULL, NULL, 0},
        {"markdown", NULL, "functions: the tables of docs/soql.md", &markdown, NULL, NULL, NULL, 0},
    };
    bool help;
    if (!cli_options(cli_find("soql"), options, sizeof options / sizeof *options, &argc, argv, &help))
        return EXIT_USAGE;
    if (help)
        return EXIT_DONE;
    if (argc == 2 && strcmp(argv[1], "functions") == 0)
        return functions();
    if (argc == 3 && strcmp(argv[1], "explain") == 0 && dataset_name)
        return explain(argv[2]);
    cli_say(argc == 3 && strcmp(argv[1], "explain") == 0 ? "soql: explain needs --dataset; see seltzer soql --help" : "soql: what is to be done? See seltzer soql --help");
    return EXIT_USAGE;
}
