/* Registered applications (apps.h). */
#include "catalog/apps.h"

#include <sodium.h>
#include <stdio.h>

#include "base/clock.h"
#include "catalog/internal.h"
#include "catalog/redirect_uri.h"

/* ── reading ── */

/* As it is kept. What an administrator did the owner cannot undo. */
enum { ENABLED = 0, DISABLED = 1, DISABLED_BY_OWNER = 2 };

#define APP_COLUMNS "id, owner, name, description, website, redirect_uris, callback_prefix, is_public, disabled, secret_hash, token_seconds, requests_per_s, burst, created_at"

static bool take_text(struct sql_statement *q, int column, struct arena *a, struct str *ret, struct error *err)
{
    *ret = arena_str(a, sql_text(q, column));
    return ret->p || error_no_memory(err);
}

static bool read_app(struct sql_statement *q, struct arena *a, struct app *ret, struct error *err)
{
    struct str hash = sql_text(q, 9);
    *ret = (struct app){
        .is_public = sql_i64(q, 7) != 0,
        .disabled = sql_i64(q, 8) != ENABLED,
        .disabled_by_owner = sql_i64(q, 8) == DISABLED_BY_OWNER,
        .token_seconds = sql_i64(q, 10),
        .requests_per_s = sql_i64(q, 11),
        .burst = sql_i64(q, 12),
        .created_at = sql_i64(q, 13),
    };
    snprintf(ret->id, sizeof ret->id, FMT_STR, ARG_STR(sql_text(q, 0)));
    snprintf(ret->owner, sizeof ret->owner, FMT_STR, ARG_STR(sql_text(q, 1)));
    if (hash.n && !hex_read(hash, ret->secret_hash, sizeof ret->secret_hash))
        return error_set(err, ERROR_STORE_UNAVAILABLE, "catalog.db: the hash of application %s's secret cannot be read", ret->id);
    return take_text(q, 2, a, &ret->name, err) && take_text(q, 3, a, &ret->description, err) && take_text(q, 4, a, &ret->website, err) &&
           take_text(q, 5, a, &ret->redirect_uris, err) && take_text(q, 6, a, &ret->callback_prefix, err);
}

bool catalog_app(struct catalog *c, struct str id_or_name, struct arena *a, struct app *ret, bool *ret_found, struct error *err)
{
    struct str folded;
    bool row = false;
    if (id_or_name.n == 0 || id_or_name.n > APP_NAME_BYTES_MAX || memchr(id_or_name.p, 0, id_or_name.n) || !str_is_utf8(id_or_name, NULL)) {
        *ret_found = false;
        return true;
    }
    if (!text_fold(a, id_or_name, &folded, err))
        return false;
    pthread_mutex_lock(&c->lookups.lock);
    struct sql_statement *q = sql_cached(c->lookups.db, STR("SELECT " APP_COLUMNS " FROM app WHERE id = ?1 OR folded = ?2 ORDER BY id = ?1 DESC LIMIT 1"), err);
    bool ok = q && sql_bind_text(c->lookups.db, q, 1, id_or_name, err) && sql_bind_text(c->lookups.db, q, 2, folded, err) && db_step(c->lookups.db, q, &row, err);
    if (ok && row)
        ok = read_app(q, a, ret, err);
    if (q)
        sql_reset(q);
    pthread_mutex_unlock(&c->lookups.lock);
    *ret_found = ok && row;
    return ok;
}

/* Room for one more. */
static bool grow(struct arena *a, struct app **v, size_t n, size_t *cap, struct error *err)
{
    if (*v && n < *cap)
        return true;
    size_t next = *cap ? *cap * 2 : 16;
    struct app *p = arena_grow(a, *v, *cap * sizeof **v, next * sizeof **v);
    if (!p) {
        error_no_memory(err);
        return false;
    }
    *v = p;
    *cap = next;
    return true;
}

