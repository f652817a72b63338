/* Logging in and out (log_in.h). */
#include "api/log_in.h"

#include "api/handlers.h"
#include "api/pages/page.h"
#include "api/view_json.h"

enum { RETURN_TO_BYTES_MAX = 8192 };

/* An address of this site, as a path: "//host" and "/\host" are other sites' to a browser. */
static bool is_here(struct str path)
{
    if (path.n == 0 || path.n > RETURN_TO_BYTES_MAX || path.p[0] != '/' || (path.n > 1 && path.p[1] == '/'))
        return false;
    for (size_t i = 0; i < path.n; i++)
        if (path.p[i] <= ' ' || path.p[i] > '~' || path.p[i] == '\\')
            return false;
    return true;
}

static struct str own_address(struct call *c)
{
    const struct http_head *h = c->head;
    return str_from(arena_printf(c->arena, FMT_STR "%s" FMT_STR, ARG_STR(h->path), h->query.n ? "?" : "", ARG_STR(h->query)));
}

static struct str where_to(struct str return_to)
{
    return is_here(return_to) ? return_to : STR("/profile/edit/developer_settings");
}

void log_in_first(struct call *c)
{
    struct buf location = {0};
    buf_add_z(&location, "/login?return_to=");
    page_add_encoded(&location, own_address(c));
    page_redirect(c, buf_ok(&location) ? arena_str(c->arena, buf_str(&location)) : STR_NONE);
    buf_free(&location);
}

void page_add_who(struct call *c, struct buf *b, const char *csrf, bool comes_back)
{
    PAGE_ADD(b, WHO, {"csrf", str_from(csrf)}, {"user", str_from(c->principal.user.name)}, {"return_to", comes_back ? own_address(c) : STR("")});
}

bool page_read_form(struct call *c, bool with_session, struct parameters *ret, struct error *err)
{
    if (!parameters_of_form(c, ret, err))
        return false;
    if (with_session && c->principal.kind != PRINCIPAL_SESSION)
        return error_set(err, ERROR_PERMISSION_DENIED, "You are not logged in any more, so nothing was done. Begin again where you came from.");
    return gate_csrf_is(c->head, parameter(*ret, "csrf")) ||
           error_set(err, ERROR_PERMISSION_DENIED, "This form was not sent by a page of this site, or the page is too old, so nothing was done. Go back, load it again, and allow its cookies.");
}

/* ── log in ── */

static void show_form(struct call *c, int status, struct str username, struct str return_to, const char *alert)
{
    struct buf b = {0};
    struct error err;
    char csrf[CSRF_LENGTH + 1];
    if (!gate_begin_form(c->x, csrf, &err)) {
        page_reply_error(c, "Log in", &err);
        return;
    }
    if (alert)
        PAGE_ADD(&b, ALERT, {"text", str_from(alert)});
    PAGE_ADD(&b, LOG_IN, {"csrf", str_from(csrf)}, {"return_to", return_to}, {"username", username});
    page_reply(c, status, "Log in", &b, NULL);
}

static void run_log_in_page(struct call *c)
{
    const struct parameters p = {c->query, c->n_query};
    show_form(c, 200, STR(""), parameter(p, "return_to"), NULL);
}
const struct handler handler_log_in_page = {.body_max = 1 << 20, .run = run_log_in_page};

/* A wrong password is 403 here: 401 would have to challenge, and the browser would put its own box over the page. */
static void refuse_log_in(struct call *c, struct parameters p, const struct error *err)
{
    bool wrong = err->code == ERROR_CREDENTIALS_WRONG;
    if (err->retry_after_s) {
        char *seconds = arena_printf(c->arena, "%u", (unsigned)err->retry_after_s);
        http_reply_header(c->x, "Retry-After", seconds ? str_from(seconds) : STR("60"));
    }
    show_form(c, wrong ? 403 : error_info(err->code)->status, parameter(p, "username"), parameter(p, "return_to"), wrong ? "The user name or the password is wrong." : err->message);
}

static bool check_password(struct call *c, struct parameters p, struct user *ret, struct error *err)
{
    return gate_check_password(c->api->gate, parameter(p, "username"), parameter(p, "password"), c->head->peer, c->arena, ret, err);
}

static void run_log_in(struct call *c)
{
    struct parameters p;
    struct error err = {0};
    struct user user;
    if (!page_read_form(c, false, &p, &err)) {
        page_reply_error(c, "Log in", &err);
    } else if (!check_password(c, p, &user, &err)) {
        refuse_log_in(c, p, &err);
    } else if (gate_log_in(c->api->gate, c->x, &user, &err)) {
        page_redirect(c, where_to(parameter(p, "return_to")));
    } else {
        page_reply_error(c, "Log in", &err);
    }
}
const struct handler handler_log_in = {.body_max = OAUTH_BODY_BYTES_MAX, .run = run_log_in};

/* ── log out ── */

static void run_log_out(struct call *c)
{
    struct parameters p;
    struct buf b = {0};
    struct error err = {0};
    if (!page_read_form(c, false, &p, &err) || !gate_log_out(c->api->gate, c->x, &err)) {
        page_reply_error(c, "Log out", &err);
    } else if (is_here(parameter(p, "return_to"))) {
        page_redirect(c, parameter(p, "return_to"));
    } else {
        PAGE_ADD(&b, LOGGED_OUT, {"", STR_NONE});
        page_reply(c, 200, "Log out", &b, NULL);
    }
}
const struct handler handler_log_out = {.body_max = OAUTH_BODY_BYTES_MAX, .run = run_log_out};

/* ── the way in for programs that keep cookies ── */

static bool is_of_another_site(const struct http_head *head)
{
    struct str site = http_header(head, "Sec-Fetch-Site");
    return (site.p && !str_eq(site, STR("same-origin")) && !str_eq(site, STR("none"))) || http_header(head, "Origin").p;
}

/* POST /api/authenticate with username and password: the session's cookies. A form of another site must not log its visitor in. */
static void run_authenticate(struct call *c)
{
    struct parameters p;
    struct error err = {0};
    struct user user;
    struct buf out = {0};
    bool ok = !is_of_another_site(c->head) || error_set(&err, ERROR_PERMISSION_DENIED, "pages of other sites cannot log anybody in");
    ok = ok && parameters_of_form(c, &p, &err) && check_password(c, p, &user, &err);
    if (ok) {
        buf_add_byte(&out, '{');
        view_write_user(&user, true, &out);
        buf_add_byte(&out, '}');
        ok = (buf_ok(&out) || error_no_memory(&err)) && gate_log_in(c->api->gate, c->x, &user, &err);
    }
    if (ok) {
        http_reply_header(c->x, "Cache-Control", STR("no-store"));
        call_reply_json(c, 200, buf_str(&out));
    } else {
        call_reply_error(c, &err);
    }
    buf_free(&out);
}
const struct handler handler_authenticate = {.body_max = OAUTH_BODY_BYTES_MAX, .run = run_authenticate};
