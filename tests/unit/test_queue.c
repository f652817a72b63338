/* The queues of writes (ingest/ingest.h): which writes share a transaction, in which order they run, who waits for whom and how
 * long. The store is the test's (linked with --wrap, Makefile): it writes down what it is given, and waits when told to. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/random.h"
#include "catalog/internal.h"
#include "ingest/upload.h"

enum { DATASETS = 5 };

static struct column shape[] = {{.physical = 1, .type = &type_text, .field_name = {"name", 4}, .name = {"Name", 4}}};
static struct snapshot datasets[DATASETS];
static struct store_state state_now = {.row_ids = {{1, 2, 3, 4}}};

/* ── the store ── */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct buf applied;      /* "0: a b; 1: c; ", a group a piece */
static unsigned held;           /* datasets (bits) whose writes stand still in the store */
static unsigned inside[DATASETS];
static bool overlapped;         /* one dataset's groups ran side by side */

void __wrap_store_write_group(struct store *s, struct write *const *writes, size_t n);
uint64_t __wrap_clock_mono_ms(void);
uint64_t __real_clock_mono_ms(void);

static int number_of(const struct dataset *d)
{
    return d->id[8] - '0';
}

void __wrap_store_write_group(struct store *s, struct write *const *writes, size_t n)
{
    (void)s;
    int dataset = number_of(writes[0]->dataset);
    pthread_mutex_lock(&lock);
    overlapped |= inside[dataset]++ > 0;
    buf_printf(&applied, "%d:", dataset);
    for (size_t i = 0; i < n; i++) {
        buf_printf(&applied, " %s", writes[i]->request_id);
        writes[i]->done = true;
    }
    buf_add_z(&applied, "; ");
    pthread_cond_broadcast(&changed);
    while (held & 1u << dataset)
        pthread_cond_wait(&changed, &lock);
    inside[dataset]--;
    pthread_mutex_unlock(&lock);
}

static atomic_uint_fast64_t ahead_ms; /* of the true clock */

uint64_t __wrap_clock_mono_ms(void)
{
    return __real_clock_mono_ms() + ahead_ms;
}

static atomic_bool set_back; /* the wall clock, by an hour, just after somebody looked at it */

int __wrap_clock_gettime(clockid_t clock, struct timespec *t);
int __real_clock_gettime(clockid_t clock, struct timespec *t);

int __wrap_clock_gettime(clockid_t clock, struct timespec *t)
{
    int rc = __real_clock_gettime(clock, t);
    if (clock == CLOCK_REALTIME && set_back)
        t->tv_sec += 3600;
    return rc;
}

/* ── the clients ── */

struct outcome {
    int done, good; /* under the lock */
    struct error error;
};

static struct pool *pool;
static struct ingest_queue *queue;
static unsigned finished;

static void on_done(void *ctx, struct upload *u, const struct write *write)
{
    struct outcome *o = ctx;
    pthread_mutex_lock(&lock);
    o->done++;
    o->good += write->done;
    o->error = write->error;
    finished++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    upload_free(u); /* the queue must not look at it again */
}

/* name outlives the write. */
static void submit(int dataset, const char *name, struct upload_options o, unsigned rows, size_t row_bytes, struct outcome *outcome)
{
    struct error err;
    struct buf body = {0};
    o.scratch_dir = "/tmp";
    o.request_id = name;
    struct upload *u = upload_new(&datasets[dataset].d, &state_now, &o, &err);
    assert_non_null(u);
    for (unsigned i = 0; i < rows; i++) {
        buf_add_z(&body, i ? ",{\"name\":\"" : "[{\"name\":\"");
        memset(buf_room(&body, row_bytes), 'x', row_bytes);
        body.n += row_bytes;
        buf_add_z(&body, "\"}");
    }
    buf_add_byte(&body, ']');
    assert_true(upload_push(u, buf_str(&body), &err) && upload_finish(u, &err));
    buf_free(&body);
    ingest_submit(queue, u, &(struct ingest_watcher){.ctx = outcome, .done = on_done});
}

static struct outcome outcomes[600];
static char names[600][12];

static void small(int dataset, int i)
{
    submit(dataset, names[i], (struct upload_options){0}, 1, 1, &outcomes[i]);
}

static void large(int dataset, int i)
{
    submit(dataset, names[i], (struct upload_options){0}, 1001, 1, &outcomes[i]);
}

