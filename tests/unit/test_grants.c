/* Who has what on a dataset: changes, ceilings, what survives a restart (catalog/grants.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "catalog/catalog.h"
#include "sql/sql.h"
#include "catalog_kit.h"

struct fixture {
    char dir[64], id[DATASET_ID_LENGTH + 1];
    struct catalog *c;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct error err;
    const struct dataset_spec s = {.name = STR("A"), .owner = "oooo-oooo"};
    if (!catalog_folder(f->dir) || !(f->c = catalog_open(f->dir, &err)))
        return -1;
    const struct dataset *d = catalog_create_dataset(f->c, &actor_server, &s, &err);
    if (!d)
        return -1;
    memcpy(f->id, d->id, sizeof f->id);
    dataset_release(d);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    catalog_close(f->c);
    catalog_folder_remove(f->dir);
    free(f);
    return 0;
}

static void reopen(struct fixture *f)
{
    catalog_close(f->c);
    GOOD(f->c = catalog_open(f->dir, &err_));
}

static enum grant_level level_of(struct fixture *f, const char *user)
{
    const struct dataset *d = NULL;
    GOOD(d = catalog_dataset(f->c, str_from(f->id), &err_));
    enum grant_level level = dataset_grant(d, user);
    dataset_release(d);
    return level;
}

static void grant(struct fixture *f, const char *user, enum grant_level level)
{
    const struct dataset *d = NULL;
    GOOD(d = catalog_grant(f->c, &actor_server, f->id, user, level, &err_));
    dataset_release(d);
}

static void grants_are_given_changed_and_taken_back(void **state)
{
    struct fixture *f = *state;
    static const char *const users[] = {"mmmm-mmmm", "aaaa-aaaa", "zzzz-zzzz", "cccc-cccc"};
    const struct dataset *before = NULL;
    for (size_t i = 0; i < 4; i++)
        grant(f, users[i], GRANT_VIEWER);
    GOOD(before = catalog_dataset(f->c, str_from(f->id), &err_));
    grant(f, "mmmm-mmmm", GRANT_CONTRIBUTOR);
    grant(f, "zzzz-zzzz", GRANT_NONE);
    grant(f, "nnnn-nnnn", GRANT_NONE); /* what is not there is taken back in peace */
    grant(f, "cccc-cccc", GRANT_OWNER);
    assert_int_equal(dataset_grant(before, "zzzz-zzzz"), GRANT_VIEWER); /* an old snapshot means what it meant */
    dataset_release(before);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(level_of(f, "oooo-oooo"), GRANT_OWNER);
        assert_int_equal(level_of(f, "mmmm-mmmm"), GRANT_CONTRIBUTOR);
        assert_int_equal(level_of(f, "aaaa-aaaa"), GRANT_VIEWER);
        assert_int_equal(level_of(f, "zzzz-zzzz"), GRANT_NONE);
        assert_int_equal(level_of(f, "cccc-cccc"), GRANT_OWNER);
        assert_int_equal(level_of(f, ""), GRANT_NONE);
        reopen(f);
    }
}

static void a_viewer_of_what_is_published_sees_no_draft(void **state)
{
    struct fixture *f = *state;
    const struct dataset *d = NULL;
    grant(f, "vvvv-vvvv", GRANT_VIEWER_PUBLISHED);
    assert_int_equal(level_of(f, "vvvv-vvvv"), GRANT_NONE);
    GOOD(d = catalog_publish(f->c, &actor_server, f->id, &err_));
    dataset_release(d);
    assert_int_equal(level_of(f, "vvvv-vvvv"), GRANT_VIEWER);
}

