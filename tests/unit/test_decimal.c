/* Decimals (rows/decimal.h, docs/wire/types.md): tables, and an order checked against a model that pads with zeros. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "rows/decimal.h"

static struct str parse(const char *lexeme, struct arena *a)
{
    struct str s = STR_NONE;
    enum decimal_status status = decimal_parse(str_from(lexeme), a, &s);
    if (status != DECIMAL_OK)
        fail_msg("%s: status %d", lexeme, (int)status);
    return s;
}

static void canonical_forms(void **state)
{
    (void)state;
    static const struct {
        const char *lexeme, *canonical;
    } cases[] = {
        {"0", "0"},
        {"-0", "0"},
        {"+0", "0"},
        {"00", "0"},
        {"0.00", "0.00"},
        {"-0.00", "0.00"},
        {"1", "1"},
        {"-1", "-1"},
        {"+5", "5"},
        {".5", "0.5"},
        {"-.5", "-0.5"},
        {"5.", "5"},
        {"00042", "42"},
        {"-00042.10", "-42.10"},
        {"1.50", "1.50"},
        {"1e5", "100000"},
        {"1E5", "100000"},
        {"1e+5", "100000"},
        {"1.5e3", "1500"},
        {"1.50e1", "15.0"},
        {"1.50e2", "150"},
        {"1.50e-1", "0.150"},
        {"12.34e-1", "1.234"},
        {"1E21", "1000000000000000000000"},
        {"1e-3", "0.001"},
        {"5.302E-7", "0.0000005302"},
        {"0e10", "0"},
        {"0e-5", "0.00000"},
        {"-0e-2", "0.00"},
        {"0e999999999999999999999", "0"},
        {"0.000e1", "0.00"},
        {"0.0e5", "0"},
        {"000.5e1", "5"},
        {"0.05e1", "0.5"},
        {"0.05e2", "5"},
        {"0.05e3", "50"},
        {"-10.0e-1", "-1.00"},
        {"1e0", "1"},
        {"1e-0", "1"},
        {"1e00000000000000000001", "10"},
        {"90744.00", "90744.00"},
        {"12345678901234567890", "12345678901234567890"},
        {"1234567890123456789012345678901234567890", "1234567890123456789012345678901234567890"},
    };
    struct arena a = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str s = parse(cases[i].lexeme, &a);
        if (!str_eq(s, str_from(cases[i].canonical)))
            fail_msg("%s became " FMT_STR ", not %s", cases[i].lexeme, ARG_STR(s), cases[i].canonical);
        struct str again = STR_NONE;
        assert_int_equal(decimal_parse(s, &a, &again), DECIMAL_OK);
        assert_ptr_equal(again.p, s.p); /* canonical text is not copied */
        assert_int_equal(again.n, s.n);
    }
    arena_free(&a);
}

static void what_is_not_a_number(void **state)
{
    (void)state;
    static const char *const cases[] = {"",     "+",     "-",     ".",     "-.",       "e5",   ".e5",      "1e",  "1e+",
                                        "1e5.", "1.2.3", "1,000", "$5",    "NaN",      "0x10", "1_000",    " 5",  "5 ",
                                        "--5",  "+-5",   "5-",    "1e5e5", "Infinity", "5d",   "\xd9\xa3", "1e 5"};
    struct arena a = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str s = STR("untouched");
        if (decimal_parse(str_from(cases[i]), &a, &s) != DECIMAL_NOT_A_NUMBER)
            fail_msg("\"%s\" was taken for a number", cases[i]);
        assert_true(str_eq(s, STR("untouched")));
    }
    struct str s;
    assert_int_equal(decimal_parse(str_make("1\0002", 3), &a, &s), DECIMAL_NOT_A_NUMBER);
    arena_free(&a);
}

static struct str repeat(char c, size_t n, struct arena *a)
{
    char *p = arena_alloc(a, n);
    assert_non_null(p);
    memset(p, c, n);
    return str_make(p, n);
}

