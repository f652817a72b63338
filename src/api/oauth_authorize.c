/* Where a user decides whether an application may act for them (RFC 6749 section 4.1; docs/wire/oauth.md):
 *
 *     GET ─► is it a registered application, and is that its address? ─no─► a page that says so, and never a redirect
 *         ─► is the rest in order? ─no─► back to the application with an error
 *         ─► logged in? ─no─► the log-in page, which leads back here
 *         ─► the question ─► POST, where all of it is looked at again ─► back with a code, or with access_denied
 *
 * Nothing is kept between the two: the form carries what the address did. */
#include "api/handlers.h"
#include "api/log_in.h"
#include "api/oauth.h"
#include "api/pages/page.h"
#include "catalog/pkce.h"
#include "catalog/redirect_uri.h"

struct question {
    struct app app;
    struct str redirect_uri, state, challenge;
    struct redirect_uri where;
    unsigned rights;
};

/* What the form repeats. */
static const char *const fields[] = {"client_id", "redirect_uri", "response_type", "response_mode", "state", "scope", "code_challenge", "code_challenge_method"};
enum { FIELDS = sizeof fields / sizeof *fields };

/* ── the request ── */

static size_t times(struct parameters p, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < p.n; i++)
        n += str_eq(p.v[i].name, str_from(name));
    return n;
}

/* Until this is true, the address may be an attacker's: whoever asks is told here. */
static bool check_client(struct call *c, struct parameters p, struct question *q, struct error *err)
{
    struct str id = parameter(p, "client_id");
    bool found;
    if (times(p, "client_id") > 1 || times(p, "redirect_uri") > 1)
        return error_set(err, ERROR_OAUTH_INVALID_REQUEST, "The link that led you here names the application or its address twice.");
    if (!id.n)
        return error_set(err, ERROR_OAUTH_INVALID_REQUEST, "The link that led you here names no application: client_id is missing.");
    if (!catalog_app(c->api->catalog, id, c->arena, &q->app, &found, err))
        return false;
    if (!found || !str_eq(id, str_from(q->app.id)) || q->app.disabled)
        return error_set(err, ERROR_OAUTH_INVALID_REQUEST, "The link that led you here names an application that is not registered here, or is disabled.");
    q->redirect_uri = parameter(p, "redirect_uri");
    if (!q->redirect_uri.n)
        return error_set(err, ERROR_OAUTH_INVALID_REQUEST, "The application did not say where to go on: redirect_uri is missing.");
    struct error why;
    if (!redirect_uri_parse(q->redirect_uri, &q->where, &why))
        return error_set(err, ERROR_OAUTH_INVALID_REQUEST, "The application's redirect_uri cannot be used: %s.", why.message);
    return app_takes_redirect(&q->app, q->redirect_uri) ||
           error_set(err, ERROR_OAUTH_INVALID_REQUEST, "The application's redirect_uri is not one that it has registered. You were not sent there, because it could be somebody else's.");
}

static bool check_pkce(struct parameters p, struct question *q, struct error *err)
{
    struct str method = parameter(p, "code_challenge_method");
    q->challenge = parameter(p, "code_challenge");
    if (!q->challenge.n && (method.n || q->app.is_public))
        return error_set(err, ERROR_OAUTH_INVALID_REQUEST, method.n ? "code_challenge_method was sent without code_challenge" : "a public application must send code_challenge (PKCE, RFC 7636)");
    if (!q->challenge.n)
        return true;
    if (!str_eq(method, STR("S256")))
        return error_set(err, ERROR_OAUTH_INVALID_REQUEST, "code_challenge_method must be S256; plain, which is meant when none is sent, is not taken");
    return pkce_is_challenge(q->challenge) || error_set(err, ERROR_OAUTH_INVALID_REQUEST, "code_challenge must be the base64url of a SHA-256, 43 characters");
}

static bool check_rest(struct parameters p, struct question *q, struct error *err)
{
    struct str twice, type = parameter(p, "response_type"), mode = parameter(p, "response_mode");
    q->state = parameter(p, "state");
    if (parameters_repeat(p, &twice))
        return error_set(err, ERROR_OAUTH_INVALID_REQUEST, "the parameter " FMT_STR " came more than once", ARG_STR(str_head_utf8(twice, 100)));
    if (!type.n)
        return error_set(err, ERROR_OAUTH_INVALID_REQUEST, "response_type is missing");
    if (!str_eq(type, STR("code")))
        return error_set(err, ERROR_OAUTH_UNSUPPORTED_RESPONSE_TYPE, "response_type must be code");
    if (mode.n && !str_eq(mode, STR("query")))
        return error_set(err, ERROR_OAUTH_INVALID_REQUEST, "response_mode must be query");
    return check_pkce(p, q, err) && oauth_scope_parse(parameter(p, "scope"), &q->rights, err);
}

/* ── back to the application ── */

static void add_answer(struct buf *location, const char *name, struct str value, bool *first)
{
    buf_add_byte(location, *first ? '?' : '&');
    buf_add_z(location, name);
    buf_add_byte(location, '=');
    page_add_encoded(location, value);
    *first = false;
}

