/* What a certificate must be to be taken, the names it stands for, the warnings before its end, and the turn of the tickets' keys. */
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/certificate_watch.h"
#include "http/internal.h"

enum { DAY_S = 86400, DAY_MS = DAY_S * 1000 };

static char folder[] = "/tmp/seltzer-tls-XXXXXX", cert_path[64], key_path[64];

/* ── certificates ── */

static EVP_PKEY *write_certificate(long begins_s, long ends_s, const char *names)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    FILE *f = fopen(cert_path, "w");
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 0x1234ab);
    X509_gmtime_adj(X509_getm_notBefore(cert), begins_s);
    X509_gmtime_adj(X509_getm_notAfter(cert), ends_s);
    X509_set_pubkey(cert, key);
    X509_EXTENSION *alt = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
    X509_add_ext(cert, alt, -1);
    X509_EXTENSION_free(alt);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    assert_non_null(f);
    PEM_write_X509(f, cert);
    fclose(f);
    X509_free(cert);
    return key;
}

static void write_key(EVP_PKEY *key)
{
    FILE *f = fopen(key_path, "w");
    assert_non_null(f);
    PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
    fclose(f);
}

static void write_pair(long begins_s, long ends_s, const char *names)
{
    EVP_PKEY *key = write_certificate(begins_s, ends_s, names);
    write_key(key);
    EVP_PKEY_free(key);
}

static void put_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void refused_with(const char *words)
{
    struct http_tls_state state;
    struct error err = {0};
    if (http_tls_check(cert_path, key_path, &state, &err))
        fail_msg("taken, where \"%s\" was due", words);
    if (!strstr(err.message, words) || !(strstr(err.message, cert_path) || strstr(err.message, key_path)))
        fail_msg("\"%s\" does not say \"%s\" and the file", err.message, words);
}

static void a_good_pair_is_taken_and_described(void **state)
{
    struct http_tls_state got;
    struct error err = {0};
    time_t now = time(NULL);
    (void)state;
    write_pair(-60, 90L * DAY_S, "DNS:localhost");
    assert_true(http_tls_check(cert_path, key_path, &got, &err));
    assert_true(got.has_tls);
    assert_false(got.refused);
    assert_string_equal(got.serial, "1234ab");
    assert_in_range(got.ends_s, now + 90L * DAY_S - 60, now + 90L * DAY_S + 60);
    assert_in_range(got.begins_s, now - 120, now + 1);
}

static void each_bad_pair_is_refused_with_its_reason(void **state)
{
    (void)state;
    write_pair(-2L * DAY_S, -DAY_S, "DNS:localhost");
    refused_with("has expired");
    write_pair(DAY_S, 2L * DAY_S, "DNS:localhost");
    refused_with("not valid yet");
    EVP_PKEY *other = EVP_EC_gen("P-256");
    write_pair(-60, DAY_S, "DNS:localhost");
    write_key(other);
    refused_with("key values mismatch");
    EVP_PKEY_free(other);
    put_text(key_path, "nonsense");
    refused_with("cannot read the key");
    put_text(cert_path, "nonsense");
    refused_with("cannot read the certificate");
    put_text(cert_path, "");
    refused_with("cannot read the certificate");
    unlink(cert_path);
    refused_with("No such file");
}

/* ── names ── */

static void a_host_is_held_against_the_certificates_names(void **state)
{
    static const struct {
        const char *host;
        bool named;
    } cases[] = {
        {"data.example.org", true},      {"data.example.org:8443", true}, {"DATA.Example.ORG", true},  {"127.0.0.1", true},
        {"127.0.0.1:443", true},         {"[::1]", true},                 {"[::1]:8443", true},        {"x.wild.example.org", true},
        {"example.org", false},          {"evil.example.org", false},     {"127.0.0.2", false},        {"[::2]:8443", false},
        {"x.y.wild.example.org", false}, {"", false},                     {":8443", false},            {"[::1", false},
        {"data.example.org.evil", false},
    };
    struct http_tls_state unused;
    struct error err = {0};
    char longest[400];
    (void)state;
    write_pair(-60, DAY_S, "DNS:data.example.org,DNS:*.wild.example.org,IP:127.0.0.1,IP:::1");
    SSL_CTX *ctx = tls_context_new(cert_path, key_path, true, NULL, &unused, &err);
    assert_non_null(ctx);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (tls_certificate_names(ctx, str_from(cases[i].host)) != cases[i].named)
            fail_msg("\"%s\"", cases[i].host);
    memset(longest, 'a', sizeof longest);
    assert_false(tls_certificate_names(ctx, str_make(longest, sizeof longest)));
    SSL_CTX_free(ctx);
}

