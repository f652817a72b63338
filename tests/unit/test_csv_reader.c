/* CSV and TSV bodies to rows (format/reader.h). */
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
    {READER_CSV, "a,b\n1,2\n", "many|a=0|b=1|head|#2 0:\"1\"@1 1:\"2\"@3 .|"},
    {READER_CSV, "a,b\n1,2", "many|a=0|b=1|head|#2 0:\"1\"@1 1:\"2\"@3 .|"},
    {READER_CSV, "a,b\r\n1,2\r\n3,4\r\n", "many|a=0|b=1|head|#2 0:\"1\"@1 1:\"2\"@3 .|#3 0:\"3\"@1 1:\"4\"@3 .|"},
    {READER_CSV, "a,b\r1,2\r3,4", "many|a=0|b=1|head|#2 0:\"1\"@1 1:\"2\"@3 .|#3 0:\"3\"@1 1:\"4\"@3 .|"},
    {READER_CSV, "a,b\n1,2\r3,4\r\n5,6\n", "many|a=0|b=1|head|#2 0:\"1\"@1 1:\"2\"@3 .|#3 0:\"3\"@1 1:\"4\"@3 .|#4 0:\"5\"@1 1:\"6\"@3 .|"},
    {READER_CSV, "a,b\n\"x, \"\"y\"\"\",\"\"\n,\n", "many|a=0|b=1|head|#2 0:\"x, \\\"y\\\"\"@1 1:null@12 .|#3 0:null@1 1:null@2 .|"},
    {READER_CSV, "a,b\n\"1\r\n2\n3\r4\",5\n6,7\n", "many|a=0|b=1|head|#2 0:\"1\\r\\n2\\n3\\r4\"@1 1:\"5\"@12 .|#6 0:\"6\"@1 1:\"7\"@3 .|"},
    {READER_CSV, "a\n\"\"\"\"\n\"\"\"x\"\n\"y\"\"\"\n", "many|a=0|head|#2 0:\"\\\"\"@1 .|#3 0:\"\\\"x\"@1 .|#4 0:\"y\\\"\"@1 .|"},
    {READER_CSV, "\xef\xbb\xbf\"a\" , b\n1,2\n", "!req.body.malformed-csv {\"line\":1,\"column\":4,\"byte\":6} text after the closing quote*"},
    {READER_CSV, "\xef\xbb\xbf\"a\", b \n 1 ,2\n", "many|a=0|b=1|head|#2 0:\" 1 \"@1 1:\"2\"@5 .|"},
    {READER_CSV, "a,b\n", "many|a=0|b=1|head|"},
    {READER_CSV, "a,b", "many|a=0|b=1|head|"},
    {READER_CSV, "a,b\n1,2\n\n\r\n\n", "many|a=0|b=1|head|#2 0:\"1\"@1 1:\"2\"@3 .|"},
    {READER_CSV, "a,b\n1,2\n\n\n3,4\n", "many|a=0|b=1|head|#2 0:\"1\"@1 1:\"2\"@3 .|!req.body.malformed-csv {\"record\":2,\"line\":3,\"expected\":2,\"found\":0}*"},
    {READER_CSV, "a\n1\n\n\n4\n\n", "many|a=0|head|#2 0:\"1\"@1 .|#3 0:null@1 .|#4 0:null@1 .|#5 0:\"4\"@1 .|"},
    {READER_CSV, "a\n\"\"\n", "many|a=0|head|#2 0:null@1 .|"},
    {READER_CSV, "a,b\n\xc3\xa9,\xe2\x82\xac\n", "many|a=0|b=1|head|#2 0:\"\xc3\xa9\"@1 1:\"\xe2\x82\xac\"@4 .|"},
    {READER_CSV, "a,b\n=1+1,007\n", "many|a=0|b=1|head|#2 0:\"=1+1\"@1 1:\"007\"@6 .|"},
    {READER_CSV, ",00388609,,true\n,,,\n", "!req.body.malformed-csv {\"line\":1,\"column\":1} the header's column 1 has no name"},
    {READER_TSV, "a\tb\n1,5\tx\"y\"\n\"p\tq\"\t2\n", "many|a=0|b=1|head|#2 0:\"1,5\"@1 1:\"x\\\"y\\\"\"@5 .|#3 0:\"p\\tq\"@1 1:\"2\"@7 .|"},
    /* refused */
    {READER_CSV, "", "!req.body.malformed-csv {\"line\":1} the csv request body has no header: its first line must name the columns"},
    {READER_CSV, "\xef\xbb\xbf", "!req.body.malformed-csv {\"line\":1} *"},
    {READER_CSV, "\n", "!req.body.malformed-csv {\"line\":1,\"column\":1} the header's column 1 has no name"},
    {READER_CSV, "a,,c\n", "!req.body.malformed-csv {\"line\":1,\"column\":2} the header's column 2 has no name"},
    {READER_CSV, "a,b, a\n", "!req.body.malformed-csv {\"line\":1,\"column\":3,\"name\":\"a\"} the header's column 3, \"a\", is there twice"},
    {READER_CSV, "a;b;c\n1;2;3\n", "!req.body.malformed-csv {\"line\":1,\"found\":1} found 1 column, \"a;b;c\"; is the separator ;?*"},
    {READER_CSV, "a\tb\n", "!req.body.malformed-csv {\"line\":1,\"found\":1} found 1 column, \"a\tb\"; is the separator a tab?*"},
    {READER_TSV, "a,b\n", "!req.body.malformed-csv {\"line\":1,\"found\":1} found 1 column, \"a,b\"; is the separator ,?*"},
    {READER_CSV, "\"a;b\"\n1\n", "many|a;b=0|head|#2 0:\"1\"@1 .|"},
    {READER_CSV, "a,b\n1,2\n3\n", "many|a=0|b=1|head|#2 0:\"1\"@1 1:\"2\"@3 .|#3 0:\"3\"@1 !req.body.malformed-csv "
     "{\"record\":2,\"line\":3,\"expected\":2,\"found\":1} record 2 at line 3 has 1 cell; the header has 2"},
    {READER_CSV, "a,b\n1,2,3,4\n", "many|a=0|b=1|head|#2 0:\"1\"@1 1:\"2\"@3 !req.body.malformed-csv "
     "{\"record\":1,\"line\":2,\"expected\":2,\"found\":4} record 1 at line 2 has 4 cells; the header has 2"},
    {READER_CSV, "a,b\n1,2\n3,\"x\ny\n", "many|a=0|b=1|head|#2 0:\"1\"@1 1:\"2\"@3 .|#3 0:\"3\"@1 !req.body.malformed-csv "
     "{\"line\":3,\"record\":2} the quote that opens at line 3 is not closed"},
    {READER_CSV, "a,b\n1,\"x\"y\n", "many|a=0|b=1|head|#2 0:\"1\"@1 !req.body.malformed-csv {\"line\":2,\"record\":1,\"column\":6,\"byte\":9} text after*"},
    {READER_CSV, "a,b\n1,x\"y\"\n", "many|a=0|b=1|head|#2 0:\"1\"@1 !req.body.malformed-csv {\"line\":2,\"record\":1,\"column\":4,\"byte\":7} a quote inside*"},
    {READER_CSV, "a,b\n1,caf\xe9\n", "many|a=0|b=1|head|#2 0:\"1\"@1 !req.body.malformed-text {\"byte\":9,\"guess\":\"iso-8859-1\"}*"},
    {READER_CSV, "a,b\n1,\x93x\x94\n", "many|a=0|b=1|head|#2 0:\"1\"@1 !req.body.malformed-text {\"byte\":6,\"guess\":\"windows-1252\"}*"},
    {READER_CSV, "\xff\xfe" "a", "!req.body.malformed-text {\"byte\":0,\"guess\":\"utf-16\"}*"},
    {READER_CSV, "a,b\n1,\xe2\x82", "many|a=0|b=1|head|#2 0:\"1\"@1 !req.body.malformed-text {\"byte\":6*"},
    {READER_CSV, "a,b\n1,\"x\"\xe9", "many|a=0|b=1|head|#2 0:\"1\"@1 !req.body.malformed-text {\"byte\":9*"},
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

