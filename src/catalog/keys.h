/* API keys: what a program presents in the place of a user's name and password. A key has the rights that its user has at the
 * moment, as far as its scope lets it use them; it ends when it is deleted, when it expires, and while its user is disabled.
 * The secret is shown once; what is kept is its SHA-256 (base/secret.h). Answered from memory, like users. Deleted keys stay
 * to be listed. Rules: docs/wire/api-keys.md. */
#ifndef SELTZER_CATALOG_KEYS_H
#define SELTZER_CATALOG_KEYS_H

#include "base/secret.h"
#include "catalog/catalog.h"

enum { KEY_ID_LENGTH = 25, KEY_NAME_BYTES_MAX = 255, KEYS_PER_USER_MAX = 100, KEYS_PER_USER_DEAD_MAX = 100, KEYS_MAX = 20000 };
_Static_assert(KEYS_PER_USER_MAX == 100 && KEYS_PER_USER_DEAD_MAX == 100, "docs/wire/api-keys.md says so");

struct key {
    char id[KEY_ID_LENGTH + 1];
    char user[USER_ID_LENGTH + 1];
    char name[KEY_NAME_BYTES_MAX + 1];
    struct key_scope scope;
    int64_t created_ms, expires_ms, used_ms, deleted_ms; /* of the wall clock; 0 for never. used: to the day */
};

struct key_spec {
    const char *user;
    struct str name;
    struct key_scope scope;
    int64_t expires_ms; /* 0: never */
};
/* API_KEY_NAME_TAKEN, _NAME_TOO_LONG, _LIMIT_REACHED, _MISSING_FIELD. *ret_secret is all there ever is of the secret. */
must_use bool catalog_create_key(struct catalog *c, const struct actor *by, const struct key_spec *spec, struct key *ret, char ret_secret[SECRET_LENGTH + 1], struct error *err);
/* user: NULL for any, else another's key is not found. API_KEY_NOT_FOUND, API_KEY_DELETED. */
must_use bool catalog_delete_key(struct catalog *c, const struct actor *by, const char *user, struct str id, struct key *ret, struct error *err);
must_use bool catalog_key(struct catalog *c, struct str id, struct key *ret, bool *ret_found, struct error *err);
/* A copy of each key of that user (NULL: of all), deleted ones too, in no order; *ret is malloc'ed. */
must_use bool catalog_keys(struct catalog *c, const char *user, struct key **ret, size_t *ret_n, struct error *err);

bool key_is_alive(const struct key *key, int64_t now_ms); /* neither deleted nor expired; of its user it knows nothing */

/* UNKNOWN: no key has that id. WRONG: another secret. DEAD: the right secret of a key that is deleted, expired, or a
 * disabled user's. */
enum key_verdict { KEY_VERDICT_UNKNOWN, KEY_VERDICT_WRONG, KEY_VERDICT_DEAD, KEY_VERDICT_GOOD };
/* *ret_user is set with GOOD, *ret with all but UNKNOWN. Takes a hash of a few bytes: no back-off need stand before it. */
must_use bool catalog_check_key(struct catalog *c, struct str id, struct str secret, enum key_verdict *ret_verdict, struct key *ret, struct user *ret_user, struct error *err);
/* Notes that it was used, once in 24 hours in catalog.db; while something else is changed there it is left to the next use. */
must_use bool catalog_key_used(struct catalog *c, const struct key *key, struct error *err);

/* "read", "append", "replace", "metadata", "all". */
bool key_right_from(struct str name, unsigned *ret);
const char *key_right_name(unsigned right);
/* Members of a JSON object: "rights":[…], and "datasets":[…] when it is limited to some. */
void key_scope_write(const struct key_scope *s, struct buf *out);

#endif
