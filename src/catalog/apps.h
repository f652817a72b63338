/* Registered applications: what an app token names, and who may ask users to let it act for them (OAuth 2.0's client;
 * docs/wire/oauth.md). Kept in catalog.db and read from there: another process's change counts with the next request.
 *
 * An app's texts are in the arena that the caller gives. Its secret is shown once, when it is made. */
#ifndef SELTZER_CATALOG_APPS_H
#define SELTZER_CATALOG_APPS_H

#include "base/arena.h"
#include "base/secret.h"
#include "catalog/actor.h"
#include "catalog/catalog.h"

enum {
    APP_ID_LENGTH = 25,
    APP_NAME_BYTES_MAX = 200, APP_TEXT_BYTES_MAX = 2000, APP_REDIRECT_URIS_MAX = 20,
    APPS_MAX = 10000, APPS_PER_USER_MAX = 100,
    APP_TOKEN_SECONDS_PUBLIC = 12 * 3600, /* of a public application, unless set otherwise; of others tokens have no end */
    APP_TOKEN_SECONDS_MIN = 60, APP_TOKEN_SECONDS_MAX = 366 * 24 * 3600,
};

struct app {
    char id[APP_ID_LENGTH + 1];      /* the app token, which is the client_id too */
    char owner[USER_ID_LENGTH + 1];  /* who registered it, "" when it was made on the command line */
    struct str name, description, website;
    struct str redirect_uris;        /* one a line, compared exactly; or none */
    struct str callback_prefix;      /* or none; then no line above */
    bool is_public;                  /* runs where it can keep no secret: has none and must use PKCE */
    bool disabled, disabled_by_owner;
    unsigned char secret_hash[SECRET_HASH_BYTES];
    int64_t token_seconds;           /* of an access token, 0: no end */
    int64_t requests_per_s, burst;   /* its own throttle, 0: none; -1: the server's, and a hundred times the former */
    int64_t created_at;
};

struct app_spec {
    const char *owner;
    struct str name, description, website, redirect_uris, callback_prefix; /* URIs: one a line, blank lines are passed over */
    bool is_public;
    int64_t token_seconds, requests_per_s, burst; /* -1: the usual */
};
/* ret_secret is empty for a public one. */
must_use bool catalog_create_app(struct catalog *c, const struct actor *by, const struct app_spec *spec, struct arena *a, struct app *ret, char ret_secret[SECRET_LENGTH + 1], struct error *err);
/* By id, or by name without case. */
must_use bool catalog_app(struct catalog *c, struct str id_or_name, struct arena *a, struct app *ret, bool *ret_found, struct error *err);
/* In order of creation; owner NULL: everybody's. */
must_use bool catalog_list_apps(struct catalog *c, const char *owner, struct arena *a, struct app **ret, size_t *ret_n, struct error *err);
/* Its tokens are as unknown ones while it is disabled, and good again when it is enabled. */
must_use bool catalog_set_app_disabled(struct catalog *c, const struct actor *by, const char *id, bool disabled, struct error *err);
/* The same, at its owner's wish. PERMISSION_DENIED while an administrator has disabled it. */
must_use bool catalog_set_own_app_disabled(struct catalog *c, const struct actor *by, const char *id, bool disabled, struct error *err);
/* With all that users let it do; its name is free then, its app token is not given again. Only a disabled one goes, so that one slip deletes
 * none: else BAD_REQUEST. as_owner: PERMISSION_DENIED while an administrator has disabled it. */
must_use bool catalog_delete_app(struct catalog *c, const struct actor *by, const char *id, bool as_owner, struct error *err);
/* The old secret is wrong at once. BAD_REQUEST for a public one, which has none. */
must_use bool catalog_renew_app_secret(struct catalog *c, const struct actor *by, const struct app *app, char ret_secret[SECRET_LENGTH + 1], struct error *err);
bool app_secret_is(const struct app *app, struct str secret);
/* May a code be sent there? */
bool app_takes_redirect(const struct app *app, struct str uri);

#endif
