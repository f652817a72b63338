/* What is loaded because the file has changed never takes the place of something newer. The clock stands still, but for a second when the test says so, which an asker then takes as its time to look. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "catalog/catalog.h"
#include "sql/sql.h"
#include "catalog_kit.h"

static atomic_uint_least64_t now_ms = 5000;
static atomic_bool a_second_passes;
static _Thread_local bool is_asker;
uint64_t __wrap_clock_mono_ms(void);
uint64_t __wrap_clock_mono_ms(void)
{
    if (is_asker && atomic_exchange(&a_second_passes, false))
        atomic_fetch_add(&now_ms, 1001);
    return atomic_load(&now_ms);
}

struct crowd {
    struct catalog *c;
    atomic_bool done;
};

static void *ask(void *arg)
{
    struct crowd *crowd = arg;
    struct user u;
    struct error err;
    bool found;
    is_asker = true;
    while (!atomic_load(&crowd->done))
        if (!catalog_user_by_name(crowd->c, STR("a"), &u, &found, &err))
            return NULL;
    return crowd;
}

/* So many that loading them takes as long as a change. */
static void fill(const char *dir)
{
    char path[80];
    struct error err;
    snprintf(path, sizeof path, "%s/catalog.db", dir);
    struct sql *db = sql_open(path, SQL_WRITER, 1 << 20, &err);
    assert_non_null(db);
    assert_true(sql_exec(db,
                         "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<1500)"
                         " INSERT INTO account(id, name, folded, display_name, role, disabled, hash, secret_version, created_at)"
                         " SELECT printf('%04d-%04d', i, i), 'user' || i, 'user' || i, 'user', 0, 0, '', 1, 0 FROM n", &err));
    sql_close(db);
}

static void who_changed_something_sees_it_at_once_whoever_looks_meanwhile(void **state)
{
    (void)state;
    enum { ASKERS = 1, CHANGES = 80 };
    char dir[64];
    struct crowd crowd = {0};
    struct user u;
    struct error err = {0};
    bool found = false;
    pthread_t askers[ASKERS];
    assert_true(catalog_folder(dir) && (crowd.c = catalog_open(dir, &err)));
    assert_true(catalog_create_user(crowd.c, &actor_server, STR("a"), STR("a password for a"), ROLE_VIEWER, &u, &err));
    fill(dir);
    for (int i = 0; i < ASKERS; i++)
        assert_int_equal(pthread_create(&askers[i], NULL, ask, &crowd), 0);
    int stale = 0;
    for (int i = 0; i < CHANGES; i++) {
        bool disabled = i % 2 == 0;
        atomic_store(&a_second_passes, true);
        usleep((useconds_t)(i * 7919 % 20) * 1000); /* how far the look has come when the change begins */
        assert_true(catalog_set_disabled(crowd.c, &actor_server, STR("a"), disabled, &err));
        for (int k = 0; k < 20; k++) {
            assert_true(catalog_user_by_name(crowd.c, STR("a"), &u, &found, &err));
            stale += !found || u.disabled != disabled;
        }
    }
    atomic_store(&crowd.done, true);
    for (int i = 0; i < ASKERS; i++) {
        void *ok;
        pthread_join(askers[i], &ok);
        assert_non_null(ok);
    }
    assert_int_equal(stale, 0);
    catalog_close(crowd.c);
    catalog_folder_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(who_changed_something_sees_it_at_once_whoever_looks_meanwhile)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
