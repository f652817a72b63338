/* What users let applications do for them (OAuth 2.0; docs/wire/oauth.md). A *grant* is one consent: its code, then the tokens
 * made from it. Whatever shows that one of them is in wrong hands (a code or a refresh token that comes twice, a token on
 * plain HTTP) ends the grant: its row goes and every token with it. Kept as hashes in catalog.db, read from there: what ends
 * is dead with the next request.
 *
 * Refusals are errors OAUTH_… whose code is RFC 6749's word for it. */
#ifndef SELTZER_CATALOG_OAUTH_H
#define SELTZER_CATALOG_OAUTH_H

#include "catalog/apps.h"

enum {
    OAUTH_CODE_SECONDS = 60,
    OAUTH_IDLE_SECONDS = 90 * 24 * 3600, /* a grant that was not used for so long is over */
    OAUTH_GRANTS_MAX = 100,              /* of one user to one application; beyond, the oldest ends */
    OAUTH_TOKENS_MAX = 1000,             /* of one grant that are remembered, used refresh tokens included */
};

/* Scopes: words of enum key_right. No scope is everything that the user may, as with Socrata. */
must_use bool oauth_scope_parse(struct str text, unsigned *ret_rights, struct error *err);
void oauth_scope_write(unsigned rights, struct buf *out); /* nothing for everything */

struct consent {
    const char *user;
    struct str redirect_uri, challenge; /* challenge: empty without PKCE */
    unsigned rights;                    /* of enum key_right */
};
must_use bool catalog_issue_code(struct catalog *c, const struct actor *by, const struct app *app, const struct consent *consent, char ret_code[SECRET_LENGTH + 1], struct error *err);

struct oauth_tokens {
    char access[SECRET_LENGTH + 1];
    char refresh[SECRET_LENGTH + 1]; /* empty when the access token has no end */
    int64_t expires_in;              /* seconds, 0: no end */
    unsigned rights;
};
/* The app has shown that it is itself. redirect_uri must be that of the code to the byte; verifier empty: none was sent. */
must_use bool catalog_redeem_code(struct catalog *c, const struct actor *by, const struct app *app, struct str code, struct str redirect_uri, struct str verifier, struct oauth_tokens *ret, struct error *err);
/* The refresh token is used up by this. rights 0: as the user consented; never more. */
must_use bool catalog_refresh_tokens(struct catalog *c, const struct actor *by, const struct app *app, struct str refresh, unsigned rights, struct oauth_tokens *ret, struct error *err);
/* Ends the grant of an access or refresh token. *ret_found false: no such token. OAUTH_UNAUTHORIZED_CLIENT: another application's;
 * app NULL: whosesoever. */
must_use bool catalog_revoke_token(struct catalog *c, const struct actor *by, const struct app *app, struct str token, bool *ret_found, struct error *err);

struct token_holder {
    struct user user;
    char app[APP_ID_LENGTH + 1];
    unsigned rights;
    char id[17]; /* public: the first digits of its hash */
};
/* *ret_good false: unknown, expired, revoked, or its user or application is disabled. */
must_use bool catalog_token_holder(struct catalog *c, struct str access, struct token_holder *ret, bool *ret_good, struct error *err);

struct oauth_grant {
    int64_t number;
    struct str app_name; /* in the arena */
    unsigned rights;
    int64_t created_at, last_used_at; /* used: to the day */
};
/* Those whose code was redeemed, newest first. */
must_use bool catalog_list_grants(struct catalog *c, const char *user, struct arena *a, struct oauth_grant **ret, size_t *ret_n, struct error *err);
/* NOT_FOUND: the user has no such grant. */
must_use bool catalog_end_grant(struct catalog *c, const struct actor *by, const char *user, int64_t number, struct error *err);

#endif
