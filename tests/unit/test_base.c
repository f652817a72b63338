/* The little things under everything: text, buffers, arenas, time, errors (src/base). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/folder.h"
#include "base/random.h"

static void is(struct str got, const char *want)
{
    if (!str_eq(got, str_from(want)))
        fail_msg("\"" FMT_STR "\" is not \"%s\"", ARG_STR(got), want);
}

/* ── text ── */

static void text_is_compared_by_bytes_and_by_length(void **state)
{
    (void)state;
    static const char *const sorted[] = {"", "A", "a", "a\x01", "aa", "ab", "b", "\xc3\xa9", "\xff"};
    for (size_t i = 0; i < 9; i++)
        for (size_t k = 0; k < 9; k++) {
            int c = str_cmp(str_from(sorted[i]), str_from(sorted[k]));
            assert_true(i < k ? c < 0 : i > k ? c > 0 : c == 0);
            assert_int_equal(str_eq(str_from(sorted[i]), str_from(sorted[k])), i == k);
        }
    assert_true(str_eq(STR_NONE, STR("")));
    assert_true(str_eq_fold(STR("Row-Id_[@z"), STR("rOW-iD_[@Z")));
    assert_false(str_eq_fold(STR("["), STR("{"))); /* 32 apart, but no letters */
    assert_false(str_eq_fold(STR("\xc3\x89"), STR("\xc3\xa9")));
    assert_false(str_eq_fold(STR("a"), STR("ab")));
}

static void text_is_cut_and_searched(void **state)
{
    (void)state;
    struct str head, rest;
    size_t at = 99;
    assert_true(str_cut(STR("a=b=c"), '=', &head, &rest));
    is(head, "a");
    is(rest, "b=c");
    assert_true(str_cut(STR("a="), '=', &head, &rest));
    is(rest, "");
    assert_false(str_cut(STR("abc"), '=', &head, &rest));
    is(head, "abc");
    assert_int_equal(rest.n, 0);
    assert_true(str_starts(STR("abc"), STR("ab")) && str_starts(STR("abc"), STR("")) && !str_starts(STR("ab"), STR("abc")));
    assert_true(str_ends(STR("abc"), STR("bc")) && str_ends(STR("abc"), STR("")) && !str_ends(STR("bc"), STR("abc")));
    assert_false(str_find_byte(STR("abc"), 'x', &at));
    assert_int_equal(at, 99);
    assert_true(str_find_byte(STR("abc"), 'c', &at) && at == 2);
    assert_false(str_find_byte(STR_NONE, 'c', &at));
    is(str_trim(STR(" \t\r\n a b \n")), "a b");
    is(str_trim(STR(" \n ")), "");
    is(str_trim(STR("\xc2\xa0x")), "\xc2\xa0x"); /* ASCII blanks only */
    is(str_skip(STR("abc"), 2), "c");
    is(str_skip(STR("abc"), 7), "");
    is(str_head(STR("abc"), 7), "abc");
    char *z = str_dup_z(STR("abc"));
    assert_string_equal(z, "abc");
    free(z);
    z = str_dup_z(STR_NONE);
    assert_string_equal(z, "");
    free(z);
}

static void numbers_and_truth_are_read_strictly(void **state)
{
    (void)state;
    static const char *const bad[] = {"", " 1", "1 ", "+1", "-1", "1.0", "0x1", "18446744073709551616", "99999999999999999999999", "1a"};
    uint64_t v = 7;
    bool yes = true;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(str_to_u64(str_from(bad[i]), &v));
    assert_int_equal(v, 7);
    assert_true(str_to_u64(STR("18446744073709551615"), &v) && v == UINT64_MAX);
    assert_true(str_to_u64(STR("007"), &v) && v == 7);
    assert_true(str_to_bool(STR("FALSE"), &yes) && !yes);
    assert_true(str_to_bool(STR("True"), &yes) && yes);
    assert_false(str_to_bool(STR("1"), &yes) || str_to_bool(STR(""), &yes) || str_to_bool(STR("true "), &yes));
}

