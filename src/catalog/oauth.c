/* Grants, codes and tokens (oauth.h). Each function is one transaction. A refusal that must leave a mark, such as a code that
 * came twice, is told beside the transaction's own errors: the transaction is kept, then the caller hears the refusal. */
#include "catalog/oauth.h"

#include <stdio.h>

#include "base/clock.h"
#include "catalog/internal.h"
#include "catalog/pkce.h"

enum { DAY_SECONDS = 24 * 3600, SWEEP_MAX = 100, UNREDEEMED_KEPT_SECONDS = 3600 };

static int64_t now_s(void)
{
    return clock_wall_ms() / 1000;
}

/* ── scopes ── */

static const struct {
    const char *word;
    unsigned right;
} scopes[] = {{"read", KEY_READ}, {"append", KEY_APPEND}, {"replace", KEY_REPLACE}, {"metadata", KEY_METADATA}};
enum { SCOPES = sizeof scopes / sizeof *scopes };

static unsigned right_of(struct str word)
{
    for (size_t i = 0; i < SCOPES; i++)
        if (str_eq(word, str_from(scopes[i].word)))
            return scopes[i].right;
    return 0;
}

bool oauth_scope_parse(struct str text, unsigned *ret_rights, struct error *err)
{
    unsigned rights = 0;
    while (text.n) {
        struct str word;
        str_cut(text, ' ', &word, &text);
        unsigned right = right_of(word);
        if (word.n && !right)
            return error_set(err, ERROR_OAUTH_INVALID_SCOPE, "the scopes are read, append, replace and metadata; without any the application may do what its user may");
        rights |= right;
    }
    *ret_rights = rights ? rights : KEY_EVERYTHING;
    return true;
}

void oauth_scope_write(unsigned rights, struct buf *out)
{
    bool first = true;
    for (size_t i = 0; i < SCOPES && rights != KEY_EVERYTHING; i++) {
        if (!(rights & scopes[i].right))
            continue;
        if (!first)
            buf_add_byte(out, ' ');
        buf_add_z(out, scopes[i].word);
        first = false;
    }
}

/* ── secrets and rows ── */

struct hash_text {
    char hex[2 * SECRET_HASH_BYTES + 1];
};

static struct hash_text hash_of(struct str secret)
{
    unsigned char hash[SECRET_HASH_BYTES];
    struct hash_text ret = {0};
    secret_hash(secret, hash);
    hex_write(hash, ret.hex);
    return ret;
}

static bool fresh_secret(const char *prefix, char ret[SECRET_LENGTH + 1], struct hash_text *ret_hash, struct error *err)
{
    if (!secret_make(prefix, ret))
        return error_set(err, ERROR_STORE_UNAVAILABLE, "the system gives no random bytes");
    *ret_hash = hash_of(str_from(ret));
    return true;
}

struct consented {
    int64_t number, rights, code_ends_at, code_used, last_used_at;
    char app[APP_ID_LENGTH + 1], account[USER_ID_LENGTH + 1];
    bool app_disabled;
    struct str redirect_uri, challenge;                 /* in the arena */
    int64_t token_rights, token_ends_at, is_refresh, token_used; /* of the token that it was found by */
};

#define GRANT_COLUMNS "g.number, g.rights, g.code_ends_at, g.code_used, g.last_used_at, g.app, g.account, a.disabled, g.redirect_uri, g.challenge"
#define BY_CODE "SELECT " GRANT_COLUMNS ", 0, 0, 0, 0 FROM oauth_grant g JOIN app a ON a.id = g.app WHERE g.code_hash = ?1"
#define BY_TOKEN "SELECT " GRANT_COLUMNS ", t.rights, t.ends_at, t.is_refresh, t.used FROM oauth_token t JOIN oauth_grant g ON g.number = t.grant_number JOIN app a ON a.id = g.app WHERE t.hash = ?1"