bool catalog_list_apps(struct catalog *c, const char *owner, struct arena *a, struct app **ret, size_t *ret_n, struct error *err)
{
    struct app *v = NULL;
    size_t n = 0, cap = 0;
    bool row = true;
    pthread_mutex_lock(&c->lookups.lock);
    struct sql_statement *q = sql_cached(c->lookups.db, STR("SELECT " APP_COLUMNS " FROM app WHERE ?1 IS NULL OR owner = ?1 ORDER BY created_at, rowid"), err);
    bool ok = q && sql_bind_text(c->lookups.db, q, 1, owner ? str_from(owner) : STR_NONE, err);
    while (ok && (ok = db_step(c->lookups.db, q, &row, err)) && row) {
        ok = grow(a, &v, n, &cap, err) && read_app(q, a, &v[n], err);
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

/* ── what is taken ── */

/* Who decides about the application reads it on a page, and an administrator on a terminal (but: what a text area may hold beside). */
static bool check_shown(const char *what, struct str text, const char *but, struct error *err)
{
    return !text_has_control(text, but) || error_set(err, ERROR_BAD_REQUEST, "the %s must not hold control characters, nor what turns the way of writing", what);
}

static bool check_text(const char *what, struct str text, const char *but, struct error *err)
{
    if (text.n > APP_TEXT_BYTES_MAX)
        return error_set(err, ERROR_BAD_REQUEST, "the %s has %zu bytes, at most %d are taken", what, text.n, APP_TEXT_BYTES_MAX);
    if (!str_is_utf8(text, NULL) || (text.n && memchr(text.p, 0, text.n)))
        return error_set(err, ERROR_BAD_REQUEST, "the %s is not UTF-8 text", what);
    return check_shown(what, text, but, err);
}

static bool check_website(struct str website, struct error *err)
{
    if (website.n && !str_starts(website, STR("https://")) && !str_starts(website, STR("http://")))
        return error_set(err, ERROR_BAD_REQUEST, "the website must begin with https:// or http://");
    return check_text("website", website, "", err);
}

/* The lines that say something, each checked, joined by single line feeds. */
static bool check_redirect_uris(struct str text, struct arena *a, struct str *ret, struct error *err)
{
    struct buf b = {0};
    size_t n = 0;
    bool ok = true;
    while (ok && text.n) {
        struct redirect_uri u;
        struct str line;
        str_cut(text, '\n', &line, &text);
        line = str_trim(line);
        if (line.n == 0)
            continue;
        ok = redirect_uri_parse(line, &u, err) && (++n <= APP_REDIRECT_URIS_MAX || error_set(err, ERROR_BAD_REQUEST, "more than %d redirect URIs", APP_REDIRECT_URIS_MAX));
        if (b.n)
            buf_add_byte(&b, '\n');
        buf_add_str(&b, line);
    }
    ok = ok && (buf_ok(&b) || error_no_memory(err));
    if (ok) {
        *ret = arena_str(a, b.n ? buf_str(&b) : STR(""));
        ok = ret->p || error_no_memory(err);
    }
    buf_free(&b);
    return ok;
}

static bool check_addresses(const struct app_spec *spec, struct arena *a, struct app *app, struct error *err)
{
    struct str prefix = str_trim(spec->callback_prefix);
    if (!check_redirect_uris(spec->redirect_uris, a, &app->redirect_uris, err) || (prefix.n && !redirect_uri_check_prefix(prefix, err)))
        return false;
    app->callback_prefix = arena_str(a, prefix.n ? prefix : STR(""));
    if (!app->callback_prefix.p)
        return error_no_memory(err);
    if (prefix.n && app->redirect_uris.n)
        return error_set(err, ERROR_BAD_REQUEST, "give redirect URIs, which are compared exactly, or a callback prefix, not both");
    if (prefix.n && app->is_public)
        return error_set(err, ERROR_BAD_REQUEST, "a public application needs full redirect URIs: it has no secret, so where its codes go is all that tells it from another");
    return true;
}

static bool check_numbers(const struct app_spec *spec, struct app *app, struct error *err)
{
    app->token_seconds = spec->token_seconds >= 0 ? spec->token_seconds : app->is_public ? APP_TOKEN_SECONDS_PUBLIC : 0;
    if (app->token_seconds != 0 && (app->token_seconds < APP_TOKEN_SECONDS_MIN || app->token_seconds > APP_TOKEN_SECONDS_MAX))
        return error_set(err, ERROR_BAD_REQUEST, "an access token lives %d to %d seconds, or 0 for no end", APP_TOKEN_SECONDS_MIN, APP_TOKEN_SECONDS_MAX);
    app->requests_per_s = spec->requests_per_s < 0 ? -1 : spec->requests_per_s;
    app->burst = spec->burst < 0 ? -1 : spec->burst;
    return true;
}

/* Shown on the page where a user decides: it must not look like another's. */
static bool check_spec(const struct app_spec *spec, struct arena *a, struct app *app, struct str *ret_folded, struct error *err)
{
    app->is_public = spec->is_public;
    app->description = arena_str(a, spec->description.n ? spec->description : STR(""));
    app->website = arena_str(a, spec->website.n ? str_trim(spec->website) : STR(""));
    if (!app->description.p || !app->website.p)
        return error_no_memory(err);
    snprintf(app->owner, sizeof app->owner, "%s", spec->owner ? spec->owner : "");
    return name_display(a, "an application's name", spec->name, APP_NAME_BYTES_MAX, &app->name, err) && check_shown("name", app->name, "", err) && text_fold(a, app->name, ret_folded, err) &&
           check_text("description", app->description, "\t\r\n", err) && check_website(app->website, err) && check_addresses(spec, a, app, err) &&
           check_numbers(spec, app, err);
}

/* ── changes ── */

static bool record(struct catalog *c, const struct actor *by, enum audit_action action, const char *id, struct str details, struct error *err)
{
    const struct audit_record r = {action, "app", str_from(id), details};
    return audit_add(c, by, &r, err);
}

static bool record_new(struct catalog *c, const struct actor *by, const struct app *app, struct error *err)
{
    struct buf b = {0};
    buf_add_z(&b, "\"name\":");
    buf_add_json(&b, app->name);
    buf_printf(&b, ",\"public\":%s,\"redirect_uris\":", app->is_public ? "true" : "false");
    buf_add_json(&b, app->redirect_uris);
    buf_add_z(&b, ",\"callback_prefix\":");
    buf_add_json(&b, app->callback_prefix);
    buf_add_z(&b, ",\"owner\":");
    buf_add_json(&b, str_from(app->owner));
    buf_printf(&b, ",\"token_seconds\":%lld,\"requests_per_s\":%lld,\"burst\":%lld", (long long)app->token_seconds, (long long)app->requests_per_s, (long long)app->burst);
    bool ok = (buf_ok(&b) || error_no_memory(err)) && record(c, by, AUDIT_APP_CREATE, app->id, buf_str(&b), err);
    buf_free(&b);
    return ok;
}

static bool make_secret(char ret[SECRET_LENGTH + 1], unsigned char hash[SECRET_HASH_BYTES], struct error *err)
{
    if (!secret_make(SECRET_APP, ret))
        return error_set(err, ERROR_STORE_UNAVAILABLE, "the system gives no random bytes");
    secret_hash(str_from(ret), hash);
    return true;
}

static bool check_room(struct catalog *c, const struct app *app, struct str folded, struct error *err)
{
    int64_t same = 0, all = 0, own = 0;
    if (!db_int(c->writer, err, &same, "SELECT count(*) FROM app WHERE folded = ?1", "t", folded) || !db_int(c->writer, err, &all, "SELECT count(*) FROM app", "") ||
        !db_int(c->writer, err, &own, "SELECT count(*) FROM app WHERE owner = ?1", "t", str_from(app->owner)))
        return false;
    if (same)
        return error_set(err, ERROR_BAD_REQUEST, "an application named \"" FMT_STR "\" exists", ARG_STR(app->name));
    if (all >= APPS_MAX)
        return error_set(err, ERROR_LIMIT_EXCEEDED, "there are %d applications, which is all this server takes", APPS_MAX);
    return own < APPS_PER_USER_MAX || !*app->owner || error_set(err, ERROR_LIMIT_EXCEEDED, "you have registered %d applications, which is all one user may", APPS_PER_USER_MAX);
}

static bool insert_app(struct catalog *c, const struct app *app, struct str folded, struct error *err)
{
    char hash[2 * SECRET_HASH_BYTES + 1];
    return db_run(c->writer, err,
                  "INSERT INTO app(id, owner, name, folded, description, website, redirect_uris, callback_prefix, is_public, disabled, secret_hash, token_seconds,"
                  " requests_per_s, burst, created_at) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, ?10, ?11, ?12, ?13, ?14)",
                  "ttttttttitiiii", str_from(app->id), str_from(app->owner), app->name, folded, app->description, app->website, app->redirect_uris, app->callback_prefix,
                  (int64_t)app->is_public, app->is_public ? STR_NONE : hex_write(app->secret_hash, hash), app->token_seconds, app->requests_per_s, app->burst, app->created_at);
}

bool catalog_create_app(struct catalog *c, const struct actor *by, const struct app_spec *spec, struct arena *a, struct app *ret, char ret_secret[SECRET_LENGTH + 1], struct error *err)
{
    struct app app = {.created_at = clock_wall_ms() / 1000};
    struct str folded;
    char secret[SECRET_LENGTH + 1] = "";
    if (!check_spec(spec, a, &app, &folded, err))
        return false;
    if (!secret_random_text(app.id, APP_ID_LENGTH))
        return error_set(err, ERROR_STORE_UNAVAILABLE, "the system gives no random bytes");
    if (!app.is_public && !make_secret(secret, app.secret_hash, err))
        return false;
    bool ok = catalog_change_begin(c, err) &&
              catalog_change_end(c, check_room(c, &app, folded, err) && insert_app(c, &app, folded, err) && record_new(c, by, &app, err), err);
    if (ok) {
        *ret = app;
        memcpy(ret_secret, secret, sizeof secret);
    }
    secret_wipe(secret, sizeof secret);
    return ok;
}

static bool is_there(int64_t changed, struct error *err)
{
    return changed || error_set(err, ERROR_NOT_FOUND, "no such application");
}

/* With the change begun. */
static bool set_disabled(struct catalog *c, const struct actor *by, const char *id, int64_t state, struct error *err)
{
    int64_t changed = 0;
    return db_int(c->writer, err, &changed, "UPDATE app SET disabled = ?2 WHERE id = ?1 RETURNING 1", "ti", str_from(id), state) && is_there(changed, err) &&
           record(c, by, state == ENABLED ? AUDIT_APP_ENABLE : AUDIT_APP_DISABLE, id, STR_NONE, err);
}

bool catalog_set_app_disabled(struct catalog *c, const struct actor *by, const char *id, bool disabled, struct error *err)
{
    return catalog_change_begin(c, err) && catalog_change_end(c, set_disabled(c, by, id, disabled ? DISABLED : ENABLED, err), err);
}

bool catalog_set_own_app_disabled(struct catalog *c, const struct actor *by, const char *id, bool disabled, struct error *err)
{
    int64_t state = ENABLED;
    if (!catalog_change_begin(c, err))
        return false;
    bool ok = db_int(c->writer, err, &state, "SELECT disabled FROM app WHERE id = ?1", "t", str_from(id)) &&
              (state != DISABLED || error_set(err, ERROR_PERMISSION_DENIED, "An administrator has disabled this application, and an administrator alone can enable it."));
    return catalog_change_end(c, ok && set_disabled(c, by, id, disabled ? DISABLED_BY_OWNER : ENABLED, err), err);
}

static bool may_go(int64_t state, bool as_owner, struct error *err)
{
    if (state == ENABLED)
        return error_set(err, ERROR_BAD_REQUEST, "an application must be disabled before it can be deleted");
    return state == DISABLED_BY_OWNER || !as_owner || error_set(err, ERROR_PERMISSION_DENIED, "An administrator has disabled this application, and an administrator alone can delete it.");
}

bool catalog_delete_app(struct catalog *c, const struct actor *by, const char *id, bool as_owner, struct error *err)
{
    int64_t state = -1, changed = 0;
    if (!catalog_change_begin(c, err))
        return false;
    bool ok = db_int(c->writer, err, &state, "SELECT disabled FROM app WHERE id = ?1", "t", str_from(id)) && is_there(state >= 0, err) && may_go(state, as_owner, err) &&
              db_int(c->writer, err, &changed, "DELETE FROM app WHERE id = ?1 RETURNING 1", "t", str_from(id)) && is_there(changed, err) &&
              record(c, by, AUDIT_APP_DELETE, id, STR_NONE, err);
    return catalog_change_end(c, ok, err);
}

bool catalog_renew_app_secret(struct catalog *c, const struct actor *by, const struct app *app, char ret_secret[SECRET_LENGTH + 1], struct error *err)
{
    unsigned char hash[SECRET_HASH_BYTES];
    char secret[SECRET_LENGTH + 1], hex[2 * SECRET_HASH_BYTES + 1];
    int64_t changed = 0;
    if (app->is_public)
        return error_set(err, ERROR_BAD_REQUEST, "a public application has no secret");
    if (!make_secret(secret, hash, err) || !catalog_change_begin(c, err))
        return false;
    bool ok = db_int(c->writer, err, &changed, "UPDATE app SET secret_hash = ?2 WHERE id = ?1 RETURNING 1", "tt", str_from(app->id), hex_write(hash, hex));
    ok = ok && is_there(changed, err) && record(c, by, AUDIT_APP_SECRET, app->id, STR_NONE, err);
    ok = catalog_change_end(c, ok, err);
    if (ok)
        memcpy(ret_secret, secret, sizeof secret);
    secret_wipe(secret, sizeof secret);
    return ok;
}

/* ── questions ── */

bool app_secret_is(const struct app *app, struct str secret)
{
    unsigned char hash[SECRET_HASH_BYTES];
    if (app->is_public || !secret_looks_like(secret, SECRET_APP))
        return false;
    secret_hash(secret, hash);
    return secret_hash_is(hash, app->secret_hash);
}

bool app_takes_redirect(const struct app *app, struct str uri)
{
    struct str rest = app->redirect_uris;
    if (app->callback_prefix.n)
        return redirect_uri_is_below(app->callback_prefix, uri);
    while (rest.n) {
        struct str line;
        str_cut(rest, '\n', &line, &rest);
        if (redirect_uri_is(line, uri))
            return true;
    }
    return false;
}