/* Cells made at random, written as CSV, read in random slices, compared with what was written: over many vector widths. */
static void what_was_written_is_read(void **state)
{
    (void)state;
    static const char *const pieces[] = {"a", "bc", ",", "\"", "\n", "\r\n", "\r", "\xc3\xa9", " ", "0123456789012345678901234567890123", "x"};
    uint64_t x = test_seed();
    for (int round = 0; round < 300; round++) {
        struct buf text = {0}, want = {0}, cell = {0};
        buf_add_z(&text, "a,b,c\n");
        buf_add_z(&want, "many|a=0|b=1|c=2|head|");
        uint64_t line = 2;
        for (int row = 0; row < 8; row++) {
            buf_printf(&want, "#%llu ", (unsigned long long)line);
            size_t line_from = text.n;
            uint64_t line_breaks = 0;
            for (int column = 0; column < 3; column++) {
                buf_reset(&cell);
                x ^= x << 13, x ^= x >> 7, x ^= x << 17;
                for (uint64_t n = (x >> 8) % 6; n; n--) {
                    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
                    buf_add_z(&cell, pieces[(x >> 9) % (sizeof pieces / sizeof *pieces)]);
                }
                struct str s = buf_str(&cell);
                bool quote = x & 1 || memchr(cell.n ? s.p : "", ',', s.n) || memchr(cell.n ? s.p : "", '"', s.n) ||
                             memchr(cell.n ? s.p : "", '\n', s.n) || memchr(cell.n ? s.p : "", '\r', s.n);
                buf_add_z(&text, column ? "," : "");
                buf_printf(&want, "%d:", column);
                if (s.n)
                    buf_add_json(&want, s);
                else
                    buf_add_z(&want, "null");
                buf_printf(&want, "@%zu ", text.n - line_from + 1);
                if (quote)
                    buf_add_byte(&text, '"');
                for (size_t i = 0; i < s.n; i++) {
                    if (s.p[i] == '"')
                        buf_add_byte(&text, '"');
                    buf_add_byte(&text, s.p[i]);
                    line_breaks += s.p[i] == '\r' || (s.p[i] == '\n' && (i == 0 || s.p[i - 1] != '\r'));
                }
                if (quote)
                    buf_add_byte(&text, '"');
            }
            buf_add_z(&text, row % 3 == 0 ? "\r\n" : row % 3 == 1 ? "\n" : "\r");
            buf_add_z(&want, ".|");
            line += 1 + line_breaks;
        }
        buf_add_byte(&want, 0);
        char *got = row_log_read(READER_CSV, NULL, buf_str(&text), NULL, NULL);
        assert_string_equal(got, want.p);
        free(got);
        got = row_log_read(READER_CSV, NULL, buf_str(&text), cut_at_random, &x);
        assert_string_equal(got, want.p);
        free(got);
        buf_free(&text);
        buf_free(&want);
        buf_free(&cell);
    }
}

