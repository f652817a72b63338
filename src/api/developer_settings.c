/* The page on which a user registers applications, sees app token and secret once, and takes back what applications may do
 * (docs/wire/oauth.md, "Registering an application"). One address, one form a button, told apart by `do`. */
#include <stdio.h>

#include "api/handlers.h"
#include "api/log_in.h"
#include "api/pages/page.h"
#include "base/clock.h"

#define TITLE "Developer settings"

/* ── showing ── */

static void add_button(struct buf *b, const char *csrf, const struct app *app, const char *what, const char *label)
{
    PAGE_ADD(b, APP_BUTTON, {"csrf", str_from(csrf)}, {"id", str_from(app->id)}, {"name", app->name}, {"do", str_from(what)}, {"label", str_from(label)});
}

static void add_app(struct buf *b, const char *csrf, const struct app *app)
{
    struct str where = app->callback_prefix.n ? app->callback_prefix : app->redirect_uris.n ? app->redirect_uris : STR("nowhere: it is an app token alone");
    PAGE_ADD(b, APP, {"name", app->name}, {"id", str_from(app->id)}, {"kind", app->is_public ? STR("public, with PKCE") : STR("confidential, with a secret")}, {"redirects", where});
    if (app->disabled)
        PAGE_ADD(b, TEXT, {"text", app->disabled_by_owner ? STR("It is disabled: its tokens are not taken.") : STR("An administrator has disabled it: its tokens are not taken.")});
    if (!app->is_public)
        add_button(b, csrf, app, "renew", "New secret");
    if (!app->disabled)
        add_button(b, csrf, app, "disable", "Disable");
    if (app->disabled_by_owner) {
        add_button(b, csrf, app, "enable", "Enable");
        add_button(b, csrf, app, "delete", "Delete");
    }
    PAGE_ADD(b, END_APP, {"", STR_NONE});
}

static struct str day_of(struct arena *a, int64_t seconds)
{
    int64_t year;
    unsigned month, day;
    clock_civil_from_days(seconds / 86400, &year, &month, &day);
    return str_from(arena_printf(a, "%04lld-%02u-%02u", (long long)year, month, day));
}

static bool add_grant(struct call *c, struct buf *b, const char *csrf, const struct oauth_grant *g, struct error *err)
{
    struct buf rights = {0};
    oauth_scope_write(g->rights, &rights);
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)g->number);
    PAGE_ADD(b, GRANT, {"csrf", str_from(csrf)}, {"app", g->app_name}, {"number", str_from(number)}, {"rights", rights.n ? buf_str(&rights) : STR("everything that you may")},
             {"since", day_of(c->arena, g->created_at)}, {"used", day_of(c->arena, g->last_used_at)});
    bool ok = buf_ok(&rights) || error_no_memory(err);
    buf_free(&rights);
    return ok;
}

static bool add_lists(struct call *c, struct buf *b, const char *csrf, struct error *err)
{
    struct app *apps;
    struct oauth_grant *grants;
    size_t n_apps, n_grants;
    bool ok = catalog_list_apps(c->api->catalog, c->principal.user.id, c->arena, &apps, &n_apps, err) &&
              catalog_list_grants(c->api->catalog, c->principal.user.id, c->arena, &grants, &n_grants, err);
    if (!ok)
        return false;
    PAGE_ADD(b, APPS, {"", STR_NONE});
    for (size_t i = 0; i < n_apps; i++)
        add_app(b, csrf, &apps[i]);
    if (n_apps == 0)
        PAGE_ADD(b, NO_APPS, {"", STR_NONE});
    PAGE_ADD(b, GRANTS, {"", STR_NONE});
    for (size_t i = 0; ok && i < n_grants; i++)
        ok = add_grant(c, b, csrf, &grants[i], err);
    if (n_grants == 0)
        PAGE_ADD(b, NO_GRANTS, {"", STR_NONE});
    return ok;
}

/* What the page says on top: what was just done or refused. */
struct notice {
    const struct app *made;
    const char *secret;       /* of the app; empty for a public one */
    const struct error *refused;
};

static void add_notice(struct buf *b, const struct notice *n)
{
    if (n->refused)
        PAGE_ADD(b, ALERT, {"text", str_from(n->refused->message)});
    if (n->made && *n->secret)
        PAGE_ADD(b, SECRET, {"name", n->made->name}, {"id", str_from(n->made->id)}, {"secret", str_from(n->secret)});
    else if (n->made)
        PAGE_ADD(b, PUBLIC_MADE, {"name", n->made->name}, {"id", str_from(n->made->id)});
}

/* A form that was refused keeps what was typed. */
static void show(struct call *c, struct parameters typed, const struct notice *n)
{
    static const char *const names[] = {"name", "description", "website", "redirect_uris", "callback_prefix"};
    struct page_value values[6] = {0};
    char csrf[CSRF_LENGTH + 1] = "";
    struct buf b = {0};
    struct error err;
    (void)gate_csrf(c->head, csrf); /* there is a session */
    page_add_who(c, &b, csrf, false);
    add_notice(&b, n);
    if (!add_lists(c, &b, csrf, &err)) {
        buf_free(&b);
        page_reply_error(c, TITLE, &err);
        return;
    }
    for (size_t i = 0; i < 5; i++)
        values[i] = (struct page_value){names[i], n->refused ? parameter(typed, names[i]) : STR("")};
    values[5] = (struct page_value){"csrf", str_from(csrf)};
    page_add_values(&b, PAGE_NEW_APP, values, 6);
    page_reply(c, n->refused ? error_info(n->refused->code)->status : 200, TITLE, &b, NULL);
}