/* Against a decoder written from the table of RFC 3629 section 4, over every two-byte and many longer inputs. */
static size_t utf8_length(const unsigned char *p, size_t n)
{
    static const struct {
        unsigned char first[2], second[2];
        size_t n;
    } forms[] = {
        {{0x00, 0x7f}, {0, 0}, 1},          {{0xc2, 0xdf}, {0x80, 0xbf}, 2}, {{0xe0, 0xe0}, {0xa0, 0xbf}, 3}, {{0xe1, 0xec}, {0x80, 0xbf}, 3},
        {{0xed, 0xed}, {0x80, 0x9f}, 3},    {{0xee, 0xef}, {0x80, 0xbf}, 3}, {{0xf0, 0xf0}, {0x90, 0xbf}, 4}, {{0xf1, 0xf3}, {0x80, 0xbf}, 4},
        {{0xf4, 0xf4}, {0x80, 0x8f}, 4},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (p[0] < forms[i].first[0] || p[0] > forms[i].first[1] || n < forms[i].n)
            continue;
        if (forms[i].n > 1 && (p[1] < forms[i].second[0] || p[1] > forms[i].second[1]))
            continue;
        bool good = true;
        for (size_t k = 2; k < forms[i].n; k++)
            good = good && p[k] >= 0x80 && p[k] <= 0xbf;
        if (good)
            return forms[i].n;
    }
    return 0;
}

static void utf8_is_what_the_table_of_rfc_3629_says(void **state)
{
    (void)state;
    static const unsigned char tails[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff};
    for (unsigned first = 0; first < 256; first++)
        for (unsigned second = 0; second < 256; second++)
            for (unsigned k = 0; k < 100; k++) {
                unsigned char text[12] = {'a', 'b', (unsigned char)first, (unsigned char)second, tails[k % 10], tails[k / 10], 'c', 'd', 'e', 'f', 'g', 'h'};
                struct str s = str_make((const char *)text, 12);
                size_t want = 0, bad_at = 99, n;
                while (want < 12 && (n = utf8_length(text + want, 12 - want)) > 0)
                    want += n;
                bool good = str_is_utf8(s, &bad_at);
                if (good != (want == 12) || (!good && bad_at != want))
                    fail_msg("%02x %02x %02x %02x: %d at %d, not %d", first, second, text[4], text[5], good, (int)bad_at, (int)want);
            }
}