static void the_cap_is_4096_digits_written_out(void **state)
{
    (void)state;
    struct arena a = {0};
    struct str s;
    assert_int_equal(decimal_parse(repeat('7', 4096, &a), &a, &s), DECIMAL_OK);
    assert_int_equal(s.n, 4096);
    assert_int_equal(decimal_parse(repeat('7', 4097, &a), &a, &s), DECIMAL_TOO_LONG);
    assert_int_equal(decimal_parse(repeat('0', 4097, &a), &a, &s), DECIMAL_TOO_LONG); /* as given */
    static const struct {
        const char *lexeme;
        enum decimal_status status;
        size_t n;
    } cases[] = {
        {"1e400", DECIMAL_OK, 401},
        {"-1e400", DECIMAL_OK, 402},
        {"1e-400", DECIMAL_OK, 402},
        {"1e4095", DECIMAL_OK, 4096},
        {"1e4096", DECIMAL_TOO_LONG, 0},
        {"1e-4095", DECIMAL_OK, 4097}, /* with the point */
        {"1e-4096", DECIMAL_TOO_LONG, 0},
        {"-1e-4095", DECIMAL_OK, 4098}, /* and the sign */
        {"0e-4095", DECIMAL_OK, 4097},
        {"0e-4096", DECIMAL_TOO_LONG, 0},
        {"12.5e4094", DECIMAL_OK, 4096},
        {"12.5e4095", DECIMAL_TOO_LONG, 0},
        {"1e999999999", DECIMAL_TOO_LONG, 0},
        {"1e-999999999", DECIMAL_TOO_LONG, 0},
        {"1e99999999999999999999999999", DECIMAL_TOO_LONG, 0},
        {"-1e-99999999999999999999999999", DECIMAL_TOO_LONG, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t before = a.used;
        enum decimal_status status = decimal_parse(str_from(cases[i].lexeme), &a, &s);
        if (status != cases[i].status || (status == DECIMAL_OK && s.n != cases[i].n))
            fail_msg("%s: status %d, %zu bytes", cases[i].lexeme, (int)status, s.n);
        assert_true(a.used - before < 8192); /* a refusal never writes the digits */
        struct str again;
        if (status == DECIMAL_OK) /* what was taken reads back, at any length */
            assert_true(decimal_parse(s, &a, &again) == DECIMAL_OK && str_eq(s, again));
    }
    arena_free(&a);
}

static void replies_are_plain_up_to_a_scale_of_20(void **state)
{
    (void)state;
    static const struct {
        const char *lexeme, *written;
    } cases[] = {
        {"1.50", "1.50"},
        {"1E21", "1000000000000000000000"},
        {"5.302E-7", "0.0000005302"},
        {"1e-20", "0.00000000000000000001"},
        {"1e-21", "1E-21"},
        {"-1e-21", "-1E-21"},
        {"5.302E-21", "5.302E-21"},
        {"-5.302E-21", "-5.302E-21"},
        {"5.3020E-21", "5.3020E-21"},
        {"0e-21", "0E-21"},
        {"1.000000000000000000000", "1.000000000000000000000"}, /* scale 21, but a whole part */
        {"0.000001000000000000000", "0.000001000000000000000"}, /* six places: still plain */
        {"0.000000100000000000000", "1.00000000000000E-7"},
    };
    struct arena a = {0};
    struct buf b = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_reset(&b);
        struct str s = parse(cases[i].lexeme, &a);
        decimal_write(s, &b);
        if (!str_eq(buf_str(&b), str_from(cases[i].written)))
            fail_msg("%s was written " FMT_STR ", not %s", cases[i].lexeme, ARG_STR(buf_str(&b)), cases[i].written);
        struct str again = STR_NONE;
        assert_int_equal(decimal_parse(buf_str(&b), &a, &again), DECIMAL_OK);
        assert_true(str_eq(again, s)); /* scale and all */
    }
    buf_free(&b);
    arena_free(&a);
}

