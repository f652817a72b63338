/* What OAuth 2.0 turns on, without a server: where a code may be sent, and the proof of who asked for it (docs/wire/oauth.md). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "catalog/pkce.h"
#include "catalog/redirect_uri.h"

static void a_redirect_uri_is_taken_apart(void **state)
{
    (void)state;
    struct redirect_uri u;
    struct error err;
    assert_true(redirect_uri_parse(STR("https://site.example:8443/a/b?x=1&y"), &u, &err));
    assert_true(str_eq(u.origin, STR("https://site.example:8443")) && str_eq(u.host, STR("site.example")) && u.port == 8443);
    assert_true(str_eq(u.path, STR("/a/b")) && u.has_query && str_eq(u.query, STR("x=1&y")) && !u.is_loopback);
    assert_true(redirect_uri_parse(STR("https://site.example"), &u, &err));
    assert_true(u.port == 443 && u.path.n == 0 && !u.has_query);
    assert_true(redirect_uri_parse(STR("https://site.example?x"), &u, &err) && u.path.n == 0 && str_eq(u.query, STR("x")));
    assert_true(redirect_uri_parse(STR("http://[::1]:5000/cb"), &u, &err));
    assert_true(str_eq(u.host, STR("[::1]")) && u.port == 5000 && u.is_loopback && str_eq(u.origin, STR("http://[::1]:5000")));
    assert_true(redirect_uri_parse(STR("https://[2001:db8::1]/cb"), &u, &err) && u.port == 443 && !u.is_loopback);
}

static void what_two_parsers_could_read_in_two_ways_is_refused(void **state)
{
    static const char *const bad[] = {
        "", "/cb", "//site.example/cb", "site.example", "javascript:alert(1)", "ftp://site.example/", "http://site.example/cb",
        "http://localhost/cb", "http://127.0.0.1.evil.example/", "http://127.0.0.2/", "HTTPS://site.example/", "https:/site.example",
        "https://", "https:///cb", "https://?x", "https://.site.example/", "https://site.example./", "https://[::1", "https://[]/", "https://[zz]/",
        "https://user@site.example/", "https://site.example:443@evil.example/", "https://site.example%40evil.example/", "https://site_x/",
        "https://site.example:/", "https://site.example:0/", "https://site.example:65536/", "https://site.example:0443/", "https://site.example:+1/",
        "https://site.example:44a/", "https://site.example/#", "https://site.example/cb#x", "https://site.example/a\\b", "https://site.example\\@evil.example/",
        "https://site.example/a b", "https://site.example/\r\nX: y", "https://site.example/\xC3\xBC", "https://site.example/\"", "https://site.example/<",
        "https://site.example/%", "https://site.example/%4", "https://site.example/%zz", "https://site.example/%2e%2e/x", "https://site.example/a%2Fb",
        "https://site.example/a%5cb", "https://site.example/%00", "https://site.example/%0d%0a", "https://site.example/%252e", "https://site.example/../x",
        "https://site.example/a/..", "https://site.example/./a", "https://site.example/cb?code=1", "https://site.example/cb?x&state", "https://site.example/cb?iss=",
        "https://site.example/cb?error=a", "https://site.example/cb?co%64e=1", "https://site.example/cb?a+b=1",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct redirect_uri u = {.port = 7};
        struct error err = {0};
        if (redirect_uri_parse(str_from(bad[i]), &u, &err))
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(err.code, ERROR_BAD_REQUEST);
        assert_true(err.message[0] && u.port == 7);
        assert_false(redirect_uri_is(str_from(bad[i]), str_from(bad[i])));
    }
}

static void the_length_of_a_redirect_uri_has_its_limit(void **state)
{
    static char text[REDIRECT_URI_BYTES_MAX + 2];
    struct redirect_uri u;
    struct error err;
    (void)state;
    memset(text, 'a', sizeof text);
    memcpy(text, "https://site.example/", 21);
    assert_true(redirect_uri_parse(str_make(text, REDIRECT_URI_BYTES_MAX), &u, &err));
    assert_false(redirect_uri_parse(str_make(text, REDIRECT_URI_BYTES_MAX + 1), &u, &err));
}

static void an_exact_redirect_uri_is_compared_byte_for_byte(void **state)
{
    static const char registered[] = "https://site.example/cb?x=1";
    static const char *const others[] = {
        "https://site.example/cb", "https://site.example/cb?x=1&y=2", "https://site.example/cb/", "https://site.example/CB?x=1", "https://SITE.example/cb?x=1",
        "https://site.example:443/cb?x=1", "https://site.example:8443/cb?x=1", "https://site.example.evil.example/cb?x=1", "https://site.example/cb?x=1#", "https://site.example/c%62?x=1",
    };
    (void)state;
    assert_true(redirect_uri_is(str_from(registered), str_from(registered)));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (redirect_uri_is(str_from(registered), str_from(others[i])))
            fail_msg("taken: %s", others[i]);
}

static void of_a_loopback_address_any_port_will_do(void **state)
{
    (void)state;
    const struct str app = STR("http://127.0.0.1/cb");
    assert_true(redirect_uri_is(app, STR("http://127.0.0.1:49152/cb")) && redirect_uri_is(app, app));
    assert_true(redirect_uri_is(STR("http://[::1]:1/cb"), STR("http://[::1]:2/cb")));
    assert_false(redirect_uri_is(app, STR("http://[::1]:49152/cb")));
    assert_false(redirect_uri_is(app, STR("http://127.0.0.1:49152/other")));
    assert_false(redirect_uri_is(app, STR("http://127.0.0.1:49152/cb?x")));
    assert_false(redirect_uri_is(app, STR("https://127.0.0.1/cb")));
    assert_false(redirect_uri_is(STR("https://127.0.0.1/cb"), STR("https://127.0.0.1:8443/cb")));
}

static void a_callback_prefix_ends_at_a_segment(void **state)
{
    static const struct {
        const char *prefix, *given;
        bool below;
    } cases[] = {
        {"https://site.example", "https://site.example", true},
        {"https://site.example", "https://site.example/", true},
        {"https://site.example", "https://SITE.example:443/any/path?x=1", true},
        {"https://site.example", "https://site.example?x=1", true},
        {"https://site.example", "https://site.example.evil.example/", false},
        {"https://site.example", "https://site.example-evil/", false},
        {"https://site.example", "https://site.examplecb", false},
        {"https://site.example", "https://sub.site.example/", false},
        {"https://site.example", "https://site.example:8443/", false},
        {"https://site.example", "https://site.example@evil.example/", false},
        {"https://site.example:8443", "https://site.example:8443/cb", true},
        {"https://site.example:8443", "https://site.example/cb", false},
        {"https://site.example/cb", "https://site.example/cb", true},
        {"https://site.example/cb", "https://site.example/cb?x", true},
        {"https://site.example/cb", "https://site.example/cb/x", true},
        {"https://site.example/cb", "https://site.example/cbx", false},
        {"https://site.example/cb", "https://site.example/CB", false},
        {"https://site.example/cb", "https://site.example/", false},
        {"https://site.example/cb", "https://site.example/cb/../x", false},
        {"https://site.example/cb/", "https://site.example/cb/x", true},
        {"https://site.example/cb/", "https://site.example/cb", false},
        {"https://site.example/cb", "https://site.example/cb#x", false},
        {"http://127.0.0.1:8000/cb", "http://127.0.0.1:8000/cb/x", true},
        {"http://127.0.0.1:8000/cb", "https://127.0.0.1:8000/cb/x", false},
        {"https://site.example/cb?x", "https://site.example/cb?x", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (redirect_uri_is_below(str_from(cases[i].prefix), str_from(cases[i].given)) != cases[i].below)
            fail_msg("%s of %s", cases[i].given, cases[i].prefix);
}

static void a_callback_prefix_has_no_query(void **state)
{
    struct error err;
    (void)state;
    assert_true(redirect_uri_check_prefix(STR("https://site.example"), &err) && redirect_uri_check_prefix(STR("https://site.example/a/"), &err));
    assert_false(redirect_uri_check_prefix(STR("https://site.example/a?"), &err));
    assert_false(redirect_uri_check_prefix(STR("http://site.example/a"), &err));
}

/* RFC 7636 appendix B. */
#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

