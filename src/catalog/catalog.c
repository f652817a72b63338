/* Opening, loading, looking up. Changes are in change.c, users in users.c. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/folder.h"
#include "catalog/internal.h"

enum { WATCHER_CACHE_BYTES = 256 << 10 };

/* ── indexes: arrays sorted by what they are looked up by ── */

typedef struct str (*key_of)(const struct snapshot *s);
static struct str key_id(const struct snapshot *s) { return str_make(s->d.id, DATASET_ID_LENGTH); }
static struct str key_name(const struct snapshot *s) { return s->d.resource_name; }

/* Where key is, or would be. */
static size_t place(struct snapshot **v, size_t n, key_of key, struct str what)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (str_cmp(key(v[middle]), what) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct snapshot *find(struct snapshot **v, size_t n, key_of key, struct str what)
{
    size_t at = place(v, n, key, what);
    return at < n && str_eq(key(v[at]), what) ? v[at] : NULL;
}

struct snapshot *catalog_find_id(struct catalog *c, struct str id)
{
    return find(c->by_id, c->n, key_id, id);
}

struct snapshot *catalog_find_name(struct catalog *c, struct str name)
{
    return name.n ? find(c->by_name, c->n_named, key_name, name) : NULL;
}

static void insert(struct snapshot **v, size_t n, size_t at, struct snapshot *s)
{
    memmove(v + at + 1, v + at, (n - at) * sizeof *v);
    v[at] = s;
}

static void take_out(struct snapshot **v, size_t n, size_t at)
{
    memmove(v + at, v + at + 1, (n - at - 1) * sizeof *v);
}

static size_t place_in_order(struct catalog *c, int64_t number)
{
    size_t low = 0, high = c->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->in_order[middle]->d.number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool grow(struct snapshot ***v, size_t cap, struct error *err)
{
    struct snapshot **p = realloc(*v, cap * sizeof *p);
    if (!p)
        return error_no_memory(err);
    *v = p;
    return true;
}

bool catalog_reserve(struct catalog *c, struct error *err)
{
    if (c->n < c->cap)
        return true;
    size_t cap = c->cap ? c->cap * 2 : 64;
    pthread_rwlock_wrlock(&c->lock);
    bool ok = grow(&c->by_id, cap, err) && grow(&c->by_name, cap, err) && grow(&c->in_order, cap, err);
    if (ok)
        c->cap = cap;
    pthread_rwlock_unlock(&c->lock);
    return ok;
}

static void remove_snapshot(struct catalog *c, struct snapshot *s)
{
    if (s->d.resource_name.n) {
        take_out(c->by_name, c->n_named, place(c->by_name, c->n_named, key_name, s->d.resource_name));
        c->n_named--;
    }
    take_out(c->by_id, c->n, place(c->by_id, c->n, key_id, key_id(s)));
    take_out(c->in_order, c->n, place_in_order(c, s->d.number));
    c->n--;
}

static void add_snapshot(struct catalog *c, struct snapshot *s)
{
    if (s->d.resource_name.n) {
        insert(c->by_name, c->n_named, place(c->by_name, c->n_named, key_name, s->d.resource_name), s);
        c->n_named++;
    }
    insert(c->by_id, c->n, place(c->by_id, c->n, key_id, key_id(s)), s);
    insert(c->in_order, c->n, place_in_order(c, s->d.number), s);
    c->n++;
}

/* old or next may be NULL: made, replaced, deleted. The indexes' reference moves from old to next. */
void catalog_install(struct catalog *c, struct snapshot *old, struct snapshot *next)
{
    pthread_rwlock_wrlock(&c->lock);
    if (old)
        remove_snapshot(c, old);
    if (next)
        add_snapshot(c, next);
    pthread_rwlock_unlock(&c->lock);
    dataset_release(old ? &old->d : NULL);
}

/* ── loading ── */

static bool load_column(struct sql_statement *q, struct column *ret, struct error *err)
{
    struct str type = sql_text(q, 3);
    *ret = (struct column){
        .id = sql_i64(q, 0),
        .physical = (int)sql_i64(q, 1),
        .position = (int)sql_i64(q, 2),
        .type = type_find(type, NULL),
        .field_name = sql_text(q, 4),
        .former_name = sql_text(q, 5),
        .name = sql_text(q, 6),
        .description = sql_text(q, 7),
        .format_json = sql_text(q, 8),
        .extra_json = sql_text(q, 9),
    };
    if (ret->type)
        return true;
    return error_set(err, ERROR_STORE_UNAVAILABLE, "catalog.db: column %lld has type \"" FMT_STR "\", which this server does not know", (long long)ret->id, ARG_STR(type));
}

static bool load_columns(struct catalog *c, struct snapshot *s, size_t n, int64_t row_identifier, struct error *err)
{
    static const char text[] =
        "SELECT id, physical, position, type, field_name, former_name, name, description, format, extra"
        " FROM dataset_column WHERE dataset = ?1 ORDER BY position, id";
    struct sql_statement *q = sql_cached(c->writer, str_from(text), err); /* one a dataset: prepared once */
    bool row = true;
    bool ok = q && sql_bind_i64(c->writer, q, 1, s->d.number, err);
    struct columns *columns = &s->d.columns;
    while (ok && columns->n < n && (ok = db_step(c->writer, q, &row, err)) && row) {
        struct column column;
        ok = load_column(q, &column, err) && snapshot_column(s, &column, &columns->v[columns->n], err);
        if (ok && column.id == row_identifier)
            columns->row_identifier = (int)columns->n;
        columns->n += ok;
    }
    if (q)
        sql_reset(q);
    return ok;
}

/* A number that no version wrote is read as the scope that shows nothing. */
static enum dataset_scope scope_from(int64_t n)
{
    return n == SCOPE_PUBLIC || n == SCOPE_SITE ? (enum dataset_scope)n : SCOPE_PRIVATE;
}

static bool load_dataset(struct catalog *c, struct sql_statement *q, struct error *err)
{
    struct dataset d = {
        .number = sql_i64(q, 0),
        .stage = sql_i64(q, 3) ? DATASET_PUBLISHED : DATASET_UNPUBLISHED,
        .scope = scope_from(sql_i64(q, 4)),
        .name = sql_text(q, 5),
        .resource_name = sql_text(q, 6),
        .document_json = sql_text(q, 7),
        .created_at = sql_i64(q, 8),
        .published_at = sql_i64(q, 9),
        .modified_at = sql_i64(q, 10),
        .generation = sql_i64(q, 11),
        .columns = {.row_identifier = -1, .shape_version = sql_i64(q, 13)},
    };
    snprintf(d.id, sizeof d.id, FMT_STR, ARG_STR(sql_text(q, 1)));
    snprintf(d.owner, sizeof d.owner, FMT_STR, ARG_STR(sql_text(q, 2)));
    size_t n = (size_t)sql_i64(q, 14);
    struct snapshot *s = snapshot_new(&d, n, err);
    if (!s)
        return false;
    if (!load_columns(c, s, n, sql_i64(q, 12), err) || !snapshot_load_grants(c, s, err) || !snapshot_seal(s, err) || !catalog_reserve(c, err)) {
        dataset_release(&s->d);
        return false;
    }
    catalog_install(c, NULL, s);
    return true;
}

static bool load_datasets(struct catalog *c, struct error *err)
{
    static const char text[] =
        "SELECT number, id, owner, stage, scope, name, resource_name, document, created_at, published_at, modified_at,"
        " generation, row_identifier, shape_version, (SELECT count(*) FROM dataset_column WHERE dataset = number)"
        " FROM dataset ORDER BY number";
    struct sql_statement *q = sql_prepare(c->writer, str_from(text), err);
    bool row = true, ok = q != NULL;
    while (ok && (ok = db_step(c->writer, q, &row, err)) && row)
        ok = load_dataset(c, q, err);
    sql_finalize(q);
    return ok;
}

static bool load(struct catalog *c, struct error *err)
{
    return load_datasets(c, err) && accounts_load(c->writer, &c->accounts, err) && keys_load(c->writer, &c->keys, err) &&
           db_int(c->watcher, err, &c->watched_data_version, "PRAGMA data_version", "") &&
           db_int(c->watcher, err, &c->watched_users_version, "SELECT value FROM counter WHERE name = 'users'", "");
}

/* ── open and close ── */

static bool open_files(struct catalog *c, const char *dir, struct error *err)
{
    char path[4096];
    if (!folder_make(dir, err))
        return false;
    if ((size_t)snprintf(path, sizeof path, "%s/catalog.db", dir) >= sizeof path)
        return error_set(err, ERROR_STORE_UNAVAILABLE, "the data directory's path is too long");
    c->dir = str_dup_z(str_from(dir));
    if (!c->dir)
        return error_no_memory(err);
    if (!db_open_writer(path, &c->writer, err) || !(c->watcher = sql_open(path, SQL_READER, WATCHER_CACHE_BYTES, err)) || !lookups_open(&c->lookups, path, err))
        return false;
    return folder_sync(dir, err);
}

struct catalog *catalog_open(const char *dir, struct error *err)
{
    if (sodium_init() < 0) {
        error_set(err, ERROR_STORE_UNAVAILABLE, "libsodium cannot start: no source of random bytes");
        return NULL;
    }
    struct catalog *c = calloc(1, sizeof *c);
    if (!c) {
        error_no_memory(err);
        return NULL;
    }
    pthread_mutex_init(&c->write, NULL);
    pthread_rwlock_init(&c->lock, NULL);
    pthread_mutex_init(&c->watch, NULL);
    pthread_mutex_init(&c->tokens.lock, NULL);
    pthread_mutex_init(&c->lookups.lock, NULL);
    if ((c->hashing = hashing_new(err)) && open_files(c, dir, err) && load(c, err))
        return c;
    catalog_close(c);
    return NULL;
}

void catalog_close(struct catalog *c)
{
    if (!c)
        return;
    if (c->writer)
        app_tokens_flush(c);
    for (size_t i = 0; i < c->n; i++)
        dataset_release(&c->in_order[i]->d);
    free(c->by_id);
    free(c->by_name);
    free(c->in_order);
    accounts_free(&c->accounts);
    keys_free(&c->keys);
    free(c->tokens.v);
    lookups_close(&c->lookups);
    sql_close(c->watcher);
    sql_close(c->writer);
    pthread_mutex_destroy(&c->write);
    pthread_rwlock_destroy(&c->lock);
    pthread_mutex_destroy(&c->watch);
    hashing_free(c->hashing);
    pthread_mutex_destroy(&c->tokens.lock);
    free(c->dir);
    free(c);
}

/* ── looking up ── */

bool dataset_not_found(struct error *err, struct str id)
{
    error_set(err, ERROR_DATASET_NOT_FOUND, "Not found");
    id = str_head_utf8(id, 200);
    error_data_str(err, "id", id);
    error_data_str(err, "dataset", id);
    return false;
}

/* Ids and plain names fold as ASCII; only a name with other letters takes the long way. */
static bool fold_key(struct arena *a, struct str s, struct str *ret, struct error *err)
{
    struct error why;
    if (s.n > FIELD_NAME_BYTES_MAX || !name_identifier(a, "a resource name", s, ret, &why))
        return dataset_not_found(err, s);
    return true;
}

const struct dataset *catalog_dataset(struct catalog *c, struct str id_or_name, struct error *err)
{
    char small[DATASET_ID_LENGTH] = "";
    struct arena a = {0};
    struct str key = str_make(small, sizeof small);
    bool is_id = id_or_name.n == DATASET_ID_LENGTH;
    for (size_t i = 0; is_id && i < DATASET_ID_LENGTH; i++) {
        char ch = id_or_name.p[i];
        small[i] = ch >= 'A' && ch <= 'Z' ? (char)(ch + 32) : ch;
    }
    is_id = is_id && name_is_4x4(key);
    if (!is_id && !fold_key(&a, id_or_name, &key, err)) {
        arena_free(&a);
        return NULL;
    }
    pthread_rwlock_rdlock(&c->lock);
    const struct snapshot *s = is_id ? catalog_find_id(c, key) : catalog_find_name(c, key);
    const struct dataset *d = s ? dataset_retain(&s->d) : NULL;
    pthread_rwlock_unlock(&c->lock);
    arena_free(&a);
    if (!d)
        dataset_not_found(err, id_or_name);
    return d;
}

bool catalog_list(struct catalog *c, char (**ret_ids)[DATASET_ID_LENGTH + 1], size_t *ret_n, struct error *err)
{
    pthread_rwlock_rdlock(&c->lock);
    size_t n = c->n;
    char(*ids)[DATASET_ID_LENGTH + 1] = calloc(n + 1, sizeof *ids);
    for (size_t i = 0; ids && i < n; i++)
        memcpy(ids[i], c->in_order[i]->d.id, sizeof *ids);
    pthread_rwlock_unlock(&c->lock);
    if (!ids)
        return error_no_memory(err);
    *ret_ids = ids;
    *ret_n = n;
    return true;
}
