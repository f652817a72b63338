/* The scalar types (docs/wire/types.md): text, number, checkbox and url as JSON tokens and as CSV text, what is written
 * back, keys and order; the names of types; the system types. Timestamps have test_timestamps.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>
#include <utf8proc.h>

#include "rows/row_id.h"
#include "rows/text.h"
#include "rows/type.h"

struct outcome {
    bool ok;
    struct cell cell;
    struct str json, csv; /* "null" both when null */
    struct type_refusal why;
};

static struct arena arena;
static struct type_context ctx;

static int start(void **state)
{
    (void)state;
    ctx = (struct type_context){.arena = &arena};
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static struct outcome read_value(const struct type *t, enum raw_kind kind, struct str text)
{
    struct outcome o = {.cell = {.kind = CELL_ABSENT}};
    struct raw raw = {kind, text};
    o.ok = t->parse(t, &raw, &ctx, &o.cell, &o.why);
    if (!o.ok) {
        assert_int_equal(o.cell.kind, CELL_ABSENT); /* outputs stay untouched */
        assert_true(o.why.expected[0] != 0);
        return o;
    }
    o.json = o.csv = STR("null");
    if (o.cell.kind == CELL_NULL)
        return o;
    struct buf json = {0}, csv = {0};
    t->write_json(t, &o.cell, NULL, &json);
    t->write_csv(t, &o.cell, NULL, &csv);
    o.json = arena_str(&arena, buf_str(&json));
    o.csv = arena_str(&arena, buf_str(&csv));
    buf_free(&json);
    buf_free(&csv);
    return o;
}

/* json and csv: as written back; both NULL when refused, and hint is then the refusal's. */
struct value_case {
    enum raw_kind kind;
    const char *text, *json, *csv, *hint;
};

static void check(const struct type *t, const struct value_case *c)
{
    struct outcome o = read_value(t, c->kind, str_from(c->text));
    if (o.ok != (c->json != NULL))
        fail_msg("%s of %s: %s (%s; %s)", t->soql_name, c->text, o.ok ? "taken" : "refused", o.why.expected, o.why.hint);
    if (!o.ok) {
        if (c->hint)
            assert_string_equal(o.why.hint, c->hint);
        return;
    }
    if (!str_eq(o.json, str_from(c->json)) || !str_eq(o.csv, str_from(c->csv)))
        fail_msg("%s of %s: " FMT_STR " and " FMT_STR ", not %s and %s", t->soql_name, c->text, ARG_STR(o.json), ARG_STR(o.csv),
                 c->json, c->csv);
}

#define CHECK_ALL(type, cases)                                                                                                   \
    for (size_t case_at = 0; case_at < sizeof(cases) / sizeof *(cases); case_at++)                                               \
    check(type, &(cases)[case_at])

static void text_takes_strings_and_numbers(void **state)
{
    (void)state;
    static const struct value_case cases[] = {
        {RAW_STRING, "abc", "\"abc\"", "abc", NULL},
        {RAW_STRING, "", "\"\"", "", NULL},
        {RAW_STRING, "  a  ", "\"  a  \"", "  a  ", NULL},
        {RAW_STRING, "true", "\"true\"", "true", NULL},
        {RAW_STRING, "00042", "\"00042\"", "00042", NULL},
        {RAW_STRING, "=1+1", "\"=1+1\"", "=1+1", NULL},
        {RAW_STRING, "a\"b\\c\n", "\"a\\\"b\\\\c\\n\"", "a\"b\\c\n", NULL},
        {RAW_STRING, "e\xcc\x81", "\"\xc3\xa9\"", "\xc3\xa9", NULL},
        {RAW_NUMBER, "3.33", "\"3.33\"", "3.33", NULL},
        {RAW_NUMBER, "1e400", "\"1e400\"", "1e400", NULL},
        {RAW_NUMBER, "1E5", "\"1E5\"", "1E5", NULL},
        {RAW_TRUE, "true", NULL, NULL, "put true or false in quotes, or make the column a checkbox"},
        {RAW_FALSE, "false", NULL, NULL, NULL},
        {RAW_OBJECT, "{}", NULL, NULL, "send the JSON as one string, or make the column a json column"},
        {RAW_ARRAY, "[]", NULL, NULL, NULL},
    };
    CHECK_ALL(&type_text, cases);
}

static void empty_text_is_not_null(void **state)
{
    (void)state;
    struct outcome o = read_value(&type_text, RAW_STRING, STR_NONE);
    assert_true(o.ok && o.cell.kind == CELL_TEXT && o.cell.s.p && o.cell.s.n == 0);
}

static void numbers_are_exact(void **state)
{
    (void)state;
    static const char separators[] = "remove the thousands separators; the decimal sign is a point";
    static const char missing[] = "send null, or leave the CSV cell empty, when there is no number";
    static const struct value_case cases[] = {
        {RAW_NUMBER, "42", "\"42\"", "42", NULL},
        {RAW_NUMBER, "1e5", "\"100000\"", "100000", NULL},
        {RAW_NUMBER, "1.50", "\"1.50\"", "1.50", NULL},
        {RAW_NUMBER, "-0", "\"0\"", "0", NULL},
        {RAW_NUMBER, "1E21", "\"1000000000000000000000\"", "1000000000000000000000", NULL},
        {RAW_NUMBER, "5.302E-7", "\"0.0000005302\"", "0.0000005302", NULL},
        {RAW_NUMBER, "5.302E-21", "\"5.302E-21\"", "5.302E-21", NULL},
        {RAW_NUMBER, "1e999999999", NULL, NULL, NULL},
        {RAW_STRING, "1e5", "\"100000\"", "100000", NULL},
        {RAW_STRING, "+5", "\"5\"", "5", NULL},
        {RAW_STRING, ".5", "\"0.5\"", "0.5", NULL},
        {RAW_STRING, "5.", "\"5\"", "5", NULL},
        {RAW_STRING, "00042", "\"42\"", "42", NULL},
        {RAW_STRING, "90744.00", "\"90744.00\"", "90744.00", NULL},
        {RAW_STRING, " 5 ", "\"5\"", "5", NULL},
        {RAW_STRING, "", "null", "null", NULL},
        {RAW_STRING, " \t ", "null", "null", NULL},
        {RAW_STRING, "12345678901234567890123456789012345678901", "\"12345678901234567890123456789012345678901\"",
         "12345678901234567890123456789012345678901", NULL},
        {RAW_STRING, "1,000", NULL, NULL, separators},
        {RAW_STRING, "1,234", NULL, NULL, separators},
        {RAW_STRING, "$5", NULL, NULL, "remove the currency sign"},
        {RAW_STRING, "$1,234.50", NULL, NULL, "remove the currency sign"},
        {RAW_STRING,
         "\xe2\x82\xac"
         "5",
         NULL, NULL, "remove the currency sign"},
        {RAW_STRING, "5%", NULL, NULL, "remove the percent sign"},
        {RAW_STRING, "NaN", NULL, NULL, missing},
        {RAW_STRING, "-Infinity", NULL, NULL, missing},
        {RAW_STRING, "N/A", NULL, NULL, missing},
        {RAW_STRING, "null", NULL, NULL, missing},
        {RAW_STRING, "0x10", NULL, NULL, "write the number in decimal"},
        {RAW_STRING, "1_000", NULL, NULL, "remove the underscores"},
        {RAW_STRING, "1 000", NULL, NULL, "remove the blanks"},
        {RAW_STRING,
         "\xe2\x88\x92"
         "5",
         NULL, NULL, "write the minus sign as -"},
        {RAW_STRING, "five", NULL, NULL, ""},
        {RAW_STRING, "5d", NULL, NULL, NULL},
        {RAW_TRUE, "true", NULL, NULL, NULL},
        {RAW_FALSE, "false", NULL, NULL, NULL},
        {RAW_OBJECT, "{}", NULL, NULL, NULL},
        {RAW_ARRAY, "[1]", NULL, NULL, NULL},
    };
    CHECK_ALL(&type_number, cases);
    struct outcome o = read_value(&type_number, RAW_NUMBER, STR("1e999999999"));
    assert_string_equal(o.why.expected, "a number of at most 4,096 digits when written out without exponent");
}

static void checkboxes_know_twelve_words(void **state)
{
    (void)state;
    static const char *const yes[] = {"true", "TRUE", "True", "t", "T", "yes", "Yes", "y", "on", "ON", "1", " true "};
    static const char *const no[] = {"false", "False", "f", "F", "no", "NO", "n", "off", "0", "\tfalse"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        check(&type_boolean, &(struct value_case){RAW_STRING, yes[i], "true", "true", NULL});
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        check(&type_boolean, &(struct value_case){RAW_STRING, no[i], "false", "false", NULL});
    static const struct value_case cases[] = {
        {RAW_TRUE, "true", "true", "true", NULL},
        {RAW_FALSE, "false", "false", "false", NULL},
        {RAW_STRING, "", "null", "null", NULL},
        {RAW_STRING, " ", "null", "null", NULL},
        {RAW_NUMBER, "1", NULL, NULL, "a JSON number is no checkbox; send true or false"},
        {RAW_NUMBER, "0", NULL, NULL, NULL},
        {RAW_STRING, "2", NULL, NULL, NULL},
        {RAW_STRING, "x", NULL, NULL, NULL},
        {RAW_STRING, "ja", NULL, NULL, NULL},
        {RAW_STRING, "1.0", NULL, NULL, NULL},
        {RAW_STRING, "truee", NULL, NULL, NULL},
        {RAW_OBJECT, "{}", NULL, NULL, NULL},
        {RAW_ARRAY, "[true]", NULL, NULL, NULL},
    };
    CHECK_ALL(&type_boolean, cases);
}

static void urls_are_objects_or_addresses(void **state)
{
    (void)state;
    static const struct value_case cases[] = {
        {RAW_OBJECT, "{\"url\":\"http://a.example/\",\"description\":\"Home\"}",
         "{\"url\":\"http://a.example/\",\"description\":\"Home\"}", "Home (http://a.example/)", NULL},
        {RAW_OBJECT, "{ \"description\" : \"Home\", \"url\" : \"http://a.example/\" }",
         "{\"url\":\"http://a.example/\",\"description\":\"Home\"}", "Home (http://a.example/)", NULL},
        {RAW_OBJECT, "{\"url\":\"http://a.example/\"}", "{\"url\":\"http://a.example/\"}", "http://a.example/", NULL},
        {RAW_OBJECT, "{\"url\":\"http://a.example/\",\"description\":null}", "{\"url\":\"http://a.example/\"}",
         "http://a.example/", NULL},
        {RAW_OBJECT, "{\"url\":\"http://a.example/\",\"x\":1}", "{\"url\":\"http://a.example/\"}", "http://a.example/", NULL},
        {RAW_OBJECT, "{\"url\":\"a\",\"description\":\"\"}", "{\"url\":\"a\",\"description\":\"\"}", "a", NULL},
        {RAW_OBJECT, "{\"description\":\"Home\"}", "{\"description\":\"Home\"}", "Home", NULL},
        {RAW_OBJECT, "{\"url\":\"a\\\"\\\\b\\u0007\",\"description\":\"\\n\"}",
         "{\"url\":\"a\\\"\\\\b\\u0007\",\"description\":\"\\n\"}", "\n (a\"\\b\a)", NULL},
        {RAW_OBJECT, "{\"url\":\"e\xcc\x81\"}", "{\"url\":\"\xc3\xa9\"}", "\xc3\xa9", NULL},
        {RAW_OBJECT, "{\"url\":\"a\\u0000b\"}", "{\"url\":\"ab\"}", "ab", NULL},
        {RAW_OBJECT, "{\"url\":\"javascript:alert(1)\"}", "{\"url\":\"javascript:alert(1)\"}", "javascript:alert(1)", NULL},
        {RAW_OBJECT, "{}", "null", "null", NULL},
        {RAW_OBJECT, "{\"url\":null}", "null", "null", NULL},
        {RAW_OBJECT, "{\"URL\":\"a\"}", NULL, NULL, "the object has neither a member url nor a member description"},
        {RAW_OBJECT, "{\"url\":5}", NULL, NULL, "url and description must be strings"},
        {RAW_OBJECT, "{\"url\":{}}", NULL, NULL, NULL},
        {RAW_OBJECT, "{\"url\":\"a\",\"description\":true}", NULL, NULL, NULL},
        {RAW_STRING, "http://a.example/?q=1", "{\"url\":\"http://a.example/?q=1\"}", "http://a.example/?q=1", NULL},
        {RAW_STRING, " http://a.example/ ", "{\"url\":\"http://a.example/\"}", "http://a.example/", NULL},
        {RAW_STRING, "www.example.org", "{\"url\":\"www.example.org\"}", "www.example.org", NULL},
        {RAW_STRING, "Home page (http://a.example/)", "{\"url\":\"http://a.example/\",\"description\":\"Home page\"}",
         "Home page (http://a.example/)", NULL},
        {RAW_STRING, "see (below)", "{\"url\":\"see (below)\"}", "see (below)", NULL},
        {RAW_STRING, "(http://a.example/)", "{\"url\":\"(http://a.example/)\"}", "(http://a.example/)", NULL},
        {RAW_STRING, "{\"url\":\"a\",\"description\":\"b\"}", "{\"url\":\"a\",\"description\":\"b\"}", "b (a)", NULL},
        {RAW_STRING, "{oops", NULL, NULL, "text that starts with { must be the JSON of such an object"},
        {RAW_STRING, "", "null", "null", NULL},
        {RAW_STRING, "  ", "null", "null", NULL},
        {RAW_NUMBER, "1", NULL, NULL, NULL},
        {RAW_TRUE, "true", NULL, NULL, NULL},
        {RAW_FALSE, "false", NULL, NULL, NULL},
        {RAW_ARRAY, "[\"a\"]", NULL, NULL, NULL},
    };
    CHECK_ALL(&type_url, cases);
}

/* What a reader gets from us, it may send back: JSON and CSV give the same cell again. */
static void what_is_written_is_read_as_the_same_cell(void **state)
{
    (void)state;
    static const struct {
        const struct type *type;
        enum raw_kind kind;
        const char *text;
    } values[] = {
        {&type_text, RAW_STRING, "x"},
        {&type_number, RAW_STRING, "-1.50"},
        {&type_number, RAW_STRING, "5.3020e-30"},
        {&type_boolean, RAW_TRUE, "true"},
        {&type_boolean, RAW_FALSE, "false"},
        {&type_url, RAW_STRING, "http://a.example/"},
        {&type_url, RAW_STRING, "Home, \"sweet\" (http://a.example/)"},
        {&type_url, RAW_OBJECT, "{\"url\":\"a b\",\"description\":\"\"}"},
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        const struct type *t = values[i].type;
        struct outcome o = read_value(t, values[i].kind, str_from(values[i].text)), again;
        assert_true(o.ok);
        char first = o.json.p[0];
        if (first == '"')
            again = read_value(t, RAW_STRING, str_make(o.json.p + 1, o.json.n - 2));
        else
            again = read_value(t, first == '{' ? RAW_OBJECT : first == 't' ? RAW_TRUE : RAW_FALSE, o.json);
        assert_true(again.ok && t->compare(&o.cell, &again.cell) == 0 && str_eq(again.json, o.json));
        if (i + 1 == sizeof values / sizeof *values)
            continue; /* an empty description is not seen in CSV */
        again = read_value(t, RAW_STRING, o.csv);
        assert_true(again.ok && t->compare(&o.cell, &again.cell) == 0 && str_eq(again.json, o.json));
    }
}

static void equal_keys_have_equal_bytes(void **state)
{
    (void)state;
    static const struct {
        const struct type *type;
        const char *a, *b;
        bool equal;
    } pairs[] = {
        {&type_number, "1", "1.00", true},
        {&type_number, "1.0", "1.00", true},
        {&type_number, "1", "1e0", true},
        {&type_number, "0", "-0.00", true},
        {&type_number, "10", "1", false},
        {&type_text, "a", "A", false},
        {&type_text, "1", "1.0", false},
        {&type_text, "e\xcc\x81", "\xc3\xa9", true},
        {&type_boolean, "yes", "true", true},
        {&type_boolean, "yes", "no", false},
        {&type_url, "A (http://x)", "B (http://x)", true},
        {&type_url, "http://x", "B (http://x)", true},
        {&type_url, "{\"url\":\"a\\u0022\"}", "a\"", true},
        {&type_url, "http://x", "http://X", false},
        {&type_fixed_timestamp, "2014-10-13T00:00:00Z", "2014-10-13T08:00:00+08:00", true},
        {&type_fixed_timestamp, "2014-10-13T00:00:00Z", "2014-10-13T08:00:00Z", false},
        {&type_floating_timestamp, "2014-10-13", "10/13/2014 12:00:00 AM", true},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const struct type *t = pairs[i].type;
        struct outcome a = read_value(t, RAW_STRING, str_from(pairs[i].a)), b = read_value(t, RAW_STRING, str_from(pairs[i].b));
        struct str x, y;
        assert_true(t->can_identify_rows && a.ok && b.ok);
        assert_true(t->key(&a.cell, &arena, &x));
        assert_true(t->key(&b.cell, &arena, &y));
        if (str_eq(x, y) != pairs[i].equal)
            fail_msg("%s: %s and %s", t->soql_name, pairs[i].a, pairs[i].b);
        if (t != &type_url)
            assert_true((t->compare(&a.cell, &b.cell) == 0) == pairs[i].equal);
    }
}

static void order_is_by_value(void **state)
{
    (void)state;
    static const struct {
        const struct type *type;
        const char *less, *more;
    } pairs[] = {
        {&type_number, "9", "10"},
        {&type_number, "-10", "9"},
        {&type_text, "10", "9"},
        {&type_text, "Z", "a"},
        {&type_text, "a", "aa"},
        {&type_text, "\xef\xbf\xbd", "\xf0\x9f\x98\x80"},
        {&type_boolean, "false", "true"},
        {&type_url, "B (http://x)", "A (http://y)"},
        {&type_url, "A (http://x)", "B (http://x)"},
        {&type_url, "a\"", "a#"},
        {&type_floating_timestamp, "1969-12-31", "1970-01-01"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct outcome a = read_value(pairs[i].type, RAW_STRING, str_from(pairs[i].less));
        struct outcome b = read_value(pairs[i].type, RAW_STRING, str_from(pairs[i].more));
        assert_true(a.ok && b.ok);
        assert_true(pairs[i].type->compare(&a.cell, &b.cell) < 0);
        assert_true(pairs[i].type->compare(&b.cell, &a.cell) > 0);
        assert_int_equal(pairs[i].type->compare(&a.cell, &a.cell), 0);
    }
}

static void nul_is_removed_and_counted(void **state)
{
    (void)state;
    struct outcome o = read_value(&type_text, RAW_STRING, str_make("a\0b\0", 4));
    assert_true(o.ok && str_eq(o.cell.s, STR("ab")));
    assert_int_equal(ctx.nul_removed, 2);
    o = read_value(&type_text, RAW_STRING, str_make("e\0\xcc\x81", 4)); /* what a NUL kept apart comes together */
    assert_true(o.ok && str_eq(o.cell.s, STR("\xc3\xa9")));
    assert_int_equal(ctx.nul_removed, 3);
    o = read_value(&type_text, RAW_STRING, str_make("\0", 1));
    assert_true(o.ok && o.cell.kind == CELL_TEXT && o.cell.s.n == 0);
    assert_int_equal(ctx.nul_removed, 4);
    assert_false(read_value(&type_number, RAW_STRING, str_make("1\0", 2)).ok);
}

static void text_that_needs_no_change_is_not_copied(void **state)
{
    (void)state;
    static const char *const texts[] = {"plain",
                                        "longer than eight bytes",
                                        "caf\xc3\xa9 na\xc3\xafve",
                                        "\xe2\x80\x9cquoted\xe2\x80\x9d",
                                        "\xe6\xbc\xa2\xe5\xad\x97",
                                        "\xd0\x9c\xd0\xbe\xd1\x81\xd0\xba\xd0\xb2\xd0\xb0",
                                        "\xf0\x9f\x98\x80",
                                        "\xe0\xb8\x99\xe0\xb9\x89\xe0\xb8\xb3", /* Thai, with a mark */
                                        "5\xe2\x84\x83" /* a letter outside the table, NFC all the same */};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct outcome o = read_value(&type_text, RAW_STRING, str_from(texts[i]));
        assert_true(o.ok);
        assert_ptr_equal(o.cell.s.p, texts[i]);
        assert_int_equal(o.cell.s.n, strlen(texts[i]));
    }
}

static void marks_on_one_letter_are_bounded(void **state)
{
    (void)state;
    for (int marks = TEXT_MARKS_MAX; marks <= TEXT_MARKS_MAX + 1; marks++) {
        struct buf b = {0};
        buf_add_byte(&b, 'q');
        for (int i = 0; i < marks; i++)
            buf_add_z(&b, i % 2 ? "\xcc\xa3" : "\xcc\x81"); /* below, above */
        buf_add_z(&b, "q\xcc\x81");
        assert_true(read_value(&type_text, RAW_STRING, buf_str(&b)).ok == (marks == TEXT_MARKS_MAX));
        buf_free(&b);
    }
}

static uint64_t random_state;

static uint64_t next_random(void)
{
    random_state += 0x9e3779b97f4a7c15;
    uint64_t x = random_state;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

/* Characters that combine, come apart or change place, and some that do none of it. */
static uint32_t random_character(void)
{
    static const uint32_t telling[] = {'a',    'e',    ' ',    0xe9,   0x300,  0x301,   0x323,   0x344,  0x345,  0x37e,  0x387,
                                       0x3b1,  0x416,  0x5d0,  0x5b0,  0x627,  0x653,   0x958,   0x928,  0x93c,  0x9c7,  0x9be,
                                       0xf73,  0xf71,  0xe33,  0xe48,  0x1100, 0x1161,  0x11a8,  0xac00, 0x1e69, 0x2126, 0x212b,
                                       0x3046, 0x3099, 0x4e2d, 0xf900, 0xfb1d, 0x1d15e, 0x1f600, 0x2f800};
    return telling[next_random() % (sizeof telling / sizeof *telling)];
}

static void any_text_becomes_what_utf8proc_makes_of_the_whole(void **state)
{
    (void)state;
    const char *given = getenv("SELTZER_SEED");
    random_state = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    printf("SELTZER_SEED=%llu\n", (unsigned long long)random_state);
    for (int i = 0; i < 100000; i++) {
        char text[128];
        size_t n = 0;
        for (size_t k = next_random() % 12; k-- > 0;)
            n += (size_t)utf8proc_encode_char((utf8proc_int32_t)random_character(), (utf8proc_uint8_t *)text + n);
        text[n] = 0;
        uint64_t nul = 0;
        struct str got;
        assert_int_equal(text_normalize(str_make(text, n), &arena, &nul, &got), TEXT_OK);
        char *want = (char *)utf8proc_NFC((const utf8proc_uint8_t *)text);
        assert_non_null(want);
        if (!str_eq(got, str_from(want)))
            fail_msg("\"%s\" became \"" FMT_STR "\", not \"%s\"", text, ARG_STR(got), want);
        free(want);
        arena_reset(&arena);
    }
}

/* The table of characters that text_normalize takes as they come must not name one that NFC changes, nor one that can
 * combine with what stands before it: every character alone, and every pair that some character comes apart into. */
static void every_character_and_every_pair_that_combines_becomes_nfc(void **state)
{
    (void)state;
    for (uint32_t c = 1; c < 0x110000; c++) {
        char text[16];
        if (c >= 0xd800 && c < 0xe000)
            continue;
        size_t n = (size_t)utf8proc_encode_char((utf8proc_int32_t)c, (utf8proc_uint8_t *)text);
        text[n] = 0;
        uint64_t nul = 0;
        struct str got;
        assert_int_equal(text_normalize(str_make(text, n), &arena, &nul, &got), TEXT_OK);
        utf8proc_int32_t parts[32];
        int bound = 0;
        utf8proc_ssize_t n_parts = utf8proc_decompose_char((utf8proc_int32_t)c, parts, 32, UTF8PROC_DECOMPOSE, &bound);
        assert_true(n_parts >= 1);
        char *want = (char *)utf8proc_NFC((const utf8proc_uint8_t *)text);
        if (!str_eq(got, str_from(want)))
            fail_msg("U+%04X", c);
        free(want);
        /* Every pair that some character comes apart into must come together again, however it is met. */
        if (n_parts == 2) {
            n = (size_t)utf8proc_encode_char(parts[0], (utf8proc_uint8_t *)text);
            n += (size_t)utf8proc_encode_char(parts[1], (utf8proc_uint8_t *)text + n);
            text[n] = 0;
            want = (char *)utf8proc_NFC((const utf8proc_uint8_t *)text);
            assert_int_equal(text_normalize(str_make(text, n), &arena, &nul, &got), TEXT_OK);
            if (!str_eq(got, str_from(want)))
                fail_msg("the parts of U+%04X", c);
            free(want);
        }
        arena_reset(&arena);
    }
}

static void types_are_found_by_any_of_their_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const struct type *type;
        const char *format;
    } names[] = {
        {"text", &type_text, ""},
        {"TEXT", &type_text, ""},
        {"checkbox", &type_boolean, ""},
        {"boolean", &type_boolean, ""},
        {"calendar_date", &type_floating_timestamp, ""},
        {"floating_timestamp", &type_floating_timestamp, ""},
        {"date", &type_fixed_timestamp, ""},
        {"fixed_timestamp", &type_fixed_timestamp, ""},
        {"number", &type_number, ""},
        {"double", &type_number, ""},
        {"money", &type_number, "{\"precisionStyle\":\"currency\",\"currency\":\"USD\"}"},
        {"Percent", &type_number, "{\"precisionStyle\":\"percentage\"}"},
        {"stars", &type_number, "{\"view\":\"stars\"}"},
        {"email", &type_text, ""},
        {"phone", &type_text, ""},
        {"html", &type_text, ""},
        {"drop_down_list", &type_text, ""},
        {"flag", &type_text, ""},
        {"dataset_link", &type_url, ""},
        {"multipolygon", &type_multipolygon, ""},
        {"nested_table", NULL, ""},
        {"row_identifier", NULL, ""},
        {"", NULL, ""},
        {"tex", NULL, ""},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *format = NULL;
        assert_ptr_equal(type_find(str_from(names[i].name), &format), names[i].type);
        assert_string_equal(format, names[i].format);
        assert_ptr_equal(type_find(str_from(names[i].name), NULL), names[i].type);
    }
}

static void every_type_is_complete(void **state)
{
    (void)state;
    static const enum type_storage storages[] = {
#define X(ID, soql, view, storage, postgres) STORAGE_##storage,
#include "rows/types.def"
#undef X
    };
    for (int id = 0; id <= TYPE_ROW_VERSION; id++) {
        const struct type *t = type_get((enum type_id)id);
        assert_int_equal(t->id, id);
        assert_true(t->soql_name && t->view_name && t->parse && t->write_json && t->write_csv && t->compare);
        assert_true(!t->can_identify_rows || t->key);
        if (id < TYPE_COUNT)
            assert_int_equal(t->storage, storages[id]);
    }
}

static void system_columns_show_their_public_form(void **state)
{
    (void)state;
    struct row_id_key key = {{1, 2, 3, 4}};
    struct type_render render = {.row_ids = &key};
    struct cell c = cell_int(7);
    struct buf b = {0};
    int64_t back;
    type_row_identifier.write_json(&type_row_identifier, &c, &render, &b);
    assert_true(b.n == ROW_ID_LENGTH + 2 && row_id_parse(&key, str_make(b.p + 1, ROW_ID_LENGTH), &back) && back == 7);
    buf_reset(&b);
    type_row_version.write_csv(&type_row_version, &c, &render, &b);
    assert_true(row_version_parse(&key, buf_str(&b), &back) && back == 7);
    buf_free(&b);
    assert_false(read_value(&type_row_identifier, RAW_STRING, STR("row-2222~2222~2222")).ok);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)
    const struct CMUnitTest tests[] = {
        TEST(text_takes_strings_and_numbers),
        TEST(empty_text_is_not_null),
        TEST(numbers_are_exact),
        TEST(checkboxes_know_twelve_words),
        TEST(urls_are_objects_or_addresses),
        TEST(what_is_written_is_read_as_the_same_cell),
        TEST(equal_keys_have_equal_bytes),
        TEST(order_is_by_value),
        TEST(nul_is_removed_and_counted),
        TEST(text_that_needs_no_change_is_not_copied),
        TEST(marks_on_one_letter_are_bounded),
        TEST(any_text_becomes_what_utf8proc_makes_of_the_whole),
        TEST(every_character_and_every_pair_that_combines_becomes_nfc),
        TEST(types_are_found_by_any_of_their_names),
        TEST(every_type_is_complete),
        TEST(system_columns_show_their_public_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
