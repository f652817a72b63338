/* Where applications come without their user: a code or a refresh token for tokens (RFC 6749 section 3.2), a token to be revoked
 * (RFC 7009), and what there is at all (RFC 8414). Rules: docs/wire/oauth.md. */
#include "api/handlers.h"
#include "api/oauth.h"

/* Who a change is recorded to: the application, by its app token. */
static struct actor actor_of(struct call *c, const struct app *app)
{
    char *via = arena_printf(c->arena, "application %s", app->id);
    return (struct actor){.user = "", .via = via ? via : "application", .request_id = str_from(c->head->request_id), .peer = c->head->peer};
}

static bool no_repetition(struct parameters p, struct error *err)
{
    struct str twice;
    return !parameters_repeat(p, &twice) || error_set(err, ERROR_OAUTH_INVALID_REQUEST, "the parameter " FMT_STR " came more than once", ARG_STR(str_head_utf8(twice, 100)));
}

static bool required(struct parameters p, const char *name, struct str *ret, struct error *err)
{
    *ret = parameter(p, name);
    return ret->n || error_set(err, ERROR_OAUTH_INVALID_REQUEST, "%s is missing", name);
}

/* ── token ── */

static bool redeem_code(struct call *c, struct parameters p, const struct app *app, struct oauth_tokens *ret, struct error *err)
{
    struct str code, redirect_uri;
    const struct actor by = actor_of(c, app);
    return required(p, "code", &code, err) && required(p, "redirect_uri", &redirect_uri, err) &&
           catalog_redeem_code(c->api->catalog, &by, app, code, redirect_uri, parameter(p, "code_verifier"), ret, err);
}

static bool refresh(struct call *c, struct parameters p, const struct app *app, struct oauth_tokens *ret, struct error *err)
{
    struct str token, scope = parameter(p, "scope");
    unsigned rights = 0; /* as the user consented */
    const struct actor by = actor_of(c, app);
    return required(p, "refresh_token", &token, err) && (!scope.n || oauth_scope_parse(scope, &rights, err)) &&
           catalog_refresh_tokens(c->api->catalog, &by, app, token, rights, ret, err);
}

static const struct {
    const char *name;
    bool (*run)(struct call *c, struct parameters p, const struct app *app, struct oauth_tokens *ret, struct error *err);
} grant_types[] = {{"authorization_code", redeem_code}, {"refresh_token", refresh}};

static bool make_tokens(struct call *c, struct oauth_tokens *ret, struct error *err)
{
    struct parameters p;
    struct str type;
    struct app app;
    if (!parameters_of_both(c, &p, err) || !no_repetition(p, err) || !required(p, "grant_type", &type, err))
        return false;
    for (size_t i = 0; i < sizeof grant_types / sizeof *grant_types; i++)
        if (str_eq(type, str_from(grant_types[i].name)))
            return oauth_client(c, p, &app, err) && grant_types[i].run(c, p, &app, ret, err);
    return error_set(err, ERROR_OAUTH_UNSUPPORTED_GRANT_TYPE, "grant_type must be authorization_code or refresh_token");
}

static void write_tokens(const struct oauth_tokens *t, struct buf *out)
{
    buf_printf(out, "{\"access_token\":\"%s\",\"token_type\":\"Bearer\"", t->access);
    if (t->expires_in)
        buf_printf(out, ",\"expires_in\":%lld", (long long)t->expires_in);
    if (*t->refresh)
        buf_printf(out, ",\"refresh_token\":\"%s\"", t->refresh);
    if (t->rights != KEY_EVERYTHING) {
        buf_add_z(out, ",\"scope\":\"");
        oauth_scope_write(t->rights, out);
        buf_add_byte(out, '"');
    }
    buf_add_z(out, "}\n");
}

static void run_oauth_token(struct call *c)
{
    struct oauth_tokens tokens = {0};
    struct buf out = {0};
    struct error err = {0};
    bool ok = make_tokens(c, &tokens, &err);
    if (ok) {
        write_tokens(&tokens, &out);
        ok = buf_ok(&out) || error_no_memory(&err);
    }
    if (ok)
        oauth_reply_json(c, 200, buf_str(&out));
    else
        oauth_reply_error(c, &err);
    secret_wipe(&tokens, sizeof tokens);
    if (out.p)
        secret_wipe(out.p, out.n);
    buf_free(&out);
}
const struct handler handler_oauth_token = {.body_max = OAUTH_BODY_BYTES_MAX, .run = run_oauth_token};

/* ── revocation ── */

/* An unknown token is as one that was revoked: 200 (RFC 7009 section 2.2). */
static void run_oauth_revoke(struct call *c)
{
    struct parameters p;
    struct app app;
    struct str token;
    struct error err = {0};
    bool found;
    if (!parameters_of_form(c, &p, &err) || !no_repetition(p, &err) || !oauth_client(c, p, &app, &err) || !required(p, "token", &token, &err)) {
        oauth_reply_error(c, &err);
        return;
    }
    const struct actor by = actor_of(c, &app);
    if (catalog_revoke_token(c->api->catalog, &by, &app, token, &found, &err))
        oauth_reply_json(c, 200, STR("{}\n"));
    else
        oauth_reply_error(c, &err);
}
const struct handler handler_oauth_revoke = {.body_max = OAUTH_BODY_BYTES_MAX, .run = run_oauth_revoke};

/* ── metadata ── */

static void run_oauth_metadata(struct call *c)
{
    static const struct {
        const char *name, *path;
    } endpoints[] = {{"authorization_endpoint", "/oauth/authorize"}, {"token_endpoint", "/oauth/access_token"}, {"revocation_endpoint", "/oauth/revoke"}};
    struct str issuer = oauth_issuer(c);
    struct buf out = {0};
    struct error err;
    buf_add_z(&out, "{\"issuer\":");
    buf_add_json(&out, issuer);
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++) {
        buf_printf(&out, ",\"%s\":", endpoints[i].name);
        buf_add_json(&out, str_from(arena_printf(c->arena, FMT_STR "%s", ARG_STR(issuer), endpoints[i].path)));
    }
    buf_add_z(&out, ",\"response_types_supported\":[\"code\"],\"response_modes_supported\":[\"query\"],\"grant_types_supported\":[\"authorization_code\",\"refresh_token\"]"
                    ",\"code_challenge_methods_supported\":[\"S256\"],\"scopes_supported\":[\"read\",\"append\",\"replace\",\"metadata\"]"
                    ",\"token_endpoint_auth_methods_supported\":[\"client_secret_basic\",\"client_secret_post\",\"none\"]"
                    ",\"revocation_endpoint_auth_methods_supported\":[\"client_secret_basic\",\"client_secret_post\",\"none\"]"
                    ",\"authorization_response_iss_parameter_supported\":true}\n");
    if (buf_ok(&out) && issuer.n) {
        oauth_reply_json(c, 200, buf_str(&out));
    } else {
        error_no_memory(&err);
        call_reply_error(c, &err);
    }
    buf_free(&out);
}
const struct handler handler_oauth_metadata = {.body_max = 0, .run = run_oauth_metadata};
