/* A flood of refusals is cut to so many lines a second; the next line tells how many were left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/refusal_log.h"

static void ten_lines_a_second_and_the_count_of_the_others(void **state)
{
    (void)state;
    struct refusal_quota q = {0};
    uint64_t left_out = 99;
    for (int i = 0; i < REFUSAL_LINES_A_SECOND; i++) {
        assert_true(refusal_quota_take(&q, 5000 + (uint64_t)i, &left_out));
        assert_int_equal(left_out, 0);
    }
    for (int i = 0; i < 90; i++)
        assert_false(refusal_quota_take(&q, 5999, &left_out));
    assert_true(refusal_quota_take(&q, 6000, &left_out));
    assert_int_equal(left_out, 90);
    assert_true(refusal_quota_take(&q, 6001, &left_out));
    assert_int_equal(left_out, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ten_lines_a_second_and_the_count_of_the_others)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
