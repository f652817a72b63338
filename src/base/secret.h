/* Secrets that a program presents: API keys, tokens, codes, sessions. Each is a prefix that tells what it is (so that a
 * scanner finds one that was published by mistake) and 43 letters and digits: 256 random bits. So much chance needs no
 * slow hash: what is kept is its SHA-256, and nobody can guess his way to the secret from it. Show one once, keep its hash,
 * and wipe it from memory. Passwords are another matter: catalog/passwords.c. */
#ifndef SELTZER_BASE_SECRET_H
#define SELTZER_BASE_SECRET_H

#include "base/str.h"

enum { SECRET_PREFIX_LENGTH = 5, SECRET_RANDOM_LENGTH = 43, SECRET_LENGTH = SECRET_PREFIX_LENGTH + SECRET_RANDOM_LENGTH, SECRET_HASH_BYTES = 32 };

#define SECRET_KEY "slzk_"
#define SECRET_TOKEN "slzt_"
#define SECRET_REFRESH "slzr_"
#define SECRET_CODE "slzc_"
#define SECRET_SESSION "slzs_"
#define SECRET_APP "slza_"

/* False: the system gives no random bytes, and *ret is empty. */
must_use bool secret_make(const char *prefix, char ret[SECRET_LENGTH + 1]);
/* n letters and digits from the same source: for names that are public but must not be guessed. */
must_use bool secret_random_text(char *ret, size_t n);
void secret_hash(struct str secret, unsigned char ret[SECRET_HASH_BYTES]);
/* In a time that does not tell where they differ. */
bool secret_hash_is(const unsigned char a[SECRET_HASH_BYTES], const unsigned char b[SECRET_HASH_BYTES]);
/* Has the form of a secret with that prefix; says nothing about whether it is one. */
bool secret_looks_like(struct str text, const char *prefix);
void secret_wipe(void *p, size_t n);

#endif
