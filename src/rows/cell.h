/* A typed value on its way in or out: what a column's type makes of a value, and what the engines store.
 * Which kind a type uses is fixed by its `storage` (types.def). Bytes are a loan; whoever hands out a cell says from what. */
#ifndef SELTZER_ROWS_CELL_H
#define SELTZER_ROWS_CELL_H

#include "base/str.h"

enum cell_kind {
    CELL_ABSENT, /* the row did not give this column: merge keeps what is stored */
    CELL_NULL,
    CELL_INT,
    CELL_TEXT, /* valid UTF-8, no NUL */
    CELL_BLOB,
};

struct cell {
    enum cell_kind kind;
    int64_t i;
    struct str s;
};

static inline struct cell cell_null(void) { return (struct cell){.kind = CELL_NULL}; }
static inline struct cell cell_int(int64_t i) { return (struct cell){.kind = CELL_INT, .i = i}; }
static inline struct cell cell_text(struct str s) { return (struct cell){.kind = CELL_TEXT, .s = s}; }
static inline struct cell cell_blob(struct str s) { return (struct cell){.kind = CELL_BLOB, .s = s}; }

#endif
