/* Sessions as time goes by, and what only browsers send (gate/internal.h; docs/wire/authentication.md, "Sessions"). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/random.h"
#include "gate/internal.h"

struct secret {
    char text[SECRET_LENGTH + 1];
};

static struct secret fresh(void)
{
    struct secret s = {0};
    assert_true(secret_make(SECRET_SESSION, s.text));
    return s;
}

static struct secret opened(struct sessions *all, const char *user, uint64_t now)
{
    struct user u = {.secret_version = 7};
    struct secret s = fresh();
    snprintf(u.id, sizeof u.id, "%s", user);
    sessions_add(all, str_from(s.text), &u, now);
    return s;
}

static bool is_good(struct sessions *all, const struct secret *s, uint64_t now)
{
    struct session_found found = {0};
    bool good = sessions_find(all, str_from(s->text), now, &found);
    if (good)
        assert_true(found.secret_version == 7 && strlen(found.id) == 16 && found.user[4] == '-');
    return good;
}

static int set_up(void **state)
{
    struct error err;
    *state = random_init() ? sessions_new(&err) : NULL;
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    sessions_free(*state);
    return 0;
}

static void a_session_ends_after_half_an_hour_without_a_request(void **state)
{
    struct secret s = opened(*state, "aaaa-aaaa", 1000);
    assert_true(is_good(*state, &s, 1000 + SESSION_IDLE_MS - 1));
    assert_true(is_good(*state, &s, 1000 + 2 * (SESSION_IDLE_MS - 1)));
    assert_false(is_good(*state, &s, 1000 + 2 * (SESSION_IDLE_MS - 1) + SESSION_IDLE_MS));
}

static void a_session_ends_after_twelve_hours_whatever_it_does(void **state)
{
    struct secret s = opened(*state, "aaaa-aaaa", 1000);
    for (uint64_t t = 0; t < SESSION_MS; t += SESSION_IDLE_MS / 2)
        assert_true(is_good(*state, &s, 1000 + t));
    assert_true(is_good(*state, &s, 1000 + SESSION_MS - 1));
    assert_false(is_good(*state, &s, 1000 + SESSION_MS));
}

static void a_session_that_ended_is_gone_and_no_other(void **state)
{
    struct secret one = opened(*state, "aaaa-aaaa", 1000), other = opened(*state, "aaaa-aaaa", 1000), made_up = fresh();
    sessions_end(*state, str_from(one.text));
    sessions_end(*state, str_from(made_up.text));
    sessions_end(*state, STR_NONE);
    assert_true(!is_good(*state, &one, 1000) && is_good(*state, &other, 1000) && !is_good(*state, &made_up, 1000));
}

static void one_user_has_so_many_and_pushes_out_his_own_oldest(void **state)
{
    struct secret theirs = opened(*state, "bbbb-bbbb", 1000), mine[SESSIONS_OF_USER_MAX + 1];
    for (int i = 0; i <= SESSIONS_OF_USER_MAX; i++)
        mine[i] = opened(*state, "aaaa-aaaa", 2000 + (uint64_t)i);
    assert_false(is_good(*state, &mine[0], 3000));
    for (int i = 1; i <= SESSIONS_OF_USER_MAX; i++)
        assert_true(is_good(*state, &mine[i], 3000));
    assert_true(is_good(*state, &theirs, 3000));
}

/* The table does not grow: the latest is always there. */
static void a_full_table_forgets_what_was_unused_longest(void **state)
{
    char user[16];
    for (int i = 0; i < 3 * SESSIONS_MAX / SESSIONS_OF_USER_MAX; i++) {
        snprintf(user, sizeof user, "uuuu-%04u", (unsigned)i % 10000);
        for (int j = 0; j < SESSIONS_OF_USER_MAX; j++) {
            struct secret s = opened(*state, user, 1000 + (uint64_t)i);
            assert_true(is_good(*state, &s, 1000 + (uint64_t)i));
        }
    }
}

/* ── what browsers send ── */

static bool is_foreign(const char *host, const char *origin, const char *site)
{
    struct http_header h[3] = {{STR("Host"), str_from(host)}, {STR("Origin"), str_from(origin)}, {STR("Sec-Fetch-Site"), str_from(site)}};
    if (!origin)
        h[1] = (struct http_header){STR("X-None"), STR("")};
    if (!site)
        h[2] = (struct http_header){STR("X-None"), STR("")};
    const struct http_head head = {.headers = h, .n_headers = 3};
    return browser_is_foreign(&head);
}

