/* What only browsers send: cookies, and from which page a request comes (docs/wire/authentication.md, "Sessions"). */
#include <sodium.h>

#include "gate/internal.h"

/* The cookie of that name. One that comes twice, as when a neighbouring site planted another, is none. */
static struct str cookie(const struct http_head *head, struct str name)
{
    struct str found = STR_NONE;
    unsigned n = 0;
    for (size_t i = 0; i < head->n_headers; i++) {
        if (!str_eq_fold(head->headers[i].name, STR("Cookie")))
            continue;
        struct str rest = head->headers[i].value;
        while (rest.n) {
            struct str pair, key, value;
            str_cut(rest, ';', &pair, &rest);
            if (!str_cut(str_trim(pair), '=', &key, &value) || !str_eq(key, name))
                continue;
            found = value;
            n++;
        }
    }
    return n == 1 ? found : STR_NONE;
}

struct str browser_session(const struct http_head *head)
{
    return cookie(head, STR(SESSION_COOKIE));
}

/* Of which host does an address like Origin's speak? The scheme's own port is left out, as browsers do. */
static bool is_own(const struct http_head *head, struct str origin)
{
    struct str host = http_header(head, "Host");
    if (!str_starts(origin, STR("https://")) || host.n == 0)
        return false;
    if (str_ends(host, STR(":443")))
        host.n -= 4;
    return str_eq_fold(str_skip(origin, 8), host);
}

/* "null" is what a page with Referrer-Policy: no-referrer sends, and a sandboxed one of anybody's: Sec-Fetch-Site tells them apart. */
bool browser_is_foreign(const struct http_head *head)
{
    struct str origin = http_header(head, "Origin"), site = http_header(head, "Sec-Fetch-Site");
    if (!origin.p || is_own(head, origin))
        return false;
    return !(str_eq(origin, STR("null")) && str_eq(site, STR("same-origin")));
}

/* A link on another site may lead here; what another site loads by itself (a script, a picture) comes without its user. */
bool browser_loads_for_another_site(const struct http_head *head)
{
    struct str site = http_header(head, "Sec-Fetch-Site"), mode = http_header(head, "Sec-Fetch-Mode");
    return (str_eq(site, STR("cross-site")) || str_eq(site, STR("same-site"))) && !str_eq(mode, STR("navigate"));
}

/* ── against forms of other sites ── */

static void csrf_of(struct str secret, char ret[CSRF_LENGTH + 1])
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const unsigned char *)"csrf of ", 8);
    crypto_hash_sha256_update(&state, (const unsigned char *)secret.p, secret.n);
    crypto_hash_sha256_final(&state, hash);
    sodium_bin2base64(ret, CSRF_LENGTH + 1, hash, sizeof hash, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

_Static_assert(CSRF_LENGTH == 43, "base64 of a SHA-256");

bool gate_csrf(const struct http_head *head, char ret[CSRF_LENGTH + 1])
{
    struct str secret = browser_session(head);
    if (!secret.n)
        secret = cookie(head, STR(FORM_COOKIE));
    if (!secret_looks_like(secret, SECRET_SESSION))
        return false;
    csrf_of(secret, ret);
    return true;
}

bool gate_csrf_is(const struct http_head *head, struct str token)
{
    char expected[CSRF_LENGTH + 1];
    struct str site = http_header(head, "Sec-Fetch-Site");
    if (browser_is_foreign(head) || (site.p && !str_eq(site, STR("same-origin"))))
        return false;
    return gate_csrf(head, expected) && token.n == CSRF_LENGTH && sodium_memcmp(expected, token.p, CSRF_LENGTH) == 0;
}

bool gate_check_csrf(const struct principal *p, const struct http_head *head, struct error *err)
{
    bool reads = head->method == HTTP_GET || head->method == HTTP_HEAD || head->method == HTTP_OPTIONS;
    if (reads || p->kind != PRINCIPAL_SESSION || gate_csrf_is(head, http_header(head, "X-CSRF-Token")))
        return true;
    return error_set(err, ERROR_PERMISSION_DENIED, "a write in a log-in session must come from a page of this site and repeat the cookie socrata-csrf-token in the header X-CSRF-Token");
}

/* ── cookies to set ── */

static bool set_cookie(struct http_exchange *x, const char *name, const char *value, const char *attributes, struct error *err)
{
    char *text = arena_printf(x->arena, "%s=%s; Path=/; Secure; SameSite=Lax%s", name, value, attributes);
    if (!text)
        return error_no_memory(err);
    http_reply_header(x, "Set-Cookie", str_from(text));
    return true;
}

bool browser_set_session(struct http_exchange *x, const char *secret, struct error *err)
{
    char csrf[CSRF_LENGTH + 1];
    csrf_of(str_from(secret), csrf);
    return set_cookie(x, SESSION_COOKIE, secret, "; HttpOnly", err) && set_cookie(x, CSRF_COOKIE, csrf, "", err);
}

bool browser_drop_session(struct http_exchange *x, struct error *err)
{
    return set_cookie(x, SESSION_COOKIE, "", "; HttpOnly; Max-Age=0", err) && set_cookie(x, CSRF_COOKIE, "", "; Max-Age=0", err);
}

bool gate_begin_form(struct http_exchange *x, char ret[CSRF_LENGTH + 1], struct error *err)
{
    char secret[SECRET_LENGTH + 1];
    if (gate_csrf(x->head, ret))
        return true;
    if (!secret_make(SECRET_SESSION, secret))
        return error_set(err, ERROR_STORE_UNAVAILABLE, "the system gives no random bytes");
    csrf_of(str_from(secret), ret);
    return set_cookie(x, FORM_COOKIE, secret, "; HttpOnly", err);
}
