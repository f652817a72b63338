/* Users and passwords. Answered from memory; what another process writes into the file is noticed within a second. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "catalog/internal.h"

enum { USER_NAME_BYTES_MAX = 320, WATCH_MS = 1000 };
/* RFC 9106 and the OWASP figures: 19 MiB, two passes, one lane (docs/wire/authentication.md). */
enum { HASH_MEMORY_BYTES = 19 * 1024 * 1024, HASH_PASSES = 2 };

/* ── accounts in memory ── */

void accounts_free(struct accounts *a)
{
    for (size_t i = 0; i < a->n; i++) {
        free(a->by_name[i]->folded);
        free(a->by_name[i]);
    }
    free(a->by_name);
    free(a->by_id);
    *a = (struct accounts){0};
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(struct account *const *)a)->folded, (*(struct account *const *)b)->folded);
}

static int by_id(const void *a, const void *b)
{
    return strcmp((*(struct account *const *)a)->user.id, (*(struct account *const *)b)->user.id);
}

static void copy_text(char *to, size_t room, struct str s)
{
    snprintf(to, room, FMT_STR, ARG_STR(s));
}

static const char *const role_names[] = {
    [ROLE_NONE] = "none", [ROLE_VIEWER] = "viewer", [ROLE_EDITOR] = "editor", [ROLE_PUBLISHER] = "publisher", [ROLE_ADMINISTRATOR] = "administrator",
};
enum { ROLES = sizeof role_names / sizeof *role_names };

const char *user_role_name(enum user_role role)
{
    return role_names[role];
}

bool user_role_from(struct str name, enum user_role *ret)
{
    for (int i = 0; i < ROLES; i++)
        if (str_eq(name, str_from(role_names[i]))) {
            *ret = (enum user_role)i;
            return true;
        }
    return false;
}

/* A number that this version does not know gives no rights. */
static enum user_role role_from_number(int64_t n)
{
    return n > 0 && n < ROLES ? (enum user_role)n : ROLE_NONE;
}

static struct account *account_read(struct sql_statement *q)
{
    struct account *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->folded = str_dup_z(sql_text(q, 2));
    if (!a->folded) {
        free(a);
        return NULL;
    }
    copy_text(a->user.id, sizeof a->user.id, sql_text(q, 0));
    copy_text(a->user.name, sizeof a->user.name, sql_text(q, 1));
    copy_text(a->user.display_name, sizeof a->user.display_name, sql_text(q, 3));
    a->user.role = role_from_number(sql_i64(q, 4));
    a->user.disabled = sql_i64(q, 5) != 0;
    copy_text(a->hash, sizeof a->hash, sql_text(q, 6));
    a->user.secret_version = sql_i64(q, 7);
    a->user.created_at = sql_i64(q, 8);
    return a;
}

static bool accounts_add(struct accounts *a, size_t *cap, struct account *one)
{
    if (a->n == *cap) {
        size_t next = *cap ? *cap * 2 : 16;
        struct account **v = realloc(a->by_name, next * sizeof *v);
        if (!v)
            return false;
        a->by_name = v;
        *cap = next;
    }
    a->by_name[a->n++] = one;
    return true;
}

static bool accounts_sort(struct accounts *a)
{
    a->by_id = malloc((a->n + 1) * sizeof *a->by_id);
    if (!a->by_id)
        return false;
    if (a->n == 0)
        return true;
    qsort(a->by_name, a->n, sizeof *a->by_name, by_name);
    memcpy(a->by_id, a->by_name, a->n * sizeof *a->by_id);
    qsort(a->by_id, a->n, sizeof *a->by_id, by_id);
    return true;
}