static void a_script_of_another_site_is_told_by_its_origin(void **state)
{
    static const struct {
        const char *host, *origin, *site;
        bool foreign;
    } cases[] = {
        {"a.example", NULL, NULL, false},
        {"a.example", "https://a.example", NULL, false},
        {"A.example", "https://a.EXAMPLE", NULL, false},
        {"a.example:443", "https://a.example", NULL, false},
        {"a.example:8443", "https://a.example:8443", NULL, false},
        {"a.example:8443", "https://a.example", NULL, true},
        {"a.example", "https://a.example:8443", NULL, true},
        {"a.example", "http://a.example", NULL, true},
        {"a.example", "https://b.example", NULL, true},
        {"a.example", "https://a.example.b.example", NULL, true},
        {"a.example", "https://b.example", "same-origin", true},
        {"a.example", "null", NULL, true},
        {"a.example", "null", "cross-site", true},
        {"a.example", "null", "same-origin", false},
        {"a.example", "", NULL, true},
        {"", "https://", NULL, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (is_foreign(cases[i].host, cases[i].origin, cases[i].site) != cases[i].foreign)
            fail_msg("%s at %s", cases[i].origin ? cases[i].origin : "no origin", cases[i].host);
}

static void the_session_is_the_one_cookie_of_its_name(void **state)
{
    static const struct {
        const char *one, *two, *session;
    } cases[] = {
        {"__Host-session=x", NULL, "x"}, {"a=b; __Host-session=x; c", NULL, "x"}, {" ;;__Host-session=x=y ", NULL, "x=y"}, {"a=b", "__Host-session=x", "x"},
        {"__Host-session=x; __Host-session=x", NULL, ""}, {"__Host-session=x", "__Host-session=y", ""}, {"__host-session=x", NULL, ""}, {"x__Host-session=x", NULL, ""},
        {"__Host-session", NULL, ""}, {"__Host-session=", NULL, ""}, {"", NULL, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct http_header h[] = {{STR("Cookie"), str_from(cases[i].one)}, {STR("cookie"), str_from(cases[i].two)}};
        const struct http_head head = {.headers = h, .n_headers = cases[i].two ? 2 : 1};
        if (!str_eq(browser_session(&head), str_from(cases[i].session)))
            fail_msg("%s", cases[i].one);
    }
}

static void a_forms_proof_is_of_its_cookie_alone(void **state)
{
    struct secret one = fresh(), other = fresh();
    char a[CSRF_LENGTH + 1], b[CSRF_LENGTH + 1], line[2][80];
    (void)state;
    snprintf(line[0], sizeof line[0], "__Host-session=%s", one.text);
    snprintf(line[1], sizeof line[1], "__Host-form=%s", other.text);
    const struct http_header h[] = {{STR("Cookie"), str_from(line[0])}, {STR("Cookie"), str_from(line[1])}};
    const struct http_head session = {.headers = h, .n_headers = 1}, form = {.headers = h + 1, .n_headers = 1}, both = {.headers = h, .n_headers = 2}, none = {0};
    assert_true(gate_csrf(&session, a) && gate_csrf(&form, b) && strcmp(a, b) != 0 && !strstr(one.text, a));
    assert_true(gate_csrf_is(&session, str_from(a)) && gate_csrf_is(&form, str_from(b)) && gate_csrf_is(&both, str_from(a)));
    assert_false(gate_csrf_is(&session, str_from(b)) || gate_csrf_is(&both, str_from(b)) || gate_csrf_is(&none, str_from(a)) || gate_csrf_is(&session, STR("")));
    assert_false(gate_csrf(&none, a));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_session_ends_after_half_an_hour_without_a_request),
        TEST(a_session_ends_after_twelve_hours_whatever_it_does),
        TEST(a_session_that_ended_is_gone_and_no_other),
        TEST(one_user_has_so_many_and_pushes_out_his_own_oldest),
        TEST(a_full_table_forgets_what_was_unused_longest),
        cmocka_unit_test(a_script_of_another_site_is_told_by_its_origin),
        cmocka_unit_test(the_session_is_the_one_cookie_of_its_name),
        cmocka_unit_test(a_forms_proof_is_of_its_cookie_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
