/* Grants, codes and tokens in the catalog (catalog/oauth.h), as time goes by. The wall clock is the test's (linked with --wrap, Makefile). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "catalog/oauth.h"
#include "sql/sql.h"
#include "catalog_kit.h"

static int64_t wall_s = 1700000000;

int64_t __wrap_clock_wall_ms(void);
int64_t __wrap_clock_wall_ms(void)
{
    return wall_s * 1000;
}

enum { DAY = 24 * 3600 };
#define CALLBACK STR("https://site.example/cb")

struct fixture {
    char dir[64];
    struct catalog *c;
    struct arena arena;
    struct user user;
    struct app confidential, public;
    char secret[SECRET_LENGTH + 1];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct error err;
    char none[SECRET_LENGTH + 1];
    const struct app_spec confidential = {.name = STR("Confidential"), .redirect_uris = CALLBACK, .token_seconds = -1, .requests_per_s = -1, .burst = -1},
                          public = {.name = STR("Public"), .redirect_uris = CALLBACK, .is_public = true, .token_seconds = -1, .requests_per_s = -1, .burst = -1};
    wall_s = 1700000000;
    if (!catalog_folder(f->dir) || !(f->c = catalog_open(f->dir, &err)))
        return -1;
    if (!catalog_create_user(f->c, &actor_server, STR("someone"), STR("a long password"), ROLE_PUBLISHER, &f->user, &err) ||
        !catalog_create_app(f->c, &actor_server, &confidential, &f->arena, &f->confidential, f->secret, &err) ||
        !catalog_create_app(f->c, &actor_server, &public, &f->arena, &f->public, none, &err))
        return -1;
    *state = f;
    return *none ? -1 : 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    catalog_close(f->c);
    arena_free(&f->arena);
    catalog_folder_remove(f->dir);
    free(f);
    return 0;
}

static void issue(struct fixture *f, const struct app *app, char code[SECRET_LENGTH + 1])
{
    const struct consent consent = {f->user.id, CALLBACK, STR(""), KEY_EVERYTHING};
    GOOD(catalog_issue_code(f->c, &actor_server, app, &consent, code, &err_));
}

static enum error_code redeem(struct fixture *f, const struct app *app, const char *code, struct oauth_tokens *ret)
{
    struct error err = {0};
    return catalog_redeem_code(f->c, &actor_server, app, str_from(code), CALLBACK, STR(""), ret, &err) ? ERROR_NONE : err.code;
}

static enum error_code refresh(struct fixture *f, const struct app *app, const char *token, struct oauth_tokens *ret)
{
    struct error err = {0};
    return catalog_refresh_tokens(f->c, &actor_server, app, str_from(token), 0, ret, &err) ? ERROR_NONE : err.code;
}

static struct oauth_tokens obtain(struct fixture *f, const struct app *app)
{
    char code[SECRET_LENGTH + 1];
    struct oauth_tokens t;
    issue(f, app, code);
    assert_int_equal(redeem(f, app, code, &t), ERROR_NONE);
    return t;
}

static bool is_good(struct fixture *f, const char *token)
{
    struct token_holder holder;
    bool good = false;
    GOOD(catalog_token_holder(f->c, str_from(token), &holder, &good, &err_));
    if (good)
        assert_string_equal(holder.user.id, f->user.id);
    return good;
}

static int64_t count(struct fixture *f, const char *text)
{
    char path[128];
    int64_t n = -1;
    snprintf(path, sizeof path, "%s/catalog.db", f->dir);
    struct sql *db = NULL;
    GOOD(db = sql_open(path, SQL_READER, 1 << 18, &err_));
    GOOD(sql_exec_i64(db, text, &n, &err_));
    sql_close(db);
    return n;
}

static void a_code_is_good_for_a_minute(void **state)
{
    struct fixture *f = *state;
    char code[SECRET_LENGTH + 1];
    struct oauth_tokens t;
    issue(f, &f->confidential, code);
    wall_s += OAUTH_CODE_SECONDS - 1;
    assert_int_equal(redeem(f, &f->confidential, code, &t), ERROR_NONE);
    issue(f, &f->confidential, code);
    wall_s += OAUTH_CODE_SECONDS;
    assert_int_equal(redeem(f, &f->confidential, code, &t), ERROR_OAUTH_INVALID_GRANT);
}

static void a_confidential_applications_token_ends_after_90_idle_days(void **state)
{
    struct fixture *f = *state;
    struct oauth_tokens t = obtain(f, &f->confidential);
    assert_true(t.expires_in == 0 && !*t.refresh);
    for (int i = 0; i < 20; i++) { /* five years of a call in 89 days */
        wall_s += 89LL * DAY;
        assert_true(is_good(f, t.access));
    }
    wall_s += 90LL * DAY;
    assert_true(is_good(f, t.access));
    wall_s += 90LL * DAY + 1;
    assert_false(is_good(f, t.access));
}

