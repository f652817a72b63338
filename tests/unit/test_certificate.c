/* The self-made certificate (cli/cli.h): a chain that verifies for its hosts, kept while it is good, renewed when not. */
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/cli.h"

static char dir[64];
static const char *const hosts[] = {"data.example.org", "localhost", "127.0.0.1", "::1"};

static struct certificate ensure(const char *const *names, size_t n)
{
    struct certificate c;
    struct error err = {0};
    if (!certificate_ensure(dir, names, n, &c, &err))
        fail_msg("%s", err.message);
    return c;
}

static X509 *read_certificate(const char *path)
{
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    X509 *x = PEM_read_X509(f, NULL, NULL, NULL);
    fclose(f);
    assert_non_null(x);
    return x;
}

static struct str read_all(const char *path, char room[8192])
{
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t n = fread(room, 1, 8192, f);
    fclose(f);
    return str_make(room, n);
}

/* The first certificate of server.pem, as a client that trusts ca.pem for that host would. */
static bool verifies(const struct certificate *c, const char *host, const char *address)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    X509 *server = read_certificate(c->cert);
    assert_int_equal(X509_STORE_load_locations(store, c->ca, NULL), 1);
    assert_int_equal(X509_STORE_CTX_init(ctx, store, server, NULL), 1);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
    if (host)
        X509_VERIFY_PARAM_set1_host(param, host, 0);
    if (address)
        X509_VERIFY_PARAM_set1_ip_asc(param, address);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
    bool ok = X509_verify_cert(ctx) == 1;
    X509_free(server);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    return ok;
}

static void clients_that_trust_the_authority_take_it_for_its_hosts_only(void **state)
{
    (void)state;
    struct certificate c = ensure(hosts, 4);
    assert_true(verifies(&c, "data.example.org", NULL));
    assert_true(verifies(&c, "localhost", NULL));
    assert_true(verifies(&c, NULL, "127.0.0.1"));
    assert_true(verifies(&c, NULL, "::1"));
    assert_false(verifies(&c, "other.example.org", NULL));
    assert_false(verifies(&c, NULL, "127.0.0.2"));
}

static void keys_are_for_their_owner_only(void **state)
{
    (void)state;
    struct certificate c = ensure(hosts, 4);
    struct stat st;
    char path[4200];
    assert_int_equal(stat(c.key, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    snprintf(path, sizeof path, "%s/tls/ca-key.pem", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    snprintf(path, sizeof path, "%s/tls", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

static void browsers_limits_are_kept(void **state)
{
    (void)state;
    struct certificate c = ensure(hosts, 4);
    X509 *server = read_certificate(c.cert), *authority = read_certificate(c.ca);
    int days, seconds;
    assert_true(ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(server), X509_get0_notAfter(server)));
    assert_true(days <= 398); /* the CA/Browser Forum's maximum */
    assert_true(ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(server)) && days >= 396);
    assert_true(ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(authority)) && days >= 3649);
    assert_int_equal(X509_check_ca(server), 0);
    assert_int_equal(X509_check_ca(authority), 1);
    X509_free(server);
    X509_free(authority);
}

static void a_good_one_is_kept_and_another_host_makes_a_new_one_by_the_same_authority(void **state)
{
    (void)state;
    static const char *const more[] = {"localhost", "new.example.org"};
    char before[8192], after[8192], ca_before[8192], ca_after[8192];
    struct certificate c = ensure(hosts, 4);
    struct str was = read_all(c.cert, before), ca_was = read_all(c.ca, ca_before);
    ensure(hosts, 4);
    assert_true(str_eq(read_all(c.cert, after), was));
    ensure(hosts + 1, 2); /* fewer hosts: still good */
    assert_true(str_eq(read_all(c.cert, after), was));
    c = ensure(more, 2);
    assert_false(str_eq(read_all(c.cert, after), was));
    assert_true(str_eq(read_all(c.ca, ca_after), ca_was));
    assert_true(verifies(&c, "new.example.org", NULL));
}

static void overwrite(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void whatever_the_authority_can_sign_again_is_made_again(void **state)
{
    (void)state;
    struct certificate c = ensure(hosts, 4);
    const char *const files[] = {c.cert, c.key};
    for (size_t i = 0; i < 2; i++) {
        overwrite(files[i], "-----BEGIN CERTIFICATE-----\nAAAA\n");
        c = ensure(hosts, 4);
        assert_true(verifies(&c, "localhost", NULL));
        assert_int_equal(unlink(files[i]), 0);
        c = ensure(hosts, 4);
        assert_true(verifies(&c, "localhost", NULL));
    }
}

/* Every client trusts it: a new one in its place would shut them all out, because one file could not be read once. */
static void an_authority_that_cannot_be_read_is_never_replaced(void **state)
{
    (void)state;
    char ca_key[4200], kept[4200], before[8192], after[8192];
    struct certificate c = ensure(hosts, 4), ignored;
    struct error err = {0};
    snprintf(ca_key, sizeof ca_key, "%s/tls/ca-key.pem", dir);
    snprintf(kept, sizeof kept, "%s/kept.pem", dir);
    const char *const files[] = {c.ca, ca_key};
    for (size_t i = 0; i < 2; i++) {
        struct str whole = read_all(c.ca, before);
        assert_int_equal(rename(files[i], kept), 0);
        overwrite(files[i], "-----BEGIN CERTIFICATE-----\nAAAA\n");
        assert_false(certificate_ensure(dir, hosts, 4, &ignored, &err));
        assert_non_null(strstr(err.message, "tls/ca.pem"));
        assert_int_equal(rename(kept, files[i]), 0);
        c = ensure(hosts, 4);
        assert_true(str_eq(read_all(c.ca, after), whole));
        assert_true(verifies(&c, "localhost", NULL));
    }
    assert_int_equal(unlink(c.ca), 0); /* as after a crash between key and certificate: there was none yet */
    c = ensure(hosts, 4);
    assert_true(verifies(&c, "localhost", NULL));
}

static void what_cannot_be_written_or_named_is_told(void **state)
{
    (void)state;
    static const char *const bad[] = {"not a host, at all:x"};
    static const char *const good[] = {"localhost"};
    struct certificate c;
    struct error err = {0};
    char deep[5000];
    assert_false(certificate_ensure(dir, bad, 1, &c, &err));
    assert_non_null(strstr(err.message, "--host"));
    assert_false(certificate_ensure("/nowhere/at/all", good, 1, &c, &err));
    assert_non_null(strstr(err.message, "/nowhere/at/all"));
    memset(deep, 'x', sizeof deep - 1);
    deep[0] = '/';
    deep[sizeof deep - 1] = 0;
    assert_false(certificate_ensure(deep, good, 1, &c, &err));
    c = ensure(hosts, 4);
    assert_true(verifies(&c, "localhost", NULL)); /* nothing is broken by a failure */
}

static int set_up(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/seltzer-certificate-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(clients_that_trust_the_authority_take_it_for_its_hosts_only),
        TEST(keys_are_for_their_owner_only),
        TEST(browsers_limits_are_kept),
        TEST(a_good_one_is_kept_and_another_host_makes_a_new_one_by_the_same_authority),
        TEST(whatever_the_authority_can_sign_again_is_made_again),
        TEST(an_authority_that_cannot_be_read_is_never_replaced),
        TEST(what_cannot_be_written_or_named_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