/* ── warnings ── */

static void warnings_come_at_30_14_and_3_days_and_at_the_end(void **state)
{
    static const struct {
        int64_t left_s;
        int step;
    } cases[] = {
        {31 * DAY_S, CERTIFICATE_UNWARNED}, {30 * DAY_S + 1, CERTIFICATE_UNWARNED}, {30 * DAY_S, 30}, {14 * DAY_S + 1, 30}, {14 * DAY_S, 14},
        {3 * DAY_S + 1, 14}, {3 * DAY_S, 3}, {1, 3}, {0, 0}, {-DAY_S, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(certificate_days_left(1800000000 + cases[i].left_s, 1800000000), cases[i].step);
}

/* ── tickets ── */

static uint64_t now_ms = 1000;

uint64_t __wrap_clock_mono_ms(void);
uint64_t __wrap_clock_mono_ms(void)
{
    return now_ms;
}

static int random_fails;
int __real_RAND_bytes(unsigned char *p, int n);
int __wrap_RAND_bytes(unsigned char *p, int n);
int __wrap_RAND_bytes(unsigned char *p, int n)
{
    return random_fails ? 0 : __real_RAND_bytes(p, n);
}

static struct ticket_key newest(struct tickets *t)
{
    struct ticket_key key;
    bool is_old;
    assert_true(tickets_key(t, NULL, &key, &is_old));
    assert_false(is_old);
    return key;
}

static bool is_newest(struct tickets *t, const struct ticket_key *key)
{
    struct ticket_key now = newest(t);
    return memcmp(&now, key, sizeof now) == 0;
}

static void a_ticket_key_makes_for_a_day_and_reads_for_two(void **state)
{
    struct tickets t;
    struct ticket_key got;
    struct error err = {0};
    bool is_old;
    (void)state;
    assert_true(tickets_init(&t, &err));
    struct ticket_key first = newest(&t);
    now_ms += DAY_MS - 1;
    assert_true(is_newest(&t, &first));
    now_ms += 1;
    struct ticket_key second = newest(&t);
    assert_memory_not_equal(first.name, second.name, sizeof first.name);
    assert_memory_not_equal(first.cipher, second.cipher, sizeof first.cipher);
    assert_true(tickets_key(&t, first.name, &got, &is_old));
    assert_true(is_old);
    assert_memory_equal(got.mac, first.mac, sizeof got.mac);
    assert_true(tickets_key(&t, second.name, &got, &is_old));
    assert_false(is_old);
    now_ms += DAY_MS;
    newest(&t);
    assert_false(tickets_key(&t, first.name, &got, &is_old));
    assert_true(tickets_key(&t, second.name, &got, &is_old));
    now_ms += 2 * (uint64_t)DAY_MS; /* nobody came for two days: what was the newest is too old as well */
    assert_false(tickets_key(&t, second.name, &got, &is_old));
    tickets_fini(&t);
}

static void without_random_bytes_the_key_stays(void **state)
{
    struct tickets t;
    struct error err = {0};
    (void)state;
    random_fails = 1;
    assert_false(tickets_init(&t, &err));
    tickets_fini(&t);
    random_fails = 0;
    assert_true(tickets_init(&t, &err));
    struct ticket_key first = newest(&t);
    random_fails = 1;
    now_ms += DAY_MS;
    assert_true(is_newest(&t, &first));
    random_fails = 0;
    assert_false(is_newest(&t, &first));
    tickets_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_pair_is_taken_and_described),
        cmocka_unit_test(each_bad_pair_is_refused_with_its_reason),
        cmocka_unit_test(a_host_is_held_against_the_certificates_names),
        cmocka_unit_test(warnings_come_at_30_14_and_3_days_and_at_the_end),
        cmocka_unit_test(a_ticket_key_makes_for_a_day_and_reads_for_two),
        cmocka_unit_test(without_random_bytes_the_key_stays),
    };
    if (!mkdtemp(folder))
        return 1;
    snprintf(cert_path, sizeof cert_path, "%s/cert.pem", folder);
    snprintf(key_path, sizeof key_path, "%s/key.pem", folder);
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(cert_path);
    unlink(key_path);
    rmdir(folder);
    return rc;
}
