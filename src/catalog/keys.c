/* API keys (keys.h): a sorted table in memory, made anew from catalog.db after each change, as the users' is. */
#include "catalog/keys.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "catalog/internal.h"

enum { USED_AGAIN_AFTER_MS = 24 * 3600 * 1000 };

static const struct {
    const char *name;
    unsigned right;
} right_names[] = {{"read", KEY_READ}, {"append", KEY_APPEND}, {"replace", KEY_REPLACE}, {"metadata", KEY_METADATA}, {"all", KEY_EVERYTHING}};
enum { RIGHTS = sizeof right_names / sizeof *right_names };

bool key_right_from(struct str name, unsigned *ret)
{
    for (int i = 0; i < RIGHTS; i++)
        if (str_eq(name, str_from(right_names[i].name))) {
            *ret = right_names[i].right;
            return true;
        }
    return false;
}

const char *key_right_name(unsigned right)
{
    for (int i = 0; i < RIGHTS; i++)
        if (right_names[i].right == right)
            return right_names[i].name;
    return "";
}

bool key_is_alive(const struct key *key, int64_t now_ms)
{
    return !key->deleted_ms && (!key->expires_ms || now_ms < key->expires_ms);
}

/* ── in memory ── */

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct kept_key *)a)->key.id, ((const struct kept_key *)b)->key.id);
}

void keys_free(struct keys *k)
{
    free(k->v);
    *k = (struct keys){0};
}

static void copy_text(char *to, size_t room, struct str s)
{
    snprintf(to, room, FMT_STR, ARG_STR(s));
}

/* "aaaa-aaaa bbbb-bbbb": as they are kept. What is no id takes its place all the same, or the scope would be wider for it. */
static void read_datasets(struct str text, struct key_scope *ret)
{
    struct str one;
    while (text.n && ret->n_datasets < KEY_DATASETS_MAX) {
        str_cut(text, ' ', &one, &text);
        copy_text(ret->datasets[ret->n_datasets++], sizeof *ret->datasets, one);
    }
}

static void read_key(struct sql_statement *q, struct kept_key *ret)
{
    struct key *k = &ret->key;
    *ret = (struct kept_key){0};
    copy_text(k->id, sizeof k->id, sql_text(q, 0));
    copy_text(k->user, sizeof k->user, sql_text(q, 1));
    copy_text(k->name, sizeof k->name, sql_text(q, 2));
    struct str hex = sql_text(q, 3);
    size_t n = 0;
    /* Zero bytes are the hash of nothing that anybody has. */
    if (sodium_hex2bin(ret->hash, sizeof ret->hash, hex.p ? hex.p : "", hex.n, NULL, &n, NULL) != 0 || n != sizeof ret->hash)
        memset(ret->hash, 0, sizeof ret->hash);
    k->scope.rights = (unsigned)sql_i64(q, 4) & KEY_EVERYTHING;
    read_datasets(sql_text(q, 5), &k->scope);
    k->created_ms = sql_i64(q, 6);
    k->expires_ms = sql_i64(q, 7);
    k->used_ms = sql_i64(q, 8);
    k->deleted_ms = sql_i64(q, 9);
}

bool keys_load(struct sql *db, struct keys *ret, struct error *err)
{
    static const char text[] = "SELECT id, user, name, hash, rights, datasets, created_at, expires_at, used_at, deleted_at FROM api_key";
    struct sql_statement *q = sql_prepare(db, str_from(text), err);
    struct buf found = {0};
    bool row = true, ok = q != NULL;
    while (ok && (ok = db_step(db, q, &row, err)) && row) {
        struct kept_key one;
        read_key(q, &one);
        buf_add(&found, &one, sizeof one);
    }
    sql_finalize(q);
    ok = ok && (buf_ok(&found) || error_no_memory(err));
    if (!ok) {
        buf_free(&found);
        return false;
    }
    *ret = (struct keys){(struct kept_key *)(void *)found.p, found.n / sizeof(struct kept_key)};
    if (ret->n)
        qsort(ret->v, ret->n, sizeof *ret->v, by_id);
    return true;
}

static struct kept_key *find(const struct keys *k, struct str id)
{
    struct kept_key probe = {0};
    if (id.n != KEY_ID_LENGTH || k->n == 0)
        return NULL;
    copy_text(probe.key.id, sizeof probe.key.id, id);
    return bsearch(&probe, k->v, k->n, sizeof *k->v, by_id);
}