static void a_nul_is_kept_for_the_type_to_strip(void **state)
{
    (void)state;
    char *got = row_log_read(READER_CSV, NULL, STR("a\nx\0y\n"), NULL, NULL);
    assert_string_equal(got, "many|a=0|head|#2 0:\"x\\u0000y\"@1 .|");
    free(got);
    got = row_log_read(READER_CSV, NULL, STR("a\0,\0b\0\n\0"), NULL, NULL);
    assert_non_null(strstr(got, "UTF-16"));
    free(got);
}

static void limits_hold_on_both_sides(void **state)
{
    (void)state;
    struct reader_limits limits = reader_limits_default;
    limits.names_max = 3;
    limits.name_bytes_max = 4;
    limits.row_bytes_max = 20;
    static const struct {
        const char *under, *over, *says;
    } at[] = {
        {"a,b,c\n", "a,b,c,d\n", "!req.limit-exceeded {\"limit\":3"},
        {"abcd\n1\n", "abcde\n1\n", "!req.limit-exceeded {\"limit\":4"},
        {"a\n01234567890123456789\n", "a\n012345678901234567890\n", "!req.body.too-large {\"limit\":20,\"line\":2"},
        {"a\n\"012345678901234567\"\n", "a\n\"01234567890123456789\"\n", "!req.body.too-large {\"limit\":20,\"line\":2"},
        {"a\n\"01\n23456789012345\"\n", "a\n\"01\n23456789012345678901234", "is the quote that opens at line 2 not closed?"},
    };
    for (size_t i = 0; i < sizeof at / sizeof *at; i++)
        for (size_t cut = 0; cut < strlen(at[i].over); cut++) {
            size_t first = cut;
            char *got = row_log_read(READER_CSV, &limits, str_from(at[i].under), cut_once, &first);
            if (strchr(got, '!'))
                fail_msg("%s: %s", at[i].under, got);
            free(got);
            first = cut;
            got = row_log_read(READER_CSV, &limits, str_from(at[i].over), cut_once, &first);
            if (!strstr(got, at[i].says))
                fail_msg("%s: %s", at[i].over, got);
            free(got);
        }
}

