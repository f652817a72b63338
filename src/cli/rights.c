/* seltzer rights: who may do what, from the tables that the server itself reads (api/routes.def, gate/rights.def). With
 * --markdown the tables of docs/rights.md. */
#include <errno.h>
#include <stdio.h>

#include "api/router.h"
#include "cli/cli.h"

const char *const cli_rights_details =
    "Prints every route with the action that it is, and every action with what it takes: a role on the site, a grant\n"
    "on the dataset, and what a limited API key must have been given. Columns are separated by tabs.\n";

static const char *const roles[] = {
    [GATE_ROLE_ANYBODY] = "anybody", [GATE_ROLE_SIGNED_IN] = "signed in", [GATE_ROLE_HIMSELF] = "signed in, not through an application", [GATE_ROLE_VIEWER] = "viewer",
    [GATE_ROLE_EDITOR] = "editor",   [GATE_ROLE_PUBLISHER] = "publisher", [GATE_ROLE_ADMINISTRATOR] = "administrator",
    [GATE_ROLE_OPERATOR] = "administrator, or an operator's network",
};

static const char *key_name(enum key_right right)
{
    switch (right) {
    case KEY_NOTHING: return "any key";
    case KEY_READ: return "read";
    case KEY_APPEND: return "append";
    case KEY_REPLACE: return "replace";
    case KEY_METADATA: return "metadata";
    case KEY_MANAGE: return "not limited";
    case KEY_EVERYTHING: break;
    }
    return "not limited";
}

static const char *method_name(enum http_method method)
{
    switch (method) {
    case HTTP_GET: return "GET";
    case HTTP_HEAD: return "HEAD";
    case HTTP_POST: return "POST";
    case HTTP_PUT: return "PUT";
    case HTTP_PATCH: return "PATCH";
    case HTTP_DELETE: return "DELETE";
    case HTTP_OPTIONS: return "OPTIONS";
    case HTTP_OTHER: break;
    }
    return "?";
}

static const char *grant_name(enum grant_level level)
{
    return level == GRANT_NONE ? "-" : grant_level_name(level);
}

static void add_actions(bool markdown, struct buf *out)
{
    if (markdown)
        buf_add_z(out, "<!-- actions -->\n| action | role | or grant | a limited key needs | what it is |\n|---|---|---|---|---|\n");
    for (int i = 0; i < GATE_ACTIONS; i++) {
        const struct gate_right *r = gate_right((enum gate_action)i);
        if (markdown)
            buf_printf(out, "| `%s` | %s | %s | %s | %s |\n", r->action, roles[r->role], grant_name(r->grant), key_name(r->key), r->what);
        else
            buf_printf(out, "%s\t%s\t%s\t%s\t%s\n", r->action, roles[r->role], grant_name(r->grant), key_name(r->key), r->what);
    }
    buf_add_z(out, markdown ? "<!-- end -->\n" : "\n");
}

static void add_routes(bool markdown, struct buf *out)
{
    size_t n;
    const struct route *routes = router_routes(&n);
    if (markdown)
        buf_add_z(out, "<!-- routes -->\n| route | action | role | or grant |\n|---|---|---|---|\n");
    for (size_t i = 0; i < n; i++) {
        const struct gate_right *r = gate_right(routes[i].action);
        if (markdown)
            buf_printf(out, "| `%s %s` | `%s` | %s | %s |\n", method_name(routes[i].method), routes[i].pattern, r->action, roles[r->role],
                       routes[i].has_dataset ? grant_name(r->grant) : "-");
        else
            buf_printf(out, "%s\t%s\t%s\t%s\n", method_name(routes[i].method), routes[i].pattern, routes[i].has_dataset ? "dataset" : "-", r->action);
    }
    if (markdown)
        buf_add_z(out, "<!-- end -->\n");
}

int cli_rights(int argc, char **argv)
{
    static bool markdown;
    const struct cli_option options[] = {{"markdown", NULL, "the tables of docs/rights.md", &markdown, NULL, NULL, NULL, 0}};
    struct buf out = {0};
    struct error err;
    bool help;
    if (!cli_options(cli_find("rights"), options, 1, &argc, argv, &help))
        return EXIT_USAGE;
    if (help)
        return EXIT_DONE;
    if (argc > 1) {
        cli_say("rights takes no words; see seltzer rights --help");
        return EXIT_USAGE;
    }
    add_actions(markdown, &out);
    add_routes(markdown, &out);
    bool ok = buf_ok(&out) ? fwrite(out.p, 1, out.n, stdout) == out.n || error_from_errno(&err, errno, "write") : error_no_memory(&err);
    buf_free(&out);
    return ok ? EXIT_DONE : cli_fail(&err);
}