/* What was used since it was last written is remembered. With `lock` held for writing. */
void keys_take_over(struct keys *fresh, const struct keys *old)
{
    for (size_t i = 0; i < old->n; i++) {
        struct kept_key *same = find(fresh, str_from(old->v[i].key.id));
        if (same && old->v[i].key.used_ms > same->key.used_ms)
            same->key.used_ms = old->v[i].key.used_ms;
    }
}

bool catalog_key(struct catalog *c, struct str id, struct key *ret, bool *ret_found, struct error *err)
{
    if (!catalog_look_for_changes(c, err))
        return false;
    pthread_rwlock_rdlock(&c->lock);
    const struct kept_key *k = find(&c->keys, id);
    if (k)
        *ret = k->key;
    *ret_found = k != NULL;
    pthread_rwlock_unlock(&c->lock);
    return true;
}

bool catalog_keys(struct catalog *c, const char *user, struct key **ret, size_t *ret_n, struct error *err)
{
    struct buf found = {0};
    if (!catalog_look_for_changes(c, err))
        return false;
    pthread_rwlock_rdlock(&c->lock);
    for (size_t i = 0; i < c->keys.n; i++)
        if (!user || strcmp(c->keys.v[i].key.user, user) == 0)
            buf_add(&found, &c->keys.v[i].key, sizeof(struct key));
    pthread_rwlock_unlock(&c->lock);
    if (!buf_ok(&found)) {
        buf_free(&found);
        return error_no_memory(err);
    }
    *ret_n = found.n / sizeof(struct key);
    *ret = (struct key *)(void *)found.p;
    return true;
}

bool catalog_check_key(struct catalog *c, struct str id, struct str secret, enum key_verdict *ret_verdict, struct key *ret, struct user *ret_user, struct error *err)
{
    unsigned char hash[SECRET_HASH_BYTES];
    bool same = false, found = false;
    struct user user;
    *ret_verdict = KEY_VERDICT_UNKNOWN;
    if (id.n != KEY_ID_LENGTH)
        return true;
    if (!catalog_look_for_changes(c, err))
        return false;
    secret_hash(secret, hash);
    pthread_rwlock_rdlock(&c->lock);
    const struct kept_key *k = find(&c->keys, id);
    if (k) {
        *ret = k->key;
        same = secret_hash_is(hash, k->hash);
    }
    pthread_rwlock_unlock(&c->lock);
    if (!k)
        return true;
    if (same && !catalog_user_by_id(c, ret->user, &user, &found, err))
        return false;
    bool good = same && found && !user.disabled && key_is_alive(ret, clock_wall_ms());
    if (good)
        *ret_user = user;
    *ret_verdict = good ? KEY_VERDICT_GOOD : same ? KEY_VERDICT_DEAD : KEY_VERDICT_WRONG;
    return true;
}

bool catalog_key_used(struct catalog *c, const struct key *key, struct error *err)
{
    int64_t now = clock_wall_ms();
    if (key->used_ms && now - key->used_ms < USED_AGAIN_AFTER_MS)
        return true;
    /* Whoever changes the catalog now is not waited for: this is a request that has other things to do. */
    if (pthread_mutex_trylock(&c->write) != 0)
        return true;
    bool ok = db_run(c->writer, err, "UPDATE api_key SET used_at = ?2 WHERE id = ?1", "ti", str_from(key->id), now);
    if (ok) {
        pthread_rwlock_wrlock(&c->lock);
        struct kept_key *k = find(&c->keys, str_from(key->id));
        if (k)
            k->key.used_ms = now;
        pthread_rwlock_unlock(&c->lock);
    }
    pthread_mutex_unlock(&c->write);
    return ok;
}

/* ── changes ── */

void key_scope_write(const struct key_scope *s, struct buf *out)
{
    buf_add_z(out, "\"rights\":[");
    if (s->rights == KEY_EVERYTHING)
        buf_add_z(out, "\"all\"");
    size_t begins = out->n;
    for (int i = 0; s->rights != KEY_EVERYTHING && i < RIGHTS; i++)
        if (s->rights & right_names[i].right && right_names[i].right != KEY_EVERYTHING)
            buf_printf(out, "%s\"%s\"", out->n > begins ? "," : "", right_names[i].name);
    buf_add_byte(out, ']');
    if (s->n_datasets == 0)
        return;
    for (size_t i = 0; i < s->n_datasets; i++)
        buf_printf(out, "%s\"%s\"", i ? "," : ",\"datasets\":[", s->datasets[i]);
    buf_add_byte(out, ']');
}

