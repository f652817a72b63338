/* The differential test: random queries, compiled by the project's own code for both engines, must have the same answer in both.
 *
 *     differential CONNECTION [N]
 *
 * CONNECTION is libpq's, to an empty database with PostGIS installed beside it; tests/differential/run makes one. First the queries of
 * kept.soql, then N random ones (300). SELTZER_SEED repeats a run; SELTZER_DIFFERENTIAL_ONLY=K runs its query K alone; SELTZER_DIFFERENTIAL_REFUSALS=1 tells of the queries that
 * were not compared. From 5,000 on every function must have been called in one that was. The last line is
 * "differential: N passed, N failed". */
#include <stdio.h>
#include <stdlib.h>

#include "../support/soql_seen.h"
#include "../support/soql_world.h"
#include "compare.h"
#include "generate.h"
#include "soql/request.h"

enum { QUERIES_PER_FILL = 50, FAILURES_SHOWN = 40, KEPT_FILLS = 4, EVERY_FUNCTION_IN = 5000 };

static const char kept_path[] = "tests/differential/kept.soql";

struct tally {
    unsigned long passed, failed, refused, skipped, late, both_fail, one_fails, other_ways;
};

struct compiled {
    struct soql_compiled sqlite, postgres;
    const struct soql_relation *relation;
    struct verdict verdict;
};

static bool compile(struct str text, struct arena *a, struct compiled *ret, struct error *err)
{
    static const char *const tables[] = {"q.quakes", "q.regions"};
    const struct soql_parameter query = {STR("$query"), text};
    const struct soql_emission lite = {.dialect = DIALECT_SQLITE}, post = {.dialect = DIALECT_POSTGRES, .postgres_tables = tables};
    struct soql_parsing parsing = {.arena = a};
    struct soql_query *tree;
    struct soql_analysis analysis;
    if (!soql_request_query(&query, 1, &world_quake_columns, &parsing, &tree, err) || !soql_analyze(tree, &world_quakes, &world_catalog, a, &analysis, err) ||
        !soql_emit_sql(&analysis, &lite, a, &ret->sqlite, err) || !soql_narrow(&analysis, &lite, a, &ret->sqlite, err) ||
        !soql_count(&analysis, &lite, a, &ret->sqlite, err) || !soql_emit_sql(&analysis, &post, a, &ret->postgres, err))
        return false;
    ret->relation = analysis.relation;
    ret->verdict = verdict_of(analysis.relation, a);
    return true;
}

static void report(const char *name, struct str text, const struct compiled *c, const char *why)
{
    printf("%s: " FMT_STR "\n  %s\n  sqlite:   " FMT_STR "\n  postgres: " FMT_STR "\n", name, ARG_STR(text), why,
           ARG_STR(buf_str(&c->sqlite.query.sql.text)), ARG_STR(buf_str(&c->postgres.query.sql.text)));
    for (size_t i = 0; i < c->sqlite.query.sql.n; i++) {
        const struct cell *p = &c->sqlite.query.sql.parameters[i];
        if (p->kind == CELL_INT)
            printf("    %zu: %lld\n", i + 1, (long long)p->i);
        else
            printf("    %zu: '" FMT_STR "'\n", i + 1, ARG_STR(p->kind == CELL_TEXT ? p->s : STR("a geometry")));
    }
    fflush(stdout);
}

/* One engine alone has failed: whose mistake is it, if any? Of numbers PostgreSQL has longer ones. */
static bool is_spared(const struct compiled *c, const struct answer *failed, const struct answer *other)
{
    if (strstr(failed->message, "more than 4,096 digits"))
        return true;
    return failed->is_own && (!c->verdict.failures_are_sure || other->n_rows == 0);
}

/* The query's own text, or what the store may run in its place: over the rows on a list, which here are all; from value to value. */
enum way { PLAIN, NARROWED, COUNTED, WAYS };

