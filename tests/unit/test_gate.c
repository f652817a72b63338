/* Who is asking, and may they: every shape of the Authorization header, the kept verdicts, the table of rights. */
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "gate/internal.h"
#include "catalog_kit.h"

#define NAME "admin"
#define PASSWORD "a:good pass\xC3\xB6"

struct fixture {
    char dir[64];
    struct catalog *catalog;
    struct gate *gate;
    struct arena arena;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct error err;
    struct user u;
    if (!catalog_folder(f->dir) || !(f->catalog = catalog_open(f->dir, &err)) || !(f->gate = gate_new(f->catalog, &err)))
        return -1;
    if (!catalog_create_user(f->catalog, &actor_server, STR(NAME), STR(PASSWORD), ROLE_ADMINISTRATOR, &u, &err))
        return -1;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    gate_free(f->gate);
    catalog_close(f->catalog);
    arena_free(&f->arena);
    catalog_folder_remove(f->dir);
    free(f);
    return 0;
}

/* "Basic " and base64 of n bytes. */
static struct str basic(struct fixture *f, const char *p, size_t n)
{
    size_t room = sodium_base64_encoded_len(n, sodium_base64_VARIANT_ORIGINAL);
    char *text = arena_alloc(&f->arena, room);
    sodium_bin2base64(text, room, (const unsigned char *)p, n, sodium_base64_VARIANT_ORIGINAL);
    return str_from(arena_printf(&f->arena, "Basic %s", text));
}

struct seen {
    bool ok;
    enum gate_challenge challenge;
    struct principal who;
    struct error err;
};

static struct seen ask(struct fixture *f, const struct http_header *headers, size_t n, const char *query, bool secure)
{
    struct seen s = {0};
    struct http_head head = {.method = HTTP_GET, .headers = headers, .n_headers = n, .query = str_from(query), .secure = secure};
    s.ok = gate_check(f->gate, &head, &f->arena, &s.who, &s.challenge, &s.err);
    return s;
}

static struct seen ask_with(struct fixture *f, struct str authorization)
{
    struct http_header h = {STR("authorization"), authorization};
    return ask(f, &h, 1, "", true);
}

static void good_credentials_are_the_user(void **state)
{
    struct fixture *f = *state;
    for (int again = 0; again < 2; again++) { /* the second time from the kept verdict */
        struct seen s = ask_with(f, basic(f, NAME ":" PASSWORD, sizeof NAME ":" PASSWORD - 1));
        assert_true(s.ok && s.who.kind == PRINCIPAL_PASSWORD && s.who.user.role == ROLE_ADMINISTRATOR);
        assert_string_equal(s.who.user.name, NAME);
    }
    assert_true(ask_with(f, basic(f, "ADMIN:" PASSWORD, sizeof "ADMIN:" PASSWORD - 1)).ok);
    assert_true(ask_with(f, basic(f, "admin:a:good passo\xCC\x88", sizeof "admin:a:good passo\xCC\x88" - 1)).ok);
}

static void a_kept_verdict_saves_the_hash(void **state)
{
    struct fixture *f = *state;
    struct str good = basic(f, NAME ":" PASSWORD, sizeof NAME ":" PASSWORD - 1);
    assert_true(ask_with(f, good).ok);
    uint64_t start = clock_mono_us();
    for (int i = 0; i < 50; i++)
        assert_true(ask_with(f, good).ok);
    assert_true(clock_mono_us() - start < 50 * 5000); /* 50 hashes would take 800 ms and more */
}

