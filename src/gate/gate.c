/* Who is asking (docs/wire/authentication.md). What a caller may do is authorize.c. */
#include <sodium.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "catalog/keys.h"
#include "catalog/oauth.h"
#include "gate/internal.h"

struct gate {
    struct catalog *catalog;
    struct verdicts *verdicts;
    struct failures *failures;
    struct sessions *sessions;
    struct limits limits;
    bool app_tokens_are_strict;
};

struct gate *gate_new(struct catalog *catalog, struct error *err)
{
    struct gate *g = calloc(1, sizeof *g);
    if (!g) {
        error_no_memory(err);
        return NULL;
    }
    g->catalog = catalog;
    if ((g->verdicts = verdicts_new(err)) && (g->failures = failures_new(err)) && (g->sessions = sessions_new(err)) &&
        (g->limits.throttle = throttle_new(err)))
        return g;
    gate_free(g);
    return NULL;
}

void gate_free(struct gate *g)
{
    if (!g)
        return;
    sessions_free(g->sessions);
    throttle_free(g->limits.throttle);
    failures_free(g->failures);
    verdicts_free(g->verdicts);
    free(g);
}

/* What a request carries of who sent it. */
struct carried {
    size_t n_authorization;
    struct str authorization;
    bool misspelt_header;  /* Authentication: */
    bool token_in_query;   /* access_token= */
    struct str query_token; /* its value */
    struct str session;    /* the cookie's secret */
    bool wants_script;     /* JSONP */
    struct str app_token;
};

/* An unreadable query is not the gate's to refuse: the router does. */
static void look_at_query(const struct http_head *head, struct arena *a, struct carried *ret)
{
    struct http_parameter *v;
    struct error ignored;
    size_t n;
    if (head->query.n == 0 || !http_decode_query(head->query, a, &v, &n, &ignored))
        return;
    for (size_t i = 0; i < n; i++) {
        if (str_eq(v[i].name, STR("access_token"))) {
            ret->token_in_query = true;
            ret->query_token = v[i].value;
        } else if (str_eq(v[i].name, STR("$jsonp")) || str_eq(v[i].name, STR("jsonp")))
            ret->wants_script = true;
        else if (ret->app_token.n == 0 && (str_eq(v[i].name, STR("$$app_token")) || str_eq(v[i].name, STR("app_token"))))
            ret->app_token = v[i].value;
    }
}

static struct carried look(const struct http_head *head, struct arena *a)
{
    struct carried c = {.session = browser_session(head)};
    for (size_t i = 0; i < head->n_headers; i++) {
        const struct http_header *h = &head->headers[i];
        if (str_eq_fold(h->name, STR("Authorization"))) {
            c.n_authorization++;
            c.authorization = h->value;
        } else if (str_eq_fold(h->name, STR("Authentication"))) {
            c.misspelt_header = true;
        } else if (str_eq_fold(h->name, STR("X-App-Token"))) {
            c.app_token = h->value;
        }
    }
    look_at_query(head, a, &c);
    return c;
}

static bool wrong(struct error *err)
{
    return error_set(err, ERROR_CREDENTIALS_WRONG, "You attempted to authenticate but something went wrong: unknown user or wrong password");
}

/* The audit of failures: never what was typed, for a password typed into the wrong field is one of them. A flood does not
 * flood the log: the first ten of a row, then each time the count has doubled, and where the back-off begins. */
static void audit_failure(const char *what, const char *id, const char *peer, uint32_t n)
{
    bool told = n <= 10 || (n & (n - 1)) == 0 || n == FAILURES_FREE + 1;
    if (told)
        log_line(LOG_WARN, "log-in failed: %s%s from %s, %u in a row%s", what, id, peer, (unsigned)n, n > FAILURES_FREE ? "; further tries are delayed" : "");
}

static bool too_many(unsigned wait_s, struct error *err)
{
    error_set(err, ERROR_TOO_MANY_REQUESTS, "too many failed log-ins to this account or from this address: try again in %u s", wait_s);
    err->retry_after_s = wait_s;
    return false;
}

