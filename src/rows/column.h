/* The columns of one dataset as rows see them: a fixed list, never changed once made (a change of shape makes a new one).
 * Held by a dataset snapshot (catalog/catalog.h), so a pointer into it is a loan for as long as that snapshot is held. */
#ifndef SELTZER_ROWS_COLUMN_H
#define SELTZER_ROWS_COLUMN_H

#include "rows/type.h"

enum { COLUMNS_MAX = 1500, FIELD_NAME_BYTES_MAX = 255, COLUMN_NAME_BYTES_MAX = 1024 };
/* Both engines' indexes take keys of this size; a longer one would be refused by one of them only (docs/wire/rows.md). */
enum { ROW_KEY_BYTES_MAX = 1024 };

struct column {
    int64_t id;              /* of the view document, fits int32, unique in the server */
    int physical;            /* n of the engine's column name c<n>; never reused in a dataset */
    const struct type *type;
    struct str field_name;   /* folded */
    struct str former_name;  /* the field name before the last renaming, or none */
    struct str name;         /* display name */
    struct str description;
    struct str format_json;  /* an object of scalars, or none */
    struct str extra_json;   /* other members of the view document that are echoed (width, flags…): an object, or none */
    int position;            /* from 1 */
};

struct columns {
    struct column *v;        /* in order of position */
    size_t n;
    int row_identifier;      /* index into v, -1 when rows are identified by :id */
    int64_t shape_version;   /* the data version at the last change of shape */
    void *names;             /* the look-up table, made by columns_index() */
};

/* A name as it is compared, everywhere: NFC, and letters of any case are one (full case folding). Field and resource names are
 * kept so. In `small` when it is short ASCII, which nearly all are, else malloc'ed. */
struct folded {
    struct str s;
    char *heap;
    char small[256];
};
/* False: no name at all can look like this (not UTF-8, far too long), or out of memory. */
must_use bool folded_init(struct str name, struct folded *f);
void folded_fini(struct folded *f);
bool name_is_same(struct str a, struct str b);

/* How a row key or CSV header names a column: field name, then former field name, then display name; trimmed, NFC, any
 * case (docs/wire/rows.md). A display name that two columns share is COLUMN_AMBIGUOUS, *ret_other is then the second. */
enum column_match { COLUMN_FOUND, COLUMN_NONE, COLUMN_AMBIGUOUS };
enum column_match columns_find_loose(const struct columns *c, struct str name, int *ret_at, int *ret_other);
int columns_find_field(const struct columns *c, struct str field_name); /* the field name, folded; -1 if none */
/* The column whose field or display name is nearest (edit distance, transpositions counted once), -1 if none is near. */
int columns_nearest(const struct columns *c, struct str name);
/* Builds the look-up table; must be called once before the finds. False: out of memory. columns_unindex() frees it. */
must_use bool columns_index(struct columns *c);
void columns_unindex(struct columns *c);

/* The system columns, of every dataset. */
enum system_column { SYSTEM_ID, SYSTEM_CREATED_AT, SYSTEM_UPDATED_AT, SYSTEM_VERSION, SYSTEM_COUNT };
bool system_column_find(struct str name, enum system_column *ret); /* ":id", ":created_at", ":updated_at", ":version" */
const char *system_column_name(enum system_column c);
const struct type *system_column_type(enum system_column c);

#endif
