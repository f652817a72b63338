/* Who is asking (docs/wire/authentication.md). What a caller may do is authorize.c. */
#include <sodium.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "gate/internal.h"

struct gate {
    struct catalog *catalog;
    struct verdicts *verdicts;
    struct failures *failures;
};

struct gate *gate_new(struct catalog *catalog, struct error *err)
{
    struct gate *g = calloc(1, sizeof *g);
    if (!g) {
        error_no_memory(err);
        return NULL;
    }
    g->catalog = catalog;
    if ((g->verdicts = verdicts_new(err)) && (g->failures = failures_new(err)))
        return g;
    gate_free(g);
    return NULL;
}

void gate_free(struct gate *g)
{
    if (!g)
        return;
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
        if (str_eq(v[i].name, STR("access_token")))
            ret->token_in_query = true;
        else if (ret->app_token.n == 0 && (str_eq(v[i].name, STR("$$app_token")) || str_eq(v[i].name, STR("app_token"))))
            ret->app_token = v[i].value;
    }
}

static struct carried look(const struct http_head *head, struct arena *a)
{
    struct carried c = {0};
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
static void audit_failure(const struct user *user, bool found, const char *peer, uint32_t n)
{
    bool told = n <= 10 || (n & (n - 1)) == 0 || n == FAILURES_FREE + 1;
    if (told)
        log_line(LOG_WARN, "log-in failed: %s%s from %s, %u in a row%s", found ? "user " : "no such user", found ? user->id : "", peer, (unsigned)n,
                 n > FAILURES_FREE ? "; further tries are delayed" : "");
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
        audit_failure(user, found, peer, try.count);
    return ok && (good || wrong(err));
}

static bool check_basic(struct gate *g, struct str token, const char *peer, struct arena *a, struct principal *ret, struct error *err)
{
    struct basic basic;
    struct user user;
    bool found;
    if (!basic_parse(token, a, &basic))
        return error_set(err, ERROR_CREDENTIALS_WRONG, "the Basic credentials cannot be read: base64 of user:password in UTF-8 is expected (RFC 7617)");
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

static bool check_authorization(struct gate *g, struct str value, const char *peer, struct arena *a, struct principal *ret, struct error *err)
{
    struct str scheme, token;
    value = str_trim(value);
    str_cut(value, ' ', &scheme, &token);
    if (str_eq_fold(scheme, STR("Basic")))
        return check_basic(g, token, peer, a, ret, err);
    if (str_eq_fold(scheme, STR("OAuth")) || str_eq_fold(scheme, STR("Bearer")))
        return error_set(err, ERROR_CREDENTIALS_WRONG, "You attempted to authenticate but something went wrong: the token is unknown, expired or revoked");
    return error_set(err, ERROR_CREDENTIALS_WRONG, "the Authorization header must say Basic, OAuth or Bearer, then a blank, then the credentials");
}

bool gate_check(struct gate *g, const struct http_head *head, struct arena *a, struct principal *ret, bool *ret_challenge, struct error *err)
{
    struct carried c = look(head, a);
    struct principal who = {.kind = PRINCIPAL_ANONYMOUS};
    bool tries = c.n_authorization || c.misspelt_header || c.token_in_query;
    *ret_challenge = false;
    if (tries && !head->secure)
        return error_set(err, ERROR_PLAIN_HTTP, "credentials were sent over plain HTTP and were not looked at: use https, and change the password, for it has been exposed");
    if (c.n_authorization > 1)
        return error_set(err, ERROR_BAD_REQUEST, "the request has %zu Authorization headers, one is allowed", c.n_authorization);
    bool ok = true;
    if (c.n_authorization)
        ok = check_authorization(g, c.authorization, head->peer, a, &who, err);
    else if (c.misspelt_header)
        ok = error_set(err, ERROR_CREDENTIALS_WRONG, "the header is called Authorization, not Authentication: it was not read");
    else if (c.token_in_query)
        ok = error_set(err, ERROR_CREDENTIALS_WRONG, "access_token in the query does not authenticate, because addresses are logged: send the header Authorization: OAuth TOKEN");
    if (!ok) {
        *ret_challenge = err->code == ERROR_CREDENTIALS_WRONG && !http_header(head, "X-Requested-With").p;
        return false;
    }
    if (c.app_token.n)
        catalog_record_app_token(g->catalog, c.app_token);
    *ret = who;
    ret->from_operator = head->from_operator;
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

bool gate_authenticate(struct gate *g, struct http_exchange *x, struct principal *ret, struct error *err)
{
    bool challenge;
    if (gate_check(g, x->head, x->arena, ret, &challenge, err))
        return true;
    if (challenge)
        http_reply_header(x, "WWW-Authenticate", STR("Basic realm=\"Seltzer\", charset=\"UTF-8\""));
    return false;
}