static bool read_grant(struct sql_statement *q, struct arena *a, struct consented *ret, struct error *err)
{
    *ret = (struct consented){
        .number = sql_i64(q, 0), .rights = sql_i64(q, 1), .code_ends_at = sql_i64(q, 2), .code_used = sql_i64(q, 3), .last_used_at = sql_i64(q, 4),
        .app_disabled = sql_i64(q, 7) != 0, .token_rights = sql_i64(q, 10), .token_ends_at = sql_i64(q, 11), .is_refresh = sql_i64(q, 12), .token_used = sql_i64(q, 13),
    };
    snprintf(ret->app, sizeof ret->app, FMT_STR, ARG_STR(sql_text(q, 5)));
    snprintf(ret->account, sizeof ret->account, FMT_STR, ARG_STR(sql_text(q, 6)));
    ret->redirect_uri = arena_str(a, sql_text(q, 8));
    ret->challenge = arena_str(a, sql_text(q, 9));
    return (ret->redirect_uri.p && ret->challenge.p) || error_no_memory(err);
}

/* The caller holds what db needs. */
static bool find_grant(struct sql *db, const char *text, struct str secret, struct arena *a, struct consented *ret, bool *ret_found, struct error *err)
{
    struct hash_text hash = hash_of(secret);
    bool row = false;
    struct sql_statement *q = sql_cached(db, str_from(text), err);
    bool ok = q && sql_bind_text(db, q, 1, str_from(hash.hex), err) && db_step(db, q, &row, err) && (!row || read_grant(q, a, ret, err));
    if (q)
        sql_reset(q);
    *ret_found = ok && row;
    return ok;
}

/* Beside all writers, so that a flood of made-up secrets keeps no change waiting. Who finds it here looks again in his transaction. */
static bool is_known(struct catalog *c, const char *text, struct str secret, bool *ret, struct error *err)
{
    struct arena a = {0};
    struct consented g;
    pthread_mutex_lock(&c->lookups.lock);
    bool ok = find_grant(c->lookups.db, text, secret, &a, &g, ret, err);
    pthread_mutex_unlock(&c->lookups.lock);
    arena_free(&a);
    return ok;
}

static bool record(struct catalog *c, const struct actor *by, enum audit_action action, int64_t number, const char *app, const char *user, const char *why, struct error *err)
{
    char id[24], details[160];
    snprintf(id, sizeof id, "%lld", (long long)number);
    snprintf(details, sizeof details, "\"app\":\"%s\",\"user\":\"%s\",\"for\":\"%s\"", app, user, why);
    const struct audit_record r = {action, "consent", str_from(id), str_from(details)};
    return audit_add(c, by, &r, err);
}

static bool end_grant(struct catalog *c, const struct actor *by, const struct consented *g, const char *why, struct error *err)
{
    return db_run(c->writer, err, "DELETE FROM oauth_grant WHERE number = ?1", "i", g->number) && record(c, by, AUDIT_OAUTH_REVOKE, g->number, g->app, g->account, why, err);
}

#define CODE_UNKNOWN "the code is unknown, has expired or was given to another application"
#define REFRESH_UNKNOWN "the refresh token is unknown, has expired, was revoked or was given to another application"

/* The transaction is kept; the caller is told no. */
static bool refuse(struct error *refusal, const char *why)
{
    error_set(refusal, ERROR_OAUTH_INVALID_GRANT, "%s", why);
    return true;
}

static bool outcome(bool ok, const struct error *refusal, struct error *err)
{
    if (ok && refusal->code != ERROR_NONE) {
        *err = *refusal;
        return false;
    }
    return ok;
}

/* ── codes ── */

/* What nobody can use any more; a few at a time, with somebody's consent, which is rare. */
static bool sweep(struct catalog *c, int64_t now, struct error *err)
{
    return db_run(c->writer, err,
                  "DELETE FROM oauth_grant WHERE number IN (SELECT number FROM oauth_grant WHERE last_used_at < ?1 OR (code_used = 0 AND code_ends_at < ?2) LIMIT ?3)",
                  "iii", now - OAUTH_IDLE_SECONDS - DAY_SECONDS, now - UNREDEEMED_KEPT_SECONDS, (int64_t)SWEEP_MAX);
}

