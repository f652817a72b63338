/* /api/api_keys: the caller's own keys (docs/wire/api-keys.md). */
#include <stdlib.h>

#include "api/handlers.h"
#include "base/clock.h"
#include "catalog/keys.h"
#include "rows/timestamp.h"

enum { KEY_BODY_BYTES_MAX = 64 << 10, LIMIT_DEFAULT = 10, LIMIT_MAX = 100 };

/* ── out ── */

/* Twice each: as text, and under the old name in seconds. What is not set is left out. */
static void add_time(struct buf *b, const char *name, int64_t ms)
{
    if (!ms)
        return;
    buf_printf(b, ",\"%sTimestamp\":\"", name);
    timestamp_write(ms, TIMESTAMP_FIXED, b);
    buf_printf(b, "\",\"%s\":%lld", name, (long long)(ms / 1000));
}

/* secret: NULL but for a key that was just made. */
static void add_key(const struct key *k, const struct user *owner, const char *secret, struct buf *b)
{
    buf_printf(b, "{\"keyId\":\"%s\"", k->id);
    if (secret)
        buf_printf(b, ",\"keySecret\":\"%s\"", secret);
    buf_add_z(b, ",\"keyName\":");
    buf_add_json(b, str_from(k->name));
    add_time(b, "createdAt", k->created_ms);
    add_time(b, "lastUsedAt", k->used_ms);
    add_time(b, "deletedAt", k->deleted_ms);
    add_time(b, "expiresAt", k->expires_ms);
    buf_add_byte(b, ',');
    key_scope_write(&k->scope, b);
    buf_add_z(b, ",\"owner\":{\"id\":");
    buf_add_json(b, str_from(owner->id));
    buf_add_z(b, ",\"displayName\":");
    buf_add_json(b, str_from(owner->display_name));
    buf_add_z(b, ",\"email\":");
    buf_add_json(b, str_from(owner->name));
    buf_add_z(b, "}}");
}

static void reply(struct call *c, struct buf *out)
{
    struct error err;
    if (buf_ok(out)) {
        http_reply_header(c->x, "Cache-Control", STR("no-store"));
        call_reply_json(c, 200, buf_str(out));
    } else {
        error_no_memory(&err);
        call_reply_error(c, &err);
    }
    secret_wipe(out->p, out->n);
    buf_free(out);
}

static void reply_key(struct call *c, const struct key *k, const char *secret)
{
    struct buf out = {0};
    add_key(k, &c->principal.user, secret, &out);
    reply(c, &out);
}

/* ── the list ── */

struct sort {
    const char *name;
    int (*compare)(const struct key *a, const struct key *b);
};

