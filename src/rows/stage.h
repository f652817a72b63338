/* The stage: typed rows of one write, between the body and the store. Appended once in input order, then read any number
 * of times in runs that fit in memory and may be sorted. Memory first (a share of the process's stage budget), then a
 * nameless scratch file, in a compact encoding of our own. */
#ifndef SELTZER_ROWS_STAGE_H
#define SELTZER_ROWS_STAGE_H

#include "base/error.h"
#include "rows/column.h"

enum stage_op { STAGE_UPSERT, STAGE_DELETE };

enum stage_sid { STAGE_SID_ABSENT, STAGE_SID_NULL, STAGE_SID_GIVEN, STAGE_SID_UNREADABLE };

/* One row. cells has an entry a column of the shape, CELL_ABSENT where the row did not give it. */
struct stage_row {
    uint64_t position;        /* 0-based index in the input */
    uint64_t line;            /* 1-based line of the input where the row starts */
    enum stage_op op;
    enum stage_sid sid_state; /* :id, or the one element of [id] when there is no row identifier */
    int64_t sid;
    enum stage_sid version_state; /* :version */
    int64_t version;
    bool key_null_delete;     /* [null]: delete of "no such row: null" */
    struct cell *cells;
};

struct stage_config {
    const struct columns *columns; /* borrowed; the shape that rows were coerced against */
    const char *scratch_dir;       /* borrowed */
    size_t memory_max;             /* bytes of this stage kept in memory, 8 MiB when 0 */
    bool live;                     /* read by another thread while it grows: from its file, all but the last rows */
};

struct stage;
struct stage *stage_new(const struct stage_config *config, struct error *err);
/* Copies the row. Positions must rise. */
must_use bool stage_append(struct stage *s, const struct stage_row *row, struct error *err);
/* No more rows. */
must_use bool stage_finish(struct stage *s, struct error *err);
const struct columns *stage_columns(const struct stage *s);
uint64_t stage_rows(const struct stage *s);
uint64_t stage_bytes(const struct stage *s); /* encoded */
void stage_free(struct stage *s);            /* NULL is fine */
/* Bytes of whole rows that a cursor can read by now. Of a live stage any thread may ask, and read them. */
uint64_t stage_settled(const struct stage *s);
bool stage_is_live(const struct stage *s); /* as asked for, where there is a scratch folder */

/* Reading in runs: a run is the next rows whose encoding fits in run_bytes (at least one row). Its rows' bytes stay
 * valid until the next stage_next_run or stage_cursor_free. */
struct stage_run {
    size_t n;
    const unsigned char *const *rows; /* n encoded rows in input order; sort a copy of the pointers as you like */
};
struct stage_cursor;
struct stage_cursor *stage_cursor_new(struct stage *s, size_t run_bytes, struct error *err);
/* At the end (of a live stage: of what is settled) *ret_end is true and ret->n 0. */
must_use bool stage_next_run(struct stage_cursor *c, struct stage_run *ret, bool *ret_end, struct error *err);
void stage_cursor_free(struct stage_cursor *c);
/* Decodes without copying bytes: cell text points into the run. row->cells must have room for all the columns. */
void stage_decode(const struct stage *s, const unsigned char *encoded, struct stage_row *ret);
/* Only one column's cell, op and sid: what sorting by key needs. */
void stage_decode_key(const struct stage *s, const unsigned char *encoded, int column, struct cell *ret, uint64_t *ret_position);

#endif
