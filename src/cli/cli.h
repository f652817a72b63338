/* The command line: a file a subcommand, listed in commands.def. Exit codes: 0 done, 1 failed, 2 wrong use or the data
 * directory is in use. Messages for people go to standard error, results to standard output. */
#ifndef SELTZER_CLI_CLI_H
#define SELTZER_CLI_CLI_H

#include "base/buf.h"
#include "base/error.h"
#include "base/version.h"
#include "catalog/actor.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

int cli_main(int argc, char **argv);

/* Each subcommand: its entry and the text of its help. */
#define X(symbol, name, arguments, summary) \
    int cli_##symbol(int argc, char **argv); \
    extern const char *const cli_##symbol##_details;
#include "cli/commands.def"
#undef X

/* ── for subcommands ── */

/* An option of a subcommand: --name VALUE or --name=VALUE, --name alone for flags. */
struct cli_option {
    const char *name, *value_name, *help; /* value_name NULL: a flag */
    bool *flag;
    const char **value;
    const char **list;                    /* may be given several times, at most list_max */
    size_t *list_n, list_max;
};

struct cli_command {
    const char *name, *arguments, *summary, *details;
    int (*run)(int argc, char **argv);    /* argv[0] is the command's name */
};

/* Reads options; what is left stays in argv[1…]. *ret_help: --help was asked and printed. False: wrong use, said. */
must_use bool cli_options(const struct cli_command *command, const struct cli_option *options, size_t n, int *argc, char **argv, bool *ret_help);
const struct cli_command *cli_find(const char *name);
int cli_fail(const struct error *err); /* prints the message, gives EXIT_FAILED */
void cli_say(const char *fmt, ...) printf_like(1, 2); /* a line to standard error */

/* Who runs the command, by the system's name for them, which is kept in `who`. */
struct actor cli_actor(char *who, size_t size);

/* The functions of queries, for people: plain, or the tables of docs/soql.md. */
void cli_add_functions(bool markdown, struct buf *out);

/* The data directory: made when missing (mode 0700), locked against a second process. */
struct data_dir {
    const char *path;
    char scratch[4096], reports[4096];
    int lock_fd;
};
/* exclusive: refuses when a server runs on it ("in use by pid N"); else only opens it. */
/* folder_make() whose error names the folder: whoever starts the server must hear which it is. */
must_use bool data_dir_make(const char *path, struct error *err);
must_use bool data_dir_open(const char *path, bool exclusive, struct data_dir *ret, struct error *err);
void data_dir_close(struct data_dir *d);

/* The self-made certificate: DIR/tls/{ca.pem, ca-key.pem, server.pem, server-key.pem}, made or renewed when missing, when
 * it does not name all the hosts, or when it ends within 30 days. */
struct certificate {
    char ca[4096], cert[4096], key[4096]; /* paths */
};
must_use bool certificate_ensure(const char *data_dir, const char *const *hosts, size_t n_hosts, struct certificate *ret, struct error *err);

#endif
