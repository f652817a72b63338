/* By which rows a query can be narrowed (src/soql/narrow.c). */
#include "analyze_kit.h"

#include "soql/soql.h"

#define GOOD(call) do { struct error err = {0}; if (!(call)) fail_msg("%s: %s", #call, err.message); } while (0)

static const struct {
    const char *query, *narrowing; /* kind: columns by physical number; what they are narrowed by */
} cases[] = {
    {"select *", ""},
    {"select * search 'red fox'", "words: 1 11 13 8; red fox"},
    {"select * search ' 1.50 '", "words: 1 11 13 8 2 12;  1.50 ; 1.50"},
    {"select * where name = 'x' search 'fox'", "words: 1 11 13 8; fox"},
    {"select region, count(*) group by region search 'fox'", "words: 1 11 13 8; fox"},
    {"select name search 'fox' |> select upper(name) search 'red'", "words: 1 11 13 8; fox"},
    {"select name |> select upper(name) search 'red'", ""},
    {"(select name) union (select name search 'fox')", "words: 1 11 13 8; fox"},
    {"select * where within_box(place, 42, -88.5, 41, -87)", "box: 6; 42 -88.5 41 -87"},
    {"select * where within_box(loc, 42, -88.5, 41, -87)", "box: 9; 42 -88.5 41 -87"},
    {"select * where within_box(area, 42, -88.5, 41, -87)", ""},
    {"select * where within_box(place, 42, x, 41, -87)", ""},
    {"select * where within_box(place, 42, null, 41, -87)", ""},
    {"select * where magnitude > 3 and (felt and within_circle(place, 42, -88, 1000))", "circle: 6; 42 -88 1000"},
    {"select * where magnitude > 3 or within_circle(place, 42, -88, 1000)", ""},
    {"select * where not within_circle(place, 42, -88, 1000)", ""},
    {"select * where within_polygon(place, 'POLYGON ((0 0, 1 0, 0 1, 0 0))')", "shape: 6; 77 bytes"},
    {"select * where intersects(place, 'POINT (1 2)')", "shape: 6; 21 bytes"},
    {"select * where intersects('POLYGON ((0 0, 1 0, 0 1, 0 0))', place)", "shape: 6; 77 bytes"},
    {"select * where intersects(place, 'POINT (1 2)'::point)", ""},
    {"select * where intersects(place, area)", ""},
    {"select * where intersects(place, place)", ""},
    {"select * where within_polygon(area, 'POLYGON ((0 0, 1 0, 0 1, 0 0))')", ""},
    {"select within_circle(place, 42, -88, 1000)", ""},
    {"select * where within_circle(place, 42, -88, 1000) search 'fox'", "words: 1 11 13 8; fox"},
    {"select * where within_circle(place, 42, -88, 1000) and within_box(place, 42, -88.5, 41, -87)", "circle: 6; 42 -88 1000"},
    {"select * join @regions as r on region = @r.code where within_circle(place, 42, -88, 1000)", ""},
};

static void print(const struct narrowing *n, struct buf *out)
{
    static const char *const kinds[NARROWING_KINDS] = {"", "words:", "box:", "circle:", "shape:"};
    buf_add_z(out, kinds[n->kind]);
    for (size_t i = 0; i < n->n_columns; i++)
        buf_printf(out, " %d", n->columns[i].physical);
    switch (n->kind) {
    case NARROWING_WORDS:
        buf_printf(out, "; " FMT_STR, ARG_STR(n->words));
        if (n->number.p)
            buf_printf(out, "; " FMT_STR, ARG_STR(n->number));
        break;
    case NARROWING_BOX:
        buf_printf(out, "; %g %g %g %g", n->at[0], n->at[1], n->at[2], n->at[3]);
        break;
    case NARROWING_CIRCLE:
        buf_printf(out, "; %g %g %g", n->at[0], n->at[1], n->at[2]);
        break;
    case NARROWING_SHAPE:
        buf_printf(out, "; %zu bytes", n->shape.n);
        break;
    case NARROWING_NONE:
    case NARROWING_KINDS:
        break;
    }
}