static void the_example_of_rfc_7636_matches(void **state)
{
    (void)state;
    assert_true(pkce_is_verifier(STR(VERIFIER)) && pkce_is_challenge(STR(CHALLENGE)));
    assert_true(pkce_matches(STR(VERIFIER), STR(CHALLENGE)));
}

static void any_other_verifier_does_not(void **state)
{
    static char long_verifier[PKCE_VERIFIER_MAX + 1];
    (void)state;
    memset(long_verifier, 'a', sizeof long_verifier);
    assert_false(pkce_matches(STR(CHALLENGE), STR(CHALLENGE))); /* method plain */
    assert_false(pkce_matches(STR("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl"), STR(CHALLENGE)));
    assert_false(pkce_matches(STR_NONE, STR(CHALLENGE)) || pkce_matches(STR(VERIFIER), STR_NONE));
    assert_false(pkce_is_verifier(STR("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjX")));
    assert_false(pkce_is_verifier(STR("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEj k")));
    assert_true(pkce_is_verifier(str_make(long_verifier, PKCE_VERIFIER_MAX)));
    assert_false(pkce_is_verifier(str_make(long_verifier, PKCE_VERIFIER_MAX + 1)));
}

static void a_challenge_has_43_digits_of_base64url(void **state)
{
    static const char *const bad[] = {
        "", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXkA", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c=",
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cN", /* bits beyond the digest's */
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (pkce_is_challenge(str_from(bad[i])))
            fail_msg("taken: %s", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_redirect_uri_is_taken_apart),
        cmocka_unit_test(what_two_parsers_could_read_in_two_ways_is_refused),
        cmocka_unit_test(the_length_of_a_redirect_uri_has_its_limit),
        cmocka_unit_test(an_exact_redirect_uri_is_compared_byte_for_byte),
        cmocka_unit_test(of_a_loopback_address_any_port_will_do),
        cmocka_unit_test(a_callback_prefix_ends_at_a_segment),
        cmocka_unit_test(a_callback_prefix_has_no_query),
        cmocka_unit_test(the_example_of_rfc_7636_matches),
        cmocka_unit_test(any_other_verifier_does_not),
        cmocka_unit_test(a_challenge_has_43_digits_of_base64url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
