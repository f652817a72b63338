/* Catalogs of older versions: a file as each of them made it (the steps of the schema up to its own, and rows as it wrote
 * them) is opened by this one, and nothing is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "catalog/catalog.h"
#include "sql/sql.h"
#include "catalog_kit.h"

static const struct {
    int version;
    const char *sql;
} steps[] = {
#define X(version, ...) {version, __VA_ARGS__},
#include "catalog/schema/schema.def"
#undef X
};

struct fixture {
    char dir[64];
    struct catalog *c;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (!catalog_folder(f->dir))
        return -1;
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

/* A file of that version with these rows, opened by this one. */
static void open_old(struct fixture *f, int version, const char *rows)
{
    char path[128], pragma[64];
    struct sql *db = NULL;
    snprintf(path, sizeof path, "%s/catalog.db", f->dir);
    FILE *empty = fopen(path, "wx");
    assert_true(empty && fclose(empty) == 0);
    GOOD(db = sql_open(path, SQL_WRITER, 1 << 20, &err_));
    for (size_t i = 0; i < sizeof steps / sizeof *steps && steps[i].version <= version; i++)
        GOOD(sql_exec(db, steps[i].sql, &err_));
    snprintf(pragma, sizeof pragma, "PRAGMA user_version=%d", version);
    GOOD(sql_exec(db, pragma, &err_) && sql_exec(db, rows, &err_));
    sql_close(db);
    GOOD(f->c = catalog_open(f->dir, &err_));
}

static enum dataset_scope scope_of(struct fixture *f, const char *name)
{
    const struct dataset *d = NULL;
    GOOD(d = catalog_dataset(f->c, str_from(name), &err_));
    enum dataset_scope scope = d->scope;
    dataset_release(d);
    return scope;
}

static void a_flag_for_public_becomes_a_scope(void **state)
{
    struct fixture *f = *state;
    open_old(f, 1,
             "INSERT INTO dataset(number, id, owner, stage, is_public, name, resource_name, document, created_at, published_at, modified_at, generation,"
             " row_identifier, shape_version, next_physical) VALUES"
             "(1, 'aaaa-aaaa', 'oooo-oooo', 1, 1, 'Shown', 'shown', '{}', 1, 1, 1, 1, NULL, 1, 1),"
             "(2, 'bbbb-bbbb', 'oooo-oooo', 1, 0, 'Hidden', 'hidden', '{}', 1, 1, 1, 1, NULL, 1, 1)");
    assert_int_equal(scope_of(f, "shown"), SCOPE_PUBLIC);
    assert_int_equal(scope_of(f, "hidden"), SCOPE_PRIVATE);
}

static void a_flag_for_administrators_becomes_a_role(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *name;
        enum user_role role;
        bool disabled;
    } want[] = {{"admin", ROLE_ADMINISTRATOR, false}, {"some one", ROLE_PUBLISHER, false}, {"gone", ROLE_PUBLISHER, true}, {"chief", ROLE_ADMINISTRATOR, true}};
    open_old(f, 2,
             "INSERT INTO account(id, name, folded, display_name, is_administrator, disabled, hash, secret_version, created_at) VALUES"
             "('aaaa-aaaa', 'admin', 'admin', 'admin', 1, 0, '', 3, 1), ('bbbb-bbbb', 'some one', 'some one', 'some one', 0, 0, '', 1, 1),"
             "('cccc-cccc', 'gone', 'gone', 'gone', 0, 1, '', 1, 1), ('dddd-dddd', 'chief', 'chief', 'chief', 1, 1, '', 1, 1)");
    for (int again = 0; again < 2; again++) { /* the step runs once: opened again, a publisher must stay one */
        for (size_t i = 0; i < 4; i++) {
            struct user u;
            bool found = false;
            GOOD(catalog_user_by_name(f->c, str_from(want[i].name), &u, &found, &err_));
            assert_true(found && u.role == want[i].role && u.disabled == want[i].disabled);
        }
        catalog_close(f->c);
        GOOD(f->c = catalog_open(f->dir, &err_));
    }
}

static void a_catalog_of_a_newer_version_is_refused(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    char path[128];
    struct sql *db = NULL;
    open_old(f, 1, "SELECT 1");
    catalog_close(f->c);
    snprintf(path, sizeof path, "%s/catalog.db", f->dir);
    GOOD(db = sql_open(path, SQL_WRITER, 1 << 20, &err_));
    GOOD(sql_exec(db, "PRAGMA user_version=1000", &err_));
    sql_close(db);
    f->c = catalog_open(f->dir, &err);
    assert_null(f->c);
    assert_non_null(strstr(err.message, "format 1000"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_flag_for_public_becomes_a_scope),
        T(a_flag_for_administrators_becomes_a_role),
        T(a_catalog_of_a_newer_version_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
