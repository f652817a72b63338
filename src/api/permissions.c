/* /api/views/{id}/permissions: scope, owner and grants of a dataset as one document (docs/wire/views.md, "Permissions"). */
#include <stdio.h>

#include "api/handlers.h"

enum { PERMISSIONS_BYTES_MAX = 1 << 20 };

/* A level on the wire is a name and a version; OWNS stands for the one owner, who is no grant. */
enum { OWNS = GRANT_OWNER + 1 };
static const struct {
    const char *name, *version;
    int level;
} levels[] = {
    {"viewer", "published", GRANT_VIEWER_PUBLISHED}, {"viewer", "all", GRANT_VIEWER}, {"contributor", "all", GRANT_CONTRIBUTOR},
    {"owner", "all", GRANT_OWNER},                   {"current_owner", "all", OWNS},
};
static const char *const scopes[] = {[SCOPE_PRIVATE] = "private", [SCOPE_PUBLIC] = "public", [SCOPE_SITE] = "site"};

/* ── out ── */

static void add_levels(struct buf *b, int level)
{
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (levels[i].level == level)
            buf_printf(b, "\"accessLevels\":[{\"name\":\"%s\",\"version\":\"%s\"}]", levels[i].name, levels[i].version);
}

/* A user who is no more is told by his id alone. */
static bool add_user(struct call *c, const char *id, int level, struct buf *b, struct error *err)
{
    struct user u;
    bool found;
    if (!catalog_user_by_id(c->api->catalog, id, &u, &found, err))
        return false;
    buf_add_z(b, "{\"id\":");
    buf_add_json(b, str_from(id));
    if (found) {
        buf_add_z(b, ",\"email\":");
        buf_add_json(b, str_from(u.name));
        buf_add_z(b, ",\"displayName\":");
        buf_add_json(b, str_from(u.display_name));
    }
    buf_add_z(b, ",\"type\":\"interactive\",");
    add_levels(b, level);
    buf_add_byte(b, '}');
    return true;
}

static bool write_permissions(struct call *c, const struct dataset *d, struct buf *b, struct error *err)
{
    buf_printf(b, "{\"scope\":\"%s\",", scopes[d->scope]);
    if (d->scope == SCOPE_PRIVATE)
        buf_add_z(b, "\"accessLevels\":[]");
    else
        add_levels(b, GRANT_VIEWER_PUBLISHED);
    buf_add_z(b, ",\"users\":[");
    bool ok = add_user(c, d->owner, OWNS, b, err);
    for (size_t i = 0; ok && i < d->n_grants; i++) {
        buf_add_byte(b, ',');
        ok = add_user(c, d->grants[i].user, (int)d->grants[i].level, b, err);
    }
    buf_add_z(b, "]}");
    return ok && (buf_ok(b) || error_no_memory(err));
}

static void reply(struct call *c, const struct dataset *d)
{
    struct buf out = {0};
    struct error err;
    if (write_permissions(c, d, &out, &err))
        call_reply_json(c, 200, buf_str(&out));
    else
        call_reply_error(c, &err);
    buf_free(&out);
}

static void run_permissions_get(struct call *c)
{
    reply(c, c->dataset);
}
const struct handler handler_permissions_get = {.body_max = PERMISSIONS_BYTES_MAX, .run = run_permissions_get};

/* ── in ── */

static bool wrong(struct error *err, const char *what)
{
    return error_set(err, ERROR_BAD_REQUEST, "%s", what);
}

static bool read_scope(const struct json *v, enum dataset_scope *ret, struct error *err)
{
    for (int i = 0; v->kind == JSON_STRING && i < (int)(sizeof scopes / sizeof *scopes); i++)
        if (str_eq(v->text, str_from(scopes[i]))) {
            *ret = (enum dataset_scope)i;
            return true;
        }
    return wrong(err, "scope must be \"public\", \"site\" or \"private\"");
}

static bool read_level(const struct json *user, int *ret, struct error *err)
{
    const struct json *list = json_get(user, STR("accessLevels"));
    if (!list || list->kind != JSON_ARRAY || list->n != 1)
        return wrong(err, "each of users needs accessLevels with exactly one level in it");
    struct str name = json_get_str(list->first, STR("name")), version = json_get_str(list->first, STR("version"));
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (str_eq(name, str_from(levels[i].name)) && str_eq(version, str_from(levels[i].version))) {
            *ret = levels[i].level;
            return true;
        }
    return error_set(err, ERROR_BAD_REQUEST, "there is no access level \"" FMT_STR "\" of version \"" FMT_STR "\"; viewer/published, viewer/all, contributor/all, owner/all and current_owner/all are known",
                     ARG_STR(str_head_utf8(name, 100)), ARG_STR(str_head_utf8(version, 100)));
}

