/* Floating and fixed timestamps (docs/wire/types.md, timestamps): what is read, what is refused and with which hint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "rows/timestamp.h"

/* The value as CSV shows it, "null", or NULL when refused. */
static const char *outcome(const struct type *t, enum raw_kind kind, struct str text, struct type_refusal *why)
{
    static char shown[2][128];
    static int turn;
    struct arena a = {0};
    struct type_context ctx = {.arena = &a};
    struct raw raw = {kind, text};
    struct cell c = {.kind = CELL_ABSENT, .i = 4711};
    struct buf b = {0};
    char *ret = NULL;
    *why = (struct type_refusal){{0}, {0}};
    if (t->parse(t, &raw, &ctx, &c, why)) {
        turn = !turn;
        ret = shown[turn];
        if (c.kind == CELL_NULL) {
            buf_add_z(&b, "null");
        } else {
            assert_int_equal(c.kind, CELL_INT);
            t->write_csv(t, &c, NULL, &b);
        }
        assert_true(buf_ok(&b) && b.n < sizeof shown[0]);
        memcpy(ret, b.p, b.n);
        ret[b.n] = 0;
    } else {
        assert_int_equal(c.kind, CELL_ABSENT); /* outputs stay untouched */
        assert_true(why->expected[0] != 0);
    }
    buf_free(&b);
    arena_free(&a);
    return ret;
}

static void check(const struct type *t, enum raw_kind kind, const char *text, const char *want)
{
    struct type_refusal why;
    const char *got = outcome(t, kind, str_from(text), &why);
    if (!got != !want || (got && want && strcmp(got, want) != 0))
        fail_msg("%s of \"%s\": %s (%s; %s), not %s", t->soql_name, text, got ? got : "refused", why.expected, why.hint,
                 want ? want : "refused");
}

#define MIDNIGHT "2014-10-13T00:00:00.000"
#define FIVE "2014-10-13T05:06:07.000"

