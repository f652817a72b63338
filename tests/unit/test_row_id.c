/* Row ids and versions (rows/row_id.h, docs/wire/row-ids.md). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <regex.h>
#include <time.h>
#include <cmocka.h>

#include "rows/row_id.h"

static uint64_t random_state;

static uint64_t next_random(void)
{
    random_state += 0x9e3779b97f4a7c15;
    uint64_t x = random_state;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

static struct row_id_key seeded_key(void)
{
    const char *given = getenv("SELTZER_SEED");
    random_state = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    printf("SELTZER_SEED=%llu\n", (unsigned long long)random_state);
    struct row_id_key key;
    for (int i = 0; i < 4; i++)
        key.k[i] = next_random();
    return key;
}

static void text_of(const struct row_id_key *key, int64_t sid, char text[ROW_ID_LENGTH + 1])
{
    text[ROW_ID_LENGTH] = 0;
    row_id_format(key, sid, text);
}

static const int64_t sid_end = (int64_t)1 << 60;

static void every_id_has_the_published_shape_and_decodes(void **state)
{
    (void)state;
    struct row_id_key key = seeded_key();
    regex_t row, version;
    const char *row_shape = "^row-[2-9a-km-np-z]{4}~[2-9a-km-np-z]{4}~[2-9a-km-np-z]{4}$";
    const char *version_shape = "^rv-[2-9a-km-np-z]{4}~[2-9a-km-np-z]{4}~[2-9a-km-np-z]{4}$";
    assert_int_equal(regcomp(&row, row_shape, REG_EXTENDED), 0);
    assert_int_equal(regcomp(&version, version_shape, REG_EXTENDED), 0);
    static const int64_t edges[] = {0, 1, (1 << 30) - 1, 1 << 30, ((int64_t)1 << 60) - 1};
    for (int i = 0; i < 20000; i++) {
        int64_t sid = i < 5 ? edges[i] : i < 5000 ? i : (int64_t)(next_random() % (uint64_t)sid_end), back = -1;
        char text[ROW_ID_LENGTH + 1], rv[ROW_VERSION_LENGTH + 1] = {0};
        text_of(&key, sid, text);
        row_version_format(&key, sid, rv);
        if (regexec(&row, text, 0, NULL, 0) || !row_id_parse(&key, str_from(text), &back) || back != sid)
            fail_msg("%lld: %s decodes to %lld", (long long)sid, text, (long long)back);
        if (regexec(&version, rv, 0, NULL, 0) || !row_version_parse(&key, str_from(rv), &back) || back != sid)
            fail_msg("%lld: %s decodes to %lld", (long long)sid, rv, (long long)back);
    }
    regfree(&row);
    regfree(&version);
}

static void every_well_formed_text_is_the_id_of_one_number(void **state)
{
    (void)state;
    struct row_id_key key = seeded_key();
    static const char alphabet[] = "23456789abcdefghijkmnpqrstuvwxyz";
    for (int i = 0; i < 20000; i++) {
        char text[ROW_ID_LENGTH + 1] = "row-xxxx~xxxx~xxxx", again[ROW_ID_LENGTH + 1];
        int64_t sid = -1;
        for (int k = 4; k < ROW_ID_LENGTH; k++)
            if (text[k] == 'x')
                text[k] = alphabet[next_random() % 32];
        assert_true(row_id_parse(&key, str_from(text), &sid));
        assert_true(sid >= 0 && sid < sid_end);
        text_of(&key, sid, again);
        assert_string_equal(text, again);
    }
}

static int compare_texts(const void *a, const void *b)
{
    return memcmp(a, b, ROW_ID_LENGTH);
}

static void consecutive_numbers_give_distinct_unlike_ids(void **state)
{
    (void)state;
    enum { N = 50000 };
    struct row_id_key key = seeded_key();
    char(*texts)[ROW_ID_LENGTH] = malloc((size_t)N * ROW_ID_LENGTH);
    assert_non_null(texts);
    size_t same_places = 0;
    for (int i = 0; i < N; i++) {
        row_id_format(&key, i, texts[i]);
        for (int k = 4; i > 0 && k < ROW_ID_LENGTH; k++)
            same_places += texts[i][k] == texts[i - 1][k];
    }
    /* Two separators and, by chance, 12/32 characters agree between neighbours. */
    assert_true(same_places < (size_t)N * 3);
    qsort(texts, N, ROW_ID_LENGTH, compare_texts);
    for (int i = 1; i < N; i++)
        assert_memory_not_equal(texts[i - 1], texts[i], ROW_ID_LENGTH);
    free(texts);
}

