/* Rows by key in a nameless file (src/store/sqlite/postings.h). Linked with --wrap of the allocator (Makefile). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/spool.h"
#include "store/sqlite/postings.h"
#include "failing_allocation.h"

#define GOOD(call) do { struct error err_ = {0}; if (!(call)) fail_msg("%s: %s", #call, err_.message); } while (0)

static bool disk_fails;
ssize_t __real_pread(int fd, void *p, size_t n, off_t at);
ssize_t __wrap_pread(int fd, void *p, size_t n, off_t at);
ssize_t __wrap_pread(int fd, void *p, size_t n, off_t at)
{
    return disk_fails ? -1 : __real_pread(fd, p, n, at);
}

/* ── pairs ── */

enum { PAIRS = 700000, SOME = 60000, KEYS = 5000, EVERYWHERE = 17 }; /* more than a run takes */

static unsigned long long random_state;

static unsigned pick(unsigned n)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % n;
}

static int64_t sid_of(unsigned i)
{
    return 1 + i / 7 + (i > PAIRS / 2 ? (int64_t)5 << 32 : 0); /* a gap that no run spans */
}

static uint32_t *keys; /* of pair i */

static void make_keys(void)
{
    const char *given = getenv("SELTZER_SEED");
    random_state = given ? strtoull(given, NULL, 10) : (unsigned long long)time(NULL);
    printf("SELTZER_SEED=%llu\n", random_state);
    keys = malloc(PAIRS * sizeof *keys);
    assert_non_null(keys);
    for (unsigned i = 0; i < PAIRS; i++)
        keys[i] = i % 7 == 0 ? EVERYWHERE : pick(3) ? pick(KEYS) : pick(KEYS) * 800000u;
}

static struct postings *make(unsigned n, uint64_t bytes_max, struct error *err)
{
    struct postings_builder *b = postings_builder_new("/tmp", bytes_max, err);
    bool ok = b;
    for (unsigned i = 0; ok && i < n; i++)
        ok = postings_builder_add(b, keys[i], sid_of(i), err);
    if (ok)
        return postings_finish(b, err);
    postings_builder_free(b);
    return NULL;
}

static void check_range(const struct postings *p, uint32_t from, uint32_t to)
{
    struct sids got = {.max = PAIRS}, want = {.max = PAIRS};
    GOOD(postings_collect(p, from, to, &got, &err_));
    for (unsigned i = 0; i < PAIRS; i++)
        if (keys[i] >= from && keys[i] <= to)
            assert_true(sids_add(&want, sid_of(i)));
    sids_settle(&got);
    sids_settle(&want);
    assert_false(got.over);
    assert_int_equal(got.n, want.n);
    if (want.n)
        assert_memory_equal(got.v, want.v, want.n * sizeof *want.v);
    sids_free(&got);
    sids_free(&want);
}

static void every_key_and_range_gives_its_rows(void **state)
{
    struct postings *p;
    (void)state;
    GOOD(p = make(PAIRS, UINT64_MAX, &err_));
    check_range(p, EVERYWHERE, EVERYWHERE);
    check_range(p, 0, 0);
    check_range(p, 0, UINT32_MAX);
    check_range(p, UINT32_MAX, UINT32_MAX);
    check_range(p, 3, 2);
    for (int i = 0; i < 30; i++) {
        uint32_t key = keys[pick(PAIRS)];
        check_range(p, key, key);
        check_range(p, key, key + pick(100000));
        check_range(p, key + 1, key + 1);
    }
    postings_free(p);
}

static void no_pairs_are_none(void **state)
{
    struct postings *p;
    struct sids got = {.max = 10};
    (void)state;
    GOOD(p = make(0, UINT64_MAX, &err_));
    assert_int_equal(postings_bytes(p), 0);
    GOOD(postings_collect(p, 0, UINT32_MAX, &got, &err_));
    assert_int_equal(got.n, 0);
    postings_free(p);
}