static bool find_way(const struct query *q, enum way way, struct arena *a, struct query *ret)
{
    enum { SIDS_MAX = 200 };
    *ret = *q;
    if (way == PLAIN)
        return true;
    ret->sql.text = way == NARROWED ? q->narrowing.text : q->counting.text;
    if (way == COUNTED || !ret->sql.text.n)
        return ret->sql.text.n;
    struct buf sids = {0};
    for (int i = 0; i < SIDS_MAX; i++)
        buf_printf(&sids, "%c%d", i ? ',' : '[', i);
    buf_add_byte(&sids, ']');
    struct cell *parameters = arena_alloc(a, (q->sql.n + 1) * sizeof *parameters);
    struct str rows = arena_str(a, buf_str(&sids));
    bool ok = buf_ok(&sids) && parameters && rows.p;
    buf_free(&sids);
    if (!ok)
        abort();
    memcpy(parameters, q->sql.parameters, q->sql.n * sizeof *parameters);
    parameters[q->sql.n] = cell_text(rows);
    ret->sql.parameters = parameters;
    ret->sql.n++;
    return true;
}

static bool ask_both(struct engines *e, const struct compiled *c, const struct query *q, struct arena *a, struct tally *t, char *why, size_t why_size)
{
    struct answer lite, post;
    engines_ask_sqlite(e, q, a, &lite);
    engines_ask_postgres(e, &c->postgres.query, a, &post);
    if (lite.is_late || post.is_late) {
        t->late++;
        return true;
    }
    if (!lite.failed && !post.failed) {
        see_relation(c->relation);
        return (!c->verdict.is_ordered && lite.n_rows >= SOQL_DEFAULT_LIMIT) || answers_agree(&c->sqlite.query, &c->verdict, &lite, &post, why, why_size);
    }
    snprintf(why, why_size, "SQLite: %s; PostgreSQL: %s", lite.failed ? lite.message : "answers", post.failed ? post.message : "answers");
    if ((lite.failed && !lite.is_own) || (post.failed && !post.is_own))
        return false;
    if (lite.failed && post.failed) {
        t->both_fail++;
        return true;
    }
    t->one_fails++;
    return lite.failed ? is_spared(c, &lite, &post) : is_spared(c, &post, &lite);
}

static bool ask_every_way(struct engines *e, const struct compiled *c, struct arena *a, struct tally *t, char *why, size_t why_size)
{
    for (enum way way = 0; way < WAYS; way++) {
        struct query q;
        if (!find_way(&c->sqlite.query, way, a, &q))
            continue;
        t->other_ways += way != PLAIN;
        if (!ask_both(e, c, &q, a, t, why, why_size)) {
            printf("%s\n", way == NARROWED ? "narrowed:" : way == COUNTED ? "counted from value to value:" : "");
            return false;
        }
    }
    return true;
}

/* `random`: it may be refused, as some generated ones are, or have an answer that is left to chance. */
static void try_query(struct engines *e, const char *name, struct str text, bool random, struct tally *t)
{
    struct arena a = {0};
    struct error err = {0};
    struct compiled c = {0};
    char why[4200] = "";
    if (!compile(text, &a, &c, &err)) {
        bool refusal = err.code != ERROR_INTERNAL && err.code != ERROR_OUT_OF_MEMORY && random;
        t->refused += refusal;
        t->failed += !refusal;
        if (!refusal || getenv("SELTZER_DIFFERENTIAL_REFUSALS"))
            printf("%s: " FMT_STR "\n  %s\n", name, ARG_STR(text), err.message);
    } else if (c.verdict.skipped && random) {
        t->skipped++;
        if (getenv("SELTZER_DIFFERENTIAL_REFUSALS"))
            printf("%s: " FMT_STR "\n  left to chance: %s\n", name, ARG_STR(text), c.verdict.skipped);
    } else if (ask_every_way(e, &c, &a, t, why, sizeof why)) {
        t->passed++;
    } else if (t->failed++ < FAILURES_SHOWN) {
        report(name, text, &c, why);
    }
    query_fini(&c.sqlite.query);
    query_fini(&c.postgres.query);
    arena_free(&a);
}