/* What each type makes of a text; the fixed column is without its Z, which the test adds. NULL: refused. */
static const struct {
    const char *text, *floating, *fixed;
} cases[] = {
    {"2014-10-13T00:00:00.000", MIDNIGHT, MIDNIGHT},
    {"2014-10-13T05:06:07", FIVE, FIVE},
    {"2014-10-13T05:06:07.000", FIVE, FIVE},
    {"2014-10-13", MIDNIGHT, MIDNIGHT},
    {"2014-10", "2014-10-01T00:00:00.000", "2014-10-01T00:00:00.000"},
    {"2014", "2014-01-01T00:00:00.000", "2014-01-01T00:00:00.000"},
    {"2014T05", "2014-01-01T05:00:00.000", "2014-01-01T05:00:00.000"},
    {"2014-10-13T05:06", "2014-10-13T05:06:00.000", "2014-10-13T05:06:00.000"},
    {"2014-10-13T05", "2014-10-13T05:00:00.000", "2014-10-13T05:00:00.000"},
    {"2014-10-13T", NULL, MIDNIGHT},
    {"2014-10-13TZ", NULL, MIDNIGHT},
    {"2014-10-13T05Z", NULL, "2014-10-13T05:00:00.000"},
    {"2014-10-13T05:06:07Z", NULL, FIVE},
    {"2014-10-13T05:06:07z", NULL, FIVE},
    {"2014-10-13T05:06:07.000Z", NULL, FIVE},
    {"2014-10-13T05:06:07-0800", NULL, "2014-10-13T13:06:07.000"},
    {"2014-10-13T05:06:07-08:00", NULL, "2014-10-13T13:06:07.000"},
    {"2014-10-13T05:06:07+08", NULL, "2014-10-12T21:06:07.000"},
    {"2014-10-13T05:06:07+00:00", NULL, FIVE},
    {"2014-10-13T05:06:07.250+05:45", NULL, "2014-10-12T23:21:07.250"},
    {"2014-10-13T05:06-23:59", NULL, "2014-10-14T05:05:00.000"},
    {"2020-10-16T10:00:00.000-0800", NULL, "2020-10-16T18:00:00.000"},
    {"2014-10-13 05:06:07+00:00", NULL, FIVE},
    {"2014-286", MIDNIGHT, MIDNIGHT},
    {"2014-286T05:06:07", FIVE, FIVE},
    {"2014-001", "2014-01-01T00:00:00.000", "2014-01-01T00:00:00.000"},
    {"2016-366", "2016-12-31T00:00:00.000", "2016-12-31T00:00:00.000"},
    {"2014-366", NULL, NULL},
    {"2014-000", NULL, NULL},
    {"2014-W42-1", MIDNIGHT, MIDNIGHT},
    {"2014-W42", MIDNIGHT, MIDNIGHT},
    {"2014-W42-7T05:06", "2014-10-19T05:06:00.000", "2014-10-19T05:06:00.000"},
    {"2014-W01-1", "2013-12-30T00:00:00.000", "2013-12-30T00:00:00.000"},
    {"2015-W53-5", "2016-01-01T00:00:00.000", "2016-01-01T00:00:00.000"},
    {"2014-W53-1", NULL, NULL},
    {"2014-W00-1", NULL, NULL},
    {"2014-W42-0", NULL, NULL},
    {"2014-W42-8", NULL, NULL},
    {"2014-W", NULL, NULL},
    {"2014-w42-1", NULL, NULL},
    {"0001-W01-1", "0001-01-01T00:00:00.000", "0001-01-01T00:00:00.000"},
    {"9999-W52-7", NULL, NULL},
    {"2014-1-3T5:6:7", "2014-01-03T05:06:07.000", "2014-01-03T05:06:07.000"},
    {"2014-10-13T05:06:07,5", "2014-10-13T05:06:07.500", "2014-10-13T05:06:07.500"},
    {"2014-10-13T05:06:07.5", "2014-10-13T05:06:07.500", "2014-10-13T05:06:07.500"},
    {"2014-10-13T05:06:07.999999", "2014-10-13T05:06:07.999", "2014-10-13T05:06:07.999"},
    {"2014-10-13T05:06:07.9999999999999999999999999999", "2014-10-13T05:06:07.999", "2014-10-13T05:06:07.999"},
    {"2014-10-13T05:06:07.", NULL, NULL},
    {"2014-10-13T05:06.5", NULL, NULL},
    {"2014-10-13T05.5", NULL, NULL},
    {"2014-10-13t05:06:07", FIVE, FIVE},
    {"2014-10-13 05:06:07", FIVE, FIVE},
    {"2014-10-13 05:06:07.5", "2014-10-13T05:06:07.500", "2014-10-13T05:06:07.500"},
    {"2014-10-13 05:06", "2014-10-13T05:06:00.000", "2014-10-13T05:06:00.000"},
    {"2014-10-13  05:06", "2014-10-13T05:06:00.000", "2014-10-13T05:06:00.000"},
    {"2014-10-13 05", NULL, NULL},
    {"2014-10-13 Z", NULL, NULL},
    {"2014-10-13Z", NULL, NULL},
    {"10/13/2014", MIDNIGHT, MIDNIGHT},
    {"1/3/2014", "2014-01-03T00:00:00.000", "2014-01-03T00:00:00.000"},
    {"10/13/2014 05:06:07 AM", FIVE, FIVE},
    {"10/13/2014 05:06:07 am", FIVE, FIVE},
    {"10/13/2014 05:06:07AM", FIVE, FIVE},
    {"10/13/2014 5:06:07 AM", FIVE, FIVE},
    {"10/13/2014 05:06:07", FIVE, FIVE},
    {"10/13/2014 05:06:07.25 PM", "2014-10-13T17:06:07.250", "2014-10-13T17:06:07.250"},
    {"10/13/2014 17:06", "2014-10-13T17:06:00.000", "2014-10-13T17:06:00.000"},
    {"03/26/2014 10:38:01 PM", "2014-03-26T22:38:01.000", "2014-03-26T22:38:01.000"},
    {"03/26/2014 12:00:00 AM", "2014-03-26T00:00:00.000", "2014-03-26T00:00:00.000"},
    {"03/26/2014 12:00:00 PM", "2014-03-26T12:00:00.000", "2014-03-26T12:00:00.000"},
    {"03/26/2014 12:30 AM", "2014-03-26T00:30:00.000", "2014-03-26T00:30:00.000"},
    {"03/26/2014 00:00:00 AM", NULL, NULL},
    {"03/26/2014 13:00:00 PM", NULL, NULL},
    {"03/26/2014 10 PM", NULL, NULL},
    {"03/26/2014 10:38:01 XM", NULL, NULL},
    {"03/26/2014 10:38:01 PM Z", NULL, NULL},
    {"03/26/2014T10:38:01", NULL, NULL},
    {"03/26/2014 10:38:01Z", NULL, NULL},
    {"3/26/14", NULL, NULL},
    {"26/03/2014", NULL, NULL},
    {"02/30/2014", NULL, NULL},
    {"00/10/2014", NULL, NULL},
    {"10-13-2014", NULL, NULL},
    {"2014/10/13", NULL, NULL},
    {"20141013", NULL, NULL},
    {"20141013T050607", NULL, NULL},
    {"1413176767", NULL, NULL},
    {"1413176767000", NULL, NULL},
    {"T05:06:07", NULL, NULL},
    {"05:06:07", NULL, NULL},
    {"2014-10-13T24:00:00", NULL, NULL},
    {"2014-10-13T24:00", NULL, NULL},
    {"2014-10-13T23:59:60", NULL, NULL},
    {"2014-10-13T25:61", NULL, NULL},
    {"2014-10-13T05:60", NULL, NULL},
    {"2014-13-01", NULL, NULL},
    {"2014-00-01", NULL, NULL},
    {"2014-02-30", NULL, NULL},
    {"2014-02-29", NULL, NULL},
    {"2024-02-30", NULL, NULL},
    {"2024-02-29", "2024-02-29T00:00:00.000", "2024-02-29T00:00:00.000"},
    {"2000-02-29", "2000-02-29T00:00:00.000", "2000-02-29T00:00:00.000"},
    {"1900-02-29", NULL, NULL},
    {"2014-04-31", NULL, NULL},
    {"2014-10-32", NULL, NULL},
    {"0000", NULL, NULL},
    {"0000-01-01", NULL, NULL},
    {"0000-001", NULL, NULL},
    {"-300", NULL, NULL},
    {"-0300-01-01", NULL, NULL},
    {"+2014-10-13", NULL, NULL},
    {"99999", NULL, NULL},
    {"99999-01-01", NULL, NULL},
    {"14", NULL, NULL},
    {"214-10-13", NULL, NULL},
    {"0001-01-01", "0001-01-01T00:00:00.000", "0001-01-01T00:00:00.000"},
    {"0001-01-01T00:00:00+00:01", NULL, NULL},
    {"9999-12-31T23:59:59.999", "9999-12-31T23:59:59.999", "9999-12-31T23:59:59.999"},
    {"9999-12-31T23:59:59.999-00:01", NULL, NULL},
    {"1969-12-31T23:59:59.999", "1969-12-31T23:59:59.999", "1969-12-31T23:59:59.999"},
    {"2014-10-13T05:06:07+8", NULL, NULL},
    {"2014-10-13T05:06:07+24:00", NULL, NULL},
    {"2014-10-13T05:06:07+08:60", NULL, NULL},
    {"2014-10-13T05:06:07+08:0", NULL, NULL},
    {"2014-10-13T05:06:07ZZ", NULL, NULL},
    {"2014-10-13T05:06:07 UTC", NULL, NULL},
    {"2014-10-13T05:06:07x", NULL, NULL},
    {"2014-10-13T05:06:", NULL, NULL},
    {"2014-10-", NULL, NULL},
    {"2014-", NULL, NULL},
    {"2014-10-13T05:06:07.00x", NULL, NULL},
    {"2014-1x-13", NULL, NULL},
    {"today", NULL, NULL},
    {"\xe2\x80\x8e"
     "10/13/2014",
     NULL, NULL},
    {"", "null", "null"},
    {"  \t", "null", "null"},
    {" 2014-10-13T05:06:07 ", FIVE, FIVE},
};

