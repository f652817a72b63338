/* /api/users/current, which clients also use to test a connection. */
#include "api/handlers.h"
#include "api/view_json.h"

static void run_users_current(struct call *c)
{
    struct buf out = {0};
    struct error err;
    const struct user *u = &c->principal.user;
    buf_add_byte(&out, '{');
    view_write_user(u, true, &out);
    buf_add_z(&out, ",\"login\":");
    buf_add_json(&out, str_from(u->name));
    size_t at;
    if (str_find_byte(str_from(u->name), '@', &at)) {
        buf_add_z(&out, ",\"email\":");
        buf_add_json(&out, str_from(u->name));
    }
    buf_add_z(&out, ",\"flags\":[],\"rights\":");
    buf_add_z(&out, u->role == ROLE_ADMINISTRATOR ? "[\"create_datasets\",\"edit_others_datasets\",\"view_others_datasets\",\"manage_users\"]}" : "[\"create_datasets\"]}");
    if (buf_ok(&out)) {
        call_reply_json(c, 200, buf_str(&out));
    } else {
        error_no_memory(&err);
        call_reply_error(c, &err);
    }
    buf_free(&out);
}
const struct handler handler_users_current = {.body_max = 1 << 20, .run = run_users_current};
