/* Administration: `seltzer COMMAND VERB WORDS…`, one table of verbs (verbs.def). A verb is run where the data is open, and
 * nothing of it knows which that is (docs/decisions/admin-socket.md):
 *
 *     the server runs     command line ─► DIR/admin.sock ─► a thread of the server ─► verb_run()
 *     it is stopped       command line ─► takes the directory's lock, opens it ─────► verb_run()
 *
 * What a verb prints goes to the command's standard output, its error to standard error. */
#ifndef SELTZER_CLI_VERB_H
#define SELTZER_CLI_VERB_H

#include "base/arena.h"
#include "catalog/catalog.h"
#include "cli/cli.h"
#include "store/store.h"

enum { VERB_WORDS_MAX = 8, VERB_OPTIONS_MAX = 16, VERB_REQUEST_BYTES_MAX = 64 << 10 };

/* What a verb is asked to do. Texts are loans for the call. */
struct verb_request {
    struct str command, verb;
    struct str words[VERB_WORDS_MAX];
    size_t n_words;
    struct verb_option {
        struct str name, value;
    } options[VERB_OPTIONS_MAX];
    size_t n_options;
    struct str secret; /* a password: it never stands among the words, which everybody on the machine can read */
};

/* What it is done with. */
struct verb_house {
    struct catalog *catalog;
    struct store *store; /* NULL for verbs that do without while the server is stopped */
    const char *dir, *audit_head; /* audit_head: where the head of the audit is kept (cli/audit_head.h) */
};

struct verb_call {
    const struct verb_house *house;
    const struct verb_request *request;
    struct actor by;
    struct arena *arena;
    bool (*write)(void *ctx, struct str bytes); /* to the command's standard output; false: it is gone */
    void *ctx;
};

enum verb_secret { SECRET_NONE, SECRET_PASSWORD };
struct verb {
    const char *command, *name, *words;    /* words: as the help has them, "NAME" */
    size_t words_min, words_max;
    enum verb_secret secret;
    bool with_store;
    bool (*run)(struct verb_call *c, struct error *err); /* false: err is told, the exit status is 1 */
    const char *summary;
};
const struct verb *verb_find(struct str command, struct str name);
/* The lines of a command's help that tell of its verbs. */
void verb_add_help(const char *command, struct buf *out);
/* Finds the verb, checks the number of words, runs it. */
must_use bool verb_run(struct verb_call *c, struct error *err);

/* ── for verbs ── */
/* The user of that name; NOT_FOUND. */
must_use bool verb_user(struct verb_call *c, struct str name, struct user *ret, struct error *err);
struct str verb_option(const struct verb_call *c, const char *name); /* p NULL when not given; of a flag "true" */
must_use bool verb_print(struct verb_call *c, struct error *err, const char *fmt, ...) printf_like(3, 4);

/* ── on the way (verb_request.c) ── */
void verb_request_write(const struct verb_request *r, struct buf *out);
must_use bool verb_request_read(struct arena *a, struct str text, struct verb_request *ret, struct error *err);

/* ── the command line's side (admin_client.c) ── */
/* A whole command: reads options (of which --data and --generate are its own and the rest the verb's), asks for the secret, runs
 * the verb here or in the server. Gives the exit status. */
int cli_administer(const char *command, const struct cli_option *options, size_t n, int argc, char **argv);

#define X(command, name, words, words_min, words_max, secret, with_store, function, summary) bool verb_##function(struct verb_call *c, struct error *err);
#include "cli/verbs.def"
#undef X

#endif