static void a_public_applications_token_ends_after_12_hours_and_is_refreshed(void **state)
{
    struct fixture *f = *state;
    struct oauth_tokens first = obtain(f, &f->public), second;
    assert_int_equal(first.expires_in, 12 * 3600);
    wall_s += 12 * 3600 - 1;
    assert_true(is_good(f, first.access));
    wall_s++;
    assert_false(is_good(f, first.access));
    wall_s += 60LL * DAY;
    assert_int_equal(refresh(f, &f->public, first.refresh, &second), ERROR_NONE);
    assert_true(is_good(f, second.access) && !is_good(f, first.access));
    wall_s += 90LL * DAY + 1;
    assert_int_equal(refresh(f, &f->public, second.refresh, &first), ERROR_OAUTH_INVALID_GRANT);
}

static void a_clock_that_went_back_ends_no_token(void **state)
{
    struct fixture *f = *state;
    struct oauth_tokens t = obtain(f, &f->public);
    wall_s = 0;
    assert_true(is_good(f, t.access));
}

/* The lost reply: the client asks again with the token that it has, which looks like theft and is taken for it. */
static void a_used_refresh_token_ends_all_even_much_later(void **state)
{
    struct fixture *f = *state;
    struct oauth_tokens t = obtain(f, &f->public), next = t, ignored;
    for (int i = 0; i < 5; i++) {
        wall_s += DAY;
        assert_int_equal(refresh(f, &f->public, next.refresh, &next), ERROR_NONE);
    }
    assert_true(is_good(f, next.access));
    assert_int_equal(refresh(f, &f->public, t.refresh, &ignored), ERROR_OAUTH_INVALID_GRANT);
    assert_false(is_good(f, next.access));
    assert_int_equal(refresh(f, &f->public, next.refresh, &ignored), ERROR_OAUTH_INVALID_GRANT);
    assert_int_equal(count(f, "SELECT count(*) FROM oauth_token"), 0);
}

static void one_user_and_application_have_so_many_consents(void **state)
{
    struct fixture *f = *state;
    struct oauth_tokens first = obtain(f, &f->confidential), second = obtain(f, &f->confidential), other = obtain(f, &f->public);
    for (int i = 0; i < OAUTH_GRANTS_MAX - 2; i++)
        obtain(f, &f->confidential);
    assert_true(is_good(f, first.access) && is_good(f, second.access));
    obtain(f, &f->confidential);
    assert_true(!is_good(f, first.access) && is_good(f, second.access) && is_good(f, other.access));
    assert_int_equal(count(f, "SELECT count(*) FROM audit WHERE json_extract(entry,'$.action')='oauth.revoke' AND json_extract(entry,'$.details.for')='too many consents'"), 1);
}

static void one_consent_remembers_so_many_tokens(void **state)
{
    struct fixture *f = *state;
    struct oauth_tokens t = obtain(f, &f->public);
    for (int i = 0; i < OAUTH_TOKENS_MAX / 2 + 5; i++)
        assert_int_equal(refresh(f, &f->public, t.refresh, &t), ERROR_NONE);
    assert_true(is_good(f, t.access));
    assert_int_equal(count(f, "SELECT count(*) FROM oauth_token"), OAUTH_TOKENS_MAX);
}

