/* The JSON tokenizer and tree (base/json.h): what is JSON, what is not, and where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/json_parser.h"
#include "base/random.h"

/* json_write of the tree, or the error as "row:column message". */
static char *parsed(struct str text)
{
    struct arena a = {0};
    struct buf out = {0};
    struct json *tree;
    struct error err;
    if (json_parse(&a, text, &tree, &err))
        json_write(tree, &out);
    else
        buf_printf(&out, "! %s {%s}", err.message, err.data);
    arena_free(&a);
    return buf_take_z(&out);
}

static void json_is_taken_and_written_compactly(void **state)
{
    (void)state;
    static const struct {
        const char *text, *compact;
    } cases[] = {
        {"{}", "{}"},
        {" [ ] \r\n\t", "[]"},
        {"null", "null"},
        {"-0", "-0"},
        {"12345678901234567890.0010e-5", "12345678901234567890.0010e-5"},
        {"1E+5", "1E+5"},
        {"0.5", "0.5"},
        {"\"\\u0041\\n\\/\\\"\\\\\"", "\"A\\n/\\\"\\\\\""},
        {"\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\""},
        {"\"\xc3\xa9\"", "\"\xc3\xa9\""},
        {"\xef\xbb\xbf[1]", "[1]"},
        {"{\"a\":1,\"a\":2}", "{\"a\":1,\"a\":2}"},
        {"{\"\":[true,false,null,{\"b\":[]}]}", "{\"\":[true,false,null,{\"b\":[]}]}"},
        {"[\"a long text that is longer than sixteen bytes, \\\"quoted\\\"\"]", "[\"a long text that is longer than sixteen bytes, \\\"quoted\\\"\"]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *got = parsed(str_from(cases[i].text));
        assert_string_equal(got, cases[i].compact);
        free(got);
    }
}

static void what_is_not_json_is_refused_with_its_place_and_a_hint(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int row, column;
        const char *says;
    } cases[] = {
        {"", 1, 1, "empty"},
        {"  \n ", 1, 1, "empty"},
        {"\xef\xbb\xbf", 1, 1, "empty"},
        {"[1", 1, 3, "ends before"},
        {"[1,\n\n", 3, 1, "ends before"},
        {"{\"a\"", 1, 5, "ends before"},
        {"[\"a", 1, 2, "not closed"},
        {"[1]\nx", 2, 1, "goes on after"},
        {"{} {}", 1, 4, "application/x-ndjson"},
        {"[1,]", 1, 4, "no comma after"},
        {"{\"a\":1,}", 1, 8, "no comma after"},
        {"[,1]", 1, 2, "missing before the comma"},
        {"{\"a\" 1}", 1, 6, "\":\""},
        {"{\"a\":1 \"b\":2}", 1, 8, "\",\" or \"}\""},
        {"[1 2]", 1, 4, "\",\" or \"]\""},
        {"[1}", 1, 3, "\"]\""},
        {"]", 1, 1, "a value"},
        {"{a:1}", 1, 2, "double quotes"},
        {"{'a':1}", 1, 2, "double quotes"},
        {"['a']", 1, 2, "double quotes"},
        {"{\n  \"a\": 1,\n  \"b\": NaN}", 3, 8, "NaN is not JSON; send null"},
        {"[-Infinity]", 1, 3, "send null"},
        {"[Infinity]", 1, 2, "send null"},
        {"[None]", 1, 2, "send null"},
        {"[True]", 1, 2, "small letters"},
        {"[tru]", 1, 2, "\"tru\""},
        {"[truefalse]", 1, 2, "\"truefalse\""},
        {"[01]", 1, 3, "leading zero"},
        {"[-]", 1, 3, "a digit"},
        {"[1.]", 1, 4, "after the point"},
        {"[.5]", 1, 2, "0.5"},
        {"[+1]", 1, 2, "plus"},
        {"[1e]", 1, 4, "after its e"},
        {"[0x10]", 1, 3, "hexadecimal"},
        {"[1_000]", 1, 3, "separators"},
        {"[1 /* one */]", 1, 4, "comments"},
        {"// x\n[1]", 1, 1, "comments"},
        {"[\"a\tb\"]", 1, 4, "\\t"},
        {"[\"a\nb\"]", 1, 4, "\\n"},
        {"[\"\\x\"]", 1, 3, "backslash"},
        {"[\"\\u12g4\"]", 1, 3, "four hexadecimal"},
        {"[\"\\ud800\"]", 1, 3, "surrogate"},
        {"[\"ab\\udc00\"]", 1, 5, "surrogate"},
        {"[\"\\ud800\\u0041\"]", 1, 3, "surrogate"},
        {"[\"a\xff\"]", 1, 4, "not UTF-8"},
        {"[\"\xc0\xaf\"]", 1, 3, "not UTF-8"},
        {"[\"\xed\xa0\x80\"]", 1, 3, "not UTF-8"},
        {"[\"\xe2\x82\"]", 1, 3, "not UTF-8"},
        {"\xff\xfe[", 1, 1, "UTF-16"},
        {"\xef\xbb\xbf\xef\xbb\xbf[]", 1, 1, "byte order mark"},
        {"\xef\xbb[]", 1, 1, "0xef"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *got = parsed(str_from(cases[i].text)), place[80];
        snprintf(place, sizeof place, "! the json request body is malformed at row %d and column %d: ", cases[i].row, cases[i].column);
        if (strncmp(got, place, strlen(place)) != 0 || !strstr(got, cases[i].says))
            fail_msg("%s: expected %s… %s, got %s", cases[i].text, place, cases[i].says, got);
        free(got);
    }
}

static void utf_16_is_refused_with_a_hint(void **state)
{
    (void)state;
    static const char le[] = "[\0001\0]", be[] = "\0[\0001\0]";
    char *got = parsed(str_make(le, sizeof le));
    assert_non_null(strstr(got, "UTF-16"));
    free(got);
    got = parsed(str_make(be, sizeof be - 1));
    assert_non_null(strstr(got, "UTF-16"));
    free(got);
}

/* Tokens as text, to compare readings. */
static bool log_begin(void *ctx, enum json_kind kind, struct error *err)
{
    (void)err;
    buf_add_byte(ctx, kind == JSON_OBJECT ? '{' : '[');
    return true;
}

static bool log_end(void *ctx, enum json_kind kind, struct error *err)
{
    (void)err;
    buf_add_byte(ctx, kind == JSON_OBJECT ? '}' : ']');
    return true;
}

static bool log_key(void *ctx, struct str key, struct error *err)
{
    (void)err;
    buf_add_json(ctx, key);
    buf_add_byte(ctx, ':');
    return true;
}

static bool log_value(void *ctx, enum json_kind kind, struct str text, struct error *err)
{
    (void)err;
    if (kind == JSON_STRING)
        buf_add_json(ctx, text);
    else
        buf_add_str(ctx, text);
    buf_add_byte(ctx, ' ');
    return true;
}

/* cuts: how many bytes each slice gets, 0 ends the list and stands for the rest. */
static char *tokens(struct str text, const size_t *cuts, const struct json_limits *limits, bool many)
{
    struct buf log = {0};
    struct json_events events = {&log, log_begin, log_end, log_key, log_value, NULL};
    struct error err;
    struct json_parser *p = json_parser_new(limits, &events, &err);
    bool ok = true;
    if (many)
        json_parser_allow_many(p);
    while (ok && text.n) {
        size_t n = *cuts && *cuts < text.n ? *cuts : text.n;
        cuts += *cuts != 0;
        char *slice = malloc(n);
        memcpy(slice, text.p, n);
        ok = json_parser_push(p, str_make(slice, n), &err);
        free(slice);
        text = str_skip(text, n);
    }
    if (!ok || !json_parser_finish(p, &err))
        buf_printf(&log, "! %d %s {%s}", (int)err.code, err.message, err.data);
    json_parser_free(p);
    return buf_take_z(&log);
}

static const char *const samples[] = {
    "\xef\xbb\xbf[{\"a\":\"x\\u00e9\\ud83d\\ude00\\n\",\"b\":-12.5e+3},\r\n {\"\xc3\xa9t\xc3\xa9\":true,\"c\":[null,false,0]}]\n",
    "[\"a text of more than sixteen bytes with \xe2\x82\xac and \\\\ and \\\" in it\", 1234567890123456789]",
    "[\"bad \\ud800 escape\"]", "[\"bad \xe2\x82 utf-8\"]", "[1, 2, 03]", "[nul]", "[\"a\\\nb\"]", "{\"a\":1e}", "[-Infinity]", "[\"unclosed", "12",
    "12x", "true", "[[[[1]]]", "{\"a\":1}\n{\"a\":2}\n", "\xef\xbb", "[\"\\u00\n\"]", "[\"\\", "[\"a\"b]", "{\"k\" : \"v\" , }",
};

static void any_cut_gives_the_same_tokens(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof samples / sizeof *samples; s++)
        for (int many = 0; many < 2; many++) {
            struct str text = str_from(samples[s]);
            char *whole = tokens(text, (size_t[]){0}, &json_limits_default, many);
            for (size_t cut = 1; cut < text.n; cut++) {
                char *got = tokens(text, (size_t[]){cut, 0}, &json_limits_default, many);
                assert_string_equal(got, whole);
                free(got);
            }
            size_t ones[256];
            for (size_t i = 0; i < 256; i++)
                ones[i] = 1;
            char *got = tokens(text, ones, &json_limits_default, many);
            assert_string_equal(got, whole);
            free(got);
            free(whole);
        }
}