static void hold(unsigned bits)
{
    pthread_mutex_lock(&lock);
    held = bits;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void wait_finished(unsigned n)
{
    pthread_mutex_lock(&lock);
    while (finished < n)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

/* Until a write of the dataset stands in the store. */
static void wait_inside(int dataset)
{
    pthread_mutex_lock(&lock);
    while (!inside[dataset])
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static void applied_is(const char *want)
{
    struct str got = str_trim(buf_str(&applied));
    if (!str_eq(got, str_from(want)))
        fail_msg("\"" FMT_STR "\", not \"%s\"", ARG_STR(got), want);
}

static void start(unsigned workers)
{
    struct error err;
    assert_non_null(pool = pool_new(workers, "test", &err));
    assert_non_null(queue = ingest_queue_new(NULL, pool, &err));
}

/* ── claims ── */

static void small_writes_that_wait_share_a_transaction_in_their_order(void **state)
{
    (void)state;
    start(2);
    hold(1);
    small(0, 0);
    wait_inside(0);
    for (int i = 1; i <= 6; i++)
        small(0, i);
    hold(0);
    wait_finished(7);
    applied_is("0: 0; 0: 1 2 3 4 5 6;");
    for (int i = 0; i <= 6; i++)
        assert_true(outcomes[i].done == 1 && outcomes[i].good == 1);
}

static void a_write_that_is_not_small_stands_alone_and_in_its_place(void **state)
{
    (void)state;
    start(1);
    hold(1);
    small(0, 0);
    wait_inside(0);
    small(0, 1);
    small(0, 2);
    large(0, 3);
    small(0, 4);
    submit(0, names[5], (struct upload_options){.truncate = true}, 1, 1, &outcomes[5]);
    submit(0, names[6], (struct upload_options){.kind = UPLOAD_REPLACE}, 1, 1, &outcomes[6]);
    large(0, 7);
    large(0, 8);
    submit(0, names[9], (struct upload_options){0}, 1, 2 << 20, &outcomes[9]); /* one row, but of 2 MiB */
    submit(0, names[10], (struct upload_options){0}, 1000, 1, &outcomes[10]);  /* just small */
    small(0, 11);
    hold(0);
    wait_finished(12);
    applied_is("0: 0; 0: 1 2; 0: 3; 0: 4; 0: 5; 0: 6; 0: 7; 0: 8; 0: 9; 0: 10 11;");
}

static void a_group_has_at_most_256_writes_and_a_mebibyte(void **state)
{
    (void)state;
    struct buf want = {0};
    start(1);
    hold(3);
    small(0, 0);
    wait_inside(0);
    for (int i = 1; i <= 300; i++)
        small(0, i);
    hold(2);
    wait_finished(301);
    buf_add_z(&want, "0: 0; 0:");
    for (int i = 1; i <= 300; i++)
        buf_printf(&want, "%s %d", i == 257 ? "; 0:" : "", i);
    buf_add_z(&want, ";");
    buf_add_byte(&want, 0);
    applied_is(want.p);
    buf_reset(&applied);
    small(1, 301);
    wait_inside(1);
    for (int i = 302; i < 306; i++)
        submit(1, names[i], (struct upload_options){0}, 4, 100000, &outcomes[i]); /* 400 KB each */
    hold(0);
    wait_finished(306);
    applied_is("1: 301; 1: 302 303; 1: 304 305;");
    buf_free(&want);
}

static void a_busy_dataset_does_not_hold_up_another(void **state)
{
    (void)state;
    start(2);
    hold(1);
    small(0, 0);
    wait_inside(0);
    large(0, 1);
    for (int i = 2; i < 7; i++)
        large(1, i);
    wait_finished(5); /* though 0 stands still */
    assert_int_equal(outcomes[0].done + outcomes[1].done, 0);
    hold(0);
    wait_finished(7);
    assert_false(overlapped);
}

static void with_one_worker_datasets_take_turns(void **state)
{
    (void)state;
    start(1);
    hold(1);
    large(0, 0);
    wait_inside(0);
    large(0, 1);
    large(0, 2);
    large(1, 3);
    large(1, 4);
    small(2, 5);
    hold(0);
    wait_finished(6);
    applied_is("0: 0; 1: 3; 2: 5; 0: 1; 1: 4; 0: 2;");
}

static void a_write_that_waited_30_s_is_refused_and_never_applied(void **state)
{
    (void)state;
    start(1);
    hold(1);
    small(0, 0);
    wait_inside(0);
    small(0, 1);
    large(0, 2);
    small(1, 3); /* waits for the worker */
    ahead_ms += 15000;
    nanosleep(&(struct timespec){1, 300000000}, NULL); /* the watch looks once a second */
    pthread_mutex_lock(&lock);
    unsigned too_early = finished;
    pthread_mutex_unlock(&lock);
    assert_int_equal(too_early, 0);
    ahead_ms += 16000;
    wait_finished(3);
    small(0, 4); /* has just come */
    hold(0);
    wait_finished(5);
    applied_is("0: 0; 0: 4;");
    for (int i = 1; i <= 3; i++) {
        assert_true(outcomes[i].done == 1 && outcomes[i].good == 0);
        assert_int_equal(outcomes[i].error.code, ERROR_DATASET_BUSY);
        assert_int_equal(error_info(outcomes[i].error.code)->status, 409);
        assert_true(outcomes[i].error.retry_after_s > 0);
        assert_non_null(strstr(outcomes[i].error.message, datasets[i == 3].d.id));
    }
    assert_true(outcomes[0].good == 1 && outcomes[4].good == 1); /* what ran, ran to its end */
}

static void a_clock_that_is_set_back_does_not_stop_the_watch(void **state)
{
    (void)state;
    set_back = true;
    start(1);
    hold(1);
    small(0, 0);
    wait_inside(0);
    small(0, 1);
    ahead_ms += 31000;
    wait_finished(1);
    assert_int_equal(outcomes[1].error.code, ERROR_DATASET_BUSY);
    hold(0);
    wait_finished(2);
    set_back = false;
}

/* ── many at once ── */

enum { CLIENTS = 4, WRITES_EACH = 150 };

static void *client(void *arg)
{
    int self = (int)(intptr_t)arg;
    for (int i = 0; i < WRITES_EACH; i++) {
        int k = self * WRITES_EACH + i;
        if (i % 7 == 3)
            large(k % DATASETS, k);
        else
            small(k % DATASETS, k);
    }
    return NULL;
}

/* Each client's writes to a dataset in the order in which it sent them, one group of a dataset at a time, each done once. */
static void many_clients_keep_their_order(void **state)
{
    (void)state;
    pthread_t threads[CLIENTS];
    int last[CLIENTS][DATASETS];
    memset(last, -1, sizeof last);
    start(3);
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, client, (void *)(intptr_t)i), 0);
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(threads[i], NULL);
    ingest_queue_free(queue); /* waits for all of them */
    queue = NULL;
    assert_int_equal(finished, CLIENTS * WRITES_EACH);
    assert_false(overlapped);
    struct str rest = buf_str(&applied), group, word;
    int writes = 0, dataset = 0;
    while (str_cut(rest, ';', &group, &rest)) {
        group = str_trim(group);
        assert_true(str_cut(group, ':', &word, &group));
        dataset = word.p[0] - '0';
        group = str_trim(group);
        while (group.n) {
            uint64_t k;
            str_cut(group, ' ', &word, &group);
            assert_true(str_to_u64(word, &k));
            assert_int_equal(k % DATASETS, dataset);
            assert_true((int)k > last[k / WRITES_EACH][dataset]);
            last[k / WRITES_EACH][dataset] = (int)k;
            writes++;
        }
    }
    assert_int_equal(writes, CLIENTS * WRITES_EACH);
    for (int i = 0; i < CLIENTS * WRITES_EACH; i++)
        assert_true(outcomes[i].done == 1 && outcomes[i].good == 1);
}

static int set_up(void **state)
{
    (void)state;
    memset(outcomes, 0, sizeof outcomes);
    finished = held = 0;
    ahead_ms = 0;
    overlapped = false;
    buf_reset(&applied);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hold(0);
    ingest_queue_free(queue);
    pool_free(pool);
    queue = NULL;
    pool = NULL;
    return 0;
}

static int set_up_all(void **state)
{
    (void)state;
    for (int i = 0; i < DATASETS; i++) {
        snprintf(datasets[i].d.id, sizeof datasets[i].d.id, "aaaa-000%c", '0' + i);
        datasets[i].refs = 1;
        datasets[i].d.columns = (struct columns){.v = shape, .n = 1, .row_identifier = -1};
        if (!columns_index(&datasets[i].d.columns))
            return -1;
    }
    for (int i = 0; i < 600; i++)
        snprintf(names[i], sizeof names[i], "%d", i);
    return random_init() ? 0 : -1;
}

static int tear_down_all(void **state)
{
    (void)state;
    for (int i = 0; i < DATASETS; i++)
        columns_unindex(&datasets[i].d.columns);
    buf_free(&applied);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(small_writes_that_wait_share_a_transaction_in_their_order),
        TEST(a_write_that_is_not_small_stands_alone_and_in_its_place),
        TEST(a_group_has_at_most_256_writes_and_a_mebibyte),
        TEST(a_busy_dataset_does_not_hold_up_another),
        TEST(with_one_worker_datasets_take_turns),
        TEST(a_write_that_waited_30_s_is_refused_and_never_applied),
        TEST(a_clock_that_is_set_back_does_not_stop_the_watch),
        TEST(many_clients_keep_their_order),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