/* The oldest of one user and application, when there are as many as may be. */
static bool make_room(struct catalog *c, const struct actor *by, const struct app *app, const char *user, struct error *err)
{
    int64_t oldest = 0;
    if (!db_int(c->writer, err, &oldest, "SELECT number FROM oauth_grant WHERE account = ?1 AND app = ?2 ORDER BY number DESC LIMIT 1 OFFSET ?3", "tti", str_from(user), str_from(app->id),
                (int64_t)OAUTH_GRANTS_MAX - 1))
        return false;
    struct consented g = {.number = oldest};
    snprintf(g.app, sizeof g.app, "%s", app->id);
    snprintf(g.account, sizeof g.account, "%s", user);
    return !oldest || end_grant(c, by, &g, "too many consents", err);
}

static bool insert_grant(struct catalog *c, const struct actor *by, const struct app *app, const struct consent *consent, const struct hash_text *code, int64_t now, struct error *err)
{
    return make_room(c, by, app, consent->user, err) &&
           db_run(c->writer, err,
                  "INSERT INTO oauth_grant(app, account, rights, code_hash, code_ends_at, code_used, redirect_uri, challenge, created_at, last_used_at)"
                  " VALUES(?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, ?8, ?8)",
                  "ttititti", str_from(app->id), str_from(consent->user), (int64_t)consent->rights, str_from(code->hex), now + OAUTH_CODE_SECONDS, consent->redirect_uri,
                  consent->challenge.n ? consent->challenge : STR(""), now) &&
           record(c, by, AUDIT_OAUTH_CONSENT, sql_last_inserted(c->writer), app->id, consent->user, "code", err);
}

bool catalog_issue_code(struct catalog *c, const struct actor *by, const struct app *app, const struct consent *consent, char ret_code[SECRET_LENGTH + 1], struct error *err)
{
    struct hash_text hash;
    char code[SECRET_LENGTH + 1];
    int64_t now = now_s();
    if (!fresh_secret(SECRET_CODE, code, &hash, err) || !catalog_change_begin(c, err))
        return false;
    bool ok = catalog_change_end(c, sweep(c, now, err) && insert_grant(c, by, app, consent, &hash, now, err), err);
    if (ok)
        memcpy(ret_code, code, sizeof code);
    secret_wipe(code, sizeof code);
    return ok;
}

/* ── tokens ── */

static bool insert_token(struct catalog *c, int64_t grant, bool is_refresh, const struct hash_text *hash, unsigned rights, int64_t now, int64_t ends_at, struct error *err)
{
    return db_run(c->writer, err, "INSERT INTO oauth_token(hash, grant_number, is_refresh, used, rights, issued_at, ends_at) VALUES(?1, ?2, ?3, 0, ?4, ?5, ?6)", "tiiiii",
                  str_from(hash->hex), grant, (int64_t)is_refresh, (int64_t)rights, now, ends_at);
}

/* Access tokens that have ended, and the oldest beyond what is remembered of one grant. */
static bool forget_tokens(struct catalog *c, int64_t grant, int64_t now, struct error *err)
{
    return db_run(c->writer, err, "DELETE FROM oauth_token WHERE grant_number = ?1 AND is_refresh = 0 AND ends_at != 0 AND ends_at <= ?2", "ii", grant, now) &&
           db_run(c->writer, err, "DELETE FROM oauth_token WHERE rowid IN (SELECT rowid FROM oauth_token WHERE grant_number = ?1 ORDER BY rowid DESC LIMIT -1 OFFSET ?2)", "ii",
                  grant, (int64_t)OAUTH_TOKENS_MAX);
}

