/* Workers and spools: every job runs once, and what is written is what is read wherever the bytes went. */
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
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

/* ── jobs that wait for their turn at something ── */

enum { POOL_WORKERS = 2, CROWD = POOL_WORKERS + POOL_SPARES_MAX - 1 };

static struct {
    sem_t turn;
    atomic_int waiting, missed, working, most, done;
} crowded;

static bool wait_for_turn(void)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 20;
    return sem_timedwait(&crowded.turn, &until) == 0;
}

static void crowd(struct job *job)
{
    (void)job;
    pool_wait_begin();
    atomic_fetch_add(&crowded.waiting, 1);
    atomic_fetch_add(&crowded.missed, !wait_for_turn());
    pool_wait_end();
    atomic_fetch_add(&crowded.done, 1);
}

static void work_for_a_while(struct job *job)
{
    int now = atomic_fetch_add(&crowded.working, 1) + 1, most = atomic_load(&crowded.most);

    (void)job;
    while (now > most && !atomic_compare_exchange_weak(&crowded.most, &most, now))
        ;
    usleep(1000);
    atomic_fetch_sub(&crowded.working, 1);
    atomic_fetch_add(&crowded.done, 1);
}

static void until(atomic_int *what, int value)
{
    for (int i = 0; i < 2000 && atomic_load(what) < value; i++)
        usleep(10000);
    assert_int_equal(atomic_load(what), value);
}