/* ASCII letters in lower case: what an unknown name is counted under. A known one is counted under its id. */
static struct str counted_as(const struct user *user, bool found, struct str name, struct arena *a)
{
    char *p = found ? NULL : arena_alloc(a, name.n + 1);
    if (!p)
        return str_from(user->id);
    for (size_t i = 0; i < name.n; i++)
        p[i] = name.p[i] >= 'A' && name.p[i] <= 'Z' ? (char)(name.p[i] + 32) : name.p[i];
    return str_make(p, name.n);
}

/* Slow, and under the back-off. */
static bool verify(struct gate *g, const struct basic *basic, const char *peer, struct arena *a, struct user *user, bool found, struct error *err)
{
    struct log_in_try try;
    unsigned wait_s;
    bool good = false;
    if (!found)
        *user = (struct user){0};
    if (!failures_begin(g->failures, counted_as(user, found, basic->name, a), peer, clock_mono_ms(), &try, &wait_s)) {
        metrics_add(METRIC_LOG_INS_DELAYED, 1);
        return too_many(wait_s, err);
    }
    bool ok = catalog_verify_password(g->catalog, basic->name, basic->password, user, &good, err);
    failures_end(g->failures, &try, !ok ? LOG_IN_UNDECIDED : good ? LOG_IN_GOOD : LOG_IN_WRONG, clock_mono_ms());
    metrics_add(good ? METRIC_LOG_INS_GOOD : METRIC_LOG_INS_WRONG, ok);
    if (ok && !good)
        audit_failure(found ? "user " : "no such user", user->id, peer, try.count);
    return ok && (good || wrong(err));
}

/* A wrong secret is counted as a wrong password is. A good one never waits: it is too long to be guessed, so nothing need slow
 * down who has it, whatever others do to the key or from his address. */
static bool refuse_key(struct gate *g, const struct key *key, const char *peer, struct error *err)
{
    struct log_in_try try;
    unsigned wait_s;
    if (!failures_begin(g->failures, str_from(key->id), peer, clock_mono_ms(), &try, &wait_s)) {
        metrics_add(METRIC_LOG_INS_DELAYED, 1);
        return too_many(wait_s, err);
    }
    failures_end(g->failures, &try, LOG_IN_WRONG, clock_mono_ms());
    metrics_add(METRIC_LOG_INS_WRONG, 1);
    audit_failure("API key ", key->id, peer, try.count);
    return wrong(err);
}

static bool key_is_dead(struct error *err)
{
    return error_set(err, ERROR_CREDENTIALS_WRONG, "You attempted to authenticate but something went wrong: the API key was deleted, has expired, or its user was disabled");
}

static struct principal principal_of_key(const struct key *key, const struct user *user)
{
    struct principal p = principal_of(PRINCIPAL_KEY, user, key->id);
    p.scope = key->scope;
    return p;
}

/* *ret_is_key false: the name is no key's. */
static bool check_key(struct gate *g, const struct basic *basic, const char *peer, bool *ret_is_key, struct principal *ret, struct error *err)
{
    enum key_verdict verdict;
    struct key key;
    struct user user;
    struct error later;
    if (!catalog_check_key(g->catalog, basic->name, basic->password, &verdict, &key, &user, err))
        return false;
    *ret_is_key = verdict != KEY_VERDICT_UNKNOWN;
    switch (verdict) {
    case KEY_VERDICT_UNKNOWN: return true;
    case KEY_VERDICT_WRONG: return refuse_key(g, &key, peer, err);
    case KEY_VERDICT_DEAD: return key_is_dead(err);
    case KEY_VERDICT_GOOD: break;
    }
    metrics_add(METRIC_LOG_INS_KEYS, 1);
    if (!catalog_key_used(g->catalog, &key, &later))
        log_line(LOG_WARN, "that API key %s was used is not noted: %s", key.id, later.message);
    *ret = principal_of_key(&key, &user);
    return true;
}

