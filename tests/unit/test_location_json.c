/* The types location and json: each line that is taken, with what is kept and written, and each that is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "rows/type.h"

static struct arena arena;

static bool parse(const struct type *t, enum raw_kind kind, const char *text, struct type_context *ctx, struct cell *ret,
                  struct type_refusal *why)
{
    struct raw raw = {kind, str_from(text)};
    *ctx = (struct type_context){.arena = &arena};
    memset(why, 0, sizeof *why);
    return t->parse(t, &raw, ctx, ret, why);
}

static void check(const char *input, const char *what, struct str got, const char *wanted)
{
    if (!str_eq(got, str_from(wanted)))
        fail_msg("%s: %s is\n" FMT_STR "\nnot\n%s", input, what, ARG_STR(got), wanted);
}

static void check_refused(const struct type *t, enum raw_kind kind, const char *text)
{
    struct type_context ctx;
    struct type_refusal why;
    struct cell c;
    if (parse(t, kind, text, &ctx, &c, &why))
        fail_msg("%s was taken", text);
    if (!why.expected[0] || !why.hint[0])
        fail_msg("%s was refused without a reason", text);
}

#define HUMAN(a, c, s, z)                                                                                                        \
    "{\\\"address\\\":\\\"" a "\\\",\\\"city\\\":\\\"" c "\\\",\\\"state\\\":\\\"" s "\\\",\\\"zip\\\":\\\"" z "\\\"}"
#define AT "\"latitude\":\"47.59815\",\"longitude\":\"-122.334540\""

static void a_location_is_taken_as_object_and_as_text(void **state)
{
    (void)state;
    static const struct {
        enum raw_kind kind;
        const char *text, *stored, *csv;
    } cases[] = {
        {RAW_OBJECT, "{\"latitude\": 47.59815, \"longitude\": -122.334540}", "{" AT "}", "(47.59815, -122.334540)"},
        {RAW_OBJECT, "{\"longitude\":\" -122.334540 \",\"latitude\":\"47.59815\",\"needs_recoding\":false}", "{" AT "}",
         "(47.59815, -122.334540)"},
        {RAW_OBJECT,
         "{\"latitude\":\"47.59815\",\"longitude\":\"-122.334540\",\"human_address\":\"" HUMAN("1 Main St", "Seattle", "WA",
                                                                                               "98101") "\"}",
         "{" AT ",\"human_address\":\"" HUMAN("1 Main St", "Seattle", "WA", "98101") "\"}",
         "1 Main St\nSeattle, WA 98101\n(47.59815, -122.334540)"},
        {RAW_OBJECT, "{\"human_address\": {\"address\": \"1 Main St\", \"city\": \"Seattle\"}}",
         "{\"human_address\":\"{\\\"address\\\":\\\"1 Main St\\\",\\\"city\\\":\\\"Seattle\\\"}\"}", "1 Main St\nSeattle"},
        {RAW_OBJECT, "{\"human_address\":\"somewhere\"}", "{\"human_address\":\"somewhere\"}", "somewhere"},
        {RAW_OBJECT, "{\"latitude\":\"47.5\",\"longitude\":null}", "{\"latitude\":\"47.5\"}", ""},
        {RAW_STRING, "(47.59815, -122.334540)", "{" AT "}", "(47.59815, -122.334540)"},
        {RAW_STRING, " ( 47.59815 ,-122.334540 ) ", "{" AT "}", "(47.59815, -122.334540)"},
        {RAW_STRING, "{\"latitude\":47.59815,\"longitude\":-122.334540}", "{" AT "}", "(47.59815, -122.334540)"},
        {RAW_STRING, "1 Main St\nSeattle, WA 98101\n(47.59815, -122.334540)",
         "{" AT ",\"human_address\":\"" HUMAN("1 Main St", "Seattle", "WA", "98101") "\"}",
         "1 Main St\nSeattle, WA 98101\n(47.59815, -122.334540)"},
        {RAW_STRING, "1 Main St, Seattle, WA, 98101, (47.59815, -122.334540)",
         "{" AT ",\"human_address\":\"" HUMAN("1 Main St", "Seattle", "WA", "98101") "\"}",
         "1 Main St\nSeattle, WA 98101\n(47.59815, -122.334540)"},
        {RAW_STRING, "1 Main St, Seattle, WA 98101-1234",
         "{\"human_address\":\"" HUMAN("1 Main St", "Seattle", "WA", "98101-1234") "\"}", "1 Main St\nSeattle, WA 98101-1234"},
        {RAW_STRING, "1 Main St, Seattle, Washington, 98101",
         "{\"human_address\":\"" HUMAN("1 Main St", "Seattle", "Washington", "98101") "\"}",
         "1 Main St\nSeattle, Washington 98101"},
        {RAW_STRING, "Seattle, WA (47.59815, -122.334540)", "{" AT ",\"human_address\":\"" HUMAN("", "Seattle", "WA", "") "\"}",
         "Seattle, WA\n(47.59815, -122.334540)"},
        {RAW_STRING, "12 Main St (47.59815, -122.334540)", "{" AT ",\"human_address\":\"" HUMAN("12 Main St", "", "", "") "\"}",
         "12 Main St\n(47.59815, -122.334540)"},
        {RAW_STRING, "1234 Route 60601 (47.59815, -122.334540)",
         "{" AT ",\"human_address\":\"" HUMAN("1234 Route 60601", "", "", "") "\"}", "1234 Route 60601\n(47.59815, -122.334540)"},
        {RAW_STRING, "12 MAIN CT, 06101", "{\"human_address\":\"" HUMAN("12 MAIN CT", "", "", "06101") "\"}",
         "12 MAIN CT\n06101"},
        {RAW_STRING, "a \"b\"\nX Y, New York 10001\n(47.59815, -122.334540)",
         "{" AT ",\"human_address\":\"" HUMAN("a \\\\\\\"b\\\\\\\"", "X Y", "New York", "10001") "\"}",
         "a \"b\"\nX Y, New York 10001\n(47.59815, -122.334540)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct type_context ctx;
        struct type_refusal why;
        struct cell c, again;
        struct buf out = {0};
        if (!parse(&type_location, cases[i].kind, cases[i].text, &ctx, &c, &why))
            fail_msg("%s: expected %s, %s", cases[i].text, why.expected, why.hint);
        assert_int_equal(c.kind, CELL_TEXT);
        check(cases[i].text, "what is kept", c.s, cases[i].stored);
        type_location.write_json(&type_location, &c, &(struct type_render){0}, &out);
        check(cases[i].text, "the reply", buf_str(&out), cases[i].stored);
        assert_true(type_location.parse(&type_location, &(struct raw){RAW_OBJECT, c.s}, &ctx, &again, &why));
        assert_int_equal(type_location.compare(&c, &again), 0);
        buf_reset(&out);
        type_location.write_csv(&type_location, &c, &(struct type_render){0}, &out);
        check(cases[i].text, "the csv cell", buf_str(&out), cases[i].csv);
        buf_free(&out);
    }
    arena_free(&arena);
}

static void a_location_that_cannot_be_read_is_refused(void **state)
{
    (void)state;
    static const struct {
        enum raw_kind kind;
        const char *text;
    } cases[] = {
        {RAW_OBJECT, "{}"},
        {RAW_OBJECT, "{\"lat\":1,\"lon\":2}"},
        {RAW_OBJECT, "{\"latitude\":\"north\",\"longitude\":1}"},
        {RAW_OBJECT, "{\"latitude\":true}"},
        {RAW_OBJECT, "{\"latitude\":[1]}"},
        {RAW_OBJECT, "{\"latitude\":\"NaN\"}"},
        {RAW_OBJECT, "{\"latitude\":1e999}"},
        {RAW_OBJECT, "{\"human_address\":[]}"},
        {RAW_OBJECT, "{\"type\":\"Point\",\"coordinates\":[1,2]}"},
        {RAW_STRING, "somewhere"},
        {RAW_STRING, "(47.5)"},
        {RAW_STRING, "(47.5, )"},
        {RAW_STRING, "(47.5, x)"},
        {RAW_STRING, "47.5, 1)"},
        {RAW_STRING, "POINT (1 2)"},
        {RAW_STRING, "{\"latitude\":"},
        {RAW_STRING, "{\"latitude\":1} x"},
        {RAW_NUMBER, "1"},
        {RAW_TRUE, "true"},
        {RAW_ARRAY, "[1,2]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_refused(&type_location, cases[i].kind, cases[i].text);
    arena_free(&arena);
}

static void nothing_in_a_location_is_null_and_odd_degrees_are_counted(void **state)
{
    (void)state;
    static const char *const nulls[] = {"{\"latitude\":null}", "{\"latitude\":null,\"longitude\":\"\",\"human_address\":null}"};
    struct type_context ctx;
    struct type_refusal why;
    struct cell c;
    for (size_t i = 0; i < 2; i++) {
        assert_true(parse(&type_location, RAW_OBJECT, nulls[i], &ctx, &c, &why));
        assert_int_equal(c.kind, CELL_NULL);
    }
    assert_true(parse(&type_location, RAW_STRING, " \n", &ctx, &c, &why));
    assert_int_equal(c.kind, CELL_NULL);
    assert_true(parse(&type_location, RAW_STRING, "(90.5, 10)", &ctx, &c, &why));
    assert_int_equal(ctx.degrees_out_of_range, 1);
    assert_true(parse(&type_location, RAW_STRING, "(90, -180)", &ctx, &c, &why));
    assert_int_equal(ctx.degrees_out_of_range, 0);
    arena_free(&arena);
}

static void version_2_shows_the_address_as_an_object(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{\"latitude\":\"1\",\"human_address\":\"{\\\"city\\\":\\\"X\\\"}\"}",
         "{\"latitude\":\"1\",\"human_address\":{\"city\":\"X\"}}"},
        {"{\"human_address\":\"plain\"}", "{\"human_address\":\"plain\"}"},
        {"{\"human_address\":\"[1]\"}", "{\"human_address\":\"[1]\"}"},
        {"{\"latitude\":1}", "{\"latitude\":\"1\"}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct type_context ctx;
        struct type_refusal why;
        struct cell c;
        struct buf out = {0};
        assert_true(parse(&type_location, RAW_OBJECT, cases[i][0], &ctx, &c, &why));
        type_location.write_json(&type_location, &c, &(struct type_render){.version_2 = true}, &out);
        check(cases[i][0], "version 2", buf_str(&out), cases[i][1]);
        buf_free(&out);
    }
    arena_free(&arena);
}

static void json_is_any_value_in_its_wrapper(void **state)
{
    (void)state;
    static const struct {
        enum raw_kind kind;
        const char *text, *bare;
    } cases[] = {
        {RAW_OBJECT, "{\"json\": 1}", "1"},
        {RAW_OBJECT, "{ \"json\" : null }", "null"},
        {RAW_OBJECT, "{\"json\":\"text\"}", "\"text\""},
        {RAW_OBJECT, "{\"json\": {\"b\": [1, 2.50, {\"a\": true}], \"a\": \"\"}}", "{\"b\":[1,2.50,{\"a\":true}],\"a\":\"\"}"},
        {RAW_OBJECT, "{\"json\":{\"json\":1}}", "{\"json\":1}"},
        {RAW_OBJECT, "{\"json\":123456789012345678901234567890.50}", "123456789012345678901234567890.50"},
        {RAW_STRING, " {\"json\": [ ]} ", "[]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct type_context ctx;
        struct type_refusal why;
        struct cell c;
        struct buf out = {0}, wanted = {0};
        if (!parse(&type_json, cases[i].kind, cases[i].text, &ctx, &c, &why))
            fail_msg("%s: expected %s, %s", cases[i].text, why.expected, why.hint);
        check(cases[i].text, "what is kept", c.s, cases[i].bare);
        type_json.write_json(&type_json, &c, &(struct type_render){0}, &out);
        buf_printf(&wanted, "{\"json\":%s}", cases[i].bare);
        assert_true(str_eq(buf_str(&out), buf_str(&wanted)));
        buf_reset(&out);
        type_json.write_csv(&type_json, &c, &(struct type_render){0}, &out);
        check(cases[i].text, "the csv cell", buf_str(&out), cases[i].bare);
        buf_free(&wanted);
        buf_free(&out);
    }
    arena_free(&arena);
}

static void json_without_its_wrapper_is_refused(void **state)
{
    (void)state;
    static const struct {
        enum raw_kind kind;
        const char *text;
    } cases[] = {
        {RAW_OBJECT, "{}"},
        {RAW_OBJECT, "{\"JSON\":1}"},
        {RAW_OBJECT, "{\"json\":1,\"other\":2}"},
        {RAW_OBJECT, "{\"json\":1,\"json\":2}"},
        {RAW_ARRAY, "[1]"},
        {RAW_NUMBER, "1"},
        {RAW_FALSE, "false"},
        {RAW_STRING, "text"},
        {RAW_STRING, "[1]"},
        {RAW_STRING, "{\"json\":"},
        {RAW_STRING, "{\"json\":1}{"},
        {RAW_STRING, "1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_refused(&type_json, cases[i].kind, cases[i].text);
    struct type_context ctx;
    struct type_refusal why;
    struct cell c;
    assert_true(parse(&type_json, RAW_STRING, "  ", &ctx, &c, &why));
    assert_int_equal(c.kind, CELL_NULL);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_location_is_taken_as_object_and_as_text),
        cmocka_unit_test(a_location_that_cannot_be_read_is_refused),
        cmocka_unit_test(nothing_in_a_location_is_null_and_odd_degrees_are_counted),
        cmocka_unit_test(version_2_shows_the_address_as_an_object),
        cmocka_unit_test(json_is_any_value_in_its_wrapper),
        cmocka_unit_test(json_without_its_wrapper_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