static void limits_hold_on_both_sides(void **state)
{
    (void)state;
    struct json_limits limits = {.depth_max = 3, .token_bytes_max = 40, .key_bytes_max = 5, .number_bytes_max = 6};
    static const struct {
        const char *under, *over;
        enum error_code code;
        const char *limit;
    } cases[] = {
        {"[[[]]]", "[[[[]]]]", ERROR_LIMIT_EXCEEDED, "\"limit\":3,"},
        {"[\"0123456789012345678901234567890123456789\"]", "[\"01234567890123456789012345678901234567890\"]", ERROR_BODY_TOO_LARGE, "\"limit\":40,"},
        {"{\"12345\":1}", "{\"123456\":1}", ERROR_LIMIT_EXCEEDED, "\"limit\":5,"},
        {"{\"\\u0041\\u0041\\u0041\\u0041\\u0041\":1}", "{\"\\u0041\\u0041\\u0041\\u0041\\u0041\\u0041\":1}", ERROR_LIMIT_EXCEEDED, "\"limit\":5,"},
        {"[123456]", "[1234567]", ERROR_LIMIT_EXCEEDED, "\"limit\":6,"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t cut = 0; cut < strlen(cases[i].over); cut++) {
            char code[16], *got = tokens(str_from(cases[i].under), (size_t[]){cut, 0}, &limits, false);
            assert_null(strchr(got, '!'));
            free(got);
            got = tokens(str_from(cases[i].over), (size_t[]){cut, 0}, &limits, false);
            snprintf(code, sizeof code, "! %d ", (int)cases[i].code);
            if (!strstr(got, code) || !strstr(got, cases[i].limit))
                fail_msg("%s cut at %zu: %s", cases[i].over, cut, got);
            free(got);
        }
}

static void a_hundred_thousand_brackets_are_refused_without_the_stack(void **state)
{
    (void)state;
    char *deep = malloc(100000);
    memset(deep, '[', 100000);
    char *got = parsed(str_make(deep, 100000));
    assert_non_null(strstr(got, "nested too deeply"));
    free(got);
    free(deep);
    char text[64 * 2 + 1];
    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    got = parsed(str_make(text, 128));
    assert_int_equal(strlen(got), 128);
    free(got);
}

static void a_string_ends_where_it_ends_at_any_offset(void **state)
{
    (void)state;
    /* every length round the width of the vector scan, with the interesting byte at every place */
    static const char *const inside[] = {"\\n", "\xc3\xa9", "x", "\\u0001"};
    static const char *const means[] = {"\\n", "\xc3\xa9", "x", "\\u0001"};
    for (size_t n = 0; n < 70; n++)
        for (size_t k = 0; k < 4; k++) {
            char text[128], want[128];
            memset(text, 'a', sizeof text);
            int used = snprintf(text, sizeof text, "[\"%.*s%s%.*s\"]", (int)n, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                                inside[k], (int)(n % 19), "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
            snprintf(want, sizeof want, "[\"%.*s%s%.*s\"]", (int)n, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                     means[k], (int)(n % 19), "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
            char *copy = malloc((size_t)used);
            memcpy(copy, text, (size_t)used);
            char *got = parsed(str_make(copy, (size_t)used));
            assert_string_equal(got, want);
            free(got);
            free(copy);
        }
}

static void members_are_found_by_name_the_last_of_equals(void **state)
{
    (void)state;
    struct arena a = {0};
    struct error err;
    struct json *v;
    int64_t n;
    bool b;
    assert_true(json_parse(&a, STR("{\"s\":\"x\",\"n\":-9223372036854775808,\"t\":\"42\",\"f\":1.0,\"b\":true,\"s\":\"y\",\"big\":9223372036854775808}"), &v, &err));
    assert_int_equal(v->n, 7);
    assert_true(str_eq(json_get_str(v, STR("s")), STR("y")));
    assert_null(json_get_str(v, STR("n")).p);
    assert_true(json_get_i64(v, STR("n"), &n) && n == INT64_MIN);
    assert_true(json_get_i64(v, STR("t"), &n) && n == 42);
    assert_false(json_get_i64(v, STR("f"), &n));
    assert_false(json_get_i64(v, STR("big"), &n));
    assert_true(json_get_bool(v, STR("b"), &b) && b);
    assert_false(json_get_bool(v, STR("s"), &b));
    assert_null(json_get(v, STR("none")));
    assert_null(json_get(NULL, STR("none")));
    arena_free(&a);
}

static void many_values_stand_on_lines_of_their_own(void **state)
{
    (void)state;
    char *got = tokens(STR("{\"a\":1}\n\n[2]\r\n3"), (size_t[]){0}, &json_limits_default, true);
    assert_string_equal(got, "{\"a\":1 }[2 ]3 ");
    free(got);
    got = tokens(STR("{\"a\":1} [2]"), (size_t[]){0}, &json_limits_default, true);
    assert_non_null(strstr(got, "row 1 and column 9: expected a line break"));
    free(got);
    got = tokens(STR_NONE, (size_t[]){0}, &json_limits_default, true);
    assert_string_equal(got, "");
    free(got);
}

static void a_tree_has_250000_values_at_most(void **state)
{
    (void)state;
    for (unsigned n = 249999; n <= 250000; n++) {
        struct arena a = {0};
        struct buf text = {0};
        struct json *tree;
        struct error err;
        for (unsigned i = 0; i < n; i++) /* and the array itself */
            buf_add_z(&text, i ? ",1" : "[1");
        buf_add_byte(&text, ']');
        bool ok = json_parse(&a, buf_str(&text), &tree, &err);
        assert_int_equal(ok, n == 249999);
        if (!ok)
            assert_int_equal(err.code, ERROR_LIMIT_EXCEEDED);
        buf_free(&text);
        arena_free(&a);
    }
}

static void what_is_no_object_has_no_members(void **state)
{
    (void)state;
    struct arena a = {0};
    struct json *array, *object;
    struct error err;
    int64_t n;
    bool b;
    assert_true(json_parse(&a, STR("[1]"), &array, &err) && json_parse(&a, STR("{\"o\":{},\"no\":false}"), &object, &err));
    assert_null(json_get(array, STR("a")));
    assert_false(json_get_i64(object, STR("o"), &n) || json_get_bool(object, STR("o"), &b) || json_get_bool(object, STR("none"), &b));
    assert_true(json_get_bool(object, STR("no"), &b) && !b);
    arena_free(&a);
}

static bool hear(void *ctx, enum json_kind kind, struct str text, struct error *err)
{
    (void)kind, (void)err;
    *(size_t *)ctx += text.n;
    return true;
}

static bool begin_taken(void *ctx, enum json_kind kind, struct error *err)
{
    (void)ctx, (void)err;
    return kind == JSON_OBJECT || kind == JSON_ARRAY;
}

static struct json_parser *taking;

static bool take_all(void *ctx, enum json_kind kind, struct error *err)
{
    (void)ctx, (void)kind, (void)err;
    json_parser_take_text(taking);
    return true;
}

/* What is larger than a mebibyte is gathered, told, and its memory given back. */
static void memory_for_a_large_text_is_not_kept(void **state)
{
    (void)state;
    enum { LONG = 3 << 20 };
    for (int kind = 0; kind < 3; kind++) {
        struct buf text = {0};
        size_t heard = 0;
        struct error err = {0};
        struct json_events events = {.ctx = &heard, .begin = kind == 2 ? take_all : begin_taken, .end = begin_taken, .value = hear};
        struct json_parser *p = json_parser_new(&json_limits_default, &events, &err);
        assert_non_null(p);
        taking = p;
        buf_add_z(&text, kind == 1 ? "[\"\\n" : "[\""); /* plain, to be unescaped, taken as text */
        memset(buf_room(&text, LONG), 'x', LONG);
        text.n += LONG;
        buf_add_z(&text, "\",\"short\"]");
        for (struct str rest = buf_str(&text); rest.n; rest = str_skip(rest, 1 << 20))
            assert_true(json_parser_push(p, str_head(rest, 1 << 20), &err));
        assert_true(json_parser_finish(p, &err));
        assert_int_equal(heard, kind == 2 ? text.n : LONG + 5 + (kind == 1));
        assert_true(p->held.cap <= HELD_BYTES_KEPT && p->text.cap <= HELD_BYTES_KEPT && p->taken.cap <= HELD_BYTES_KEPT);
        json_parser_free(p);
        buf_free(&text);
    }
}

static void a_container_taken_as_text_has_a_limit(void **state)
{
    (void)state;
    struct json_limits limits = json_limits_default;
    limits.token_bytes_max = 10;
    for (int slice = 1; slice <= 20; slice += 19)
        for (int extra = 0; extra < 2; extra++) {
            size_t heard = 0;
            struct error err = {0};
            struct json_events events = {.ctx = &heard, .begin = take_all, .end = begin_taken, .value = hear};
            struct json_parser *p = json_parser_new(&limits, &events, &err);
            struct str rest = extra ? STR("[1,2,3,4,55]") : STR("[1,2,3,44]");
            bool ok = true;
            taking = p;
            for (; ok && rest.n; rest = str_skip(rest, (size_t)slice))
                ok = json_parser_push(p, str_head(rest, (size_t)slice), &err);
            ok = ok && json_parser_finish(p, &err);
            assert_int_equal(ok, !extra);
            if (ok)
                assert_int_equal(heard, 10);
            else
                assert_int_equal(err.code, ERROR_BODY_TOO_LARGE);
            json_parser_free(p);
        }
    json_parser_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_taken_and_written_compactly),
        cmocka_unit_test(what_is_not_json_is_refused_with_its_place_and_a_hint),
        cmocka_unit_test(utf_16_is_refused_with_a_hint),
        cmocka_unit_test(any_cut_gives_the_same_tokens),
        cmocka_unit_test(limits_hold_on_both_sides),
        cmocka_unit_test(a_hundred_thousand_brackets_are_refused_without_the_stack),
        cmocka_unit_test(a_string_ends_where_it_ends_at_any_offset),
        cmocka_unit_test(members_are_found_by_name_the_last_of_equals),
        cmocka_unit_test(many_values_stand_on_lines_of_their_own),
        cmocka_unit_test(a_tree_has_250000_values_at_most),
        cmocka_unit_test(what_is_no_object_has_no_members),
        cmocka_unit_test(memory_for_a_large_text_is_not_kept),
        cmocka_unit_test(a_container_taken_as_text_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