static void run_developer_settings(struct call *c)
{
    const struct notice nothing = {0};
    if (c->principal.kind == PRINCIPAL_SESSION)
        show(c, (struct parameters){0}, &nothing);
    else
        log_in_first(c);
}
const struct handler handler_developer_settings = {.body_max = 1 << 20, .run = run_developer_settings};

/* ── doing ── */

static bool own_app(struct call *c, struct parameters p, struct app *ret, struct error *err)
{
    struct app app;
    bool found;
    struct str id = parameter(p, "app");
    if (!catalog_app(c->api->catalog, id, c->arena, &app, &found, err))
        return false;
    if (!found || !str_eq(id, str_from(app.id)) || strcmp(app.owner, c->principal.user.id) != 0)
        return error_set(err, ERROR_NOT_FOUND, "You have registered no such application.");
    *ret = app;
    return true;
}

static bool do_register(struct call *c, struct parameters p, struct app *app, char *secret, struct error *err)
{
    const struct app_spec spec = {
        .owner = c->principal.user.id, .name = parameter(p, "name"), .description = parameter(p, "description"), .website = parameter(p, "website"),
        .redirect_uris = parameter(p, "redirect_uris"), .callback_prefix = parameter(p, "callback_prefix"), .is_public = parameter(p, "public").n > 0,
        .token_seconds = -1, .requests_per_s = -1, .burst = -1,
    };
    return catalog_create_app(c->api->catalog, &c->actor, &spec, c->arena, app, secret, err);
}

static bool do_renew(struct call *c, struct parameters p, struct app *app, char *secret, struct error *err)
{
    return own_app(c, p, app, err) && catalog_renew_app_secret(c->api->catalog, &c->actor, app, secret, err);
}

static bool set_disabled(struct call *c, struct parameters p, bool disabled, struct error *err)
{
    struct app app;
    return own_app(c, p, &app, err) && catalog_set_own_app_disabled(c->api->catalog, &c->actor, app.id, disabled, err);
}

static bool do_disable(struct call *c, struct parameters p, struct app *app, char *secret, struct error *err)
{
    (void)app, (void)secret;
    return set_disabled(c, p, true, err);
}

static bool do_enable(struct call *c, struct parameters p, struct app *app, char *secret, struct error *err)
{
    (void)app, (void)secret;
    return set_disabled(c, p, false, err);
}

static bool do_delete(struct call *c, struct parameters p, struct app *app, char *secret, struct error *err)
{
    struct app own;
    (void)app, (void)secret;
    return own_app(c, p, &own, err) && catalog_delete_app(c->api->catalog, &c->actor, own.id, true, err);
}

static bool do_revoke(struct call *c, struct parameters p, struct app *app, char *secret, struct error *err)
{
    uint64_t number;
    (void)app, (void)secret;
    if (!str_to_u64(parameter(p, "grant"), &number) || number > INT64_MAX)
        return error_set(err, ERROR_NOT_FOUND, "You have given no such consent.");
    return catalog_end_grant(c->api->catalog, &c->actor, c->principal.user.id, (int64_t)number, err);
}

static const struct deed {
    const char *name;
    bool (*run)(struct call *c, struct parameters p, struct app *app, char *secret, struct error *err);
} deeds[] = {{"register", do_register}, {"renew", do_renew}, {"disable", do_disable}, {"enable", do_enable}, {"delete", do_delete}, {"revoke", do_revoke}};

static bool act(struct call *c, struct parameters p, struct app *app, char *secret, struct error *err)
{
    for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++)
        if (str_eq(parameter(p, "do"), str_from(deeds[i].name)))
            return deeds[i].run(c, p, app, secret, err);
    return error_set(err, ERROR_BAD_REQUEST, "The form does not say what is to be done.");
}

/* What shows a secret is answered at once, everything else leads back to the page. */
static void run_developer_settings_change(struct call *c)
{
    struct parameters p;
    struct app app = {0};
    char secret[SECRET_LENGTH + 1] = "";
    struct error err = {0};
    if (!page_read_form(c, true, &p, &err)) {
        page_reply_error(c, TITLE, &err);
        return;
    }
    bool ok = act(c, p, &app, secret, &err);
    const struct notice notice = {.made = ok ? &app : NULL, .secret = secret, .refused = ok ? NULL : &err};
    if (!ok || *app.id)
        show(c, p, &notice);
    else
        page_redirect(c, STR("/profile/edit/developer_settings"));
    secret_wipe(secret, sizeof secret);
}
const struct handler handler_developer_settings_change = {.body_max = OAUTH_BODY_BYTES_MAX, .run = run_developer_settings_change};
