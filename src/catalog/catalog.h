/* What ids and names mean: datasets, columns, users. Kept in DIR/catalog.db (SQLite, one writer), answered from memory.
 *
 * A `struct dataset` is a snapshot: immutable, counted, taken with catalog_dataset() and given back with
 * dataset_release(). Changing anything makes a new snapshot; who holds an old one goes on seeing what was.
 * Who changes something says who it is (`by`); the change and the record of it are one transaction.
 * All functions may be called from any thread. Rules: docs/wire/views.md. */
#ifndef SELTZER_CATALOG_CATALOG_H
#define SELTZER_CATALOG_CATALOG_H

#include "base/error.h"
#include "catalog/actor.h"
#include "rows/column.h"

enum { DATASET_ID_LENGTH = 9, USER_ID_LENGTH = 9 };

enum dataset_stage { DATASET_UNPUBLISHED, DATASET_PUBLISHED };
/* Who may read: the owner and administrators; anybody; any signed-in user. Kept as numbers in catalog.db. */
enum dataset_scope { SCOPE_PRIVATE = 0, SCOPE_PUBLIC = 1, SCOPE_SITE = 2 };

/* What a user has on one dataset, whatever its scope and his role; each may all that those before it may. Kept as numbers in
 * catalog.db. VIEWER_PUBLISHED sees the dataset only while it is published. */
enum grant_level { GRANT_NONE = 0, GRANT_VIEWER_PUBLISHED = 1, GRANT_VIEWER = 2, GRANT_CONTRIBUTOR = 3, GRANT_OWNER = 4 };
enum { GRANTS_MAX = 1000 }; /* of a dataset */
struct grant {
    char user[USER_ID_LENGTH + 1];
    enum grant_level level;
};

struct dataset {
    char id[DATASET_ID_LENGTH + 1];       /* 4x4 */
    int64_t number;                       /* small integer: tableId, oid, publicationGroup */
    char owner[USER_ID_LENGTH + 1];
    enum dataset_stage stage;
    enum dataset_scope scope;
    struct str name;
    struct str resource_name;             /* lower case, or none */
    struct str document_json;             /* the other members of the view document, as an object: description, tags, metadata… */
    int64_t created_at, published_at, modified_at; /* seconds since the epoch, 0 for never; modified: the document or the shape */
    int64_t generation;                   /* of the rows: DIR/datasets/<id>/rows-<generation>.db */
    struct columns columns;
    const struct grant *grants;           /* by user; without the owner */
    size_t n_grants;
};

struct catalog;
struct catalog *catalog_open(const char *dir, struct error *err);
void catalog_close(struct catalog *c);

/* By 4x4 id or resource name; NULL with DATASET_NOT_FOUND (message "Not found", data {id, dataset}). */
const struct dataset *catalog_dataset(struct catalog *c, struct str id_or_name, struct error *err);
bool dataset_not_found(struct error *err, struct str id_or_name); /* sets that error; always false */
const struct dataset *dataset_retain(const struct dataset *d);
void dataset_release(const struct dataset *d); /* NULL is fine */
/* What that user has at this moment: GRANT_OWNER for the owner, GRANT_VIEWER for VIEWER_PUBLISHED while it is published, else NONE. */
enum grant_level dataset_grant(const struct dataset *d, const char *user);
const char *grant_level_name(enum grant_level level); /* "viewer-published", "viewer", "contributor", "owner", "none" */
bool grant_level_from(struct str name, enum grant_level *ret);
/* Every id, in order of creation; *ret_ids is malloc'ed. */
must_use bool catalog_list(struct catalog *c, char (**ret_ids)[DATASET_ID_LENGTH + 1], size_t *ret_n, struct error *err);

struct column_spec {
    struct str name, field_name, description, type_name, format_json, extra_json; /* field_name may be empty: derived */
};
struct dataset_spec {
    struct str name, resource_name, document_json;
    const struct column_spec *columns;
    size_t n_columns;
    struct str row_identifier;            /* a field name, or empty */
    const char *owner;
};
/* Checks names, types and limits; nothing is published. The rows' file is the store's to make (generation 1). */
const struct dataset *catalog_create_dataset(struct catalog *c, const struct actor *by, const struct dataset_spec *spec, struct error *err);
/* Makes the column without storing it: id and physical number are taken. Then the store adds it, then catalog_add_column. */
must_use bool catalog_prepare_column(struct catalog *c, const struct dataset *d, const struct column_spec *spec, struct arena *a, struct column *ret, struct error *err);
/* Each returns the new snapshot, or NULL with an error. */
const struct dataset *catalog_add_column(struct catalog *c, const struct actor *by, const char *id, const struct column *column, int64_t shape_version, struct error *err);
struct history;
/* The commit of a replace, of a new row identifier and of publishing: in one transaction, if the generation still is `from`. */
struct generation_flip {
    int64_t from, to;
    bool set_row_identifier;
    int row_identifier;                   /* index into columns, -1 to unset */
    int64_t row_identifier_id;            /* that column's id, 0 for unknown: columns may have been reordered since */
    int64_t shape_version;                /* 0: unchanged */
    const struct history *history;        /* the last of what the file that is left holds (history.h); NULL is fine */
};
const struct dataset *catalog_flip_generation(struct catalog *c, const struct actor *by, const char *id, const struct generation_flip *flip, struct error *err);
const struct dataset *catalog_publish(struct catalog *c, const struct actor *by, const char *id, struct error *err);
const struct dataset *catalog_set_scope(struct catalog *c, const struct actor *by, const char *id, enum dataset_scope scope, struct error *err);
/* Scope, owner and grants in one change; what is NULL stays. grants: the whole new list, one a user at most, none for the owner. */
struct sharing {
    const enum dataset_scope *scope;
    const char *owner;
    const struct grant *grants;
    size_t n_grants;
};
const struct dataset *catalog_share(struct catalog *c, const struct actor *by, const char *id, const struct sharing *sharing, struct error *err);
/* One user's grant; GRANT_NONE takes it back. The owner's own cannot be changed so. */
const struct dataset *catalog_grant(struct catalog *c, const struct actor *by, const char *id, const char *user, enum grant_level level, struct error *err);
/* That user owns it from now on; who did before has what a grant gives him. */
const struct dataset *catalog_hand_over(struct catalog *c, const struct actor *by, const char *id, const char *user, struct error *err);
/* The writable members of a view document (docs/wire/views.md); members absent from the object stay. */
const struct dataset *catalog_update_document(struct catalog *c, const struct actor *by, const char *id, struct str name, struct str resource_name, struct str document_json, struct error *err);
/* Attributes of existing columns; texts with p NULL and position 0 stay as they are, empty texts are cleared. Unknown ids
 * are passed over: clients send whole documents back. */
