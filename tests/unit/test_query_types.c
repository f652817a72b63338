/* The types that only queries have (rows/query_types.h): what is read, how it is shown, and by which names they are found. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "rows/query_types.h"

static struct arena arena;

static int free_arena(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static void doubles_are_written_as_postgres_writes_them(void **state)
{
    static const struct {
        double v;
        const char *text;
    } cases[] = {
        {0, "0"}, {-0.0, "-0"}, {1, "1"}, {0.1, "0.1"}, {-2.5, "-2.5"}, {1e14, "100000000000000"}, {1e15, "1e+15"}, {0.0001, "0.0001"},
        {0.00001, "1e-05"}, {1.0 / 3, "0.3333333333333333"}, {123456789012345680.0, "1.2345678901234568e+17"}, {5e-324, "5e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"}, {NAN, "NaN"}, {INFINITY, "Infinity"}, {-INFINITY, "-Infinity"}, {12.5, "12.5"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b = {0};
        double_write(cases[i].v, &b);
        if (!str_eq(buf_str(&b), str_from(cases[i].text)))
            fail_msg(FMT_STR ", not %s", ARG_STR(buf_str(&b)), cases[i].text);
        buf_free(&b);
    }
}

/* A literal's cell as JSON; NULL: refused, the reason in `why`. */
static const char *literal(const struct type *t, const char *text, struct type_refusal *why)
{
    struct type_context ctx = {.arena = &arena};
    struct raw raw = {RAW_STRING, str_from(text)};
    struct cell c;
    struct buf b = {0};
    *why = (struct type_refusal){.expected = ""};
    if (!t->parse(t, &raw, &ctx, &c, why))
        return NULL;
    if (c.kind == CELL_NULL)
        return "null";
    t->write_json(t, &c, NULL, &b);
    struct str json = arena_str(&arena, buf_str(&b));
    buf_free(&b);
    return json.p;
}

static void literals_are_read_and_shown(void **state)
{
    static const struct {
        const struct type *type;
        const char *text, *json;
    } cases[] = {
        {&type_double, "1.50", "1.5"}, {&type_double, "1e400", NULL}, {&type_double, "x", NULL}, {&type_double, " 2 ", "2"}, {&type_double, "", "null"},
        {&type_date, "2014-10-13", "\"2014-10-13\""}, {&type_date, "2014-02-30", NULL}, {&type_date, "10/13/2014", NULL}, {&type_date, " ", "null"},
        {&type_time, "05:06", "\"05:06:00.000\""}, {&type_time, "05:06:07.25", "\"05:06:07.250\""}, {&type_time, "5", NULL}, {&type_time, "", "null"},
        {&type_interval, "P1W", "\"P7D\""}, {&type_interval, "PT0S", "\"PT0S\""}, {&type_interval, "1 day", NULL}, {&type_interval, "", "null"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct type_refusal why;
        const char *json = literal(cases[i].type, cases[i].text, &why);
        if (!json && !cases[i].json)
            assert_true(why.expected[0] != 0);
        else if (!json || !cases[i].json || strcmp(json, cases[i].json) != 0)
            fail_msg("%s \"%s\" is %s, not %s", cases[i].type->soql_name, cases[i].text, json ? json : why.expected, cases[i].json ? cases[i].json : "refused");
    }
}

static void result_cells_are_shown_as_they_come(void **state)
{
    static const struct {
        const struct type *type;
        const char *text, *json;
    } cases[] = {
        {&type_double, "1e+20", "1e+20"}, {&type_double, "NaN", "\"NaN\""}, {&type_double, "-Infinity", "\"-Infinity\""},
        {&type_date, "2014-10-13", "\"2014-10-13\""}, {&type_time, "05:06:07.000", "\"05:06:07.000\""}, {&type_interval, "P1D", "\"P1D\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cell c = cell_text(str_from(cases[i].text));
        struct buf json = {0}, csv = {0};
        cases[i].type->write_json(cases[i].type, &c, NULL, &json);
        cases[i].type->write_csv(cases[i].type, &c, NULL, &csv);
        assert_true(str_eq(buf_str(&json), str_from(cases[i].json)));
        assert_true(str_eq(buf_str(&csv), c.s));
        buf_free(&json);
        buf_free(&csv);
    }
}

static void doubles_are_ordered_by_value(void **state)
{
    (void)state;
    struct cell a = cell_text(STR("9.5")), b = cell_text(STR("1e+15"));
    assert_true(type_double.compare(&a, &b) < 0);
    assert_true(type_double.compare(&b, &a) > 0);
    assert_int_equal(type_double.compare(&a, &a), 0);
}

static void names_are_those_of_soql_only(void **state)
{
    (void)state;
    assert_ptr_equal(type_find_query(STR("Double")), &type_double);
    assert_ptr_equal(type_find_query(STR("date")), &type_date); /* in views that is the name of a fixed timestamp */
    assert_ptr_equal(type_find_query(STR("row_identifier")), &type_row_identifier);
    assert_ptr_equal(type_find_query(STR("boolean")), &type_boolean);
    assert_null(type_find_query(STR("checkbox")));
    assert_null(type_find_query(STR("")));
    assert_string_equal(type_postgres(TYPE_NUMBER), "numeric");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_are_written_as_postgres_writes_them),
        cmocka_unit_test(literals_are_read_and_shown),
        cmocka_unit_test(result_cells_are_shown_as_they_come),
        cmocka_unit_test(doubles_are_ordered_by_value),
        cmocka_unit_test(names_are_those_of_soql_only),
    };
    return cmocka_run_group_tests(tests, NULL, free_arena);
}
