/* What a text in quotes may stand for, beside text (docs/wire/soql.md, "Types and literals"), and the names that are equal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "soql/literal.h"
#include "soql/names.h"

static const struct {
    const char *text, *kinds; /* but text; "url" is nearly everything without blanks */
} literals[] = {
    {"", ""},
    {"a b", ""},
    {"5", "number double url"},
    {"+5", "number double url"},
    {"-5.", "number double url"},
    {"5.25e-3", "number double url"},
    {"5E+3", "number double url"},
    {"1", "number double boolean url"},
    {"0", "number double boolean url"},
    {".5", "url"},
    {"5e", "url"},
    {"5e+", "url"},
    {"5e3x", "url"},
    {"+", "url"},
    {"1,000", "url"},
    {" 5", ""},
    {"5 ", ""},
    {"NaN", "url"},
    {"TRUE", "boolean url"},
    {"false", "boolean url"},
    {"yes", "url"},
    {"2014", "number double url"},
    {"2014-01", "fixed_timestamp floating_timestamp url"},
    {"2014-13", "url"},
    {"2014-1", "url"},
    {"2014-01-02", "fixed_timestamp floating_timestamp date url"},
    {"2015-02-29", "url"},
    {"2016-02-29", "fixed_timestamp floating_timestamp date url"},
    {"0000-01-01", "url"},
    {"2014-01-2", "url"},
    {"2014-W01", "url"},
    {"2014-001", "url"},
    {"20140102", "number double url"},
    {"01/02/2014", "url"},
    {"2014-01-02T10:20", "fixed_timestamp floating_timestamp url"},
    {"2014-01-02T10:20:30.123456", "fixed_timestamp floating_timestamp url"},
    {"2014-01-02T10", "url"},
    {"2014-01-02T", "url"},
    {"2014-01-02T1:20", "url"},
    {"2014-01-02T10:20:60", "url"},
    {"2014-01-02T24:00", "url"},
    {"2014-01-02 10:20", ""},
    {"2014-01-02T10:20Z", "fixed_timestamp url"},
    {"2014-01-02T10:20:30-08:00", "fixed_timestamp url"},
    {"2014-01-02T10:20:30+0530", "fixed_timestamp url"},
    {"2014-01-02Z", "url"},
    {"10:20", "time url"},
    {"10:20:30.5", "time url"},
    {"3", "number double url"},
    {"1:20", "url"},
    {"24:00", "url"},
    {"P1Y2M3DT4H5M6S", "interval url"},
    {"P1W", "interval url"},
    {"PT1S", "interval url"},
    {"P", "url"},
    {"PT", "url"},
    {"1D", "url"},
    {"POINT (-87.6 41.9)", "point"},
    {"point(1 2)", "point"},
    {"SRID=4326;POINT (1 2)", "point"},
    {"POINT", "url"},
    {"POINT (1)", ""},
    {"POINT (1 2) x", ""},
    {"(41.9, -87.6)", ""},
    {"{\"type\":\"Point\",\"coordinates\":[1,2]}", ""},
    {"MULTIPOINT ((1 2), (3 4))", "multipoint"},
    {"LINESTRING (1 2, 3 4)", "line"},
    {"MULTILINESTRING ((1 2, 3 4))", "multiline"},
    {"POLYGON ((0 0, 1 0, 1 1, 0 0))", "polygon"},
    {"MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)))", "multipolygon"},
    {"{\"latitude\": \"41.9\", \"longitude\": \"-87.6\"}", "location"},
    {"{\"latitude\": ", ""},
    {"http://example.com/a?b=c#d", "url"},
    {"{\"url\": \"http://example.com\", \"description\": \"x\"}", "url"},
    {"<b>", ""},
    {"row-2222~2222~2222", "url row_identifier"},
    {"row-2222.2222.2222", "url row_identifier"},
    {"row-2222~2222", "url"},
    {"row-2222~2222~222l", "url"},
    {"rv-2222~2222~2222", "url row_version"},
};

static void texts_stand_for_these_types(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof literals / sizeof *literals; i++) {
        struct arena a = {0};
        soql_kinds set;
        char got[200] = "";
        assert_true(literal_kinds(str_from(literals[i].text), &a, &set));
        assert_true(kinds_have(set, KIND_TEXT));
        for (enum soql_kind k = KIND_TEXT + 1; k < KIND_COUNT; k++) {
            struct cell cell;
            static const struct row_id_key key = {{1, 2, 3, 4}};
            assert_int_equal(literal_read(k, str_from(literals[i].text), &key, &a, &cell), kinds_have(set, k));
            if (kinds_have(set, k))
                snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s", got[0] ? " " : "", kind_type(k)->soql_name);
        }
        if (strcmp(got, literals[i].kinds) != 0)
            fail_msg("'%s' is \"%s\", should be \"%s\"", literals[i].text, got, literals[i].kinds);
        arena_free(&a);
    }
}