static void a_head_of_utf8_never_ends_inside_of_a_character(void **state)
{
    (void)state;
    struct str s = STR("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z");
    static const size_t lengths[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
    for (size_t n = 0; n < 13; n++) {
        assert_int_equal(str_head_utf8(s, n).n, lengths[n]);
        assert_true(str_is_utf8(str_head_utf8(s, n), NULL));
    }
}

/* ── buffers ── */

static void a_buffer_grows_and_prints(void **state)
{
    (void)state;
    struct buf b = {0};
    char long_text[1000];
    memset(long_text, 'x', 999);
    long_text[999] = 0;
    buf_add_i64(&b, INT64_MIN);
    buf_add_byte(&b, ' ');
    buf_add_u64(&b, UINT64_MAX);
    buf_add_i64(&b, 0);
    is(buf_str(&b), "-9223372036854775808 184467440737095516150");
    buf_reset(&b);
    buf_printf(&b, "%d %s", 5, long_text); /* longer than the room on the stack */
    assert_int_equal(b.n, 1001);
    assert_true(memcmp(b.p, "5 xxx", 5) == 0 && b.p[1000] == 'x');
    buf_reset(&b);
    buf_add(&b, NULL, 0);
    buf_add_str(&b, STR_NONE);
    assert_true(buf_ok(&b) && b.n == 0);
    buf_add_z(&b, "abc");
    char *z = buf_take_z(&b);
    assert_string_equal(z, "abc");
    free(z);
    assert_null(b.p);
    z = buf_take_z(&b);
    assert_string_equal(z, "");
    free(z);
}

static void a_buffer_remembers_that_it_failed(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_add_z(&b, "abc");
    assert_null(buf_room(&b, SIZE_MAX - 1));
    assert_false(buf_ok(&b));
    buf_add_z(&b, "def");
    buf_add_byte(&b, 'g');
    buf_printf(&b, "%d", 1);
    is(buf_str(&b), "abc");
    assert_null(buf_take_z(&b));
    assert_true(buf_ok(&b)); /* empty and new */
    b.failed = true;
    buf_reset(&b);
    assert_true(buf_ok(&b));
    buf_free(&b);
}

static void a_json_string_is_json_whatever_the_bytes(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        const char *json;
    } cases[] = {
        {{"", 0}, "\"\""},
        {{NULL, 0}, "\"\""},
        {{"a\"b\\c", 5}, "\"a\\\"b\\\\c\""},
        {{"\n\r\t\b\f", 5}, "\"\\n\\r\\t\\b\\f\""},
        {{"\0\x1f\x7f", 3}, "\"\\u0000\\u001f\\u007f\""},
        {{"\xc3\xa9", 2}, "\"\xc3\xa9\""},
        {{"a\xc3", 2}, "\"a\xef\xbf\xbd\""},
        {{"\xff\xfe" "b", 3}, "\"\xef\xbf\xbd\xef\xbf\xbd" "b\""},
        {{"\xed\xa0\x80", 3}, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b = {0};
        buf_add_json(&b, cases[i].text);
        is(buf_str(&b), cases[i].json);
        buf_free(&b);
    }
}

/* ── arenas ── */

static void an_arena_hands_out_aligned_memory_of_its_own(void **state)
{
    (void)state;
    struct arena a = {0};
    unsigned char *p[500];
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 500; i++) {
            p[i] = arena_alloc(&a, i * 7);
            assert_non_null(p[i]);
            assert_int_equal((uintptr_t)p[i] % 16, 0);
            memset(p[i], (int)i, i * 7);
        }
        for (size_t i = 0; i < 500; i++)
            for (size_t k = 0; k < i * 7; k++)
                assert_int_equal(p[i][k], (unsigned char)i);
        assert_true(a.used >= 500 * 499 / 2 * 7);
        arena_reset(&a);
        assert_int_equal(a.used, 0);
    }
    assert_null(arena_alloc(&a, SIZE_MAX - 5));
    assert_null(arena_grow(&a, NULL, 0, SIZE_MAX - 5));
    assert_non_null(arena_alloc(&a, (size_t)3 << 20));
    arena_reset(&a); /* a huge block is not kept */
    assert_null(a.block);
    arena_reset(&a);
    char *z = arena_zalloc(&a, 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(z[i], 0);
    arena_free(&a);
    arena_free(&a);
}

static void an_arena_grows_the_last_piece_in_place_and_copies_others(void **state)
{
    (void)state;
    struct arena a = {0};
    char *p = arena_alloc(&a, 10);
    memcpy(p, "0123456789", 10);
    char *q = arena_grow(&a, p, 10, 100);
    assert_ptr_equal(p, q);
    size_t used = a.used;
    assert_ptr_equal(arena_grow(&a, q, 100, 20), q);
    assert_true(a.used < used);
    arena_alloc(&a, 1);
    char *r = arena_grow(&a, q, 20, 50);
    assert_ptr_not_equal(q, r);
    assert_memory_equal(r, "0123456789", 10);
    r = arena_grow(&a, r, 10, 100000); /* beyond its block */
    assert_memory_equal(r, "0123456789", 10);
    struct str s = arena_str(&a, STR("text"));
    assert_string_equal(s.p, "text");
    assert_string_equal(arena_str(&a, STR_NONE).p, "");
    assert_string_equal(arena_printf(&a, "%d-%s", 5, "x"), "5-x");
    arena_free(&a);
}

/* ── time ── */

static void the_calendar_is_the_c_librarys(void **state)
{
    (void)state;
    for (int64_t day = -800000; day < 3000000; day += 13) { /* the years -220 to 10,183 */
        time_t t = (time_t)day * 86400;
        struct tm tm;
        int64_t year;
        unsigned month, month_day;
        assert_non_null(gmtime_r(&t, &tm));
        clock_civil_from_days(day, &year, &month, &month_day);
        if (year != tm.tm_year + 1900 || month != (unsigned)tm.tm_mon + 1 || month_day != (unsigned)tm.tm_mday)
            fail_msg("day %lld is %lld-%u-%u", (long long)day, (long long)year, month, month_day);
        assert_int_equal(clock_days_from_civil(year, month, month_day), day);
        assert_int_equal(timegm(&tm) / 86400, day);
    }
}