bool accounts_load(struct sql *db, struct accounts *ret, struct error *err)
{
    struct accounts a = {0};
    static const char text[] = "SELECT id, name, folded, display_name, role, disabled, hash, secret_version, created_at FROM account";
    struct sql_statement *q = sql_prepare(db, str_from(text), err);
    size_t cap = 0;
    bool row = true, ok = q != NULL;
    while (ok && (ok = db_step(db, q, &row, err)) && row) {
        struct account *one = account_read(q);
        if (one && accounts_add(&a, &cap, one))
            continue;
        if (one)
            free(one->folded);
        free(one);
        ok = error_no_memory(err);
    }
    sql_finalize(q);
    ok = ok && (accounts_sort(&a) || error_no_memory(err));
    if (ok)
        *ret = a;
    else
        accounts_free(&a);
    return ok;
}

/* Users and their keys, as that connection sees them; of this version at least. */
struct people {
    struct accounts accounts;
    struct keys keys;
    int64_t version;
};

static bool people_load(struct sql *db, struct people *ret, struct error *err)
{
    struct people p = {.version = 0};
    /* The version first: what is read after it may be newer, never older. */
    if (!db_int(db, err, &p.version, "SELECT value FROM counter WHERE name = 'users'", "") || !accounts_load(db, &p.accounts, err))
        return false;
    if (!keys_load(db, &p.keys, err)) {
        accounts_free(&p.accounts);
        return false;
    }
    *ret = p;
    return true;
}

/* Unless newer ones are shown already: a change may have been made while these were loaded. */
static void people_show(struct catalog *c, struct people *fresh)
{
    pthread_rwlock_wrlock(&c->lock);
    struct people old = *fresh;
    if (fresh->version >= c->people_version) {
        old = (struct people){.accounts = c->accounts, .keys = c->keys};
        keys_take_over(&fresh->keys, &old.keys);
        c->accounts = fresh->accounts;
        c->keys = fresh->keys;
        c->people_version = fresh->version;
    }
    pthread_rwlock_unlock(&c->lock);
    accounts_free(&old.accounts);
    keys_free(&old.keys);
}

/* With `watch` held. */
static bool look_for_changes(struct catalog *c, struct error *err)
{
    int64_t data_version = 0, users_version = 0;
    if (!db_int(c->watcher, err, &data_version, "PRAGMA data_version", ""))
        return false;
    if (data_version == c->watched_data_version)
        return true;
    if (!db_int(c->watcher, err, &users_version, "SELECT value FROM counter WHERE name = 'users'", ""))
        return false;
    if (users_version != c->watched_users_version) {
        struct people fresh;
        if (!people_load(c->watcher, &fresh, err))
            return false;
        people_show(c, &fresh);
    }
    c->watched_users_version = users_version;
    c->watched_data_version = data_version;
    return true;
}

bool catalog_look_for_changes(struct catalog *c, struct error *err)
{
    uint64_t now = clock_mono_ms();
    if (now - atomic_load_explicit(&c->watched_at_ms, memory_order_acquire) < WATCH_MS)
        return true;
    pthread_mutex_lock(&c->watch);
    bool ok = true;
    if (now - atomic_load(&c->watched_at_ms) >= WATCH_MS) {
        ok = look_for_changes(c, err);
        if (ok)
            atomic_store_explicit(&c->watched_at_ms, now, memory_order_release);
    }
    pthread_mutex_unlock(&c->watch);
    return ok;
}

/* With `lock` held. */
static const struct account *find_by_name(const struct catalog *c, const char *folded)
{
    struct account probe = {.folded = (char *)(uintptr_t)folded}, *key = &probe;
    if (c->accounts.n == 0)
        return NULL;
    struct account **at = bsearch(&key, c->accounts.by_name, c->accounts.n, sizeof *at, by_name);
    return at ? *at : NULL;
}

