/* Room for large rows: what is shared, who leads, and that all is given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/large.h"

static struct error err;

static void rows_of_half_a_megabyte_are_not_counted(void **state)
{
    (void)state;
    struct large l = {0};
    assert_true(large_take(&l, LARGE_FROM_BYTES - 1, &err));
    assert_int_equal(l.held, 0);
    large_give(&l);
}

static void one_row_of_any_size_always_passes_and_others_wait_outside(void **state)
{
    (void)state;
    struct large l[8] = {{0}};
    size_t refused = 0, whole = 0;
    for (uint64_t n = 1 << 20; n <= 70000000; n += 1 << 20)
        for (int i = 0; i < 8; i++)
            if (l[i].held != SIZE_MAX && !large_take(&l[i], n, &err)) {
                assert_int_equal(err.code, ERROR_OUT_OF_MEMORY);
                assert_true(err.retry_after_s > 0);
                large_give(&l[i]);
                l[i].held = SIZE_MAX; /* this one is over */
                refused++;
            }
    for (int i = 0; i < 8; i++) {
        whole += l[i].held != SIZE_MAX;
        if (l[i].held == SIZE_MAX)
            l[i].held = 0;
        large_give(&l[i]);
    }
    assert_true(whole >= 1);
    assert_int_equal(whole + refused, 8);
}

static void what_is_given_back_can_be_taken_again(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        struct large a = {0}, b = {0};
        assert_true(large_take(&a, 70000000, &err));
        assert_true(large_take(&b, LARGE_SHARED_BYTES_MAX, &err));
        struct large c = {0};
        assert_false(large_take(&c, LARGE_SHARED_BYTES_MAX, &err));
        large_give(&a);
        large_give(&b);
        large_give(&b);
    }
}

static void blanks_without_end_take_no_more_than_a_row(void **state)
{
    (void)state;
    struct large l = {0};
    assert_true(large_take(&l, 70000000, &err));
    assert_true(large_take(&l, UINT64_MAX, &err));
    assert_int_equal(l.held, LARGE_ROW_BYTES_MAX);
    large_give(&l);
    assert_int_equal(l.held, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_half_a_megabyte_are_not_counted),
        cmocka_unit_test(one_row_of_any_size_always_passes_and_others_wait_outside),
        cmocka_unit_test(what_is_given_back_can_be_taken_again),
        cmocka_unit_test(blanks_without_end_take_no_more_than_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