static void http_dates_are_written_as_rfc_9110_says_and_read_back(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {784111777000, "Sun, 06 Nov 1994 08:49:37 GMT"}, {0, "Thu, 01 Jan 1970 00:00:00 GMT"},         {-1, "Wed, 31 Dec 1969 23:59:59 GMT"},
        {951782400999, "Tue, 29 Feb 2000 00:00:00 GMT"}, {253402300799000, "Fri, 31 Dec 9999 23:59:59 GMT"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b = {0};
        int64_t seconds = 1;
        clock_add_http_date(&b, cases[i].ms);
        is(buf_str(&b), cases[i].text);
        assert_true(clock_parse_http_date(buf_str(&b), &seconds));
        assert_int_equal(seconds * 1000, cases[i].ms - ((cases[i].ms % 1000 + 1000) % 1000));
        buf_free(&b);
    }
    for (int64_t ms = -4000000000000; ms < 8000000000000; ms += 86400000 * 11 + 12345) {
        struct buf b = {0};
        char want[64];
        time_t t = (time_t)((ms - ((ms % 1000 + 1000) % 1000)) / 1000);
        struct tm tm;
        strftime(want, sizeof want, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&t, &tm));
        clock_add_http_date(&b, ms);
        is(buf_str(&b), want);
        buf_free(&b);
    }
}

static void other_dates_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun; 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nox 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 32 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, +6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 199x 08:49:37 GMT", "Sun, 06 Nov 1994 x8:49:37 GMT", "Sun, 06 Nov 1994 08:x9:37 GMT", "Sun, 06 Nov 1994 08:49:x7 GMT",
    };
    int64_t seconds = 4711;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (clock_parse_http_date(str_from(bad[i]), &seconds))
            fail_msg("\"%s\" was taken", bad[i]);
    assert_int_equal(seconds, 4711);
    uint64_t mono = clock_mono_ms();
    assert_true(clock_mono_ms() >= mono && clock_mono_us() / 1000 >= mono && clock_wall_ms() > 1600000000000);
}

/* ── errors ── */

static void every_error_has_a_status_and_names(void **state)
{
    (void)state;
    for (int i = ERROR_NONE + 1; i < ERROR_COUNT; i++) {
        const struct error_info *info = error_info((enum error_code)i);
        assert_true(info->status >= 400 && info->status < 600);
        assert_true(info->code[0] && info->error_code[0] && info->title[0]);
    }
}

static void a_message_too_long_is_cut_at_a_character(void **state)
{
    (void)state;
    char text[4000];
    for (size_t cut = 0; cut < 4; cut++) {
        struct error err;
        memset(text, 'x', cut);
        for (size_t i = cut; i + 3 < sizeof text; i += 3)
            memcpy(text + i, "\xe2\x82\xac", 4);
        assert_false(error_set(&err, ERROR_BAD_REQUEST, "%s", text));
        size_t n = strlen(err.message);
        assert_true(n >= sizeof err.message - 4 && n < sizeof err.message);
        assert_true(str_is_utf8(str_from(err.message), NULL));
    }
}

static void a_member_that_does_not_fit_is_left_out_whole(void **state)
{
    (void)state;
    struct error err;
    struct buf out = {0};
    char text[1500];
    memset(text, 'y', sizeof text);
    error_set(&err, ERROR_BODY_TOO_LARGE, "a \"quoted\" message");
    error_data_i64(&err, "limit", -5);
    error_data_str(&err, "big", str_make(text, sizeof text));
    error_data_str(&err, "bigger", str_make(text, sizeof text)); /* no room */
    error_data_str(&err, "small", STR("s\n"));
    error_data_raw(&err, "raw", STR("[1]"));
    assert_null(strstr(err.data, "bigger"));
    assert_non_null(strstr(err.data, ",\"small\":\"s\\n\",\"raw\":[1]"));
    error_set(&err, ERROR_BODY_TOO_LARGE, "a \"quoted\" message"); /* clears data */
    error_data_i64(&err, "limit", 5);
    error_write_json(&err, &out);
    is(buf_str(&out), "{\"code\":\"request_too_large\",\"errorCode\":\"req.body.too-large\",\"error\":true,"
                      "\"message\":\"a \\\"quoted\\\" message\",\"data\":{\"limit\":5}}\n");
    buf_free(&out);
}