static bool make_tokens(struct catalog *c, const struct app *app, int64_t grant, unsigned rights, int64_t now, struct oauth_tokens *ret, struct error *err)
{
    struct hash_text access, refresh;
    int64_t lives = app->token_seconds;
    *ret = (struct oauth_tokens){.expires_in = lives, .rights = rights};
    if (!fresh_secret(SECRET_TOKEN, ret->access, &access, err) || !insert_token(c, grant, false, &access, rights, now, lives ? now + lives : 0, err))
        return false;
    if (lives && (!fresh_secret(SECRET_REFRESH, ret->refresh, &refresh, err) || !insert_token(c, grant, true, &refresh, rights, now, 0, err)))
        return false;
    return forget_tokens(c, grant, now, err) && db_run(c->writer, err, "UPDATE oauth_grant SET last_used_at = ?2 WHERE number = ?1", "ii", grant, now);
}

/* Enabled, or *ret false. */
static bool holder_of(struct catalog *c, const struct consented *g, struct user *ret, bool *ret_good, struct error *err)
{
    bool found = false;
    if (!catalog_user_by_id(c, g->account, ret, &found, err))
        return false;
    *ret_good = found && !ret->disabled && !g->app_disabled;
    return true;
}

/* RFC 7636 section 4.6; a verifier without a challenge is how a code that was stolen before PKCE came is slipped in (RFC 9700 section 4.8). */
static const char *pkce_refusal(const struct consented *g, struct str verifier)
{
    if (g->challenge.n && verifier.n == 0)
        return "code_verifier is missing: the code was asked for with a code_challenge";
    if (g->challenge.n == 0 && verifier.n)
        return "code_verifier was sent, but the code was asked for without a code_challenge";
    if (g->challenge.n && !pkce_matches(verifier, g->challenge))
        return "code_verifier is not what the code_challenge was made from";
    return NULL;
}

static bool redeem(struct catalog *c, const struct actor *by, const struct app *app, struct str code, struct str redirect_uri, struct str verifier, struct arena *a, struct oauth_tokens *ret, struct error *refusal,
                   struct error *err)
{
    struct consented g;
    struct user user;
    bool found, good;
    int64_t now = now_s();
    if (!find_grant(c->writer, BY_CODE, code, a, &g, &found, err))
        return false;
    if (!found || strcmp(g.app, app->id) != 0)
        return refuse(refusal, CODE_UNKNOWN);
    if (g.code_used)
        return end_grant(c, by, &g, "code used twice", err) && refuse(refusal, "the code was used before; the tokens that were made from it are revoked");
    if (now >= g.code_ends_at)
        return refuse(refusal, CODE_UNKNOWN);
    if (!str_eq(redirect_uri, g.redirect_uri))
        return refuse(refusal, "redirect_uri is not the one that the code was asked for with");
    const char *no = pkce_refusal(&g, verifier);
    if (no)
        return refuse(refusal, no);
    if (!holder_of(c, &g, &user, &good, err))
        return false;
    if (!good)
        return refuse(refusal, "the user who consented, or the application, is disabled");
    return db_run(c->writer, err, "UPDATE oauth_grant SET code_used = 1 WHERE number = ?1", "i", g.number) && make_tokens(c, app, g.number, (unsigned)g.rights, now, ret, err) &&
           record(c, by, AUDIT_OAUTH_TOKENS, g.number, g.app, g.account, "code", err);
}

bool catalog_redeem_code(struct catalog *c, const struct actor *by, const struct app *app, struct str code, struct str redirect_uri, struct str verifier, struct oauth_tokens *ret, struct error *err)
{
    struct arena a = {0};
    struct oauth_tokens tokens = {0};
    struct error refusal = {0};
    bool known = false;
    if (!is_known(c, BY_CODE, code, &known, err))
        return false;
    if (!known)
        return error_set(err, ERROR_OAUTH_INVALID_GRANT, CODE_UNKNOWN);
    if (!catalog_change_begin(c, err))
        return false;
    bool ok = catalog_change_end(c, redeem(c, by, app, code, redirect_uri, verifier, &a, &tokens, &refusal, err), err);
    ok = outcome(ok, &refusal, err);
    if (ok)
        *ret = tokens;
    secret_wipe(&tokens, sizeof tokens);
    arena_free(&a);
    return ok;
}

static bool is_idle(const struct consented *g, int64_t now)
{
    return now - g->last_used_at > OAUTH_IDLE_SECONDS;
}

