/* What the OAuth endpoints have in common (oauth.h). */
#include "api/oauth.h"

/* ── parameters ── */

static bool is_form(const struct http_head *head)
{
    struct str type, rest;
    str_cut(http_header(head, "Content-Type"), ';', &type, &rest);
    return str_eq_fold(str_trim(type), STR("application/x-www-form-urlencoded"));
}

static bool malformed(struct error *err)
{
    char said[sizeof err->message];
    memcpy(said, err->message, sizeof said);
    return error_set(err, ERROR_OAUTH_INVALID_REQUEST, "%s", said);
}

bool parameters_of_form(struct call *c, struct parameters *ret, struct error *err)
{
    struct http_parameter *v = NULL;
    size_t n = 0;
    if (c->body.n && !is_form(c->head))
        return error_set(err, ERROR_OAUTH_INVALID_REQUEST, "the body must be of type application/x-www-form-urlencoded");
    if (c->body.n && !http_decode_query(buf_str(&c->body), c->arena, &v, &n, err))
        return err->code == ERROR_OUT_OF_MEMORY ? false : malformed(err);
    *ret = (struct parameters){v, n};
    return true;
}

bool parameters_of_both(struct call *c, struct parameters *ret, struct error *err)
{
    struct parameters form;
    if (!parameters_of_form(c, &form, err))
        return false;
    struct http_parameter *v = arena_alloc(c->arena, (form.n + c->n_query + 1) * sizeof *v);
    if (!v)
        return error_no_memory(err);
    for (size_t i = 0; i < c->n_query; i++)
        v[i] = c->query[i];
    for (size_t i = 0; i < form.n; i++)
        v[c->n_query + i] = form.v[i];
    *ret = (struct parameters){v, form.n + c->n_query};
    return true;
}

struct str parameter(struct parameters p, const char *name)
{
    for (size_t i = 0; i < p.n; i++)
        if (str_eq(p.v[i].name, str_from(name)) && p.v[i].value.n)
            return p.v[i].value;
    return STR("");
}

bool parameters_repeat(struct parameters p, struct str *ret_name)
{
    for (size_t i = 0; i < p.n; i++)
        for (size_t j = 0; j < i; j++)
            if (str_eq(p.v[i].name, p.v[j].name)) {
                *ret_name = p.v[i].name;
                return true;
            }
    return false;
}

/* ── the application ── */

/* Name and password of the Basic header are form-encoded each (RFC 6749 section 2.3.1). */
static bool read_header(struct call *c, struct str *ret_id, struct str *ret_secret, struct error *err)
{
    struct str id, secret;
    size_t n;
    if (!http_header_count(c->head, "Authorization", &n) || n > 1)
        return error_set(err, ERROR_OAUTH_INVALID_REQUEST, "more than one Authorization header");
    if (!gate_read_basic(http_header(c->head, "Authorization"), c->arena, &id, &secret) || !http_decode_percent(id, true, c->arena, ret_id, err) ||
        !http_decode_percent(secret, true, c->arena, ret_secret, err))
        return error_set(err, ERROR_OAUTH_INVALID_CLIENT, "the Authorization header must say Basic and hold client_id and client_secret");
    return true;
}

static bool read_client(struct call *c, struct parameters p, struct str *ret_id, struct str *ret_secret, struct error *err)
{
    struct str id = parameter(p, "client_id"), secret = parameter(p, "client_secret");
    *ret_id = id;
    *ret_secret = secret;
    if (!http_header(c->head, "Authorization").p)
        return id.n || error_set(err, ERROR_OAUTH_INVALID_CLIENT, "client_id is missing: the app token of a registered application");
    if (secret.n)
        return error_set(err, ERROR_OAUTH_INVALID_REQUEST, "the client secret came in the Authorization header and as a parameter: one way only (RFC 6749 section 2.3)");
    if (!read_header(c, ret_id, ret_secret, err))
        return false;
    return !id.n || str_eq(id, *ret_id) || error_set(err, ERROR_OAUTH_INVALID_REQUEST, "client_id is not the one of the Authorization header");
}

bool oauth_client(struct call *c, struct parameters p, struct app *ret, struct error *err)
{
    struct str id, secret;
    bool found;
    if (!read_client(c, p, &id, &secret, err) || !catalog_app(c->api->catalog, id, c->arena, ret, &found, err))
        return false;
    if (!found || !str_eq(id, str_from(ret->id)) || ret->disabled)
        return error_set(err, ERROR_OAUTH_INVALID_CLIENT, "no application has this client_id, or it is disabled");
    if (ret->is_public)
        return !secret.n || error_set(err, ERROR_OAUTH_INVALID_CLIENT, "a public application has no secret: send client_id alone");
    if (!secret.n)
        return error_set(err, ERROR_OAUTH_INVALID_CLIENT, "client_secret is missing");
    return app_secret_is(ret, secret) || error_set(err, ERROR_OAUTH_INVALID_CLIENT, "client_secret is wrong");
}

/* ── replies ── */

const char *oauth_error_word(const struct error *err)
{
    const struct error_info *info = error_info(err->code);
    if (err->code >= ERROR_OAUTH_INVALID_REQUEST && err->code <= ERROR_OAUTH_ACCESS_DENIED)
        return info->code;
    return info->status == 503 ? "temporarily_unavailable" : info->status >= 500 ? "server_error" : "invalid_request";
}

/* %x20-21 / %x23-5B / %x5D-7E (RFC 6749 section 5.2). */
void oauth_add_description(const struct error *err, struct buf *out)
{
    for (const char *p = err->message; *p; p++)
        buf_add_byte(out, *p == '"' ? '\'' : *p < 0x20 || *p > 0x7e || *p == '\\' ? '?' : *p);
}

void oauth_reply_json(struct call *c, int status, struct str json)
{
    http_reply_header(c->x, "Cache-Control", STR("no-store"));
    http_reply_header(c->x, "Pragma", STR("no-cache"));
    call_reply_json(c, status, json);
}

void oauth_reply_error(struct call *c, const struct error *err)
{
    struct buf out = {0}, description = {0};
    struct error failed;
    int status = error_info(err->code)->status;
    oauth_add_description(err, &description);
    buf_printf(&out, "{\"error\":\"%s\",\"error_description\":", oauth_error_word(err));
    buf_add_json(&out, buf_str(&description));
    buf_add_z(&out, "}\n");
    if (status == 401)
        http_reply_header(c->x, "WWW-Authenticate", STR("Basic realm=\"Seltzer\", charset=\"UTF-8\""));
    if (buf_ok(&out) && buf_ok(&description)) {
        oauth_reply_json(c, status, buf_str(&out));
    } else {
        error_no_memory(&failed);
        call_reply_error(c, &failed);
    }
    buf_free(&out);
    buf_free(&description);
}

struct str oauth_issuer(struct call *c)
{
    return str_from(arena_printf(c->arena, "https://" FMT_STR, ARG_STR(http_header(c->head, "Host"))));
}