static bool check_basic(struct gate *g, struct str token, const char *peer, struct arena *a, struct principal *ret, struct error *err)
{
    struct basic basic;
    struct user user;
    bool found, is_key;
    if (!basic_parse(token, a, &basic))
        return error_set(err, ERROR_CREDENTIALS_WRONG, "the Basic credentials cannot be read: base64 of user:password in UTF-8 is expected (RFC 7617)");
    if (!check_key(g, &basic, peer, &is_key, ret, err))
        return false;
    if (is_key)
        return true;
    if (!catalog_user_by_name(g->catalog, basic.name, &user, &found, err))
        return false;
    if (found && !user.disabled && verdicts_has(g->verdicts, &user, basic.password, clock_mono_ms())) {
        metrics_add(METRIC_LOG_INS_REMEMBERED, 1);
        *ret = principal_of(PRINCIPAL_PASSWORD, &user, NULL);
        return true;
    }
    if (!verify(g, &basic, peer, a, &user, found, err))
        return false;
    verdicts_add(g->verdicts, &user, basic.password, clock_mono_ms());
    *ret = principal_of(PRINCIPAL_PASSWORD, &user, NULL);
    return true;
}

/* "OAuth T" is Socrata's, "Bearer T" RFC 6750's. */
static bool cut_token(struct str authorization, struct str *ret)
{
    struct str scheme;
    str_cut(str_trim(authorization), ' ', &scheme, ret);
    *ret = str_trim(*ret);
    return str_eq_fold(scheme, STR("OAuth")) || str_eq_fold(scheme, STR("Bearer"));
}

static bool check_token(struct gate *g, struct str token, struct principal *ret, struct error *err)
{
    struct token_holder holder;
    bool good;
    if (!catalog_token_holder(g->catalog, token, &holder, &good, err))
        return false;
    if (!good)
        return error_set(err, ERROR_CREDENTIALS_WRONG, "You attempted to authenticate but something went wrong: the token is unknown, expired or revoked");
    *ret = principal_of(PRINCIPAL_TOKEN, &holder.user, holder.id);
    ret->scope.rights = holder.rights;
    return true;
}

static bool check_authorization(struct gate *g, struct str value, const char *peer, struct arena *a, struct principal *ret, enum gate_challenge *ret_challenge, struct error *err)
{
    struct str scheme, token;
    *ret_challenge = CHALLENGE_BASIC;
    if (cut_token(value, &token)) {
        *ret_challenge = CHALLENGE_BEARER;
        return check_token(g, token, ret, err);
    }
    str_cut(str_trim(value), ' ', &scheme, &token);
    if (str_eq_fold(scheme, STR("Basic")))
        return check_basic(g, token, peer, a, ret, err);
    return error_set(err, ERROR_CREDENTIALS_WRONG, "the Authorization header must say Basic, OAuth or Bearer, then a blank, then the credentials");
}

/* A session that ended is as none: pages say so themselves, and everything else asks for credentials. */
static bool check_session(struct gate *g, struct str secret, struct principal *ret, struct error *err)
{
    struct session_found session;
    struct user user;
    bool found;
    if (!sessions_find(g->sessions, secret, clock_mono_ms(), &session))
        return true;
    if (!catalog_user_by_id(g->catalog, session.user, &user, &found, err))
        return false;
    if (!found || user.disabled || user.secret_version != session.secret_version)
        sessions_end(g->sessions, secret);
    else
        *ret = principal_of(PRINCIPAL_SESSION, &user, session.id);
    return true;
}

static bool revoke_exposed(struct gate *g, const struct http_head *head, struct str token)
{
    const struct actor by = {.user = "", .via = "plain HTTP", .request_id = str_from(head->request_id), .peer = head->peer};
    struct error why;
    bool found = false;
    if (token.n && !catalog_revoke_token(g->catalog, &by, NULL, token, &found, &why))
        log_line(LOG_ERROR, "a token came over plain HTTP from %s and could not be revoked: %s", head->peer, why.message);
    return found;
}