/* Rotation (RFC 9700 section 4.14.2): whoever comes second with a refresh token, thief or robbed, ends the grant for both. */
static bool rotate(struct catalog *c, const struct actor *by, const struct app *app, struct str token, unsigned rights, struct arena *a, struct oauth_tokens *ret, struct error *refusal, struct error *err)
{
    struct consented g;
    struct user user;
    bool found, good;
    int64_t now = now_s();
    struct hash_text hash = hash_of(token);
    if (!find_grant(c->writer, BY_TOKEN, token, a, &g, &found, err))
        return false;
    if (!found || !g.is_refresh || strcmp(g.app, app->id) != 0 || is_idle(&g, now))
        return refuse(refusal, REFRESH_UNKNOWN);
    if (g.token_used)
        return end_grant(c, by, &g, "refresh token used twice", err) && refuse(refusal, "the refresh token was used before; all tokens of this consent are revoked");
    if (!holder_of(c, &g, &user, &good, err))
        return false;
    if (!good)
        return refuse(refusal, "the user who consented, or the application, is disabled");
    if (rights & ~(unsigned)g.rights) {
        error_set(refusal, ERROR_OAUTH_INVALID_SCOPE, "the scope asks for more than the user consented to");
        return true;
    }
    return db_run(c->writer, err, "UPDATE oauth_token SET used = 1 WHERE hash = ?1", "t", str_from(hash.hex)) &&
           make_tokens(c, app, g.number, rights ? rights : (unsigned)g.rights, now, ret, err) && record(c, by, AUDIT_OAUTH_TOKENS, g.number, g.app, g.account, "refresh token", err);
}

bool catalog_refresh_tokens(struct catalog *c, const struct actor *by, const struct app *app, struct str refresh, unsigned rights, struct oauth_tokens *ret, struct error *err)
{
    struct arena a = {0};
    struct oauth_tokens tokens = {0};
    struct error refusal = {0};
    bool known = false;
    if (!is_known(c, BY_TOKEN, refresh, &known, err))
        return false;
    if (!known)
        return error_set(err, ERROR_OAUTH_INVALID_GRANT, REFRESH_UNKNOWN);
    if (!catalog_change_begin(c, err))
        return false;
    bool ok = catalog_change_end(c, rotate(c, by, app, refresh, rights, &a, &tokens, &refusal, err), err);
    ok = outcome(ok, &refusal, err);
    if (ok)
        *ret = tokens;
    secret_wipe(&tokens, sizeof tokens);
    arena_free(&a);
    return ok;
}

bool catalog_revoke_token(struct catalog *c, const struct actor *by, const struct app *app, struct str token, bool *ret_found, struct error *err)
{
    struct arena a = {0};
    struct consented g;
    bool found = false;
    if (!is_known(c, BY_TOKEN, token, &found, err))
        return false;
    *ret_found = false;
    if (!found)
        return true;
    if (!catalog_change_begin(c, err))
        return false;
    bool ok = find_grant(c->writer, BY_TOKEN, token, &a, &g, &found, err);
    if (ok && found && app && strcmp(g.app, app->id) != 0)
        ok = error_set(err, ERROR_OAUTH_UNAUTHORIZED_CLIENT, "the token was given to another application");
    ok = ok && (!found || end_grant(c, by, &g, "revoked", err));
    ok = catalog_change_end(c, ok, err);
    if (ok)
        *ret_found = found;
    arena_free(&a);
    return ok;
}

/* Once a day a grant: the idle days are counted from it. A mark that could not be made is made with the next request. */
static void mark_used(struct catalog *c, const struct consented *g, int64_t now)
{
    struct error later;
    if (now - g->last_used_at < DAY_SECONDS || !catalog_change_begin(c, &later))
        return;
    bool ok = db_run(c->writer, &later, "UPDATE oauth_grant SET last_used_at = ?2 WHERE number = ?1", "ii", g->number, now);
    if (!catalog_change_end(c, ok, &later))
        return;
}