static void trimmed_bytes_are_equal_when_values_are(void **state)
{
    (void)state;
    static const struct {
        const char *canonical, *trimmed;
    } cases[] = {{"1", "1"},       {"1.00", "1"},     {"1.50", "1.5"},    {"0.00", "0"}, {"100", "100"},
                 {"100.0", "100"}, {"-2.10", "-2.1"}, {"0.001", "0.001"}, {"10", "10"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_true(str_eq(decimal_trim(str_from(cases[i].canonical)), str_from(cases[i].trimmed)));
}

/* The model: both numbers padded with zeros to the same places, then compared byte by byte. */
static int model_compare(const char *a, const char *b)
{
    enum { PLACES = 64 };
    char wide[2][2 * PLACES];
    const char *in[2] = {a, b};
    int sign[2];
    for (int k = 0; k < 2; k++) {
        sign[k] = in[k][0] == '-' ? -1 : 1;
        const char *p = in[k] + (in[k][0] == '-');
        size_t whole = strcspn(p, ".");
        memset(wide[k], '0', sizeof wide[k]);
        memcpy(wide[k] + PLACES - whole, p, whole);
        if (p[whole])
            memcpy(wide[k] + PLACES, p + whole + 1, strlen(p + whole + 1));
    }
    int c = memcmp(wide[0], wide[1], sizeof wide[0]);
    c = (c > 0) - (c < 0);
    if (sign[0] != sign[1])
        return sign[0];
    return sign[0] * c;
}

static uint64_t random_state;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static uint64_t seed_random(void)
{
    const char *given = getenv("SELTZER_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    printf("SELTZER_SEED=%llu\n", (unsigned long long)seed);
    random_state = seed * 2 + 1;
    return seed;
}

/* Few digits and few places, so that equal values and long common starts are frequent. */
static size_t random_lexeme(char *to)
{
    size_t n = 0, whole = next_random() % 5, places = next_random() % 5;
    if (next_random() % 2)
        to[n++] = '-';
    if (next_random() % 8 == 0)
        whole += 20;
    for (size_t i = 0; i < whole; i++)
        to[n++] = (char)('0' + next_random() % 3);
    if (whole == 0)
        to[n++] = '0';
    if (places)
        to[n++] = '.';
    for (size_t i = 0; i < places; i++)
        to[n++] = (char)('0' + next_random() % 3);
    to[n] = 0;
    return n;
}

static void order_is_that_of_a_naive_model(void **state)
{
    (void)state;
    seed_random();
    struct arena a = {0};
    for (int i = 0; i < 200000; i++) {
        char x[64], y[64];
        random_lexeme(x);
        random_lexeme(y);
        struct str p = arena_str(&a, parse(x, &a)), q = arena_str(&a, parse(y, &a));
        int c = decimal_compare(p, q), d = decimal_compare(q, p), m = model_compare(p.p, q.p);
        if (c != m || d != -m)
            fail_msg("%s ? %s: %d and %d, model says %d", p.p, q.p, c, d, m);
        if ((m == 0) != str_eq(decimal_trim(p), decimal_trim(q)))
            fail_msg("%s and %s: key and order disagree", p.p, q.p);
        arena_reset(&a);
    }
    arena_free(&a);
}

static void order_of_some_pairs(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        int order;
    } cases[] = {{"1", "1.00", 0},
                 {"1", "2", -1},
                 {"10", "9", 1},
                 {"-1", "1", -1},
                 {"-2", "-1", -1},
                 {"-10", "-9", -1},
                 {"0.5", "0.49", 1},
                 {"-0.5", "0", -1},
                 {"1.0", "1.01", -1},
                 {"12.3", "1.23", 1},
                 {"1.23", "12.3", -1},
                 {"0", "0.000", 0},
                 {"100000000000000000001", "100000000000000000000", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(decimal_compare(str_from(cases[i].a), str_from(cases[i].b)), cases[i].order);
        assert_int_equal(decimal_compare(str_from(cases[i].b), str_from(cases[i].a)), -cases[i].order);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_forms),
        cmocka_unit_test(what_is_not_a_number),
        cmocka_unit_test(the_cap_is_4096_digits_written_out),
        cmocka_unit_test(replies_are_plain_up_to_a_scale_of_20),
        cmocka_unit_test(trimmed_bytes_are_equal_when_values_are),
        cmocka_unit_test(order_of_some_pairs),
        cmocka_unit_test(order_is_that_of_a_naive_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