static void each_text_is_read_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char fixed[64] = "";
        const char *want = cases[i].fixed;
        if (want && strcmp(want, "null") != 0) {
            snprintf(fixed, sizeof fixed, "%sZ", want);
            want = fixed;
        }
        check(&type_floating_timestamp, RAW_STRING, cases[i].text, cases[i].floating);
        check(&type_fixed_timestamp, RAW_STRING, cases[i].text, want);
    }
}

static void other_kinds_of_json_are_refused(void **state)
{
    (void)state;
    static const struct {
        enum raw_kind kind;
        const char *text;
    } kinds[] = {{RAW_NUMBER, "2014"}, {RAW_NUMBER, "1413176767"}, {RAW_TRUE, "true"},
                 {RAW_FALSE, "false"}, {RAW_OBJECT, "{}"},         {RAW_ARRAY, "[]"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        check(&type_floating_timestamp, kinds[i].kind, kinds[i].text, NULL);
        check(&type_fixed_timestamp, kinds[i].kind, kinds[i].text, NULL);
    }
}

static void a_refusal_says_what_to_do(void **state)
{
    (void)state;
    static const struct {
        const struct type *type;
        const char *text, *hint;
    } hints[] = {
        {&type_floating_timestamp, "2014-10-13T05:06:07Z", "drop the Z or offset, or make the column a fixed timestamp"},
        {&type_floating_timestamp, "2014-10-13T05:06:07-08:00", "drop the Z or offset, or make the column a fixed timestamp"},
        {&type_floating_timestamp, "2014-10-13T", "a time must follow the T"},
        {&type_fixed_timestamp, "20141013", "write the date with hyphens, 2014-10-13"},
        {&type_fixed_timestamp, "1413176767", "a count of seconds or milliseconds is not read; write the date out"},
        {&type_fixed_timestamp, "T05:06:07", "a time alone is not a timestamp; put the date before it"},
        {&type_fixed_timestamp, "2014-10-13T24:00:00", "write 24:00 as 00:00 of the next day"},
        {&type_fixed_timestamp, "2014-10-13T23:59:60", "leap seconds are not kept; seconds go to 59"},
        {&type_fixed_timestamp, "2024-02-30", "there is no such day in the calendar"},
        {&type_fixed_timestamp, "0000-01-01", "years go from 0001 to 9999"},
        {&type_fixed_timestamp, "-300", "years go from 0001 to 9999, without sign"},
        {&type_fixed_timestamp, "99999", "a year has four digits, from 0001 to 9999"},
        {&type_fixed_timestamp, "3/26/14", "write the year with four digits"},
        {&type_fixed_timestamp, "26/03/2014", "dates with slashes are MM/DD/YYYY: the month comes first"},
        {&type_fixed_timestamp, "03/26/2014 13:00:00 PM", "hours with AM or PM go from 1 to 12"},
        {&type_fixed_timestamp, "2014-10-13T05:06:07+8", "an offset is like Z, -08:00, -0800 or +08"},
        {&type_fixed_timestamp, "nonsense", ""},
    };
    struct type_refusal why;
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++) {
        assert_null(outcome(hints[i].type, RAW_STRING, str_from(hints[i].text), &why));
        assert_string_equal(why.hint, hints[i].hint);
    }
    assert_null(outcome(&type_fixed_timestamp, RAW_NUMBER, STR("1413176767"), &why));
    assert_string_equal(why.hint, "send the date as text; counts of seconds or milliseconds are not read");
}

