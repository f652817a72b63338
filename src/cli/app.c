/* seltzer app: registered applications, which are app tokens and OAuth 2.0 clients (docs/wire/oauth.md). */
#include <stdio.h>

#include "base/clock.h"
#include "catalog/apps.h"
#include "cli/verb.h"

const char *const cli_app_details =
    "An application is an app token (X-App-Token) and, with redirect URIs, a client of OAuth 2.0. Its secret is printed once.\n"
    "NAME is its name or its app token. Beside a running server it is done by the server, at once.\n";

/* Absent: -1. */
static bool number(const struct verb_call *c, const char *option, int64_t *ret, struct error *err)
{
    struct str given = verb_option(c, option);
    uint64_t n = 0;
    *ret = -1;
    if (!given.p)
        return true;
    if (!str_to_u64(given, &n) || n > INT32_MAX)
        return error_set(err, ERROR_BAD_REQUEST, "--%s must be a number from 0 to %d", option, INT32_MAX);
    *ret = (int64_t)n;
    return true;
}

/* On the command line redirect URIs are one option, cut at blanks. */
static struct str lines_of(const struct verb_call *c, struct str uris)
{
    char *p = uris.n ? arena_alloc(c->arena, uris.n) : NULL;
    for (size_t i = 0; p && i < uris.n; i++)
        p[i] = uris.p[i] == ' ' ? '\n' : uris.p[i];
    return str_make(p, p ? uris.n : 0);
}

static bool find_owner(const struct verb_call *c, struct user *ret, struct error *err)
{
    struct str name = verb_option(c, "owner");
    bool found = true;
    *ret = (struct user){0};
    return (!name.p || catalog_user_by_name(c->house->catalog, name, ret, &found, err)) &&
           (found || error_set(err, ERROR_NOT_FOUND, "there is no user \"" FMT_STR "\"", ARG_STR(name)));
}

static bool find(struct verb_call *c, struct app *ret, struct error *err)
{
    bool found;
    return catalog_app(c->house->catalog, c->request->words[0], c->arena, ret, &found, err) &&
           (found || error_set(err, ERROR_NOT_FOUND, "there is no application \"" FMT_STR "\"", ARG_STR(c->request->words[0])));
}

static bool print_secret(struct verb_call *c, char *secret, struct error *err)
{
    bool ok = !*secret || verb_print(c, err, "secret: %s\n", secret);
    secret_wipe(secret, SECRET_LENGTH + 1);
    return ok;
}

bool verb_app_add(struct verb_call *c, struct error *err)
{
    struct user owner;
    struct app app;
    char secret[SECRET_LENGTH + 1] = "";
    struct app_spec spec = {
        .name = c->request->words[0], .description = verb_option(c, "description"), .website = verb_option(c, "website"), .redirect_uris = lines_of(c, verb_option(c, "redirect-uris")),
        .callback_prefix = verb_option(c, "callback-prefix"), .is_public = verb_option(c, "public").n > 0,
    };
    if (!find_owner(c, &owner, err) || !number(c, "token-seconds", &spec.token_seconds, err) || !number(c, "requests-per-second", &spec.requests_per_s, err) ||
        !number(c, "burst", &spec.burst, err))
        return false;
    spec.owner = owner.id;
    return catalog_create_app(c->house->catalog, &c->by, &spec, c->arena, &app, secret, err) && verb_print(c, err, "app token: %s\n", app.id) && print_secret(c, secret, err);
}

/* A line an application, tab-separated: app token, name, kind, state, owner's id, where codes go. */
bool verb_app_list(struct verb_call *c, struct error *err)
{
    struct app *apps;
    size_t n;
    bool ok = catalog_list_apps(c->house->catalog, NULL, c->arena, &apps, &n, err);
    for (size_t i = 0; ok && i < n; i++) {
        const struct app *a = &apps[i];
        struct str rest = a->callback_prefix.n ? a->callback_prefix : a->redirect_uris, line;
        ok = verb_print(c, err, "%s\t" FMT_STR "\t%s\t%s\t%s\t", a->id, ARG_STR(a->name), a->is_public ? "public" : "confidential", a->disabled ? "disabled" : "enabled",
                        *a->owner ? a->owner : "-");
        for (bool more = true; ok && more;) {
            more = str_cut(rest, '\n', &line, &rest);
            ok = verb_print(c, err, FMT_STR "%s%s", ARG_STR(line), a->callback_prefix.n ? "*" : "", more ? " " : "\n");
        }
    }
    return ok;
}

bool verb_app_secret(struct verb_call *c, struct error *err)
{
    struct app app;
    char secret[SECRET_LENGTH + 1] = "";
    return find(c, &app, err) && catalog_renew_app_secret(c->house->catalog, &c->by, &app, secret, err) && print_secret(c, secret, err);
}

static bool set_disabled(struct verb_call *c, bool disabled, struct error *err)
{
    struct app app;
    return find(c, &app, err) && catalog_set_app_disabled(c->house->catalog, &c->by, app.id, disabled, err);
}

bool verb_app_disable(struct verb_call *c, struct error *err)
{
    return set_disabled(c, true, err);
}

bool verb_app_enable(struct verb_call *c, struct error *err)
{
    return set_disabled(c, false, err);
}

bool verb_app_delete(struct verb_call *c, struct error *err)
{
    struct app app;
    return find(c, &app, err) && catalog_delete_app(c->house->catalog, &c->by, app.id, false, err);
}

int cli_app(int argc, char **argv)
{
    static const char *data = "./data", *description, *website, *redirect_uris, *callback_prefix, *owner, *token_seconds, *requests_per_second, *burst;
    static bool is_public;
    const struct cli_option options[] = {
        {"data", "DIR", "the data directory (./data)", NULL, &data, NULL, NULL, 0},
        {"redirect-uris", "\"URI URI\"", "add: where codes may go, compared exactly; separated by blanks", NULL, &redirect_uris, NULL, NULL, 0},
        {"callback-prefix", "URI", "add: or any address below this one", NULL, &callback_prefix, NULL, NULL, 0},
        {"public", NULL, "add: it can keep no secret, has none, and must use PKCE", &is_public, NULL, NULL, NULL, 0},
        {"token-seconds", "N", "add: how long an access token lives, 0 for no end (0; of a public one 43200)", NULL, &token_seconds, NULL, NULL, 0},
        {"description", "TEXT", "add: what users read when they decide", NULL, &description, NULL, NULL, 0},
        {"website", "URL", "add: its website", NULL, &website, NULL, NULL, 0},
        {"owner", "USER", "add: the user on whose page it stands", NULL, &owner, NULL, NULL, 0},
        {"requests-per-second", "N", "add: its own throttle", NULL, &requests_per_second, NULL, NULL, 0},
        {"burst", "N", "add: and burst", NULL, &burst, NULL, NULL, 0},
    };
    return cli_administer("app", options, sizeof options / sizeof *options, argc, argv);
}
