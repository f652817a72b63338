/* Digests of bodies (body_digest.h). */
#include "api/body_digest.h"

static bool malformed(struct str header, struct error *err)
{
    return error_set(err, ERROR_BAD_REQUEST,
                     "the Content-Digest header \"" FMT_STR "\" is unreadable; expected sha-256=:BASE64: or sha-512=:BASE64: (RFC 9530)",
                     ARG_STR(str_head_utf8(header, 200)));
}

/* :BASE64: of exactly n bytes */
static bool read_bytes(struct str text, unsigned char *ret, size_t n)
{
    size_t got;
    if (text.n < 2 || text.p[0] != ':' || text.p[text.n - 1] != ':')
        return false;
    return sodium_base642bin(ret, n, text.p + 1, text.n - 2, NULL, &got, NULL, sodium_base64_VARIANT_ORIGINAL) == 0 && got == n;
}

/* A dictionary of algorithm=:digest:, of which those that we know are kept and others ignored. */
static bool read_content_digest(struct body_digest *d, struct str header, struct error *err)
{
    struct str rest = header, piece, name, value;
    while (rest.n) {
        str_cut(rest, ',', &piece, &rest);
        if (!str_cut(str_trim(piece), '=', &name, &value))
            return malformed(header, err);
        if (str_eq(name, STR("sha-256")))
            d->has_sha256 = read_bytes(value, d->sha256, sizeof d->sha256);
        else if (str_eq(name, STR("sha-512")))
            d->has_sha512 = read_bytes(value, d->sha512, sizeof d->sha512);
        else
            continue;
        if (!d->has_sha256 && !d->has_sha512)
            return malformed(header, err);
    }
    return true;
}

static bool read_key(struct body_digest *d, struct str header, struct error *err)
{
    struct str key = str_trim(header);
    if (key.n >= 2 && key.p[0] == '"' && key.p[key.n - 1] == '"')
        key = str_make(key.p + 1, key.n - 2);
    bool good = key.n >= 1 && key.n <= IDEMPOTENCY_KEY_MAX;
    for (size_t i = 0; good && i < key.n; i++)
        good = key.p[i] > ' ' && key.p[i] < 0x7f;
    if (!good)
        return error_set(err, ERROR_BAD_REQUEST, "the Idempotency-Key must be 1 to %d visible ASCII characters; a UUID will do", IDEMPOTENCY_KEY_MAX);
    d->key = key;
    d->has_key = true;
    return true;
}

static void add_to_request(struct body_digest *d, struct str text)
{
    uint64_t n = text.n;
    crypto_hash_sha256_update(&d->request, (const unsigned char *)&n, sizeof n);
    crypto_hash_sha256_update(&d->request, (const unsigned char *)(text.n ? text.p : ""), text.n);
}

bool body_digest_init(struct body_digest *d, struct call *c, struct error *err)
{
    struct str digest = http_header(c->head, "Content-Digest"), key = http_header(c->head, "Idempotency-Key");
    if ((digest.p && !read_content_digest(d, digest, err)) || (key.p && !read_key(d, key, err)))
        return false;
    crypto_hash_sha256_init(&d->body_sha256);
    crypto_hash_sha512_init(&d->body_sha512);
    crypto_hash_sha256_init(&d->request);
    add_to_request(d, c->head->method_text);
    add_to_request(d, c->head->target);
    return true;
}

void body_digest_push(struct body_digest *d, struct str bytes)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    if (d->has_sha256)
        crypto_hash_sha256_update(&d->body_sha256, p, bytes.n);
    if (d->has_sha512)
        crypto_hash_sha512_update(&d->body_sha512, p, bytes.n);
    if (d->has_key)
        crypto_hash_sha256_update(&d->request, p, bytes.n);
}

static bool mismatch(const char *algorithm, struct error *err)
{
    error_set(err, ERROR_DIGEST_MISMATCH, "the body is not what its Content-Digest says (%s differs): it was cut or changed on its way; nothing was changed",
              algorithm);
    error_data_str(err, "algorithm", str_from(algorithm));
    return false;
}

bool body_digest_finish(struct body_digest *d, struct call *c, struct str *ret_witness, struct error *err)
{
    unsigned char got[crypto_hash_sha512_BYTES];
    if (d->has_sha256) {
        crypto_hash_sha256_final(&d->body_sha256, got);
        if (memcmp(got, d->sha256, sizeof d->sha256) != 0)
            return mismatch("sha-256", err);
    }
    if (d->has_sha512) {
        crypto_hash_sha512_final(&d->body_sha512, got);
        if (memcmp(got, d->sha512, sizeof d->sha512) != 0)
            return mismatch("sha-512", err);
    }
    if (!d->has_key)
        return true;
    char *hex = arena_alloc(c->arena, 2 * crypto_hash_sha256_BYTES + 1);
    if (!hex)
        return error_no_memory(err);
    crypto_hash_sha256_final(&d->request, got);
    sodium_bin2hex(hex, 2 * crypto_hash_sha256_BYTES + 1, got, crypto_hash_sha256_BYTES);
    *ret_witness = str_from(hex);
    return true;
}
