/* JSON, NDJSON and form bodies to rows (format/reader.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/row_log.h"

static const struct {
    enum reader_format format;
    const char *text, *log; /* a log that ends in * need only begin so */
} cases[] = {
    {READER_JSON, "[]", "many|"},
    {READER_JSON, "[{}]", "many|#1 .|"},
    {READER_JSON, "[{\"a\":1,\"b\":\"x\"},\n{\"a\":null,\"b\":true}]", "many|#1 a=0|0:1@7 b=1|1:\"x\"@13 .|#2 0:null@6 1:true@15 .|"},
    {READER_JSON, "{\"a\":false}", "one|#1 a=0|0:false@6 .|"},
    {READER_JSON, "[{\"a\":1,\"a\":2}]", "many|#1 a=0|0:1@7 0:2@13 .|"},
    {READER_JSON, "[{\"b\":1},{\"a\":1,\"b\":2,\"c\":3},{\"c\":1,\"a\":2}]",
     "many|#1 b=0|0:1@7 .|#1 a=1|1:1@15 0:2@21 c=2|2:3@27 .|#1 2:1@35 1:2@41 .|"},
    {READER_JSON, "[{\"p\": { \"type\" : \"Point\", \"coordinates\":[ -1.50, 2 ] , \"x\":{}, \"y\":[{}]}, \"q\":[]}]",
     "many|#1 p=0|0:{ \"type\" : \"Point\", \"coordinates\":[ -1.50, 2 ] , \"x\":{}, \"y\":[{}]}@8 q=1|1:[]@80 .|"},
    /* a name that is the beginning of the guessed one, or the guessed one unescaped, is not the guessed one */
    {READER_JSON, "[{\"longname1\":1,\"b\":1},{\"longname\":1},{\"longname12\":1},{\"longname1\":2}]",
     "many|#1 longname1=0|0:1@15 b=1|1:1@21 .|#1 longname=2|2:1@36 .|#1 longname12=3|3:1@53 .|#1 0:2@69 .|"},
    {READER_JSON, "[{\"a\\\"b\":1},{\"a\\\"b\":2},{\"a\\u0022b\":3},{\"\\u0061\\\"b\":4}]",
     "many|#1 a\"b=0|0:1@10 .|#1 0:2@21 .|#1 0:3@36 .|#1 0:4@52 .|"},
    {READER_JSON, "[{\"a\" : 1 , \"b\"\n:2},{ \"a\" :1,\"b\": 2 }]", "many|#1 a=0|0:1@9 b=1|1:2@2 .|#2 0:1@12 1:2@19 .|"},
    {READER_JSON, "[[12],[\"x\"],[null]]", "many|[]#1 0:12@3 .|[]#1 0:\"x\"@8 .|[]#1 0:null@14 .|"},
    {READER_JSON, "[[],[1,2],[{}],[[1]],[1,[2]]]",
     "many|?#1 (an empty array) .|?#1 (an array of several values) .|[]#1 0:{}@12 .|[]#1 0:[1]@17 .|?#1 (an array of several values) .|"},
    {READER_JSON, "[1,\n\"x\",null,true,{}]", "many|?#1 (a number) .|?#2 (a string) .|?#2 (null) .|?#2 (true) .|#2 .|"},
    {READER_JSON, "1",
     "!req.content.json.invalid {\"expected\":\"array, object\",\"found\":\"a number\",\"row\":1,\"column\":1} The json content of the request is "
     "not an array or object"},
    {READER_JSON, "\"x\"", "!req.content.json.invalid*"},
    {READER_JSON, "null", "!req.content.json.invalid*"},
    {READER_JSON, "", "!req.body.malformed-json {\"row\":1,\"column\":1,\"byte\":0}*"},
    {READER_JSON, "[{\"a\":1},", "many|#1 a=0|0:1@7 .|!req.body.malformed-json {\"row\":1,\"column\":10,\"byte\":9}*"},
    {READER_JSON, "{\"a\":1}\n{\"a\":2}", "one|#1 a=0|0:1@6 .|!req.body.malformed-json {\"row\":2,\"column\":1,\"byte\":8}*"},
    {READER_NDJSON, "{\"a\":1}\n{\"a\":2}\n\n[3]\n4\n", "many|#1 a=0|0:1@6 .|#2 0:2@6 .|[]#4 0:3@2 .|?#5 (a number) .|"},
    {READER_NDJSON, "", "many|"},
    {READER_NDJSON, "{\"a\":1} {\"a\":2}", "many|#1 a=0|0:1@6 .|!req.body.malformed-json {\"row\":1,\"column\":9,\"byte\":8}*"},
    {READER_FORM, "a=1&b=x+y%21&c=&d", "many|#1 a=0|0:\"1\"@3 b=1|1:\"x y!\"@7 c=2|2:null@16 d=3|3:null@18 .|"},
    {READER_FORM, "%c3%a9=%E2%82%AC", "many|#1 \xc3\xa9=0|0:\"\xe2\x82\xac\"@8 .|"},
    {READER_FORM, "a=%4", "many|#1 a=0|!req.body.malformed-text {\"byte\":2}*"},
    {READER_FORM, "a=%ff", "many|#1 a=0|!req.body.malformed-text {\"byte\":2}*"},
    {READER_FORM, "", "!req.body.malformed-text*"},
};

