/* seltzer key: make, list and revoke API keys of any user (docs/wire/api-keys.md). */
#include <stdlib.h>

#include "base/clock.h"
#include "catalog/keys.h"
#include "cli/verb.h"
#include "rows/timestamp.h"

const char *const cli_key_details =
    "A key stands in the place of a user's name and password: keyId:keySecret. The secret is printed once, by add.\n"
    "Unless it is limited it may what its user may.\n";

static bool read_rights(struct str list, unsigned *ret, struct error *err)
{
    struct str one;
    *ret = 0;
    while (list.n) {
        unsigned right;
        str_cut(list, ',', &one, &list);
        if (!key_right_from(str_trim(one), &right))
            return error_set(err, ERROR_BAD_REQUEST, "there is no right \"" FMT_STR "\"; read, append, replace, metadata and all are known", ARG_STR(one));
        *ret |= right;
    }
    return *ret || error_set(err, ERROR_BAD_REQUEST, "--rights takes one or more of read, append, replace, metadata and all, with commas between them");
}

static bool read_datasets(struct verb_call *c, struct str list, struct key_scope *ret, struct error *err)
{
    struct str one;
    if (!list.n)
        return error_set(err, ERROR_BAD_REQUEST, "--datasets takes one or more ids, with commas between them; leave it out for all datasets");
    while (list.n) {
        str_cut(list, ',', &one, &list);
        if (ret->n_datasets == KEY_DATASETS_MAX)
            return error_set(err, ERROR_LIMIT_EXCEEDED, "a key is limited to %d datasets at most; leave --datasets out for all", KEY_DATASETS_MAX);
        const struct dataset *d = catalog_dataset(c->house->catalog, str_trim(one), err);
        if (!d)
            return error_set(err, ERROR_NOT_FOUND, "there is no dataset \"" FMT_STR "\"", ARG_STR(str_head_utf8(one, 200)));
        memcpy(ret->datasets[ret->n_datasets++], d->id, sizeof d->id);
        dataset_release(d);
    }
    return true;
}

static bool read_expiry(struct str text, int64_t *ret_ms, struct error *err)
{
    const char *hint = NULL;
    text = str_trim(text);
    if (!text.n || !timestamp_parse(text, TIMESTAMP_FIXED, ret_ms, &hint))
        return error_set(err, ERROR_BAD_REQUEST, "--expires must be a time such as 2027-01-31T12:00:00Z%s%s", hint ? ": " : "", hint ? hint : "");
    return *ret_ms > clock_wall_ms() || error_set(err, ERROR_BAD_REQUEST, "--expires is in the past: the key would never be good");
}

bool verb_key_add(struct verb_call *c, struct error *err)
{
    struct user user;
    struct key_spec spec = {.user = user.id, .name = c->request->words[1], .scope = {.rights = KEY_EVERYTHING}};
    struct str rights = verb_option(c, "rights"), datasets = verb_option(c, "datasets"), expires = verb_option(c, "expires");
    struct key key;
    char secret[SECRET_LENGTH + 1];
    if (!verb_user(c, c->request->words[0], &user, err) || (rights.p && !read_rights(rights, &spec.scope.rights, err)) ||
        (datasets.p && !read_datasets(c, datasets, &spec.scope, err)) || (expires.p && !read_expiry(expires, &spec.expires_ms, err)))
        return false;
    if (!catalog_create_key(c->house->catalog, &c->by, &spec, &key, secret, err))
        return false;
    bool ok = verb_print(c, err, "keyId: %s\nkeySecret: %s\n", key.id, secret);
    secret_wipe(secret, sizeof secret);
    return ok;
}

static const char *state_of(const struct key *k)
{
    return k->deleted_ms ? "revoked" : key_is_alive(k, clock_wall_ms()) ? "active" : "expired";
}

static bool print_key(struct verb_call *c, const struct key *k, struct error *err)
{
    struct user user;
    bool found;
    struct buf b = {0};
    if (!catalog_user_by_id(c->house->catalog, k->user, &user, &found, err))
        return false;
    key_scope_write(&k->scope, &b);
    if (k->expires_ms)
        buf_add_z(&b, "\texpires ");
    if (k->expires_ms)
        timestamp_write(k->expires_ms, TIMESTAMP_FIXED, &b);
    buf_add_z(&b, k->used_ms ? "\tlast used " : "\tnever used");
    if (k->used_ms)
        timestamp_write(k->used_ms, TIMESTAMP_FIXED, &b);
    bool ok = (buf_ok(&b) || error_no_memory(err)) &&
              verb_print(c, err, "%s\t%s\t%s\t%s\t" FMT_STR "\n", k->id, found ? user.name : k->user, k->name, state_of(k), ARG_STR(buf_str(&b)));
    buf_free(&b);
    return ok;
}

static int by_creation(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    return x->created_ms != y->created_ms ? (x->created_ms < y->created_ms ? -1 : 1) : strcmp(x->id, y->id);
}

bool verb_key_list(struct verb_call *c, struct error *err)
{
    struct user user;
    struct key *keys;
    size_t n;
    bool ok = true;
    if (c->request->n_words && !verb_user(c, c->request->words[0], &user, err))
        return false;
    if (!catalog_keys(c->house->catalog, c->request->n_words ? user.id : NULL, &keys, &n, err))
        return false;
    if (n)
        qsort(keys, n, sizeof *keys, by_creation);
    for (size_t i = 0; ok && i < n; i++)
        if (!keys[i].deleted_ms || verb_option(c, "revoked").n)
            ok = print_key(c, &keys[i], err);
    free(keys);
    return ok;
}

bool verb_key_revoke(struct verb_call *c, struct error *err)
{
    struct key key;
    return catalog_delete_key(c->house->catalog, &c->by, NULL, c->request->words[0], &key, err);
}

int cli_key(int argc, char **argv)
{
    static const char *data = "./data", *rights, *datasets, *expires;
    static bool revoked;
    const struct cli_option options[] = {
        {"data", "DIR", "the data directory (./data)", NULL, &data, NULL, NULL, 0},
        {"rights", "LIST", "add: read, append, replace, metadata, with commas between them; without it the key is not limited", NULL, &rights, NULL, NULL, 0},
        {"datasets", "LIST", "add: ids, with commas between them; without it the key is for all datasets", NULL, &datasets, NULL, NULL, 0},
        {"expires", "TIME", "add: such as 2027-01-31T12:00:00Z (never)", NULL, &expires, NULL, NULL, 0},
        {"revoked", NULL, "list: revoked keys too", &revoked, NULL, NULL, NULL, 0},
    };
    return cli_administer("key", options, sizeof options / sizeof *options, argc, argv);
}
