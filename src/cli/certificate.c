/* The self-made certificate (cli.h): a private authority of ten years and a server certificate of 397 days signed by
 * it, both ECDSA P-256. Clients trust DIR/tls/ca.pem. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/folder.h"
#include "cli/cli.h"

enum { AUTHORITY_DAYS = 3650, SERVER_DAYS = 397, RENEW_BEFORE_DAYS = 30, DAY_SECONDS = 86400 };

static bool crypto_failed(struct error *err, const char *what)
{
    char text[160];
    ERR_error_string_n(ERR_get_error(), text, sizeof text);
    return error_set(err, ERROR_INTERNAL, "%s: %s", what, text);
}

static X509 *read_certificate(const char *path)
{
    FILE *f = fopen(path, "re");
    X509 *x = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
    if (f)
        fclose(f);
    ERR_clear_error();
    return x;
}

static EVP_PKEY *read_key(const char *path)
{
    FILE *f = fopen(path, "re");
    EVP_PKEY *k = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;
    if (f)
        fclose(f);
    ERR_clear_error();
    return k;
}

/* Written beside and renamed: a crash leaves the old file or the new one. */
static bool write_pem(const char *path, mode_t mode, X509 *x, X509 *issuer, EVP_PKEY *key, struct error *err)
{
    char beside[4200];
    snprintf(beside, sizeof beside, "%s.new", path);
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!f) {
        int saved = errno;
        if (fd >= 0)
            close(fd);
        return error_from_errno(err, saved, beside);
    }
    bool ok = (!x || PEM_write_X509(f, x)) && (!issuer || PEM_write_X509(f, issuer)) &&
              (!key || PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL));
    ok = fflush(f) == 0 && fsync(fd) == 0 && ok;
    int saved = errno;
    fclose(f);
    if (!ok)
        return error_from_errno(err, saved, beside);
    return rename(beside, path) == 0 ? folder_sync_name(path, err) : error_from_errno(err, errno, path);
}

static bool add_extension(X509 *x, X509V3_CTX *ctx, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, ctx, nid, value);
    bool ok = e && X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
    return ok;
}

/* subject_alt NULL: an authority. issuer NULL: signs itself. */
static X509 *make_certificate(EVP_PKEY *key, const char *name, int days, const char *subject_alt, X509 *issuer, EVP_PKEY *issuer_key)
{
    X509 *x = X509_new();
    unsigned char serial[16];
    X509V3_CTX ctx;
    if (!x)
        return NULL;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer ? issuer : x, x, NULL, NULL, 0);
    BIGNUM *number = RAND_bytes(serial, sizeof serial) == 1 ? BN_bin2bn(serial, sizeof serial, NULL) : NULL;
    if (number)
        BN_clear_bit(number, 127);
    X509_NAME *subject = X509_get_subject_name(x);
    bool ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x)) && X509_set_version(x, 2) &&
              X509_gmtime_adj(X509_getm_notBefore(x), -(long)DAY_SECONDS) &&
              X509_gmtime_adj(X509_getm_notAfter(x), (long)days * DAY_SECONDS) && X509_set_pubkey(x, key) &&
              X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) &&
              X509_set_issuer_name(x, issuer ? X509_get_subject_name(issuer) : subject);
    if (subject_alt)
        ok = ok && add_extension(x, &ctx, NID_basic_constraints, "critical,CA:FALSE") &&
             add_extension(x, &ctx, NID_key_usage, "critical,digitalSignature") &&
             add_extension(x, &ctx, NID_ext_key_usage, "serverAuth") && add_extension(x, &ctx, NID_subject_alt_name, subject_alt);
    else
        ok = ok && add_extension(x, &ctx, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
             add_extension(x, &ctx, NID_key_usage, "critical,keyCertSign,cRLSign");
    ok = ok && add_extension(x, &ctx, NID_subject_key_identifier, "hash") && (!issuer || add_extension(x, &ctx, NID_authority_key_identifier, "keyid")) &&
         X509_sign(x, issuer_key ? issuer_key : key, EVP_sha256());
    BN_free(number);
    if (!ok) {
        X509_free(x);
        return NULL;
    }
    return x;
}

static bool is_address(const char *host)
{
    unsigned char unused[16];
    return inet_pton(AF_INET, host, unused) == 1 || inet_pton(AF_INET6, host, unused) == 1;
}