static void check(const char *text, const char *got, const char *want)
{
    size_t n = strlen(want);
    if (n && want[n - 1] == '*' ? strncmp(got, want, n - 1) != 0 : strcmp(got, want) != 0)
        fail_msg("%s\n  expected %s\n  got      %s", text, want, got);
}

static void bodies_become_these_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *got = row_log_read(cases[i].format, NULL, str_from(cases[i].text), NULL, NULL);
        check(cases[i].text, got, cases[i].log);
        free(got);
    }
}

static void any_slicing_gives_the_same_records(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str text = str_from(cases[i].text);
        char *whole = row_log_read(cases[i].format, NULL, text, NULL, NULL);
        for (size_t cut = 1; cut < text.n + 20; cut++) {
            size_t first = cut;
            char *got = cut < text.n ? row_log_read(cases[i].format, NULL, text, cut_once, &first)
                                     : row_log_read(cases[i].format, NULL, text, cut_at_random, &seed);
            assert_string_equal(got, whole);
            free(got);
        }
        free(whole);
    }
}

/* The same for a sink that takes broken rows (docs/wire/bodies.md, "Rows that cannot be read"). */
static const struct {
    enum reader_format format;
    const char *text, *log;
} broken[] = {
    {READER_NDJSON, "{\"a\":1}\n{\"a\":nope}\n{\"a\":3}\n",
     "many|#1 a=0|0:1@6 .|#2 ~-1:\"{\\\"a\\\":nope}\"@6(the json request body ) .|#3 0:3@6 .|"},
    {READER_NDJSON, "oops\n\n{\"a\":1,\"b\":\"x\n\r\n{\"a\":2}\r\n",
     "many|#1 ~-1:\"oops\"@1(the json request body ) .|#3 a=0|0:1@6 b=1|~-1:\"{\\\"a\\\":1,\\\"b\\\":\\\"x\"@12(the json request body ) .|#5 0:2@6 .|"},
    {READER_NDJSON, "{\"a\":1},\n{\"a\":2} {\"a\":3}\n[4] x\n5 6\n{\"a\":7}",
     "many|#1 a=0|0:1@6 ~-1:\"{\\\"a\\\":1},\"@7(the json request body ) .|#2 0:2@6 ~-1:\"{\\\"a\\\":2} {\\\"a\\\":3}\"@7(the json request body ) .|[]#3 0:4@2 ~-1:\"[4] x\"@3(the json request body ) .|?#4 (a number) ~-1:\"5 6\"@1(the json request body ) .|#5 0:7@6 .|"},
    {READER_NDJSON, "{\"a\":1,\n\"a\":2}\n{\"a\":{\"b\":[1,\n{\"a\":3}\n",
     "many|#1 a=0|0:1@6 ~-1:\"{\\\"a\\\":1,\"@0(the row at line 1 does) .|?#2 (a string) ~-1:\"\\\"a\\\":2}\"@1(the json request body ) .|#3 ~-1:\"{\\\"a\\\":{\\\"b\\\":[1,\"@0(the row at line 3 does) .|#4 0:3@6 .|"},
    {READER_NDJSON, "{\"a\":1",
     "many|#1 a=0|0:1@6 ~-1:\"{\\\"a\\\":1\"@6(the json request body ) .|"},
    {READER_NDJSON, "{\"a\":1}\n{\"a\":\"x",
     "many|#1 a=0|0:1@6 .|#2 ~-1:\"{\\\"a\\\":\\\"x\"@6(the json request body ) .|"},
    {READER_NDJSON, "{\"a\":1}\n7",
     "many|#1 a=0|0:1@6 .|?#2 (a number) .|"},
    {READER_NDJSON, "\xef\xbb\xbf{\"a\":1}\n",
     "many|#1 a=0|0:1@6 .|"},
    {READER_NDJSON, "\xef\xbb\n{\"a\":1}\n",
     "many|#1 ~-1:\"\xef\xbf\xbd\xef\xbf\xbd\"@1(the json request body ) .|#2 a=0|0:1@6 .|"},
    {READER_NDJSON, "",
     "many|"},
    {READER_NDJSON, "\n \n",
     "many|"},
    {READER_NDJSON, "{\"caf\xe9\":1}\n{\"a\":\"caf\xe9\",\"b\":2}\n{\"a\":3}",
     "many|#1 ~-1:\"{\\\"caf\xef\xbf\xbd\\\":1}\"@2(the json request body ) .|#2 a=0|~0:\"caf\xef\xbf\xbd\"@6(the json request body ) b=1|1:2@17 .|#3 0:3@6 .|"},
    {READER_JSON, "[{\"a\":\"caf\xe9\",\"b\":\"\\ud800\"},{\"a\":\"\\x\"},\n{\"a\":1}]",
     "many|#1 a=0|~0:\"caf\xef\xbf\xbd\"@7(the json request body ) b=1|~1:\"\\\\ud800\"@18(the json request body ) .|#1 ~0:\"\\\\x\"@33(the json request body ) .|#2 0:1@6 .|"},
    {READER_JSON, "[{\"a\":{\"b\":\"\xff\",\"c\":[\"\\u12\"]},\"d\":1},[\"\xff\"],[\"\xff\",1],\"\xff\",[\"x\"]]",
     "many|#1 a=0|~0:\"{\\\"b\\\":\\\"\xef\xbf\xbd\\\",\\\"c\\\":[\\\"\\\\u12\\\"]}\"@7(the json request body ) d=1|1:1@34 .|[]#1 ~0:\"\xef\xbf\xbd\"@38(the json request body ) .|?#1 (an array of several values) .|?#1 (a string) .|[]#1 0:\"x\"@56 .|"},
    {READER_JSON, "{\"a\":\"\xff\"}",
     "one|#1 a=0|~0:\"\xef\xbf\xbd\"@6(the json request body ) .|"},
    {READER_JSON, "\"\xff\"",
     "!req.content.json.invalid {\"expected\":\"array, object\",\"found\":\"a string\",\"row\":1,\"column\":1} The json content of the request is not an array or object"},
    {READER_JSON, "[{\"caf\xe9\":1}]",
     "many|#1 !req.body.malformed-json {\"row\":1,\"column\":7,\"byte\":6} the json request body is malformed at row 1 and column 7: byte 0xe9 at byte 6 is not UTF-8"},
    {READER_JSON, "[{\"a\":1},{\"a\":nope},{\"a\":3}]",
     "many|#1 a=0|0:1@7 .|#1 !req.body.malformed-json {\"row\":1,\"column\":15,\"byte\":14} the json request body is malformed at row 1 and column 15: \"nope\" is not a value; text takes double quotes"},
    {READER_JSON, "[{\"a\":\"x\n\"}]",
     "many|#1 a=0|!req.body.malformed-json {\"row\":1,\"column\":9,\"byte\":8} the json request body is malformed at row 1 and column 9: a line break inside of text is written \\n, or the closing quote is missing"},
    {READER_FORM, "a=%ff",
     "many|#1 a=0|!req.body.malformed-text {\"byte\":2} the form request body is malformed at byte 2: not UTF-8"},
};

