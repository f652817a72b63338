/* Buckets that fill again (gate/throttle.h), with a clock of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "gate/throttle.h"

static const uint64_t second = 1000000000, start = 5000000000;

static int set_up(void **state)
{
    struct error err;
    assert_true(random_init());
    *state = throttle_new(&err);
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    throttle_free(*state);
    return 0;
}

/* How many of `n` requests at that moment pass. */
static unsigned passing(struct throttle *t, const char *id, const struct throttle_policy *p, uint64_t now_ns, unsigned n)
{
    struct throttle_state s;
    unsigned passed = 0;
    while (n--)
        passed += throttle_take(t, THROTTLE_ADDRESS, str_from(id), p, now_ns, &s);
    return passed;
}

static void a_burst_passes_and_then_as_many_as_are_earned(void **state)
{
    const struct throttle_policy p = throttle_policy_of(10, 50);
    assert_int_equal(passing(*state, "a", &p, start, 100), 50);
    assert_int_equal(passing(*state, "a", &p, start + second / 10 - 1, 9), 0);
    assert_int_equal(passing(*state, "a", &p, start + second / 10, 9), 1);
    assert_int_equal(passing(*state, "a", &p, start + 2 * second, 100), 19);
    assert_int_equal(passing(*state, "a", &p, start + 1000 * second, 100), 50); /* never more than a whole bucket */
}

static void every_caller_and_every_kind_has_its_own(void **state)
{
    const struct throttle_policy p = throttle_policy_of(1, 2);
    struct throttle_state s;
    assert_int_equal(passing(*state, "a", &p, start, 3), 2);
    assert_int_equal(passing(*state, "b", &p, start, 3), 2);
    assert_true(throttle_take(*state, THROTTLE_USER, STR("a"), &p, start, &s));
    /* ids that are the same for a long time, and one that is the hash's length */
    char one[200], other[200];
    memset(one, 'x', sizeof one);
    memcpy(other, one, sizeof one);
    one[198] = 'y';
    one[199] = other[199] = 0;
    assert_int_equal(passing(*state, one, &p, start, 3), 2);
    assert_int_equal(passing(*state, other, &p, start, 3), 2);
    assert_int_equal(passing(*state, "", &p, start, 3), 2);
}

static void what_is_left_and_when_there_is_more_is_told(void **state)
{
    const struct throttle_policy p = throttle_policy_of(2, 3);
    struct throttle_state s;
    assert_true(throttle_take(*state, THROTTLE_ADDRESS, STR("a"), &p, start, &s));
    assert_int_equal(s.left, 2);
    assert_int_equal(s.next_ns, second / 2);
    assert_true(throttle_take(*state, THROTTLE_ADDRESS, STR("a"), &p, start + second / 4, &s));
    assert_int_equal(s.left, 1);
    assert_int_equal(s.next_ns, second / 4);
    assert_true(throttle_take(*state, THROTTLE_ADDRESS, STR("a"), &p, start + second / 4, &s));
    assert_int_equal(s.left, 0);
    assert_false(throttle_take(*state, THROTTLE_ADDRESS, STR("a"), &p, start + second / 4, &s));
    assert_int_equal(s.left, 0);
    assert_int_equal(s.next_ns, second / 4);
    assert_true(throttle_take(*state, THROTTLE_ADDRESS, STR("a"), &p, start + second / 4 + s.next_ns, &s)); /* waiting as long as told is enough */
}

static void a_policy_that_became_smaller_holds_at_once(void **state)
{
    const struct throttle_policy large = throttle_policy_of(1, 1000), small = throttle_policy_of(10, 10);
    assert_int_equal(passing(*state, "a", &large, start, 500), 500);
    assert_int_equal(passing(*state, "a", &small, start, 5), 0);
    assert_int_equal(passing(*state, "a", &small, start + second, 50), 10);
}

/* Four times as many strangers as there are places, each of whom asks once, then one who has emptied his bucket. */
static void strangers_do_not_push_out_who_has_emptied_his_bucket(void **state)
{
    const struct throttle_policy p = throttle_policy_of(10, 1000);
    char id[16];
    assert_int_equal(passing(*state, "greedy", &p, start, 1001), 1000);
    for (unsigned i = 0; i < 4 * THROTTLE_BUCKETS; i++) {
        snprintf(id, sizeof id, "s%u", i);
        assert_int_equal(passing(*state, id, &p, start + i, 1), 1);
    }
    assert_int_equal(passing(*state, "greedy", &p, start + 4 * THROTTLE_BUCKETS, 5), 0);
    /* and each of the strangers is still served */
    assert_int_equal(passing(*state, "s1", &p, start + 4 * THROTTLE_BUCKETS, 1), 1);
}

static const struct {
    const char *text;
    uint64_t interval_ns, burst; /* of "address" */
} settings[] = {
    {"address=10", 100000000, 1000},
    {"address=10/s:5", 100000000, 5},
    {"address=600/m:5", 100000000, 5},
    {"address=1/h:1", 3600000000000, 1},
    {"address=1/h", 3600000000000, 1},
    {"address=1000000:10000000", 1000, 10000000},
    {"address=none", 0, 0},
    {"none", 0, 0},
};

static void settings_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        struct throttle_policy p[THROTTLE_KINDS];
        struct error err;
        throttle_defaults(p);
        if (!throttle_parse(str_from(settings[i].text), p, &err))
            fail_msg("%s: %s", settings[i].text, err.message);
        assert_int_equal(p[THROTTLE_ADDRESS].interval_ns, settings[i].interval_ns);
        assert_int_equal(p[THROTTLE_ADDRESS].burst, settings[i].burst);
        assert_int_equal(p[THROTTLE_APP].burst, strcmp(settings[i].text, "none") == 0 ? 0 : 10000);
    }
}

static void settings_that_mean_nothing_are_refused_and_change_nothing(void **state)
{
    static const char *const wrong[] = {"", "10", "address", "address=", "address=0", "address=-1", "address=10/d", "address=10/", "address=10:", "address=10:0", "address=10:x",
                                        "address=1000001", "address=1:10000001", "somebody=10", "Address=10", "none=10", "address=1e3", "address= 10", "address=10:5:5"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct throttle_policy p[THROTTLE_KINDS], before[THROTTLE_KINDS];
        struct error err = {0};
        throttle_defaults(p);
        memcpy(before, p, sizeof p);
        if (throttle_parse(str_from(wrong[i]), p, &err))
            fail_msg("\"%s\" was taken", wrong[i]);
        assert_memory_equal(p, before, sizeof p);
        assert_non_null(strstr(err.message, "RATE"));
    }
}

int main(void)
{
#define CLAIM(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(a_burst_passes_and_then_as_many_as_are_earned),
        CLAIM(every_caller_and_every_kind_has_its_own),
        CLAIM(what_is_left_and_when_there_is_more_is_told),
        CLAIM(a_policy_that_became_smaller_holds_at_once),
        CLAIM(strangers_do_not_push_out_who_has_emptied_his_bucket),
        cmocka_unit_test(settings_are_read),
        cmocka_unit_test(settings_that_mean_nothing_are_refused_and_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
