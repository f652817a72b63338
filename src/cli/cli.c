/* Finding the subcommand and reading its options (cli.h). */
#include "cli/verb.h"

#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char *const cli_version_details = "Prints one line: seltzer and the version.\n";

int cli_version(int argc, char **argv)
{
    (void)argc, (void)argv;
    puts("seltzer " SELTZER_VERSION);
    return EXIT_DONE;
}

static const struct {
    struct cli_command command;
    const char *const *details;
} commands[] = {
#define X(symbol, name, arguments, summary) {{name, arguments, summary, NULL, cli_##symbol}, &cli_##symbol##_details},
#include "cli/commands.def"
#undef X
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static const char *details_of(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].command.name, name) == 0)
            return *commands[i].details;
    return "";
}

const struct cli_command *cli_find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].command.name, name) == 0)
            return &commands[i].command;
    return NULL;
}

void cli_say(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("seltzer: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
}

struct actor cli_actor(char *who, size_t size)
{
    const struct passwd *user = getpwuid(getuid());
    if (user)
        snprintf(who, size, "%s", user->pw_name);
    else
        snprintf(who, size, "uid %u", (unsigned)getuid());
    return (struct actor){.user = "", .via = "command line", .peer = who};
}

int cli_fail(const struct error *err)
{
    cli_say("%s", err->message);
    return EXIT_FAILED;
}

static void print_help(const struct cli_command *command, const struct cli_option *options, size_t n)
{
    printf("usage: seltzer %s %s\n\n%s\n", command->name, command->arguments, details_of(command->name));
    struct buf verbs = {0};
    verb_add_help(command->name, &verbs);
    if (verbs.n)
        printf(FMT_STR "\n", ARG_STR(buf_str(&verbs)));
    buf_free(&verbs);
    if (n)
        puts("options:");
    for (size_t i = 0; i < n; i++) {
        char head[64];
        snprintf(head, sizeof head, "--%s%s%s", options[i].name, options[i].value_name ? " " : "", options[i].value_name ? options[i].value_name : "");
        printf("  %-26s %s\n", head, options[i].help);
    }
    printf("  %-26s %s\n", "--help", "print this");
}

static const struct cli_option *find_option(const struct cli_option *options, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(name, str_from(options[i].name)))
            return &options[i];
    return NULL;
}

static bool take_value(const struct cli_command *command, const struct cli_option *o, const char *value)
{
    if (o->flag) {
        *o->flag = true;
        return true;
    }
    if (o->value) {
        *o->value = value;
        return true;
    }
    if (*o->list_n == o->list_max) {
        cli_say("%s: --%s may be given %zu times at most", command->name, o->name, o->list_max);
        return false;
    }
    o->list[(*o->list_n)++] = value;
    return true;
}

bool cli_options(const struct cli_command *command, const struct cli_option *options, size_t n, int *argc, char **argv, bool *ret_help)
{
    int left = 1;
    *ret_help = false;
    for (int i = 1; i < *argc; i++) {
        struct str arg = str_from(argv[i]), name, value;
        if (!str_starts(arg, STR("--")) || arg.n == 2) {
            argv[left++] = argv[i];
            continue;
        }
        bool has_value = str_cut(str_skip(arg, 2), '=', &name, &value);
        if (str_eq(name, STR("help"))) {
            print_help(command, options, n);
            *ret_help = true;
            return true;
        }
        const struct cli_option *o = find_option(options, n, name);
        if (!o) {
            cli_say("%s: unknown option --" FMT_STR "; see seltzer %s --help", command->name, ARG_STR(name), command->name);
            return false;
        }
        if (has_value == !!o->flag && has_value) {
            cli_say("%s: --%s takes no value", command->name, o->name);
            return false;
        }
        if (!o->flag && !has_value && i + 1 == *argc) {
            cli_say("%s: --%s needs a value (%s)", command->name, o->name, o->value_name);
            return false;
        }
        if (!take_value(command, o, o->flag ? NULL : has_value ? value.p : argv[++i]))
            return false;
    }
    *argc = left;
    argv[left] = NULL;
    return true;
}

static void print_overview(FILE *to)
{
    fputs("usage: seltzer COMMAND [options]\n\nA self-hosted server that speaks the Socrata Publisher (SODA Producer) API.\n\ncommands:\n", to);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-12s %s\n", commands[i].command.name, commands[i].command.summary);
    fputs("\nseltzer COMMAND --help tells more about each.\n", to);
}

int cli_main(int argc, char **argv)
{
    if (argc < 2) {
        print_overview(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_overview(stdout);
        return EXIT_DONE;
    }
    const struct cli_command *command = cli_find(strcmp(argv[1], "--version") == 0 ? "version" : argv[1]);
    if (!command) {
        cli_say("no command \"%s\"", argv[1]);
        print_overview(stderr);
        return EXIT_USAGE;
    }
    return command->run(argc - 1, argv + 1);
}