/* Whoever listens has it now. A password is its owner's to change; a token and a session end here. */
static bool exposed(struct gate *g, const struct carried *c, const struct http_head *head, struct error *err)
{
    struct str token;
    bool revoked = revoke_exposed(g, head, c->query_token);
    for (size_t i = 0; i < head->n_headers; i++)
        if (str_eq_fold(head->headers[i].name, STR("Authorization")) && cut_token(head->headers[i].value, &token))
            revoked |= revoke_exposed(g, head, token);
    sessions_end(g->sessions, c->session);
    if (revoked)
        return error_set(err, ERROR_PLAIN_HTTP, "a token was sent over plain HTTP: it was exposed and is revoked, with all of its consent; ask the user again, and use https");
    return error_set(err, ERROR_PLAIN_HTTP, "credentials were sent over plain HTTP and were not looked at: use https, and change the password, for it has been exposed");
}

static bool check_carried(struct gate *g, const struct carried *c, const struct http_head *head, struct arena *a, struct principal *who, enum gate_challenge *ret_challenge, struct error *err)
{
    *ret_challenge = CHALLENGE_BASIC;
    if (c->n_authorization)
        return check_authorization(g, c->authorization, head->peer, a, who, ret_challenge, err);
    if (c->misspelt_header)
        return error_set(err, ERROR_CREDENTIALS_WRONG, "the header is called Authorization, not Authentication: it was not read");
    if (c->token_in_query)
        return error_set(err, ERROR_CREDENTIALS_WRONG, "access_token in the query does not authenticate, because addresses are logged: send the header Authorization: OAuth TOKEN");
    return !c->session.n || browser_loads_for_another_site(head) || check_session(g, c->session, who, err);
}

bool gate_app(struct catalog *catalog, struct str token, struct arena *a, struct app *ret, bool *ret_is, struct error *err)
{
    *ret_is = false;
    if (token.n != APP_ID_LENGTH) /* its name finds it too */
        return true;
    if (!catalog_app(catalog, token, a, ret, ret_is, err))
        return false;
    *ret_is = *ret_is && !ret->disabled && str_eq(token, str_from(ret->id));
    return true;
}

static bool is_registered(struct gate *g, struct str token, struct arena *a, struct error *err)
{
    struct app app;
    bool is;
    return gate_app(g->catalog, token, a, &app, &is, err) &&
           (is || error_set(err, ERROR_PERMISSION_DENIED, "Invalid app_token specified: this server takes tokens of registered applications alone; send none, or register one"));
}

bool gate_check(struct gate *g, const struct http_head *head, struct arena *a, struct principal *ret, enum gate_challenge *ret_challenge, struct error *err)
{
    struct carried c = look(head, a);
    struct principal who = {.kind = PRINCIPAL_ANONYMOUS};
    bool tries = c.n_authorization || c.misspelt_header || c.token_in_query || c.session.n;
    *ret_challenge = CHALLENGE_NONE;
    if (tries && !head->secure)
        return exposed(g, &c, head, err);
    if (c.n_authorization > 1)
        return error_set(err, ERROR_BAD_REQUEST, "the request has %zu Authorization headers, one is allowed", c.n_authorization);
    /* Another site's script gets what anybody gets, whatever it sent (dev.socrata.com, "CORS & JSONP"). */
    if (!browser_is_foreign(head) && !c.wants_script && !check_carried(g, &c, head, a, &who, ret_challenge, err)) {
        if (err->code != ERROR_CREDENTIALS_WRONG || http_header(head, "X-Requested-With").p)
            *ret_challenge = CHALLENGE_NONE;
        return false;
    }
    *ret_challenge = CHALLENGE_NONE;
    if (g->app_tokens_are_strict && c.app_token.p && !is_registered(g, c.app_token, a, err))
        return false;
    if (c.app_token.n)
        catalog_record_app_token(g->catalog, c.app_token);
    *ret = who;
    ret->from_operator = head->from_operator;
    ret->app_token = c.app_token;
    return true;
}

struct actor gate_actor(const struct principal *p, const struct http_head *head)
{
    return (struct actor){
        .user = p->user.id, /* of zeros when anonymous */
        .via = p->via,
        .request_id = str_from(head->request_id),
        .peer = head->peer,
    };
}

void gate_be_strict_with_app_tokens(struct gate *g)
{
    g->app_tokens_are_strict = true;
}