/* The e-mail address comes before the id. */
static bool find_user(struct call *c, const struct json *user, char ret[USER_ID_LENGTH + 1], struct error *err)
{
    struct str email = json_get_str(user, STR("email")), id = json_get_str(user, STR("id"));
    struct user u;
    bool found = false, ok = true;
    if (str_eq(json_get_str(user, STR("type")), STR("team")))
        return wrong(err, "there are no teams here: name the users themselves");
    if (!email.n && !id.n)
        return wrong(err, "each of users needs an email or an id");
    if (email.n) {
        ok = catalog_user_by_name(c->api->catalog, email, &u, &found, err);
    } else {
        char text[USER_ID_LENGTH + 2]; /* one more, so that a longer one is not cut to another's */
        snprintf(text, sizeof text, FMT_STR, ARG_STR(str_head(id, sizeof text - 1)));
        ok = id.n != USER_ID_LENGTH || catalog_user_by_id(c->api->catalog, text, &u, &found, err);
    }
    if (!ok)
        return false;
    if (!found)
        return error_set(err, ERROR_NOT_FOUND, "there is no user \"" FMT_STR "\"", ARG_STR(str_head_utf8(email.n ? email : id, 200)));
    memcpy(ret, u.id, sizeof u.id);
    return true;
}

struct wanted {
    enum dataset_scope scope;
    char owner[USER_ID_LENGTH + 1];
    struct sharing sharing; /* points at the two above */
};

static bool read_users(struct call *c, const struct json *users, struct wanted *ret, struct error *err)
{
    if (users->kind != JSON_ARRAY)
        return wrong(err, "users must be a list");
    if (users->n > GRANTS_MAX)
        return error_set(err, ERROR_LIMIT_EXCEEDED, "a dataset is shared with %d users at most", GRANTS_MAX);
    struct grant *grants = arena_zalloc(c->arena, (users->n + 1) * sizeof *grants);
    if (!grants)
        return error_no_memory(err);
    size_t n = 0;
    for (const struct json *u = users->first; u; u = u->next) {
        struct grant g = {.level = GRANT_NONE};
        int level = GRANT_NONE;
        if (u->kind != JSON_OBJECT)
            return wrong(err, "users must be a list of objects");
        if (!read_level(u, &level, err) || !find_user(c, u, g.user, err))
            return false;
        if (level != OWNS) {
            g.level = (enum grant_level)level;
            grants[n++] = g;
        } else if (ret->sharing.owner) {
            return wrong(err, "exactly one of users must be current_owner, two are");
        } else {
            memcpy(ret->owner, g.user, sizeof ret->owner);
            ret->sharing.owner = ret->owner;
        }
    }
    ret->sharing.grants = grants;
    ret->sharing.n_grants = n;
    return ret->sharing.owner || wrong(err, "exactly one of users must be current_owner, none is");
}

static bool read_permissions(struct call *c, struct wanted *ret, struct error *err)
{
    struct json *body;
    if (!json_parse(c->arena, buf_str(&c->body), &body, err))
        return false;
    if (body->kind != JSON_OBJECT)
        return error_set(err, ERROR_BODY_NOT_OBJECT, "an object with scope, users or both was expected");
    const struct json *scope = json_get(body, STR("scope")), *users = json_get(body, STR("users"));
    if (!scope && !users)
        return wrong(err, "an object with scope, users or both was expected; it has neither");
    if (scope && !read_scope(scope, &ret->scope, err))
        return false;
    if (scope)
        ret->sharing.scope = &ret->scope;
    return !users || read_users(c, users, ret, err);
}

static void run_permissions_put(struct call *c)
{
    struct error err;
    struct wanted wanted = {0};
    const struct dataset *next = NULL;
    if (read_permissions(c, &wanted, &err))
        next = catalog_share(c->api->catalog, &c->actor, c->dataset->id, &wanted.sharing, &err);
    if (!next) {
        call_reply_error(c, &err);
        return;
    }
    http_reply_done(c->x);
    reply(c, next);
    dataset_release(next);
}
const struct handler handler_permissions_put = {.body_max = PERMISSIONS_BYTES_MAX, .run = run_permissions_put};
