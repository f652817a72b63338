/* seltzer user: add a user, set a password, disable and enable. */
#include "cli/verb.h"

const char *const cli_user_details =
    "The password is asked for on a terminal, else read from the first line of standard input; with --generate a\n"
    "fresh one is made and printed. At least 8 bytes; 15 characters or more are advised.\n"
    "Beside a running server it is done by the server, at once; root and the server's user may.\n";

bool verb_user_passwd(struct verb_call *c, struct error *err)
{
    return catalog_set_password(c->house->catalog, &c->by, c->request->words[0], c->request->secret, err);
}

bool verb_user_disable(struct verb_call *c, struct error *err)
{
    return catalog_set_disabled(c->house->catalog, &c->by, c->request->words[0], true, err);
}

bool verb_user_enable(struct verb_call *c, struct error *err)
{
    return catalog_set_disabled(c->house->catalog, &c->by, c->request->words[0], false, err);
}

static bool choose_role(const struct verb_call *c, enum user_role *ret, struct error *err)
{
    struct str given = verb_option(c, "role");
    *ret = verb_option(c, "administrator").n ? ROLE_ADMINISTRATOR : ROLE_PUBLISHER;
    return !given.p || user_role_from(given, ret) ||
           error_set(err, ERROR_BAD_REQUEST, "no role \"" FMT_STR "\"; none, viewer, editor, publisher and administrator are known", ARG_STR(given));
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