static void a_header_of_a_million_bytes_is_not_gathered(void **state)
{
    (void)state;
    struct buf text = {0};
    for (int i = 0; i < 1000000; i++)
        buf_add_byte(&text, 'x');
    uint64_t seed = test_seed();
    char *got = row_log_read(READER_CSV, NULL, buf_str(&text), cut_at_random, &seed);
    assert_non_null(strstr(got, "!req.limit-exceeded"));
    free(got);
    buf_free(&text);
}

/* The same for a sink that takes broken rows (docs/wire/bodies.md, "Rows that cannot be read"). */
static const struct {
    enum reader_format format;
    const char *text, *log;
} broken[] = {
    /* ragged */
    {READER_CSV, "a,b\n1,2\n3\n4,5\n",
     "many|a=0|b=1|head|#2 0:\"1\"@1 1:\"2\"@3 .|#3 0:\"3\"@1 ~-1:\"3\"@0(record 2 at line 3 has) .|#4 0:\"4\"@1 1:\"5\"@3 .|"},
    {READER_CSV, "a,b\r\n1,2,3,4\r\n5,6",
     "many|a=0|b=1|head|#2 0:\"1\"@1 1:\"2\"@3 ~-1:\"1,2,3,4\"@0(record 1 at line 2 has) .|#3 0:\"5\"@1 1:\"6\"@3 .|"},
    {READER_CSV, "a,b\n\"x\n,\"\"y\",2,3\n5,6",
     "many|a=0|b=1|head|#2 0:\"x\\n,\\\"y\"@1 1:\"2\"@10 ~-1:\"\\\"x\\n,\\\"\\\"y\\\",2,3\"@0(record 1 at line 2 has) .|#4 0:\"5\"@1 1:\"6\"@3 .|"},
    {READER_CSV, "a,b\n1,2\n3",
     "many|a=0|b=1|head|#2 0:\"1\"@1 1:\"2\"@3 .|#3 0:\"3\"@1 ~-1:\"3\"@0(record 2 at line 3 has) .|"},
    {READER_CSV, "a,b\n1,2\n\n\r\n3,4\n\n",
     "many|a=0|b=1|head|#2 0:\"1\"@1 1:\"2\"@3 .|#3 ~-1:\"\\n\"@0(record 2 at line 3 has) .|#4 ~-1:\"\\n\"@0(record 3 at line 4 has) .|#5 0:\"3\"@1 1:\"4\"@3 .|"},
    {READER_CSV, "a,b\n\n7\n3,4\n",
     "many|a=0|b=1|head|#2 ~-1:\"\\n\"@0(record 1 at line 2 has) .|#3 0:\"7\"@1 ~-1:\"7\"@0(record 2 at line 3 has) .|#4 0:\"3\"@1 1:\"4\"@3 .|"},
    {READER_TSV, "a\tb\n1\n\"2\"\t3\"\n",
     "many|a=0|b=1|head|#2 0:\"1\"@1 ~-1:\"1\"@0(record 1 at line 2 has) .|#3 0:\"2\"@1 1:\"3\\\"\"@5 .|"},
    /* quotes */
    {READER_CSV, "a,b\n5\" pipe,1\n2,3\n",
     "many|a=0|b=1|head|#2 0:\"5\\\" pipe\"@1 1:\"1\"@9 ~-1:\"5\\\" pipe,1\"@2(a quote inside of a ce) .|#3 0:\"2\"@1 1:\"3\"@3 .|"},
    {READER_CSV, "a,b\nx\"y,\"p\nq\"\n2,3\n",
     "many|a=0|b=1|head|#2 0:\"x\\\"y\"@1 1:\"p\\nq\"@5 ~-1:\"x\\\"y,\\\"p\\nq\\\"\"@2(a quote inside of a ce) .|#4 0:\"2\"@1 1:\"3\"@3 .|"},
    {READER_CSV, "a,b\n\"say \"hi\" to me\",1\n2,3\n",
     "many|a=0|b=1|head|#2 0:\"say \\\"hi\\\" to me\\\"\"@1 1:\"1\"@18 ~-1:\"\\\"say \\\"hi\\\" to me\\\",1\"@7(text after the closing) .|#3 0:\"2\"@1 1:\"3\"@3 .|"},
    {READER_CSV, "a,b\n\"x\"y\",1\n2,3\n",
     "many|a=0|b=1|head|#2 0:\"x\\\"y\\\"\"@1 1:\"1\"@7 !req.body.malformed-csv {\"line\":2,\"record\":1,\"column\":4,\"byte\":7} text after the closing quote at line 2 and column 4: a quote inside of a quoted cell is doubled"},
    {READER_CSV, "a,b\n1, \"x\n2,3\n4\",5\n",
     "many|a=0|b=1|head|#2 0:\"1\"@1 1:\" \\\"x\"@3 !req.body.malformed-csv {\"line\":2,\"record\":1,\"column\":4,\"byte\":7} a quote inside of a cell without quotes at line 2 and column 4: put the cell in quotes and double the quotes inside"},
    {READER_CSV, "a,b\n1, \"x\"\n2,3\n",
     "many|a=0|b=1|head|#2 0:\"1\"@1 1:\" \\\"x\\\"\"@3 ~-1:\"1, \\\"x\\\"\"@4(a quote inside of a ce) .|#3 0:\"2\"@1 1:\"3\"@3 .|"},
    {READER_CSV, "a,b\n1,2\n3,\"x\ny\n",
     "many|a=0|b=1|head|#2 0:\"1\"@1 1:\"2\"@3 .|#3 0:\"3\"@1 !req.body.malformed-csv {\"line\":3,\"record\":2} the quote that opens at line 3 is not closed"},
    {READER_TSV, "a\tb\n\"x\"y\t1\n2\t3\n",
     "many|a=0|b=1|head|#2 0:\"x\\\"y\"@1 1:\"1\"@6 ~-1:\"\\\"x\\\"y\\t1\"@4(text after the closing) .|#3 0:\"2\"@1 1:\"3\"@3 .|"},
    /* bytes that are no text */
    {READER_CSV, "a,b\ncaf\xe9,1\n2,3\n",
     "many|a=0|b=1|head|#2 0:\"caf?\"@1 1:\"1\"@6 ~-1:\"caf\xef\xbf\xbd,1\"@4(byte 0xe9 at byte 7 is) .|#3 0:\"2\"@1 1:\"3\"@3 .|"},
    {READER_CSV, "a,b\n\"\xe2\x82,\xf0\x9f\x98\",1\n\xc3\xa9,3\n",
     "many|a=0|b=1|head|#2 0:\"??,???\"@1 1:\"1\"@10 ~-1:\"\\\"\xef\xbf\xbd\xef\xbf\xbd,\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\\\",1\"@2(byte 0xe2 at byte 5 is) .|#3 0:\"\xc3\xa9\"@1 1:\"3\"@4 .|"},
    {READER_CSV, "a,b\n1,2\n3,4\xe2\x82",
     "many|a=0|b=1|head|#2 0:\"1\"@1 1:\"2\"@3 .|#3 0:\"3\"@1 1:\"4??\"@3 ~-1:\"3,4\xef\xbf\xbd\xef\xbf\xbd\"@4(byte 0xe2 at byte 11 i) .|"},
    {READER_CSV, "a,b\n1,2\n\xff\n3,4\n",
     "many|a=0|b=1|head|#2 0:\"1\"@1 1:\"2\"@3 .|#3 0:\"?\"@1 ~-1:\"\xef\xbf\xbd\"@1(byte 0xff at byte 8 is) .|#4 0:\"3\"@1 1:\"4\"@3 .|"},
    {READER_CSV, "a\n\xff\n\n3\n",
     "many|a=0|head|#2 0:\"?\"@1 ~-1:\"\xef\xbf\xbd\"@1(byte 0xff at byte 2 is) .|#3 0:null@1 .|#4 0:\"3\"@1 .|"},
    {READER_CSV, "a,\xff\n1,2\n",
     "!req.body.malformed-text {\"byte\":2,\"guess\":\"iso-8859-1\"} byte 0xff at byte 2 is not UTF-8; if the text is iso-8859-1, declare it: Content-Type: text/csv; charset=iso-8859-1"},
    /* several faults in one record: the first is told */
    {READER_CSV, "a,b\nx\"\xff,2,3\n4,5\n",
     "many|a=0|b=1|head|#2 0:\"x\\\"?\"@1 1:\"2\"@5 ~-1:\"x\\\"\xef\xbf\xbd,2,3\"@2(a quote inside of a ce) .|#3 0:\"4\"@1 1:\"5\"@3 .|"},
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
static void any_slicing_breaks_the_same_records(void **state)
{
    (void)state;
    static const char *const pieces[] = {"a", "12345678901234567890", ",", ",", "\"", "\"", "\n", "\n", "\r\n", "\r", "\xc3\xa9", "\xff", "\xe2\x82", " ", "\t"};
    uint64_t x = test_seed();
    for (int round = 0; round < 2000; round++) {
        struct buf text = {0};
        buf_add_z(&text, "a,b\n");
        for (unsigned n = (unsigned)(x >> 40) % 40; n; n--) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            buf_add_z(&text, pieces[(x >> 9) % (sizeof pieces / sizeof *pieces)]);
        }
        uint64_t cuts = x | 1;
        enum reader_format format = READER_CSV;
        char *whole = read_broken(format, buf_str(&text), NULL, NULL), *cut = read_broken(format, buf_str(&text), cut_at_random, &cuts);
        if (strcmp(whole, cut) != 0)
            fail_msg(FMT_STR "\n  whole %s\n  cut   %s", ARG_STR(buf_str(&text)), whole, cut);
        free(whole);
        free(cut);
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        buf_free(&text);
    }
}

