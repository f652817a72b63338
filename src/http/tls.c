/* The TLS context: 1.2 with ECDHE and AEAD suites, or 1.3; ALPN http/1.1; no compression, no renegotiation. TLS 1.2 stays
 * because recorded clients know nothing newer (docs/wire/http.md). A reload makes a new context; connections keep theirs. */
#include <openssl/err.h>
#include <openssl/x509.h>

#include "http/internal.h"

static const char suites_1_2[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                 "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                                 "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

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

/* The reason of the first thing that OpenSSL has to say; drops the rest. */
static bool tls_error(struct error *err, const char *what, const char *file)
{
    unsigned long e = ERR_get_error();
    const char *reason = e ? ERR_reason_error_string(e) : NULL;

    ERR_clear_error();
    return error_set(err, ERROR_INTERNAL, "%s \"%s\": %s", what, file, reason ? reason : "no such file, or not in PEM form");
}

static bool load(SSL_CTX *ctx, const char *cert, const char *key, bool refuse_expired, struct error *err)
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
    if (refuse_expired && leaf && X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0)
        return error_set(err, ERROR_INTERNAL, "the certificate \"%s\" has expired", cert);
    return true;
}

SSL_CTX *tls_context_new(const char *cert, const char *key, bool refuse_expired, struct error *err)
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
    if (SSL_CTX_set_cipher_list(ctx, suites_1_2) == 1 && load(ctx, cert, key, refuse_expired, err))
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}