bool catalog_token_holder(struct catalog *c, struct str access, struct token_holder *ret, bool *ret_good, struct error *err)
{
    struct arena a = {0};
    struct consented g;
    struct user user;
    bool good = false;
    int64_t now = now_s();
    *ret_good = false;
    if (!secret_looks_like(access, SECRET_TOKEN))
        return true;
    pthread_mutex_lock(&c->lookups.lock);
    bool ok = find_grant(c->lookups.db, BY_TOKEN, access, &a, &g, &good, err);
    pthread_mutex_unlock(&c->lookups.lock);
    good = good && !g.is_refresh && (g.token_ends_at == 0 || now < g.token_ends_at) && !is_idle(&g, now);
    if (ok && good)
        ok = holder_of(c, &g, &user, &good, err);
    if (ok && good) {
        struct hash_text hash = hash_of(access);
        *ret = (struct token_holder){.user = user, .rights = (unsigned)g.token_rights};
        memcpy(ret->app, g.app, sizeof ret->app);
        memcpy(ret->id, hash.hex, sizeof ret->id - 1);
        *ret_good = true;
        mark_used(c, &g, now);
    }
    arena_free(&a);
    return ok;
}

/* ── for the user ── */

static bool read_listed(struct sql_statement *q, struct arena *a, struct oauth_grant *ret, struct error *err)
{
    *ret = (struct oauth_grant){.number = sql_i64(q, 0), .app_name = arena_str(a, sql_text(q, 1)), .rights = (unsigned)sql_i64(q, 2), .created_at = sql_i64(q, 3), .last_used_at = sql_i64(q, 4)};
    return ret->app_name.p || error_no_memory(err);
}

bool catalog_list_grants(struct catalog *c, const char *user, struct arena *a, struct oauth_grant **ret, size_t *ret_n, struct error *err)
{
    enum { SHOWN_MAX = 500 };
    static const char text[] = "SELECT g.number, a.name, g.rights, g.created_at, g.last_used_at FROM oauth_grant g JOIN app a ON a.id = g.app"
                               " WHERE g.account = ?1 AND g.code_used = 1 AND g.last_used_at >= ?2 ORDER BY g.number DESC LIMIT 500";
    struct oauth_grant *v = arena_alloc(a, SHOWN_MAX * sizeof *v);
    size_t n = 0;
    bool row = true;
    if (!v)
        return error_no_memory(err);
    pthread_mutex_lock(&c->lookups.lock);
    struct sql *db = c->lookups.db;
    struct sql_statement *q = sql_cached(db, str_from(text), err);
    bool ok = q && sql_bind_text(db, q, 1, str_from(user), err) && sql_bind_i64(db, q, 2, now_s() - OAUTH_IDLE_SECONDS, err);
    while (ok && n < SHOWN_MAX && (ok = db_step(db, q, &row, err)) && row) {
        ok = read_listed(q, a, &v[n], err);
        n += ok;
    }
    if (q)
        sql_reset(q);
    pthread_mutex_unlock(&c->lookups.lock);
    if (ok) {
        *ret = v;
        *ret_n = n;
    }
    return ok;
}

bool catalog_end_grant(struct catalog *c, const struct actor *by, const char *user, int64_t number, struct error *err)
{
    struct arena a = {0};
    struct consented g;
    bool found = false;
    if (!catalog_change_begin(c, err))
        return false;
    struct sql_statement *q = sql_cached(c->writer, STR("SELECT " GRANT_COLUMNS ", 0, 0, 0, 0 FROM oauth_grant g JOIN app a ON a.id = g.app WHERE g.number = ?1 AND g.account = ?2"), err);
    bool ok = q && sql_bind_i64(c->writer, q, 1, number, err) && sql_bind_text(c->writer, q, 2, str_from(user), err) && db_step(c->writer, q, &found, err) &&
              (found || error_set(err, ERROR_NOT_FOUND, "you have given no such consent")) && read_grant(q, &a, &g, err);
    if (q)
        sql_reset(q);
    ok = catalog_change_end(c, ok && end_grant(c, by, &g, "taken back", err), err);
    arena_free(&a);
    return ok;
}
