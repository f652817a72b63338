/* A column type: how a value is read, kept and written. One object a type (types.def), constant, shared by all threads.
 *
 * Reading has one entry for every body: JSON tokens come as they are, CSV and form cells as RAW_STRING, and strings mean
 * the same in both (docs/wire/types.md: DataSync sends all cells as JSON strings). A CSV reader turns an empty cell into
 * RAW_NULL itself. RAW_NULL never reaches parse(). In every type but text an empty or blank string is null, and
 * blanks round a value are ignored. */
#ifndef SELTZER_ROWS_TYPE_H
#define SELTZER_ROWS_TYPE_H

#include "base/arena.h"
#include "base/buf.h"
#include "rows/cell.h"

enum type_id {
#define X(ID, soql, view, storage, postgres) TYPE_##ID,
#include "rows/types.def"
#undef X
    TYPE_COUNT,
    /* system columns: never of a user's column, only rendered (rows/row_id.h) */
    TYPE_ROW_IDENTIFIER = TYPE_COUNT,
    TYPE_ROW_VERSION,
    /* only in queries (rows/query_types.h) */
    TYPE_DOUBLE,
    TYPE_DATE,
    TYPE_TIME,
    TYPE_INTERVAL,
};

enum type_storage { STORAGE_TEXT, STORAGE_INT, STORAGE_BLOB };

enum raw_kind { RAW_NULL, RAW_FALSE, RAW_TRUE, RAW_NUMBER, RAW_STRING, RAW_OBJECT, RAW_ARRAY };

/* A value as the body gave it. RAW_NUMBER: the lexeme. RAW_STRING: unescaped valid UTF-8, U+0000 possible.
 * RAW_OBJECT, RAW_ARRAY: the JSON text of the value, already checked to be JSON. */
struct raw {
    enum raw_kind kind;
    struct str text;
};

/* What parse() needs and tells besides the cell. The counters become "Warnings" in the reply. */
struct type_context {
    struct arena *arena;           /* for bytes that the input does not hold as such; outlives the cell */
    uint64_t nul_removed;          /* U+0000 taken out of text */
    uint64_t ordinates_dropped;    /* third ordinates of geometries */
    uint64_t degrees_out_of_range; /* positions outside ±180/±90, stored as given */
};

/* Why a value was refused, for a person: "expected" completes "expected …", "hint" may be empty.
 * e.g. expected "a date like 2014-10-13T05:06:07.000 or 10/13/2014 05:06:07 AM", hint "drop the Z or use a fixed timestamp". */
struct type_refusal {
    char expected[256];
    char hint[256];
};

struct row_id_key; /* rows/row_id.h */
struct type_render {
    bool version_2;                   /* $$version=2.0: human_address as an object */
    const struct row_id_key *row_ids; /* for TYPE_ROW_IDENTIFIER and TYPE_ROW_VERSION */
};

struct type {
    enum type_id id;
    enum type_storage storage;
    bool can_identify_rows;
    bool is_geometry;
    const char *soql_name, *view_name;
    /* False: refused, *why filled in, nothing stored. A blank string gives CELL_NULL and true. The cell's bytes live in
     * ctx->arena or in raw->text. Out of memory is a refusal whose `expected` is empty. */
    bool (*parse)(const struct type *t, const struct raw *raw, struct type_context *ctx, struct cell *ret, struct type_refusal *why);
    /* A JSON value, quotes included. Never called for null. */
    void (*write_json)(const struct type *t, const struct cell *c, const struct type_render *r, struct buf *out);
    /* The text of a CSV cell without quoting. Never called for null. */
    void (*write_csv)(const struct type *t, const struct cell *c, const struct type_render *r, struct buf *out);
    /* Order of two non-null cells, as $order and key equality see them: numbers by value, text by code point. */
    int (*compare)(const struct cell *a, const struct cell *b);
    /* The part of the cell that identifies a row, in canonical bytes: equal keys ⇔ equal bytes (1 and 1.00 are equal;
     * a url counts by its address). Only when can_identify_rows. Bytes from the arena or the cell. */
    bool (*key)(const struct cell *c, struct arena *a, struct str *ret);
};

#define X(ID, soql, view, storage, postgres) extern const struct type type_##soql;
#include "rows/types.def"
#undef X
extern const struct type type_row_identifier, type_row_version;

const struct type *type_get(enum type_id id); /* of a column or a system column */
/* The column in PostgreSQL, of a type of types.def. */
const char *type_postgres(enum type_id id);
/* By SoQL name, view name or old alias, any case; NULL if none. *ret_format (may be NULL) gets the alias's format JSON or "". */
const struct type *type_find(struct str name, const char **ret_format);

#endif
