/* Raw rows to staged rows: the sink of the body's reader. Names are resolved to columns once, values go through their
 * column's type, a good row is appended to the stage. A bad value is a problem, counted and listed; the reading goes on
 * so that one reply names them all. Rules: docs/wire/rows.md. */
#ifndef SELTZER_INGEST_COERCE_H
#define SELTZER_INGEST_COERCE_H

#include "ingest/problems.h"
#include "ingest/set_aside.h"

/* What a name in the body means. */
enum slot_kind {
    SLOT_COLUMN,
    SLOT_ID,
    SLOT_VERSION,
    SLOT_DELETED,
    SLOT_TEXT, /* of a report of set-aside rows: what could not be read */
    SLOT_IGNORED,
    SLOT_UNKNOWN,
    SLOT_KINDS,
};

struct slot {
    enum slot_kind kind;
    int column;
};

enum { UNKNOWN_NAMES_MAX = 50, NAMES_HINTED_MAX = 10 }; /* a hint compares with every column */

struct coerce {
    /* set by the upload */
    const struct dataset *dataset;
    const struct row_id_key *row_ids;
    const struct upload_options *options;
    struct stage *stage;
    struct problems *problems;
    struct arena *names;          /* for names; lives with the upload */
    /* the body */
    bool many, single_is_delete;
    uint64_t rows;                /* seen, good and bad */
    uint64_t rows_without_id;     /* upserts that gave no :id */
    uint64_t odd_deleted_flags;   /* :deleted with something that is neither true nor false nor empty */
    struct type_context types;
    struct slot slots[SLOT_KINDS + COLUMNS_MAX + UNKNOWN_NAMES_MAX];
    int n_slots;
    struct buf unknown;           /* "a, b" */
    struct buf unknown_hints;
    uint64_t n_unknown;
    struct str unknown_names[UNKNOWN_NAMES_MAX]; /* under a failure policy: slots whose column is an index here */
    /* the row being read */
    struct arena record;
    struct stage_row row;
    struct cell *cells;           /* a cell a column */
    uint64_t *seen;               /* row number + 1 that last gave the column */
    uint64_t seen_system[SLOT_UNKNOWN + 1];
    enum row_shape shape;
    struct raw id, version;       /* as given, in record */
    bool id_given, version_given, deleted;
    bool broken; /* its text could not be read: what was read of it says nothing */
    uint64_t id_column, version_column;
    size_t row_problems;          /* of this row */
    /* the failure policy: rows are remembered as given until they turn out good */
    struct set_aside *set_aside;  /* NULL when bad rows refuse the whole */
    struct buf row_messages;      /* the row's problems in words */
};

must_use bool coerce_init(struct coerce *c, struct error *err); /* after the members above are set */
void coerce_fini(struct coerce *c);
struct row_sink coerce_sink(struct coerce *c);
/* The body is complete: false when columns were unknown, with all of them named. */
must_use bool coerce_finish(struct coerce *c, struct error *err);

#endif