/* ── kept queries: a line each, # a comment ── */

static bool try_kept(struct engines *e, struct chance *c, struct tally *t)
{
    char *line = NULL;
    size_t cap = 0;
    unsigned number = 0;
    FILE *f = fopen(kept_path, "r");
    if (!f) {
        perror(kept_path);
        return false;
    }
    for (unsigned fill = 0; fill < KEPT_FILLS; fill++, rewind(f), number = 0) {
        if (!engines_fill(e, c)) {
            fclose(f);
            return false;
        }
        for (ssize_t n; (n = getline(&line, &cap, f)) > 0;) {
            char name[64];
            struct str text = str_trim(str_make(line, (size_t)n));
            snprintf(name, sizeof name, "kept.soql:%u", ++number);
            if (text.n && text.p[0] != '#')
                try_query(e, name, text, false, t);
        }
    }
    free(line);
    fclose(f);
    return true;
}

/* ── random ones ── */

static bool try_random(struct engines *e, uint64_t seed, unsigned long n, struct tally *t)
{
    const char *only = getenv("SELTZER_DIFFERENTIAL_ONLY");
    unsigned long first = only ? strtoul(only, NULL, 10) : 0, last = only ? first + 1 : n;
    for (unsigned long i = first; i < last; i++) {
        if (i == first || i % QUERIES_PER_FILL == 0) {
            struct chance rows = chance_of(seed + i / QUERIES_PER_FILL * 1000003);
            if (!engines_fill(e, &rows))
                return false;
        }
        struct buf text = {0};
        struct generator g = {.chance = chance_of(seed * 31 + i * 7919), .number = i, .out = &text, .quakes = &world_quake_columns, .regions = &world_region_columns};
        char name[64];
        generate_query(&g);
        snprintf(name, sizeof name, "query %lu", i);
        if (only)
            printf("%s: " FMT_STR "\n", name, ARG_STR(buf_str(&text)));
        try_query(e, name, buf_str(&text), true, t);
        buf_free(&text);
    }
    return true;
}

int main(int argc, char **argv)
{
    const char *given = getenv("SELTZER_SEED");
    struct tally t = {0};
    unsigned long n = argc > 2 ? strtoul(argv[2], NULL, 10) : 300;
    if (argc < 2 || !world_open()) {
        fprintf(stderr, "usage: differential CONNECTION [N]\n");
        return 2;
    }
    uint64_t seed = given ? strtoull(given, NULL, 10) : random_u64() >> 32;
    printf("SELTZER_SEED=%llu\n", (unsigned long long)seed);
    struct engines *e = engines_open(argv[1], &world_quake_columns, &world_region_columns);
    struct chance rows = chance_of(seed);
    bool ok = e && try_kept(e, &rows, &t) && try_random(e, seed, n, &t);
    engines_close(e);
    world_close();
    printf("%lu queries refused when compiled, %lu with an answer left to chance, %lu too late; of the others both engines fail in %lu, one is spared a failure in %lu; %lu were asked in another way too\n",
           t.refused, t.skipped, t.late, t.both_fail, t.one_fails, t.other_ways);
    /* A generator whose queries are mostly refused, or left to chance, tests little. */
    if (ok && n >= 100 && t.refused + t.skipped > n / 2) {
        printf("more than half of the queries were not compared\n");
        t.failed++;
    }
    /* get_utc_date() is another time in each engine. */
    if (ok && n >= EVERY_FUNCTION_IN && print_unseen_functions("not once compared:") > 1)
        t.failed++;
    printf("differential: %lu passed, %lu failed\n", t.passed, t.failed + !ok);
    return ok && !t.failed && t.passed ? 0 : 1;
}