/* A copy of the account of that name. A name that nobody can have is simply not found. */
static bool account_by_name(struct catalog *c, struct str name, struct account *ret, bool *ret_found, struct error *err)
{
    struct arena a = {0};
    struct str folded;
    bool found = false;
    if (!catalog_look_for_changes(c, err))
        return false;
    bool possible = name.n > 0 && name.n <= USER_NAME_BYTES_MAX && !memchr(name.p, 0, name.n) && str_is_utf8(name, NULL);
    if (possible && !text_fold(&a, name, &folded, err)) {
        arena_free(&a);
        return false;
    }
    pthread_rwlock_rdlock(&c->lock);
    const struct account *account = possible ? find_by_name(c, folded.p) : NULL;
    if (account) {
        *ret = *account;
        ret->folded = NULL;
        found = true;
    }
    pthread_rwlock_unlock(&c->lock);
    arena_free(&a);
    *ret_found = found;
    return true;
}

bool catalog_has_users(struct catalog *c, bool *ret, struct error *err)
{
    if (!catalog_look_for_changes(c, err))
        return false;
    pthread_rwlock_rdlock(&c->lock);
    *ret = c->accounts.n > 0;
    pthread_rwlock_unlock(&c->lock);
    return true;
}

bool catalog_user_by_name(struct catalog *c, struct str name, struct user *ret, bool *ret_found, struct error *err)
{
    struct account account;
    bool found;
    if (!account_by_name(c, name, &account, &found, err))
        return false;
    if (found)
        *ret = account.user;
    *ret_found = found;
    sodium_memzero(&account, sizeof account);
    return true;
}

bool catalog_users(struct catalog *c, struct user **ret, size_t *ret_n, struct error *err)
{
    if (!catalog_look_for_changes(c, err))
        return false;
    pthread_rwlock_rdlock(&c->lock);
    size_t n = c->accounts.n;
    struct user *v = malloc((n + 1) * sizeof *v);
    for (size_t i = 0; v && i < n; i++)
        v[i] = c->accounts.by_name[i]->user;
    pthread_rwlock_unlock(&c->lock);
    if (!v)
        return error_no_memory(err);
    *ret = v;
    *ret_n = n;
    return true;
}

bool catalog_user_by_id(struct catalog *c, const char *id, struct user *ret, bool *ret_found, struct error *err)
{
    struct account probe = {0}, *key = &probe;
    if (!catalog_look_for_changes(c, err))
        return false;
    copy_text(probe.user.id, sizeof probe.user.id, str_head(str_from(id), USER_ID_LENGTH));
    pthread_rwlock_rdlock(&c->lock);
    struct account **at = c->accounts.n ? bsearch(&key, c->accounts.by_id, c->accounts.n, sizeof *at, by_id) : NULL;
    if (at)
        *ret = (*at)->user;
    *ret_found = at != NULL;
    pthread_rwlock_unlock(&c->lock);
    return true;
}

/* ── passwords ── */

static void free_secret(struct arena *a, struct str secret)
{
    if (secret.p)
        sodium_memzero((char *)(uintptr_t)secret.p, secret.n);
    arena_free(a);
}

struct hash_ask {
    struct str password;
    char *hash; /* crypto_pwhash_STRBYTES */
    bool ok;
};

static void hash_there(void *ctx)
{
    struct hash_ask *ask = ctx;
    ask->ok = crypto_pwhash_str(ask->hash, ask->password.p, ask->password.n, HASH_PASSES, HASH_MEMORY_BYTES) == 0;
}

static bool hash_password(struct catalog *c, struct str password, struct str folded_name, char ret[crypto_pwhash_STRBYTES], struct error *err)
{
    struct arena a = {0};
    struct str nfc = STR_NONE;
    if (password.n > 4 * PASSWORD_BYTES_MAX)
        return error_set(err, ERROR_BAD_REQUEST, "the password has %zu bytes, at most %d are taken", password.n, PASSWORD_BYTES_MAX);
    bool ok = text_nfc(&a, password, &nfc, err) && password_check(&a, nfc, folded_name, err);
    if (ok) {
        struct hash_ask ask = {nfc, ret, false};
        ok = hashing_run(c->hashing, hash_there, &ask, err) && (ask.ok || error_no_memory(err));
    }
    free_secret(&a, nfc);
    return ok;
}