static void scope_owner_and_grants_change_together_or_not_at_all(void **state)
{
    struct fixture *f = *state;
    const struct dataset *d = NULL;
    struct error err = {0};
    const enum dataset_scope site = SCOPE_SITE, public = SCOPE_PUBLIC;
    const struct grant both[] = {{"vvvv-vvvv", GRANT_VIEWER}, {"aaaa-aaaa", GRANT_CONTRIBUTOR}}, twice[] = {{"vvvv-vvvv", GRANT_VIEWER}, {"vvvv-vvvv", GRANT_OWNER}};
    GOOD(d = catalog_share(f->c, &actor_server, f->id, &(struct sharing){.scope = &site, .owner = "nnnn-nnnn", .grants = both, .n_grants = 2}, &err_));
    assert_string_equal(d->owner, "nnnn-nnnn");
    dataset_release(d);
    GOOD(d = catalog_share(f->c, &actor_server, f->id, &(struct sharing){.scope = &site}, &err_)); /* what is not named stays */
    dataset_release(d);
    assert_null(catalog_share(f->c, &actor_server, f->id, &(struct sharing){.scope = &public, .grants = twice, .n_grants = 2}, &err));
    assert_non_null(strstr(err.message, "named twice"));
    assert_null(catalog_share(f->c, &actor_server, f->id, &(struct sharing){.scope = &public, .owner = "vvvv-vvvv"}, &err));
    assert_non_null(strstr(err.message, "owns the dataset"));
    assert_null(catalog_grant(f->c, &actor_server, f->id, "nnnn-nnnn", GRANT_VIEWER, &err));
    assert_null(catalog_share(f->c, &actor_server, "zzzz-9999", &(struct sharing){.scope = &public}, &err));
    assert_int_equal(err.code, ERROR_DATASET_NOT_FOUND);
    for (int again = 0; again < 2; again++) {
        GOOD(d = catalog_dataset(f->c, str_from(f->id), &err_));
        assert_true(d->scope == SCOPE_SITE && d->n_grants == 2 && strcmp(d->owner, "nnnn-nnnn") == 0);
        dataset_release(d);
        assert_int_equal(level_of(f, "nnnn-nnnn"), GRANT_OWNER);
        assert_int_equal(level_of(f, "oooo-oooo"), GRANT_NONE); /* who owned it before owns it no more */
        assert_int_equal(level_of(f, "aaaa-aaaa"), GRANT_CONTRIBUTOR);
        reopen(f);
    }
    GOOD(d = catalog_share(f->c, &actor_server, f->id, &(struct sharing){.grants = both, .n_grants = 0}, &err_));
    assert_int_equal(d->n_grants, 0);
    dataset_release(d);
}

static void a_thousand_users_and_no_more(void **state)
{
    struct fixture *f = *state;
    const struct dataset *d = NULL;
    struct error err = {0};
    static struct grant many[GRANTS_MAX + 1];
    for (int i = 0; i <= GRANTS_MAX; i++) {
        snprintf(many[i].user, sizeof many[i].user, "uuuu-%04u", (unsigned)i % 10000);
        many[i].level = GRANT_VIEWER;
    }
    GOOD(d = catalog_share(f->c, &actor_server, f->id, &(struct sharing){.grants = many, .n_grants = GRANTS_MAX}, &err_));
    dataset_release(d);
    assert_null(catalog_grant(f->c, &actor_server, f->id, many[GRANTS_MAX].user, GRANT_VIEWER, &err));
    assert_int_equal(err.code, ERROR_LIMIT_EXCEEDED);
    assert_int_equal(level_of(f, many[0].user), GRANT_VIEWER);
    assert_int_equal(level_of(f, many[GRANTS_MAX].user), GRANT_NONE);
}

/* A level that a newer version wrote, or a hand: it gives nothing here. */
static void a_level_that_is_not_known_gives_nothing(void **state)
{
    struct fixture *f = *state;
    char path[128];
    struct sql *db = NULL;
    grant(f, "vvvv-vvvv", GRANT_VIEWER);
    catalog_close(f->c);
    f->c = NULL;
    snprintf(path, sizeof path, "%s/catalog.db", f->dir);
    GOOD(db = sql_open(path, SQL_WRITER, 1 << 20, &err_));
    GOOD(sql_exec(db, "INSERT INTO dataset_grant SELECT dataset, 'xxxx-xxxx', 5 FROM dataset_grant;"
                      "INSERT INTO dataset_grant SELECT dataset, 'yyyy-yyyy', -1 FROM dataset_grant WHERE level = 2;"
                      "INSERT INTO dataset_grant SELECT dataset, 'no id', 4 FROM dataset_grant WHERE level = 2", &err_));
    sql_close(db);
    GOOD(f->c = catalog_open(f->dir, &err_));
    assert_int_equal(level_of(f, "vvvv-vvvv"), GRANT_VIEWER);
    assert_int_equal(level_of(f, "xxxx-xxxx"), GRANT_NONE);
    assert_int_equal(level_of(f, "yyyy-yyyy"), GRANT_NONE);
    assert_int_equal(level_of(f, "no id"), GRANT_NONE);
}

static void levels_have_names(void **state)
{
    (void)state;
    enum grant_level level;
    for (int i = GRANT_NONE; i <= GRANT_OWNER; i++) {
        assert_true(grant_level_from(str_from(grant_level_name((enum grant_level)i)), &level));
        assert_int_equal(level, i);
    }
    assert_false(grant_level_from(STR("boss"), &level));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(grants_are_given_changed_and_taken_back), T(a_viewer_of_what_is_published_sees_no_draft), T(scope_owner_and_grants_change_together_or_not_at_all),
        T(a_thousand_users_and_no_more),            T(a_level_that_is_not_known_gives_nothing),     cmocka_unit_test(levels_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
