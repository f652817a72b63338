/* What the files of catalog/ share; nobody else includes it.
 *
 * One writer connection under `write` makes every change, in one transaction each; the new snapshot takes its place in
 * the indexes only after the commit. Readers take `lock` shared, never a file. Lock order: write, then lock. */
#ifndef SELTZER_CATALOG_INTERNAL_H
#define SELTZER_CATALOG_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "catalog/catalog.h"
#include "catalog/keys.h"
#include "catalog/audit.h"
#include "catalog/history.h"
#include "sql/sql.h"

/* ── snapshots (snapshot.c) ── */
struct snapshot {
    struct dataset d; /* first: a dataset pointer is a snapshot pointer */
    atomic_uint refs;
    struct arena arena; /* every text and the columns of d */
};
/* A copy of d (all text copied) with room for `more_columns` after its own; one reference. Not yet indexed. */
struct snapshot *snapshot_new(const struct dataset *d, size_t more_columns, struct error *err);
/* Sorts the columns by position and builds their look-up table; after this it must not change. */
must_use bool snapshot_seal(struct snapshot *s, struct error *err);
must_use bool snapshot_text(struct snapshot *s, struct str text, struct str *ret, struct error *err);
must_use bool snapshot_column(struct snapshot *s, const struct column *from, struct column *ret, struct error *err);

/* ── the audit (audit.c, audit_change.c), in the transaction of the change ── */
struct audit_record {
    enum audit_action action;
    const char *kind;   /* what was changed: "dataset", "user", "key"… */
    struct str id;      /* its public id, or name where that is all it has */
    struct str details; /* members of a JSON object, without its braces; never a secret */
};
must_use bool audit_add(struct catalog *c, const struct actor *by, const struct audit_record *r, struct error *err);
/* Appends the members that tell how one differs from the other; nothing when they do not. */
must_use bool audit_describe_change(const struct dataset *was, const struct dataset *is, struct buf *ret, struct error *err);
must_use bool audit_describe_dataset(const struct dataset *d, struct buf *ret, struct error *err);

/* ── history (history.c), with `write` held ── */
must_use bool history_insert(struct sql *db, const char *id, const struct history *h, struct error *err);
/* There was a dataset of this id once. */
must_use bool history_knows(struct catalog *c, const char *id, bool *ret, struct error *err);

/* Its own copy of the grants, sorted. */
must_use bool snapshot_grants(struct snapshot *s, const struct grant *v, size_t n, struct error *err);
must_use bool snapshot_load_grants(struct catalog *c, struct snapshot *s, struct error *err); /* grants.c */

/* ── one change of one dataset (change.c) ── */
struct change {
    struct catalog *c;
    const struct actor *by;
    struct snapshot *old, *next;
};
/* Takes `write`, copies the snapshot, begins the transaction. False: all of it undone. */
must_use bool change_begin(struct change *ch, struct catalog *c, const struct actor *by, const char *id, size_t more_columns, struct error *err);
/* Ends what change_begin began; ok tells whether the change is wanted. The new snapshot, with a reference for the caller. */
const struct dataset *change_end(struct change *ch, enum audit_action action, bool ok, struct error *err);

/* ── accounts (users.c) ── */
struct account {
    struct user user;
    char *folded; /* the name as it is compared */
    char hash[128];
};
struct accounts {
    struct account **by_name, **by_id;
    size_t n;
};
void accounts_free(struct accounts *a);
must_use bool accounts_load(struct sql *db, struct accounts *ret, struct error *err);

/* With `write` held, inside a transaction: commits and shows users and keys as they are now; or, when not ok, takes all back. */
must_use bool users_commit(struct catalog *c, bool ok, struct error *err);
/* What another process did to users and keys is looked for, once a second at most. */
must_use bool catalog_look_for_changes(struct catalog *c, struct error *err);

/* ── passwords (passwords.c) ── */
enum { PASSWORD_BYTES_MIN = 8, PASSWORD_BYTES_MAX = 1024 };
/* In NFC; the name of whom it is to be, as names are compared. False: BAD_REQUEST says why. */
must_use bool password_check(struct arena *a, struct str password, struct str folded_name, struct error *err);

/* ── keys (keys.c) ── */
struct kept_key {
    struct key key;
    unsigned char hash[SECRET_HASH_BYTES];
};
struct keys {
    struct kept_key *v; /* by id */
    size_t n;
};
void keys_free(struct keys *k);
must_use bool keys_load(struct sql *db, struct keys *ret, struct error *err);
void keys_take_over(struct keys *fresh, const struct keys *old);

/* ── app tokens (tokens.c) ── */
enum { APP_TOKENS_MAX = 1024, APP_TOKEN_BYTES_MAX = 255 };
struct app_token {
    char text[APP_TOKEN_BYTES_MAX + 1];
    int64_t first_seen, last_seen, uses; /* uses since the last flush */
};
struct app_tokens {
    pthread_mutex_t lock;
    struct app_token *v;
    size_t n;
};
void app_tokens_flush(struct catalog *c); /* best effort; called with `write` held */