static void whatever_the_header_holds_it_is_401_and_no_crash(void **state)
{
    struct fixture *f = *state;
    static char big[20000];
    memset(big, 'Q', sizeof big - 1);
    memcpy(big, "Basic ", 6);
    const struct str cases[] = {
        STR("Basic"), STR("Basic "), STR("Basic !!!"), STR("Basic QUFB="), STR("Digest x"), STR(""), STR("Nonsense"), STR("OAuth token"),
        STR("Bearer token"), STR("bearer"), str_from(big), basic(f, "nocolon", 7), basic(f, "a\0b:c", 5), basic(f, "\xFF:\xFF", 3),
        basic(f, ":", 1), basic(f, "admin:", 6), basic(f, "admin:wrong", 11), basic(f, "nobody:" PASSWORD, sizeof "nobody:" PASSWORD - 1),
        basic(f, "", 0),
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct seen s = ask_with(f, cases[i]);
        assert_false(s.ok);
        if (s.err.code != ERROR_CREDENTIALS_WRONG || !s.challenge)
            fail_msg("case %zu: %d, %s", i, s.err.code, s.err.message);
    }
}

static void a_script_gets_no_challenge(void **state)
{
    struct fixture *f = *state;
    struct http_header h[] = {{STR("Authorization"), STR("Basic x")}, {STR("X-Requested-With"), STR("XMLHttpRequest")}};
    struct seen s = ask(f, h, 2, "", true);
    assert_true(!s.ok && s.err.code == ERROR_CREDENTIALS_WRONG && !s.challenge);
}

static void two_authorization_headers_are_400(void **state)
{
    struct fixture *f = *state;
    struct str good = basic(f, NAME ":" PASSWORD, sizeof NAME ":" PASSWORD - 1);
    struct http_header h[] = {{STR("Authorization"), good}, {STR("Authorization"), good}};
    struct seen s = ask(f, h, 2, "", true);
    assert_true(!s.ok && s.err.code == ERROR_BAD_REQUEST && !s.challenge);
}

static void credentials_on_plain_http_are_403_unread(void **state)
{
    struct fixture *f = *state;
    struct http_header good = {STR("Authorization"), basic(f, NAME ":" PASSWORD, sizeof NAME ":" PASSWORD - 1)};
    struct http_header misspelt = {STR("Authentication"), STR("OAuth x")};
    struct seen cases[] = {ask(f, &good, 1, "", false), ask(f, &misspelt, 1, "", false), ask(f, NULL, 0, "access_token=x", false)};
    for (size_t i = 0; i < 3; i++)
        assert_true(!cases[i].ok && cases[i].err.code == ERROR_PLAIN_HTTP && !cases[i].challenge);
    assert_true(ask(f, NULL, 0, "", false).ok);
}

static void misspelt_ways_name_the_right_header(void **state)
{
    struct fixture *f = *state;
    struct http_header misspelt = {STR("Authentication"), STR("OAuth x")};
    struct seen cases[] = {ask(f, &misspelt, 1, "", true), ask(f, NULL, 0, "$limit=1&access_token=x", true)};
    for (size_t i = 0; i < 2; i++)
        assert_true(!cases[i].ok && cases[i].err.code == ERROR_CREDENTIALS_WRONG && strstr(cases[i].err.message, "Authorization"));
    struct http_header good = {STR("Authorization"), basic(f, NAME ":" PASSWORD, sizeof NAME ":" PASSWORD - 1)};
    assert_true(ask(f, &good, 1, "access_token=x", true).ok);
}

static void app_tokens_are_never_required_nor_refused(void **state)
{
    struct fixture *f = *state;
    static char big[600];
    memset(big, 'x', sizeof big - 1);
    const struct str tokens[] = {STR(""), STR("abc"), str_from(big), STR("\xFF")};
    for (size_t i = 0; i < 4; i++) {
        struct http_header h = {STR("X-App-Token"), tokens[i]};
        struct seen s = ask(f, &h, 1, "%24%24app_token=t&app_token=u", true);
        assert_true(s.ok && principal_is_anonymous(&s.who));
    }
    for (int i = 0; i < 3000; i++) { /* more than are kept */
        char token[32];
        snprintf(token, sizeof token, "token-%d", i);
        catalog_record_app_token(f->catalog, str_from(token));
    }
}