struct column_edit {
    int64_t id;
    struct str name, description, format_json, extra_json;
    int position;
};
const struct dataset *catalog_edit_columns(struct catalog *c, const struct actor *by, const char *id, const struct column_edit *edits, size_t n, struct error *err);
/* catalog_update_document checked and shown but not kept: a snapshot of its own. */
const struct dataset *catalog_preview_document(struct catalog *c, const struct dataset *d, struct str name, struct str resource_name, struct str document_json, struct error *err);
must_use bool catalog_delete_dataset(struct catalog *c, const struct actor *by, const char *id, struct error *err);

/* What a key may be used for at most. A scope of zeros is good for nothing. */
enum key_right {
    KEY_NOTHING = 0, KEY_READ = 1, KEY_APPEND = 2, KEY_REPLACE = 4, KEY_METADATA = 8,
    KEY_MANAGE = 16, /* make, publish, share, delete, administer: only keys that are not limited have it */
    KEY_EVERYTHING = 31,
};
enum { KEY_DATASETS_MAX = 32 };
struct key_scope {
    unsigned rights;   /* of enum key_right */
    size_t n_datasets; /* 0: every dataset */
    char datasets[KEY_DATASETS_MAX][DATASET_ID_LENGTH + 1];
};

/* Users. A role says what its holder may do on the whole site; each may all that those before it may. What a user has on one
 * dataset is the dataset's own matter. Kept as numbers in catalog.db. Rules: docs/wire/authentication.md, "Rights". */
enum user_role { ROLE_NONE = 0, ROLE_VIEWER = 1, ROLE_EDITOR = 2, ROLE_PUBLISHER = 3, ROLE_ADMINISTRATOR = 4 };
const char *user_role_name(enum user_role role);
bool user_role_from(struct str name, enum user_role *ret); /* "none", "viewer", …; false: no such role */
struct user {
    char id[USER_ID_LENGTH + 1];
    char name[321];          /* log-in: NFC, as typed when made; compared without case */
    char display_name[321];
    enum user_role role;
    bool disabled;
    int64_t created_at;      /* seconds since the epoch */
    int64_t secret_version;  /* moves with each change of password: cached verdicts are keyed by it */
};
must_use bool catalog_has_users(struct catalog *c, bool *ret, struct error *err);
/* 8 to 1,024 bytes of password after NFC, argon2id m=19 MiB t=2 p=1 (RFC 9106; docs/wire/authentication.md). */
must_use bool catalog_create_user(struct catalog *c, const struct actor *by, struct str name, struct str password, enum user_role role, struct user *ret, struct error *err);
must_use bool catalog_set_password(struct catalog *c, const struct actor *by, struct str name, struct str password, struct error *err);
/* A disabled user is as one with a wrong password. */
must_use bool catalog_set_disabled(struct catalog *c, const struct actor *by, struct str name, bool disabled, struct error *err);
/* What is allowed follows at once, also for requests that are under way. */
must_use bool catalog_set_role(struct catalog *c, const struct actor *by, struct str name, enum user_role role, struct error *err);
/* Every user, by name; *ret is malloc'ed. */
must_use bool catalog_users(struct catalog *c, struct user **ret, size_t *ret_n, struct error *err);
must_use bool catalog_user_by_name(struct catalog *c, struct str name, struct user *ret, bool *ret_found, struct error *err);
must_use bool catalog_user_by_id(struct catalog *c, const char *id, struct user *ret, bool *ret_found, struct error *err);
/* Takes the same time for unknown users and wrong passwords. Slow (16 ms of CPU): a worker's work. */
must_use bool catalog_verify_password(struct catalog *c, struct str name, struct str password, struct user *ret, bool *ret_good, struct error *err);
/* Remembers a token that was seen; never refuses one. */
void catalog_record_app_token(struct catalog *c, struct str token);

#endif
