/* seltzer soql: the functions of the language, and what becomes of a query. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/verb.h"
#include "soql/parse.h"
#include "soql/soql.h"

const char *const cli_soql_details =
    "  seltzer soql functions [--markdown]  every function and operator: name, arguments, result, what it does\n"
    "\n"
    "explain needs --dataset, the 4x4 or the resource name of the dataset that the query is asked of. Joined datasets are found by\n"
    "their @names. Works beside a running server; reads names and columns only, never rows.\n";

/* ── functions ── */

static int functions(bool markdown)
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

static void add_sql(const char *title, const struct query *q, struct buf *out)
{
    buf_printf(out, "\n%s\n  " FMT_STR "\n", title, ARG_STR(buf_str(&q->sql.text)));
    for (size_t i = 0; i < q->sql.n; i++) {
        const struct cell *c = &q->sql.parameters[i];
        if (c->kind == CELL_INT)
            buf_printf(out, "  %zu: %lld\n", i + 1, (long long)c->i);
        else if (c->kind == CELL_TEXT)
            buf_printf(out, "  %zu: '" FMT_STR "'\n", i + 1, ARG_STR(c->s));
        else
            buf_printf(out, "  %zu: %zu bytes\n", i + 1, c->s.n);
    }
}

static bool emit(const struct soql_analysis *analysis, enum soql_dialect dialect, const char *title, struct arena *a, struct buf *out, struct error *err)
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
        add_sql(title, &compiled.query, out);
    query_fini(&compiled.query);
    return ok;
}

static bool explain_query(const struct soql_dataset *primary, struct explaining *e, struct str text, struct arena *a, struct buf *out, struct error *err)
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
    soql_print_typed(&analysis, out);
    return emit(&analysis, DIALECT_SQLITE, "SQLite", a, out, err) && emit(&analysis, DIALECT_POSTGRES, "PostgreSQL", a, out, err) &&
           (buf_ok(out) || error_no_memory(err));
}

bool verb_soql_explain(struct verb_call *c, struct error *err)
{
    struct explaining e = {.catalog = c->house->catalog};
    struct soql_dataset primary;
    struct buf out = {0};
    struct str name = verb_option(c, "dataset");
    if (!name.n)
        return error_set(err, ERROR_BAD_REQUEST, "soql: explain needs --dataset; see seltzer soql --help");
    bool ok = find(&e, name, &primary, err) && explain_query(&primary, &e, c->request->words[0], c->arena, &out, err);
    if (!ok && err->code == ERROR_NONE)
        error_set(err, ERROR_DATASET_NOT_FOUND, "there is no dataset \"" FMT_STR "\" in %s", ARG_STR(name), c->house->dir);
    ok = ok && verb_print(c, err, FMT_STR, ARG_STR(buf_str(&out)));
    while (e.n)
        dataset_release(e.held[--e.n]);
    buf_free(&out);
    return ok;
}

int cli_soql(int argc, char **argv)
{
    static const char *data = "./data", *dataset;
    static bool markdown;
    const struct cli_option options[] = {
        {"data", "DIR", "explain: the data directory (./data)", NULL, &data, NULL, NULL, 0},
        {"dataset", "4x4", "explain: the dataset that is asked", NULL, &dataset, NULL, NULL, 0},
        {"markdown", NULL, "functions: the tables of docs/soql.md", &markdown, NULL, NULL, NULL, 0},
    };
    const size_t n = sizeof options / sizeof *options;
    bool help;
    if (argc < 2 || strcmp(argv[1], "functions") != 0)
        return cli_administer("soql", options, n, argc, argv);
    if (!cli_options(cli_find("soql"), options, n, &argc, argv, &help))
        return EXIT_USAGE;
    return help ? EXIT_DONE : functions(markdown);
}