static void no_bytes_are_no_news_and_a_refusal_stands(void **state)
{
    (void)state;
    static const enum reader_format formats[] = {READER_JSON, READER_NDJSON, READER_CSV, READER_TSV, READER_FORM};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        struct row_log log = {0};
        struct row_sink sink = row_log_sink(&log);
        struct error err;
        struct reader *r = reader_new(formats[i], &reader_limits_default, &sink, &err);
        assert_true(reader_push(r, STR_NONE, &err) && reader_push(r, STR(""), &err));
        assert_int_equal(log.text.n, 0);
        if (formats[i] == READER_CSV) {
            assert_false(reader_push(r, STR("a,a\n"), &err));
            assert_false(reader_push(r, STR("1,2\n"), &err) || reader_finish(r, &err));
        }
        reader_free(r);
        buf_free(&log.text);
    }
    reader_free(NULL);
}

/* A cell gathered over many slices, and after it a short one. */
static void a_large_cell_does_not_disturb_the_next(void **state)
{
    (void)state;
    enum { LONG = 3 << 20 };
    struct buf text = {0};
    struct row_log log = {.quiet_columns = true};
    struct row_sink sink = row_log_sink(&log);
    struct error err;
    struct reader *r = reader_new(READER_CSV, &reader_limits_default, &sink, &err);
    buf_add_z(&text, "a,b\n\"");
    memset(buf_room(&text, LONG), 'x', LONG);
    text.n += LONG;
    buf_add_z(&text, "\"\"\",short\n");
    for (struct str rest = buf_str(&text); rest.n; rest = str_skip(rest, 1 << 20))
        assert_true(reader_push(r, str_head(rest, 1 << 20), &err));
    assert_true(reader_finish(r, &err));
    assert_true(log.text.n > LONG && str_ends(buf_str(&log.text), STR("x\\\"\" 1:\"short\" .|")));
    reader_free(r);
    buf_free(&log.text);
    buf_free(&text);
}

int main(void)
{
    if (!random_init())
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_become_these_rows),
        cmocka_unit_test(any_slicing_gives_the_same_records),
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(a_nul_is_kept_for_the_type_to_strip),
        cmocka_unit_test(limits_hold_on_both_sides),
        cmocka_unit_test(a_header_of_a_million_bytes_is_not_gathered),
        cmocka_unit_test(no_bytes_are_no_news_and_a_refusal_stands),
        cmocka_unit_test(rows_that_cannot_be_read_are_told_and_the_next_is_read),
        cmocka_unit_test(any_slicing_breaks_the_same_records),
        cmocka_unit_test(a_large_cell_does_not_disturb_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