void gate_set_throttle(struct gate *g, const struct throttle_policy policies[THROTTLE_KINDS])
{
    memcpy(g->limits.policies, policies, sizeof g->limits.policies);
}

bool gate_throttle(struct gate *g, struct http_exchange *x, const struct principal *p, struct error *err)
{
    return limits_charge(&g->limits, g->catalog, x, p, err);
}

bool gate_authenticate(struct gate *g, struct http_exchange *x, struct principal *ret, struct error *err)
{
    static const char *const challenges[] = {
        [CHALLENGE_BASIC] = "Basic realm=\"Seltzer\", charset=\"UTF-8\"",
        [CHALLENGE_BEARER] = "Bearer realm=\"Seltzer\", error=\"invalid_token\", error_description=\"the token is unknown, expired or revoked\"",
    };
    enum gate_challenge challenge;
    if (gate_check(g, x->head, x->arena, ret, &challenge, err))
        return true;
    if (err->code == ERROR_CREDENTIALS_WRONG && !limits_charge(&g->limits, g->catalog, x, &(struct principal){.kind = PRINCIPAL_ANONYMOUS}, err))
        return false;
    if (challenge != CHALLENGE_NONE)
        http_reply_header(x, "WWW-Authenticate", str_from(challenges[challenge]));
    return false;
}

static bool renew(struct gate *g, struct principal *p, struct error *err)
{
    struct user user;
    struct key key;
    bool found = false;
    if (!catalog_user_by_id(g->catalog, p->user.id, &user, &found, err))
        return false;
    if (!found || user.disabled)
        return error_set(err, ERROR_CREDENTIALS_WRONG, "the user was disabled while the request was under way; nothing was changed");
    if (p->kind == PRINCIPAL_PASSWORD && user.secret_version != p->user.secret_version)
        return error_set(err, ERROR_CREDENTIALS_WRONG, "the password was changed while the request was under way; nothing was changed");
    p->user = user;
    if (p->kind != PRINCIPAL_KEY)
        return true;
    if (!catalog_key(g->catalog, str_from(p->credential), &key, &found, err))
        return false;
    if (!found || !key_is_alive(&key, clock_wall_ms()))
        return error_set(err, ERROR_CREDENTIALS_WRONG, "the API key was deleted or has expired while the request was under way; nothing was changed");
    p->scope = key.scope;
    return true;
}

bool gate_still_good(struct gate *g, struct http_exchange *x, struct principal *p, struct error *err)
{
    struct principal now;
    if (principal_is_anonymous(p))
        return true;
    if (p->kind == PRINCIPAL_PASSWORD || p->kind == PRINCIPAL_KEY)
        return renew(g, p, err);
    if (!gate_authenticate(g, x, &now, err))
        return false;
    if (now.kind != p->kind)
        return error_set(err, ERROR_CREDENTIALS_WRONG, "the session ended while the request was under way; nothing was changed");
    *p = now;
    return true;
}

/* ── sessions ── */

bool gate_check_password(struct gate *g, struct str name, struct str password, const char *peer, struct arena *a, struct user *ret, struct error *err)
{
    const struct basic basic = {name, password};
    bool found;
    return catalog_user_by_name(g->catalog, name, ret, &found, err) && verify(g, &basic, peer, a, ret, found, err);
}

bool gate_log_in(struct gate *g, struct http_exchange *x, const struct user *user, struct error *err)
{
    char secret[SECRET_LENGTH + 1];
    sessions_end(g->sessions, browser_session(x->head));
    if (!secret_make(SECRET_SESSION, secret))
        return error_set(err, ERROR_STORE_UNAVAILABLE, "the system gives no random bytes");
    bool ok = browser_set_session(x, secret, err);
    if (ok)
        sessions_add(g->sessions, str_from(secret), user, clock_mono_ms());
    secret_wipe(secret, sizeof secret);
    return ok;
}

bool gate_log_out(struct gate *g, struct http_exchange *x, struct error *err)
{
    sessions_end(g->sessions, browser_session(x->head));
    return browser_drop_session(x, err);
}
