/* API keys in the catalog: making, checking, ending them (catalog/keys.h). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "catalog/keys.h"
#include "sql/sql.h"
#include "catalog_kit.h"

struct fixture {
    char dir[64];
    struct catalog *c;
    struct user user, other;
};

static int64_t ahead_ms;
int64_t __real_clock_wall_ms(void);
int64_t __wrap_clock_wall_ms(void);
int64_t __wrap_clock_wall_ms(void)
{
    return __real_clock_wall_ms() + ahead_ms;
}

/* In the place of getrandom: a kernel that gives nothing. */
static bool nothing_is_random;
ssize_t __real_getrandom(void *p, size_t n, unsigned flags);
ssize_t __wrap_getrandom(void *p, size_t n, unsigned flags);
ssize_t __wrap_getrandom(void *p, size_t n, unsigned flags)
{
    if (!nothing_is_random)
        return __real_getrandom(p, n, flags);
    errno = ENOSYS;
    return -1;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct error err;
    if (!catalog_folder(f->dir) || !(f->c = catalog_open(f->dir, &err)))
        return -1;
    if (!catalog_create_user(f->c, &actor_server, STR("anna"), STR("the password of anna"), ROLE_PUBLISHER, &f->user, &err) ||
        !catalog_create_user(f->c, &actor_server, STR("bert"), STR("the password of bert"), ROLE_NONE, &f->other, &err))
        return -1;
    ahead_ms = 0;
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

struct made {
    struct key key;
    char secret[SECRET_LENGTH + 1];
};

static struct made make(struct fixture *f, const char *name, unsigned rights, int64_t expires_ms)
{
    struct made m;
    const struct key_spec spec = {.user = f->user.id, .name = str_from(name), .scope = {.rights = rights}, .expires_ms = expires_ms};
    GOOD(catalog_create_key(f->c, &actor_server, &spec, &m.key, m.secret, &err_));
    return m;
}

static enum key_verdict check(struct fixture *f, const char *id, const char *secret)
{
    enum key_verdict verdict = KEY_VERDICT_UNKNOWN;
    struct key key;
    struct user user;
    GOOD(catalog_check_key(f->c, str_from(id), str_from(secret), &verdict, &key, &user, &err_));
    if (verdict == KEY_VERDICT_GOOD)
        assert_string_equal(user.id, f->user.id);
    return verdict;
}

static void a_key_is_good_with_its_secret_alone(void **state)
{
    struct fixture *f = *state;
    struct made m = make(f, "nightly job", KEY_READ | KEY_APPEND, 0);
    assert_int_equal(strlen(m.key.id), KEY_ID_LENGTH);
    assert_true(secret_looks_like(str_from(m.secret), SECRET_KEY));
    char other[SECRET_LENGTH + 1];
    memcpy(other, m.secret, sizeof other);
    other[SECRET_LENGTH - 1] = other[SECRET_LENGTH - 1] == 'x' ? 'y' : 'x';
    for (int again = 0; again < 2; again++) {
        assert_int_equal(check(f, m.key.id, m.secret), KEY_VERDICT_GOOD);
        assert_int_equal(check(f, m.key.id, other), KEY_VERDICT_WRONG);
        assert_int_equal(check(f, m.key.id, ""), KEY_VERDICT_WRONG);
        assert_int_equal(check(f, "abcdefghijklmnopqrstuvwxy", m.secret), KEY_VERDICT_UNKNOWN);
        assert_int_equal(check(f, "", m.secret), KEY_VERDICT_UNKNOWN);
        assert_int_equal(check(f, "anna", "the password of anna"), KEY_VERDICT_UNKNOWN);
        reopen(f);
    }
    struct key k;
    bool found = false;
    GOOD(catalog_key(f->c, str_from(m.key.id), &k, &found, &err_));
    assert_true(found && k.scope.rights == (KEY_READ | KEY_APPEND) && k.scope.n_datasets == 0 && strcmp(k.name, "nightly job") == 0);
}

static void a_key_ends_with_its_deletion_its_expiry_and_its_user(void **state)
{
    struct fixture *f = *state;
    struct made deleted = make(f, "deleted", KEY_EVERYTHING, 0), expiring = make(f, "expiring", KEY_EVERYTHING, clock_wall_ms() + 3600000), kept = make(f, "kept", KEY_EVERYTHING, 0);
    struct key k;
    struct error err = {0};
    GOOD(catalog_delete_key(f->c, &actor_server, f->user.id, str_from(deleted.key.id), &k, &err_));
    assert_true(k.deleted_ms > 0);
    assert_int_equal(check(f, deleted.key.id, deleted.secret), KEY_VERDICT_DEAD);
    assert_int_equal(check(f, deleted.key.id, "slzk_wrong"), KEY_VERDICT_WRONG); /* nobody learns that it was deleted */
    assert_false(catalog_delete_key(f->c, &actor_server, f->user.id, str_from(deleted.key.id), &k, &err));
    assert_int_equal(err.code, ERROR_API_KEY_DELETED);
    assert_int_equal(check(f, expiring.key.id, expiring.secret), KEY_VERDICT_GOOD);
    ahead_ms = 3600001;
    assert_int_equal(check(f, expiring.key.id, expiring.secret), KEY_VERDICT_DEAD);
    assert_int_equal(check(f, kept.key.id, kept.secret), KEY_VERDICT_GOOD);
    GOOD(catalog_set_disabled(f->c, &actor_server, STR("anna"), true, &err_));
    assert_int_equal(check(f, kept.key.id, kept.secret), KEY_VERDICT_DEAD);
    GOOD(catalog_set_disabled(f->c, &actor_server, STR("anna"), false, &err_));
    assert_int_equal(check(f, kept.key.id, kept.secret), KEY_VERDICT_GOOD);
    /* A new password is another matter: keys are there so that passwords need not be in scripts. */
    GOOD(catalog_set_password(f->c, &actor_server, STR("anna"), STR("another password of anna"), &err_));
    assert_int_equal(check(f, kept.key.id, kept.secret), KEY_VERDICT_GOOD);
}

static void anothers_key_is_not_there(void **state)
{
    struct fixture *f = *state;
    struct made m = make(f, "mine", KEY_EVERYTHING, 0);
    struct key k, *v;
    size_t n;
    struct error err = {0};
    assert_false(catalog_delete_key(f->c, &actor_server, f->other.id, str_from(m.key.id), &k, &err));
    assert_int_equal(err.code, ERROR_API_KEY_NOT_FOUND);
    assert_false(catalog_delete_key(f->c, &actor_server, NULL, STR("abc"), &k, &err));
    assert_int_equal(err.code, ERROR_API_KEY_NOT_FOUND);
    GOOD(catalog_keys(f->c, f->other.id, &v, &n, &err_));
    assert_int_equal(n, 0);
    free(v);
    GOOD(catalog_keys(f->c, NULL, &v, &n, &err_));
    assert_int_equal(n, 1);
    free(v);
    GOOD(catalog_delete_key(f->c, &actor_server, NULL, str_from(m.key.id), &k, &err_)); /* NULL: whoever's it is */
}

static void names_are_one_users_own_while_the_key_is_there(void **state)
{
    struct fixture *f = *state;
    struct made m = make(f, "a job", KEY_EVERYTHING, 0);
    struct key k;
    char secret[SECRET_LENGTH + 1];
    struct error err = {0};
    struct key_spec spec = {.user = f->user.id, .name = STR(" a job\n"), .scope = {.rights = KEY_READ}};
    assert_false(catalog_create_key(f->c, &actor_server, &spec, &k, secret, &err));
    assert_int_equal(err.code, ERROR_API_KEY_NAME_TAKEN);
    spec.user = f->other.id;
    GOOD(catalog_create_key(f->c, &actor_server, &spec, &k, secret, &err_));
    GOOD(catalog_delete_key(f->c, &actor_server, NULL, str_from(m.key.id), &k, &err_));
    make(f, "a job", KEY_EVERYTHING, 0);

    static char name[KEY_NAME_BYTES_MAX + 2];
    memset(name, 'n', KEY_NAME_BYTES_MAX + 1);
    spec.name = str_make(name, KEY_NAME_BYTES_MAX + 1);
    assert_false(catalog_create_key(f->c, &actor_server, &spec, &k, secret, &err));
    assert_int_equal(err.code, ERROR_API_KEY_NAME_TOO_LONG);
    spec.name = str_make(name, KEY_NAME_BYTES_MAX);
    GOOD(catalog_create_key(f->c, &actor_server, &spec, &k, secret, &err_));
    spec.name = STR(" ");
    assert_false(catalog_create_key(f->c, &actor_server, &spec, &k, secret, &err));
    assert_int_equal(err.code, ERROR_API_KEY_MISSING_FIELD);
    spec.name = STR("a\x1b[31m");
    assert_false(catalog_create_key(f->c, &actor_server, &spec, &k, secret, &err));
    assert_int_equal(err.code, ERROR_BAD_REQUEST);
    spec.name = STR("good");
    spec.scope.rights = 0;
    assert_false(catalog_create_key(f->c, &actor_server, &spec, &k, secret, &err));
    assert_int_equal(err.code, ERROR_BAD_REQUEST);
}

static void one_user_has_a_hundred_keys_at_most(void **state)
{
    struct fixture *f = *state;
    struct made first = {0};
    struct key k;
    char name[16], secret[SECRET_LENGTH + 1];
    struct error err = {0};
    for (int i = 0; i < KEYS_PER_USER_MAX; i++) {
        snprintf(name, sizeof name, "key %d", i);
        struct made m = make(f, name, KEY_READ, i == 1 ? clock_wall_ms() + 60000 : 0);
        if (i == 0)
            first = m;
    }
    struct key_spec spec = {.user = f->user.id, .name = STR("one more"), .scope = {.rights = KEY_READ}};
    assert_false(catalog_create_key(f->c, &actor_server, &spec, &k, secret, &err));
    assert_int_equal(err.code, ERROR_API_KEY_LIMIT_REACHED);
    GOOD(catalog_delete_key(f->c, &actor_server, f->user.id, str_from(first.key.id), &k, &err_));
    GOOD(catalog_create_key(f->c, &actor_server, &spec, &k, secret, &err_));
    ahead_ms = 60001; /* an expired one makes room too */
    spec.name = STR("and one more");
    GOOD(catalog_create_key(f->c, &actor_server, &spec, &k, secret, &err_));
    spec.name = STR("too many");
    assert_false(catalog_create_key(f->c, &actor_server, &spec, &k, secret, &err));
    spec.user = f->other.id;
    GOOD(catalog_create_key(f->c, &actor_server, &spec, &k, secret, &err_));
}

/* Deleted ones are forgotten for new ones, the oldest first; what was not deleted is not. */
static void twenty_thousand_keys_and_no_more(void **state)
{
    struct fixture *f = *state;
    char path[128], text[512];
    struct sql *db = NULL;
    struct key k;
    char secret[SECRET_LENGTH + 1];
    struct error err = {0};
    catalog_close(f->c);
    f->c = NULL;
    snprintf(path, sizeof path, "%s/catalog.db", f->dir);
    snprintf(text, sizeof text,
             "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
             " INSERT INTO api_key SELECT printf('%%025d', i), 'oooo-oooo', 'key', '', 1, '', 1, 0, 0, CASE i WHEN 7 THEN 2 WHEN 9 THEN 1 ELSE 0 END FROM n", KEYS_MAX);
    GOOD(db = sql_open(path, SQL_WRITER, 1 << 20, &err_));
    GOOD(sql_exec(db, text, &err_));
    sql_close(db);
    GOOD(f->c = catalog_open(f->dir, &err_));
    struct key_spec spec = {.user = f->user.id, .name = STR("the last"), .scope = {.rights = KEY_READ}};
    GOOD(catalog_create_key(f->c, &actor_server, &spec, &k, secret, &err_));
    assert_int_equal(check(f, k.id, secret), KEY_VERDICT_GOOD);
    struct key old;
    bool seventh = false, ninth = true;
    GOOD(catalog_key(f->c, STR("0000000000000000000000007"), &old, &seventh, &err_) && catalog_key(f->c, STR("0000000000000000000000009"), &old, &ninth, &err_));
    assert_true(seventh && !ninth);
    spec.name = STR("one more");
    GOOD(catalog_create_key(f->c, &actor_server, &spec, &k, secret, &err_));
    spec.name = STR("too many");
    assert_false(catalog_create_key(f->c, &actor_server, &spec, &k, secret, &err));
    assert_int_equal(err.code, ERROR_API_KEY_LIMIT_REACHED);
}

static void without_chance_no_key_is_made(void **state)
{
    struct fixture *f = *state;
    struct key k, *v;
    size_t n;
    char secret[SECRET_LENGTH + 1] = "untouched";
    struct error err = {0};
    const struct key_spec spec = {.user = f->user.id, .name = STR("a"), .scope = {.rights = KEY_READ}};
    nothing_is_random = true;
    bool made = catalog_create_key(f->c, &actor_server, &spec, &k, secret, &err);
    nothing_is_random = false;
    assert_false(made);
    assert_int_equal(err.code, ERROR_STORE_UNAVAILABLE);
    assert_string_equal(secret, "untouched");
    GOOD(catalog_keys(f->c, NULL, &v, &n, &err_));
    assert_int_equal(n, 0);
    free(v);
}

static size_t keys_of(struct fixture *f, const char *user, size_t *ret_deleted)
{
    struct key *v;
    size_t n, deleted = 0;
    GOOD(catalog_keys(f->c, user, &v, &n, &err_));
    for (size_t i = 0; i < n; i++)
        deleted += v[i].deleted_ms != 0;
    free(v);
    *ret_deleted = deleted;
    return n;
}

/* Each 100 ms of the clock after the one before, so that it is clear which are the last. */
static void dead_keys_of_one_user_do_not_take_the_room_of_others(void **state)
{
    struct fixture *f = *state;
    struct made first = make(f, "dead", KEY_READ, 0), second = {0};
    struct key gone;
    size_t deleted;
    for (int i = 0; i <= KEYS_PER_USER_DEAD_MAX; i++) {
        struct made m = i ? make(f, "dead", KEY_READ, 0) : first;
        if (i == 1)
            second = m;
        GOOD(catalog_delete_key(f->c, &actor_server, f->user.id, str_from(m.key.id), &gone, &err_));
        ahead_ms += 100;
    }
    assert_int_equal(keys_of(f, f->user.id, &deleted), KEYS_PER_USER_DEAD_MAX + 1);
    const struct key_spec of_other = {.user = f->other.id, .name = STR("mine"), .scope = {.rights = KEY_READ}};
    char secret[SECRET_LENGTH + 1];
    GOOD(catalog_create_key(f->c, &actor_server, &of_other, &gone, secret, &err_)); /* another's is no reason to forget */
    assert_int_equal(keys_of(f, f->user.id, &deleted), KEYS_PER_USER_DEAD_MAX + 1);
    struct made ends = make(f, "ends by itself", KEY_READ, __wrap_clock_wall_ms() + 50); /* and the first of the dead goes */
    assert_int_equal(keys_of(f, f->user.id, &deleted), KEYS_PER_USER_DEAD_MAX + 1);
    assert_int_equal(check(f, first.key.id, first.secret), KEY_VERDICT_UNKNOWN);
    assert_int_equal(check(f, second.key.id, second.secret), KEY_VERDICT_DEAD);
    ahead_ms += 100;
    struct made alive = make(f, "alive", KEY_READ, 0); /* now that one is dead too: the second goes */
    assert_int_equal(keys_of(f, f->user.id, &deleted), KEYS_PER_USER_DEAD_MAX + 1);
    assert_int_equal(deleted, KEYS_PER_USER_DEAD_MAX - 1);
    assert_int_equal(check(f, second.key.id, second.secret), KEY_VERDICT_UNKNOWN);
    assert_int_equal(check(f, ends.key.id, ends.secret), KEY_VERDICT_DEAD);
    assert_int_equal(check(f, alive.key.id, alive.secret), KEY_VERDICT_GOOD);
    assert_int_equal(keys_of(f, f->other.id, &deleted), 1);
}

static int64_t used_ms(struct fixture *f, const char *id)
{
    struct key k;
    bool found = false;
    GOOD(catalog_key(f->c, str_from(id), &k, &found, &err_));
    return found ? k.used_ms : -1;
}

static void the_last_use_is_noted_once_a_day_and_outlasts_the_server(void **state)
{
    struct fixture *f = *state;
    struct made m = make(f, "used", KEY_READ, 0);
    struct key k;
    bool found;
    assert_int_equal(used_ms(f, m.key.id), 0);
    GOOD(catalog_key_used(f->c, &m.key, &err_));
    int64_t first = used_ms(f, m.key.id);
    assert_true(first > 0);
    GOOD(catalog_key(f->c, str_from(m.key.id), &k, &found, &err_));
    ahead_ms = 23 * 3600000;
    GOOD(catalog_key_used(f->c, &k, &err_));
    assert_true(used_ms(f, m.key.id) == first);
    make(f, "another", KEY_READ, 0); /* the table is made anew, and the use is still known */
    assert_true(used_ms(f, m.key.id) == first);
    ahead_ms = 25 * 3600000;
    GOOD(catalog_key_used(f->c, &k, &err_));
    assert_true(used_ms(f, m.key.id) > first + 24 * 3600000);
    first = used_ms(f, m.key.id);
    reopen(f);
    assert_true(used_ms(f, m.key.id) == first);
}

static void a_key_made_or_ended_by_another_process_counts_within_a_second(void **state)
{
    struct fixture *f = *state;
    struct catalog *other = NULL;
    struct key k;
    char secret[SECRET_LENGTH + 1];
    const struct key_spec spec = {.user = f->user.id, .name = STR("from outside"), .scope = {.rights = KEY_READ}};
    GOOD(other = catalog_open(f->dir, &err_));
    GOOD(catalog_create_key(other, &actor_server, &spec, &k, secret, &err_));
    usleep(1050 * 1000);
    assert_int_equal(check(f, k.id, secret), KEY_VERDICT_GOOD);
    GOOD(catalog_delete_key(other, &actor_server, NULL, str_from(k.id), &k, &err_));
    usleep(1050 * 1000);
    assert_int_equal(check(f, k.id, secret), KEY_VERDICT_DEAD);
    catalog_close(other);
}

/* What stands in the file is no secret, and what a hand wrote there opens nothing. */
static void the_file_holds_a_hash_and_damage_narrows(void **state)
{
    struct fixture *f = *state;
    struct made m = make(f, "a", KEY_EVERYTHING, 0), broken = make(f, "b", KEY_EVERYTHING, 0), limited = make(f, "c", KEY_EVERYTHING, 0);
    char path[128];
    struct sql *db = NULL;
    struct key k;
    bool found = false;
    catalog_close(f->c);
    f->c = NULL;
    snprintf(path, sizeof path, "%s/catalog.db", f->dir);
    char *bytes = malloc(1 << 20);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t n = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    assert_true(memmem(bytes, n, m.key.id, KEY_ID_LENGTH) != NULL);
    assert_null(memmem(bytes, n, m.secret + SECRET_PREFIX_LENGTH, 20));
    free(bytes);
    GOOD(db = sql_open(path, SQL_WRITER, 1 << 20, &err_));
    GOOD(sql_exec(db, "UPDATE api_key SET hash = 'zz' WHERE name = 'b'", &err_) && sql_exec(db, "UPDATE api_key SET datasets = ' ' WHERE name = 'c'", &err_));
    sql_close(db);
    GOOD(f->c = catalog_open(f->dir, &err_));
    assert_int_equal(check(f, m.key.id, m.secret), KEY_VERDICT_GOOD);
    assert_int_equal(check(f, broken.key.id, broken.secret), KEY_VERDICT_WRONG);
    GOOD(catalog_key(f->c, str_from(limited.key.id), &k, &found, &err_));
    assert_true(found && k.scope.n_datasets > 0);
}

static void scopes_are_kept_and_told(void **state)
{
    struct fixture *f = *state;
    struct key k;
    bool found = false;
    char secret[SECRET_LENGTH + 1];
    struct key_spec spec = {.user = f->user.id, .name = STR("all of them"), .scope = {.rights = KEY_APPEND | KEY_METADATA, .n_datasets = KEY_DATASETS_MAX}};
    for (int i = 0; i < KEY_DATASETS_MAX; i++)
        snprintf(spec.scope.datasets[i], sizeof spec.scope.datasets[i], "aaaa-%04u", (unsigned)i % 10000);
    GOOD(catalog_create_key(f->c, &actor_server, &spec, &k, secret, &err_));
    reopen(f);
    GOOD(catalog_key(f->c, str_from(k.id), &k, &found, &err_));
    assert_memory_equal(&k.scope, &spec.scope, sizeof spec.scope);
    struct buf out = {0};
    k.scope.n_datasets = 2;
    key_scope_write(&k.scope, &out);
    buf_add_byte(&out, 0);
    assert_string_equal(out.p, "\"rights\":[\"append\",\"metadata\"],\"datasets\":[\"aaaa-0000\",\"aaaa-0001\"]");
    buf_free(&out);
    key_scope_write(&(struct key_scope){.rights = KEY_EVERYTHING}, &out);
    buf_add_byte(&out, 0);
    assert_string_equal(out.p, "\"rights\":[\"all\"]");
    buf_free(&out);
    unsigned right;
    assert_true(key_right_from(STR("replace"), &right) && right == KEY_REPLACE);
    assert_string_equal(key_right_name(right), "replace");
    assert_false(key_right_from(STR("READ"), &right));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_key_is_good_with_its_secret_alone),
        T(a_key_ends_with_its_deletion_its_expiry_and_its_user),
        T(anothers_key_is_not_there),
        T(names_are_one_users_own_while_the_key_is_there),
        T(one_user_has_a_hundred_keys_at_most),
        T(twenty_thousand_keys_and_no_more),
        T(without_chance_no_key_is_made),
        T(dead_keys_of_one_user_do_not_take_the_room_of_others),
        T(the_last_use_is_noted_once_a_day_and_outlasts_the_server),
        T(a_key_made_or_ended_by_another_process_counts_within_a_second),
        T(the_file_holds_a_hash_and_damage_narrows),
        T(scopes_are_kept_and_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