static bool names_host(X509 *x, const char *host)
{
    return (is_address(host) ? X509_check_ip_asc(x, host, 0) : X509_check_host(x, host, 0, 0, NULL)) == 1;
}

static bool still_good(X509 *x, EVP_PKEY *key, X509 *authority, const char *const *hosts, size_t n)
{
    if (!x || !key || X509_check_private_key(x, key) != 1 || X509_verify(x, X509_get0_pubkey(authority)) != 1)
        return false;
    time_t soon = time(NULL) + (time_t)RENEW_BEFORE_DAYS * DAY_SECONDS;
    if (X509_cmp_time(X509_get0_notAfter(x), &soon) < 0)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!names_host(x, hosts[i]))
            return false;
    return true;
}

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0 || errno != ENOENT;
}

/* Clients trust the authority: one that is there and cannot be read now is never replaced, which would shut all of them out. Its
 * certificate is written after its key, so without it there is none yet. */
static bool ensure_authority(const char *ca_path, const char *key_path, X509 **ret, EVP_PKEY **ret_key, struct error *err)
{
    if (is_there(ca_path)) {
        *ret = read_certificate(ca_path);
        *ret_key = read_key(key_path);
        if (*ret && *ret_key && X509_check_private_key(*ret, *ret_key) == 1)
            return true;
        return error_set(err, ERROR_INTERNAL, "cannot read the certificate authority %s and its key %s, or they do not belong together: bring them back, or remove both "
                                              "and have every client trust the new one",
                         ca_path, key_path);
    }
    *ret_key = EVP_EC_gen("P-256");
    if (*ret_key)
        *ret = make_certificate(*ret_key, "Seltzer local authority", AUTHORITY_DAYS, NULL, NULL, NULL);
    if (!*ret)
        return crypto_failed(err, "make the certificate authority");
    return write_pem(key_path, 0600, NULL, NULL, *ret_key, err) && write_pem(ca_path, 0644, *ret, NULL, NULL, err);
}

static bool issue(const char *const *hosts, size_t n, X509 *authority, EVP_PKEY *authority_key, const struct certificate *paths, struct error *err)
{
    struct buf names = {0};
    for (size_t i = 0; i < n; i++)
        buf_printf(&names, "%s%s:%s", i ? "," : "", is_address(hosts[i]) ? "IP" : "DNS", hosts[i]);
    buf_add_byte(&names, 0);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = key && buf_ok(&names) ? make_certificate(key, "Seltzer", SERVER_DAYS, names.p, authority, authority_key) : NULL;
    bool ok = x ? write_pem(paths->key, 0600, NULL, NULL, key, err) && write_pem(paths->cert, 0644, x, authority, NULL, err)
                : crypto_failed(err, "make the server's certificate (are all --host values host names or addresses?)");
    X509_free(x);
    EVP_PKEY_free(key);
    buf_free(&names);
    return ok;
}

bool certificate_ensure(const char *data_dir, const char *const *hosts, size_t n_hosts, struct certificate *ret, struct error *err)
{
    char dir[4096], ca_key[4200];
    if (snprintf(dir, sizeof dir, "%s/tls", data_dir) >= (int)sizeof dir - 32)
        return error_set(err, ERROR_BAD_REQUEST, "the path of the data directory is too long");
    if (!data_dir_make(dir, err))
        return false;
    snprintf(ret->ca, sizeof ret->ca, "%.4000s/ca.pem", dir);
    snprintf(ret->cert, sizeof ret->cert, "%.4000s/server.pem", dir);
    snprintf(ret->key, sizeof ret->key, "%.4000s/server-key.pem", dir);
    snprintf(ca_key, sizeof ca_key, "%s/ca-key.pem", dir);

    X509 *authority = NULL;
    EVP_PKEY *authority_key = NULL;
    bool ok = ensure_authority(ret->ca, ca_key, &authority, &authority_key, err);
    if (ok) {
        X509 *server = read_certificate(ret->cert);
        EVP_PKEY *key = read_key(ret->key);
        if (!still_good(server, key, authority, hosts, n_hosts))
            ok = issue(hosts, n_hosts, authority, authority_key, ret, err);
        X509_free(server);
        EVP_PKEY_free(key);
    }
    X509_free(authority);
    EVP_PKEY_free(authority_key);
    return ok;
}