static void json_is_the_csv_text_in_quotes(void **state)
{
    (void)state;
    struct buf b = {0};
    struct cell c = cell_int(1413176767000);
    type_floating_timestamp.write_json(&type_floating_timestamp, &c, NULL, &b);
    buf_add_byte(&b, ' ');
    type_fixed_timestamp.write_json(&type_fixed_timestamp, &c, NULL, &b);
    assert_true(str_eq(buf_str(&b), STR("\"2014-10-13T05:06:07.000\" \"2014-10-13T05:06:07.000Z\"")));
    buf_free(&b);
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

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    const char *given = getenv("SELTZER_SEED");
    random_state = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    printf("SELTZER_SEED=%llu\n", (unsigned long long)random_state);
    struct buf b = {0};
    for (int i = 0; i < 100000; i++) {
        uint64_t span = (uint64_t)(TIMESTAMP_MS_MAX - TIMESTAMP_MS_MIN) + 1;
        int64_t ms = i == 0 ? TIMESTAMP_MS_MIN : i == 1 ? TIMESTAMP_MS_MAX : TIMESTAMP_MS_MIN + (int64_t)(next_random() % span);
        enum timestamp_kind kind = i % 2 ? TIMESTAMP_FIXED : TIMESTAMP_FLOATING;
        int64_t back = 0;
        const char *hint = NULL;
        buf_reset(&b);
        timestamp_write(ms, kind, &b);
        if (!timestamp_parse(buf_str(&b), kind, &back, &hint) || back != ms)
            fail_msg("%lld was written " FMT_STR " and read %lld", (long long)ms, ARG_STR(buf_str(&b)), (long long)back);
    }
    buf_free(&b);
}