static void errno_becomes_the_error_that_a_client_can_act_on(void **state)
{
    (void)state;
    static const struct {
        int number;
        enum error_code code;
    } cases[] = {{ENOSPC, ERROR_DISK_FULL}, {EDQUOT, ERROR_DISK_FULL}, {EFBIG, ERROR_DISK_FULL}, {ENOMEM, ERROR_OUT_OF_MEMORY}, {EIO, ERROR_STORE_UNAVAILABLE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = {0};
        assert_false(error_from_errno(&err, cases[i].number, "write it"));
        assert_int_equal(err.code, cases[i].code);
        if (cases[i].code != ERROR_OUT_OF_MEMORY)
            assert_non_null(strstr(err.message, "write it"));
        assert_int_equal(err.retry_after_s, cases[i].code == ERROR_DISK_FULL ? 0 : 5);
    }
}

static void random_numbers_differ(void **state)
{
    (void)state;
    uint64_t seen[100];
    for (int i = 0; i < 100; i++) {
        seen[i] = random_u64();
        for (int k = 0; k < i; k++)
            assert_true(seen[i] != seen[k]);
    }
}

/* ── folders ── */

static void a_folder_is_made_once_and_refusals_say_why(void **state)
{
    (void)state;
    char dir[] = "/tmp/seltzer-base-XXXXXX", below[64], deeper[80], file[64];
    struct error err = {0};
    assert_non_null(mkdtemp(dir));
    snprintf(below, sizeof below, "%s/a/", dir);
    snprintf(deeper, sizeof deeper, "%s/b/c", dir);
    snprintf(file, sizeof file, "%s/f", dir);
    assert_true(folder_make(below, &err) && folder_make(below, &err) && folder_sync(below, &err) && folder_sync_name(below, &err));
    assert_false(folder_make(deeper, &err));
    assert_int_equal(err.code, ERROR_STORE_UNAVAILABLE);
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    fclose(f);
    assert_true(folder_sync_name(file, &err));
    assert_false(folder_make(file, &err));
    assert_non_null(strstr(err.message, "Not a directory"));
    assert_null(strstr(err.message, dir)); /* a client may read it */
    assert_false(folder_sync(file, &err));
    assert_false(folder_sync_name(deeper, &err));
    remove(file);
    rmdir(below);
    rmdir(dir);
}

static int set_up(void **state)
{
    (void)state;
    return random_init() ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_compared_by_bytes_and_by_length),
        cmocka_unit_test(text_is_cut_and_searched),
        cmocka_unit_test(numbers_and_truth_are_read_strictly),
        cmocka_unit_test(utf8_is_what_the_table_of_rfc_3629_says),
        cmocka_unit_test(a_head_of_utf8_never_ends_inside_of_a_character),
        cmocka_unit_test(a_buffer_grows_and_prints),
        cmocka_unit_test(a_buffer_remembers_that_it_failed),
        cmocka_unit_test(a_json_string_is_json_whatever_the_bytes),
        cmocka_unit_test(an_arena_hands_out_aligned_memory_of_its_own),
        cmocka_unit_test(an_arena_grows_the_last_piece_in_place_and_copies_others),
        cmocka_unit_test(the_calendar_is_the_c_librarys),
        cmocka_unit_test(http_dates_are_written_as_rfc_9110_says_and_read_back),
        cmocka_unit_test(other_dates_are_refused),
        cmocka_unit_test(every_error_has_a_status_and_names),
        cmocka_unit_test(a_message_too_long_is_cut_at_a_character),
        cmocka_unit_test(a_member_that_does_not_fit_is_left_out_whole),
        cmocka_unit_test(errno_becomes_the_error_that_a_client_can_act_on),
        cmocka_unit_test(random_numbers_differ),
        cmocka_unit_test(a_folder_is_made_once_and_refusals_say_why),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