static const struct soql_emission sqlite = {.dialect = DIALECT_SQLITE};

static bool compile(const char *query, struct arena *a, struct soql_compiled *ret, struct error *err)
{
    struct soql_analysis q;
    return analyze(query, a, &q, err) && soql_emit_sql(&q, &sqlite, a, ret, err) && soql_narrow(&q, &sqlite, a, ret, err);
}

static void a_query_is_narrowed_by_what_all_its_rows_have(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena a = {0};
        struct soql_compiled compiled = {0};
        struct buf got = {0};
        struct error err = {0};
        bool ok = compile(cases[i].query, &a, &compiled, &err);
        print(&compiled.query.narrowing, &got);
        bool same = ok && str_eq(buf_str(&got), str_from(cases[i].narrowing));
        if (!same)
            print_error("%s: \"" FMT_STR "\", not \"%s\" %s\n", cases[i].query, ARG_STR(buf_str(&got)), cases[i].narrowing, ok ? "" : err.message);
        buf_free(&got);
        query_fini(&compiled.query);
        arena_free(&a);
        assert_true(same);
    }
}

static void the_narrowed_text_is_the_query_with_a_list_of_rows(void **state)
{
    static const struct {
        const char *query, *where;
    } texts[] = {
        {"select name where within_circle(place, 42, -88, 1000) or felt |> select 1", NULL},
        {"select name where within_circle(place, 42, 88, 1000)", " WHERE t0.sid IN (SELECT value FROM json_each(?4)) AND (geo_within_circle(t0.c6,?1,?2,?3,0))"},
        {"select name where felt search 'fox'",
         " WHERE t0.sid IN (SELECT value FROM json_each(?2)) AND search_matches(?1, t0.c1, url_text(t0.c8), t0.c11, t0.c13) AND (t0.c3)"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct arena a = {0};
        struct soql_compiled compiled = {0};
        GOOD(compile(texts[i].query, &a, &compiled, &err));
        struct buf *text = &compiled.query.narrowing.text;
        buf_add_byte(text, 0);
        if (texts[i].where && !strstr(text->p, texts[i].where))
            fail_msg("%s", text->p);
        if (!texts[i].where)
            assert_int_equal(text->n, 1);
        query_fini(&compiled.query);
        arena_free(&a);
    }
}

static void a_search_of_too_many_columns_is_not_narrowed(void **state)
{
    enum { MANY = LISTED_COLUMNS_MAX + 1 };
    static struct column shape[MANY];
    static char names[MANY][8];
    (void)state;
    for (size_t n = LISTED_COLUMNS_MAX; n <= MANY; n++) {
        struct arena a = {0};
        struct columns columns = {.v = shape, .n = n, .row_identifier = -1};
        for (size_t i = 0; i < n; i++) {
            snprintf(names[i], sizeof names[i], "t%zu", i);
            shape[i] = (struct column){.physical = (int)i + 1, .type = &type_text, .field_name = str_from(names[i]), .name = str_from(names[i])};
        }
        assert_true(columns_index(&columns));
        const struct soql_dataset d = {STR("many-many"), &columns, &quake_key};
        const struct soql_parameter q = {STR("$q"), STR("fox")};
        const struct soql_request request = {.primary = &d, .parameters = &q, .n = 1};
        struct soql_compiled compiled = {0};
        GOOD(soql_compile(&request, &a, &compiled, &err));
        assert_int_equal(compiled.query.narrowing.kind, n == MANY ? NARROWING_NONE : NARROWING_WORDS);
        query_fini(&compiled.query);
        arena_free(&a);
        columns_unindex(&columns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_query_is_narrowed_by_what_all_its_rows_have),
        cmocka_unit_test(the_narrowed_text_is_the_query_with_a_list_of_rows),
        cmocka_unit_test(a_search_of_too_many_columns_is_not_narrowed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