static bool record(struct catalog *c, const struct actor *by, enum audit_action action, const struct key *key, struct error *err)
{
    struct buf details = {0};
    buf_printf(&details, "\"user\":\"%s\",\"name\":", key->user);
    buf_add_json(&details, str_from(key->name));
    if (action == AUDIT_KEY_CREATE) {
        buf_add_byte(&details, ',');
        key_scope_write(&key->scope, &details);
        if (key->expires_ms)
            buf_printf(&details, ",\"expires_ms\":%lld", (long long)key->expires_ms);
    }
    const struct audit_record r = {action, "key", str_from(key->id), buf_str(&details)};
    bool ok = (buf_ok(&details) || error_no_memory(err)) && audit_add(c, by, &r, err);
    buf_free(&details);
    return ok;
}

static bool check_name(struct arena *a, struct str name, struct str *ret, struct error *err)
{
    if (name.n > 4 * KEY_NAME_BYTES_MAX || !text_nfc(a, str_trim(name), ret, err) || ret->n > KEY_NAME_BYTES_MAX)
        return error_set(err, ERROR_API_KEY_NAME_TOO_LONG, "the key's name is too long: at most %d bytes are taken", KEY_NAME_BYTES_MAX);
    if (text_has_control(*ret, ""))
        return error_set(err, ERROR_BAD_REQUEST, "the key's name must not hold control characters, nor what turns the way of writing");
    return ret->n || error_set(err, ERROR_API_KEY_MISSING_FIELD, "a key needs a keyName, so that it can be told from others");
}

/* Names are of one user's keys that are not deleted. With `write` held. */
static bool check_free(struct catalog *c, const struct key *key, struct error *err)
{
    size_t alive = 0;
    int64_t now = clock_wall_ms();
    for (size_t i = 0; i < c->keys.n; i++) {
        const struct key *k = &c->keys.v[i].key;
        if (k->deleted_ms || strcmp(k->user, key->user) != 0)
            continue;
        if (strcmp(k->name, key->name) == 0)
            return error_set(err, ERROR_API_KEY_NAME_TAKEN, "a key named \"%s\" exists", key->name);
        alive += key_is_alive(k, now);
    }
    return alive < KEYS_PER_USER_MAX || error_set(err, ERROR_API_KEY_LIMIT_REACHED, "there are %d active keys, which is all one user may have; delete one first", KEYS_PER_USER_MAX);
}

/* A full table forgets the key that was deleted first: the audit still has it. With `write` held, inside a transaction. */
static bool make_room(struct catalog *c, struct error *err)
{
    int64_t gone = 0;
    if (c->keys.n < KEYS_MAX)
        return true;
    return db_int(c->writer, err, &gone, "DELETE FROM api_key WHERE id = (SELECT id FROM api_key WHERE deleted_at > 0 ORDER BY deleted_at, id LIMIT 1) RETURNING 1", "") &&
           (gone || error_set(err, ERROR_API_KEY_LIMIT_REACHED, "there are %d keys that were not deleted, which is all this server takes", KEYS_MAX));
}

static bool insert(struct catalog *c, const struct key *key, const unsigned char hash[SECRET_HASH_BYTES], struct error *err)
{
    char hex[2 * SECRET_HASH_BYTES + 1], datasets[KEY_DATASETS_MAX * (DATASET_ID_LENGTH + 1) + 1] = "";
    size_t n = 0;
    for (size_t i = 0; i < key->scope.n_datasets; i++)
        n += (size_t)snprintf(datasets + n, sizeof datasets - n, "%s%s", i ? " " : "", key->scope.datasets[i]);
    return db_run(c->writer, err,
                  "INSERT INTO api_key(id, user, name, hash, rights, datasets, created_at, expires_at, used_at, deleted_at)"
                  " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, 0)",
                  "ttttitii", str_from(key->id), str_from(key->user), str_from(key->name), hex_write(hash, hex), (int64_t)key->scope.rights, str_from(datasets), key->created_ms, key->expires_ms);
}