/* ── what is kept in the file alone (lookups.c): applications, grants, tokens ── */
struct lookups {
    pthread_mutex_t lock;
    struct sql *db; /* a reader */
};
must_use bool lookups_open(struct lookups *l, const char *path, struct error *err);
void lookups_close(struct lookups *l);
/* Takes `write` and begins a transaction; false: neither. */
must_use bool catalog_change_begin(struct catalog *c, struct error *err);
/* Commits when ok, else rolls back; gives `write` back. True: ok, and it is on disk. */
must_use bool catalog_change_end(struct catalog *c, bool ok, struct error *err);
/* Hashes are kept as hexadecimal text; ret holds 2 × SECRET_HASH_BYTES + 1. */
struct str hex_write(const unsigned char hash[32], char *ret);
bool hex_read(struct str hex, unsigned char *ret, size_t n);

/* ── hashing.c: argon2, on threads of its own ── */
struct hashing;
struct hashing *hashing_new(struct error *err);
void hashing_free(struct hashing *h);
/* Runs f(ctx) there and waits for its end. HASHING_WAITERS_MAX wait for their turn; false: there are as many, f was not run, and *err says
 * TOO_MANY_REQUESTS. */
must_use bool hashing_run(struct hashing *h, void (*f)(void *ctx), void *ctx, struct error *err);

struct catalog {
    pthread_mutex_t write;
    struct sql *writer;
    char *dir;

    pthread_rwlock_t lock;      /* all below, up to `watch` */
    struct snapshot **by_id, **by_name, **in_order;
    size_t n, n_named, cap;
    struct accounts accounts;
    struct keys keys;
    int64_t people_version;     /* of these two: the counter `users` */

    /* Commands of administrators are carried out by the process that has the data (docs/decisions/admin-socket.md); should somebody
     * write users into the file all the same, the watcher's data_version moves, which is looked at once a second at most. */
    pthread_mutex_t watch;
    struct sql *watcher;
    atomic_uint_least64_t watched_at_ms;
    int64_t watched_data_version, watched_users_version;

    struct hashing *hashing;

    struct app_tokens tokens;
    struct lookups lookups;
};
enum { HASHING_WAITERS_MAX = 64, DATASETS_MAX = 100000, USERS_MAX = 100000, DOCUMENT_BYTES_MAX = 1 << 20 };

/* The current snapshot, not retained; with `lock` or `write` held. */
struct snapshot *catalog_find_id(struct catalog *c, struct str id);
struct snapshot *catalog_find_name(struct catalog *c, struct str name);
/* With `write` held. Room first, so that taking the place after the commit cannot fail. */
must_use bool catalog_reserve(struct catalog *c, struct error *err);
void catalog_install(struct catalog *c, struct snapshot *old, struct snapshot *next);

/* ── names (names.c) ── */
must_use bool text_nfc(struct arena *a, struct str s, struct str *ret, struct error *err);
must_use bool text_fold(struct arena *a, struct str s, struct str *ret, struct error *err);
/* NFC, outer blanks off, control characters become blanks; empty or over `bytes_max`: DATASET_MALTYPED. */
must_use bool name_display(struct arena *a, const char *what, struct str s, size_t bytes_max, struct str *ret, struct error *err);
/* Holds what acts on who shows it rather than being seen: control characters (those of ASCII that `but` names excepted), separators of lines
 * and paragraphs, and format characters, which turn the way of writing or are nothing at all; the joiners of Persian and of emoji
 * are fine. `s` is UTF-8. */
bool text_has_control(struct str s, const char *but);
/* A field or resource name as given: folded (rows/column.h), valid or refused with the nearest valid one. */
must_use bool name_identifier(struct arena *a, const char *what, struct str s, struct str *ret, struct error *err);
/* A field name from a display name; `taken` says which are in use already. */
must_use bool name_derive(struct arena *a, struct str display, bool (*taken)(void *ctx, struct str name), void *ctx, struct str *ret, struct error *err);
bool name_is_4x4(struct str s);

/* ── db.c: the driver, as the catalog uses it ── */
/* Makes the file for its owner alone, opens it for writing and brings its schema up to date. */
must_use bool db_open_writer(const char *path, struct sql **ret, struct error *err);
/* kinds: a letter an argument: i int64_t, t struct str (NULL p is NULL). Prepared, bound, run to the end. */
must_use bool db_run(struct sql *db, struct error *err, const char *text, const char *kinds, ...);
/* The same, then one row's first column as an integer; *ret untouched when there is no row. */
must_use bool db_int(struct sql *db, struct error *err, int64_t *ret, const char *text, const char *kinds, ...);
/* *ret_row false: no more rows. */
must_use bool db_step(struct sql *db, struct sql_statement *st, bool *ret_row, struct error *err);
must_use bool db_begin(struct sql *db, struct error *err);
must_use bool db_commit(struct sql *db, struct error *err);
void db_rollback(struct sql *db);

#endif