/* The readers at fixed positions and the scanner must agree. A comma for the point, or a second blank, takes the text to
 * the scanner; what it means stays the same. */
static void the_short_ways_agree_with_the_long_one(void **state)
{
    (void)state;
    random_state = 1;
    static const char alphabet[] = "0123456789";
    for (int i = 0; i < 200000; i++) {
        char iso[32], long_iso[32], us[32], long_us[32];
        unsigned month = (unsigned)(next_random() % 14), day = (unsigned)(next_random() % 33),
                 hour = (unsigned)(next_random() % 26);
        unsigned minute = (unsigned)(next_random() % 62), second = (unsigned)(next_random() % 62),
                 year = (unsigned)(next_random() % 2500);
        const char *half = next_random() % 2 ? "AM" : "PM";
        snprintf(iso, sizeof iso, "%04u-%02u-%02uT%02u:%02u:%02u.125", year, month, day, hour, minute, second);
        if (i % 3 == 0)
            iso[next_random() % 23] = alphabet[next_random() % 10];
        memcpy(long_iso, iso, sizeof iso);
        if (long_iso[19] == '.')
            long_iso[19] = ',';
        snprintf(us, sizeof us, "%02u/%02u/%04u %02u:%02u:%02u %s", month, day, year, hour, minute, second, half);
        snprintf(long_us, sizeof long_us, "%02u/%02u/%04u %02u:%02u:%02u  %s", month, day, year, hour, minute, second, half);
        const char *pairs[2][2] = {{iso, long_iso}, {us, long_us}}, *hint;
        for (int k = 0; k < 2; k++) {
            int64_t a = 0, b = 0;
            bool ok_a = timestamp_parse(str_from(pairs[k][0]), TIMESTAMP_FLOATING, &a, &hint);
            bool ok_b = timestamp_parse(str_from(pairs[k][1]), TIMESTAMP_FLOATING, &b, &hint);
            if (ok_a != ok_b || a != b)
                fail_msg("%s: %d %lld; %s: %d %lld", pairs[k][0], ok_a, (long long)a, pairs[k][1], ok_b, (long long)b);
        }
    }
}

static void years_that_only_a_query_makes_are_written_with_sign(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } years[] = {{TIMESTAMP_MS_MAX + 1, "+10000-01-01T00:00:00.000"},
                 {TIMESTAMP_MS_MIN - 1, "0000-12-31T23:59:59.999"},
                 {-62198755200000, "-0001-01-01T00:00:00.000"}};
    struct buf b = {0};
    for (size_t i = 0; i < sizeof years / sizeof *years; i++) {
        buf_reset(&b);
        timestamp_write(years[i].ms, TIMESTAMP_FLOATING, &b);
        if (!str_eq(buf_str(&b), str_from(years[i].text)))
            fail_msg("%lld was written " FMT_STR, (long long)years[i].ms, ARG_STR(buf_str(&b)));
    }
    buf_reset(&b);
    timestamp_write(INT64_MIN, TIMESTAMP_FIXED, &b);
    timestamp_write(INT64_MAX, TIMESTAMP_FIXED, &b);
    assert_true(buf_ok(&b));
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_text_is_read_or_refused),
        cmocka_unit_test(other_kinds_of_json_are_refused),
        cmocka_unit_test(a_refusal_says_what_to_do),
        cmocka_unit_test(json_is_the_csv_text_in_quotes),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(the_short_ways_agree_with_the_long_one),
        cmocka_unit_test(years_that_only_a_query_makes_are_written_with_sign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
