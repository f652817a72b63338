/* Pages from templates (page.h). */
#include "api/pages/page.h"

#include <assert.h>

#include "api/handlers.h"

static const char *const templates[PAGE_TEMPLATES] = {
#define X(name, ...) [PAGE_##name] = __VA_ARGS__,
#include "api/pages/templates.def"
#undef X
};

/* Good between tags and in quoted attributes. What is not UTF-8 becomes U+FFFD, so that no byte eats the one after it. */
static void add_escaped(struct buf *b, struct str value)
{
    struct buf clean = {0};
    buf_add_utf8(&clean, value);
    b->failed |= !buf_ok(&clean);
    for (size_t i = 0; buf_ok(&clean) && i < clean.n; i++)
        switch (clean.p[i]) {
        case '&': buf_add_z(b, "&amp;"); break;
        case '<': buf_add_z(b, "&lt;"); break;
        case '>': buf_add_z(b, "&gt;"); break;
        case '"': buf_add_z(b, "&quot;"); break;
        case '\'': buf_add_z(b, "&#39;"); break;
        default: buf_add_byte(b, clean.p[i]);
        }
    buf_free(&clean);
}

static struct str value_of(struct str name, const struct page_value *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(str_from(values[i].name), name))
            return values[i].value;
    assert(!"a hole without a value");
    return STR_NONE;
}

void page_add_values(struct buf *b, enum page_template which, const struct page_value *values, size_t n)
{
    struct str rest = str_from(templates[which]), text, name;
    while (str_cut(rest, '{', &text, &rest)) {
        buf_add_str(b, text);
        str_cut(rest, '}', &name, &rest);
        add_escaped(b, value_of(name, values, n));
    }
    buf_add_str(b, text);
}

/* ── replies ── */

static void add_headers(struct call *c, const char *form_also)
{
    char *policy = arena_printf(c->arena, "default-src 'none'; style-src 'self'; form-action 'self'%s%s; base-uri 'none'; frame-ancestors 'none'", form_also ? " " : "",
                                form_also ? form_also : "");
    http_reply_header(c->x, "Content-Type", STR("text/html; charset=utf-8"));
    http_reply_header(c->x, "Content-Security-Policy", policy ? str_from(policy) : STR("default-src 'none'; frame-ancestors 'none'"));
    http_reply_header(c->x, "X-Frame-Options", STR("DENY"));
    http_reply_header(c->x, "Referrer-Policy", STR("no-referrer"));
    http_reply_header(c->x, "Cache-Control", STR("no-store"));
}

void page_reply(struct call *c, int status, const char *title, struct buf *body, const char *form_also)
{
    struct error err = {0};
    struct buf whole = {0};
    PAGE_ADD(&whole, HEAD, {"title", str_from(title)});
    buf_add_str(&whole, buf_str(body));
    PAGE_ADD(&whole, FOOT, {"", STR_NONE});
    struct spool *spool = http_reply_body(c->x);
    bool ok = (buf_ok(body) && buf_ok(&whole)) || error_no_memory(&err);
    ok = ok && (!spool || spool_write(spool, whole.p, whole.n, &err));
    if (ok) {
        http_reply_status(c->x, status);
        add_headers(c, form_also);
        http_send(c->x);
    } else {
        call_reply_error(c, &err);
    }
    buf_free(&whole);
    buf_free(body);
}

void page_reply_error(struct call *c, const char *title, const struct error *err)
{
    struct buf body = {0};
    PAGE_ADD(&body, ALERT, {"text", str_from(err->message)});
    page_reply(c, error_info(err->code)->status, title, &body, NULL);
}

void page_redirect(struct call *c, struct str location)
{
    bool reads = c->head->method == HTTP_GET || c->head->method == HTTP_HEAD;
    struct error err;
    if (!location.p) {
        error_no_memory(&err);
        call_reply_error(c, &err);
        return;
    }
    http_reply_status(c->x, reads ? 302 : 303);
    http_reply_header(c->x, "Location", location);
    http_reply_header(c->x, "Referrer-Policy", STR("no-referrer"));
    http_reply_header(c->x, "Cache-Control", STR("no-store"));
    http_send(c->x);
}

void page_add_encoded(struct buf *b, struct str value)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~') {
            buf_add_byte(b, (char)c);
        } else {
            const char text[3] = {'%', hex[c >> 4], hex[c & 15]};
            buf_add(b, text, sizeof text);
        }
    }
}

/* ── the style sheet ── */

static const char style[] =
    ":root{color-scheme:light dark;--ground:#fff;--text:#1b1b1f;--soft:#5c5c66;--line:#c9c9d1;--accent:#0b57a4;--on-accent:#fff;--alert:#8c1d18;--box:#f5f5f8}\n"
    "@media (prefers-color-scheme:dark){:root{--ground:#17171a;--text:#ececf1;--soft:#a9a9b5;--line:#46464f;--accent:#8ec2ff;--on-accent:#10202f;--alert:#ffb4ab;--box:#222227}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--ground);color:var(--text);font:1rem/1.5 system-ui,sans-serif}\n"
    "main{max-width:34rem;margin:0 auto;padding:2.5rem 1.25rem 4rem;overflow-wrap:anywhere}\n"
    "h1{font-size:1.6rem;line-height:1.25}\nh2{font-size:1.2rem;margin:2rem 0 .5rem}\nh3{font-size:1.05rem;margin:0 0 .5rem}\n"
    "a{color:var(--accent)}\ncode{font:.95em ui-monospace,monospace}\n"
    "label{display:block;margin:1rem 0 .25rem;font-weight:600}\nlabel.beside{display:inline;font-weight:400}\n"
    "input:not([type=checkbox]):not([type=hidden]),textarea{width:100%;padding:.6rem;border:1px solid var(--soft);border-radius:.35rem;background:var(--ground);color:inherit;font:inherit}\n"
    "button{padding:.6rem 1.2rem;border:1px solid var(--accent);border-radius:.35rem;background:var(--accent);color:var(--on-accent);font:inherit;font-weight:600;cursor:pointer}\n"
    "button.plain{background:transparent;color:var(--accent)}\n"
    ":focus-visible{outline:3px solid var(--accent);outline-offset:2px}\n"
    ".alert{padding:.75rem 1rem;border:1px solid var(--alert);border-left-width:.35rem;border-radius:.35rem;color:var(--alert)}\n"
    ".help,dt{color:var(--soft);font-size:.9rem}\n.help{margin:.25rem 0 0}\n"
    "dl{margin:0}\ndd{margin:0 0 .6rem}\n"
    ".who{display:flex;gap:1rem;align-items:center;justify-content:space-between;padding-bottom:1rem;border-bottom:1px solid var(--line)}\n"
    ".choice{display:flex;gap:1rem}\n.choice button{flex:1}\n.inline{display:inline-block;margin:0 .5rem .25rem 0}\n"
    "section{margin:1rem 0;padding:1rem;border:1px solid var(--line);border-radius:.5rem;background:var(--box)}\n.secret{border-color:var(--accent)}\n.secret h2{margin-top:0}\n";

static void run_page_style(struct call *c)
{
    struct error err;
    struct spool *spool = http_reply_body(c->x);
    if (spool && !spool_write(spool, style, sizeof style - 1, &err)) {
        call_reply_error(c, &err);
        return;
    }
    http_reply_header(c->x, "Content-Type", STR("text/css; charset=utf-8"));
    http_reply_header(c->x, "Cache-Control", STR("max-age=3600"));
    http_send(c->x);
}
const struct handler handler_page_style = {.body_max = 1 << 20, .run = run_page_style};
