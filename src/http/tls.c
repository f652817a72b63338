/* The TLS context: 1.2 with ECDHE and AEAD suites, or 1.3; ALPN http/1.1; no compression, no renegotiation. TLS 1.2 stays
 * because recorded clients know nothing newer (docs/wire/http.md). A reload makes a new context; connections keep theirs. */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

#include "http/internal.h"

static const char suites_1_2[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                 "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                                 "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const char groups[] = "X25519:P-256:P-384";

static int select_alpn(SSL *ssl, const unsigned char **ret, unsigned char *ret_n, const unsigned char *in, unsigned n, void *ctx)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *chosen;

    (void)ssl;
    (void)ctx;
    if (SSL_select_next_proto(&chosen, ret_n, ours, sizeof(ours) - 1, in, n) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL; /* RFC 7301 3.2 */
    *ret = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* The reason of the first thing that OpenSSL has to say, in the words of the system when it is the system's; drops the rest. */
static bool tls_error(struct error *err, const char *what, const char *file)
{
    unsigned long e = ERR_get_error();
    const char *reason = !e ? NULL : ERR_SYSTEM_ERROR(e) ? strerrordesc_np(ERR_GET_REASON(e)) : ERR_reason_error_string(e);

    ERR_clear_error();
    return error_set(err, ERROR_INTERNAL, "%s \"%s\": %s", what, file, reason ? reason : "no such file, or not in PEM form");
}

/* ── the certificate ── */

static int64_t seconds_of(const ASN1_TIME *t)
{
    struct tm tm;

    return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static void describe(const X509 *leaf, struct http_tls_state *ret)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(leaf);
    const unsigned char *p = ASN1_STRING_get0_data(serial);
    int n = ASN1_STRING_length(serial);

    *ret = (struct http_tls_state){.has_tls = true,
                                   .begins_s = seconds_of(X509_get0_notBefore(leaf)),
                                   .ends_s = seconds_of(X509_get0_notAfter(leaf))};
    for (int i = 0; i < n && i < HTTP_SERIAL_MAX / 2; i++)
        snprintf(ret->serial + 2 * i, 3, "%02x", p[i]);
}

static bool is_timely(const X509 *leaf, const char *cert, struct error *err)
{
    if (X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0)
        return error_set(err, ERROR_INTERNAL, "the certificate \"%s\" has expired", cert);
    if (X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0)
        return error_set(err, ERROR_INTERNAL, "the certificate \"%s\" is not valid yet (is the clock right?)", cert);
    return true;
}

static bool load(SSL_CTX *ctx, const char *cert, const char *key, bool refuse_untimely, struct http_tls_state *ret, struct error *err)
{
    const X509 *leaf;

    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1)
        return tls_error(err, "cannot read the certificate", cert);
    if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
        return tls_error(err, "cannot read the key, or it is not the certificate's:", key);
    if (SSL_CTX_check_private_key(ctx) != 1)
        return tls_error(err, "the key does not belong to the certificate:", key);
    leaf = SSL_CTX_get0_certificate(ctx);
    if (!leaf)
        return tls_error(err, "there is no certificate in", cert);
    if (refuse_untimely && !is_timely(leaf, cert, err))
        return false;
    describe(leaf, ret);
    return true;
}

SSL_CTX *tls_context_new(const char *cert, const char *key, bool refuse_untimely, struct tickets *tickets, struct http_tls_state *ret,
                         struct error *err)
{
    SSL_CTX *ctx;

    if (!cert || !key) {
        error_set(err, ERROR_INTERNAL, "a TLS listener needs a certificate and a key");
        return NULL;
    }
    ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx) {
        error_no_memory(err);
        return NULL;
    }
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                 SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* Without read-ahead each record costs two system calls, one of them for five bytes. */
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* tickets do it */
    SSL_CTX_set_num_tickets(ctx, 1);
    SSL_CTX_set_alpn_select_cb(ctx, select_alpn, NULL);
    if (SSL_CTX_set_cipher_list(ctx, suites_1_2) != 1 || SSL_CTX_set1_groups_list(ctx, groups) != 1 || (tickets && !tickets_use(tickets, ctx))) {
        tls_error(err, "cannot prepare TLS for the certificate", cert);
        SSL_CTX_free(ctx);
        return NULL;
    }
    if (load(ctx, cert, key, refuse_untimely, ret, err))
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

bool http_tls_check(const char *cert, const char *key, struct http_tls_state *ret, struct error *err)
{
    SSL_CTX *ctx = tls_context_new(cert, key, true, NULL, ret, err);

    SSL_CTX_free(ctx);
    return ctx != NULL;
}

/* ── the names ── */

/* Without its port, and without the brackets of an IPv6 address. */
static struct str without_port(struct str host)
{
    const char *end = host.n && host.p[0] == '[' ? memchr(host.p, ']', host.n) : memchr(host.p, ':', host.n);

    if (!end)
        return host;
    return *end == ']' ? str_make(host.p + 1, (size_t)(end - host.p) - 1) : str_head(host, (size_t)(end - host.p));
}

bool tls_certificate_names(const SSL_CTX *ctx, struct str host)
{
    X509 *leaf = SSL_CTX_get0_certificate(ctx);
    char name[256];

    host = without_port(host);
    if (!leaf || host.n == 0 || host.n >= sizeof(name))
        return false;
    memcpy(name, host.p, host.n);
    name[host.n] = 0;
    return X509_check_ip_asc(leaf, name, 0) == 1 || X509_check_host(leaf, name, host.n, 0, NULL) == 1;
}

/* Host, and the name that the TLS handshake asked for, are the certificate's (RFC 9110 7.4). */
bool tls_is_meant_for_us(struct connection *c, const struct http_head *h)
{
    struct str host = http_header(h, "Host");
    const char *asked = c->ssl ? SSL_get_servername(c->ssl, TLSEXT_NAMETYPE_host_name) : NULL;
    const SSL_CTX *ctx;
    bool is;

    pthread_mutex_lock(&c->server->tls_lock);
    ctx = c->ssl ? SSL_get_SSL_CTX(c->ssl) : c->server->tls;
    is = !ctx || ((!host.p || tls_certificate_names(ctx, host)) && (!asked || tls_certificate_names(ctx, str_from(asked))));
    pthread_mutex_unlock(&c->server->tls_lock);
    return is;
}
