/* Texts through parser and analyzer, over two small datasets: what the analyzer's tests share. */
#ifndef SELTZER_TESTS_ANALYZE_KIT_H
#define SELTZER_TESTS_ANALYZE_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "soql/parse.h"
#include "soql/typed.h"

#define FIELD(number, kind, field) {.physical = number, .type = &type_##kind, .field_name = {field, sizeof field - 1}, .name = {field, sizeof field - 1}}
static struct column quake_shape[] = {
    FIELD(1, text, "name"),     FIELD(2, number, "magnitude"), FIELD(3, boolean, "felt"), FIELD(4, floating_timestamp, "at"),
    FIELD(5, fixed_timestamp, "seen"), FIELD(6, point, "place"), FIELD(7, multipolygon, "area"), FIELD(8, url, "link"),
    FIELD(9, location, "loc"),  FIELD(10, json, "doc"),        FIELD(11, text, "region"), FIELD(12, number, "x"),
    FIELD(13, text, "incident_id"),
};
static struct column region_shape[] = {
    FIELD(1, text, "code"), FIELD(2, text, "title"), FIELD(3, number, "population"), FIELD(4, multipolygon, "shape"), FIELD(5, number, "x"),
};
static struct columns quake_columns, region_columns;
static const struct row_id_key quake_key = {{1, 2, 3, 4}}, region_key = {{5, 6, 7, 8}};
static struct soql_dataset quakes, regions;

static inline int set_up(void **state)
{
    (void)state;
    quake_columns = (struct columns){.v = quake_shape, .n = sizeof quake_shape / sizeof *quake_shape, .row_identifier = -1};
    region_columns = (struct columns){.v = region_shape, .n = sizeof region_shape / sizeof *region_shape, .row_identifier = -1};
    quakes = (struct soql_dataset){STR("quak-es11"), &quake_columns, &quake_key};
    regions = (struct soql_dataset){STR("regi-ons1"), &region_columns, &region_key};
    return random_init() && columns_index(&quake_columns) && columns_index(&region_columns) ? 0 : -1;
}

static inline int tear_down(void **state)
{
    (void)state;
    columns_unindex(&quake_columns);
    columns_unindex(&region_columns);
    return 0;
}

/* Datasets: regi-ons1, also called regions; t-0001 … t-0099, each the regions again; "down" fails; all others are unknown. */
static inline bool find_test_dataset(void *ctx, struct str name, struct soql_dataset *ret, struct error *err)
{
    static char names[100][8];
    unsigned n;
    char z[16] = "";
    snprintf(z, sizeof z, FMT_STR, ARG_STR(str_head(name, sizeof z - 1)));
    *(int *)ctx += 1;
    if (str_eq(name, STR("down")))
        return error_set(err, ERROR_STORE_UNAVAILABLE, "the catalog is down");
    *ret = regions;
    if (sscanf(z, "t-%u", &n) == 1 && n < 100) {
        snprintf(names[n], sizeof names[n], "t-%04u", n);
        ret->name = str_from(names[n]);
        return true;
    }
    if (str_eq(name, STR("quak-es11")))
        *ret = quakes;
    return str_eq(name, STR("regi-ons1")) || str_eq(name, STR("regions")) || str_eq(name, STR("quak-es11"));
}

static int asked; /* how often the catalog was */

static inline bool analyze(const char *text, struct arena *a, struct soql_analysis *ret, struct error *err)
{
    struct soql_source *source = arena_zalloc(a, sizeof *source);
    struct soql_parsing parsing = {.arena = a};
    struct soql_query *q;
    const struct soql_catalog catalog = {&asked, find_test_dataset};
    assert_non_null(source);
    *source = (struct soql_source){STR("$query"), str_from(text)};
    return soql_parse_query(&parsing, source, &q, err) && soql_analyze(q, &quakes, &catalog, a, ret, err);
}

/* The printed tree on one line: what is indented under a line stands in parentheses after it. */
static inline void fold_tree(struct str tree, struct buf *out)
{
    int depth = 0;
    bool first = true;
    for (struct str line; tree.n; first = false) {
        str_cut(tree, '\n', &line, &tree);
        int indent = 0;
        while ((size_t)indent * 2 < line.n && line.p[indent * 2] == ' ')
            indent++;
        if (indent > depth)
            buf_add_byte(out, '(');
        for (; depth > indent; depth--)
            buf_add_byte(out, ')');
        if (!first && indent == depth && out->p[out->n - 1] != '(')
            buf_add_z(out, ", ");
        depth = indent;
        buf_add_str(out, str_skip(line, (size_t)indent * 2));
    }
    for (; depth > 0; depth--)
        buf_add_byte(out, ')');
}

static inline void print_folded(const struct soql_analysis *q, struct buf *out)
{
    struct buf tree = {0};
    soql_print_typed(q, &tree);
    fold_tree(buf_str(&tree), out);
    buf_add_byte(out, 0);
    buf_free(&tree);
}

#endif