static void a_new_password_makes_the_old_one_wrong_at_once(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct str old = basic(f, NAME ":" PASSWORD, sizeof NAME ":" PASSWORD - 1);
    assert_true(ask_with(f, old).ok);
    assert_true(catalog_set_password(f->catalog, &actor_server, STR(NAME), STR("another password"), &err));
    assert_false(ask_with(f, old).ok);
    assert_true(ask_with(f, basic(f, "admin:another password", 22)).ok);
}

static void verdicts_are_of_one_user_password_and_version_and_end(void **state)
{
    (void)state;
    struct error err;
    struct verdicts *v = verdicts_new(&err);
    struct user a = {.id = "aaaa-aaaa", .secret_version = 1}, b = {.id = "bbbb-bbbb", .secret_version = 1};
    assert_non_null(v);
    verdicts_add(v, &a, STR("p"), 1000);
    assert_true(verdicts_has(v, &a, STR("p"), 1000));
    assert_true(verdicts_has(v, &a, STR("p"), 1000 + VERDICT_MS - 1));
    assert_false(verdicts_has(v, &a, STR("p"), 1000 + VERDICT_MS));
    assert_false(verdicts_has(v, &a, STR("q"), 1000));
    assert_false(verdicts_has(v, &b, STR("p"), 1000));
    a.secret_version = 2;
    assert_false(verdicts_has(v, &a, STR("p"), 1000));
    for (int i = 0; i < 10 * VERDICTS_MAX; i++) { /* the table is full: it forgets, it does not grow */
        char p[16];
        snprintf(p, sizeof p, "%d", i);
        verdicts_add(v, &a, str_from(p), 2000 + (uint64_t)i);
        assert_true(verdicts_has(v, &a, str_from(p), 2000 + (uint64_t)i));
    }
    verdicts_free(v);
}

/* A try of `account` from `peer` at `now`: 'g'ood, 'w'rong, 'u'ndecided. The seconds to wait, 0 when it was looked at. */
static unsigned try(struct failures *f, const char *account, const char *peer, uint64_t now, char end)
{
    struct log_in_try t;
    unsigned wait_s = 0;
    if (failures_begin(f, str_from(account), peer, now, &t, &wait_s))
        failures_end(f, &t, end == 'g' ? LOG_IN_GOOD : end == 'w' ? LOG_IN_WRONG : LOG_IN_UNDECIDED, now);
    else
        assert_true(wait_s > 0);
    return wait_s;
}

/* From a new address each time. */
static void fail_times(struct failures *f, const char *account, int n, uint64_t now)
{
    char peer[32];
    for (int i = 0; i < n; i++) {
        snprintf(peer, sizeof peer, "10.0.%d.%d", i / 250, i % 250);
        assert_int_equal(try(f, account, peer, now, 'w'), 0);
    }
}