static void cells_are_what_the_engines_compare_with(void **state)
{
    (void)state;
    struct arena a = {0};
    struct cell c;
    static const struct row_id_key key = {{1, 2, 3, 4}};
    assert_true(literal_read(KIND_NUMBER, STR("+1.50e1"), &key, &a, &c) && str_eq(c.s, STR("15.0")));
    assert_true(literal_read(KIND_DOUBLE, STR("1.5"), &key, &a, &c) && c.kind == CELL_TEXT);
    assert_true(literal_read(KIND_BOOLEAN, STR("True"), &key, &a, &c) && c.kind == CELL_INT && c.i == 1);
    assert_true(literal_read(KIND_FLOATING, STR("1970-01"), &key, &a, &c) && c.i == 0);
    assert_true(literal_read(KIND_FIXED, STR("1970-01-01T00:00:00.001+00:01"), &key, &a, &c) && c.i == -59999);
    assert_true(literal_read(KIND_DATE, STR("1970-01-03"), &key, &a, &c) && c.i == 2);
    assert_true(literal_read(KIND_TIME, STR("00:01"), &key, &a, &c) && c.i == 60000);
    char id[ROW_ID_LENGTH], version[ROW_VERSION_LENGTH];
    row_id_format(&key, 42, id);
    row_version_format(&key, 43, version);
    assert_true(literal_read(KIND_ROW_IDENTIFIER, str_make(id, sizeof id), &key, &a, &c) && c.i == 42);
    assert_true(literal_read(KIND_ROW_VERSION, str_make(version, sizeof version), &key, &a, &c) && c.i == 43);
    arena_free(&a);
}

static void names_are_equal_whatever_their_case_and_hyphens(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"Region", "region"},     {"incident-id", "incident_id"}, {"A-B-C", "a_b_c"},          {"\xc3\x89t\xc3\xa9", "\xc3\xa9t\xc3\xa9"},
        {"E\xcc\x81", "\xc3\xa9"}, {"\xef\xac\x81x-Y", "fix_y"},   {"stra\xc3\x9f" "e", "strasse"}, {":ID", ":id"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct arena a = {0};
        struct str folded, again;
        assert_true(name_fold(&a, str_from(pairs[i][0]), &folded));
        assert_true(str_eq(folded, str_from(pairs[i][1])));
        assert_true(name_fold(&a, folded, &again) && str_eq(folded, again));
        arena_free(&a);
    }
    struct arena a = {0};
    struct str folded;
    assert_true(name_fold(&a, STR("\xff-X"), &folded) && str_eq(folded, STR("\xff_x"))); /* no UTF-8: no name is called so */
    arena_free(&a);
}

static void a_name_table_finds_what_was_put_into_it(void **state)
{
    (void)state;
    enum { NAMES = 5000 };
    struct arena a = {0};
    struct name_table t;
    assert_true(name_table_init(&t, &a, 0));
    for (int i = 0; i < NAMES; i++) {
        char *z = arena_printf(&a, "n%d", i);
        assert_null(name_table_find(&t, str_from(z)));
        assert_true(name_table_add(&t, &a, str_from(z), i));
    }
    for (int i = 0; i < NAMES; i++) {
        struct name_slot *s = name_table_find(&t, str_from(arena_printf(&a, "n%d", i)));
        assert_true(s && s->value == i);
    }
    arena_free(&a);
}

static void types_are_found_by_name_and_have_their_multi_form(void **state)
{
    (void)state;
    for (enum soql_kind k = 0; k < KIND_COUNT; k++) {
        assert_int_equal(kind_find(str_from(kind_type(k)->soql_name)), k);
        assert_int_equal(kind_of(kind_type(k)), k);
        assert_int_equal(kind_multi(k) < KIND_COUNT, kind_type(k)->is_geometry);
    }
    assert_int_equal(kind_find(STR("Calendar_date")), KIND_COUNT);
    assert_int_equal(kind_find(STR("TEXT")), KIND_TEXT);
    assert_int_equal(kind_multi(KIND_POLYGON), KIND_MULTIPOLYGON);
    assert_int_equal(kind_multi(KIND_MULTILINE), KIND_MULTILINE);
    assert_int_equal(kind_class(STR("odd")), 0);
    assert_false(kinds_have(kind_class(STR("ranked")), KIND_BOOLEAN));
    assert_true(kinds_have(kind_class(STR("ordered")), KIND_BOOLEAN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_stand_for_these_types),
        cmocka_unit_test(cells_are_what_the_engines_compare_with),
        cmocka_unit_test(names_are_equal_whatever_their_case_and_hyphens),
        cmocka_unit_test(a_name_table_finds_what_was_put_into_it),
        cmocka_unit_test(types_are_found_by_name_and_have_their_multi_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
