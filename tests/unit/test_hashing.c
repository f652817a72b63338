/* Passwords are hashed on threads of their own, behind everybody else (src/catalog/hashing.c). */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "catalog/internal.h"

static atomic_bool let_go;
static atomic_int asked, ran, refused, nice_seen;

static void held(void *ctx)
{
    (void)ctx;
    atomic_store(&nice_seen, getpriority(PRIO_PROCESS, (id_t)gettid()));
    for (int i = 0; i < 3000 && !atomic_load(&let_go); i++)
        usleep(10000);
    atomic_fetch_add(&ran, 1);
}

static void *ask(void *h)
{
    struct error err = {0};
    atomic_fetch_add(&asked, 1);
    if (!hashing_run(h, held, NULL, &err))
        atomic_fetch_add(&refused, err.code == ERROR_TOO_MANY_REQUESTS && err.retry_after_s == 1);
    return NULL;
}

static void so_many_wait_and_the_rest_is_told_to_come_back(void **state)
{
    enum { N = HASHING_WAITERS_MAX + 80 };
    static pthread_t threads[N];
    struct error err = {0};
    struct hashing *h = hashing_new(&err);
    long cores = sysconf(_SC_NPROCESSORS_ONLN), runs = cores > 2 ? cores / 2 : 1;
    (void)state;
    assert_non_null(h);
    assert_true(HASHING_WAITERS_MAX + runs < N);
    for (int i = 0; i < N; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask, h), 0);
    for (int i = 0; i < 3000 && atomic_load(&refused) < N - HASHING_WAITERS_MAX - runs; i++)
        usleep(10000);
    assert_int_equal(atomic_load(&refused), N - HASHING_WAITERS_MAX - runs);
    atomic_store(&let_go, true);
    for (int i = 0; i < N; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&ran), HASHING_WAITERS_MAX + runs);
    int mine = getpriority(PRIO_PROCESS, (id_t)gettid());
    assert_int_equal(atomic_load(&nice_seen), mine > 9 ? 19 : mine + 10);
    assert_true(hashing_run(h, held, NULL, &err)); /* and there is room again */
    hashing_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(so_many_wait_and_the_rest_is_told_to_come_back)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
