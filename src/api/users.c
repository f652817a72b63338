/* /api/users: who the caller is, which clients also use to test a connection, and what anybody may know of another
 * (docs/wire/users.md). */
#include <stdio.h>

#include "api/handlers.h"
#include "api/view_json.h"
#include "format/writer_xml.h"

enum { USERS_BODY_MAX = 1 << 20 };

/* ── rights ── */

/* The documented names of what there is here, by the least role, and what a limited key must have been given. */
static const struct {
    const char *name;
    enum user_role role;
    enum key_right key;
} rights[] = {
    {"view_domain", ROLE_VIEWER, KEY_READ},          {"edit_others_datasets", ROLE_EDITOR, KEY_APPEND},   {"create_datasets", ROLE_PUBLISHER, KEY_MANAGE},
    {"view_others_datasets", ROLE_ADMINISTRATOR, KEY_READ}, {"chown_datasets", ROLE_ADMINISTRATOR, KEY_MANAGE}, {"manage_users", ROLE_ADMINISTRATOR, KEY_MANAGE},
};
enum { RIGHTS = sizeof rights / sizeof *rights };

static bool has_right(const struct principal *p, int i)
{
    return p->user.role >= rights[i].role && (p->scope.rights & rights[i].key) == (unsigned)rights[i].key && p->scope.n_datasets == 0;
}

/* ── as JSON ── */

static void reply(struct call *c, struct buf *out, const char *type)
{
    struct error err;
    if (!buf_ok(out)) {
        error_no_memory(&err);
        call_reply_error(c, &err);
    } else if (type) {
        call_reply_begin(c, 200, str_from(type));
        struct spool *body = http_reply_body(c->x);
        if (body && !spool_write(body, out->p, out->n, &err))
            call_reply_error(c, &err);
        else
            http_send(c->x);
    } else {
        call_reply_json(c, 200, buf_str(out));
    }
    buf_free(out);
}

static bool has_address(const struct user *u)
{
    size_t at;
    return str_find_byte(str_from(u->name), '@', &at);
}

/* What the user and administrators alone are told. */
static void add_private(const struct user *u, struct buf *b)
{
    buf_add_z(b, ",\"login\":");
    buf_add_json(b, str_from(u->name));
    if (has_address(u)) {
        buf_add_z(b, ",\"email\":");
        buf_add_json(b, str_from(u->name));
    }
    buf_add_z(b, ",\"emailUnsubscribed\":true,\"privacyControl\":\"login\"");
}

static void add_json(const struct principal *caller, const struct user *u, struct buf *b)
{
    bool own = strcmp(caller->user.id, u->id) == 0;
    struct error no;
    buf_add_byte(b, '{');
    view_write_user(u, true, b);
    buf_printf(b, ",\"createdAt\":%lld", (long long)u->created_at);
    if (own || gate_authorize(caller, GATE_ADMINISTER, NULL, &no))
        add_private(u, b);
    buf_add_z(b, ",\"numberOfFollowers\":0,\"numberOfFriends\":0,\"flags\":[],\"rights\":[");
    for (int i = 0, n = 0; own && i < RIGHTS; i++)
        if (has_right(caller, i))
            buf_printf(b, "%s\"%s\"", n++ ? "," : "", rights[i].name);
    buf_add_z(b, "]}");
}

/* ── as XML ── */

static void add_element(struct buf *b, const char *name, struct str text)
{
    buf_printf(b, "<%s>", name);
    xml_add_text(b, text);
    buf_printf(b, "</%s>", name);
}

/* The same members; a list is as many elements. */
static void add_xml(const struct principal *caller, struct buf *b)
{
    const struct user *u = &caller->user;
    char seconds[24];
    snprintf(seconds, sizeof seconds, "%lld", (long long)u->created_at);
    buf_add_z(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<user>");
    add_element(b, "id", str_from(u->id));
    add_element(b, "displayName", str_from(u->display_name));
    add_element(b, "screenName", str_from(u->display_name));
    add_element(b, "type", STR("interactive"));
    if (u->role != ROLE_NONE)
        add_element(b, "roleName", str_from(user_role_name(u->role)));
    add_element(b, "createdAt", str_from(seconds));
    add_element(b, "login", str_from(u->name));
    if (has_address(u))
        add_element(b, "email", str_from(u->name));
    for (int i = 0; i < RIGHTS; i++)
        if (has_right(caller, i))
            add_element(b, "rights", str_from(rights[i].name));
    buf_add_z(b, "</user>\n");
}

/* ── the handlers ── */

static void run_users_current(struct call *c)
{
    struct buf out = {0};
    if (c->extension == EXTENSION_XML)
        add_xml(&c->principal, &out);
    else
        add_json(&c->principal, &c->principal.user, &out);
    reply(c, &out, c->extension == EXTENSION_XML ? "application/xml; charset=utf-8" : NULL);
}
const struct handler handler_users_current = {.body_max = USERS_BODY_MAX, .run = run_users_current};

static void run_user_get(struct call *c)
{
    struct error err;
    struct user u;
    bool found = false;
    char id[USER_ID_LENGTH + 1];
    snprintf(id, sizeof id, FMT_STR, ARG_STR(str_head(c->part[0], USER_ID_LENGTH)));
    if (c->part[0].n == USER_ID_LENGTH && !catalog_user_by_id(c->api->catalog, id, &u, &found, &err)) {
        call_reply_error(c, &err);
        return;
    }
    if (!found) {
        error_set(&err, ERROR_NOT_FOUND, "there is no such user");
        call_reply_error(c, &err);
        return;
    }
    struct buf out = {0};
    add_json(&c->principal, &u, &out);
    reply(c, &out, NULL);
}
const struct handler handler_user_get = {.body_max = USERS_BODY_MAX, .run = run_user_get};
