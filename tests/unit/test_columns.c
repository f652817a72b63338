/* Which column a name means (rows/column.h): every order of precedence, every fold, and what is only near. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <utf8proc.h>

#include "base/random.h"
#include "rows/column.h"

static struct column shape[] = {
    {.field_name = {"case_number", 11}, .name = {"Case Number", 11}},
    {.field_name = {"magnitude", 9}, .former_name = {"mag", 3}, .name = {"Magnitude", 9}},
    {.field_name = {"depth", 5}, .name = {"magnitude", 9}}, /* display name = the field name of another */
    {.field_name = {"note", 4}, .former_name = {"remark", 6}, .name = {"Remark", 6}},
    {.field_name = {"remark_2", 8}, .name = {"Remark", 6}}, /* display name shared, former name of another wins */
    {.field_name = {"place_a", 7}, .name = {"Place", 5}},
    {.field_name = {"place_b", 7}, .name = {"PLACE ", 6}}, /* shares "place" once trimmed and folded */
    {.field_name = {"stra_e", 6},
     .name = {"Stra\xC3\x9F"
              "e",
              7}},                                           /* Straße: ß folds to ss */
    {.field_name = {"cafe", 4}, .name = {"Caf\xC3\xA9", 5}}, /* é in one character */
    {.field_name = {"former_1", 8}, .former_name = {"old", 3}, .name = {"x1", 2}},
    {.field_name = {"former_2", 8}, .former_name = {"old", 3}, .name = {"x2", 2}},
};

static struct columns columns;

static int set_up(void **state)
{
    (void)state;
    if (!random_init())
        return -1;
    columns = (struct columns){.v = shape, .n = sizeof shape / sizeof *shape, .row_identifier = -1};
    return columns_index(&columns) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    columns_unindex(&columns);
    return 0;
}

static void names_mean_field_then_former_then_display_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum column_match match;
        int at, other;
    } cases[] = {
        {"case_number", COLUMN_FOUND, 0, -1},
        {"CASE_Number", COLUMN_FOUND, 0, -1},
        {"Case Number", COLUMN_FOUND, 0, -1},
        {" \tcase NUMBER\r\n", COLUMN_FOUND, 0, -1},
        {"Magnitude", COLUMN_FOUND, 1, -1},
        {"mag", COLUMN_FOUND, 1, -1},
        {"depth", COLUMN_FOUND, 2, -1},
        {"remark", COLUMN_FOUND, 3, -1},
        {"place", COLUMN_AMBIGUOUS, 5, 6},
        {"place_b", COLUMN_FOUND, 6, -1},
        {"STRASSE", COLUMN_FOUND, 7, -1},
        {"stra\xC3\x9F"
         "e",
         COLUMN_FOUND, 7, -1},
        {"CAF\xC3\x89", COLUMN_FOUND, 8, -1},
        {"cafe\xCC\x81", COLUMN_FOUND, 8, -1}, /* e and a combining accent */
        {"cafe", COLUMN_FOUND, 8, -1},
        {"old", COLUMN_AMBIGUOUS, 9, 10},
        {"", COLUMN_NONE, 0, 0},
        {"  ", COLUMN_NONE, 0, 0},
        {"case number ", COLUMN_FOUND, 0, -1},
        {"case-number", COLUMN_NONE, 0, 0},
        {"\xFF", COLUMN_NONE, 0, 0},
        {"c1", COLUMN_NONE, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int at = -7, other = -7;
        enum column_match match = columns_find_loose(&columns, str_from(cases[i].name), &at, &other);
        if (match != cases[i].match)
            fail_msg("\"%s\": match %d, column %d", cases[i].name, match, at);
        if (match != COLUMN_NONE)
            assert_int_equal(at, cases[i].at);
        if (match == COLUMN_AMBIGUOUS)
            assert_int_equal(other, cases[i].other);
    }
}

static void find_field_takes_nothing_but_the_field_name(void **state)
{
    (void)state;
    assert_int_equal(columns_find_field(&columns, STR("case_number")), 0);
    assert_int_equal(columns_find_field(&columns, STR("CASE_NUMBER")), 0);
    assert_int_equal(columns_find_field(&columns, STR("Case Number")), -1);
    assert_int_equal(columns_find_field(&columns, STR(" case_number")), -1);
    assert_int_equal(columns_find_field(&columns, STR("mag")), -1);
    assert_int_equal(columns_find_field(&columns, STR_NONE), -1);
}

static void a_slip_is_near_and_another_word_is_not(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int at;
    } cases[] = {
        {"magnitud", 1}, {"mangitude", 1},    {"Magnitudes", 1}, {"casenumber", 0}, {"case_nubmer", 0}, {"dept", 2},
        {"detph", 2},    {"switch_comm", -1}, {"latitude", -1},  {"no", -1},        {"", -1},           {"caf\xC3\xA8", 8},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int at = columns_nearest(&columns, str_from(cases[i].name));
        if (at != cases[i].at)
            fail_msg("\"%s\" is nearest to column %d", cases[i].name, at);
    }
    char long_name[5000];
    memset(long_name, 'a', sizeof long_name);
    assert_int_equal(columns_nearest(&columns, str_make(long_name, sizeof long_name)), -1);
    int at, other;
    assert_int_equal(columns_find_loose(&columns, str_make(long_name, sizeof long_name), &at, &other), COLUMN_NONE);
}