static char *read_broken(enum reader_format format, struct str text, size_t (*next_cut)(void *ctx, size_t left), void *ctx)
{
    return row_log_read_to((struct row_log){.takes_broken = true}, format, NULL, text, next_cut, ctx);
}

static void rows_that_cannot_be_read_are_told_and_the_next_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        char *got = read_broken(broken[i].format, str_from(broken[i].text), NULL, NULL);
        check(broken[i].text, got, broken[i].log);
        free(got);
    }
}

/* Bodies of the pieces that matter, most of them damaged: however they are cut, the same rows are good and the same are broken. */
static void any_slicing_breaks_the_same_rows(void **state)
{
    (void)state;
    static const char *const pieces[] = {"{\"a\":", "1", "}\n", "}", "\n", "[", "]", "\"", "\"x\"", ",", "\"caf\xe9\"", "{\"a\":1}\n", "\"b\":", "\\", " ", "\r\n", "tru"};
    uint64_t x = test_seed();
    for (int round = 0; round < 2000; round++) {
        enum reader_format format = round % 4 ? READER_NDJSON : READER_JSON;
        struct buf text = {0};
        if (format == READER_JSON)
            buf_add_z(&text, "[");
        for (unsigned n = (unsigned)(x >> 40) % 40; n; n--) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            buf_add_z(&text, pieces[(x >> 9) % (sizeof pieces / sizeof *pieces)]);
        }
        uint64_t cuts = x | 1;
        char *whole = read_broken(format, buf_str(&text), NULL, NULL), *cut = read_broken(format, buf_str(&text), cut_at_random, &cuts);
        if (strcmp(whole, cut) != 0)
            fail_msg(FMT_STR "\n  whole %s\n  cut   %s", ARG_STR(buf_str(&text)), whole, cut);
        free(whole);
        free(cut);
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        buf_free(&text);
    }
}