static void any_of_four_separators_is_read(void **state)
{
    (void)state;
    struct row_id_key key = seeded_key();
    char text[ROW_ID_LENGTH + 1];
    text_of(&key, 4711, text);
    for (const char *a = "-._~"; *a; a++)
        for (const char *b = "-._~"; *b; b++) {
            int64_t sid = -1;
            text[8] = *a;
            text[13] = *b;
            assert_true(row_id_parse(&key, str_from(text), &sid));
            assert_int_equal(sid, 4711);
        }
}

static void malformed_ids_are_refused(void **state)
{
    (void)state;
    struct row_id_key key = {{1, 2, 3, 4}};
    static const char *const cases[] = {
        "",
        "row-",
        "row",
        "1",
        "row-2222~2222~222",
        "row-2222~2222~22222",
        "rw-2222~2222~2222",
        "rv-2222~2222~2222",
        "row_2222~2222~2222",
        "ROW-2222~2222~2222",
        "row-A222~2222~2222",
        "row-0222~2222~2222",
        "row-1222~2222~2222",
        "row-l222~2222~2222",
        "row-o222~2222~2222",
        "row-2222+2222~2222",
        "row-2222~2222 2222",
        "row-2222222222~222",
        " row-2222~2222~222",
        "row-2222~2222~222\n",
        "row-222~22222~2222",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t sid = -7;
        if (row_id_parse(&key, str_from(cases[i]), &sid) || sid != -7)
            fail_msg("\"%s\" was taken for a row id", cases[i]);
    }
    int64_t sid = -7;
    assert_false(row_id_parse(&key, str_make("row-2222~22\0002~2222", 18), &sid));
    assert_false(row_id_parse(&key, STR_NONE, &sid));
    assert_false(row_version_parse(&key, STR("row-2222~2222~2222"), &sid));
    assert_true(row_version_parse(&key, STR("rv-2222~2222~2222"), &sid));
}

static void the_key_and_the_prefix_change_the_id(void **state)
{
    (void)state;
    struct row_id_key key = seeded_key(), other = key;
    char a[ROW_ID_LENGTH + 1], b[ROW_ID_LENGTH + 1], v[ROW_VERSION_LENGTH];
    text_of(&key, 1, a);
    row_version_format(&key, 1, v);
    assert_memory_not_equal(a + 4, v + 3, 14);
    for (int i = 0; i < 4; i++) {
        other = key;
        other.k[i] ^= 1;
        text_of(&other, 1, b);
        assert_string_not_equal(a, b);
    }
}

/* Ids are never stored, so that a change of the permutation would change every id that clients hold. */
static void ids_never_change(void **state)
{
    (void)state;
    struct row_id_key key = {{0x0123456789abcdef, 0xfedcba9876543210, 0x0f1e2d3c4b5a6978, 0x8796a5b4c3d2e1f0}};
    static const struct {
        int64_t sid;
        const char *row, *version;
    } cases[] = {
        {0, "row-xyi9~ikri~e2dj", "rv-97x9~7z66~us98"},
        {1, "row-g5c7~54zs~avw6", "rv-amby~mc7t~gc5p"},
        {((int64_t)1 << 60) - 1, "row-htx2~4938~zcfa", "rv-wixn~9r6m~27gy"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char row[ROW_ID_LENGTH + 1], version[ROW_VERSION_LENGTH + 1] = {0};
        text_of(&key, cases[i].sid, row);
        row_version_format(&key, cases[i].sid, version);
        assert_string_equal(row, cases[i].row);
        assert_string_equal(version, cases[i].version);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_id_has_the_published_shape_and_decodes),
        cmocka_unit_test(every_well_formed_text_is_the_id_of_one_number),
        cmocka_unit_test(consecutive_numbers_give_distinct_unlike_ids),
        cmocka_unit_test(any_of_four_separators_is_read),
        cmocka_unit_test(malformed_ids_are_refused),
        cmocka_unit_test(the_key_and_the_prefix_change_the_id),
        cmocka_unit_test(ids_never_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
