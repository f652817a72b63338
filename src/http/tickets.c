/* The keys of session tickets. Whoever has one can read every session that was resumed with it (RFC 8446 appendix E.6), so each is
 * used for a day, read for one more, and then gone; it never leaves the process. A certificate that is read again keeps them, so that
 * a renewal costs no client a full handshake. Any thread may ask. */
#include <openssl/core_names.h>
#include <openssl/rand.h>

#include "base/clock.h"
#include "http/internal.h"

enum { DAY_MS = 24 * 3600 * 1000 };

static bool make_key(struct ticket_key *ret)
{
    struct ticket_key fresh;

    if (RAND_bytes((unsigned char *)&fresh, sizeof(fresh)) != 1)
        return false;
    *ret = fresh;
    return true;
}

bool tickets_init(struct tickets *t, struct error *err)
{
    pthread_mutex_init(&t->lock, NULL);
    t->made_ms = clock_mono_ms();
    t->has_before = false;
    return make_key(&t->now) || error_set(err, ERROR_INTERNAL, "no random bytes for the keys of session tickets");
}

void tickets_fini(struct tickets *t)
{
    OPENSSL_cleanse(&t->now, sizeof(t->now));
    OPENSSL_cleanse(&t->before, sizeof(t->before));
    pthread_mutex_destroy(&t->lock);
}

/* Without random bytes the key stays in use a little longer: the next handshake tries again. */
static void rotate(struct tickets *t)
{
    uint64_t age_ms = clock_mono_ms() - t->made_ms;
    struct ticket_key last = t->now;

    if (age_ms >= DAY_MS && make_key(&t->now)) {
        t->before = last;
        t->has_before = age_ms < 2 * (uint64_t)DAY_MS;
        t->made_ms += age_ms;
    }
    OPENSSL_cleanse(&last, sizeof(last));
}

bool tickets_key(struct tickets *t, const unsigned char *name, struct ticket_key *ret, bool *ret_is_old)
{
    bool found = true;

    pthread_mutex_lock(&t->lock);
    rotate(t);
    *ret_is_old = false;
    if (!name || memcmp(name, t->now.name, sizeof(t->now.name)) == 0) {
        *ret = t->now;
    } else if (t->has_before && memcmp(name, t->before.name, sizeof(t->before.name)) == 0) {
        *ret = t->before;
        *ret_is_old = true;
    } else {
        found = false;
    }
    pthread_mutex_unlock(&t->lock);
    return found;
}

/* For OpenSSL (SSL_CTX_set_tlsext_ticket_key_evp_cb): -1 broke, 0 no such key and so a full handshake, 1 here it is, 2 here it is and
 * the client gets a newer ticket. */
static int give_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int making)
{
    struct tickets *t = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), 0);
    struct ticket_key key;
    bool is_old, ok;

    if (!tickets_key(t, making ? NULL : name, &key, &is_old))
        return 0;
    OSSL_PARAM mac_parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac, sizeof(key.mac)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
        OSSL_PARAM_construct_end(),
    };
    if (making) {
        memcpy(name, key.name, sizeof(key.name));
        ok = RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == 1 && EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher, iv) == 1;
    } else {
        ok = EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher, iv) == 1;
    }
    ok = ok && EVP_MAC_CTX_set_params(mac, mac_parameters) == 1;
    OPENSSL_cleanse(&key, sizeof(key));
    return !ok ? -1 : is_old ? 2 : 1;
}

bool tickets_use(struct tickets *t, SSL_CTX *ctx)
{
    return SSL_CTX_set_ex_data(ctx, 0, t) == 1 && SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, give_key) == 1;
}