/* All but one of the threads that there may be wait; the others' work goes on, and no more of it at once than ever. */
static void jobs_that_wait_for_their_turn_keep_no_worker_from_others(void **state)
{
    enum { OTHERS = 50 };
    static struct job waiting[CROWD], others[OTHERS];
    struct error err;
    struct pool *p = pool_new(POOL_WORKERS, "test", &err);

    (void)state;
    assert_non_null(p);
    memset(&crowded, 0, sizeof(crowded));
    sem_init(&crowded.turn, 0, 0);
    for (int i = 0; i < CROWD; i++) {
        waiting[i].run = crowd;
        pool_submit(p, &waiting[i]);
    }
    until(&crowded.waiting, CROWD);
    for (int i = 0; i < OTHERS; i++) {
        others[i].run = work_for_a_while;
        pool_submit(p, &others[i]);
    }
    until(&crowded.done, OTHERS);
    assert_int_equal(pool_waiting(p), 0);
    for (int i = 0; i < CROWD; i++)
        sem_post(&crowded.turn);
    until(&crowded.done, OTHERS + CROWD);
    assert_int_equal(crowded.missed, 0);
    crowded.most = 0;
    for (int i = 0; i < OTHERS; i++) /* all those threads are there now, and are not used */
        pool_submit(p, &others[i]);
    pool_free(p);
    assert_int_equal(crowded.done, 2 * OTHERS + CROWD);
    assert_true(crowded.most <= POOL_WORKERS);
    sem_destroy(&crowded.turn);
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

/* ── many spools under one total ── */

static struct spool_total *new_total(uint64_t memory_max, uint64_t file_max, unsigned wait_ms, unsigned waiting_max)
{
    struct spool_total_config config = {memory_max, file_max, wait_ms, waiting_max};
    struct error err;
    struct spool_total *t = spool_total_new(&config, &err);

    assert_non_null(t);
    return t;
}

static struct spool *open_counted(struct spool_total *t)
{
    struct spool_config config = {.scratch_dir = scratch, .total = t};
    struct error err;
    struct spool *s = spool_new(&config, &err);

    assert_non_null(s);
    return s;
}

static void expect_used(struct spool_total *t, uint64_t memory, uint64_t file)
{
    uint64_t m, f;
    unsigned waiting;

    spool_total_used(t, &m, &f, &waiting);
    assert_int_equal(m, memory);
    assert_int_equal(f, file);
    assert_int_equal(waiting, 0);
}

static char letters[3 << 20]; /* no two places near each other are the same */

static void expect_letters(struct spool *s, size_t size)
{
    char *got = malloc(size);
    struct error err;
    size_t n;

    assert_int_equal(spool_bytes(s), size);
    assert_true(spool_read(s, 0, got, size, &n, &err));
    assert_int_equal(n, size);
    assert_memory_equal(got, letters, size);
    free(got);
}

static void the_total_of_memory_gives_its_last_byte_and_no_more(void **state)
{
    struct spool_total *t = new_total(100, 0, 0, 0);

    (void)state;
    assert_true(spool_total_take_memory(t, 99));
    assert_false(spool_total_take_memory(t, 2));
    assert_true(spool_total_take_memory(t, 1));
    assert_false(spool_total_take_memory(t, 1));
    spool_total_give_memory(t, 1);
    assert_true(spool_total_take_memory(t, 1));
    spool_total_free(t);
    spool_total_free(NULL);
}

static void without_more_memory_a_spool_goes_to_its_file_and_reads_the_same(void **state)
{
    static const struct {
        uint64_t memory_max;
        size_t piece;
    } cases[] = {{0, 100}, {0, 300000}, {60000, 100}, {60000, 7777}, {UINT64_MAX / 2, 7777}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct spool_total *t = new_total(cases[i].memory_max, 1 << 30, 0, 0);
        struct spool *s = open_counted(t);
        struct error err;
        uint64_t memory, file;
        unsigned waiting;

        for (size_t at = 0; at < sizeof(letters); at += cases[i].piece)
            assert_true(spool_write(s, letters + at, at + cases[i].piece < sizeof(letters) ? cases[i].piece : sizeof(letters) - at, &err));
        expect_letters(s, sizeof(letters));
        spool_total_used(t, &memory, &file, &waiting);
        assert_true(memory <= cases[i].memory_max);
        assert_true(memory + file >= sizeof(letters) - SPOOL_MEMORY_FREE && memory + file <= sizeof(letters));
        spool_free(s);
        expect_used(t, 0, 0);
        spool_total_free(t);
    }
}

static void a_small_spool_has_its_memory_uncounted(void **state)
{
    struct spool_total *t = new_total(0, 0, 0, 0);
    struct spool *s = open_counted(t);
    struct error err;

    (void)state;
    assert_true(spool_write(s, letters, SPOOL_MEMORY_FREE, &err));
    expect_letters(s, SPOOL_MEMORY_FREE);
    expect_used(t, 0, 0);
    assert_true(spool_write(s, letters, 1, &err)); /* gathers */
    assert_false(spool_settle(s, &err));
    assert_int_equal(err.code, ERROR_SCRATCH_BUSY);
    assert_int_equal(err.retry_after_s, 5);
    spool_free(s);
    spool_total_free(t);
}

static void the_total_of_the_scratch_area_gives_its_last_byte_and_no_more(void **state)
{
    struct spool_total *t = new_total(0, 200000, 60000, 1);
    struct spool *a = open_counted(t), *b = open_counted(t);
    struct error err;

    (void)state;
    assert_true(spool_write(a, letters, 200000, &err)); /* nobody else holds any: not waited for */
    assert_false(spool_write(a, letters, 200000, &err));
    assert_int_equal(err.code, ERROR_SCRATCH_BUSY);
    assert_non_null(strstr(err.message, "200000 bytes"));
    expect_used(t, 0, 200000);
    spool_free(a);
    assert_true(spool_write(b, letters, 199999, &err));
    assert_true(spool_write(b, letters + 199999, 1, &err) && spool_settle(b, &err));
    expect_used(t, 0, 200000);
    expect_letters(b, 200000);
    spool_free(b);
    expect_used(t, 0, 0);
    spool_total_free(t);
}

struct late {
    struct spool_total *t;
    struct spool *s;
    bool ok;
};

static void *write_late(void *arg)
{
    struct late *l = arg;
    struct error err;

    l->ok = spool_write(l->s, letters, 100000, &err);
    return NULL;
}

static void who_comes_when_the_scratch_area_is_taken_waits_or_is_refused(void **state)
{
    struct spool_total *t = new_total(0, 150000, 60000, 1);
    struct spool *first = open_counted(t), *third = open_counted(t);
    struct late late = {t, open_counted(t), false};
    unsigned waiting = 0;
    uint64_t memory, file;
    struct error err;
    pthread_t thread;

    (void)state;
    assert_true(spool_write(first, letters, 100000, &err));
    assert_int_equal(pthread_create(&thread, NULL, write_late, &late), 0);
    for (int i = 0; waiting == 0 && i < 10000; i++, usleep(1000))
        spool_total_used(t, &memory, &file, &waiting);
    assert_int_equal(waiting, 1);
    assert_false(spool_write(third, letters, 100000, &err)); /* one may wait, and one does */
    assert_int_equal(err.code, ERROR_SCRATCH_BUSY);
    spool_free(first);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(late.ok);
    expect_letters(late.s, 100000);
    spool_free(late.s);
    spool_free(third);
    spool_total_free(t);
}

static void of_those_who_would_wait_for_each_other_the_last_is_refused_at_once(void **state)
{
    struct spool_total *t = new_total(0, 200000, 60000, 2);
    struct spool *other = open_counted(t);
    struct late late = {t, open_counted(t), false};
    unsigned waiting = 0;
    uint64_t memory, file;
    struct error err;
    pthread_t thread;

    (void)state;
    assert_true(spool_write(late.s, letters, 80000, &err) && spool_write(other, letters, 110000, &err));
    assert_int_equal(pthread_create(&thread, NULL, write_late, &late), 0);
    for (int i = 0; waiting == 0 && i < 10000; i++, usleep(1000))
        spool_total_used(t, &memory, &file, &waiting);
    assert_int_equal(waiting, 1);
    assert_false(spool_write(other, letters, 80000, &err));
    spool_free(other);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(late.ok);
    spool_free(late.s);
    spool_total_free(t);
}

static void a_wait_in_vain_ends(void **state)
{
    struct spool_total *t = new_total(0, 150000, 30, 1);
    struct spool *a = open_counted(t), *b = open_counted(t);
    struct error err;

    (void)state;
    assert_true(spool_write(a, letters, 100000, &err));
    assert_false(spool_write(b, letters, 100000, &err));
    assert_int_equal(err.code, ERROR_SCRATCH_BUSY);
    spool_free(a);
    assert_true(spool_write(b, letters, 100000, &err));
    spool_free(b);
    spool_total_free(t);
}

static void what_was_sent_goes_back_to_the_total(void **state)
{
    struct spool_total *t = new_total(0, sizeof(letters), 0, 0);
    struct spool *s = open_counted(t);
    char got[1000];
    struct error err;
    size_t n;

    (void)state;
    assert_true(spool_write(s, letters, sizeof(letters), &err) && spool_settle(s, &err));
    spool_forget(s, (1 << 20) - 1);
    expect_used(t, 0, sizeof(letters)); /* a whole MiB at a time */
    spool_forget(s, (2 << 20) + 5);
    spool_forget(s, 1 << 20); /* long gone */
    expect_used(t, 0, 1 << 20);
    assert_true(spool_read(s, (2 << 20) + 5, got, sizeof(got), &n, &err));
    assert_memory_equal(got, letters + (2 << 20) + 5, sizeof(got));
    spool_free(s);
    expect_used(t, 0, 0);
    spool_total_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_runs_once_and_free_waits_for_all),
        cmocka_unit_test(one_worker_takes_jobs_in_the_order_of_submission),
        cmocka_unit_test(jobs_that_wait_for_their_turn_keep_no_worker_from_others),
        cmocka_unit_test(any_mix_of_writes_reads_back_as_an_array_would),
        cmocka_unit_test(the_cap_takes_the_last_byte_and_refuses_the_next),
        cmocka_unit_test(a_missing_scratch_folder_is_an_error_only_when_memory_is_full),
        cmocka_unit_test(no_file_stays_in_the_scratch_folder),
        cmocka_unit_test(the_total_of_memory_gives_its_last_byte_and_no_more),
        cmocka_unit_test(without_more_memory_a_spool_goes_to_its_file_and_reads_the_same),
        cmocka_unit_test(a_small_spool_has_its_memory_uncounted),
        cmocka_unit_test(the_total_of_the_scratch_area_gives_its_last_byte_and_no_more),
        cmocka_unit_test(who_comes_when_the_scratch_area_is_taken_waits_or_is_refused),
        cmocka_unit_test(of_those_who_would_wait_for_each_other_the_last_is_refused_at_once),
        cmocka_unit_test(a_wait_in_vain_ends),
        cmocka_unit_test(what_was_sent_goes_back_to_the_total),
    };
    int rc;

    if (!mkdtemp(scratch))
        return 1;
    for (size_t i = 0; i < sizeof(letters); i++)
        letters[i] = (char)(i * 7 + i / 251);
    rc = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(scratch);
    return rc;
}