static void more_rows_than_are_taken_are_told(void **state)
{
    struct postings *p;
    struct sids got = {.max = 6};
    (void)state;
    GOOD(p = make(49, UINT64_MAX, &err_)); /* EVERYWHERE has seven rows of these */
    GOOD(postings_collect(p, EVERYWHERE, EVERYWHERE, &got, &err_));
    assert_true(got.over);
    sids_free(&got);
    got = (struct sids){.max = 7};
    GOOD(postings_collect(p, EVERYWHERE, EVERYWHERE, &got, &err_));
    assert_false(got.over);
    assert_int_equal(got.n, 7);
    sids_free(&got);
    postings_free(p);
}

static void a_file_that_would_be_too_large_is_not_made(void **state)
{
    struct error err = {0};
    (void)state;
    struct postings_builder *b = postings_builder_new("/tmp", 1000, &err);
    bool ok = b;
    for (unsigned i = 0; ok && i < PAIRS; i++)
        ok = postings_builder_add(b, keys[i], sid_of(i), &err);
    assert_false(ok);
    assert_int_equal(err.code, ERROR_DISK_FULL);
    assert_true(postings_builder_is_full(b));
    postings_builder_free(b);
    struct postings *p = make(PAIRS, UINT64_MAX, &err);
    uint64_t bytes = postings_bytes(p);
    postings_free(p);
    assert_null(make(PAIRS, bytes - 1, &err));
    GOOD(p = make(PAIRS, bytes, &err_));
    postings_free(p);
}

static void a_disk_that_does_not_read_is_told(void **state)
{
    struct error err = {0};
    struct postings *p;
    struct sids got = {.max = PAIRS};
    (void)state;
    GOOD(p = make(PAIRS, UINT64_MAX, &err_));
    disk_fails = true;
    bool ok = postings_collect(p, UINT32_MAX - 100, UINT32_MAX, &got, &err);
    disk_fails = false;
    assert_false(ok);
    sids_free(&got);
    postings_free(p);
}

static void without_a_folder_there_is_no_file(void **state)
{
    struct error err = {0};
    bool ok = true;
    (void)state;
    struct postings_builder *b = postings_builder_new("/nowhere/at/all", UINT64_MAX, &err);
    assert_non_null(b);
    for (unsigned i = 0; ok && i < PAIRS; i++)
        ok = postings_builder_add(b, keys[i], sid_of(i), &err);
    assert_false(ok);
    assert_false(postings_builder_is_full(b));
    postings_builder_free(b);
}

/* Makes and reads; false for want of memory. What is made good (a spool writes without its buffer) gives all rows. */
static bool use(void)
{
    struct error err = {0};
    struct sids got = {.max = PAIRS};
    struct postings *p = make(SOME, UINT64_MAX, &err);
    bool ok = p && postings_collect(p, 0, UINT32_MAX, &got, &err);
    sids_settle(&got);
    if (ok)
        assert_int_equal(got.n, (SOME + 6) / 7);
    else
        assert_int_equal(err.code, ERROR_OUT_OF_MEMORY);
    sids_free(&got);
    postings_free(p);
    return ok;
}

static void every_allocation_that_fails_is_told_or_made_good(void **state)
{
    (void)state;
    bool fired = true;
    unsigned told = 0;
    for (failing = 1; fired && failing < 1000; failing++) {
        allocations = 0;
        told += !use();
        fired = allocations >= failing;
    }
    failing = 0;
    assert_true(!fired);
    assert_true(told >= 8); /* builder, postings, pairs, spool, its memory, runs, anchors, what is read */
    assert_true(use());
}

static int set_up(void **state)
{
    (void)state;
    make_keys();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(keys);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_and_range_gives_its_rows),
        cmocka_unit_test(no_pairs_are_none),
        cmocka_unit_test(more_rows_than_are_taken_are_told),
        cmocka_unit_test(a_file_that_would_be_too_large_is_not_made),
        cmocka_unit_test(a_disk_that_does_not_read_is_told),
        cmocka_unit_test(without_a_folder_there_is_no_file),
        cmocka_unit_test(every_allocation_that_fails_is_told_or_made_good),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