/* Of a password that was thrown away: what an unknown user is compared with, so that the time tells nothing. */
static const char nobodys_hash[crypto_pwhash_STRBYTES] = "$argon2id$v=19$m=19456,t=2,p=1$DYlOsHtI8axK65hKzVPh2A$nRTUNm6IHToo8uyr9lQfGqWuU7PX8GniaGI1kAMtoJM";

/* crypto_pwhash_str_verify() says the same of a wrong password and of too little memory to tell; this does not. */
static bool verify(const char *hash, struct str password, bool *ret_same, struct error *err)
{
    unsigned char salt[crypto_pwhash_SALTBYTES], want[32], got[sizeof want];
    unsigned kib, passes;
    int at = 0;
    size_t n;
    const char *end;
    if (sscanf(hash, /* NOLINT(cert-err34-c): our own text, in our own file */ "$argon2id$v=19$m=%u,t=%u,p=1$%n", &kib, &passes, &at) != 2 || at == 0 ||
        sodium_base642bin(salt, sizeof salt, hash + at, strlen(hash + at), NULL, &n, &end, sodium_base64_VARIANT_ORIGINAL_NO_PADDING) != 0 ||
        n != sizeof salt || *end != '$' ||
        sodium_base642bin(want, sizeof want, end + 1, strlen(end + 1), NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL_NO_PADDING) != 0 || n != sizeof want)
        return error_set(err, ERROR_INTERNAL, "a stored password cannot be read");
    if (crypto_pwhash(got, sizeof got, password.p ? password.p : "", password.n, salt, passes, (size_t)kib * 1024, crypto_pwhash_ALG_ARGON2ID13) != 0)
        return error_no_memory(err);
    *ret_same = sodium_memcmp(got, want, sizeof want) == 0;
    sodium_memzero(got, sizeof got);
    return true;
}

struct verify_ask {
    const char *hash;
    struct str password;
    struct error *err;
    bool same, ok;
};

static void verify_there(void *ctx)
{
    struct verify_ask *ask = ctx;
    ask->ok = verify(ask->hash, ask->password, &ask->same, ask->err);
}

bool catalog_verify_password(struct catalog *c, struct str name, struct str password, struct user *ret, bool *ret_good, struct error *err)
{
    struct account account;
    struct arena a = {0};
    struct error not_text;
    struct str nfc = STR_NONE;
    bool found;
    if (!account_by_name(c, name, &account, &found, err))
        return false;
    password = str_head(password, 4 * PASSWORD_BYTES_MAX);
    bool possible = text_nfc(&a, password, &nfc, &not_text) && nfc.n <= PASSWORD_BYTES_MAX;
    struct verify_ask ask = {.hash = found ? account.hash : nobodys_hash, .password = possible ? nfc : str_head(password, PASSWORD_BYTES_MAX), .err = err};
    bool ok = hashing_run(c->hashing, verify_there, &ask, err) && ask.ok;
    if (ok) {
        *ret_good = ask.same && possible && found && !account.user.disabled;
        if (*ret_good)
            *ret = account.user;
    }
    free_secret(&a, nfc);
    sodium_memzero(&account, sizeof account);
    return ok;
}

/* ── changes ── */

static bool record(struct catalog *c, const struct actor *by, enum audit_action action, const char *id, struct str details, struct error *err)
{
    const struct audit_record r = {action, "user", str_from(id), details};
    return audit_add(c, by, &r, err);
}

/* With `write` held. */
static bool account_id(struct catalog *c, struct str folded, char ret[USER_ID_LENGTH + 1], struct error *err)
{
    struct sql_statement *st = sql_prepare(c->writer, STR("SELECT id FROM account WHERE folded = ?1"), err);
    bool row = false;
    bool ok = st && sql_bind_text(c->writer, st, 1, folded, err) && db_step(c->writer, st, &row, err) && (row || error_set(err, ERROR_NOT_FOUND, "no such user"));
    if (ok)
        copy_text(ret, USER_ID_LENGTH + 1, sql_text(st, 0));
    sql_finalize(st);
    return ok;
}

