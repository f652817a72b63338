/* Proof Key for Code Exchange (pkce.h). */
#include "catalog/pkce.h"

#include <sodium.h>

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
}

bool pkce_is_challenge(struct str text)
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    size_t n = 0;
    if (text.n != PKCE_CHALLENGE_LENGTH)
        return false;
    return sodium_base642bin(digest, sizeof digest, text.p, text.n, NULL, &n, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 && n == sizeof digest;
}

bool pkce_is_verifier(struct str text)
{
    bool ok = text.n >= PKCE_VERIFIER_MIN && text.n <= PKCE_VERIFIER_MAX;
    for (size_t i = 0; ok && i < text.n; i++)
        ok = is_unreserved(text.p[i]);
    return ok;
}

bool pkce_matches(struct str verifier, struct str challenge)
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    char expected[PKCE_CHALLENGE_LENGTH + 1];
    if (!pkce_is_verifier(verifier) || challenge.n != PKCE_CHALLENGE_LENGTH)
        return false;
    crypto_hash_sha256(digest, (const unsigned char *)verifier.p, verifier.n);
    sodium_bin2base64(expected, sizeof expected, digest, sizeof digest, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return sodium_memcmp(expected, challenge.p, PKCE_CHALLENGE_LENGTH) == 0;
}