/* Of one user's deleted and expired keys the last are kept to be shown; the audit has them all. Otherwise one user's, made to expire in a
 * second, could fill the table, and those that he deletes would push out what others are shown of theirs. */
static bool forget_dead(struct catalog *c, const struct key *made, struct error *err)
{
    return db_run(c->writer, err,
                  "DELETE FROM api_key WHERE id IN (SELECT id FROM api_key WHERE user = ?1 AND (deleted_at != 0 OR (expires_at != 0 AND expires_at <= ?2))"
                  " ORDER BY iif(deleted_at, deleted_at, expires_at) DESC, id LIMIT -1 OFFSET ?3)",
                  "tii", str_from(made->user), made->created_ms, (int64_t)KEYS_PER_USER_DEAD_MAX);
}

static bool create(struct catalog *c, const struct actor *by, const struct key *key, struct str secret, struct error *err)
{
    unsigned char hash[SECRET_HASH_BYTES];
    secret_hash(secret, hash);
    pthread_mutex_lock(&c->write);
    bool ok = check_free(c, key, err) && db_begin(c->writer, err);
    if (ok)
        ok = users_commit(c, make_room(c, err) && insert(c, key, hash, err) && forget_dead(c, key, err) && record(c, by, AUDIT_KEY_CREATE, key, err), err);
    pthread_mutex_unlock(&c->write);
    return ok;
}

/* Capitals are taken out: an id is 25 of 36 letters and digits, 129 bits. */
static bool make_id(char ret[KEY_ID_LENGTH + 1])
{
    if (!secret_random_text(ret, KEY_ID_LENGTH))
        return false;
    for (int i = 0; i < KEY_ID_LENGTH; i++)
        if (ret[i] >= 'A' && ret[i] <= 'Z')
            ret[i] = (char)(ret[i] + 32);
    return true;
}

bool catalog_create_key(struct catalog *c, const struct actor *by, const struct key_spec *spec, struct key *ret, char ret_secret[SECRET_LENGTH + 1], struct error *err)
{
    struct arena a = {0};
    struct key key = {.scope = spec->scope, .created_ms = clock_wall_ms(), .expires_ms = spec->expires_ms};
    struct str name;
    char secret[SECRET_LENGTH + 1];
    bool ok = check_name(&a, spec->name, &name, err) &&
              (spec->scope.rights || error_set(err, ERROR_BAD_REQUEST, "a key needs at least one right"));
    if (ok) {
        copy_text(key.name, sizeof key.name, name);
        copy_text(key.user, sizeof key.user, str_from(spec->user));
        ok = (make_id(key.id) && secret_make(SECRET_KEY, secret)) || error_set(err, ERROR_STORE_UNAVAILABLE, "the system gives no random bytes now; no key was made");
    }
    if (ok && (ok = create(c, by, &key, str_from(secret), err))) {
        *ret = key;
        memcpy(ret_secret, secret, sizeof secret);
    }
    secret_wipe(secret, sizeof secret);
    arena_free(&a);
    return ok;
}

static bool not_found(struct error *err)
{
    return error_set(err, ERROR_API_KEY_NOT_FOUND, "there is no such API key");
}

bool catalog_delete_key(struct catalog *c, const struct actor *by, const char *user, struct str id, struct key *ret, struct error *err)
{
    pthread_mutex_lock(&c->write);
    const struct kept_key *k = find(&c->keys, id);
    struct key key = {0};
    bool ok = k && (!user || strcmp(k->key.user, user) == 0);
    if (ok)
        key = k->key;
    else
        not_found(err);
    if (ok && key.deleted_ms)
        ok = error_set(err, ERROR_API_KEY_DELETED, "the API key has been deleted already");
    if (ok && (ok = db_begin(c->writer, err))) {
        key.deleted_ms = clock_wall_ms();
        ok = users_commit(c, db_run(c->writer, err, "UPDATE api_key SET deleted_at = ?2 WHERE id = ?1", "ti", str_from(key.id), key.deleted_ms) &&
                                 record(c, by, AUDIT_KEY_DELETE, &key, err), err);
    }
    pthread_mutex_unlock(&c->write);
    if (ok)
        *ret = key;
    return ok;
}