static void the_most_columns_there_may_be_are_all_found(void **state)
{
    (void)state;
    struct column *v = calloc(COLUMNS_MAX, sizeof *v);
    char(*names)[3][32] = calloc(COLUMNS_MAX, sizeof *names);
    assert_non_null(v);
    assert_non_null(names);
    for (int i = 0; i < COLUMNS_MAX; i++) {
        snprintf(names[i][0], 32, "field_%d", i);
        snprintf(names[i][1], 32, "was_%d", i);
        snprintf(names[i][2], 32, "Display %d", i);
        v[i] = (struct column){
            .field_name = str_from(names[i][0]), .former_name = str_from(names[i][1]), .name = str_from(names[i][2])};
    }
    struct columns many = {.v = v, .n = COLUMNS_MAX, .row_identifier = -1};
    assert_true(columns_index(&many));
    assert_true(columns_index(&many)); /* again: the old table is freed */
    for (int i = 0; i < COLUMNS_MAX; i++) {
        for (int k = 0; k < 3; k++) {
            int at, other;
            assert_int_equal(columns_find_loose(&many, str_from(names[i][k]), &at, &other), COLUMN_FOUND);
            assert_int_equal(at, i);
        }
    }
    columns_unindex(&many);
    free(names);
    free(v);
}

static void no_columns_means_nothing_is_found(void **state)
{
    (void)state;
    struct columns none = {.row_identifier = -1};
    int at, other;
    assert_true(columns_index(&none));
    assert_int_equal(columns_find_loose(&none, STR("x"), &at, &other), COLUMN_NONE);
    assert_int_equal(columns_nearest(&none, STR("xxxx")), -1);
    columns_unindex(&none);
}

static void system_columns_go_by_their_names(void **state)
{
    (void)state;
    for (int i = 0; i < SYSTEM_COUNT; i++) {
        enum system_column found = SYSTEM_COUNT;
        assert_true(system_column_find(str_from(system_column_name((enum system_column)i)), &found));
        assert_int_equal(found, i);
        assert_non_null(system_column_type((enum system_column)i));
    }
    enum system_column found;
    assert_true(system_column_find(STR(":ID"), &found));
    assert_false(system_column_find(STR("id"), &found));
    assert_false(system_column_find(STR(":deleted"), &found));
}

/* Names are kept folded and looked up folded: what was folded once must stay as it is. */
static void folding_twice_is_folding_once(void **state)
{
    (void)state;
    static const char marks[][4] = {"", "\u0301", "\u0345", "\u0307", "\u0323"};
    for (int32_t c = 1; c < 0x110000; c++) {
        utf8proc_uint8_t bytes[4];
        char text[16];
        struct folded once, twice;
        if (c >= 0xd800 && c < 0xe000)
            continue;
        utf8proc_ssize_t n = utf8proc_encode_char(c, bytes);
        for (size_t m = 0; m < (c < 0x2fff ? sizeof marks / sizeof *marks : 1); m++) {
            int length = snprintf(text, sizeof text, "%.*s%s", (int)n, (const char *)bytes, marks[m]);
            assert_true(folded_init(str_make(text, (size_t)length), &once));
            assert_true(folded_init(once.s, &twice));
            if (!str_eq(once.s, twice.s))
                fail_msg("U+%04X: " FMT_STR " and then " FMT_STR, (unsigned)c, ARG_STR(once.s), ARG_STR(twice.s));
            folded_fini(&twice);
            folded_fini(&once);
        }
    }
}

static void these_names_are_the_same_and_those_are_not(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"\u0130", "I\u0307", true},        {"\u0130", "i\u0307", true},  {"\u0130", "i", false},         {"\u0131", "i", false},
        {"stra\u00dfe", "STRASSE", true},   {"\u1e9e", "ss", true},       {"\u03a3", "\u03c2", true},      {"\u03a3\u03c2", "\u03c3\u03c3", true},
        {"e\u0301", "\u00c9", true},        {"\u212b", "a\u030a", true},  {"\u03b1\u0345\u0301", "\u1fb4", true}, {"a", "b", false},
        {"\xff", "\xff", false},            {"", "", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (name_is_same(str_from(cases[i].a), str_from(cases[i].b)) != cases[i].same)
            fail_msg("%s and %s", cases[i].a, cases[i].b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folding_twice_is_folding_once),
        cmocka_unit_test(these_names_are_the_same_and_those_are_not),
        cmocka_unit_test(names_mean_field_then_former_then_display_names),
        cmocka_unit_test(find_field_takes_nothing_but_the_field_name),
        cmocka_unit_test(a_slip_is_near_and_another_word_is_not),
        cmocka_unit_test(the_most_columns_there_may_be_are_all_found),
        cmocka_unit_test(no_columns_means_nothing_is_found),
        cmocka_unit_test(system_columns_go_by_their_names),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
