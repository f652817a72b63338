/* seltzer user: add a user, set a password, disable and enable. Works beside a running server: it sees the change within a
 * second. */
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "base/random.h"
#include "catalog/catalog.h"
#include "cli/cli.h"

const char *const cli_user_details =
    "  seltzer user passwd NAME    set NAME's password (mends a lost one); the running server takes it within a second\n"
    "  seltzer user add NAME       add a user; with the role publisher, who makes datasets and writes what others show, unless --role says another\n"
    "  seltzer user disable NAME   NAME cannot log in any more, within a second; what is under way is refused at its end\n"
    "  seltzer user enable NAME    NAME can again\n"
    "\n"
    "The password is asked for on a terminal, else read from the first line of standard input; with --generate a\n"
    "fresh one is made and printed. At least 8 bytes; 15 characters or more are advised.\n";

static const char *data = "./data", *role_given;
static bool generate, administrator;

static bool read_line(const char *prompt, char *ret, size_t size)
{
    struct termios before, quiet;
    bool terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
    if (terminal) {
        fprintf(stderr, "%s: ", prompt);
        quiet = before;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    }
    bool ok = fgets(ret, (int)size, stdin);
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputc('\n', stderr);
    }
    if (ok)
        ret[strcspn(ret, "\r\n")] = 0;
    return ok;
}

static bool get_password(char *ret, size_t size)
{
    enum { GENERATED = 20 };
    char again[2048];
    if (generate) {
        random_text(ret, GENERATED, "23456789abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ");
        ret[GENERATED] = 0;
        printf("password: %s\n", ret);
        return true;
    }
    if (!read_line("new password", ret, size)) {
        cli_say("no password was given");
        return false;
    }
    if (isatty(STDIN_FILENO) && (!read_line("once more", again, sizeof again) || strcmp(ret, again) != 0)) {
        cli_say("the two passwords differ; nothing was changed");
        return false;
    }
    return true;
}

static int set_password(struct catalog *c, const struct actor *by, struct str name)
{
    char password[2048];
    struct error err = {0};
    struct user user;
    bool found;
    if (!catalog_user_by_name(c, name, &user, &found, &err))
        return cli_fail(&err);
    if (!found) {
        cli_say("there is no user \"" FMT_STR "\"", ARG_STR(name));
        return EXIT_FAILED;
    }
    if (!get_password(password, sizeof password))
        return EXIT_FAILED;
    return catalog_set_password(c, by, name, str_from(password), &err) ? EXIT_DONE : cli_fail(&err);
}

static int disable(struct catalog *c, const struct actor *by, struct str name)
{
    struct error err = {0};
    return catalog_set_disabled(c, by, name, true, &err) ? EXIT_DONE : cli_fail(&err);
}

static int enable(struct catalog *c, const struct actor *by, struct str name)
{
    struct error err = {0};
    return catalog_set_disabled(c, by, name, false, &err) ? EXIT_DONE : cli_fail(&err);
}

static bool choose_role(enum user_role *ret)
{
    *ret = administrator ? ROLE_ADMINISTRATOR : ROLE_PUBLISHER;
    if (!role_given || user_role_from(str_from(role_given), ret))
        return true;
    cli_say("no role \"%s\"; none, viewer, editor, publisher and administrator are known", role_given);
    return false;
}

static int add(struct catalog *c, const struct actor *by, struct str name)
{
    char password[2048];
    struct error err = {0};
    struct user user;
    enum user_role role;
    if (!choose_role(&role) || !get_password(password, sizeof password))
        return EXIT_FAILED;
    return catalog_create_user(c, by, name, str_from(password), role, &user, &err) ? EXIT_DONE : cli_fail(&err);
}

static const struct verb {
    const char *name;
    int (*run)(struct catalog *c, const struct actor *by, struct str name);
} verbs[] = {{"passwd", set_password}, {"add", add}, {"disable", disable}, {"enable", enable}};

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

int cli_user(int argc, char **argv)
{
    const struct cli_option options[] = {
        {"data", "DIR", "the data directory (./data)", NULL, &data, NULL, NULL, 0},
        {"generate", NULL, "make a password and print it", &generate, NULL, NULL, NULL, 0},
        {"role", "ROLE", "add: none, viewer, editor, publisher (unless given) or administrator", NULL, &role_given, NULL, NULL, 0},
        {"administrator", NULL, "add: the same as --role administrator", &administrator, NULL, NULL, NULL, 0},
    };
    const struct cli_command *command = cli_find("user");
    bool help;
    struct error err = {0};
    if (!cli_options(command, options, sizeof options / sizeof *options, &argc, argv, &help))
        return EXIT_USAGE;
    if (help)
        return EXIT_DONE;
    const struct verb *verb = argc == 3 ? find_verb(argv[1]) : NULL;
    if (!verb) {
        cli_say("user: what is to be done? See seltzer user --help");
        return EXIT_USAGE;
    }
    struct data_dir dir;
    if (!random_init() || !data_dir_open(data, false, &dir, &err))
        return cli_fail(&err);
    struct catalog *c = catalog_open(data, &err);
    if (!c)
        return cli_fail(&err);
    char who[64];
    const struct actor by = cli_actor(who, sizeof who);
    int status = verb->run(c, &by, str_from(argv[2]));
    catalog_close(c);
    data_dir_close(&dir);
    return status;
}