/* Its own query stays as it is; iss tells it which server answered (RFC 9207). */
static void go_back(struct call *c, const struct question *q, const char *name, struct str value, struct str description)
{
    struct buf location = {0};
    bool first = !q->where.has_query;
    buf_add_str(&location, q->redirect_uri);
    if (q->where.has_query && !q->where.query.n)
        location.n--; /* the bare '?' */
    first |= q->where.has_query && !q->where.query.n;
    add_answer(&location, name, value, &first);
    if (description.n)
        add_answer(&location, "error_description", description, &first);
    if (q->state.n)
        add_answer(&location, "state", q->state, &first);
    add_answer(&location, "iss", oauth_issuer(c), &first);
    page_redirect(c, buf_ok(&location) ? arena_str(c->arena, buf_str(&location)) : STR_NONE);
    buf_free(&location);
}

static void go_back_with_error(struct call *c, const struct question *q, const struct error *err)
{
    struct buf description = {0};
    struct error failed;
    oauth_add_description(err, &description);
    if (buf_ok(&description)) {
        go_back(c, q, "error", str_from(oauth_error_word(err)), buf_str(&description));
    } else {
        error_no_memory(&failed);
        call_reply_error(c, &failed);
    }
    buf_free(&description);
}

/* False: answered. */
static bool read_question(struct call *c, struct parameters p, struct question *q)
{
    struct error err = {0};
    if (!check_client(c, p, q, &err)) {
        page_reply_error(c, "This cannot go on", &err);
        return false;
    }
    if (check_rest(p, q, &err))
        return true;
    go_back_with_error(c, q, &err);
    return false;
}

/* ── the page ── */

static void add_fact(struct buf *b, const char *name, struct str value)
{
    if (value.n)
        PAGE_ADD(b, CONSENT_FACT, {"name", str_from(name)}, {"value", value});
}

static void add_rights(struct buf *b, unsigned rights)
{
    static const struct {
        unsigned right;
        const char *text;
    } texts[] = {{KEY_READ, "read the datasets that you may read"},
                 {KEY_APPEND, "add, change and delete rows of the datasets that you may write"},
                 {KEY_REPLACE, "replace or empty the datasets that you may write"},
                 {KEY_METADATA, "change the descriptions and columns of the datasets that you may change"},
                 {KEY_MANAGE, "make, publish, share and delete datasets, as far as you may"}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (rights & texts[i].right)
            PAGE_ADD(b, CONSENT_RIGHT, {"right", str_from(texts[i].text)});
}

static void ask(struct call *c, struct parameters p, const struct question *q)
{
    char csrf[CSRF_LENGTH + 1] = "";
    struct buf b = {0};
    (void)gate_csrf(c->head, csrf); /* there is a session */
    page_add_who(c, &b, csrf, true);
    PAGE_ADD(&b, CONSENT_APP, {"app", q->app.name});
    add_fact(&b, "What it says of itself", q->app.description);
    add_fact(&b, "Its website", q->app.website);
    add_fact(&b, "You will be sent back to", q->where.origin);
    PAGE_ADD(&b, CONSENT_MAY, {"", STR_NONE});
    add_rights(&b, q->rights);
    PAGE_ADD(&b, CONSENT_FORM, {"csrf", str_from(csrf)});
    for (size_t i = 0; i < FIELDS; i++)
        if (parameter(p, fields[i]).n)
            PAGE_ADD(&b, HIDDEN, {"name", str_from(fields[i])}, {"value", parameter(p, fields[i])});
    PAGE_ADD(&b, CONSENT_END, {"", STR_NONE});
    /* Browsers hold a form's redirects against form-action too, and an application may send its users on to another of its hosts. */
    page_reply(c, 200, "Allow access?", &b, q->where.is_loopback ? "http:" : "https:");
}

static void run_oauth_authorize(struct call *c)
{
    struct question q = {0};
    struct parameters p = {c->query, c->n_query};
    if (!read_question(c, p, &q))
        return;
    if (c->principal.kind == PRINCIPAL_SESSION)
        ask(c, p, &q);
    else
        log_in_first(c);
}
const struct handler handler_oauth_authorize = {.body_max = 1 << 20, .run = run_oauth_authorize};

/* ── the decision ── */

static void decide(struct call *c, struct parameters p, const struct question *q)
{
    const struct consent consent = {c->principal.user.id, q->redirect_uri, q->challenge, q->rights};
    struct error err = {0};
    char code[SECRET_LENGTH + 1];
    if (!str_eq(parameter(p, "decision"), STR("allow"))) {
        error_set(&err, ERROR_OAUTH_ACCESS_DENIED, "the user said no");
        go_back_with_error(c, q, &err);
    } else if (catalog_issue_code(c->api->catalog, &c->actor, &q->app, &consent, code, &err)) {
        go_back(c, q, "code", str_from(code), STR_NONE);
        secret_wipe(code, sizeof code);
    } else {
        go_back_with_error(c, q, &err);
    }
}

static void run_oauth_decide(struct call *c)
{
    struct question q = {0};
    struct parameters p;
    struct error err = {0};
    if (!page_read_form(c, true, &p, &err))
        page_reply_error(c, "This cannot go on", &err);
    else if (read_question(c, p, &q))
        decide(c, p, &q);
}
const struct handler handler_oauth_decide = {.body_max = OAUTH_BODY_BYTES_MAX, .run = run_oauth_decide};
