/* Workers and spools: every job runs once, and what is written is what is read wherever the bytes went. */
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/pool.h"
#include "base/spool.h"

struct counting_job {
    struct job job;
    struct pool *again; /* submits itself once more */
    atomic_int *count;
};

static void count(struct job *job)
{
    struct counting_job *c = (struct counting_job *)(void *)job;
    struct pool *again = c->again;

    c->again = NULL;
    atomic_fetch_add(c->count, 1);
    if (again)
        pool_submit(again, job);
}

static void every_job_runs_once_and_free_waits_for_all(void **state)
{
    enum { JOBS = 10000 };
    struct counting_job *jobs = calloc(JOBS, sizeof(*jobs));
    atomic_int done = 0;
    struct error err;
    struct pool *p = pool_new(4, "test", &err);

    (void)state;
    assert_non_null(p);
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (struct counting_job){.job.run = count, .again = i % 2 ? p : NULL, .count = &done};
        pool_submit(p, &jobs[i].job);
    }
    pool_free(p);
    assert_int_equal(done, JOBS + JOBS / 2);
    free(jobs);
    pool_free(NULL);
}

struct ordered_job {
    struct job job;
    int number, *next, *wrong;
};

static void check_order(struct job *job)
{
    struct ordered_job *o = (struct ordered_job *)(void *)job;

    *o->wrong += o->number != (*o->next)++;
}

static void one_worker_takes_jobs_in_the_order_of_submission(void **state)
{
    struct ordered_job jobs[100];
    int next = 0, wrong = 0;
    struct error err;
    struct pool *p = pool_new(1, "test", &err);

    (void)state;
    for (int i = 0; i < 100; i++) {
        jobs[i] = (struct ordered_job){.job.run = check_order, .number = i, .next = &next, .wrong = &wrong};
        pool_submit(p, &jobs[i].job);
    }
    pool_free(p);
    assert_int_equal(next, 100);
    assert_int_equal(wrong, 0);
}

static char scratch[] = "/tmp/seltzer-spool-XXXXXX";

static struct spool *open_spool(size_t memory_max, uint64_t bytes_max, bool memory_only)
{
    struct spool_config config = {.scratch_dir = memory_only ? NULL : scratch, .memory_max = memory_max, .bytes_max = bytes_max};
    struct error err;
    struct spool *s = spool_new(&config, &err);

    assert_non_null(s);
    return s;
}

/* Random appends, overwrites, gaps and reads against a plain array, in memory, on the border and in the file. */
static void any_mix_of_writes_reads_back_as_an_array_would(void **state)
{
    enum { SIZE = 600000 };
    const char *given = getenv("SELTZER_SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)getpid();
    char *model = calloc(1, SIZE), *got = malloc(SIZE), *piece = malloc(SIZE);

    (void)state;
    print_message("SELTZER_SEED=%u\n", seed);
    srand(seed);
    for (int round = 0; round < 30; round++) {
        struct spool *s = open_spool(round % 3 == 0 ? 1 : (size_t)rand() % 200000 + 1, 0, round % 5 == 4);
        size_t size = 0, n;
        struct error err;

        memset(model, 0, SIZE);
        for (int op = 0; op < 60; op++) {
            bool append = rand() % 2;
            size_t at = append ? size : (size_t)rand() % (SIZE / 2);
            n = rand() % 4 ? (size_t)rand() % 300 : (size_t)rand() % 100000;
            if (at + n > SIZE)
                continue;
            for (size_t i = 0; i < n; i++)
                piece[i] = (char)rand();
            assert_true(append ? spool_write(s, piece, n, &err) : spool_write_at(s, at, piece, n, &err));
            if (n == 0)
                continue;
            memcpy(model + at, piece, n);
            if (at + n > size)
                size = at + n;
            assert_int_equal(spool_bytes(s), size);
            at = (size_t)rand() % (size + 1);
            n = (size_t)rand() % 5000;
            assert_true(spool_read(s, at, got, n, &n, &err));
            assert_memory_equal(got, model + at, n);
        }
        assert_true(spool_read(s, 0, got, SIZE, &n, &err));
        assert_int_equal(n, size);
        assert_memory_equal(got, model, size);
        struct str peek = spool_peek(s, 0);
        assert_true(peek.n <= size);
        assert_memory_equal(peek.p, model, peek.n);
        spool_free(s);
    }
    free(model);
    free(got);
    free(piece);
}

static void the_cap_takes_the_last_byte_and_refuses_the_next(void **state)
{
    struct spool *s = open_spool(10, 100, false);
    char bytes[101] = {0};
    struct error err;
    size_t n;

    (void)state;
    assert_true(spool_write(s, bytes, 100, &err));
    assert_false(spool_write(s, bytes, 1, &err));
    assert_int_equal(err.code, ERROR_DISK_FULL);
    assert_non_null(strstr(err.message, "100 bytes"));
    assert_false(spool_write_at(s, 100, bytes, 1, &err));
    assert_true(spool_write_at(s, 99, bytes, 1, &err));
    assert_int_equal(spool_bytes(s), 100);
    assert_true(spool_read(s, 100, bytes, 1, &n, &err));
    assert_int_equal(n, 0);
    spool_free(s);
    spool_free(NULL);
}

static void a_missing_scratch_folder_is_an_error_only_when_memory_is_full(void **state)
{
    struct spool_config config = {.scratch_dir = "/nonexistent/scratch", .memory_max = 10};
    char bytes[200000] = {0};
    struct error err;
    struct spool *s = spool_new(&config, &err);

    (void)state;
    assert_true(spool_write(s, bytes, 10, &err));
    assert_false(spool_write(s, bytes, sizeof(bytes), &err));
    assert_non_null(strstr(err.message, "scratch area"));
    spool_free(s);
}

static void no_file_stays_in_the_scratch_folder(void **state)
{
    struct spool *s = open_spool(1, 0, false);
    char bytes[200000] = {0};
    struct error err;

    (void)state;
    assert_true(spool_write(s, bytes, sizeof(bytes), &err));
    assert_int_equal(rmdir(scratch), 0); /* only an empty folder goes */
    spool_free(s);
    assert_non_null(mkdtemp(memcpy(scratch, "/tmp/seltzer-spool-XXXXXX", sizeof(scratch))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_runs_once_and_free_waits_for_all),
        cmocka_unit_test(one_worker_takes_jobs_in_the_order_of_submission),
        cmocka_unit_test(any_mix_of_writes_reads_back_as_an_array_would),
        cmocka_unit_test(the_cap_takes_the_last_byte_and_refuses_the_next),
        cmocka_unit_test(a_missing_scratch_folder_is_an_error_only_when_memory_is_full),
        cmocka_unit_test(no_file_stays_in_the_scratch_folder),
    };
    int rc;

    if (!mkdtemp(scratch))
        return 1;
    rc = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(scratch);
    return rc;
}
