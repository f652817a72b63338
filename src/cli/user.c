/* seltzer user: add a user, set a password or a role, disable and enable, list. */
#include <stdlib.h>

#include "cli/verb.h"

const char *const cli_user_details =
    "The password is asked for on a terminal, else read from the first line of standard input; with --generate a\n"
    "fresh one is made and printed. At least 8 bytes; 15 characters or more are advised.\n"
    "Beside a running server it is done by the server, at once; root and the server's user may.\n";

bool verb_user_passwd(struct verb_call *c, struct error *err)
{
    return catalog_set_password(c->house->catalog, &c->by, c->request->words[0], c->request->secret, err);
}

bool verb_user_enable(struct verb_call *c, struct error *err)
{
    return catalog_set_disabled(c->house->catalog, &c->by, c->request->words[0], false, err);
}

static bool read_role(struct str name, enum user_role *ret, struct error *err)
{
    return user_role_from(name, ret) || error_set(err, ERROR_BAD_REQUEST, "no role \"" FMT_STR "\"; none, viewer, editor, publisher and administrator are known", ARG_STR(name));
}

/* A server without an administrator could be mended from here alone, so this is not refused, but told. */
static bool warn_if_last(struct verb_call *c, struct error *err)
{
    struct user *v;
    size_t n, left = 0;
    if (!catalog_users(c->house->catalog, &v, &n, err))
        return false;
    for (size_t i = 0; i < n; i++)
        left += v[i].role == ROLE_ADMINISTRATOR && !v[i].disabled;
    free(v);
    return left || verb_print(c, err, "there is no administrator left who can log in; seltzer user role NAME administrator makes one\n");
}

bool verb_user_disable(struct verb_call *c, struct error *err)
{
    return catalog_set_disabled(c->house->catalog, &c->by, c->request->words[0], true, err) && warn_if_last(c, err);
}

bool verb_user_role(struct verb_call *c, struct error *err)
{
    enum user_role role;
    return read_role(c->request->words[1], &role, err) && catalog_set_role(c->house->catalog, &c->by, c->request->words[0], role, err) && warn_if_last(c, err);
}

bool verb_user_list(struct verb_call *c, struct error *err)
{
    struct user *v;
    size_t n;
    if (!catalog_users(c->house->catalog, &v, &n, err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++)
        ok = verb_print(c, err, "%s\t%s\t%s\t%s\n", v[i].id, v[i].name, user_role_name(v[i].role), v[i].disabled ? "disabled" : "active");
    free(v);
    return ok;
}

static bool choose_role(const struct verb_call *c, enum user_role *ret, struct error *err)
{
    struct str given = verb_option(c, "role");
    *ret = verb_option(c, "administrator").n ? ROLE_ADMINISTRATOR : ROLE_PUBLISHER;
    return !given.p || read_role(given, ret, err);
}

bool verb_user_add(struct verb_call *c, struct error *err)
{
    struct user user;
    enum user_role role;
    return choose_role(c, &role, err) && catalog_create_user(c->house->catalog, &c->by, c->request->words[0], c->request->secret, role, &user, err);
}

int cli_user(int argc, char **argv)
{
    static const char *data = "./data", *role;
    static bool generate, administrator;
    const struct cli_option options[] = {
        {"data", "DIR", "the data directory (./data)", NULL, &data, NULL, NULL, 0},
        {"generate", NULL, "make a password and print it", &generate, NULL, NULL, NULL, 0},
        {"role", "ROLE", "add: none, viewer, editor, publisher (unless given) or administrator", NULL, &role, NULL, NULL, 0},
        {"administrator", NULL, "add: the same as --role administrator", &administrator, NULL, NULL, NULL, 0},
    };
    return cli_administer("user", options, sizeof options / sizeof *options, argc, argv);
}