static void what_nobody_can_use_any_more_is_swept(void **state)
{
    struct fixture *f = *state;
    char code[SECRET_LENGTH + 1];
    obtain(f, &f->confidential);
    issue(f, &f->confidential, code);
    assert_int_equal(count(f, "SELECT count(*) FROM oauth_grant"), 2);
    wall_s += 2 * 3600;
    issue(f, &f->public, code); /* the code that nobody redeemed goes */
    assert_int_equal(count(f, "SELECT count(*) FROM oauth_grant"), 2);
    wall_s += OAUTH_IDLE_SECONDS + 2LL * DAY;
    issue(f, &f->public, code);
    assert_int_equal(count(f, "SELECT count(*) FROM oauth_grant"), 1);
    assert_int_equal(count(f, "SELECT count(*) FROM oauth_token"), 0);
}

static void no_secret_is_in_the_file(void **state)
{
    struct fixture *f = *state;
    char code[SECRET_LENGTH + 1], path[128];
    struct oauth_tokens t = obtain(f, &f->public);
    static char room[4 << 20];
    issue(f, &f->public, code);
    const char *const secrets[] = {f->secret, code, t.access, t.refresh};
    for (int wal = 0; wal < 2; wal++) {
        snprintf(path, sizeof path, "%s/catalog.db%s", f->dir, wal ? "-wal" : "");
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        size_t n = fread(room, 1, sizeof room, file);
        fclose(file);
        assert_true(n > 0 && n < sizeof room);
        for (size_t i = 0; i < 4; i++)
            assert_null(memmem(room, n, secrets[i] + SECRET_PREFIX_LENGTH, SECRET_RANDOM_LENGTH));
    }
}

static void everything_is_there_after_a_restart(void **state)
{
    struct fixture *f = *state;
    struct oauth_tokens t = obtain(f, &f->public), ended = obtain(f, &f->public), next;
    bool found = false;
    GOOD(catalog_revoke_token(f->c, &actor_server, NULL, str_from(ended.access), &found, &err_));
    assert_true(found);
    catalog_close(f->c);
    GOOD(f->c = catalog_open(f->dir, &err_));
    assert_true(is_good(f, t.access) && !is_good(f, ended.access));
    assert_int_equal(refresh(f, &f->public, t.refresh, &next), ERROR_NONE);
    struct app app;
    GOOD(catalog_app(f->c, STR("confidential"), &f->arena, &app, &found, &err_));
    assert_true(found && app_secret_is(&app, str_from(f->secret)) && !app_secret_is(&app, STR("slza_")) && !app_secret_is(&f->public, str_from(f->secret)));
}

static void each_change_is_recorded(void **state)
{
    struct fixture *f = *state;
    const struct actor by = {.user = f->user.id, .via = "session x", .request_id = STR("r"), .peer = "192.0.2.1"};
    struct oauth_tokens t = obtain(f, &f->public), next;
    struct oauth_grant *grants;
    size_t n;
    bool found;
    char secret[SECRET_LENGTH + 1];
    assert_int_equal(refresh(f, &f->public, t.refresh, &next), ERROR_NONE);
    GOOD(catalog_list_grants(f->c, f->user.id, &f->arena, &grants, &n, &err_));
    assert_int_equal(n, 1);
    assert_true(str_eq(grants[0].app_name, STR("Public")) && grants[0].rights == KEY_EVERYTHING);
    GOOD(catalog_end_grant(f->c, &by, f->user.id, grants[0].number, &err_));
    GOOD(catalog_revoke_token(f->c, &by, NULL, str_from(next.access), &found, &err_)); /* gone: nothing to record */
    assert_false(found);
    GOOD(catalog_renew_app_secret(f->c, &by, &f->confidential, secret, &err_));
    GOOD(catalog_set_app_disabled(f->c, &by, f->confidential.id, true, &err_));
    GOOD(catalog_set_app_disabled(f->c, &by, f->confidential.id, false, &err_));
    static const struct {
        const char *action;
        int n;
    } wanted[] = {{"app.create", 2}, {"oauth.consent", 1}, {"oauth.tokens", 2}, {"oauth.revoke", 1}, {"app.secret", 1}, {"app.disable", 1}, {"app.enable", 1}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        char text[200];
        snprintf(text, sizeof text, "SELECT count(*) FROM audit WHERE json_extract(entry,'$.action')='%s'", wanted[i].action);
        assert_int_equal(count(f, text), wanted[i].n);
    }
    assert_int_equal(count(f, "SELECT count(*) FROM audit WHERE entry LIKE '%slz__\\_%' ESCAPE '\\'"), 0);
}

