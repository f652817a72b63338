/* Secrets that a program presents (secret.h). */
#include "base/secret.h"

#include <errno.h>
#include <sodium.h>
#include <sys/random.h>

/* No '-' and no '_' after the prefix: a double click takes the whole of it. */
static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
enum { LETTERS = sizeof letters - 1, FAIR = 256 / LETTERS * LETTERS };

/* libsodium's own source ends the process when the kernel gives nothing; a server rather refuses this one request. */
static bool random_bytes(unsigned char *p, size_t n)
{
    while (n) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        p += got;
        n -= (size_t)got;
    }
    return true;
}

/* Bytes from FAIR up are passed over: taken, they would make the first letters likelier. */
bool secret_random_text(char *ret, size_t n)
{
    unsigned char room[64];
    size_t have = 0;
    bool ok = true;
    while (have < n && (ok = random_bytes(room, sizeof room)))
        for (size_t i = 0; i < sizeof room && have < n; i++)
            if (room[i] < FAIR)
                ret[have++] = letters[room[i] % LETTERS];
    ret[ok ? n : 0] = 0;
    secret_wipe(room, sizeof room);
    return ok;
}

bool secret_make(const char *prefix, char ret[SECRET_LENGTH + 1])
{
    memcpy(ret, prefix, SECRET_PREFIX_LENGTH);
    if (secret_random_text(ret + SECRET_PREFIX_LENGTH, SECRET_RANDOM_LENGTH))
        return true;
    *ret = 0;
    return false;
}

void secret_hash(struct str secret, unsigned char ret[SECRET_HASH_BYTES])
{
    crypto_hash_sha256(ret, (const unsigned char *)(secret.n ? secret.p : ""), secret.n);
}

bool secret_hash_is(const unsigned char a[SECRET_HASH_BYTES], const unsigned char b[SECRET_HASH_BYTES])
{
    return sodium_memcmp(a, b, SECRET_HASH_BYTES) == 0;
}

bool secret_looks_like(struct str text, const char *prefix)
{
    if (text.n != SECRET_LENGTH || !str_starts(text, str_from(prefix)))
        return false;
    for (size_t i = SECRET_PREFIX_LENGTH; i < text.n; i++)
        if (!text.p[i] || !strchr(letters, text.p[i]))
            return false;
    return true;
}

void secret_wipe(void *p, size_t n)
{
    sodium_memzero(p, n);
}