bool users_commit(struct catalog *c, bool ok, struct error *err)
{
    struct people fresh;
    /* Loaded before the commit: afterwards nothing may fail, for it would be told as if nothing had been done. */
    ok = ok && db_run(c->writer, err, "UPDATE counter SET value = value + 1 WHERE name = 'users'", "") && people_load(c->writer, &fresh, err);
    if (!ok) {
        db_rollback(c->writer);
        return false;
    }
    if (!db_commit(c->writer, err)) {
        accounts_free(&fresh.accounts);
        keys_free(&fresh.keys);
        return false;
    }
    people_show(c, &fresh);
    return true;
}

static bool check_user_name(struct arena *a, struct str name, struct str *ret, struct str *ret_folded, struct error *err)
{
    if (name.n > 4 * USER_NAME_BYTES_MAX)
        return error_set(err, ERROR_BAD_REQUEST, "the user name has %zu bytes, at most %d are taken", name.n, USER_NAME_BYTES_MAX);
    if (!text_nfc(a, str_trim(name), ret, err) || !text_fold(a, *ret, ret_folded, err))
        return false;
    if (ret->n == 0 || ret->n > USER_NAME_BYTES_MAX)
        return error_set(err, ERROR_BAD_REQUEST, "the user name has %zu bytes; 1 to %d are taken", ret->n, USER_NAME_BYTES_MAX);
    for (size_t i = 0; i < ret->n; i++)
        if ((unsigned char)ret->p[i] < 0x20 || ret->p[i] == 0x7f || ret->p[i] == ':')
            return error_set(err, ERROR_BAD_REQUEST, "a user name must not hold ':' or control characters: HTTP Basic cannot carry them");
    return true;
}

static bool record_new_user(struct catalog *c, const struct actor *by, const struct user *user, struct error *err)
{
    struct buf details = {0};
    buf_add_z(&details, "\"name\":");
    buf_add_json(&details, str_from(user->name));
    buf_printf(&details, ",\"role\":\"%s\"", user_role_name(user->role));
    bool ok = buf_ok(&details) ? record(c, by, AUDIT_USER_CREATE, user->id, buf_str(&details), err) : error_no_memory(err);
    buf_free(&details);
    return ok;
}

static bool insert_account(struct catalog *c, struct str name, struct str folded, const char *hash, enum user_role role, struct user *ret, struct error *err)
{
    if (c->accounts.n >= USERS_MAX)
        return error_set(err, ERROR_LIMIT_EXCEEDED, "there are %d users, which is all this server takes", USERS_MAX);
    int64_t have = 0;
    if (!db_int(c->writer, err, &have, "SELECT count(*) FROM account WHERE folded = ?1", "t", folded))
        return false;
    if (have)
        return error_set(err, ERROR_BAD_REQUEST, "a user named \"" FMT_STR "\" exists", ARG_STR(name));
    *ret = (struct user){.role = role, .created_at = clock_wall_ms() / 1000, .secret_version = 1};
    random_text(ret->id, USER_ID_LENGTH, "abcdefghijklmnopqrstuvwxyz0123456789");
    ret->id[4] = '-';
    copy_text(ret->name, sizeof ret->name, name);
    /* Shown to strangers on public views: never the whole of an e-mail address. */
    struct str display, domain;
    str_cut(name, '@', &display, &domain);
    copy_text(ret->display_name, sizeof ret->display_name, display.n ? display : name);
    return db_run(c->writer, err,
                  "INSERT INTO account(id, name, folded, display_name, role, disabled, hash, secret_version, created_at)"
                  " VALUES(?1, ?2, ?3, ?4, ?5, 0, ?6, 1, ?7)",
                  "ttttiti", str_from(ret->id), name, folded, str_from(ret->display_name), (int64_t)role, str_from(hash), ret->created_at);
}