static void a_deleted_application_takes_its_consents_along(void **state)
{
    struct fixture *f = *state;
    struct oauth_tokens t = obtain(f, &f->public), other = obtain(f, &f->confidential);
    struct error err = {0};
    bool found = true;
    struct app app;
    assert_false(catalog_delete_app(f->c, &actor_server, f->public.id, false, &err));
    assert_true(err.code == ERROR_BAD_REQUEST && is_good(f, t.access)); /* it is not disabled */
    GOOD(catalog_set_app_disabled(f->c, &actor_server, f->public.id, true, &err_));
    assert_false(catalog_delete_app(f->c, &actor_server, f->public.id, true, &err));
    assert_int_equal(err.code, ERROR_PERMISSION_DENIED);
    GOOD(catalog_delete_app(f->c, &actor_server, f->public.id, false, &err_));
    assert_true(!is_good(f, t.access) && is_good(f, other.access));
    GOOD(catalog_app(f->c, STR("Public"), &f->arena, &app, &found, &err_));
    assert_false(found);
    assert_false(catalog_delete_app(f->c, &actor_server, f->public.id, false, &err));
    assert_int_equal(err.code, ERROR_NOT_FOUND);
    assert_int_equal(count(f, "SELECT count(*) FROM oauth_grant"), 1);
    assert_int_equal(count(f, "SELECT count(*) FROM oauth_token"), 1);
    assert_int_equal(count(f, "SELECT count(*) FROM audit WHERE json_extract(entry,'$.action')='app.delete'"), 1);
}

static void scopes_are_words_of_rights(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned rights;
        const char *written;
    } cases[] = {{"", KEY_EVERYTHING, ""}, {" ", KEY_EVERYTHING, ""}, {"read", KEY_READ, "read"}, {"metadata read", KEY_READ | KEY_METADATA, "read metadata"},
                 {" read  read ", KEY_READ, "read"}, {"replace append", KEY_APPEND | KEY_REPLACE, "append replace"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned rights = 0;
        struct buf b = {0};
        GOOD(oauth_scope_parse(str_from(cases[i].text), &rights, &err_));
        assert_int_equal(rights, cases[i].rights);
        oauth_scope_write(rights, &b);
        assert_true(str_eq(buf_str(&b), str_from(cases[i].written)));
        buf_free(&b);
    }
    static const char *const bad[] = {"Read", "read,append", "manage", "everything", "read\tappend", "openid"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        unsigned rights = 77;
        struct error err = {0};
        assert_false(oauth_scope_parse(str_from(bad[i]), &rights, &err));
        assert_true(err.code == ERROR_OAUTH_INVALID_SCOPE && rights == 77);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_code_is_good_for_a_minute),
        TEST(a_confidential_applications_token_ends_after_90_idle_days),
        TEST(a_public_applications_token_ends_after_12_hours_and_is_refreshed),
        TEST(a_clock_that_went_back_ends_no_token),
        TEST(a_used_refresh_token_ends_all_even_much_later),
        TEST(one_user_and_application_have_so_many_consents),
        TEST(one_consent_remembers_so_many_tokens),
        TEST(what_nobody_can_use_any_more_is_swept),
        TEST(no_secret_is_in_the_file),
        TEST(everything_is_there_after_a_restart),
        TEST(each_change_is_recorded),
        TEST(a_deleted_application_takes_its_consents_along),
        cmocka_unit_test(scopes_are_words_of_rights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