static int by_number(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static int by_used(const struct key *a, const struct key *b)
{
    return by_number(a->used_ms, b->used_ms);
}

static int by_created(const struct key *a, const struct key *b)
{
    return by_number(a->created_ms, b->created_ms);
}

static int by_deleted(const struct key *a, const struct key *b)
{
    return by_number(a->deleted_ms, b->deleted_ms);
}

static int by_name(const struct key *a, const struct key *b)
{
    return strcmp(a->name, b->name);
}

static const struct sort sorts[] = {{"last_used_at", by_used}, {"created_at", by_created}, {"deleted_at", by_deleted}, {"name", by_name}};

static const struct sort *sorts_find(struct str name)
{
    for (size_t i = 0; i < sizeof sorts / sizeof *sorts; i++)
        if (str_eq(name, str_from(sorts[i].name)))
            return &sorts[i];
    return NULL;
}

struct listing {
    const struct sort *by;
    bool descending, with_deleted;
    uint64_t limit;
    struct str search, after;
};

/* Ids end every tie, so that the pages of a list fit together. */
static int in_order(const void *a, const void *b, void *ctx)
{
    const struct listing *l = ctx;
    int order = l->by->compare(a, b);
    if (order == 0)
        order = strcmp(((const struct key *)a)->id, ((const struct key *)b)->id);
    return l->descending ? -order : order;
}

static bool read_listing(struct call *c, struct listing *ret, struct error *err)
{
    struct str value;
    *ret = (struct listing){.by = &sorts[1], .limit = LIMIT_DEFAULT};
    if (call_query(c, "limit", &value) && (!str_to_u64(value, &ret->limit) || ret->limit < 1 || ret->limit > LIMIT_MAX))
        return error_set(err, ERROR_API_KEY_INVALID_PAGE_SIZE, "limit must be a whole number from 1 to %d", LIMIT_MAX);
    if (call_query(c, "sortBy", &value) && !(ret->by = sorts_find(value)))
        return error_set(err, ERROR_API_KEY_INVALID_SORT_COLUMN, "keys are sorted by last_used_at, created_at, deleted_at or name, not by \"" FMT_STR "\"", ARG_STR(str_head_utf8(value, 100)));
    if (call_query(c, "sortOrder", &value)) {
        ret->descending = str_eq_fold(value, STR("desc"));
        if (!ret->descending && !str_eq_fold(value, STR("asc")))
            return error_set(err, ERROR_BAD_PARAMETER, "sortOrder must be asc or desc");
    }
    if (!call_query(c, "nameSearch", &ret->search))
        ret->search = STR_NONE;
    if (!call_query(c, "seek", &ret->after))
        ret->after = STR_NONE;
    return call_query_bool(c, "includeDeleted", &ret->with_deleted, err);
}

static bool is_wanted(const struct listing *l, const struct key *k)
{
    if (k->deleted_ms && !l->with_deleted)
        return false;
    return l->search.n == 0 || str_eq(l->search, str_from(k->id)) || memmem(k->name, strlen(k->name), l->search.p, l->search.n);
}

/* seek names the last key of the page before; a key that is not there (deleted since, for one) begins anew, as no key is missed so. */
static void add_page(const struct listing *l, struct key *keys, size_t n, const struct user *owner, struct buf *out)
{
    size_t begins = 0, kept = 0;
    uint64_t told = 0;
    for (size_t i = 0; i < n; i++)
        if (is_wanted(l, &keys[i]) || str_eq(l->after, str_from(keys[i].id)))
            keys[kept++] = keys[i];
    if (kept)
        qsort_r(keys, kept, sizeof *keys, in_order, (void *)(uintptr_t)l);
    for (size_t i = 0; l->after.n && i < kept; i++)
        if (str_eq(l->after, str_from(keys[i].id)))
            begins = i + 1;
    buf_add_byte(out, '[');
    for (size_t i = begins; i < kept && told < l->limit; i++) {
        if (!is_wanted(l, &keys[i]))
            continue;
        if (told++)
            buf_add_byte(out, ',');
        add_key(&keys[i], owner, NULL, out);
    }
    buf_add_byte(out, ']');
}

static void run_list(struct call *c)
{
    struct error err;
    struct listing l;
    struct key *keys = NULL;
    size_t n = 0;
    if (!read_listing(c, &l, &err) || !catalog_keys(c->api->catalog, c->principal.user.id, &keys, &n, &err)) {
        call_reply_error(c, &err);
        return;
    }
    struct buf out = {0};
    add_page(&l, keys, n, &c->principal.user, &out);
    free(keys);
    reply(c, &out);
}
const struct handler handler_api_keys_list = {.body_max = KEY_BODY_BYTES_MAX, .run = run_list};

/* ── one ── */

static void run_get(struct call *c)
{
    struct error err;
    struct key key;
    bool found;
    if (!catalog_key(c->api->catalog, c->part[0], &key, &found, &err)) {
        call_reply_error(c, &err);
    } else if (!found || strcmp(key.user, c->principal.user.id) != 0) {
        error_set(&err, ERROR_API_KEY_NOT_FOUND, "there is no such API key");
        call_reply_error(c, &err);
    } else {
        reply_key(c, &key, NULL);
    }
}
const struct handler handler_api_key_get = {.body_max = KEY_BODY_BYTES_MAX, .run = run_get};

static void run_delete(struct call *c)
{
    struct error err;
    struct key key;
    if (!catalog_delete_key(c->api->catalog, &c->actor, c->principal.user.id, c->part[0], &key, &err)) {
        call_reply_error(c, &err);
        return;
    }
    http_reply_done(c->x);
    reply_key(c, &key, NULL);
}
const struct handler handler_api_key_delete = {.body_max = KEY_BODY_BYTES_MAX, .run = run_delete};

/* ── making one ── */

static bool read_rights(const struct json *v, unsigned *ret, struct error *err)
{
    *ret = 0;
    if (v->kind != JSON_ARRAY || v->n == 0)
        return error_set(err, ERROR_BAD_REQUEST, "rights must be a list of one or more of read, append, replace, metadata and all");
    for (const struct json *one = v->first; one; one = one->next) {
        unsigned right;
        if (one->kind != JSON_STRING || !key_right_from(one->text, &right))
            return error_set(err, ERROR_BAD_REQUEST, "there is no right \"" FMT_STR "\"; read, append, replace, metadata and all are known", ARG_STR(str_head_utf8(one->text, 100)));
        *ret |= right;
    }
    return true;
}

static bool is_listed(const struct key_scope *s, const char *id)
{
    for (size_t i = 0; i < s->n_datasets; i++)
        if (strcmp(s->datasets[i], id) == 0)
            return true;
    return false;
}

/* Ids or resource names of datasets that the caller may read; they are kept by id. */
static bool read_datasets(struct call *c, const struct json *v, struct key_scope *ret, struct error *err)
{
    if (v->kind != JSON_ARRAY || v->n == 0)
        return error_set(err, ERROR_BAD_REQUEST, "datasets must be a list of one or more ids; leave it out for all datasets");
    for (const struct json *one = v->first; one; one = one->next) {
        if (one->kind != JSON_STRING)
            return error_set(err, ERROR_BAD_REQUEST, "datasets must be a list of ids");
        const struct dataset *d = call_dataset(c, one->text, GATE_READ_VIEW, err);
        if (!d)
            return false;
        bool fits = is_listed(ret, d->id) || ret->n_datasets < KEY_DATASETS_MAX;
        if (fits && !is_listed(ret, d->id))
            memcpy(ret->datasets[ret->n_datasets++], d->id, sizeof d->id);
        dataset_release(d);
        if (!fits)
            return error_set(err, ERROR_LIMIT_EXCEEDED, "a key is limited to %d datasets at most; leave datasets out for all", KEY_DATASETS_MAX);
    }
    return true;
}

/* A time as text, or seconds since the epoch, as it is answered. */
static bool read_expiry(const struct json *v, int64_t *ret_ms, struct error *err)
{
    const char *hint = NULL;
    uint64_t seconds = 0;
    struct str text = str_trim(v->text);
    if (v->kind == JSON_NUMBER && str_to_u64(v->text, &seconds) && seconds <= TIMESTAMP_MS_MAX / 1000)
        *ret_ms = (int64_t)seconds * 1000;
    else if (v->kind != JSON_STRING || text.n == 0 || !timestamp_parse(text, TIMESTAMP_FIXED, ret_ms, &hint))
        return error_set(err, ERROR_BAD_REQUEST, "expiresAt must be a time such as \"2027-01-31T12:00:00Z\"%s%s", hint ? ": " : "", hint ? hint : "");
    return *ret_ms > clock_wall_ms() || error_set(err, ERROR_BAD_REQUEST, "expiresAt is in the past: the key would never be good");
}

/* A key that ends cannot make one that does not, or its end would be none. */
static bool check_end(struct call *c, int64_t expires_ms, struct error *err)
{
    struct key asking;
    bool found;
    if (c->principal.kind != PRINCIPAL_KEY)
        return true;
    if (!catalog_key(c->api->catalog, str_from(c->principal.credential), &asking, &found, err))
        return false;
    if (!found || !asking.expires_ms || (expires_ms && expires_ms <= asking.expires_ms))
        return true;
    return error_set(err, ERROR_BAD_REQUEST, "the API key that asks expires, so expiresAt must be given and not be later than that key's");
}

static bool read_spec(struct call *c, struct key_spec *ret, struct error *err)
{
    struct json *body;
    *ret = (struct key_spec){.user = c->principal.user.id, .scope = {.rights = KEY_EVERYTHING}};
    if (!json_parse(c->arena, buf_str(&c->body), &body, err))
        return false;
    if (body->kind != JSON_OBJECT)
        return error_set(err, ERROR_BODY_NOT_OBJECT, "an object with a keyName was expected");
    const struct json *name = json_get(body, STR("keyName")), *rights = json_get(body, STR("rights")), *datasets = json_get(body, STR("datasets")),
                      *expires = json_get(body, STR("expiresAt"));
    if (!name || name->kind != JSON_STRING)
        return error_set(err, ERROR_API_KEY_MISSING_FIELD, "a key needs a keyName, so that it can be told from others");
    ret->name = name->text;
    return (!rights || read_rights(rights, &ret->scope.rights, err)) && (!datasets || read_datasets(c, datasets, &ret->scope, err)) &&
           (!expires || expires->kind == JSON_NULL || read_expiry(expires, &ret->expires_ms, err)) && check_end(c, ret->expires_ms, err);
}

static void run_create(struct call *c)
{
    struct error err;
    struct key_spec spec;
    struct key key;
    char secret[SECRET_LENGTH + 1];
    if (!read_spec(c, &spec, &err) || !catalog_create_key(c->api->catalog, &c->actor, &spec, &key, secret, &err)) {
        call_reply_error(c, &err);
        return;
    }
    http_reply_done(c->x);
    reply_key(c, &key, secret);
    secret_wipe(secret, sizeof secret);
}
const struct handler handler_api_keys_create = {.body_max = KEY_BODY_BYTES_MAX, .run = run_create};