static void after_a_hundred_failures_each_try_waits_longer_and_none_for_ever(void **state)
{
    static const unsigned delays[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
    struct error err;
    struct failures *f = failures_new(&err);
    uint64_t now = 1000;
    (void)state;
    assert_non_null(f);
    fail_times(f, "a", FAILURES_FREE, now);
    for (size_t i = 0; i < sizeof delays / sizeof *delays; i++) {
        assert_int_equal(try(f, "a", "10.1.0.1", now, 'w'), 0);
        assert_int_equal(try(f, "a", "10.1.0.2", now, 'g'), delays[i]);
        assert_int_equal(try(f, "b", "10.1.0.2", now, 'w'), 0); /* others are not concerned */
        now += 1000u * delays[i];
        assert_int_equal(try(f, "a", "10.1.0.2", now - 1, 'g'), 1);
    }
    assert_int_equal(try(f, "a", "10.1.0.3", now, 'g'), 0);
    fail_times(f, "a", FAILURES_FREE, now); /* a good one begins anew */
    failures_free(f);
}

static void where_an_account_has_logged_in_others_failures_do_not_count(void **state)
{
    struct error err;
    struct failures *f = failures_new(&err);
    (void)state;
    assert_int_equal(try(f, "a", "192.0.2.1", 1000, 'g'), 0);
    fail_times(f, "a", FAILURES_FREE + 1, 1000);
    assert_int_equal(try(f, "a", "192.0.2.9", 1000, 'g'), 1);
    assert_int_equal(try(f, "a", "192.0.2.1", 1000, 'g'), 0);
    for (int i = 0; i <= FAILURES_FREE; i++) { /* a good one there is no help to those elsewhere; its own failures count */
        assert_int_equal(try(f, "a", "192.0.2.9", 1000, 'g'), 1);
        assert_int_equal(try(f, "a", "192.0.2.1", 1000, 'w'), 0);
    }
    assert_int_equal(try(f, "a", "192.0.2.1", 1000, 'g'), 1);
    failures_free(f);
}

static void one_address_against_many_accounts_is_slowed_and_recovers(void **state)
{
    struct error err;
    struct failures *f = failures_new(&err);
    char name[16];
    (void)state;
    assert_int_equal(try(f, "mine", "2001:db8:1:2::1", 1000, 'g'), 0);
    for (int i = 0; i <= FAILURES_FREE; i++) {
        snprintf(name, sizeof name, "user%d", i);
        char peer[64];
        snprintf(peer, sizeof peer, "2001:db8:1:2::%x", i + 1); /* one /64 */
        assert_int_equal(try(f, name, peer, 1000, 'w'), 0);
    }
    assert_int_equal(try(f, "other", "2001:db8:1:2::ffff", 1000, 'g'), 1);
    assert_int_equal(try(f, "other", "2001:db8:1:3::1", 1000, 'g'), 0);
    assert_int_equal(try(f, "mine", "2001:db8:1:2::1", 1000, 'g'), 0); /* known here */
    assert_int_equal(try(f, "other", "2001:db8:1:2::ffff", 1000 + 60000, 'w'), 0); /* six have fallen */
    assert_int_equal(try(f, "other", "2001:db8:1:2::ffff", 1000 + 60000, 'w'), 0);
    failures_free(f);
}

static void tries_that_were_not_decided_do_not_count(void **state)
{
    struct error err;
    struct failures *f = failures_new(&err);
    (void)state;
    for (int i = 0; i < 3 * FAILURES_FREE; i++)
        assert_int_equal(try(f, "a", "192.0.2.1", 1000, 'u'), 0);
    fail_times(f, "a", FAILURES_FREE, 1000);
    failures_free(f);
}

static void tries_at_the_same_time_count_before_they_end(void **state)
{
    struct error err;
    struct failures *f = failures_new(&err);
    struct log_in_try t[FAILURES_FREE + 2];
    unsigned wait_s;
    (void)state;
    for (int i = 0; i <= FAILURES_FREE; i++)
        assert_true(failures_begin(f, STR("a"), "192.0.2.1", 1000, &t[i], &wait_s));
    assert_false(failures_begin(f, STR("a"), "192.0.2.1", 1000, &t[FAILURES_FREE + 1], &wait_s));
    failures_end(f, &t[0], LOG_IN_GOOD, 1000);
    assert_true(failures_begin(f, STR("a"), "192.0.2.1", 1000, &t[0], &wait_s));
    failures_free(f);
}

static void a_flood_of_names_does_not_push_out_the_one_that_is_attacked(void **state)
{
    struct error err;
    struct failures *f = failures_new(&err);
    char name[16], peer[32];
    (void)state;
    fail_times(f, "victim", FAILURES_FREE + 1, 1000);
    for (int i = 0; i < 20 * FAILURES_MAX; i++) {
        snprintf(name, sizeof name, "n%d", i);
        snprintf(peer, sizeof peer, "10.%d.%d.%d", i >> 16 & 255, i >> 8 & 255, i & 255);
        try(f, name, peer, 1000, 'w');
    }
    assert_int_equal(try(f, "victim", "192.0.2.1", 1000, 'g'), 1);
    failures_free(f);
}

static void rights_are_as_the_table_says(void **state)
{
    (void)state;
    struct dataset private = {.id = "dddd-dddd", .owner = "oooo-oooo"}, public = private, site = private;
    public.scope = SCOPE_PUBLIC;
    site.scope = SCOPE_SITE;
    struct principal who[7] = {0}; /* nobody; a user of each role; the owner, who has none */
    for (int role = ROLE_NONE; role <= ROLE_ADMINISTRATOR; role++) {
        struct user u = {.id = "ssss-ssss", .role = (enum user_role)role};
        who[1 + role] = principal_of(PRINCIPAL_PASSWORD, &u, NULL);
    }
    struct user owner = {.id = "oooo-oooo"};
    who[6] = principal_of(PRINCIPAL_PASSWORD, &owner, NULL);
    const struct {
        enum gate_action action;
        const struct dataset *d;
        const char *may; /* nobody, none, viewer, editor, publisher, administrator, owner */
    } cases[] = {
        {GATE_PUBLIC, NULL, "yyyyyyy"},            {GATE_READ_SELF, NULL, "-yyyyyy"},         {GATE_CREATE, NULL, "-nnnyyn"},
        {GATE_ADMINISTER, NULL, "-nnnnyn"},        {GATE_READ_ROWS, &private, "-nnnnyy"},     {GATE_READ_ROWS, &site, "-nyyyyy"},
        {GATE_READ_ROWS, &public, "yyyyyyy"},      {GATE_READ_VIEW, &private, "-nnnnyy"},     {GATE_READ_VIEW, &site, "-nyyyyy"},
        {GATE_READ_VIEW, &public, "yyyyyyy"},      {GATE_APPEND_ROWS, &private, "-nnnnyy"},   {GATE_APPEND_ROWS, &site, "-nnyyyy"},
        {GATE_APPEND_ROWS, &public, "-nnyyyy"},    {GATE_UPDATE_METADATA, &private, "-nnnnyy"}, {GATE_UPDATE_METADATA, &site, "-nnyyyy"},
        {GATE_UPDATE_METADATA, &public, "-nnyyyy"}, {GATE_REPLACE_ROWS, &public, "-nnyyyy"},  {GATE_REPLACE_ROWS, &private, "-nnnnyy"},
        {GATE_DELETE, &public, "-nnnnyy"},         {GATE_GRANT, &public, "-nnnnyy"},          {GATE_PUBLISH, &public, "-nnnnyy"},
        {GATE_DELETE, &site, "-nnnnyy"},           {GATE_GRANT, &site, "-nnnnyy"},            {GATE_PUBLISH, &private, "-nnnnyy"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t k = 0; k < 7; k++) {
            struct error err = {0};
            bool may = gate_authorize(&who[k], cases[i].action, cases[i].d, &err);
            char got = may ? 'y' : err.code == ERROR_AUTHENTICATION_REQUIRED ? '-' : err.code == ERROR_PERMISSION_DENIED ? 'n' : '?';
            if (got != cases[i].may[k])
                fail_msg("case %zu, who %zu: %c", i, k, got);
            if (got == '-')
                assert_string_equal(err.message, "You must be logged in to access this resource");
        }
}

static void a_grant_counts_for_its_dataset_and_nowhere_else(void **state)
{
    (void)state;
    const struct grant grants[] = {{"cccc-cccc", GRANT_CONTRIBUTOR}, {"oooo-oooo", GRANT_OWNER}, {"pppp-pppp", GRANT_VIEWER_PUBLISHED}, {"vvvv-vvvv", GRANT_VIEWER}};
    const struct dataset shared = {.id = "dddd-dddd", .owner = "aaaa-aaaa", .stage = DATASET_PUBLISHED, .grants = grants, .n_grants = 4}, other = {.id = "eeee-eeee", .owner = "aaaa-aaaa"};
    struct dataset draft = shared;
    draft.stage = DATASET_UNPUBLISHED;
    static const char *const ids[] = {"vvvv-vvvv", "pppp-pppp", "cccc-cccc", "oooo-oooo", "xxxx-xxxx"};
    const struct {
        enum gate_action action;
        const struct dataset *d;
        const char *may; /* viewer, viewer of what is published, contributor, owner, nobody's */
    } cases[] = {
        {GATE_READ_ROWS, &shared, "yyyyn"},    {GATE_READ_VIEW, &shared, "yyyyn"},   {GATE_READ_ROWS, &draft, "ynyyn"},      {GATE_READ_VIEW, &draft, "ynyyn"},
        {GATE_APPEND_ROWS, &shared, "nnyyn"},  {GATE_REPLACE_ROWS, &shared, "nnyyn"}, {GATE_UPDATE_METADATA, &draft, "nnyyn"}, {GATE_GRANT, &shared, "nnnyn"},
        {GATE_DELETE, &shared, "nnnyn"},       {GATE_PUBLISH, &draft, "nnnyn"},      {GATE_READ_ROWS, &other, "nnnnn"},      {GATE_GRANT, &other, "nnnnn"},
        {GATE_CREATE, NULL, "nnnnn"},          {GATE_ADMINISTER, NULL, "nnnnn"},     {GATE_MANAGE_SELF, NULL, "yyyyy"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t k = 0; k < 5; k++) {
            struct error err = {0};
            struct user u = {0};
            snprintf(u.id, sizeof u.id, "%s", ids[k]);
            const struct principal p = principal_of(PRINCIPAL_PASSWORD, &u, NULL);
            if (gate_authorize(&p, cases[i].action, cases[i].d, &err) != (cases[i].may[k] == 'y'))
                fail_msg("case %zu, who %zu", i, k);
        }
    const struct principal nobody = {0}; /* whose id is empty, which is nobody's */
    struct error err;
    assert_false(gate_authorize(&nobody, GATE_READ_ROWS, &shared, &err));
    assert_int_equal(err.code, ERROR_AUTHENTICATION_REQUIRED);
}

static void a_limited_key_may_what_its_scope_and_its_user_may(void **state)
{
    (void)state;
    struct dataset mine = {.id = "dddd-dddd", .owner = "oooo-oooo"}, second = {.id = "eeee-eeee", .owner = "oooo-oooo"}, theirs = {.id = "ffff-ffff", .owner = "xxxx-xxxx"}, open = theirs;
    open.scope = SCOPE_PUBLIC;
    struct user u = {.id = "oooo-oooo", .role = ROLE_PUBLISHER};
    struct principal keys[7];
    for (size_t i = 0; i < 7; i++)
        keys[i] = principal_of(PRINCIPAL_KEY, &u, "k");
    keys[1].scope.rights = KEY_READ;
    keys[2].scope.rights = KEY_APPEND;
    keys[3].scope.rights = KEY_READ | KEY_APPEND | KEY_REPLACE | KEY_METADATA;
    keys[4].scope.rights = 0;
    keys[5].scope.n_datasets = 1; /* everything, on one dataset */
    memcpy(keys[5].scope.datasets[0], "dddd-dddd", 10);
    keys[6].scope.rights = KEY_READ;
    keys[6].scope.n_datasets = 2;
    memcpy(keys[6].scope.datasets[0], "eeee-eeee", 10);
    memcpy(keys[6].scope.datasets[1], "ffff-ffff", 10);
    const struct {
        enum gate_action action;
        const struct dataset *d;
        const char *may; /* not limited, read, append, all four, nothing, one dataset, read of two */
    } cases[] = {
        {GATE_READ_ROWS, &mine, "yynynyn"},    {GATE_READ_VIEW, &second, "yynynny"},  {GATE_APPEND_ROWS, &mine, "ynyynyn"}, {GATE_REPLACE_ROWS, &mine, "ynnynyn"},
        {GATE_UPDATE_METADATA, &mine, "ynnynyn"}, {GATE_GRANT, &mine, "ynnnnyn"},     {GATE_DELETE, &mine, "ynnnnyn"},      {GATE_PUBLISH, &second, "ynnnnnn"},
        {GATE_CREATE, NULL, "ynnnnnn"},        {GATE_MANAGE_SELF, NULL, "ynnnnnn"},   {GATE_READ_SELF, NULL, "yyyyyyy"},    {GATE_PUBLIC, NULL, "yyyyyyy"},
        {GATE_ADMINISTER, NULL, "nnnnnnn"},    {GATE_READ_ROWS, &theirs, "nnnnnnn"},  {GATE_READ_ROWS, &open, "yyyyyyy"},   {GATE_APPEND_ROWS, &open, "ynyynnn"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t k = 0; k < 7; k++) {
            struct error err = {0};
            if (gate_authorize(&keys[k], cases[i].action, cases[i].d, &err) != (cases[i].may[k] == 'y'))
                fail_msg("case %zu, key %zu", i, k);
        }
    /* An administrator's limited key is as limited. */
    keys[1].user.role = ROLE_ADMINISTRATOR;
    struct error err, other;
    assert_false(gate_authorize(&keys[1], GATE_ADMINISTER, NULL, &err));
    assert_false(gate_authorize(&keys[1], GATE_APPEND_ROWS, &theirs, &other));
    assert_string_equal(err.message, other.message);
    assert_int_equal(err.code, ERROR_PERMISSION_DENIED);
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static uint64_t median_us(struct fixture *f, struct str authorization)
{
    uint64_t v[15];
    for (int i = 0; i < 15; i++) {
        uint64_t start = clock_mono_us();
        assert_false(ask_with(f, authorization).ok);
        v[i] = clock_mono_us() - start;
    }
    qsort(v, 15, sizeof *v, by_value);
    return v[7];
}

static void unknown_users_and_wrong_passwords_take_the_same_time(void **state)
{
    struct fixture *f = *state;
    uint64_t unknown = 0, wrong = 0;
    for (int attempt = 0; attempt < 3; attempt++) { /* another process may take the core */
        unknown = median_us(f, basic(f, "nobody:wrong", 12));
        wrong = median_us(f, basic(f, "admin:wrong", 11));
        if (unknown * 10 <= wrong * 12 && wrong * 10 <= unknown * 12)
            return;
    }
    fail_msg("unknown user %llu us, wrong password %llu us", (unsigned long long)unknown, (unsigned long long)wrong);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(good_credentials_are_the_user),
        TEST(a_kept_verdict_saves_the_hash),
        TEST(whatever_the_header_holds_it_is_401_and_no_crash),
        TEST(a_script_gets_no_challenge),
        TEST(two_authorization_headers_are_400),
        TEST(credentials_on_plain_http_are_403_unread),
        TEST(misspelt_ways_name_the_right_header),
        TEST(app_tokens_are_never_required_nor_refused),
        TEST(a_new_password_makes_the_old_one_wrong_at_once),
        TEST(verdicts_are_of_one_user_password_and_version_and_end),
        TEST(after_a_hundred_failures_each_try_waits_longer_and_none_for_ever),
        TEST(where_an_account_has_logged_in_others_failures_do_not_count),
        TEST(one_address_against_many_accounts_is_slowed_and_recovers),
        TEST(tries_that_were_not_decided_do_not_count),
        TEST(tries_at_the_same_time_count_before_they_end),
        TEST(a_flood_of_names_does_not_push_out_the_one_that_is_attacked),
        TEST(rights_are_as_the_table_says),
        TEST(a_grant_counts_for_its_dataset_and_nowhere_else),
        TEST(a_limited_key_may_what_its_scope_and_its_user_may),
        TEST(unknown_users_and_wrong_passwords_take_the_same_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