static void names_are_asked_for_once_in_any_order(void **state)
{
    (void)state;
    uint64_t x = test_seed();
    struct buf text = {0};
    buf_add_z(&text, "[");
    for (int row = 0; row < 300; row++) {
        buf_add_z(&text, row ? ",{" : "{");
        for (int i = 0, any = 0; i < 40; i++) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            if (x % 3 == 0)
                continue;
            unsigned name = row % 2 ? (unsigned)i : (unsigned)(x >> 20) % 40;
            buf_printf(&text, "%s\"column_%u\":%u", any++ ? "," : "", name, name);
        }
        buf_add_z(&text, "}");
    }
    buf_add_z(&text, "]");
    char *got = row_log_read(READER_JSON, NULL, buf_str(&text), NULL, NULL);
    int slot_of[40], asked = 0;
    memset(slot_of, -1, sizeof slot_of);
    for (char *p = got; (p = strstr(p, "column_")); p++) {
        unsigned name = (unsigned)atoi(p + 7);
        assert_int_equal(slot_of[name], -1);
        slot_of[name] = atoi(strchr(p, '=') + 1);
        asked++;
    }
    assert_true(asked <= 40);
    size_t values = 0;
    for (char *p = got; (p = strchr(p, ':')); p++, values++) { /* slot:value@column */
        char *digits = p;
        while (digits > got && digits[-1] >= '0' && digits[-1] <= '9')
            digits--;
        assert_int_equal(atoi(digits), slot_of[atoi(p + 1)]);
    }
    assert_true(values > 5000);
    free(got);
    buf_free(&text);
}

static void limits_hold_on_both_sides(void **state)
{
    (void)state;
    struct reader_limits limits = reader_limits_default;
    limits.names_max = 3;
    limits.name_bytes_max = 4;
    limits.row_bytes_max = 40;
    static const struct {
        enum reader_format format;
        const char *under, *over, *says;
    } at[] = {
        {READER_JSON, "[{\"a\":1,\"b\":1,\"c\":1},{\"a\":1}]", "[{\"a\":1,\"b\":1,\"c\":1,\"d\":1}]", "!req.limit-exceeded {\"limit\":3"},
        {READER_JSON, "[{\"abcd\":1}]", "[{\"abcde\":1}]", "!req.limit-exceeded {\"limit\":4"},
        {READER_JSON, "[{\"a\":\"012345678\",\"b\":\"0123456789\",\"c\":1}]", "[{\"a\":\"0123456789\",\"b\":\"0123456789\",\"c\":1}]",
         "!req.body.too-large {\"limit\":40"},
        {READER_JSON, "[{\"a\":[1,2,3,4,5,6,7,8,9,1,2,3]}]", "[{\"a\":[1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9]}]", "!req.body.too-large {\"limit\":40"},
        {READER_FORM, "a=1&b=1&c=1", "a=1&b=1&c=1&d=1", "!req.limit-exceeded {\"limit\":3"},
        {READER_FORM, "abcd=1", "abcde=1", "!req.limit-exceeded {\"limit\":4"},
        {READER_FORM, "a=01234567890123456789012345678901234567", "a=012345678901234567890123456789012345678", "!req.body.too-large {\"limit\":40"},
    };
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        char *got = row_log_read(at[i].format, &limits, str_from(at[i].under), NULL, NULL);
        if (strchr(got, '!'))
            fail_msg("%s: %s", at[i].under, got);
        free(got);
        got = row_log_read(at[i].format, &limits, str_from(at[i].over), NULL, NULL);
        if (!strstr(got, at[i].says))
            fail_msg("%s: %s", at[i].over, got);
        free(got);
    }
}

static void a_body_cannot_bring_names_without_end(void **state)
{
    (void)state;
    struct buf text = {0};
    buf_add_z(&text, "[{}");
    for (int i = 0; i < 20000; i++)
        buf_printf(&text, ",{\"n%d\":1}", i);
    buf_add_z(&text, "]");
    char *got = row_log_read(READER_JSON, NULL, buf_str(&text), NULL, NULL);
    assert_non_null(strstr(got, "!req.limit-exceeded {\"limit\":16384}"));
    free(got);
    buf_free(&text);
}

int main(void)
{
    if (!random_init())
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_become_these_rows),          cmocka_unit_test(any_slicing_gives_the_same_records),
        cmocka_unit_test(names_are_asked_for_once_in_any_order), cmocka_unit_test(limits_hold_on_both_sides),
        cmocka_unit_test(rows_that_cannot_be_read_are_told_and_the_next_is_read),
        cmocka_unit_test(any_slicing_breaks_the_same_rows),
        cmocka_unit_test(a_body_cannot_bring_names_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
