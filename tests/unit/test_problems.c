/* The list of problems (ingest/problems.h): the first thousand by input order, whatever the order of finding; an exact total. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "ingest/problems.h"

/* A problem whose texts follow from its place, so that a mixed-up one is seen. */
static void add(struct problems *p, uint64_t position, uint64_t column)
{
    char message[64], field[32];
    snprintf(message, sizeof message, "row %d is wrong", (int)position);
    snprintf(field, sizeof field, "c%d", (int)column);
    struct row_problem problem = {.position = position, .line = position + 2, .column = column, .code = ERROR_COLUMN_MALTYPED,
                                  .field = str_from(field), .value = STR("x"), .message = str_from(message)};
    assert_true(problems_add(p, &problem));
}

static void check(const struct row_problem *p, uint64_t position, uint64_t column)
{
    char message[64], field[32];
    snprintf(message, sizeof message, "row %d is wrong", (int)position);
    snprintf(field, sizeof field, "c%d", (int)column);
    assert_int_equal(p->position, position);
    assert_int_equal(p->line, position + 2);
    assert_int_equal(p->column, column);
    assert_true(str_eq(p->message, str_from(message)));
    assert_true(str_eq(p->field, str_from(field)));
    assert_true(str_eq(p->value, STR("x")));
    assert_int_equal(p->name.n, 0);
    assert_int_equal(p->primary_key_json.n, 0);
}

static void the_first_thousand_by_input_order_stay_in_any_order_of_finding(void **state)
{
    (void)state;
    static const size_t numbers[] = {0, 1, 2, 999, 1000, 1001, 2500, 10000};
    const char *z = getenv("SELTZER_SEED");
    unsigned seed = z ? (unsigned)atoi(z) : (unsigned)random_u64();
    print_message("SELTZER_SEED=%u\n", seed);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        for (int order = 0; order < 3; order++) {
            size_t n = numbers[i];
            uint64_t *places = calloc(n + 1, sizeof *places);
            struct problems p = {0};
            for (size_t k = 0; k < n; k++)
                places[k] = order == 1 ? n - 1 - k : k;
            for (size_t k = n; order == 2 && k-- > 1;) {
                size_t other = (size_t)rand_r(&seed) % (k + 1);
                uint64_t t = places[k];
                places[k] = places[other];
                places[other] = t;
            }
            for (size_t k = 0; k < n; k++)
                add(&p, places[k], places[k] % 5);
            problems_sort(&p);
            assert_int_equal(p.total, n);
            assert_int_equal(p.n, n < REPORT_ERRORS_MAX ? n : REPORT_ERRORS_MAX);
            for (size_t k = 0; k < p.n; k++)
                check(&p.v[k], k, k % 5);
            problems_clear(&p);
            free(places);
        }
}

static void several_of_one_row_stand_by_column(void **state)
{
    (void)state;
    struct problems p = {0};
    add(&p, 3, 9);
    add(&p, 3, 2);
    add(&p, 1, 50);
    add(&p, 3, 5);
    problems_sort(&p);
    check(&p.v[0], 1, 50);
    check(&p.v[1], 3, 2);
    check(&p.v[2], 3, 5);
    check(&p.v[3], 3, 9);
    problems_clear(&p);
}

static void sorting_and_then_adding_more_keeps_the_first(void **state)
{
    (void)state;
    struct problems p = {0};
    for (uint64_t k = 0; k < 1500; k++)
        add(&p, 10000 + k, 1);
    problems_sort(&p);
    for (uint64_t k = 0; k < 600; k++) /* the apply's row errors join the body's */
        add(&p, k, 1);
    problems_sort(&p);
    assert_int_equal(p.total, 2100);
    for (uint64_t k = 0; k < 1000; k++)
        check(&p.v[k], k < 600 ? k : 10000 + k - 600, 1);
    problems_clear(&p);
}

static void cleared_it_is_empty_and_takes_again(void **state)
{
    (void)state;
    struct problems p = {0};
    add(&p, 1, 1);
    problems_clear(&p);
    assert_int_equal(p.total, 0);
    assert_int_equal(p.n, 0);
    add(&p, 2, 1);
    check(&p.v[0], 2, 1);
    problems_clear(&p);
    problems_clear(&p);
}

static int set_up(void **state)
{
    (void)state;
    return random_init() ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_thousand_by_input_order_stay_in_any_order_of_finding),
        cmocka_unit_test(several_of_one_row_stand_by_column),
        cmocka_unit_test(sorting_and_then_adding_more_keeps_the_first),
        cmocka_unit_test(cleared_it_is_empty_and_takes_again),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