bool catalog_create_user(struct catalog *c, const struct actor *by, struct str name, struct str password, enum user_role role, struct user *ret, struct error *err)
{
    struct arena a = {0};
    struct str nfc = STR_NONE, folded = STR_NONE;
    struct user made = {0};
    char hash[crypto_pwhash_STRBYTES];
    bool ok = check_user_name(&a, name, &nfc, &folded, err) && hash_password(c, password, folded, hash, err);
    if (ok) {
        pthread_mutex_lock(&c->write);
        ok = db_begin(c->writer, err);
        if (ok)
            ok = users_commit(c, insert_account(c, nfc, folded, hash, role, &made, err) && record_new_user(c, by, &made, err), err);
        pthread_mutex_unlock(&c->write);
    }
    if (ok)
        *ret = made;
    arena_free(&a);
    return ok;
}

static bool update_hash(struct catalog *c, const struct actor *by, struct str folded, const char *hash, struct error *err)
{
    char id[USER_ID_LENGTH + 1];
    return account_id(c, folded, id, err) &&
           db_run(c->writer, err, "UPDATE account SET hash = ?2, secret_version = secret_version + 1 WHERE id = ?1", "tt", str_from(id), str_from(hash)) &&
           record(c, by, AUDIT_USER_PASSWORD, id, STR_NONE, err);
}

bool catalog_set_password(struct catalog *c, const struct actor *by, struct str name, struct str password, struct error *err)
{
    struct arena a = {0};
    struct str nfc = STR_NONE, folded = STR_NONE;
    char hash[crypto_pwhash_STRBYTES];
    bool ok = check_user_name(&a, name, &nfc, &folded, err) && hash_password(c, password, folded, hash, err);
    if (ok) {
        pthread_mutex_lock(&c->write);
        ok = db_begin(c->writer, err);
        if (ok)
            ok = users_commit(c, update_hash(c, by, folded, hash, err), err);
        pthread_mutex_unlock(&c->write);
    }
    arena_free(&a);
    return ok;
}

struct account_change {
    const char *text; /* sets one thing (?2) of the account ?1 */
    int64_t value;
    enum audit_action action;
    struct str details;
};

static bool update_account(struct catalog *c, const struct actor *by, struct str name, const struct account_change *ch, struct error *err)
{
    struct arena a = {0};
    struct str nfc = STR_NONE, folded = STR_NONE;
    char id[USER_ID_LENGTH + 1];
    bool ok = check_user_name(&a, name, &nfc, &folded, err);
    if (ok) {
        pthread_mutex_lock(&c->write);
        ok = db_begin(c->writer, err);
        if (ok) {
            bool done = account_id(c, folded, id, err) && db_run(c->writer, err, ch->text, "ti", str_from(id), ch->value) &&
                        record(c, by, ch->action, id, ch->details, err);
            ok = users_commit(c, done, err);
        }
        pthread_mutex_unlock(&c->write);
    }
    arena_free(&a);
    return ok;
}

bool catalog_set_disabled(struct catalog *c, const struct actor *by, struct str name, bool disabled, struct error *err)
{
    const struct account_change ch = {"UPDATE account SET disabled = ?2 WHERE id = ?1", disabled, disabled ? AUDIT_USER_DISABLE : AUDIT_USER_ENABLE, STR_NONE};
    return update_account(c, by, name, &ch, err);
}

bool catalog_set_role(struct catalog *c, const struct actor *by, struct str name, enum user_role role, struct error *err)
{
    char details[64];
    snprintf(details, sizeof details, "\"role\":\"%s\"", user_role_name(role));
    const struct account_change ch = {"UPDATE account SET role = ?2 WHERE id = ?1", role, AUDIT_USER_ROLE, str_from(details)};
    return update_account(c, by, name, &ch, err);
}
